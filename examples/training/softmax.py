"""Softmax regression on handwritten digits, as the first program that many have written.

scikit-learn's digits, 400 held back: accuracy at least 93 %; MNIST by `--data`, its test images: at least 91 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np

import samara as tf


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from images to a file."""
    arguments = common.begin(__file__, __doc__, argv, steps=1500, data=common.DIGITS)
    data = common.digits(arguments)
    train_images = data.train_images.reshape(len(data.train_images), -1)
    test_images = data.test_images.reshape(len(data.test_images), -1)
    pixels = train_images.shape[1]

    x = tf.placeholder("float", [None, pixels], name="x")
    y_ = tf.placeholder("float", [None, 10])
    W = tf.Variable(tf.zeros([pixels, 10]))
    b = tf.Variable(tf.zeros([10]))
    y = tf.nn.softmax(tf.matmul(x, W) + b, name="y")
    cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y + 1e-10), reduction_indices=[1]))
    train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)

    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        one_hot = np.eye(10, dtype=np.float32)[data.train_labels]
        feeds = common.batches(100, {x: train_images, y_: one_hot})
        losses = common.train(sess, train_step, cross_entropy, feeds, arguments.steps)
        tf.export_model(
            {"y": y}, arguments.file, inputs={"x": x}, shapes={"x": [1, pixels]}, samples=test_images[:20]
        )
        inputs = {"x": test_images}
        outputs = {"y": sess.run(y, {x: test_images})}
        weights = W.eval().reshape(*data.train_images.shape[1:3], 10)

    found = common.run_file(arguments.file, inputs).argmax(1)
    accuracy = 100 * np.mean(found == data.test_labels)

    figure, (left, middle, right) = common.figure(3)
    common.draw_losses(left, losses)
    sheet = np.concatenate([np.concatenate(list(np.moveaxis(weights, 2, 0)[i : i + 5]), 1) for i in (0, 5)])
    middle.imshow(sheet, cmap="coolwarm", vmin=-abs(sheet).max(), vmax=abs(sheet).max())
    middle.set(xticks=[], yticks=[], title="weights of 0 to 9")
    common.draw_digits(right, data.test_images, found, data.test_labels)
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"accuracy {accuracy:.2f} % on {len(found)} held-back digits",
        reached=accuracy >= (93 if arguments.data is None else 91),
    )


if __name__ == "__main__":
    common.leave(main())
