"""A linear support vector machine by its hinge loss: versicolor or virginica, from the petals of irises.

scikit-learn's irises of two species, 30 of 100 held back: accuracy at least 85 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np
from sklearn.datasets import load_iris

import samara as tf


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from petals to a file that gives the distance from the boundary."""
    arguments = common.begin(__file__, __doc__, argv, steps=800)
    data = load_iris()
    chosen = np.random.default_rng(common.SEED).permutation(np.flatnonzero(data.target > 0))
    petals = data.data[chosen, 2:].astype(np.float32)
    virginica = (data.target[chosen] == 2).astype(np.float32)[:, None]
    train, held_back = slice(0, 70), slice(70, None)

    x = tf.placeholder(tf.float32, [None, 2], name="petal")
    label = tf.placeholder(tf.float32, [None, 1])
    A = tf.Variable(tf.random_normal([2, 1], stddev=0.1))
    b = tf.Variable(tf.zeros([1]))
    centred = tf.sub(x, petals[train].mean(0))
    decision = tf.add(tf.matmul(centred, A), b, name="decision")
    # Cortes, Vapnik, "Support-vector networks" (1995): a wide margin, and a price for what lies within it.
    hinge = tf.losses.hinge_loss(label, decision)
    loss = hinge + 0.01 * tf.reduce_sum(tf.square(A))
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.2, global_step, 200, 0.5)
    train_step = tf.train.GradientDescentOptimizer(rate).minimize(loss, global_step=global_step)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = common.batches(35, {x: petals[train], label: virginica[train]})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        tf.export_model(
            {"decision": decision},
            arguments.file,
            inputs={"petal": x},
            shapes={"petal": [1, 2]},
            samples=petals[held_back],
        )
        inputs = {"petal": petals[held_back]}
        outputs = {"decision": sess.run(decision, {x: petals[held_back]})}

        figure, (left, right) = common.figure(2)
        low, high = petals.min(0) - 0.3, petals.max(0) + 0.3
        grid = np.meshgrid(np.linspace(low[0], high[0], 80), np.linspace(low[1], high[1], 80))
        plane = sess.run(decision, {x: np.stack(grid, -1).reshape(-1, 2)}).reshape(80, 80)

    found, wanted = common.run_file(arguments.file, inputs), virginica[held_back]
    accuracy = 100 * np.mean((found > 0) == (wanted > 0.5))

    common.draw_losses(left, losses)
    right.contour(*grid, plane, [-1, 0, 1], colors="black", linestyles=["dashed", "solid", "dashed"])
    for name, part in (("versicolor", virginica[:, 0] == 0), ("virginica", virginica[:, 0] == 1)):
        right.scatter(*petals[part].T, s=16, label=name)
    right.set(xlabel="length of petal, cm", ylabel="width, cm", title="the boundary and its margins")
    right.legend()
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"accuracy {accuracy:.1f} % on {len(wanted)} held-back irises",
        reached=accuracy >= 85,
    )


if __name__ == "__main__":
    common.leave(main())
