"""An LSTM that reads handwritten digits row by row.

scikit-learn's digits, 400 held back: accuracy at least 94 %; MNIST by `--data`, its test images: at least 94 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np

import samara as tf


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from images to a file."""
    arguments = common.begin(__file__, __doc__, argv, steps=800, data=common.DIGITS)
    data = common.digits(arguments)
    n_steps, n_input = data.train_images.shape[1:3]
    n_hidden = 64

    x = tf.placeholder("float", [None, n_steps, n_input], name="x")
    label = tf.placeholder(tf.int64, [None])
    rows = tf.unstack(x, n_steps, 1)
    lstm_cell = tf.contrib.rnn.BasicLSTMCell(n_hidden, forget_bias=1.0)
    outputs, _ = tf.contrib.rnn.static_rnn(lstm_cell, rows, dtype=tf.float32)
    weights = tf.Variable(tf.random_normal([n_hidden, 10], stddev=0.1))
    biases = tf.Variable(tf.zeros([10]))
    logits = tf.matmul(outputs[-1], weights) + biases
    scores = tf.nn.softmax(logits, name="scores")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    optimizer = tf.train.RMSPropOptimizer(3e-3)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
    train_step = optimizer.apply_gradients(zip(clipped, variables, strict=True))

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = common.batches(64, {x: data.train_images[..., 0], label: data.train_labels})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        test_rows = data.test_images[..., 0]
        tf.export_model(
            {"scores": scores},
            arguments.file,
            inputs={"x": x},
            shapes={"x": [1, n_steps, n_input]},
            samples=test_rows[:5],
        )
        inputs = {"x": test_rows}
        session_scores = {"scores": sess.run(scores, {x: test_rows})}

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
        outputs=session_scores,
        result=f"accuracy {accuracy:.2f} % on {len(found)} held-back digits",
        reached=accuracy >= 94,
    )


if __name__ == "__main__":
    common.leave(main())
