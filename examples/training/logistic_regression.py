"""Logistic regression: whether a tumour is malignant, from thirty measurements of its cells.

scikit-learn's breast cancer data, 169 of 569 held back: accuracy at least 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np
from sklearn.datasets import load_breast_cancer

import samara as tf


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from cells to a file that takes them as they were measured."""
    arguments = common.begin(__file__, __doc__, argv, steps=600)
    data = load_breast_cancer()
    order = np.random.default_rng(common.SEED).permutation(len(data.data))
    cells = data.data.astype(np.float32)[order]
    malignant = (data.target == 0).astype(np.float32)[order, None]
    train, held_back = slice(0, 400), slice(400, None)

    x = tf.placeholder(tf.float32, [None, 30], name="x")
    y_ = tf.placeholder(tf.float32, [None, 1])
    # What the features are scaled by is part of the graph, and so of the file.
    mean, deviation = tf.constant(cells[train].mean(0)), tf.constant(cells[train].std(0))
    W = tf.get_variable("W", [30, 1], initializer=tf.zeros_initializer())
    b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    logits = tf.matmul((x - mean) / deviation, W) + b
    probability = tf.sigmoid(logits, name="probability")
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=y_, logits=logits)
    loss = tf.reduce_mean(cross_entropy) + 1e-3 * tf.nn.l2_loss(W)
    train_step = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = common.batches(50, {x: cells[train], y_: malignant[train]})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        tf.export_model(
            {"probability": probability},
            arguments.file,
            inputs={"x": x},
            shapes={"x": [1, 30]},
            samples=cells[held_back],
        )
        inputs = {"x": cells[held_back]}
        outputs = {"probability": sess.run(probability, {x: cells[held_back]})}
        weights = W.eval()[:, 0]

    found, wanted = common.run_file(arguments.file, inputs), malignant[held_back] > 0.5
    accuracy = 100 * np.mean((found > 0.5) == wanted)

    figure, (left, middle, right) = common.figure(3)
    common.draw_losses(left, losses)
    middle.barh(data.feature_names, weights)
    middle.tick_params("y", labelsize=6)
    middle.set(title="weights of scaled features")
    bins = np.linspace(0, 1, 21).tolist()
    right.hist([found[wanted], found[~wanted]], bins=bins, stacked=True, label=["malignant", "benign"])
    right.set(xlabel="probability", ylabel="tumours", yscale="log", title="held-back tumours")
    right.legend()
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"accuracy {accuracy:.1f} % on {len(wanted)} held-back tumours",
        reached=accuracy >= 95,
    )


if __name__ == "__main__":
    common.leave(main())
