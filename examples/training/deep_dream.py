"""Deep dream: images moved along the gradient of what a network sees in them.

After Mordvintsev, Olah, Tyka, "Inceptionism" (2015), with a network for scikit-learn's digits. A gradient is part of
the graph like anything else: the file holds one step of the dream, forward and backward, and is run again and again on
its own output. Of noise and held-back digits, at least 95 % become what they were asked to.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np

import samara as tf

DREAM_STEPS = 30


def network(image: tf.Tensor) -> tf.Tensor:
    """The logits [n, 10] of images [n, 8, 8, 1]."""
    y = tf.contrib.layers.conv2d(image, 16, 3, activation_fn=tf.nn.elu, scope="conv1")
    y = tf.contrib.layers.conv2d(y, 24, 3, stride=2, activation_fn=tf.nn.elu, scope="conv2")
    return tf.contrib.layers.fully_connected(
        tf.contrib.layers.flatten(y), 10, activation_fn=None, scope="logits"
    )


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from digits to dreams."""
    arguments = common.begin(__file__, __doc__, argv, steps=600)
    arguments.data = None
    data = common.digits(arguments)

    image = tf.placeholder(tf.float32, [None, 8, 8, 1], name="image")
    label = tf.placeholder(tf.int32, [None], name="wanted")
    logits = network(image)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    train_step = tf.train.AdamOptimizer(3e-3).minimize(loss)

    # What is asked for is to stand out; rough images are worth less, as neighbours in a digit are alike.
    seen = tf.reduce_sum(tf.one_hot(label, 10) * tf.nn.log_softmax(logits), 1)
    objective = seen - 0.02 * tf.image.total_variation(image)
    gradient = tf.gradients(objective, image)[0]
    size = tf.reduce_max(tf.abs(gradient), [1, 2, 3], keep_dims=True)
    dreamed = tf.clip_by_value(image + 0.1 * gradient / (size + 1e-8), 0.0, 1.0, name="dreamed")

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        arrays = {image: data.train_images, label: data.train_labels.astype(np.int32)}
        losses = common.train(sess, train_step, loss, common.batches(64, arrays), arguments.steps)
        generator = np.random.default_rng(common.SEED)
        noise = generator.random((20, 8, 8, 1), np.float32)
        asleep = np.concatenate([noise, data.test_images[:80]])
        wanted = np.tile(np.arange(10, dtype=np.int32), len(asleep) // 10)
        inputs = {"image": asleep, "wanted": wanted}
        tf.export_model(
            {"dreamed": dreamed},
            arguments.file,
            inputs={"image": image, "wanted": label},
            shapes={"image": [1, 8, 8, 1], "wanted": [1]},
            samples=[{name: array[i : i + 1] for name, array in inputs.items()} for i in range(10)],
        )
        outputs = {"dreamed": sess.run(dreamed, {image: asleep, label: wanted})}

        states = [asleep]
        for _ in range(DREAM_STEPS):
            states.append(common.run_file(arguments.file, {"image": states[-1], "wanted": wanted}))
        reached = 100 * np.mean(sess.run(logits, {image: states[-1]}).argmax(1) == wanted)

    figure, (left, right) = common.figure(2, 6)
    common.draw_losses(left, losses)
    rows = [np.concatenate(list(states[t][10:30, :, :, 0]), 1) for t in (0, 3, 10, DREAM_STEPS)]
    right.imshow(np.concatenate(rows), cmap="gray_r")
    right.set(xticks=[], title="noise and digits that are asked to be 0 to 9")
    right.set_yticks([4, 12, 20, 28], ["before", "3 steps", "10 steps", f"{DREAM_STEPS} steps"])
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"{reached:.0f} % of {len(asleep)} images dreamed into what was asked",
        reached=bool(reached >= 95),
    )


if __name__ == "__main__":
    common.leave(main())
