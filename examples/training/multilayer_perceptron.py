"""Two hidden layers with dropout on handwritten digits.

scikit-learn's digits, 400 held back: accuracy at least 96 %; MNIST by `--data`, its test images: at least 96 %.
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
    shape = data.train_images.shape[1:]

    image = tf.placeholder(tf.float32, [None, *shape], name="image")
    label = tf.placeholder(tf.int64, [None])
    keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")

    def network(keep: tf.Tensor | None) -> tf.Tensor:
        """The logits; the weights of all calls are the same, and dropout is there when asked for."""
        with tf.variable_scope("network", reuse=tf.AUTO_REUSE):
            y = tf.contrib.layers.flatten(image)
            for number, units in enumerate((128, 64), 1):
                y = tf.layers.dense(y, units, activation=tf.nn.relu, name=f"hidden{number}")
                if keep is not None:
                    y = tf.nn.dropout(y, keep)
            return tf.layers.dense(y, 10, name="logits")

    cross_entropy = tf.losses.sparse_softmax_cross_entropy(label, network(keep_prob))
    scores = tf.nn.softmax(network(None), name="scores")
    train_step = tf.train.AdamOptimizer(2e-3).minimize(cross_entropy)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        arrays = {image: data.train_images, label: data.train_labels}
        feeds = ({**feed, keep_prob: 0.8} for feed in common.batches(64, arrays))
        losses = common.train(sess, train_step, cross_entropy, feeds, arguments.steps)
        # Dropout draws random numbers, which a device does not: the file has the network without it.
        tf.export_model(
            {"scores": scores},
            arguments.file,
            inputs={"image": image},
            shapes={"image": [1, *shape]},
            samples=data.test_images[:20],
        )
        inputs = {"image": data.test_images}
        outputs = {"scores": sess.run(scores, {image: data.test_images})}

    found = common.run_file(arguments.file, inputs).argmax(1)
    accuracy = 100 * np.mean(found == data.test_labels)

    figure, (left, right) = common.figure(2)
    common.draw_losses(left, losses)
    common.draw_digits(right, data.test_images, found, data.test_labels)
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"accuracy {accuracy:.2f} % on {len(found)} held-back digits",
        reached=accuracy >= 96,
    )


if __name__ == "__main__":
    common.leave(main())
