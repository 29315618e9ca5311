"""Texts in graphs: what moves them, what takes them apart, and numbers that stand for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._run import run_on_both

# Moved like any other elements --------------------------------------------------------------------------------


def test_texts_are_moved_and_compared() -> None:
    x = tf.placeholder(tf.string, [None, 2])
    fed = np.asarray([["p", "a"], ["p", "r"], ["é", ""]], dtype=object)
    bytes_ = np.vectorize(str.encode, otypes=[object])(fed)
    flat = bytes_.reshape(-1)
    y = tf.reshape(x, [-1])
    pairs: list[tuple[Any, Any]] = [
        (y, flat),
        (tf.shape(x), [3, 2]),
        (tf.size(x), 6),
        (y[0], b"p"),
        (y[::-2], flat[::-2]),
        (x[1:, tf.newaxis], bytes_[1:, None]),
        (tf.transpose(x), bytes_.T),
        (tf.concat([x, [["u", "v"]]], 0), np.concatenate([bytes_, [[b"u", b"v"]]])),
        (tf.stack([y[0], "q"]), [b"p", b"q"]),
        (tf.split(x, 2, axis=1)[1], bytes_[:, 1:]),
        (tf.unstack(x, axis=1)[0], bytes_[:, 0]),
        (tf.tile(["u", "v"], [2]), [b"u", b"v", b"u", b"v"]),
        (tf.fill([2, 1], "z"), [[b"z"], [b"z"]]),
        (tf.gather(x, [2, 0]), bytes_[[2, 0]]),
        (tf.gather_nd(x, [[2, 0], [1, 1]]), bytes_[[2, 1], [0, 1]]),
        (tf.slice(x, [1, 0], tf.constant([1, 2])), bytes_[1:2]),
        (tf.boolean_mask(x, [True, False, True]), bytes_[[0, 2]]),
        (tf.equal(x, "p"), bytes_ == b"p"),
        (tf.not_equal(x, x[0]), bytes_ != bytes_[0]),
        (tf.where(tf.equal(x, "p"), tf.fill(tf.shape(x), "-"), x), np.where(bytes_ == b"p", b"-", bytes_)),
        (tf.where(tf.equal(x, "r")), [[1, 1]]),
        (tf.expand_dims("t", 0), [b"t"]),
        (tf.constant("t")[tf.newaxis], [b"t"]),
        (tf.squeeze([["t"]]), b"t"),
        (tf.tensor_scatter_update(y, [[1]], ["w"])[1], b"w"),
        (tf.cond(tf.equal(y[0], "p"), lambda: tf.constant("yes"), lambda: tf.constant("no")), b"yes"),
    ]
    found = run_on_both([p[0] for p in pairs], {x: fed})
    for one, (_, expected) in zip(found, pairs, strict=True):
        assert np.asarray(one, dtype=object).tolist() == np.asarray(expected, dtype=object).tolist()
        assert np.shape(one) == np.shape(expected)


def test_different_texts() -> None:
    y, idx, count = run_on_both(tf.unique_with_counts(tf.constant(["b", "a", "b", "c", "b"])))
    assert y.tolist() == [b"b", b"a", b"c"]
    assert idx.tolist() == [0, 1, 0, 2, 0]
    assert count.tolist() == [3, 1, 1]


def test_a_graph_with_texts_says_why_it_is_not_exported(tmp_path: Path) -> None:
    x = tf.placeholder(tf.string, [2], name="words")
    marks = tf.cast(tf.equal(tf.reverse(x, [0]), "yes"), tf.float32)
    with tf.Session() as session:
        with pytest.raises(tf.ExportError, match=r"(?s)is of texts, which a device.*the input") as caught:
            tf.export_model({"y": marks * 2.0}, tmp_path / "m.smr", inputs={"x": x}, session=session)
        assert any("test_texts.py" in problem for problem in caught.value.problems)
        tf.export_model({"y": marks * 2.0}, tmp_path / "m.smr", inputs={"marks": marks}, session=session)
    np.testing.assert_array_equal(
        tf.load(tmp_path / "m.smr").run(marks=np.asarray([1, 0], np.float32)), [2, 0]
    )
