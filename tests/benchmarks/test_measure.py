"""A case is measured in processes of their own, and the machine tells its limits."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.files import read, size
from benchmarks.machine import describe
from benchmarks.process import Worker, WorkerError
from samara import roofline

MACHINE = {
    "caches": {"L1": 32768},
    "limits": {"1": {"rates": {"float32": 50.0, "int8": 100.0}, "reads": {"L1": 100.0, "memory": 10.0}}},
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_case(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from benchmarks.measure import Bench, Case, Plan

    bench = Bench(tmp_path, Plan(rounds=2, seconds=0.01, opened=1), MACHINE)
    said: list[str] = []
    told = bench.case(Case("nothing", "float32", 1), ["samara"], said.append)
    ours = told["runtimes"]["samara"]
    assert ours["difference"] == {"largest": 0.0, "noise": 0.0}
    assert 0 < ours["latency"]["least"] <= ours["latency"]["median"] < 1e6
    assert len(ours["latency"]["rounds"]) == 2
    assert ours["first_us"] > 0
    assert ours["file_bytes"] > 0
    assert any("_native" in name for name in ours["library_bytes"])
    assert 0 <= ours["anonymous_bytes"] < 1 << 20
    assert said[0] == "nothing float32 1 thread: samara opens"
    several = bench.case(Case("nothing", "int8", 1), ["mnn"], said.append)
    assert several["runtimes"]["mnn"] == {"absent": "no int8 file is written for it"}
    with pytest.raises(ValueError, match="wall clock only"):
        Bench(tmp_path, Plan(clock="processor"), MACHINE).case(Case("nothing", "int8", 2), [], said.append)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_what_is_wrong_is_not_timed(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from benchmarks.measure import Bench, Case, Plan

    bench = Bench(tmp_path, Plan(rounds=1, seconds=0.01, opened=1), MACHINE)
    bench.network("nothing")
    bench._source = [y + 0.01 for y in bench._source]
    ours = bench.case(Case("nothing", "float32", 1), ["samara"], lambda _: None)["runtimes"]["samara"]
    assert ours["absent"].startswith("wrong: differs from the source")
    assert "latency" not in ours


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_run_leaves_figures_a_page_and_a_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from benchmarks import __main__ as program

    machine = {**MACHINE, "processor": "A processor", "cores": 2, "system": "Linux"}
    monkeypatch.setattr(program, "describe", lambda *_: machine)
    words = "--networks nothing --runtimes samara --precisions float32 --threads 1 --rounds 1 --seconds 0.01 --opened 1"
    assert program.main([*words.split(), "--folder", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "run.json").read_text())["cases"][0]["network"] == "nothing"
    assert "A processor, 2 cores, Linux" in (tmp_path / "run.md").read_text()
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_all_of_a_file_is_read_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "m.int8.param"
    path.write_bytes(bytes(5))
    (tmp_path / "m.int8.bin").write_bytes(bytes(3_000_000))
    assert read(path, "ncnn_int8") == size(path, "ncnn_int8") == 3_000_005
    assert read(path, "mnn") == size(path, "mnn") == 5


def test_a_worker_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "none.npy").write_bytes(b"")
    with pytest.raises(WorkerError, match="EOFError"):
        Worker("samara", tmp_path / "none.smr", tmp_path / "none.npy", 1, tmp_path / "log")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_machine(tmp_path: Path) -> None:
    machine = describe(tmp_path, [1], trials=1)
    limits = machine["limits"]["1"]
    peaks = roofline.peaks(limits)
    assert peaks["int8"] >= peaks["float32"] > 0.1
    assert limits["reads"].keys() == {*machine["caches"], "memory"}
    assert all(rate > 0.1 for rate in limits["reads"].values())
