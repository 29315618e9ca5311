"""Connectionist temporal classification against all paths, and against torch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import samara as tf

Array = np.ndarray[Any, Any]


def run(
    logits: Array, labels: Array, label_length: Any, logit_length: Any, **keywords: Any
) -> tuple[Array, Array]:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(logits.dtype, [None, *logits.shape[1:]])
        loss = tf.nn.ctc_loss_v2(labels, x, label_length, logit_length, **keywords)
        weights = np.arange(1, loss.shape[0] + 1).astype(logits.dtype)
        gradient = tf.gradients(tf.reduce_sum(loss * weights), x)[0]
        found, slope = session.run([loss, gradient], {x: logits})
        return found, slope


def by_paths(logits: Array, wanted: list[int], blank: int) -> float:
    """Summed over every path whose repetitions and blanks taken out leave the labels."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        merged = [c for c, _ in itertools.groupby(path) if c != blank]
        if merged == wanted:
            total += float(np.prod([p[t, c] for t, c in enumerate(path)]))
    return -float(np.log(total)) if total else np.inf


@pytest.mark.parametrize("blank", [0, -1])
def test_every_path_counts(blank: int) -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(4, 5, 3))
    classes = [1, 2] if blank == 0 else [0, 1]
    one, other = classes
    labels = np.array([[one, other], [one, one], [other, 0], [0, 0], [one, one]])
    label_length, logit_length = [2, 2, 1, 0, 2], [4, 4, 3, 2, 2]
    found, _ = run(logits, labels, label_length, logit_length, blank_index=blank)
    expected = [
        by_paths(logits[:n, i], labels[i, :k].tolist(), blank % 3)
        for i, (k, n) in enumerate(zip(label_length, logit_length, strict=True))
    ]
    assert expected[4] == np.inf
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_and_gradients_are_those_of_torch(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(2)
    logits = generator.normal(size=(12, 6, 7)).astype(dtype) * 2
    labels = generator.integers(1, 7, (6, 5))
    label_length, logit_length = np.array([5, 3, 0, 1, 4, 5]), np.array([12, 10, 12, 7, 12, 3])
    found, slope = run(logits, labels, label_length, logit_length)
    x = torch.tensor(logits, requires_grad=True)
    losses = torch.nn.functional.ctc_loss(
        x.log_softmax(2),
        torch.tensor(labels),
        torch.tensor(logit_length),
        torch.tensor(label_length),
        reduction="none",
        zero_infinity=True,
    )
    (losses * torch.arange(1, 7)).sum().backward()
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    assert np.isinf(found[5])
    np.testing.assert_allclose(found[:5], losses.detach().numpy()[:5], rtol=tolerance)
    np.testing.assert_allclose(slope, x.grad.numpy(), atol=tolerance * 10)
    turned, _ = run(logits.swapaxes(0, 1).copy(), labels, label_length, logit_length, logits_time_major=False)
    np.testing.assert_array_equal(turned, found)


def test_training_reads_the_labels_off() -> None:
    wanted = np.array([[1, 2, 2, 3]])
    with tf.Graph().as_default():
        logits = tf.Variable(np.zeros((9, 1, 4), np.float32))
        loss = tf.reduce_sum(tf.nn.ctc_loss_v2(wanted, logits, [4], [9]))
        step = tf.train.AdamOptimizer(0.3).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(60):
                session.run(step)
            best = session.run(logits)[:, 0].argmax(1).tolist()
            assert session.run(loss) < 0.1
    assert [c for c, _ in itertools.groupby(best) if c] == wanted[0].tolist()


def test_what_it_refuses() -> None:
    logits, labels = tf.zeros([4, 2, 3]), np.array([[1], [5]])
    with pytest.raises(tf.ShapeError, match="batch of logits"):
        tf.nn.ctc_loss_v2(labels[:1], logits, [1], [4])
    with pytest.raises(tf.ShapeError, match="blank is 3"):
        tf.nn.ctc_loss_v2(labels, logits, [1, 1], [4, 4], blank_index=3)
    with pytest.raises(tf.ShapeError, match=r"number of classes .* is not known"):
        tf.nn.ctc_loss_v2(labels, tf.placeholder(tf.float32), [1, 1], [4, 4], blank_index=-1)
    variable = tf.Variable(np.zeros((4, 2, 3), np.float32))
    slope = tf.gradients(tf.nn.ctc_loss_v2(labels, variable, [1, 1], [4, 4]), variable)[0]
    with pytest.raises(tf.GraphError, match="its gradient has no gradient"):
        tf.gradients(slope, variable)
    with tf.Session() as session:
        with pytest.raises(tf.GraphError, match=r"a label is outside 0\.\.2"):
            session.run(tf.nn.ctc_loss_v2(labels, logits, [1, 1], [4, 4]))
        with pytest.raises(tf.GraphError, match="a length is above"):
            session.run(tf.nn.ctc_loss_v2(labels, logits, [2, 0], [4, 4]))


# Sparse labels, and labels read off ------------------------------------------------------------------------------


def sparse_rows(rows: list[list[int]], width: int | None = None) -> Any:
    places = [[r, c] for r, row in enumerate(rows) for c in range(len(row))]
    return tf.SparseTensorValue(
        np.asarray(places, np.int64).reshape(-1, 2),
        np.asarray([v for row in rows for v in row], np.int32),
        np.asarray([len(rows), width or max(map(len, rows))], np.int64),
    )


def rows_of(value: Any) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(int(value.dense_shape[0]))]
    for (row, column), element in zip(value.indices.tolist(), value.values.tolist(), strict=True):
        assert column == len(rows[row])
        rows[row].append(element)
    assert int(value.dense_shape[1]) == max(map(len, rows), default=0)
    return rows


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_sparse_labels(backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    logits = np.random.default_rng(3).normal(size=(5, 4, 3))
    wanted, lengths = [[0, 1], [], [1, 1], [0]], [5, 2, 4, 1]
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        x = tf.placeholder(tf.float64, [None, 4, 3])
        labels = tf.sparse_placeholder(tf.int32)
        feeds = {x: logits, labels: sparse_rows(wanted, 6)}
        loss = tf.nn.ctc_loss(labels, x, lengths)
        found = session.run(loss, feeds)
        expected = [by_paths(logits[:n, i], wanted[i], 2) for i, n in enumerate(lengths)]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        slope = session.run(tf.gradients(tf.reduce_sum(loss), x)[0], feeds)
        moved = logits.copy()
        moved[1, 0, 2] += 1e-5
        change = session.run(loss, {**feeds, x: moved}) - found
        np.testing.assert_allclose(slope[1, 0, 2], change.sum() / 1e-5, rtol=1e-3)
        turned = tf.transpose(x, [1, 0, 2])
        same = tf.nn.ctc_loss(labels=labels, logits=turned, sequence_length=lengths, time_major=False)
        again = tf.nn.ctc_loss_v2(labels, x, None, lengths, blank_index=-1)
        for other in session.run([same, again], feeds):
            np.testing.assert_array_equal(other, found)
        merged = tf.nn.ctc_loss(labels, x, lengths, preprocess_collapse_repeated=True)
        short = by_paths(logits[:4, 2], [1], 2)
        np.testing.assert_allclose(session.run(merged, feeds), [*expected[:2], short, expected[3]], rtol=1e-6)


def test_too_many_labels() -> None:
    logits = np.zeros((2, 2, 3), np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        labels = tf.SparseTensor(*sparse_rows([[0, 0], [1]]))
        with pytest.raises(tf.GraphError, match="too few steps for its labels"):
            session.run(tf.nn.ctc_loss(labels, logits, [2, 2]))
        x = tf.constant(logits)
        left = tf.nn.ctc_loss(labels, x, [2, 2], ignore_longer_outputs_than_inputs=True)
        found, slope = session.run([left, tf.gradients(left, x)[0]])
        assert found[0] == 0 < found[1]
        assert not slope[:, 0].any()
        assert slope[:, 1].any()
        with pytest.raises(ValueError, match="ctc_merge_repeated=False"):
            tf.nn.ctc_loss(labels, x, [2, 2], ctc_merge_repeated=False)
        with pytest.raises(ValueError, match="needs labels, inputs"):
            tf.nn.ctc_loss(labels)
        with pytest.raises(ValueError, match="needs blank_index"):
            tf.nn.ctc_loss_v2(labels, x, None, [2, 2])


def collapsed(path: Any, blank: int) -> list[int]:
    return [int(c) for c, _ in itertools.groupby(path) if c != blank]


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_greedy_decoding(backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    logits = np.random.default_rng(4).normal(size=(9, 5, 4)).astype(np.float32)
    lengths = [9, 7, 0, 1, 4]
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        (merged,), sums = tf.nn.ctc_greedy_decoder(logits, lengths)
        (plain,), _ = tf.nn.ctc_greedy_decoder(logits, tf.constant(lengths), merge_repeated=False)
        first, second, total = session.run([merged, plain, sums])
    best = logits.argmax(2).T
    assert first.values.dtype == np.int64
    assert rows_of(first) == [collapsed(p[:n], 3) for p, n in zip(best, lengths, strict=True)]
    assert rows_of(second) == [[c for c in p[:n] if c != 3] for p, n in zip(best, lengths, strict=True)]
    expected = [[-logits[:n, i].max(1).sum()] for i, n in enumerate(lengths)]
    np.testing.assert_allclose(total, expected, rtol=1e-5)


def likelihoods(logits: Array, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """The logarithm of the probability of every sequence, the most likely first, over all paths."""
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        sequence = tuple(collapsed(path, blank))
        chance = float(np.prod([p[t, c] for t, c in enumerate(path)]))
        found[sequence] = found.get(sequence, 0.0) + chance
    return sorted(((s, float(np.log(v))) for s, v in found.items()), key=lambda entry: -entry[1])


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_wide_beam_finds_the_most_likely(backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    logits = np.random.default_rng(5).normal(size=(5, 3, 3)) * 2
    logits[:, 2] = [[3, 0, 0], [0, 0, 3], [3, 0, 0], [0, 0, 3], [0, 3, 0]]
    lengths = [5, 4, 5]
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        paths, likely = tf.nn.ctc_beam_search_decoder_v2(logits, lengths, beam_width=200, top_paths=3)
        merged, _ = tf.nn.ctc_beam_search_decoder(logits, lengths, 200, 3)
        found, chances, joined = session.run([paths, likely, merged])
    expected = [likelihoods(logits[:n, i], 2)[:3] for i, n in enumerate(lengths)]
    np.testing.assert_allclose(chances, [[v for _, v in rows] for rows in expected], rtol=1e-6)
    for number in range(3):
        assert rows_of(found[number]) == [list(rows[number][0]) for rows in expected]
    assert expected[2][0][0] == (0, 0, 1)
    assert rows_of(joined[0])[2] == [0, 1]


def test_a_narrow_beam_is_less_likely() -> None:
    logits = np.random.default_rng(6).normal(size=(8, 4, 4)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        narrow, wide = (tf.nn.ctc_beam_search_decoder(logits, [8] * 4, beam_width=w)[1] for w in (2, 64))
        one, other = session.run([narrow, wide])
        assert (one <= other + 1e-6).all()
        assert (one < other).any()
        with pytest.raises(tf.errors.InvalidArgumentError, match="sequence 0 has 1 paths, top_paths is 2"):
            session.run(tf.nn.ctc_beam_search_decoder(logits, [0] * 4, top_paths=2)[1])
        with pytest.raises(tf.ShapeError, match="must be from 1 to beam_width"):
            tf.nn.ctc_beam_search_decoder(logits, [8] * 4, beam_width=2, top_paths=3)


def test_labels_made_unique_and_collapsed() -> None:
    labels = np.asarray([[3, 4, 4, 3], [1, 2, 3, 1], [5, 5, 5, 5]])
    with tf.Graph().as_default(), tf.Session() as session:
        unique, numbers = tf.nn.ctc_unique_labels(labels)
        rows, lengths = tf.nn.collapse_repeated(labels, [4, 4, 0])
        found = session.run([unique, numbers, rows, lengths])
    assert found[0].tolist() == [[3, 4, 0, 0], [1, 2, 3, 0], [5, 0, 0, 0]]
    assert found[1].tolist() == [[0, 1, 1, 0], [0, 1, 2, 0], [0, 0, 0, 0]]
    assert found[2].tolist() == [[3, 4, 3, 0], [1, 2, 3, 1], [0, 0, 0, 0]]
    assert found[3].tolist() == [3, 4, 0]
