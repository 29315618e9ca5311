"""A constrained minimisation by penalty: least squares with weights that must not be negative.

Courant, "Variational methods for the solution of problems of equilibrium and vibrations" (1943): minimise
f(w) + m c(w), where c is the square of what violates the constraints, for m that grows. On scikit-learn's diabetes
data; the square error is within 0.1 % of that of scipy's non-negative least squares, which solves it exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import common
import numpy as np
from scipy.optimize import nnls
from sklearn.datasets import load_diabetes

import samara as tf


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from the problem to a file that predicts with its solution."""
    arguments = common.begin(__file__, __doc__, argv, steps=3000)
    data = load_diabetes()
    measured = (data.data / data.data.std(0)).astype(np.float32)
    wanted = ((data.target - data.target.mean()) / data.target.std()).astype(np.float32)

    x = tf.placeholder(tf.float32, [None, 10], name="x")
    y_ = tf.placeholder(tf.float32, [None])
    multiplier = tf.placeholder(tf.float32, [])
    w = tf.Variable(tf.zeros([10]), name="w")
    y = tf.tensordot(x, w, 1, name="y")
    error = tf.reduce_mean(tf.squared_difference(y, y_))
    violation = tf.reduce_sum(tf.square(tf.minimum(w, 0.0)))
    loss = error + multiplier * violation
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(0.02, global_step, arguments.steps, 1e-5)
    train_step = tf.train.AdamOptimizer(rate).minimize(loss, global_step)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        multipliers = np.geomspace(1e-2, 1e3, arguments.steps)
        path = []

        def feeds() -> Iterator[dict[tf.Tensor, Any]]:
            """The same data with a larger multiplier each time; notes where the weights are."""
            for value in multipliers:
                path.append(sess.run(w))
                yield {x: measured, y_: wanted, multiplier: value}

        losses = common.train(sess, train_step, loss, feeds(), arguments.steps)
        # What is left of the violation is cut off.
        sess.run(w.assign(tf.maximum(w, 0.0)))
        inputs = {"x": measured}
        tf.export_model(
            {"y": y}, arguments.file, inputs={"x": x}, shapes={"x": [1, 10]}, samples=measured[:20]
        )
        outputs = {"y": sess.run(y, {x: measured})}
        weights = w.eval()

    exact, _ = nnls(measured.astype(float), wanted.astype(float))
    best = np.mean((measured @ exact - wanted) ** 2)
    found = np.mean((common.run_file(arguments.file, inputs) - wanted) ** 2)
    excess = 100 * (found / best - 1)

    figure, (left, middle, right) = common.figure(3)
    common.draw_losses(left, losses)
    middle.plot(multipliers, np.array(path))
    middle.axhline(0, color="black", linewidth=0.5)
    middle.set(xscale="log", xlabel="multiplier of the penalty", title="weights on the way")
    right.barh(data.feature_names, exact, height=0.8, color="lightgrey", label="exact")
    right.barh(data.feature_names, weights, height=0.4, label="by penalty")
    right.set(title="weights")
    right.legend()
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"square error {excess:.3f} % above the least that is possible, no weight below {weights.min():.0f}",
        reached=bool(excess <= 0.1),
    )


if __name__ == "__main__":
    common.leave(main())
