"""Programs that make data: autoencoders, adversarial networks, an image as a variable."""

from __future__ import annotations

from typing import Any

import numpy as np

import samara as tf
from tests.graph.programs._data import batches, stripes


def xavier_init(size: Any) -> Any:
    in_dim = size[0]
    xavier_stddev = 1.0 / tf.sqrt(in_dim / 2.0)
    return tf.random_normal(shape=size, stddev=xavier_stddev)


def test_autoencoder() -> None:
    tf.set_random_seed(1)
    # Images that are determined by few numbers.
    rng = np.random.RandomState(0)
    data = 1 / (1 + np.exp(-rng.randn(256, 4).astype(np.float32) @ rng.randn(4, 32).astype(np.float32)))
    X = tf.placeholder("float", [None, 32])
    weights = {
        "encoder_h1": tf.Variable(tf.random_normal([32, 16], stddev=0.3)),
        "encoder_h2": tf.Variable(tf.random_normal([16, 4], stddev=0.3)),
        "decoder_h1": tf.Variable(tf.random_normal([4, 16], stddev=0.3)),
        "decoder_h2": tf.Variable(tf.random_normal([16, 32], stddev=0.3)),
    }
    biases = {
        "encoder_b1": tf.Variable(tf.zeros([16])),
        "encoder_b2": tf.Variable(tf.zeros([4])),
        "decoder_b1": tf.Variable(tf.zeros([16])),
        "decoder_b2": tf.Variable(tf.zeros([32])),
    }

    def encoder(x: Any) -> Any:
        layer_1 = tf.nn.tanh(tf.add(tf.matmul(x, weights["encoder_h1"]), biases["encoder_b1"]))
        return tf.add(tf.matmul(layer_1, weights["encoder_h2"]), biases["encoder_b2"])

    def decoder(x: Any) -> Any:
        layer_1 = tf.nn.tanh(tf.add(tf.matmul(x, weights["decoder_h1"]), biases["decoder_b1"]))
        return tf.nn.sigmoid(tf.add(tf.matmul(layer_1, weights["decoder_h2"]), biases["decoder_b2"]))

    y_pred = decoder(encoder(X))
    cost = tf.reduce_mean(tf.pow(X - y_pred, 2))
    optimizer = tf.train.RMSPropOptimizer(0.01).minimize(cost)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for batch_xs, _ in batches(data, data, 64, 60):
            _, c = sess.run([optimizer, cost], feed_dict={X: batch_xs})
    assert c < 0.2 * data.var()


