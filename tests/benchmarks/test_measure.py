"""A case is measured in processes of their own, and the machine tells its limits."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.machine import describe, peak
from benchmarks.process import Worker, WorkerError

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


def test_a_worker_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "none.npy").write_bytes(b"")
    with pytest.raises(WorkerError, match="EOFError"):
        Worker("samara", tmp_path / "none.smr", tmp_path / "none.npy", 1, tmp_path / "log")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_machine(tmp_path: Path) -> None:
    machine = describe(tmp_path, [1], trials=1)
    limits = machine["limits"]["1"]
    assert peak(limits, "int8") >= peak(limits, "float32") > 0.1
    assert limits["reads"].keys() == {*machine["caches"], "memory"}
    assert all(rate > 0.1 for rate in limits["reads"].values())
