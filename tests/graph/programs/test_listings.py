"""Whole programs as people wrote them for TensorFlow 0.x and 1.x: only the import is another one."""

from __future__ import annotations

import numpy as np

import samara as tf


def test_basic_operations() -> None:
    a = tf.constant(2)
    b = tf.constant(3)
    with tf.Session() as sess:
        assert sess.run(a + b) == 5
        assert sess.run(a * b) == 6
    a = tf.placeholder(tf.int16)
    b = tf.placeholder(tf.int16)
    add = tf.add(a, b)
    mul = tf.mul(a, b)
    with tf.Session() as sess:
        assert sess.run(add, feed_dict={a: 2, b: 3}) == 5
        assert sess.run(mul, feed_dict={a: 2, b: 3}) == 6
    matrix1 = tf.constant([[3.0, 3.0]])
    matrix2 = tf.constant([[2.0], [2.0]])
    product = tf.matmul(matrix1, matrix2)
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(product), [[12.0]])


def test_interactive_session() -> None:
    sess = tf.InteractiveSession()
    x = tf.Variable([1.0, 2.0])
    a = tf.constant([3.0, 3.0])
    x.initializer.run()
    sub = tf.sub(x, a)
    np.testing.assert_array_equal(sub.eval(), [-2.0, -1.0])
    sess.close()


def test_a_counter() -> None:
    state = tf.Variable(0, name="counter")
    one = tf.constant(1)
    new_value = tf.add(state, one)
    update = tf.assign(state, new_value)
    init_op = tf.initialize_all_variables()
    with tf.Session() as sess:
        sess.run(init_op)
        assert sess.run(state) == 0
        assert [sess.run([update, state])[0] for _ in range(3)] == [1, 2, 3]


def test_linear_regression() -> None:
    rng = np.random.RandomState(0)
    train_X = rng.uniform(0, 10, 17)
    train_Y = 0.25 * train_X + 0.8 + 0.01 * rng.randn(17)
    n_samples = train_X.shape[0]
    X = tf.placeholder("float")
    Y = tf.placeholder("float")
    W = tf.Variable(rng.randn(), name="weight", dtype=tf.float32)
    b = tf.Variable(rng.randn(), name="bias", dtype=tf.float32)
    pred = tf.add(tf.multiply(X, W), b)
    cost = tf.reduce_sum(tf.pow(pred - Y, 2)) / (2 * n_samples)
    optimizer = tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    w, c = float(W.initial_value.op.a.value), float(b.initial_value.op.a.value)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(30):
            for x, y in zip(train_X, train_Y, strict=True):
                sess.run(optimizer, feed_dict={X: x, Y: y})
                error = (w * x + c - y) / n_samples
                w, c = w - 0.01 * error * x, c - 0.01 * error
        np.testing.assert_allclose(sess.run([W, b]), [w, c], rtol=1e-4)
        assert sess.run(cost, feed_dict={X: train_X, Y: train_Y}) < 0.5


