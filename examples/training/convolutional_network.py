"""A convolutional network with batch normalization on handwritten digits.

scikit-learn's digits, 400 held back: accuracy at least 97 %; MNIST by `--data`, its test images: at least 97 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np

import samara as tf


def network(image: tf.Tensor, *, is_training: bool) -> tf.Tensor:
    """The logits [n, 10]; all calls share their weights."""
    with tf.variable_scope("network", reuse=tf.AUTO_REUSE):
        y = image
        for number, channels in enumerate((8, 16), 1):
            y = tf.layers.conv2d(y, channels, 3, padding="same", use_bias=False, name=f"conv{number}")
            y = tf.layers.batch_normalization(
                y, training=is_training, momentum=0.95, name=f"normalization{number}"
            )
            y = tf.layers.max_pooling2d(tf.nn.relu(y), 2, 2)
        return tf.layers.dense(tf.layers.flatten(y), 10, name="logits")


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from images to a file."""
    arguments = common.begin(__file__, __doc__, argv, steps=600, data=common.DIGITS)
    data = common.digits(arguments)
    shape = data.train_images.shape[1:]

    image = tf.placeholder(tf.float32, [None, *shape], name="image")
    label = tf.placeholder(tf.int64, [None])
    logits = network(image, is_training=True)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(5e-3, global_step, arguments.steps, 1e-5)
    # The moving averages of batch normalization are noted by its layers; the training step is to move them.
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train_step = tf.train.AdamOptimizer(rate).minimize(loss, global_step)
    scores = tf.nn.softmax(network(image, is_training=False), name="scores")

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = common.batches(64, {image: data.train_images, label: data.train_labels})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        tf.export_model(
            {"scores": scores},
            arguments.file,
            inputs={"image": image},
            shapes={"image": [1, *shape]},
            samples=data.test_images[:20],
        )
        inputs = {"image": data.test_images}
        parts = np.array_split(data.test_images, 20)
        outputs = {"scores": np.concatenate([sess.run(scores, {image: part}) for part in parts])}

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
        reached=accuracy >= 97,
    )


if __name__ == "__main__":
    common.leave(main())
