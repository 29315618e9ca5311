"""Ops that read label sequences off what a recurrent network says, and that compare sequences."""

from __future__ import annotations

import math
from typing import Any

from samara.errors import InvalidArgumentError
from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_NEVER = -math.inf


def _either(a: float, b: float) -> float:
    """The logarithm of the sum of two numbers that are given by theirs."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))


def _beam_shape(op: Any) -> Any:
    logits, (count,) = op.require_rank(0, 3), op.require_rank(1, 1)
    batch = op.merge(logits[1], count, "batch of logits (axis 1) and of sequence_length")
    a = op.a
    if not 1 <= a.top_paths <= a.beam_width:
        op.fail(f"top_paths is {a.top_paths}, which must be from 1 to beam_width, {a.beam_width}")
    return [(a.top_paths, batch, logits[0]), (batch, a.top_paths)]


def _search(logs: list[list[float]], blank: int, width: int) -> list[tuple[tuple[int, ...], float]]:
    """The most likely sequences, the best first, with the logarithms of their probabilities as far as the beam goes.

    Of each sequence the beam keeps the probability of the paths that end with a blank and of those that end with its
    last label.
    """
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, _NEVER)}
    for row in logs:
        found: dict[tuple[int, ...], tuple[float, float]] = {}

        def more(sequence: tuple[int, ...], place: int, value: float, into: Any = found) -> None:
            pair = list(into.get(sequence, (_NEVER, _NEVER)))
            pair[place] = _either(pair[place], value)
            into[sequence] = tuple(pair)

        for sequence, (ended, open_) in beam.items():
            total = _either(ended, open_)
            more(sequence, 0, total + row[blank])
            if sequence:
                more(sequence, 1, open_ + row[sequence[-1]])
            for label, value in enumerate(row):
                if label != blank:
                    before = ended if sequence and sequence[-1] == label else total
                    more((*sequence, label), 1, before + value)
        ranked = sorted(found.items(), key=lambda entry: -_either(*entry[1]))
        beam = dict(ranked[:width])
    ranked = sorted(beam.items(), key=lambda entry: -_either(*entry[1]))
    return [(sequence, _either(*pair)) for sequence, pair in ranked]


def _beam(xp: Any, op: Any, logits: Any, lengths: Any) -> Any:
    a = op.a
    wide = xp.float64 if logits.dtype == xp.float64 else xp.float32
    x = xp.astype(logits, wide)
    steps, batch, classes = x.shape
    if bool(xp.any(lengths < 0)) or bool(xp.any(lengths > steps)):
        raise InvalidArgumentError(f"ctc_beam_search: a sequence_length is outside 0..{steps}")
    x = x - xp.max(x, axis=2, keepdims=True)
    logs = (x - xp.log(xp.sum(xp.exp(x), axis=2, keepdims=True))).tolist()
    labels = [[[-1] * steps for _ in range(batch)] for _ in range(a.top_paths)]
    likely = [[0.0] * a.top_paths for _ in range(batch)]
    for item in range(batch):
        rows = [logs[t][item] for t in range(int(lengths[item]))]
        paths = _search(rows, classes - 1, a.beam_width)
        if len(paths) < a.top_paths:
            raise InvalidArgumentError(
                f"ctc_beam_search: sequence {item} has {len(paths)} paths, top_paths is {a.top_paths}"
            )
        for number in range(a.top_paths):
            sequence, likely[item][number] = paths[number]
            if a.merge_repeated:
                sequence = tuple(c for i, c in enumerate(sequence) if not i or c != sequence[i - 1])
            labels[number][item][: len(sequence)] = sequence
    return (
        xp.reshape(xp.asarray(labels, dtype=xp.int64), (a.top_paths, batch, steps)),
        xp.reshape(xp.asarray(likely, dtype=logits.dtype), (batch, a.top_paths)),
    )


def _distance_shape(op: Any) -> Any:
    known = [op.value(2), op.value(5)]
    if None in known:
        ranks = [op.shapes[i][1] for i in (0, 3) if op.shapes[i] is not None]
        rank = next((n for n in ranks if isinstance(n, int)), None)
        return None if rank is None else tuple(dims.Dim() for _ in range(rank - 1))
    left, right = known
    if len(left) != len(right):
        op.fail(f"shapes {dims.text(left)} and {dims.text(right)} have different ranks")
    return tuple(dims.maximum(p, q) for p, q in zip(left[:-1], right[:-1], strict=True))


def _sequences(indices: Any, values: Any) -> dict[tuple[int, ...], list[Any]]:
    """The elements of each row, by the row."""
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, element in zip(indices.tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(place[:-1]), []).append(element)
    return found


def _levenshtein(left: list[Any], right: list[Any]) -> int:
    """How many insertions, deletions and substitutions make one of the other."""
    before = list(range(len(right) + 1))
    for i, element in enumerate(left, 1):
        row = [i]
        for k, other in enumerate(right, 1):
            row.append(min(before[k] + 1, row[-1] + 1, before[k - 1] + (element != other)))
        before = row
    return before[-1]


def _distance(xp: Any, op: Any, *parts: Any) -> Any:
    guessed, true = _sequences(*parts[:2]), _sequences(*parts[3:5])
    shapes = [[int(n) for n in p] for p in (parts[2], parts[5])]
    if len(shapes[0]) != len(shapes[1]):
        raise InvalidArgumentError(f"edit_distance: shapes {shapes[0]} and {shapes[1]} have different ranks")
    shape = tuple(max(p, q) for p, q in zip(*shapes, strict=True))[:-1]
    y = xp.zeros(shape, dtype=xp.float32)
    for row in guessed.keys() | true.keys():
        left, right = guessed.get(row, []), true.get(row, [])
        found: float = _levenshtein(left, right)
        if op.a.normalize:
            found = found / len(right) if right else math.inf if left else 0.0
        y[row] = found
    return y


_SEARCHED = "it searches; export what it is given, and search in the application."

OPS.register(
    OpDef(
        name="ctc_beam_search",
        opcode=640,
        inputs=("logits: T", "sequence_length: L"),
        outputs=("labels: int64", "log_probability: T"),
        types={"T": dtypes.FLOATS, "L": (dtypes.int32, dtypes.int64)},
        attributes=(
            attribute("beam_width", "int", 100, "How many sequences are kept after each step."),
            attribute("top_paths", "int", 1, "How many are given."),
            attribute("merge_repeated", "bool", True, "Whether equal neighbours in a sequence become one."),
        ),
        doc="The most likely label sequences of logits [time, batch, classes], whose last class is no label, after "
        "Graves et al., 'Connectionist temporal classification' (2006): `labels` [path, batch, time] filled up with "
        "-1, the best first, and the logarithms of their probabilities over the paths that the beam held. float16 is "
        "computed in float32.",
        shape=_beam_shape,
        reference=_beam,
        device="none",
        why_not=_SEARCHED,
    ),
    OpDef(
        name="edit_distance",
        opcode=641,
        inputs=(
            "hypothesis_indices: int64",
            "hypothesis_values: T",
            "hypothesis_shape: int64",
            "truth_indices: int64",
            "truth_values: T",
            "truth_shape: int64",
        ),
        outputs=("distance: float32",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("normalize", "bool", True, "Whether it is divided by the length of the truth."),
        ),
        doc="For each row of two sparse tensors, the last axis, the Levenshtein distance of its elements: how many "
        "insertions, deletions and substitutions make one of the other. Divided by the length of the truth it is "
        "infinite where only that is empty.",
        shape=_distance_shape,
        reference=_distance,
        device="none",
        why_not="a device has no sparse tensors whose sizes are data; compare in the application.",
        any_rank=True,
        texts=True,
    ),
)
