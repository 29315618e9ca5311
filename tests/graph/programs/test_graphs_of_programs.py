"""Graphs, names and placeholders, checks and prints, and what else programs of the time import."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import FeedError, GraphError
from tests.graph.programs._run import check_gradient, run


def test_a_graph_is_read(graph: Any) -> None:
    x = tf.placeholder("float", [None, 784], name="x")
    with tf.name_scope("layer"), tf.device("/cpu:0"):
        y = tf.nn.relu(x, name="act")
    assert graph.get_tensor_by_name("layer/act:0") is y
    assert graph.get_operation_by_name("layer/act") is y.op
    assert [op.name for op in graph.get_operations()] == ["x", "layer/act"]
    definition = graph.as_graph_def()
    assert isinstance(definition, tf.GraphDef)
    assert isinstance(definition.node[1], tf.NodeDef)
    node = definition.node[1]
    assert (node.name, node.op, node.input) == ("layer/act", "relu", ["x"])
    assert "cpu" in node.device.lower()
    assert str(definition) == str(graph)
    assert str(y.op.node_def) in str(definition)
    assert graph.as_graph_element("x:0") is x
    assert graph.as_graph_element("x") is x.op
    assert y.op.values() == (y,)
    assert x.consumers() == [y.op]
    assert y.value_index == 0
    assert graph.is_feedable(x)
    assert graph.is_fetchable(y)
    assert not graph.is_fetchable("x")
    with pytest.raises(TypeError, match="not a tensor"):
        graph.as_graph_element(3)
    assert graph.version == 2
    with graph.name_scope("s"):
        assert graph.get_name_scope() == "s"
    graph.finalize()
    assert graph.finalized
    with pytest.raises(GraphError, match="finalized"):
        tf.constant(1.0)
    other = tf.Graph()
    with other.as_default():
        assert tf.get_default_graph() is other
    with pytest.raises(ValueError, match="another graph"):
        other.as_graph_element(x)
    with pytest.raises(KeyError, match="did you mean"):
        graph.get_operation_by_name("layer/at")


def test_placeholders_with_a_default() -> None:
    keep = tf.placeholder_with_default(1.0, [], name="keep")
    sizes = tf.placeholder_with_default(np.array([2, 3], np.int32), [None])
    y = tf.reshape(tf.range(6), sizes)
    assert keep.op.name == "keep"
    assert (run(keep), run(keep, {keep: 0.5})) == (1.0, 0.5)
    assert run(y).shape == (2, 3)
    assert run(y, {sizes: [6]}).shape == (6,)
    with pytest.raises(FeedError):
        run(keep, {keep: [1.0]})
    some = tf.placeholder_with_default(tf.zeros([2, 2]), [None, 2])
    assert some.get_shape().as_list() == [None, 2]
    assert run(some, {some: np.ones((5, 2))}).shape == (5, 2)
    with pytest.raises(ValueError, match="contradict"):
        tf.placeholder_with_default(tf.zeros([2]), [3])


def test_devices_and_seeds() -> None:
    with tf.device("/cpu:0"):
        a = tf.constant(1.0)
    with tf.colocate_with(a):
        b = tf.constant(2.0)
    assert a.device == b.device != ""
    tf.set_random_seed(7)
    assert tf.get_seed(3) == (7, 3)
    assert tf.is_tensor(a)
    assert not tf.is_tensor(1.0)
    assert tf.is_numeric_tensor(a)
    assert not tf.is_numeric_tensor(tf.constant(True))
    assert [t.dtype for t in tf.convert_n_to_tensor([1, 2.0])] == [tf.int32, tf.float32]


def test_there_are_only_graphs() -> None:
    v1 = tf.compat.v1
    assert v1 is tf
    assert v1.placeholder is tf.placeholder
    for function in (tf.disable_eager_execution, tf.disable_v2_behavior, tf.disable_resource_variables):
        assert function() is None
    assert tf.enable_resource_variables() is None
    assert tf.executing_eagerly() is False
    with pytest.raises(GraphError, match="eager"):
        tf.enable_eager_execution()
    assert (tf.compat.as_bytes("ä"), tf.compat.as_text(b"a"), tf.compat.as_str("b")) == (
        "ä".encode(),
        "a",
        "b",
    )
    assert (tf.compat.as_str_any(3), tf.compat.path_to_str(Path("a"))) == ("3", "a")
    assert tf.VERSION.startswith("1.")


def failing(operation: Any, words: str, feeds: Any = None) -> None:
    with tf.Session() as session, pytest.raises(GraphError, match=words):
        session.run(operation, feeds)


def test_assertions() -> None:
    x = tf.placeholder(tf.float32, [2])
    good, bad = {x: [1.0, 2.0]}, {x: [-1.0, 2.0]}
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0), ["must be above 0:", x])]):
        y = x * 2
    np.testing.assert_array_equal(run(y, good), [2, 4])
    failing(y, r"must be above 0:.*\[-1.0 2.0\]", bad)
    for function, other, words in (
        (tf.assert_equal, [1.0, 2.0], "=="),
        (tf.assert_none_equal, [-1.0, 5.0], "!="),
        (tf.assert_less, [3.0, 3.0], "<"),
        (tf.assert_less_equal, [1.0, 2.0], "<="),
        (tf.assert_greater, [-1.0, 0.0], ">"),
        (tf.assert_greater_equal, [0.0, 2.0], ">="),
    ):
        operation = function(x, other, message="here")
        run(operation, good)
        turned = {x: [-2.0, -3.0] if words.startswith(">") else [9.0, -9.0] if words != "!=" else [-1.0, 2.0]}
        failing(operation, f"here: x {words} y", turned)
    for function, data in (
        (tf.assert_positive, [1.0, 2.0]),
        (tf.assert_negative, [-1.0, -2.0]),
        (tf.assert_non_negative, [0.0, 2.0]),
        (tf.assert_non_positive, [0.0, -2.0]),
    ):
        operation = function(x)
        run(operation, {x: data})
        failing(operation, "does not hold", {x: [1.0, -1.0]})
    run(tf.assert_rank(x, 1))
    run(tf.assert_rank_at_least(x, 1))
    with pytest.raises(ValueError, match="rank 2"):
        tf.assert_rank(x, 2)
    with pytest.raises(ValueError, match="rank 2 at least"):
        tf.assert_rank_at_least(x, 2)
    unknown = tf.placeholder(tf.float32)
    run(tf.assert_rank(unknown, 2), {unknown: np.ones((1, 1))})
    failing(tf.assert_rank(unknown, 2), "rank 2", {unknown: [1.0]})
    failing(tf.assert_rank_at_least(unknown, 2), "at least", {unknown: [1.0]})
    tf.assert_type(x, tf.float32)
    with pytest.raises(TypeError, match="is float32, not int32"):
        tf.assert_type(x, tf.int32)


def test_finite_values() -> None:
    x = tf.placeholder(tf.float64, [2])
    y = tf.check_numerics(tf.log(x), "the logarithm")
    np.testing.assert_allclose(run(y, {x: [1.0, 2.0]}), np.log([1, 2]))
    failing(y, "the logarithm", {x: [0.0, 1.0]})
    check_gradient(tf.square(y), x, {x: np.array([1.5, 2.0])}, second=True)
    failing(tf.verify_tensor_all_finite(tf.sqrt(x), "roots"), "roots", {x: [-1.0, 1.0]})
    everything = tf.add_check_numerics_ops()
    run(everything, {x: [1.0, 2.0]})
    failing(everything, "infinities or NaN", {x: [-1.0, 2.0]})


def test_printing(capfd: pytest.CaptureFixture[str]) -> None:
    x = tf.placeholder(tf.float64, [5])
    y = tf.square(tf.Print(x, [x, "and", tf.constant([1, 2])], message="seen: ", first_n=2, summarize=2))
    with tf.Session() as session:
        for _ in range(3):
            session.run(y, {x: np.arange(5.0)})
    assert capfd.readouterr().err == "seen: and[0.0 1.0...][1 2]\n" * 2
    check_gradient(y, x, {x: np.arange(5.0)}, second=True)


def test_python_functions() -> None:
    x = tf.placeholder(tf.float32, [None])
    calls = []

    def both(a: Any, b: Any) -> Any:
        calls.append(a.shape)
        return (a + b).astype(np.float32), np.int64(a.size)

    total, count = tf.py_func(both, [x, np.float32(2)], [tf.float32, tf.int64])
    found = run([total * 2, count], {x: [1.0, 2.0]})
    np.testing.assert_array_equal(found[0], [6, 8])
    assert (found[1], calls) == (2, [(2,)])
    single = tf.numpy_function(lambda a: a[::-1], [x], tf.float32)
    np.testing.assert_array_equal(run(single, {x: [1.0, 2.0]}), [2, 1])
    failing(tf.py_func(lambda a: a.astype(np.float64), [x], tf.float32), "Tout says float32", {x: [1.0]})
    failing(tf.py_func(lambda a: [a, a], [x], [tf.float32]), "gave 2 values", {x: [1.0]})


def test_files(tmp_path: Path) -> None:
    folder = str(tmp_path / "a" / "b")
    tf.gfile.MakeDirs(folder)
    assert tf.gfile.Exists(folder)
    assert tf.gfile.IsDirectory(folder)
    tf.gfile.MkDir(f"{folder}/c")
    path = f"{folder}/text.txt"
    with tf.gfile.GFile(path, "w") as file:
        file.write("one\ntwo\n")
        file.flush()
    with tf.gfile.Open(path) as file:
        assert file.readline() == "one\n"
        assert file.tell() == 4
        file.seek(0)
        assert list(file) == ["one\n", "two\n"]
    with tf.gfile.FastGFile(path, "rb") as file:
        assert (file.size(), file.read()) == (8, b"one\ntwo\n")
    lines = tf.gfile.GFile(path)
    assert lines.readlines() == ["one\n", "two\n"]
    lines.close()
    tf.gfile.Copy(path, f"{folder}/copy.txt")
    with pytest.raises(FileExistsError):
        tf.gfile.Copy(path, f"{folder}/copy.txt")
    tf.gfile.Rename(f"{folder}/copy.txt", f"{folder}/moved.txt")
    assert tf.gfile.ListDirectory(folder) == ["c", "moved.txt", "text.txt"]
    assert tf.gfile.Glob(f"{folder}/*.txt") == [f"{folder}/moved.txt", path]
    assert next(iter(tf.gfile.Walk(folder)))[1] == ["c"]
    tf.gfile.Remove(path)
    tf.gfile.DeleteRecursively(folder)
    assert not tf.gfile.Exists(folder)


def test_a_command_line() -> None:
    flags = tf.app.flags
    flags.DEFINE_string("folder_", "here", "where")
    flags.DEFINE_integer("steps_", 5, "how many")
    flags.DEFINE_float("rate_", 0.1, "how fast")
    flags.DEFINE_boolean("train_", True, "whether")
    flags.DEFINE_bool("test_", False, "whether")
    flags.DEFINE_enum("mode_", "a", ["a", "b"], "which")
    flags.DEFINE_list("layers_", "1,2", "which")
    assert tf.flags is flags
    defined = ("string", "integer", "float", "boolean", "enum", "list")
    assert all(getattr(tf.app, f"DEFINE_{n}") is getattr(flags, f"DEFINE_{n}") for n in defined)
    assert tf.app.FLAGS is flags.FLAGS
    seen = []

    def main(argv: Any) -> int:
        f = flags.FLAGS
        seen.append((argv, f.folder_, f.steps_, f.rate_, f.train_, f.test_, f.mode_, f.layers_))
        return 3

    words = ["program", "--steps_=7", "--notrain_", "--test_", "--mode_", "b", "rest", "--layers_=5,6"]
    with pytest.raises(SystemExit) as status:
        tf.app.run(main, words)
    assert status.value.code == 3
    assert seen == [(["program", "rest"], "here", 7, 0.1, False, True, "b", ["5", "6"])]
    flags.FLAGS.steps_ = 9
    assert flags.FLAGS.flag_values_dict()["steps_"] == 9
    assert "rate_" in flags.FLAGS
    with pytest.raises(AttributeError, match="no flag"):
        _ = flags.FLAGS.absent
    flags.DEFINE_string("needed_", None)
    tf.app.mark_flag_as_required("needed_")
    with pytest.raises(ValueError, match="--needed_ must be given"):
        flags.FLAGS(["program"])
    assert flags.FLAGS(["program", "--needed_", "x"]) == ["program"]
    with pytest.raises(ValueError, match="defined already"):
        flags.DEFINE_string("folder_", None)


def test_messages(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("samara.program")
    level, handlers, propagate = logger.level, list(logger.handlers), logger.propagate
    levels = [tf.logging.DEBUG, tf.logging.INFO, tf.logging.WARN, tf.logging.ERROR, tf.logging.FATAL]
    assert levels == sorted(set(levels))
    try:
        tf.logging.set_verbosity(tf.logging.INFO)
        assert tf.logging.get_verbosity() == tf.logging.INFO
        logger.propagate = True
        for function in (
            tf.logging.debug,
            tf.logging.info,
            tf.logging.warn,
            tf.logging.error,
            tf.logging.fatal,
        ):
            function("step %d", 3)
        tf.logging.log(tf.logging.ERROR, "at %s", "once")
        assert tf.logging.warning is tf.logging.warn
        assert caplog.messages == ["step 3"] * 4 + ["at once"]
    finally:
        logger.setLevel(level)
        logger.handlers[:], logger.propagate = handlers, propagate
