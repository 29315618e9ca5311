"""Figures from times, and tables from figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.figures import difference, latency
from benchmarks.machine import limit
from benchmarks.network import Builder
from benchmarks.report import main
from benchmarks.table import markdown, medians, microseconds, ratio, tables


def test_each_round_counts_alike() -> None:
    rounds = [[1000 * n for n in range(1, 12)], [9000, 9000, 9000], [20_000, 10_000, 15_000]]
    found = latency(rounds)
    assert found.rounds == (6.0, 9.0, 15.0)
    assert found.least == 1.0
    # A third of the time each: 1 to 11, 9, and 10 to 20. A tenth of all is four of the first eleven.
    assert (found.median, found.p10, found.p90, found.calls) == (9.0, 4.0, 20.0, 17)


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


def told(median: float) -> dict[str, Any]:
    rounds = [median - 1, median, median + 5]
    return {
        "latency": {"median": median, "p10": median - 1, "p90": median + 1, "rounds": rounds},
        "first_us": 3 * median,
        "anonymous_bytes": 2048,
        "memory_bytes": 4096,
        "file_bytes": 10240,
        "library_bytes": {"lib.so": 1 << 20},
        "difference": {"largest": 1e-7, "noise": 1e-7},
    }


def run(ours: float, theirs: float) -> dict[str, Any]:
    shared = {"threads": 1, "limit_us": 10.0, "load_average": "1.50", "stolen": 0.01}
    cases = [
        {"network": "nothing", "precision": "float32", "runtimes": {"samara": told(0.5)}},
        {
            "network": "ds_cnn",
            "precision": "float32",
            "runtimes": {"samara": told(ours), "onnxruntime": told(theirs)},
        },
        {
            "network": "ds_cnn",
            "precision": "int8",
            "runtimes": {"samara": told(7.0), "onnxruntime": {"absent": "wrong | no"}},
        },
    ]
    limits = {"rates": {"float32 ymm": 41.5}, "reads": {"L1": 300.0, "memory": 11.0}}
    machine = {
        "processor": "A processor",
        "cores": 2,
        "system": "Linux",
        "caches": {"L1": 32768},
        "limits": {"1": limits},
    }
    return {"machine": machine, "versions": {}, "cases": [{**shared, **case} for case in cases]}


def test_medians_over_runs() -> None:
    found = medians([run(30.0, 60.0), run(50.0, 80.0), run(40.0, 100.0)])
    cell = found["ds_cnn", "float32", 1]
    assert cell["samara"]["latency"]["median"] == 40.0
    assert ratio(cell) == (0.5, "onnxruntime")
    assert ratio(found["ds_cnn", "int8", 1]) is None


def test_ratio_compares_what_was_measured_together() -> None:
    cell = {
        "samara": {"rounds": {(0, 0): 1.0, (0, 1): 2.0, (0, 2): 2.0, (1, 0): 9.0}},
        "litert": {"rounds": {(0, 0): 2.0, (0, 1): 4.0, (0, 2): 2.2}},
        "onnxruntime": {"rounds": {(1, 0): 30.0}},
        "ncnn": {"absent": "no"},
    }
    assert ratio(cell) == (0.5, "litert")
    assert ratio({"samara": {"rounds": {(0, 0): 1.0}}, "litert": {"rounds": {(1, 0): 1.0}}}) is None


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_tables() -> None:
    sections = dict(part.split("\n\n", 1) for part in tables([run(40.0, 100.0)]).split("### ")[1:])
    lines = sections["float32, 1 thread: median microseconds, and how much of the limit that is"].splitlines()
    assert cells(lines[0])[1:4] == ["limit", "Samara", "ONNX Runtime"]
    assert cells(lines[2]) == [
        "ds_cnn",
        "10.0",
        "40.0 (25%)",
        "100 (10%)",
        "39.0..41.0",
        "0.40 (ONNX Runtime)",
    ]
    lines = sections["int8, 1 thread: median microseconds, and how much of the limit that is"].splitlines()
    assert cells(lines[2]) == ["ds_cnn", "10.0", "7.00 (143%)", "-", "6.00..8.00", "-"]
    assert not any(lines[3:])
    first = sections["From the file's name to the first result: milliseconds, and in parts of a steady run"]
    assert cells(first.splitlines()[2])[2:] == ["0.12 (3.0x)", "0.30 (3.0x)"]
    assert "| ONNX Runtime | wrong / no | ds_cnn int8 |" in sections["What is not measured, and why"]
    assert "nothing" in sections["What a call costs: microseconds of a network of one ReLU"]


def test_page_and_chart(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run(40.0, 100.0)))
    written, chart = tmp_path / "page.md", tmp_path / "c.png"
    assert main([str(path), str(path), "--write", str(written), "--chart", str(chart)]) == 0
    page = written.read_text()
    assert "Runs: 2, timed by the wall clock. The load average was 1.5 to 1.5 meanwhile" in page
    assert "at most 1.0 % of the processors' time was stolen" in page
    assert "not for claims" not in page
    busy = run(40.0, 100.0)
    busy["cases"][0]["load_average"] = "2.50"
    path.write_text(json.dumps(busy))
    assert main([str(path), "--write", str(written)]) == 0
    assert "not for claims" in written.read_text()
    assert "A processor, 2 cores, Linux; L1 32 KiB for a core." in page
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_limit_counts_multiplications_and_weights() -> None:
    network = Builder("dense", (1000,))
    small = network.finish(network.dense("input", 100))
    limits = {"rates": {"float32 zmm": 50.0, "int8 dot": 200.0}, "reads": {"L1": 100.0, "memory": 10.0}}
    machine = {"caches": {"L1": 100_000}, "limits": {"1": limits}}
    # 400,400 bytes: 100,000 at 100 GB/s and the rest at 10 GB/s; 100,000 multiplications would take 2 microseconds.
    assert limit(small, "float32", machine, 1) == pytest.approx(1.0 + 30.04)
    # 100,100 bytes: 1 + 0.01 microseconds; the multiplications take half.
    assert limit(small, "int8", machine, 1) == pytest.approx(1.01)
    images = Builder("conv", (16, 32, 32))
    large = images.finish(images.conv("input", 16, 3))
    assert limit(large, "float32", machine, 1) == pytest.approx(16 * 16 * 9 * 1024 / 50e3)


def test_numbers_are_to_the_right() -> None:
    assert markdown(["name", "n"], [["a", "1"], ["b", "-"]]).splitlines()[1] == "|------|----:|"
    assert [microseconds(v) for v in (4.654, 46.54, 465.4, 4654.4)] == ["4.65", "46.5", "465", "4,654"]