def test_variational_autoencoder() -> None:
    tf.set_random_seed(2)
    rng = np.random.RandomState(1)
    # Two kinds of images, with noise.
    kinds = (rng.rand(2, 16) > 0.5).astype(np.float32)
    which = rng.randint(2, size=300)
    data = np.where(rng.rand(300, 16) < 0.05, 1 - kinds[which], kinds[which]).astype(np.float32)
    z_dim = 2
    X = tf.placeholder(tf.float32, shape=[None, 16])
    z = tf.placeholder(tf.float32, shape=[None, z_dim])
    Q_W1 = tf.Variable(xavier_init([16, 24]))
    Q_b1 = tf.Variable(tf.zeros(shape=[24]))
    Q_W2_mu = tf.Variable(xavier_init([24, z_dim]))
    Q_W2_sigma = tf.Variable(xavier_init([24, z_dim]))
    P_W1 = tf.Variable(xavier_init([z_dim, 24]))
    P_b1 = tf.Variable(tf.zeros(shape=[24]))
    P_W2 = tf.Variable(xavier_init([24, 16]))
    P_b2 = tf.Variable(tf.zeros(shape=[16]))

    def encode(x: Any) -> Any:
        h = tf.nn.relu(tf.matmul(x, Q_W1) + Q_b1)
        return tf.matmul(h, Q_W2_mu), tf.matmul(h, Q_W2_sigma)

    def sample_z(mu: Any, log_var: Any) -> Any:
        eps = tf.random_normal(shape=tf.shape(mu))
        return mu + tf.exp(log_var / 2) * eps

    def decode(z: Any) -> Any:
        logits = tf.matmul(tf.nn.relu(tf.matmul(z, P_W1) + P_b1), P_W2) + P_b2
        return tf.nn.sigmoid(logits), logits

    z_mu, z_logvar = encode(X)
    _, logits = decode(sample_z(z_mu, z_logvar))
    X_samples, _ = decode(z)
    recon_loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=X), 1)
    kl_loss = 0.5 * tf.reduce_sum(tf.exp(z_logvar) + z_mu**2 - 1.0 - z_logvar, 1)
    vae_loss = tf.reduce_mean(recon_loss + kl_loss)
    solver = tf.train.AdamOptimizer(0.01).minimize(vae_loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first = sess.run(vae_loss, {X: data})
        for xs, _ in batches(data, data, 50, 60):
            _, loss, kl = sess.run([solver, vae_loss, kl_loss], feed_dict={X: xs})
        samples = sess.run(X_samples, feed_dict={z: rng.randn(60, z_dim)})
    assert loss < 0.55 * first
    assert kl.min() > 0
    # Most of what is drawn is like one of the two kinds, and both come.
    near = np.stack([np.abs(samples - k).mean(1) for k in kinds], 1)
    assert np.mean(near.min(1) < 0.25) > 0.7
    assert set(near.argmin(1)) == {0, 1}


def test_adversarial_networks_with_two_optimizers() -> None:
    tf.set_random_seed(3)
    rng = np.random.RandomState(2)

    def generator(z: Any) -> Any:
        with tf.variable_scope("generator"):
            h = tf.layers.dense(z, 16, tf.nn.relu)
            return tf.layers.dense(h, 1)

    def discriminator(x: Any, reuse: Any = None) -> Any:
        with tf.variable_scope("discriminator", reuse=reuse):
            h = tf.layers.dense(x, 16, tf.nn.leaky_relu, name="h")
            return tf.layers.dense(h, 1, name="out")

    Z = tf.placeholder(tf.float32, [None, 4])
    X = tf.placeholder(tf.float32, [None, 1])
    G_sample = generator(Z)
    D_real, D_fake = discriminator(X), discriminator(G_sample, reuse=True)
    cross = tf.nn.sigmoid_cross_entropy_with_logits
    D_loss = tf.reduce_mean(
        cross(logits=D_real, labels=0.9 * tf.ones_like(D_real))
        + cross(logits=D_fake, labels=tf.zeros_like(D_fake))
    )
    G_loss = tf.reduce_mean(cross(logits=D_fake, labels=tf.ones_like(D_fake)))
    t_vars = tf.trainable_variables()
    d_vars = [var for var in t_vars if var.name.startswith("discriminator")]
    g_vars = [var for var in t_vars if var.name.startswith("generator")]
    assert len(d_vars) == len(g_vars) == 4
    D_solver = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(D_loss, var_list=d_vars)
    G_solver = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(G_loss, var_list=g_vars)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        before = sess.run(g_vars)
        sess.run(D_solver, {X: np.ones((2, 1)), Z: np.ones((2, 4))})
        for a, b in zip(before, sess.run(g_vars), strict=True):
            np.testing.assert_array_equal(a, b)
        drawn = []
        for step in range(500):
            X_mb, noise = 3 + 0.5 * rng.randn(32, 1), rng.randn(32, 4)
            sess.run(D_solver, {X: X_mb, Z: noise})
            sess.run(G_solver, {Z: noise})
            if step >= 300 and step % 20 == 0:
                drawn.append(sess.run(G_sample, {Z: rng.randn(64, 4)}))
    assert abs(np.mean(drawn) - 3) < 0.6


def test_deep_convolutional_adversarial_networks() -> None:
    tf.set_random_seed(4)
    images, _ = stripes(96)
    images = images[:, :64].reshape(-1, 8, 8, 1) * 2 - 1
    batch = 24

    def generator(z: Any, training: bool = True, reuse: bool = False) -> Any:
        with tf.variable_scope("generator", reuse=reuse):
            net = tf.layers.dense(z, 2 * 2 * 12, use_bias=False)
            net = tf.reshape(net, [-1, 2, 2, 12])
            net = tf.nn.relu(tf.layers.batch_normalization(net, training=training))
            net = tf.layers.conv2d_transpose(net, 8, 5, strides=2, padding="same", use_bias=False)
            net = tf.nn.relu(tf.contrib.layers.batch_norm(net, is_training=training, scope="bn"))
            W = tf.get_variable("deconv", [5, 5, 1, 8], initializer=tf.random_normal_initializer(stddev=0.1))
            shape = tf.stack([tf.shape(net)[0], 8, 8, 1])
            return tf.nn.tanh(tf.nn.conv2d_transpose(net, W, output_shape=shape, strides=[1, 2, 2, 1]))

    def discriminator(x: Any, reuse: bool = False) -> Any:
        with tf.variable_scope("discriminator") as scope:
            if reuse:
                scope.reuse_variables()
            net = tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 5, strides=2, padding="same"), alpha=0.2)
            net = tf.layers.conv2d(net, 12, 5, strides=2, padding="same", use_bias=False)
            net = tf.nn.leaky_relu(tf.layers.batch_normalization(net, training=True), alpha=0.2)
            return tf.layers.dense(tf.layers.flatten(net), 1)

    x = tf.placeholder(tf.float32, [None, 8, 8, 1])
    z = tf.placeholder(tf.float32, [None, 10])
    fake = generator(z)
    sampler = generator(z, training=False, reuse=True)
    real_logits, fake_logits = discriminator(x), discriminator(fake, reuse=True)
    d_loss = tf.losses.sigmoid_cross_entropy(tf.ones_like(real_logits), real_logits)
    d_loss += tf.losses.sigmoid_cross_entropy(tf.zeros_like(fake_logits), fake_logits)
    g_loss = tf.losses.sigmoid_cross_entropy(tf.ones_like(fake_logits), fake_logits)
    update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    g_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="generator")
    d_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="discriminator")
    with tf.control_dependencies([u for u in update_ops if u.name.startswith("discriminator")]):
        d_train = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(d_loss, var_list=d_vars)
    with tf.control_dependencies([u for u in update_ops if u.name.startswith("generator")]):
        g_train = tf.train.AdamOptimizer(0.01, beta1=0.5).minimize(g_loss, var_list=g_vars)
    rng = np.random.RandomState(3)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first = sess.run(fake, {z: rng.randn(48, 10)})
        for xs, _ in batches(images, images, batch, 14):
            noise = rng.uniform(-1, 1, (batch, 10))
            sess.run(d_train, {x: xs, z: noise})
            sess.run(g_train, {x: xs, z: noise})
        made, drawn = sess.run([fake, sampler], {z: rng.uniform(-1, 1, (48, 10))})
    assert drawn.shape == made.shape
    # Nearly as dark as the images are.
    assert abs(made.mean() - images.mean()) < 0.3 < abs(first.mean() - images.mean())


