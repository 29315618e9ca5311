"""A worker that dies ends the job with its name, at once; a restart continues from the last checkpoint."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.graph.distributed._launch import FOLDER, OPTIMIZERS, curve, environment, finished, together

pytest.importorskip("torch.distributed")

STEPS = 14


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("killed", "has died; worker 0 ("),
        ("raises", "has died; worker 0 ("),
        ("ends", "has ended; worker 0 ("),
        ("leaves", "has ended; worker 0 ("),
    ],
)
def test_the_end_of_a_worker_ends_the_others_with_its_name(how: str, said: str) -> None:
    begin = time.monotonic()
    (status, output), (other, its) = together(2, "death_program.py", how)
    assert time.monotonic() - begin < 60
    assert other == {"killed": -9, "raises": 1, "ends": 0, "leaves": 0}[how], its
    assert status == 1
    assert "samara.errors.UnavailableError: worker 1 (/job:worker/task:1, process " in output
    assert said in output.splitlines()[-1]


def test_a_restart_continues_from_the_last_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    # The launcher looks seldom, so that the worker that is left tells of the other before it is stopped too.
    command += ["--max-restarts=1", "--monitor-interval=3"]
    command += [str(FOLDER / "restart_program.py"), str(tmp_path), str(STEPS)]
    process = subprocess.Popen(
        command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    ((status, output),) = finished([process])
    assert status == 0, output
    assert "worker 1 (/job:worker/task:1, process" in output
    assert "has died" in output
    expected = curve(OPTIMIZERS["adam"], "numpy", STEPS)
    for rank in (0, 1):
        found: dict[int, list[tuple[int, float]]] = {}
        for line in (tmp_path / f"{rank}.txt").read_text().splitlines():
            attempt, step, loss = line.split()
            found.setdefault(int(attempt), []).append((int(step), float(loss)))
        assert [s for s, _ in found[0]] == list(range(8))
        # The checkpoints are those of steps 1 and 6.
        assert [s for s, _ in found[1]] == list(range(found[1][0][0], STEPS))
        assert 1 < found[1][0][0] < 8
        for steps in found.values():
            for step, loss in steps:
                np.testing.assert_allclose(loss, expected[step], rtol=0, atol=1e-5)
