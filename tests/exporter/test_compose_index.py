"""Compositions whose places and sizes are data, against numpy: in a session and in the C runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.frontends.compose import index
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph
from samara.pyruntime.model import load

Samples = list[dict[str, Any]]


def check(
    tmp_path: Path,
    shapes: Mapping[str, Any],
    samples: Samples,
    build: Callable[..., Any],
    expected: Callable[..., Any],
) -> Any:
    """Exports what `build` makes of the inputs and runs all samples; returns the graph's tensors."""
    graph = Graph()
    given = {
        name: graph.apply(
            "placeholder", [], {"dtype": np.asarray(samples[0][name]).dtype, "shape": shape}, name=name
        ).outputs[0]
        for name, shape in shapes.items()
    }
    made = build(graph.b, **given)
    outputs = {f"y{i}": t for i, t in enumerate(made if isinstance(made, (list, tuple)) else [made])}
    export_model(outputs, tmp_path / "m.smr", inputs=given, samples=samples[:1])
    model = load(tmp_path / "m.smr")
    session = Session(graph=graph)
    for sample in samples:
        wanted = expected(**sample)
        wanted = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
        python = session.run(list(outputs.values()), {given[n]: a for n, a in sample.items()})
        device = model.run(**sample)
        device = list(device.values()) if isinstance(device, dict) else [device]
        for kind, results in (("session", python), ("device", device)):
            for found, want in zip(results, wanted, strict=True):
                assert found.shape == np.shape(want), kind
                np.testing.assert_array_equal(found, want, err_msg=kind)
    return made


GENERATOR = np.random.default_rng(2)


def sparse(*shape: int, dtype: Any = np.float32, share: float = 0.5) -> Any:
    return (GENERATOR.integers(1, 9, shape) * (GENERATOR.random(shape) < share)).astype(dtype)


def test_non_zero(tmp_path: Path) -> None:
    samples = [{"x": sparse(n, 3, share=s)} for n, s in ((7, 0.5), (7, 0.0), (7, 1.0), (2, 0.4), (5, 0.9))]
    check(
        tmp_path,
        {"x": [Dim("n", 1, 7), 3]},
        samples,
        index.non_zero,
        lambda x: np.stack(np.nonzero(x)),
    )


def test_non_zero_of_a_scalar(tmp_path: Path) -> None:
    samples = [{"x": np.float32(2)}, {"x": np.float32(0)}]
    check(
        tmp_path,
        {"x": []},
        samples,
        index.non_zero,
        lambda x: np.stack(np.nonzero(np.atleast_1d(x))),
    )


@pytest.mark.parametrize("axis", [0, 1, None])
def test_compress(tmp_path: Path, axis: int | None) -> None:
    samples = [{"x": sparse(4, 5), "keep": GENERATOR.random(4) < share} for share in (0.5, 0.0, 1.0)]
    check(
        tmp_path,
        {"x": [4, 5], "keep": [4]},
        samples,
        lambda b, x, keep: index.compress(b, x, keep, axis),
        lambda x, keep: np.compress(keep, x, axis),
    )


def test_a_mask(tmp_path: Path) -> None:
    samples = [
        {"x": sparse(n, 3, 2), "mask": GENERATOR.random((n, 3)) < s}
        for n, s in ((4, 0.5), (2, 0.0), (3, 1.0))
    ]
    n = Dim("n", 1, 4)
    check(
        tmp_path,
        {"x": [n, 3, 2], "mask": [n, 3]},
        samples,
        index.masked,
        lambda x, mask: x[mask],
    )


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_unique(tmp_path: Path, axis: int | None) -> None:
    samples = [{"x": GENERATOR.integers(0, 2 if axis is not None else 5, (n, 4))} for n in (6, 1, 3)]
    check(
        tmp_path,
        {"x": [Dim("n", 1, 6), 4]},
        samples,
        lambda b, x: index.unique(b, x, axis),
        lambda x: tuple(
            np.reshape(v, -1) if i else v for i, v in enumerate(np.unique(x, True, True, True, axis=axis))
        ),
    )


