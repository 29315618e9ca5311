"""A recommender by matrix factorisation: which modules a Python file may want to import, from those that it imports.

Users are the files of Python's own library, items the modules that they import: each has a vector, and the higher their
product is, the more likely the file imports the module (Koren, Bell, Volinsky, "Matrix factorization techniques for
recommender systems", 2009, with pairs drawn as in Rendle et al., "BPR", 2009). Of each file one import is held back: it
is ranked above at least 75 % of the modules that the file does not import, and higher than by popularity alone.
"""

from __future__ import annotations

import collections
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import common
import numpy as np

import samara as tf

SIZE, BATCH = 12, 512
IMPORT = re.compile(r"^ *(?:import ([\w., ]+)|from (\w+)[\w.]* import)", re.MULTILINE)


def imports() -> Iterator[tuple[str, set[str]]]:
    """Files of the standard library, and the modules that each imports."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).parts
        if {"site-packages", "dist-packages", "test", "tests", "idlelib"} & set(parts):
            continue
        found = set()
        for names, module in IMPORT.findall(path.read_text("utf-8", "replace")):
            found |= {name.split()[0].split(".")[0] for name in names.split(",") if name.strip()} | {module}
        yield "/".join(parts), (found & sys.stdlib_module_names) - {"__future__"}


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from source files to a file that says how well each module fits."""
    arguments = common.begin(__file__, __doc__, argv, steps=3000)
    listed = list(imports())
    counts = collections.Counter(module for _, found in listed for module in found)
    modules = sorted(module for module, count in counts.items() if count >= 5)
    number = {module: i for i, module in enumerate(modules)}
    users = [(name, [number[m] for m in sorted(found) if m in number]) for name, found in listed]
    users = [(name, items) for name, items in users if len(items) >= 4]
    generator = np.random.default_rng(common.SEED)
    held_back = np.array([generator.choice(items) for _, items in users])
    imported = np.zeros((len(users), len(modules)), bool)
    for row, (_, items) in enumerate(users):
        imported[row, items] = True
    known = imported.copy()
    known[np.arange(len(users)), held_back] = False

    user = tf.placeholder(tf.int32, [None], name="user")
    item = tf.placeholder(tf.int32, [None])
    other = tf.placeholder(tf.int32, [None])
    user_vectors = tf.get_variable(
        "users", [len(users), SIZE], initializer=tf.random_normal_initializer(0, 0.1)
    )
    item_vectors = tf.get_variable(
        "items", [len(modules), SIZE], initializer=tf.random_normal_initializer(0, 0.1)
    )
    item_bias = tf.get_variable("bias", [len(modules)], initializer=tf.zeros_initializer())

    vector = tf.nn.embedding_lookup(user_vectors, user)
    fit = tf.add(tf.matmul(vector, item_vectors, transpose_b=True), item_bias, name="fit")

    def score(items: tf.Tensor) -> tf.Tensor:
        """How well each item fits its user."""
        product = tf.reduce_sum(vector * tf.nn.embedding_lookup(item_vectors, items), 1)
        return product + tf.nn.embedding_lookup(item_bias, items)

    better = tf.reduce_mean(tf.nn.softplus(score(other) - score(item)))
    loss = better + 2e-4 * sum(tf.nn.l2_loss(v) for v in (user_vectors, item_vectors))
    train_step = tf.train.AdamOptimizer(5e-3).minimize(loss)

    def feeds() -> Iterator[dict[tf.Tensor, common.Array]]:
        """Pairs of a module that a file is known to import and one that it is not."""
        rows, columns = np.nonzero(known)
        while True:
            chosen = generator.integers(0, len(rows), BATCH)
            against = generator.integers(0, len(modules), BATCH)
            unknown = ~known[rows[chosen], against]
            chosen, against = chosen[unknown], against[unknown]
            yield {user: rows[chosen], item: columns[chosen], other: against}

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = common.train(sess, train_step, loss, feeds(), arguments.steps)
        inputs = {"user": np.arange(len(users), dtype=np.int32)}
        tf.export_model(
            {"fit": fit},
            arguments.file,
            inputs={"user": user},
            shapes={"user": [1]},
            samples=inputs["user"][:10],
            metadata={"items": " ".join(modules), "users": " ".join(name for name, _ in users)},
        )
        outputs = {"fit": sess.run(fit, {user: inputs["user"]})}

    fits = common.run_file(arguments.file, inputs)
    everyone = np.arange(len(users))

    def above(scores: common.Array) -> float:
        """The share of modules that a file does not import, in percent, below the one that was held back."""
        lower = (scores < scores[everyone, held_back][:, None]) & ~imported
        return 100 * float(np.mean(lower.sum(1) / (~imported).sum(1)))

    found = above(fits)
    popular = above(np.broadcast_to(known.sum(0), known.shape))

    figure, (left, right) = common.figure(2, 6, 5)
    common.draw_losses(left, losses)
    right.axis("off")
    right.set(title="what is recommended (bold: was held back)")
    for row, index in enumerate(generator.permutation(len(users))[:12]):
        best = np.argsort(np.where(known[index], -np.inf, fits[index]))[::-1][:4]
        told = ", ".join(modules[i] for i in best)
        weight = "bold" if held_back[index] in best else "normal"
        right.text(0, 0.95 - 0.08 * row, f"{users[index][0]}:  {told}", fontsize=8, weight=weight)
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"{len(users)} held-back imports ranked above {found:.1f} % of other modules "
        f"({popular:.1f} % by popularity)",
        reached=found >= 75 and found > popular,
    )


if __name__ == "__main__":
    common.leave(main())
