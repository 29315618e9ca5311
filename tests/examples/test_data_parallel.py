"""The data-parallel program by torchrun: the curve of one process, and a file that works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from samara.pyruntime.model import load
from tests.conftest import ROOT
from tests.graph.distributed._launch import environment, finished

PROGRAM = ROOT / "examples" / "training" / "data_parallel.py"


def train(folder: Path, processes: int, steps: int) -> list[float]:
    """Runs the program; its last three losses."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), str(PROGRAM)]
    command += ["--steps", str(steps), "--output", str(folder)]
    started = subprocess.Popen(
        command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    ((status, output),) = finished([started])
    assert status == 0, output
    found = re.search(r"loss ([\d. ]+); accuracy ([\d.]+) %", output)
    assert found is not None, output
    return [float(v) for v in found[1].split()]


def test_two_processes_end_where_one_does(tmp_path: Path) -> None:
    for name in ("torch.distributed", "sklearn", "matplotlib", "tqdm", "safetensors"):
        pytest.importorskip(name)
    expected = train(tmp_path / "one", 1, 60)
    assert expected[-1] < 1.0
    np.testing.assert_allclose(train(tmp_path / "two", 2, 60), expected, rtol=0, atol=1e-5)
    row = np.random.default_rng(0).uniform(size=(1, 64)).astype(np.float32)
    one, two = (load(tmp_path / name / "data_parallel.smr").run(x=row) for name in ("one", "two"))
    np.testing.assert_allclose(one, two, atol=1e-4)
    np.testing.assert_allclose(one.sum(), 1, atol=1e-5)
    assert (tmp_path / "two" / "data_parallel.png").read_bytes().startswith(b"\x89PNG")
