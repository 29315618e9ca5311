"""Classifiers as they were written from 2016 to 2019: what is checked is that they classify."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._data import batches, blobs, one_hot, stripes


def test_softmax_regression() -> None:
    x_train, labels = blobs(600, 20, 5)
    y_train = one_hot(labels, 5)
    x = tf.placeholder(tf.float32, [None, 20])
    W = tf.Variable(tf.zeros([20, 5]))
    b = tf.Variable(tf.zeros([5]))
    y = tf.nn.softmax(tf.matmul(x, W) + b)
    y_ = tf.placeholder(tf.float32, [None, 5])
    cross_entropy = tf.reduce_mean(
        -tf.reduce_sum(y_ * tf.log(tf.clip_by_value(y, 1e-10, 1.0)), reduction_indices=[1])
    )
    train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    sess = tf.InteractiveSession()
    tf.global_variables_initializer().run()
    for batch_xs, batch_ys in batches(x_train, y_train, 100, 10):
        sess.run(train_step, feed_dict={x: batch_xs, y_: batch_ys})
    assert accuracy.eval(feed_dict={x: x_train, y_: y_train}) > 0.97
    sess.close()


def test_multilayer_perceptron_with_scopes_and_regularizers() -> None:
    x_train, labels = stripes(400)
    y_train = one_hot(labels, 3)
    global_step = tf.Variable(0, trainable=False)

    def layer(inputs: Any, units: int, name: str, activation: Any = None) -> Any:
        regularizer = tf.contrib.layers.l2_regularizer(0.0001)
        with tf.variable_scope(name):
            weights = tf.get_variable(
                "weights",
                [inputs.get_shape()[1], units],
                initializer=tf.truncated_normal_initializer(stddev=0.1),
                regularizer=regularizer,
            )
            biases = tf.get_variable("biases", [units], initializer=tf.constant_initializer(0.0))
            out = tf.matmul(inputs, weights) + biases
            return out if activation is None else activation(out)

    tf.set_random_seed(2)
    x = tf.placeholder(tf.float32, [None, 64], name="x-input")
    y_ = tf.placeholder(tf.float32, [None, 3], name="y-input")
    y = layer(layer(x, 48, "layer1", tf.nn.relu), 3, "layer2")
    variable_averages = tf.train.ExponentialMovingAverage(0.95, global_step)
    variables_averages_op = variable_averages.apply(tf.trainable_variables())
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=y, labels=tf.argmax(y_, 1))
    tf.add_to_collection("losses", tf.reduce_mean(cross_entropy))
    penalties = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert [p.op.name for p in penalties] == [
        f"layer{i}/weights/Regularizer/l2_regularizer/{p.op.name.rpartition('/')[2]}"
        for i, p in enumerate(penalties, 1)
    ]
    loss = tf.add_n(tf.get_collection("losses")) + tf.add_n(penalties)
    learning_rate = tf.train.exponential_decay(0.5, global_step, 40, 0.95, staircase=True)
    train_step = tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)
    with tf.control_dependencies([train_step, variables_averages_op]):
        train_op = tf.no_op(name="train")
    # The averages in place of the variables, as an evaluation shares them.
    with tf.variable_scope("", reuse=True):
        hidden = tf.nn.relu(
            tf.matmul(x, variable_averages.average(tf.get_variable("layer1/weights")))
            + variable_averages.average(tf.get_variable("layer1/biases"))
        )
        averaged = tf.matmul(
            hidden, variable_averages.average(tf.get_variable("layer2/weights"))
        ) + variable_averages.average(tf.get_variable("layer2/biases"))
    right = [tf.equal(tf.argmax(out, 1), tf.argmax(y_, 1)) for out in (y, averaged)]
    accuracy = [tf.reduce_mean(tf.cast(r, tf.float32)) for r in right]
    x_test, test_labels = stripes(200, seed=9)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for xs, ys in batches(x_train, y_train, 50, 40):
            _, value, step = sess.run([train_op, loss, global_step], feed_dict={x: xs, y_: ys})
        found = sess.run(accuracy, {x: x_test, y_: one_hot(test_labels, 3)})
    assert step == 320
    assert value < 0.3
    assert min(found) > 0.93


def test_convolutional_network() -> None:
    def weight_variable(shape: Any) -> Any:
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias_variable(shape: Any) -> Any:
        return tf.Variable(tf.constant(0.1, shape=shape))

    def conv2d(x: Any, W: Any) -> Any:
        return tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")

    def max_pool_2x2(x: Any) -> Any:
        return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    tf.set_random_seed(3)
    images, labels = stripes(320)
    x = tf.placeholder("float", shape=[None, 64])
    y_ = tf.placeholder("float", shape=[None, 3])
    keep_prob = tf.placeholder("float")
    x_image = tf.reshape(x, [-1, 8, 8, 1])
    h_conv1 = tf.nn.relu(conv2d(x_image, weight_variable([5, 5, 1, 6])) + bias_variable([6]))
    h_pool1 = max_pool_2x2(h_conv1)
    h_conv2 = tf.nn.relu(conv2d(h_pool1, weight_variable([3, 3, 6, 8])) + bias_variable([8]))
    h_pool2 = max_pool_2x2(h_conv2)
    flat = tf.reshape(h_pool2, [-1, 2 * 2 * 8])
    h_fc1 = tf.nn.relu(tf.matmul(flat, weight_variable([32, 24])) + bias_variable([24]))
    h_fc1_drop = tf.nn.dropout(h_fc1, keep_prob)
    y_conv = tf.matmul(h_fc1_drop, weight_variable([24, 3])) + bias_variable([3])
    cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y_, logits=y_conv))
    train_step = tf.train.AdamOptimizer(5e-3).minimize(cross_entropy)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y_conv, 1), tf.argmax(y_, 1)), "float"))
    with tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(allow_growth=True))) as sess:
        sess.run(tf.initialize_all_variables())
        for xs, ys in batches(images, one_hot(labels, 3), 40, 12):
            train_step.run(feed_dict={x: xs, y_: ys, keep_prob: 0.8})
        test, test_labels = stripes(100, seed=5)
        assert accuracy.eval({x: test, y_: one_hot(test_labels, 3), keep_prob: 1.0}) > 0.93


def test_layers_with_batch_normalization_and_update_ops() -> None:
    tf.set_random_seed(4)
    images, labels = stripes(320, seed=1)
    images = images * 50 + 7
    x = tf.placeholder(tf.float32, [None, 8, 8, 1])
    y = tf.placeholder(tf.int32, [None])
    training = tf.placeholder_with_default(False, shape=(), name="training")
    net = tf.layers.conv2d(x, 6, 3, padding="same", use_bias=False)
    net = tf.nn.relu(tf.layers.batch_normalization(net, momentum=0.8, training=training))
    net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.conv2d(net, 8, 3, activation=tf.nn.relu, kernel_regularizer=tf.nn.l2_loss)
    net = tf.layers.dropout(tf.layers.flatten(net), rate=0.1, training=training)
    logits = tf.layers.dense(net, 3, name="logits")
    tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits)
    reg = tf.losses.get_regularization_loss()
    total = tf.losses.get_total_loss(add_regularization_losses=False) + 1e-4 * reg
    update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(update_ops) == 2
    with tf.control_dependencies(update_ops):
        train_op = tf.train.AdamOptimizer(0.01).minimize(total, tf.train.get_or_create_global_step())
    accuracy, update = tf.metrics.accuracy(y, tf.argmax(logits, 1))
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        shaped = images.reshape(-1, 8, 8, 1)
        for xs, ys in batches(shaped, labels, 40, 12):
            sess.run(train_op, {x: xs, y: ys, training: True})
        test, test_labels = stripes(100, seed=6)
        for part in range(2):
            rows = slice(50 * part, 50 * part + 50)
            sess.run(update, {x: (test[rows] * 50 + 7).reshape(-1, 8, 8, 1), y: test_labels[rows]})
        assert sess.run(accuracy) > 0.93
        (moving,) = [v for v in tf.global_variables() if v.op.name.endswith("moving_mean")]
        assert np.abs(sess.run(moving)).max() > 1


@pytest.mark.parametrize("layers", ["contrib.layers", "contrib.slim"])
def test_residual_network_of_contrib(layers: str) -> None:
    slim = tf.contrib.layers if layers == "contrib.layers" else tf.contrib.slim
    arg_scope = tf.contrib.framework.arg_scope

    def resnet_arg_scope(is_training: Any) -> Any:
        batch_norm_params = {
            "is_training": is_training,
            "decay": 0.8,
            "epsilon": 1e-5,
            "scale": True,
            "updates_collections": tf.GraphKeys.UPDATE_OPS,
        }
        with (
            arg_scope(
                [slim.conv2d],
                weights_regularizer=slim.l2_regularizer(1e-4),
                weights_initializer=slim.variance_scaling_initializer(),
                activation_fn=tf.nn.relu,
                normalizer_fn=slim.batch_norm,
                normalizer_params=batch_norm_params,
            ),
            arg_scope([slim.batch_norm], **batch_norm_params),
            arg_scope([slim.max_pool2d], padding="SAME") as arg_sc,
        ):
            return arg_sc

    def bottleneck(inputs: Any, depth: int, stride: int, scope: str) -> Any:
        with tf.variable_scope(scope, "bottleneck", [inputs]):
            if depth == inputs.get_shape()[-1].value and stride == 1:
                shortcut = inputs
            else:
                shortcut = slim.conv2d(inputs, depth, [1, 1], stride, activation_fn=None, scope="shortcut")
            residual = slim.conv2d(inputs, depth // 2, [1, 1], 1, scope="conv1")
            residual = slim.conv2d(residual, depth // 2, 3, stride, scope="conv2")
            residual = slim.conv2d(residual, depth, [1, 1], activation_fn=None, scope="conv3")
            return tf.nn.relu(shortcut + residual)

    tf.set_random_seed(5)
    images, labels = stripes(160)
    x = tf.placeholder(tf.float32, [None, 64])
    y = tf.placeholder(tf.int64, [None])
    is_training = tf.placeholder(tf.bool)
    with arg_scope(resnet_arg_scope(is_training)), tf.variable_scope("resnet"):
        net = slim.conv2d(tf.reshape(x, [-1, 8, 8, 1]), 8, 3, scope="conv1")
        net = bottleneck(net, 8, 1, "unit_1")
        net = bottleneck(net, 12, 2, "unit_2")
        net = tf.reduce_mean(net, [1, 2], name="pool5", keep_dims=True)
        net = slim.conv2d(net, 3, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
        logits = tf.squeeze(net, [1, 2])
    names = {v.op.name for v in tf.trainable_variables()}
    assert {"resnet/unit_2/shortcut/weights", "resnet/unit_1/conv2/BatchNorm/gamma"} <= names
    assert "resnet/unit_1/shortcut/weights" not in names
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    loss = loss + tf.add_n(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train_op = tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True).minimize(loss)
    accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(logits, 1), y)))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for xs, ys in batches(images, labels, 40, 8):
            sess.run(train_op, {x: xs, y: ys, is_training: True})
        test, test_labels = stripes(100, seed=7)
        assert sess.run(accuracy, {x: test, y: test_labels, is_training: False}) > 0.9


def test_nearest_neighbour() -> None:
    x_train, labels = blobs(200, 8, 4)
    x_test, test_labels = blobs(40, 8, 4)
    xtr = tf.placeholder("float", [None, 8])
    xte = tf.placeholder("float", [8])
    distance = tf.reduce_sum(tf.abs(tf.add(xtr, tf.negative(xte))), reduction_indices=1)
    pred = tf.arg_min(distance, 0)
    correct = 0
    with tf.Session() as sess:
        for i in range(len(x_test)):
            nearest = sess.run(pred, feed_dict={xtr: x_train, xte: x_test[i, :]})
            correct += labels[nearest] == test_labels[i]
    assert correct >= 38


def test_k_means() -> None:
    points, labels = blobs(300, 2, 3, seed=4, spread=0.2)
    vectors = tf.constant(points)
    k = 3
    first = [int(np.flatnonzero(labels == c)[0]) for c in range(k)]
    centroides = tf.Variable(tf.slice(tf.gather(vectors, first), [0, 0], [k, -1]))
    expanded_vectors = tf.expand_dims(vectors, 0)
    expanded_centroides = tf.expand_dims(centroides, 1)
    assignments = tf.argmin(
        tf.reduce_sum(tf.square(tf.subtract(expanded_vectors, expanded_centroides)), 2), 0
    )
    means = tf.concat(
        [
            tf.reduce_mean(
                tf.gather(vectors, tf.reshape(tf.where(tf.equal(assignments, c)), [1, -1])),
                reduction_indices=[1],
            )
            for c in range(k)
        ],
        0,
    )
    update_centroides = tf.assign(centroides, means)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(10):
            _, centroid_values, assignment_values = sess.run([update_centroides, centroides, assignments])
    expected = [points[labels == c].mean(0) for c in range(k)]
    np.testing.assert_allclose(centroid_values, expected, atol=1e-5)
    assert (assignment_values == labels).all()


def test_support_vector_machine_with_a_kernel() -> None:
    rng = np.random.RandomState(1)
    x_vals = rng.uniform(-1, 1, (150, 2)).astype(np.float32)
    y_vals = np.where((x_vals**2).sum(1) < 0.5, 1, -1).astype(np.float32)
    batch_size = 50
    x_data = tf.placeholder(shape=[None, 2], dtype=tf.float32)
    y_target = tf.placeholder(shape=[None, 1], dtype=tf.float32)
    prediction_grid = tf.placeholder(shape=[None, 2], dtype=tf.float32)
    b = tf.Variable(tf.random_normal(shape=[1, batch_size], seed=1))
    gamma = tf.constant(-3.0)
    sq_dists = tf.multiply(2.0, tf.matmul(x_data, tf.transpose(x_data)))
    dist = tf.reshape(tf.reduce_sum(tf.square(x_data), 1), [-1, 1])
    sq_dists = tf.add(tf.subtract(dist, sq_dists), tf.transpose(dist))
    my_kernel = tf.exp(tf.multiply(gamma, tf.abs(sq_dists)))
    first_term = tf.reduce_sum(b)
    b_vec_cross = tf.matmul(tf.transpose(b), b)
    y_target_cross = tf.matmul(y_target, tf.transpose(y_target))
    second_term = tf.reduce_sum(tf.multiply(my_kernel, tf.multiply(b_vec_cross, y_target_cross)))
    loss = tf.negative(tf.subtract(first_term, second_term))
    rA = tf.reshape(tf.reduce_sum(tf.square(x_data), 1), [-1, 1])
    rB = tf.reshape(tf.reduce_sum(tf.square(prediction_grid), 1), [-1, 1])
    pred_sq_dist = tf.add(
        tf.subtract(rA, tf.multiply(2.0, tf.matmul(x_data, tf.transpose(prediction_grid)))), tf.transpose(rB)
    )
    pred_kernel = tf.exp(tf.multiply(gamma, tf.abs(pred_sq_dist)))
    prediction_output = tf.matmul(tf.multiply(tf.transpose(y_target), b), pred_kernel)
    prediction = tf.sign(prediction_output - tf.reduce_mean(prediction_output))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.squeeze(prediction), tf.squeeze(y_target)), tf.float32))
    train_step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = {
            x_data: x_vals[:batch_size],
            y_target: y_vals[:batch_size, None],
            prediction_grid: x_vals[:batch_size],
        }
        for _ in range(200):
            sess.run(train_step, feed_dict=feeds)
        assert sess.run(accuracy, feed_dict=feeds) > 0.88
