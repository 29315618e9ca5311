"""Figures from times, and tables from figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.figures import difference, latency
from benchmarks.table import markdown, medians, microseconds, ratio, table


def test_latency_is_the_median_of_rounds() -> None:
    rounds = [[1000 * n for n in range(1, 12)], [9000, 9000, 9000], [20_000, 10_000, 15_000]]
    found = latency(rounds)
    assert found.rounds == (6.0, 9.0, 15.0)
    assert (found.median, found.p10, found.p90, found.calls) == (9.0, 9.0, 10.0, 17)


def test_difference() -> None:
    source = np.array([[1.0, -4.0, 3.0, 0.0]], np.float32)
    assert difference([source], [source]) == {"largest": 0.0, "noise": 0.0}
    moved = source + np.array([[0, 0, 0.4, 0]], np.float32)
    found = difference([source, moved], [source, source])
    assert found["largest"] == pytest.approx(0.1)
    assert found["noise"] == pytest.approx(0.2 / source.std(), rel=1e-2)
    with pytest.raises(ValueError, match="not finite"):
        difference([source * np.nan], [source])
    with pytest.raises(ValueError, match=r"shape \[1, 3\], expected \[1, 4\]"):
        difference([source[:, :3]], [source])


def told(median: float, **more: Any) -> dict[str, Any]:
    figures = {"median": median, "p10": median - 1, "p90": median + 1}
    return {"latency": figures, "first_us": 1.0, "anonymous_bytes": 0, "memory_bytes": 0, **more}


def run(ours: float, theirs: float) -> dict[str, Any]:
    cells = {"samara": told(ours), "onnxruntime": told(theirs)}
    absent = {"samara": told(7.0), "onnxruntime": {"absent": "wrong"}}
    shared = {"network": "ds_cnn", "threads": 1}
    return {
        "cases": [
            {**shared, "precision": "float32", "runtimes": cells},
            {**shared, "precision": "int8", "runtimes": absent},
        ]
    }


def test_medians_over_runs() -> None:
    found = medians([run(30.0, 60.0), run(50.0, 80.0), run(40.0, 100.0)])
    cell = found["ds_cnn", "float32", 1]
    assert cell["samara"]["latency"]["median"] == 40.0
    assert ratio(cell) == (0.5, "onnxruntime")
    assert ratio(found["ds_cnn", "int8", 1]) is None


def test_table() -> None:
    lines = table([run(40.0, 100.0)]).splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines[:4]]
    assert cells[0][3:] == ["Samara", "ONNX Runtime", "ratio to the best peer"]
    assert cells[2] == ["ds_cnn", "float32", "1", "40.0", "100", "0.40"]
    assert cells[3] == ["ds_cnn", "int8", "1", "7.00", "-", ""]
    assert len({len(line) for line in lines[:4]}) == 1


def test_numbers_are_to_the_right() -> None:
    assert markdown(["name", "n"], [["a", "1"], ["b", "-"]]).splitlines()[1] == "|------|----:|"
    assert [microseconds(v) for v in (4.654, 46.54, 465.4, 4654.4)] == ["4.65", "46.5", "465", "4,654"]
