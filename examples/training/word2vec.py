"""word2vec by noise-contrastive estimation: what words of statistics and machine learning have to do with each other.

Mikolov et al., "Efficient estimation of word representations in vector space" (2013), skip-gram, on the docstrings of
scikit-learn. The file takes two words and says how near they are. Pairs that a reader would call near are nearer than
97 % of all pairs.
"""

from __future__ import annotations

import collections
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Sequence

import common
import numpy as np
import sklearn

import samara as tf

WORDS, SIZE, WINDOW, BATCH, NOISE = 1500, 48, 4, 512, 64
PAIRS = [
    ("rows", "columns"), ("mean", "variance"), ("training", "test"), ("classification", "regression"),
    ("minimum", "maximum"), ("lower", "upper"), ("precision", "recall"), ("left", "right"), ("int", "float"),
    ("cluster", "clusters"), ("kernel", "rbf"), ("tree", "forest"), ("l1", "l2"), ("numpy", "array"),
]  # fmt: skip


def docstrings() -> Iterator[str]:
    """The docstrings of the public classes and functions of scikit-learn, and of the classes' methods."""
    seen: set[str] = set()
    for module in pkgutil.iter_modules(sklearn.__path__):
        if module.name.startswith("_") or module.name in {"conftest", "tests", "experimental"}:
            continue
        for _, thing in inspect.getmembers(importlib.import_module(f"sklearn.{module.name}")):
            if not getattr(thing, "__module__", "").startswith("sklearn"):
                continue
            members = [m for _, m in inspect.getmembers(thing)] if inspect.isclass(thing) else []
            for text in [getattr(t, "__doc__", None) for t in (thing, *members)]:
                if isinstance(text, str) and text not in seen:
                    seen.add(text)
                    yield text


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from texts to a file."""
    arguments = common.begin(__file__, __doc__, argv, steps=4000)
    texts = [re.findall(r"[a-z][a-z0-9]+", text.lower()) for text in docstrings()]
    common_words = collections.Counter(word for text in texts for word in text).most_common(WORDS)
    words = [word for word, _ in common_words]
    number = {word: i for i, word in enumerate(words)}
    generator = np.random.default_rng(common.SEED)
    # Of words as frequent as "the" only some are kept: the paper of the same authors on phrases (2013).
    shares = np.array([count for _, count in common_words]) / sum(count for _, count in common_words)
    kept = np.minimum(1, np.sqrt(1e-3 / shares))
    pairs = []
    for text in texts:
        ids = np.array([number[w] for w in text if w in number], np.int64)
        ids = ids[generator.random(len(ids)) < kept[ids]]
        for apart in range(1, WINDOW + 1):
            pairs += [np.stack([ids[:-apart], ids[apart:]], 1), np.stack([ids[apart:], ids[:-apart]], 1)]
    centre, context = np.concatenate(pairs).T

    train_inputs = tf.placeholder(tf.int32, shape=[None])
    train_labels = tf.placeholder(tf.int64, shape=[None, 1])
    embeddings = tf.Variable(tf.random_uniform([WORDS, SIZE], -0.5, 0.5))
    nce_weights = tf.Variable(tf.truncated_normal([WORDS, SIZE], stddev=SIZE**-0.5))
    nce_biases = tf.Variable(tf.zeros([WORDS]))
    embed = tf.nn.embedding_lookup(embeddings, train_inputs)
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=nce_weights, biases=nce_biases, labels=train_labels, inputs=embed, num_sampled=NOISE,
            num_classes=WORDS,
        )
    )  # fmt: skip
    train_step = tf.train.AdamOptimizer(5e-3).minimize(loss)

    words_asked = tf.placeholder(tf.int32, [None, 2], name="words")
    normalized = tf.nn.l2_normalize(embeddings - tf.reduce_mean(embeddings, 0), 1)
    nearness = tf.reduce_prod(tf.nn.embedding_lookup(normalized, words_asked), 1)
    nearness = tf.reduce_sum(nearness, 1, name="nearness")

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = common.batches(BATCH, {train_inputs: centre.astype(np.int32), train_labels: context[:, None]})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        known = [pair for pair in PAIRS if pair[0] in number and pair[1] in number]
        asked = np.array([[number[a], number[b]] for a, b in known], np.int32)
        others = generator.integers(0, WORDS, (3000, 2)).astype(np.int32)
        inputs = {"words": np.concatenate([asked, others[others[:, 0] != others[:, 1]]])}
        tf.export_model(
            {"nearness": nearness},
            arguments.file,
            inputs={"words": words_asked},
            shapes={"words": [1, 2]},
            samples=asked,
            metadata={"words": " ".join(words)},
        )
        outputs = {"nearness": sess.run(nearness, {words_asked: inputs["words"]})}
        vectors = sess.run(normalized)

    found = common.run_file(arguments.file, inputs)
    near, any_pair = found[: len(known)], found[len(known) :]
    beaten = 100 * float(np.median([np.mean(any_pair < value) for value in near]))

    figure, (left, right) = common.figure(2, 6, 5)
    common.draw_losses(left, losses)
    shown = [number[word] for pair in known for word in pair]
    chosen = vectors[shown]
    # The plane in which these words are farthest apart.
    plane = chosen @ np.linalg.svd(chosen - chosen.mean(0))[2][:2].T
    right.scatter(*plane.T, s=4)
    for index, place in zip(shown, plane, strict=True):
        right.annotate(words[index], place, fontsize=8)
    right.set(xticks=[], yticks=[], title="words")
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"{len(known)} pairs of words, in the median nearer than {beaten:.1f} % of all pairs",
        reached=beaten >= 97,
    )


if __name__ == "__main__":
    common.leave(main())
