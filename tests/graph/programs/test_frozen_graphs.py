"""Trained graphs that leave the program: frozen, imported elsewhere, saved as models."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import CheckpointError, GraphError
from tests.graph.programs._data import blobs


def classifier(steps: int = 60) -> tuple[Any, Any, Any]:
    """A trained session, points, and their classes."""
    points, labels = blobs(90, 4, 3)
    with tf.device("/cpu:0"):
        x = tf.placeholder(tf.float32, [None, 4], name="input")
        y = tf.placeholder(tf.int64, [None], name="labels")
        with tf.variable_scope("net"):
            h = tf.layers.dense(x, 8, tf.nn.relu)
            h = tf.cond(tf.reduce_sum(h) > 1e6, lambda: h * 0, lambda: h * tf.get_variable("gain", [8]))
        logits = tf.layers.dense(h, 3, name="logits")
    tf.nn.softmax(logits, name="probabilities")
    tf.argmax(logits, 1, name="class")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    train = tf.train.AdamOptimizer(0.05).minimize(loss, tf.train.get_or_create_global_step())
    tf.add_to_collection("train_step", train)
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    for _ in range(steps):
        sess.run(train, {x: points, y: labels})
    return sess, points, labels


def test_freeze_write_and_import(tmp_path: Path) -> None:
    sess, points, labels = classifier()
    expected = sess.run("probabilities:0", {"input:0": points})
    graph_def = tf.get_default_graph().as_graph_def()
    output = tf.graph_util.convert_variables_to_constants(sess, graph_def, ["probabilities", "class"])
    assert not [n for n in output.node if n.op == "variable"]
    assert len(output.node) < len(graph_def.node) / 2
    with tf.gfile.GFile(str(tmp_path / "frozen.pb"), "wb") as f:
        f.write(output.SerializeToString())
    assert output.ByteSize() == (tmp_path / "frozen.pb").stat().st_size

    with tf.Graph().as_default() as graph:
        again = tf.GraphDef()
        with tf.gfile.FastGFile(str(tmp_path / "frozen.pb"), "rb") as f:
            assert again.ParseFromString(f.read()) > 0
        for node in again.node:
            node.device = ""
        assert tf.import_graph_def(again, name="") is None
        assert not any(op.device for op in graph.get_operations())
        assert "net/dense/kernel" in [n.name for n in again.node]
        x = graph.get_tensor_by_name("input:0")
        with tf.Session() as session:
            np.testing.assert_array_equal(session.run("probabilities:0", {x: points}), expected)
            assert np.mean(session.run("class:0", {x: points}) == labels) > 0.95
        with pytest.raises(GraphError, match="already"):
            tf.import_graph_def(again, name="")


def test_import_with_other_inputs() -> None:
    sess, points, _ = classifier(3)
    expected = sess.run("probabilities:0", {"input:0": points / 2})
    frozen = tf.graph_util.convert_variables_to_constants(sess, sess.graph_def, ["probabilities"])
    with tf.Graph().as_default() as graph:
        doubled = tf.placeholder(tf.float32, [None, 4])
        out, op = tf.import_graph_def(
            frozen,
            input_map={"input": doubled / 2},
            return_elements=["probabilities:0", "probabilities"],
        )
        assert (out.name, op) == ("import/probabilities:0", out.op)
        with tf.Session() as session:
            np.testing.assert_array_equal(session.run(out, {doubled: points}), expected)
        (twice,) = tf.import_graph_def(frozen, return_elements=["probabilities:0"], name="import")
        assert twice.name == "import_1/probabilities:0"
        with pytest.raises(ValueError, match="no 'x'"):
            tf.import_graph_def(frozen, input_map={"x": doubled})
        with pytest.raises(ValueError, match="no 'nothing:0'"):
            tf.import_graph_def(frozen, return_elements=["nothing:0"])
        with pytest.raises(TypeError, match="expected a GraphDef"):
            tf.import_graph_def(graph)


def test_a_frozen_graph_is_fine_tuned() -> None:
    """Features of a frozen network below a new layer."""
    sess, points, labels = classifier()
    frozen = tf.graph_util.convert_variables_to_constants(sess, sess.graph_def, ["probabilities"])
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 4])
        (features,) = tf.import_graph_def(frozen, {"input": x}, ["probabilities:0"])
        swapped = tf.layers.dense(features, 3)
        loss = tf.losses.sparse_softmax_cross_entropy((labels + 1) % 3, swapped)
        train = tf.train.AdamOptimizer(0.2).minimize(loss)
        assert len(tf.trainable_variables()) == 2
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(40):
                session.run(train, {x: points})
            assert session.run(loss, {x: points}) < 0.2


def test_what_is_not_frozen() -> None:
    sess, _, _ = classifier(1)
    g = sess.graph_def
    part = tf.graph_util.convert_variables_to_constants(sess, g, ["class"], None, ["logits/kernel"])
    assert [n.name for n in part.node if n.op == "variable"] == ["logits/kernel"]
    part = tf.graph_util.convert_variables_to_constants(sess, g, ["class"], ["logits/kernel"])
    assert "net/dense/kernel" in [n.name for n in part.node if n.op == "variable"]
    with pytest.raises(GraphError, match="writes variable"):
        tf.graph_util.convert_variables_to_constants(
            sess, g, [sess.graph.get_collection("train_step")[0].name]
        )
    with pytest.raises(ValueError, match="no node 'nothing'"):
        tf.graph_util.extract_sub_graph(g, ["nothing"])
    with pytest.raises(TypeError, match="give a list"):
        tf.graph_util.extract_sub_graph(g, "class")
    with pytest.raises(CheckpointError, match="no graph that this package wrote"):
        tf.GraphDef().ParseFromString(b"\x0a\x10not a graph")
    data = bytearray(part.SerializeToString())
    data[-1] ^= 1
    with pytest.raises(CheckpointError, match="damaged"):
        tf.GraphDef.FromString(bytes(data))


def test_identities_of_training_are_removed() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.check_numerics(tf.identity(tf.identity(x) * 2), "y")
    tf.identity(y + 1, name="out")
    slim = tf.graph_util.remove_training_nodes(tf.get_default_graph().as_graph_def(), ["out"])
    kinds = [n.op for n in slim.node]
    assert kinds.count("identity") == 1
    assert "check_all" not in kinds
    with tf.Graph().as_default():
        tf.import_graph_def(slim, name="m")
        with tf.Session() as session:
            np.testing.assert_array_equal(session.run("m/out:0", {"m/x:0": [1, 2, 3]}), [3, 5, 7])


def test_nodes_are_changed_by_the_program() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    tf.nn.relu(x, name="act")
    tf.add(tf.get_default_graph().get_tensor_by_name("act:0"), 1.0, name="y")
    changed = tf.GraphDef()
    changed.CopyFrom(tf.get_default_graph().as_graph_def())
    for node in changed.node:
        if node.op == "relu":
            node.op = "negative"
    other = tf.GraphDef()
    other.node.extend(copy.deepcopy(changed).node)
    node = tf.NodeDef()
    node.CopyFrom(other.node[0])
    assert (node.name, node.op) == ("x", "placeholder")
    with tf.Graph().as_default():
        tf.import_graph_def(other, name="")
        with tf.Session() as session:
            assert session.run("y:0", {"x:0": [1, -2]}).tolist() == [0, 3]
        other.node.pop(0)
        with pytest.raises(GraphError, match="needs 'x'"):
            tf.import_graph_def(other, name="b")
    assert "relu" in str(tf.get_default_graph().as_graph_def())


def test_graphs_are_written_as_bytes_and_text(tmp_path: Path) -> None:
    tf.constant(2.0, name="two")
    tf.train.write_graph(tf.get_default_graph(), str(tmp_path), "g.txt")
    tf.train.write_graph(tf.get_default_graph().as_graph_def(), str(tmp_path), "g.pb", as_text=False)
    assert "two" in (tmp_path / "g.txt").read_text()
    assert [n.name for n in tf.GraphDef.FromString((tmp_path / "g.pb").read_bytes()).node] == ["two"]


def test_a_meta_graph_and_its_checkpoint_are_all_a_program_needs(tmp_path: Path) -> None:
    sess, points, labels = classifier(20)
    path = tf.train.Saver().save(sess, str(tmp_path / "model"), global_step=20)
    expected = sess.run("probabilities:0", {"input:0": points})
    with tf.Graph().as_default() as graph, tf.Session() as session:
        saver = tf.train.import_meta_graph(path + ".meta")
        saver.restore(session, tf.train.latest_checkpoint(str(tmp_path)))
        x, y = (graph.get_tensor_by_name(n) for n in ("input:0", "labels:0"))
        found = session.run("probabilities:0", {x: points})
        np.testing.assert_array_equal(found, expected)
        (train,) = tf.get_collection("train_step")
        for _ in range(40):
            session.run(train, {x: points, y: labels})
        assert session.run("global_step:0") == 60
        assert np.mean(session.run("class:0", {x: points}) == labels) > 0.95


def test_saved_models(tmp_path: Path) -> None:
    sess, points, _ = classifier()
    expected = sess.run("probabilities:0", {"input:0": points})
    graph = sess.graph
    x, probabilities = graph.get_tensor_by_name("input:0"), graph.get_tensor_by_name("probabilities:0")
    folder = str(tmp_path / "simple")
    tf.saved_model.simple_save(sess, folder, inputs={"x": x}, outputs={"p": probabilities})
    assert tf.saved_model.loader.maybe_saved_model_directory(folder)
    assert not tf.saved_model.contains_saved_model(str(tmp_path))
    constants = tf.saved_model.signature_constants
    with tf.Session(graph=tf.Graph()) as session:
        meta = tf.saved_model.loader.load(session, [tf.saved_model.tag_constants.SERVING], folder)
        signature = meta.signature_def[constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
        assert signature.method_name == constants.PREDICT_METHOD_NAME
        assert tf.saved_model.is_valid_signature(signature)
        found = session.run(signature.outputs["p"].name, {signature.inputs["x"].name: points})
        np.testing.assert_array_equal(found, expected)
        assert signature.inputs["x"].tensor_shape.as_list() == [None, 4]
        assert signature.inputs["x"].dtype is tf.float32
        assert not session.graph.get_operation_by_name("net/dense/kernel").device
    with tf.Session(graph=tf.Graph()) as session:
        tf.saved_model.load(session, ["serve"], folder, import_scope="inner")
        np.testing.assert_array_equal(
            session.run("inner/probabilities:0", {"inner/input:0": points}), expected
        )
        (tensor,) = [
            tf.saved_model.utils.get_tensor_from_tensor_info(i, session.graph, "inner")
            for i in signature.outputs.values()
        ]
        assert tensor.name == "inner/probabilities:0"
        with pytest.raises(RuntimeError, match="it has serve"):
            tf.saved_model.load(session, ["train"], folder)
    with pytest.raises(AssertionError, match="not empty"):
        tf.saved_model.simple_save(sess, folder, {"x": x}, {"p": probabilities})
    with tf.Session() as session, pytest.raises(CheckpointError, match="no saved model"):
        tf.saved_model.load(session, ["serve"], str(tmp_path))


def test_saved_models_of_several_graphs(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.Variable(3.0, name="v")
    local = tf.Variable(1.0, name="local", trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    y = tf.multiply(x, v + local, name="y")
    model = tf.saved_model
    signature = model.signature_def_utils.build_signature_def(
        inputs={"x": model.utils.build_tensor_info(x)},
        outputs={"y": model.utils.build_tensor_info(y)},
        method_name=model.signature_constants.PREDICT_METHOD_NAME,
    )
    builder = model.builder.SavedModelBuilder(str(tmp_path / "m"))
    with pytest.raises(AssertionError, match="first graph"):
        builder.add_meta_graph(["serve"])
    with tf.Session() as sess:
        sess.run([v.initializer, local.initializer])
        v.load(5.0, sess)
        main = tf.local_variables_initializer()
        with pytest.raises(ValueError, match="no other files"):
            builder.add_meta_graph_and_variables(sess, ["serve"], assets_collection=["words.txt"])
        builder.add_meta_graph_and_variables(sess, ["serve", "gpu"], {"double": signature}, main_op=main)
        with pytest.raises(AssertionError, match="saved already"):
            builder.add_meta_graph_and_variables(sess, ["serve"])
    with tf.Graph().as_default():
        tf.negative(tf.Variable(0.0, name="v"), name="y")
        builder.add_meta_graph([model.tag_constants.TRAINING])
    assert Path(builder.save()).is_file()
    with tf.Session(graph=tf.Graph()) as session:
        meta = model.load(session, ["gpu", "serve"], tmp_path / "m")
        assert list(meta.signature_def) == ["double"]
        assert session.run("y:0", {"x:0": 2.0}) == 12
    with tf.Session(graph=tf.Graph()) as session:
        model.load(session, "train", tmp_path / "m")
        assert session.run("y:0") == -5


def test_kinds_of_signatures() -> None:
    model = tf.saved_model
    x, scores = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None])
    classes = tf.constant(["a"])
    found = model.classification_signature_def(x, classes, scores)
    assert sorted(found.outputs) == [model.CLASSIFY_OUTPUT_CLASSES, model.CLASSIFY_OUTPUT_SCORES]
    assert found.outputs["classes"].dtype is tf.string
    regression = model.regression_signature_def(x, scores)
    assert (regression.method_name, list(regression.inputs)) == (model.REGRESS_METHOD_NAME, ["inputs"])
    assert all(model.is_valid_signature(s) for s in (found, regression))
    assert not model.is_valid_signature(model.build_signature_def())
    for function, arguments in (
        (model.predict_signature_def, ({}, {"y": x})),
        (model.regression_signature_def, (x, None)),
        (model.classification_signature_def, (x, None, None)),
    ):
        with pytest.raises(ValueError, match="signature"):
            function(*arguments)