def test_unique_as_they_come(tmp_path: Path) -> None:
    def expected(x: Any) -> Any:
        seen = list(dict.fromkeys(x.tolist()))
        counts = [x.tolist().count(v) for v in seen]
        firsts = [x.tolist().index(v) for v in seen]
        return (
            np.array(seen, np.float32),
            np.array(firsts),
            np.array([seen.index(v) for v in x.tolist()]),
            np.array(counts),
        )

    samples = [{"x": GENERATOR.integers(0, 4, 9).astype(np.float32)} for _ in range(3)]
    check(tmp_path, {"x": [9]}, samples, lambda b, x: index.unique(b, x, in_order=False), expected)


def test_non_max_suppression(tmp_path: Path) -> None:
    boxes = np.array(
        [
            [0, 0, 1, 1],
            [0, 0.1, 1, 1.1],
            [0, -0.1, 1, 0.9],
            [0, 10, 1, 11],
            [0, 10.1, 1, 11.1],
            [0, 100, 1, 101],
        ]
    )
    scores = np.array([0.9, 0.75, 0.6, 0.95, 0.5, 0.3])
    samples = [
        {
            "boxes": boxes[None].astype(np.float32),
            "scores": scores[None, None].astype(np.float32),
            "most": np.array([most]),
        }
        for most in (3, 1, 0)
    ]
    check(
        tmp_path,
        {"boxes": [1, 6, 4], "scores": [1, 1, 6], "most": [1]},
        samples,
        lambda b, boxes, scores, most: index.non_max_suppression(b, boxes, scores, most, 0.5, 0.4),
        lambda boxes, scores, most: np.array([[0, 0, 3], [0, 0, 0], [0, 0, 5]])[
            : min(int(most[0]), 2)
        ].reshape(-1, 3),
    )


BOUNDS = [0, 1, 3, 4, 5, 9, -1, -2, -5, -6, -9, 2**63 - 1, -(2**63)]


@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_slices_between_bounds_that_are_data(tmp_path: Path, step: int) -> None:
    samples = [
        {"x": sparse(n, 3), "start": np.array([s]), "end": np.array([e])}
        for n in (5, 2)
        for s in BOUNDS
        for e in BOUNDS
    ]
    check(
        tmp_path,
        {"x": [Dim("n", 1, 5), 3], "start": [1], "end": [1]},
        samples,
        lambda b, x, start, end: index.slice_(b, x, start, end, [0], [step]),
        lambda x, start, end: x[int(start[0]) : int(end[0]) : step],
    )