def test_an_image_as_a_variable_in_the_style_of_another() -> None:
    rng = np.random.RandomState(4)
    content = rng.rand(1, 8, 8, 3).astype(np.float32)
    style = np.repeat(rng.rand(1, 1, 8, 3), 8, 1).astype(np.float32)
    filters = tf.constant(rng.randn(3, 3, 3, 8).astype(np.float32) * 0.4)

    def features(image: Any) -> Any:
        return tf.nn.relu(tf.nn.conv2d(image, filters, [1, 1, 1, 1], "SAME"))

    def gram_matrix(F: Any) -> Any:
        _, height, width, number = (d.value for d in F.get_shape())
        F = tf.reshape(F, (-1, number))
        return tf.matmul(F, F, transpose_a=True) / (height * width * number)

    image = tf.Variable(content + 0.3 * rng.randn(*content.shape).astype(np.float32), name="image")
    content_loss = 2 * tf.nn.l2_loss(features(image) - features(content)) / content.size
    style_loss = tf.nn.l2_loss(gram_matrix(features(image)) - gram_matrix(features(tf.constant(style))))
    tv_loss = 2 * (
        tf.nn.l2_loss(image[:, 1:, :, :] - image[:, :-1, :, :]) / 168
        + tf.nn.l2_loss(image[:, :, 1:, :] - image[:, :, :-1, :]) / 168
    )
    loss = content_loss + 5 * style_loss + 0.05 * tv_loss
    opt = tf.train.AdamOptimizer(0.05)
    (grad, var) = opt.compute_gradients(loss, [image])[0]
    train_step = opt.apply_gradients([(grad, var)])
    with tf.control_dependencies([train_step]):
        bounded = image.assign(tf.clip_by_value(image, 0.0, 1.0))
    with tf.Session() as sess:
        sess.run(image.initializer)
        sess.run(tf.variables_initializer(opt.variables()))
        first = sess.run([content_loss, style_loss])
        for _ in range(60):
            sess.run(bounded)
        last = sess.run([content_loss, style_loss])
        final = image.eval()
    assert final.min() >= 0
    assert final.max() <= 1
    assert last[1] < 0.2 * first[1]
    assert last[0] < 1.5 * first[0]


