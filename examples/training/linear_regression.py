"""Linear regression by gradient descent: how diabetes goes on after a year, from ten measurements.

scikit-learn's 442 patients, 100 of them held back: R squared at least 0.4, which is what least squares reaches.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np
from sklearn.datasets import load_diabetes

import samara as tf


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from patients to a file."""
    arguments = common.begin(__file__, __doc__, argv, steps=500)
    data = load_diabetes()
    order = np.random.default_rng(common.SEED).permutation(len(data.data))
    measured = (data.data / data.data.std(0)).astype(np.float32)[order]
    outcome = data.target.astype(np.float32)[order, None]
    held_back = slice(342, None)

    X = tf.placeholder("float", [None, 10], name="x")
    Y = tf.placeholder("float", [None, 1])
    W = tf.Variable(tf.zeros([10, 1]), name="weights")
    b = tf.Variable(tf.zeros([1]), name="bias")
    prediction = tf.add(tf.matmul(X, W), b, name="y")
    cost = tf.reduce_mean(tf.pow(prediction - Y, 2))
    optimizer = tf.train.GradientDescentOptimizer(0.02).minimize(cost)

    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        feeds = common.batches(64, {X: measured[:342], Y: outcome[:342]})
        losses = common.train(sess, optimizer, cost, feeds, arguments.steps)
        tf.export_model(
            {"y": prediction},
            arguments.file,
            inputs={"x": X},
            shapes={"x": [1, 10]},
            samples=measured[held_back],
        )
        inputs = {"x": measured[held_back]}
        outputs = {"y": sess.run(prediction, {X: measured[held_back]})}
        weights = sess.run(W)[:, 0]

    found, wanted = common.run_file(arguments.file, inputs), outcome[held_back]
    score = 1 - float(np.mean((found - wanted) ** 2) / np.var(wanted))

    figure, (left, middle, right) = common.figure(3)
    common.draw_losses(left, losses)
    middle.barh(data.feature_names, weights)
    middle.set(title="weights")
    right.scatter(wanted, found, s=12)
    right.axline((150, 150), slope=1, color="black", linewidth=0.5)
    right.set(xlabel="measured after a year", ylabel="predicted", title="held-back patients")
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"R squared {score:.2f} on {len(wanted)} held-back patients",
        reached=score >= 0.4,
    )


if __name__ == "__main__":
    common.leave(main())