def test_softmax_regression() -> None:
    rng = np.random.RandomState(1)
    centers = 3 * rng.randn(4, 6)
    labels = rng.randint(0, 4, 200)
    data = (centers[labels] + rng.randn(200, 6)).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 6])
    y = tf.placeholder(tf.float32, [None, 4])
    W = tf.Variable(tf.zeros([6, 4]))
    b = tf.Variable(tf.zeros([4]))
    pred = tf.nn.softmax(tf.matmul(x, W) + b)
    cost = tf.reduce_mean(-tf.reduce_sum(y * tf.log(pred + 1e-9), reduction_indices=1))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(cost)
    correct = tf.equal(tf.argmax(pred, 1), tf.argmax(y, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    feeds = {x: data, y: np.eye(4)[labels]}
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        start = sess.run(cost, feeds)
        for _ in range(100):
            sess.run(train, feed_dict=feeds)
        assert abs(start - np.log(4)) < 1e-5
        assert accuracy.eval(feeds) > 0.95


def test_nearest_neighbours() -> None:
    rng = np.random.RandomState(2)
    known, asked = rng.rand(50, 8), rng.rand(5, 8)
    xtr = tf.placeholder("float", [None, 8])
    xte = tf.placeholder("float", [8])
    distance = tf.reduce_sum(tf.abs(tf.add(xtr, tf.neg(xte))), reduction_indices=1)
    pred = tf.arg_min(distance, 0)
    with tf.Session() as sess:
        found = [sess.run(pred, feed_dict={xtr: known, xte: row}) for row in asked]
    assert found == [np.abs(known - row).sum(1).argmin() for row in asked]


def test_k_means() -> None:
    rng = np.random.RandomState(3)
    points_n, clusters_n = 90, 3
    centers = np.array([[0, 0], [5, 5], [0, 5]], np.float32)
    data = (centers[np.arange(points_n) % 3] + 0.3 * rng.randn(points_n, 2)).astype(np.float32)
    points = tf.constant(data)
    centroids = tf.Variable(tf.slice(points, [0, 0], [clusters_n, -1]))
    points_expanded = tf.expand_dims(points, 0)
    centroids_expanded = tf.expand_dims(centroids, 1)
    distances = tf.reduce_sum(tf.square(tf.sub(points_expanded, centroids_expanded)), 2)
    assignments = tf.argmin(distances, 0)
    means = []
    for c in range(clusters_n):
        means.append(
            tf.reduce_mean(
                tf.gather(points, tf.reshape(tf.where(tf.equal(assignments, c)), [1, -1])),
                reduction_indices=[1],
            )
        )
    new_centroids = tf.concat(0, means)
    update_centroids = tf.assign(centroids, new_centroids)
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        for _ in range(10):
            _, found, _ = sess.run([update_centroids, centroids, assignments])
    np.testing.assert_allclose(found, np.stack([data[i::3].mean(0) for i in range(3)]), atol=1e-5)


def test_a_recurrent_network_by_scan() -> None:
    """The sum of a sequence's numbers, learned by a recurrent network that scan runs, with clipped gradients."""
    tf.set_random_seed(1)
    sequences = tf.placeholder(tf.float32, [None, 6, 1])
    targets = tf.placeholder(tf.float32, [None, 1])
    with tf.variable_scope("rnn", initializer=tf.random_normal_initializer(stddev=0.3, seed=3)):
        w_in = tf.get_variable("w_in", [1, 8])
        w_state = tf.get_variable("w_state", [8, 8])
        w_out = tf.get_variable("w_out", [8, 1])

    def step(state, inputs):  # type: ignore[no-untyped-def]
        return tf.tanh(tf.matmul(inputs, w_in) + tf.matmul(state, w_state))

    start = tf.zeros([tf.shape(sequences)[0], 8])
    states = tf.scan(step, tf.transpose(sequences, [1, 0, 2]), initializer=start)
    loss = tf.reduce_mean(tf.square(tf.matmul(states[-1], w_out) - targets))
    tvars = tf.trainable_variables()
    grads, norm = tf.clip_by_global_norm(tf.gradients(loss, tvars), 1.0)
    train = tf.train.AdamOptimizer(0.02).apply_gradients(zip(grads, tvars, strict=True))
    rng = np.random.RandomState(4)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = []
        for _ in range(80):
            x = rng.uniform(-0.5, 0.5, (32, 6, 1))
            losses.append(sess.run([loss, train], {sequences: x, targets: x.sum(1)})[0])
        assert sess.run(norm, {sequences: x, targets: x.sum(1)}) >= 0
    assert np.mean(losses[-10:]) < 0.2 * np.mean(losses[:5])


def test_mandelbrot() -> None:
    """The set by its real and imaginary parts, with grouped assignments."""
    Y, X = np.mgrid[-1.3:1.3:0.1, -2:1:0.1]
    xs_r, xs_i = tf.constant(X.astype(np.float32)), tf.constant(Y.astype(np.float32))
    zr, zi = tf.Variable(xs_r), tf.Variable(xs_i)
    ns = tf.Variable(tf.zeros_like(xs_r, tf.float32))
    new_r, new_i = zr * zr - zi * zi + xs_r, 2 * zr * zi + xs_i
    not_diverged = tf.less(new_r * new_r + new_i * new_i, 16.0)
    first = tf.tuple([new_r, new_i, not_diverged])
    step = tf.group(zr.assign(first[0]), zi.assign(first[1]), ns.assign_add(tf.cast(first[2], tf.float32)))
    z = X + 1j * Y
    c, counts = z.copy(), np.zeros(X.shape)
    with tf.Session() as sess:
        tf.initialize_all_variables().run()
        for _ in range(12):
            step.run()
            with np.errstate(all="ignore"):
                z = z * z + c
                counts += np.abs(z) ** 2 < 16
        found = sess.run(ns)
    assert (found == counts).mean() > 0.99


def test_penalties_find_a_constrained_minimum() -> None:
    """The point of the line x + 2 y = 3 that is nearest to the origin."""
    x = tf.Variable(0.0)
    y = tf.Variable(0.0)
    weight = tf.placeholder(tf.float32, [])
    objective = tf.square(x) + tf.square(y)
    penalty = tf.square(x + 2 * y - 3)
    loss = objective + weight * penalty
    step = tf.train.GradientDescentOptimizer(0.002).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for w in (1.0, 10.0, 40.0):
            for _ in range(300):
                sess.run(step, {weight: w})
        np.testing.assert_allclose(sess.run([x, y]), [0.6, 1.2], atol=0.02)


def test_a_dreamed_input() -> None:
    """The gradient by the input makes an input that a unit answers to most."""
    image = tf.placeholder(tf.float32, [1, 8, 8, 1])
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[1, :, 0, 0] = [-1, 2, -1]
    kernel[:, 1, 0, 1] = [-1, 2, -1]
    layer = tf.nn.relu(tf.nn.conv2d(image, kernel, strides=[1, 1, 1, 1], padding="SAME"))
    score = tf.reduce_mean(layer[:, :, :, 0])
    grad = tf.gradients(score, image)[0]
    rng = np.random.RandomState(0)
    picture = rng.uniform(-0.1, 0.1, (1, 8, 8, 1))
    with tf.Session() as sess:
        start = sess.run(score, {image: picture})
        for _ in range(20):
            g = sess.run(grad, {image: picture})
            picture += g / (g.std() + 1e-8) * 0.1
        end, answers = sess.run([score, layer], {image: picture})
    assert end > 5 * start
    assert answers[..., 0].mean() > 1.5 * answers[..., 1].mean()


def test_names_and_scopes_of_a_printed_graph() -> None:
    graph = tf.Graph()
    with graph.as_default(), tf.name_scope("inputs"):
        x = tf.placeholder(tf.float32, shape=(None, 2), name="x")
        keep = tf.placeholder_with_default(1.0, shape=(), name="keep")
    with graph.as_default(), tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", shape=[2, 3], initializer=tf.ones_initializer())
        y = tf.matmul(x, w, name="y") * keep
    batch, features = x.get_shape().as_list()
    assert (batch, features) == (None, 2)
    assert x.get_shape()[1].value == 2
    text = str(graph.as_graph_def())
    assert all(word in text for word in ("inputs/x", "inputs/keep", "layer/w", "layer/y"))
    with tf.Session(graph=graph) as sess:
        sess.run(tf.variables_initializer(graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)))
        found = sess.run("layer/y:0", {"inputs/x:0": [[1, 2]]})
        np.testing.assert_array_equal(found, [[3, 3, 3]])
        np.testing.assert_array_equal(y.eval({x: [[1, 2]], keep: 0.5}), 0.5 * found)