def test_restricted_boltzmann_machine() -> None:
    """Contrastive divergence, without any optimizer."""
    rng = np.random.RandomState(5)
    patterns = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], np.float32)
    data = patterns[rng.randint(2, size=100)]
    tf.set_random_seed(5)
    W = tf.Variable(tf.random_normal([6, 4], 0.0, 0.1), name="W")
    bh = tf.Variable(tf.zeros([1, 4], tf.float32), name="bh")
    bv = tf.Variable(tf.zeros([1, 6], tf.float32), name="bv")
    x = tf.placeholder(tf.float32, [None, 6])
    lr = tf.constant(0.1)

    def sample(probs: Any) -> Any:
        return tf.floor(probs + tf.random_uniform(tf.shape(probs), 0, 1))

    def gibbs_sample(k: int) -> Any:
        def gibbs_step(count: Any, k: Any, xk: Any) -> Any:
            hk = sample(tf.sigmoid(tf.matmul(xk, W) + bh))
            return count + 1, k, sample(tf.sigmoid(tf.matmul(hk, tf.transpose(W)) + bv))

        ct = tf.constant(0)
        [_, _, x_sample] = tf.while_loop(
            lambda count, num_iter, *args: count < num_iter,
            gibbs_step,
            [ct, tf.constant(k), x],
            parallel_iterations=1,
            back_prop=False,
        )
        return tf.stop_gradient(x_sample)

    x_sample = gibbs_sample(1)
    h = sample(tf.sigmoid(tf.matmul(x, W) + bh))
    h_sample = sample(tf.sigmoid(tf.matmul(x_sample, W) + bh))
    size_bt = tf.cast(tf.shape(x)[0], tf.float32)
    W_adder = tf.multiply(
        lr / size_bt,
        tf.subtract(tf.matmul(tf.transpose(x), h), tf.matmul(tf.transpose(x_sample), h_sample)),
    )
    bv_adder = tf.multiply(lr / size_bt, tf.reduce_sum(tf.subtract(x, x_sample), 0, True))
    bh_adder = tf.multiply(lr / size_bt, tf.reduce_sum(tf.subtract(h, h_sample), 0, True))
    updt = [W.assign_add(W_adder), bv.assign_add(bv_adder), bh.assign_add(bh_adder)]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for xs, _ in batches(data, data, 20, 120):
            sess.run(updt, feed_dict={x: xs})
        made = sess.run(gibbs_sample(5), feed_dict={x: rng.randint(0, 2, (100, 6))})
    known = [any((row == p).all() for p in patterns) for row in made]
    assert np.mean(known) > 0.5