def test_a_slice_whose_size_is_known_computes_none(tmp_path: Path) -> None:
    def build(b: Any, x: Any) -> Any:
        half = b.floor_divide(b.shape(x, output_type="int64"), b.constant(np.int64(2)))
        return index.slice_(b, x, b.constant(np.zeros(1, np.int64)), half, [0])

    made = check(
        tmp_path,
        {"x": [Dim("n", 1, 9)]},
        [{"x": sparse(n)} for n in (9, 1, 4)],
        build,
        lambda x: x[: len(x) // 2],
    )
    assert all(op.type != "dimension" for op in made.graph.operations)


def test_reshape_by_data(tmp_path: Path) -> None:
    shapes = ([3, 4], [4, 3], [12, 1])
    check(
        tmp_path,
        {"x": [12], "shape": [2]},
        [{"x": sparse(12), "shape": np.array(s)} for s in shapes],
        index.reshape,
        lambda x, shape: x.reshape(tuple(shape)),
    )


def test_reshape_with_one_size_left_open(tmp_path: Path) -> None:
    def build(b: Any, x: Any, rows: Any) -> Any:
        return index.reshape(b, x, b.concat([rows, b.constant(np.array([-1]))], axis=0))

    check(
        tmp_path,
        {"x": [12], "rows": [1]},
        [{"x": sparse(12), "rows": np.array([n])} for n in (3, 1, 12, 6)],
        build,
        lambda x, rows: x.reshape(int(rows[0]), 12 // int(rows[0])),
    )


def test_ranges_between_data(tmp_path: Path) -> None:
    check(
        tmp_path,
        {"start": [], "limit": [], "delta": []},
        [
            {"start": np.int32(s), "limit": np.int32(e), "delta": np.int32(d)}
            for s, e, d in ((0, 7, 1), (3, 20, 5), (9, -2, -3), (4, 4, 1), (4, 1, 2))
        ],
        lambda b, start, limit, delta: index.range_(b, start, limit, delta, most=10),
        lambda start, limit, delta: np.arange(start, limit, delta, dtype=np.int32),
    )


def test_tiles_counted_by_data(tmp_path: Path) -> None:
    check(
        tmp_path,
        {"x": [2, 3], "often": [2]},
        [{"x": sparse(2, 3), "often": np.array(r)} for r in ([2, 3], [1, 1], [0, 2], [4, 4])],
        lambda b, x, often: index.tile(b, x, often, limit=4),
        lambda x, often: np.tile(x, tuple(often)),
    )


def test_expansion_by_data(tmp_path: Path) -> None:
    check(
        tmp_path,
        {"x": [3, 1], "shape": [2]},
        [{"x": sparse(3, 1), "shape": np.array(s)} for s in ([3, 4], [3, 1], [1, 2])],
        lambda b, x, shape: index.expand(b, x, shape, limit=4),
        lambda x, shape: x * np.ones(tuple(shape), np.float32),
    )


def test_top_k_of_data(tmp_path: Path) -> None:
    def build(b: Any, x: Any, k: Any) -> Any:
        return list(b.top_k(x, index.sized(b, k, 6, name="k"), axis=1))

    def expected(x: Any, k: Any) -> Any:
        order = np.argsort(-x, axis=1, kind="stable")[:, : int(k)]
        return np.take_along_axis(x, order, 1), order

    check(
        tmp_path,
        {"x": [2, 6], "k": []},
        [{"x": sparse(2, 6), "k": np.int64(k)} for k in (3, 0, 6, 1)],
        build,
        expected,
    )


@pytest.mark.parametrize("mode", ["reflect", "wrap", "edge", "symmetric", "constant"])
@pytest.mark.parametrize("pads", [(1, 0, 0, 2), (2, -1, -1, 1), (0, 7, 5, 4)])
def test_pad(tmp_path: Path, mode: str, pads: tuple[int, ...]) -> None:
    if mode == "symmetric" and 7 in pads:
        pads = (0, 3, 3, 3)
    widths = [(pads[0], pads[2]), (pads[1], pads[3])]

    def expected(x: Any) -> Any:
        for axis, (p, q) in enumerate(widths):
            x = np.take(x, range(max(-p, 0), x.shape[axis] + min(q, 0)), axis=axis)
        return np.pad(x, [(max(p, 0), max(q, 0)) for p, q in widths], mode=mode)

    check(tmp_path, {"x": [4, 3]}, [{"x": sparse(4, 3)}], lambda b, x: index.pad(b, x, pads, mode), expected)


@pytest.mark.parametrize(
    "value", [np.int64(2**53 + 1), np.int64(-(2**63)), np.float32(0.1), np.bool_(True), np.int8(-7)]
)
def test_pad_with_any_value(tmp_path: Path, value: Any) -> None:
    x = sparse(2, 3).astype(value.dtype)
    check(
        tmp_path,
        {"x": [2, 3]},
        [{"x": x}],
        lambda b, x: index.pad(b, x, (1, 0, 0, 2), value=value),
        lambda x: np.pad(x, [(1, 0), (0, 2)], constant_values=value),
    )
    check(
        tmp_path,
        {"x": [2, 3], "value": []},
        [{"x": x, "value": value}],
        lambda b, x, value: index.pad(b, x, (1, 0, 0, 2), value=value),
        lambda x, value: np.pad(x, [(1, 0), (0, 2)], constant_values=value),
    )
