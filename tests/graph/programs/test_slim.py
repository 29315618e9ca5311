"""Programs of contrib's slim and framework: models, training, evaluation, variables by scope."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import CheckpointError
from tests.graph.programs._data import one_hot, stripes
from tests.graph.programs._run import run

slim = tf.contrib.slim


def small_vgg(images: Any, is_training: bool = True) -> tuple[Any, Any]:
    end_points_collection = "vgg_end_points"
    with (
        tf.variable_scope("vgg", "vgg", [images]),
        slim.arg_scope([slim.conv2d, slim.max_pool2d], outputs_collections=end_points_collection),
        slim.arg_scope([slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(1e-4)),
    ):
        net = slim.repeat(images, 2, slim.conv2d, 6, [3, 3], scope="conv1")
        net = slim.max_pool2d(net, [2, 2], scope="pool1")
        net = slim.flatten(net)
        net = slim.stack(net, slim.fully_connected, [16, 12], scope="fc")
        net = slim.dropout(net, 0.9, is_training=is_training)
        net = slim.fully_connected(net, 3, activation_fn=None, scope="logits")
        return net, slim.utils.convert_collection_to_dict(end_points_collection)


def test_a_model_is_trained_and_evaluated(tmp_path: Path) -> None:
    images, labels = stripes(72)
    folder = str(tmp_path / "train")
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        x = tf.constant(images.reshape(-1, 8, 8, 1))
        logits, end_points = small_vgg(x)
        assert list(end_points) == ["vgg/conv1/conv1_1", "vgg/conv1/conv1_2", "vgg/pool1"]
        assert end_points["vgg/pool1"].get_shape().as_list() == [72, 4, 4, 6]
        names = [v.op.name for v in slim.get_model_variables()]
        assert "vgg/conv1/conv1_2/weights" in names
        assert "vgg/fc/fully_connected_2/biases" in names
        slim.losses.softmax_cross_entropy(logits, one_hot(labels, 3))
        total_loss = slim.losses.get_total_loss()
        assert len(slim.losses.get_losses()) == 1
        assert len(slim.losses.get_regularization_losses()) == 5
        optimizer = tf.train.AdamOptimizer(0.01)
        train_op = slim.learning.create_train_op(
            total_loss,
            optimizer,
            clip_gradient_norm=5,
            summarize_gradients=True,
            gradient_multipliers={"vgg/logits/biases": 2.0},
        )
        loss = slim.learning.train(train_op, folder, number_of_steps=50, log_every_n_steps=20)
        assert loss < 0.2
    with tf.Graph().as_default():
        test, test_labels = stripes(60, seed=8)
        logits, _ = small_vgg(tf.constant(test.reshape(-1, 8, 8, 1)), is_training=False)
        predictions = tf.argmax(logits, 1)
        values, updates = slim.metrics.aggregate_metric_map(
            {
                "accuracy": slim.metrics.streaming_accuracy(predictions, tf.constant(test_labels)),
                "mse": slim.metrics.streaming_mean_squared_error(predictions, tf.constant(test_labels)),
            }
        )
        tf.summary.scalar("accuracy", values["accuracy"])
        found = slim.evaluation.evaluate_once(
            "",
            tf.train.latest_checkpoint(folder),
            str(tmp_path / "eval"),
            num_evals=2,
            eval_op=list(updates.values()),
            final_op=values,
            summary_op=tf.summary.merge_all(),
            variables_to_restore=slim.get_variables_to_restore(),
        )
    assert found["accuracy"] > 0.85
    assert found["mse"] < 0.4
    assert list((tmp_path / "eval").iterdir())
    assert slim.metrics.aggregate_metrics((1, 2), (3, 4)) == ([1, 3], [2, 4])


def test_a_pretrained_model_is_fine_tuned(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        small_vgg(tf.zeros([1, 8, 8, 1]))
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            path = tf.train.Saver().save(sess, str(tmp_path / "vgg.ckpt"))
            expected = sess.run("vgg/conv1/conv1_1/weights:0")
    images, labels = stripes(48)
    logits, _ = small_vgg(tf.constant(images.reshape(-1, 8, 8, 1)))
    variables = slim.get_variables_to_restore(exclude=["vgg/logits", "global_step"])
    assert not [v for v in variables if "logits" in v.op.name]
    init_fn = slim.assign_from_checkpoint_fn(path, variables)
    tf.losses.sparse_softmax_cross_entropy(labels, logits)
    train_op = slim.learning.create_train_op(
        tf.losses.get_total_loss(),
        tf.train.MomentumOptimizer(0.05, 0.9),
        variables_to_train=slim.get_trainable_variables("vgg/logits"),
    )
    seen = []

    def step(session: Any, *args: Any) -> Any:
        seen.append(session.run(slim.get_variables_by_name("weights", "vgg/conv1/conv1_1")[0]))
        return slim.learning.train_step(session, *args)

    first = slim.learning.train(train_op, None, step, number_of_steps=1, init_fn=init_fn)
    np.testing.assert_array_equal(seen[-1], expected)
    assert np.isfinite(first)
    with pytest.raises(ValueError, match="create_train_op"):
        slim.learning.train(None, None)
    with pytest.raises(ValueError, match="not supported"):
        slim.learning.train(train_op, None, trace_every_n_steps=3)
    with pytest.raises(ValueError, match="expected 1 or more"):
        slim.learning.train(train_op, None, number_of_steps=0)


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    v = tf.Variable(-1.0)
    train_op = slim.learning.create_train_op(tf.log(v), tf.train.GradientDescentOptimizer(0.1))
    with pytest.raises(tf.GraphError, match="inf or nan"):
        slim.learning.train(train_op, None, number_of_steps=2)


def test_variables_by_scope(tmp_path: Path) -> None:
    framework = tf.contrib.framework
    with tf.variable_scope("a"):
        w = framework.model_variable("weights", [2], initializer=tf.ones_initializer(), collections=["mine"])
        with tf.device("/cpu:0"):
            c = framework.variable("count", [], tf.int32, tf.zeros_initializer(), trainable=False)
    with tf.variable_scope("b") as scope_b:
        w2 = framework.model_variable("weights", [2], regularizer=slim.l2_regularizer(0.1))
    g, local = framework.global_variable(1.0, name="g"), framework.local_variable(2.0, name="l")
    assert framework.get_variables() == [w, c, w2, g]
    assert framework.get_variables("a") == [w, c]
    assert framework.get_variables(scope_b) == framework.get_variables("b/") == [w2]
    assert (
        framework.get_variables(suffix="weights") == framework.get_variables_by_suffix("weights") == [w, w2]
    )
    assert framework.get_variables_by_name("weights", "b") == [w2]
    assert framework.get_model_variables() == [w, w2]
    assert framework.get_trainable_variables("a") == [w]
    assert framework.get_local_variables() == [local]
    assert framework.get_unique_variable("a/count") is c
    assert tf.get_collection("mine") == [w]
    assert framework.get_variables_to_restore(["a", "b"], ["a/count"]) == [w, w2]
    assert framework.filter_variables([w, c, w2], ["^a", "b"], ["count"]) == [w, w2]
    assert framework.filter_variables([w, c], ["weights"], reg_search=False) == []
    framework.add_model_variable(g)
    framework.add_model_variable(g)
    assert framework.get_model_variables() == [w, w2, g]
    with pytest.raises(ValueError, match="no variable"):
        framework.get_unique_variable("weights")
    with pytest.raises(TypeError, match="give a list"):
        framework.get_variables_to_restore("a")
    update, feeds = framework.assign_from_values({"a/weights": [3, 4]})
    init = tf.global_variables_initializer()
    give = framework.assign_from_values_fn({"g": 7})
    with tf.Session() as sess:
        sess.run(init)
        sess.run(update, feeds)
        give(sess)
        assert (sess.run(w).tolist(), sess.run(g)) == ([3, 4], 7)
        path = tf.train.Saver([w, c]).save(sess, str(tmp_path / "m"))
    for name, value in (("nothing", 1), ("g", [1, 2])):
        with pytest.raises(ValueError, match="variable"):
            framework.assign_from_values({name: value})
    with pytest.raises(CheckpointError, match="has no b/weights"):
        framework.assign_from_checkpoint_fn(path, [w, w2])
    update, feeds = framework.assign_from_checkpoint(path, {"a/weights": w2})
    some = framework.assign_from_checkpoint_fn(path, [w, g], ignore_missing_vars=True)
    with tf.Session() as sess:
        sess.run(init)
        sess.run(update, feeds)
        some(sess)
        assert sess.run([w, w2])[0].tolist() == [3, 4]
        assert sess.run(w2).tolist() == [3, 4]
        assert sess.run(g) == 1
    assert framework.list_variables(path) == [("a/count", []), ("a/weights", [2])]


def test_arguments_of_scopes() -> None:
    framework = tf.contrib.framework
    assert "padding" in framework.arg_scoped_arguments(slim.conv2d)
    assert "inputs" not in framework.arg_scoped_arguments(slim.conv2d)
    with pytest.raises(ValueError, match="takes no arguments"):
        framework.arg_scoped_arguments(run)
    with slim.arg_scope([slim.conv2d], padding="VALID"):
        ((arguments),) = framework.current_arg_scope().values()
        assert arguments == {"padding": "VALID"}
        assert slim.conv2d(tf.zeros([1, 5, 5, 1]), 2, 3).get_shape().as_list() == [1, 3, 3, 2]
    assert framework.current_arg_scope() == {}


def test_norms_of_groups_and_instances() -> None:
    rng = np.random.RandomState(0)
    data = rng.randn(2, 4, 3, 6).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 4, 3, 6])

    def normal(values: Any, axes: Any) -> Any:
        return (values - values.mean(axes, keepdims=True)) / np.sqrt(values.var(axes, keepdims=True) + 1e-6)

    layers = tf.contrib.layers
    instance = layers.instance_norm(x)
    group = layers.group_norm(x, 3, activation_fn=tf.nn.relu)
    first = layers.instance_norm(tf.transpose(x, [0, 3, 1, 2]), data_format="NCHW", center=False)
    found = run([instance, group, first], {x: data})
    np.testing.assert_allclose(found[0], normal(data, (1, 2)), rtol=1e-4, atol=1e-5)
    parted = normal(data.reshape(2, 4, 3, 3, 2), (1, 2, 4)).reshape(data.shape)
    np.testing.assert_allclose(found[1], np.maximum(parted, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[2], normal(data, (1, 2)).transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-5)
    assert [v.op.name for v in tf.trainable_variables("InstanceNorm")] == [
        "InstanceNorm/gamma",
        "InstanceNorm/beta",
        "InstanceNorm_1/gamma",
    ]
    for function, arguments in (
        (layers.group_norm, (x, 4)),
        (layers.group_norm, (x, 3, -1, (-1, -2))),
        (layers.instance_norm, (tf.placeholder(tf.float32),)),
        (layers.instance_norm, (tf.placeholder(tf.float32, [None, 3, 3, None]),)),
        (layers.group_norm, (tf.placeholder(tf.float32),)),
        (layers.maxout, (x, 4)),
    ):
        with pytest.raises(ValueError, match=r"known|groups"):
            function(*arguments)


def test_small_layers() -> None:
    layers = tf.contrib.layers
    data = np.array([[3.0, -4.0, 1.0, 0.0], [0.0, 2.0, 5.0, 12.0]], np.float32)
    x = tf.constant(data)
    found = run(
        [
            layers.unit_norm(x, 1),
            layers.maxout(x, 2),
            layers.bias_add(x, tf.nn.relu, tf.constant_initializer(1.0)),
            layers.bias_add(tf.zeros([1, 2, 3, 3]), initializer=tf.ones_initializer(), data_format="NCHW"),
        ]
    )
    np.testing.assert_allclose(found[0], data / np.sqrt((data**2).sum(1, keepdims=True)), rtol=1e-5)
    np.testing.assert_array_equal(found[1], [[3, 1], [2, 12]])
    np.testing.assert_array_equal(found[2], np.maximum(data + 1, 0))
    np.testing.assert_array_equal(found[3], np.ones((1, 2, 3, 3)))
    twice = layers.repeat(x, 2, layers.fully_connected, 4)
    assert twice.get_shape().as_list() == [2, 4]
    assert "fully_connected/fully_connected_2/weights" in [v.op.name for v in tf.trainable_variables()]
    assert slim.utils.last_dimension(x.get_shape()) == 4
    with pytest.raises(ValueError, match="rank 3"):
        slim.utils.last_dimension(x.get_shape(), 3)


def test_summaries_of_collections() -> None:
    layers = tf.contrib.layers
    h = layers.fully_connected(tf.ones([2, 3]), 4, outputs_collections=tf.GraphKeys.ACTIVATIONS)
    number = layers.summarize_tensor(tf.reduce_sum(h), "total")
    made = [
        number,
        layers.summarize_activation(h.op),
        *layers.summarize_variables(),
        *layers.summarize_weights(),
        *layers.summarize_biases(),
        *layers.summarize_activations(),
        *layers.summarize_collection(tf.GraphKeys.TRAINABLE_VARIABLES, ".*biases"),
        *layers.summarize_tensors([h]),
    ]
    tags = []
    for text in run(tf.get_collection(tf.GraphKeys.SUMMARIES)):
        summary = tf.Summary()
        summary.ParseFromString(text)
        tags += [v.tag for v in summary.value]
    assert len(made) == 7
    assert any(t.startswith("fully_connected/biases") for t in tags)
    assert "total" in tags
    assert [t for t in tags if t.endswith("zeros")]


def test_losses_and_metrics_with_the_predictions_first() -> None:
    rng = np.random.RandomState(1)
    p, t = rng.rand(4, 3).astype(np.float32), one_hot(rng.randint(0, 3, 4), 3)
    contrib, plain = tf.contrib.losses, tf.losses
    pairs = [
        (contrib.absolute_difference(p, t), plain.absolute_difference(t, p)),
        (contrib.cosine_distance(p, t, 1), plain.cosine_distance(t, p, 1)),
        (contrib.cosine_distance(p, t, dim=1), plain.cosine_distance(t, p, 1)),
        (contrib.hinge_loss(p, t), plain.hinge_loss(t, p)),
        (contrib.log_loss(p, t, 2.0), plain.log_loss(t, p, 2.0)),
        (contrib.mean_pairwise_squared_error(p, t), plain.mean_pairwise_squared_error(t, p)),
        (contrib.mean_squared_error(p, t), plain.mean_squared_error(t, p)),
        (contrib.sigmoid_cross_entropy(p, t), plain.sigmoid_cross_entropy(t, p)),
        (contrib.softmax_cross_entropy(p, t), plain.softmax_cross_entropy(t, p)),
        (
            contrib.sparse_softmax_cross_entropy(p, t.argmax(1)),
            plain.sparse_softmax_cross_entropy(t.argmax(1), p),
        ),
    ]
    for ours, theirs in run(pairs):
        np.testing.assert_allclose(ours, theirs)
    assert run(contrib.compute_weighted_loss([1.0, 3.0])) == 2
    metrics = tf.contrib.metrics
    classes, labels = np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1])
    assert run(metrics.accuracy(tf.constant(classes), labels)) == 0.75
    assert run(metrics.accuracy(tf.constant(classes), labels, [1, 1, 2, 0])) == 0.5
    for ours, expected in (
        (metrics.streaming_precision(classes, labels), 2 / 3),
        (metrics.streaming_recall(classes, labels), 1),
        (metrics.streaming_mean(p), p.mean()),
        (metrics.streaming_mean_absolute_error(p, t), np.abs(p - t).mean()),
        (metrics.streaming_root_mean_squared_error(p, t), np.sqrt(((p - t) ** 2).mean())),
        (metrics.streaming_percentage_less(p, 0.5), (p < 0.5).mean()),
        (metrics.streaming_mean_iou(classes, labels, 2), (1 / 2 + 2 / 3) / 2),
    ):
        update = run(ours[1])
        if ours[1].shape == ():
            np.testing.assert_allclose(update, expected, rtol=1e-5)
    value, update = metrics.streaming_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    assert abs(run(update) - 0.75) < 0.02
    value, update = metrics.streaming_mean_iou(classes, labels, 2)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update)
        np.testing.assert_allclose(session.run(value), (1 / 2 + 2 / 3) / 2, rtol=1e-6)


def test_nested_structures() -> None:
    nest = tf.contrib.framework.nest
    assert nest is tf.nest
    value = {"b": (1, [2, 3]), "a": 4}
    assert nest.flatten(value) == [4, 1, 2, 3]
    assert nest.pack_sequence_as(value, "wxyz") == {"b": ("x", ["y", "z"]), "a": "w"}
    assert nest.map_structure(lambda a, b: a + b, (1, [2]), (10, [20])) == (11, [22])
    state = tf.nn.rnn_cell.LSTMStateTuple(1, 2)
    assert nest.map_structure(lambda n: -n, state) == tf.nn.rnn_cell.LSTMStateTuple(-1, -2)
    assert nest.is_sequence([1])
    assert nest.is_nested({})
    assert not nest.is_nested("text")
    nest.assert_same_structure([1, (2,)], [3, (4,)])
    nest.assert_same_structure([1], (2,), check_types=False)
    with pytest.raises(TypeError, match="same type"):
        nest.assert_same_structure([1], (2,))
    for a, b in (([1], 2), ([1], [1, 2]), ({"a": 1}, {"b": 1})):
        with pytest.raises(ValueError, match="have not the same"):
            nest.assert_same_structure(a, b)
    with pytest.raises(ValueError, match="4 leaves"):
        nest.pack_sequence_as(value, [1])
    with pytest.raises(TypeError, match="cannot be called"):
        nest.map_structure(3, [1])
    with pytest.raises(ValueError, match="needs a structure"):
        nest.map_structure(abs)
