"""Two and four processes on this machine: the curve of the whole batch, collectives, overlap, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.graph.distributed._launch import OPTIMIZERS, curve, results, together

pytest.importorskip("torch.distributed")
pytest.importorskip("array_api_compat")

STEPS = 25


@pytest.fixture(scope="module", params=[2, 4])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the processes has found."""
    size = request.param
    folder: Path = tmp_path_factory.mktemp("together")
    for status, output in together(size, "together_program.py", folder, STEPS):
        assert status == 0, output
    return results(size, folder)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_curve_is_that_of_one_process_on_the_whole_batch(
    found: list[dict[str, Any]], backend: str, optimizer: str
) -> None:
    expected = curve(OPTIMIZERS[optimizer], backend, STEPS)
    assert expected[-1] < 0.8 * expected[0]
    for process in found:
        np.testing.assert_allclose(process[backend][optimizer], expected, rtol=0, atol=1e-5)
        # Not just close: the replicas have the same bits.
        assert process[backend][f"{optimizer} variables"] == found[0][backend][f"{optimizer} variables"]


def test_sync_replicas_in_monitored_sessions(found: list[dict[str, Any]]) -> None:
    expected = curve(OPTIMIZERS["adam"], "numpy", STEPS)
    for process in found:
        np.testing.assert_allclose(process["sync replicas"], expected, rtol=0, atol=1e-5)


def test_collectives_and_their_gradients(found: list[dict[str, Any]]) -> None:
    size = len(found)
    base = np.array([[1.0, 2.0], [3.0, -4.0]])
    each = [base * (r + 1) for r in range(size)]
    factors = sum(range(1, size + 1))
    for rank, process in enumerate(found):
        have = process["operations"]
        np.testing.assert_allclose(have["sum"], sum(each))
        np.testing.assert_allclose(have["mean"], sum(each) / size)
        np.testing.assert_allclose(have["max"], np.max(each, 0))
        np.testing.assert_allclose(have["min"], np.min(each, 0))
        assert have["integers"] == [sum(range(size)), size, size * 2**40]
        np.testing.assert_allclose(have["broadcast"], each[1])
        np.testing.assert_allclose(have["gradient of sum"], factors * 2 * each[rank])
        np.testing.assert_allclose(have["gradient of mean"], factors * 2 * each[rank] / size)
        at_root = factors * 2 * each[rank] if rank == 1 else 0 * base
        np.testing.assert_allclose(have["gradient of broadcast"], at_root)
        np.testing.assert_allclose(have["second"], size * 6 * each[rank])


def test_late_layers_are_reduced_while_early_gradients_are_computed(found: list[dict[str, Any]]) -> None:
    for process in found:
        labels = process["overlap"]
        starts = [n for n, label in enumerate(labels) if " = all_reduce_start(" in label]
        finishes = [n for n, label in enumerate(labels) if " = all_reduce_finish(" in label]
        # The gradient of the first layer's weights is the last product of the step.
        first_layer = max(n for n, label in enumerate(labels) if " = matmul(" in label)
        assert labels[first_layer].startswith("gradients/matmul_grad/")
        assert len(starts) == len(finishes) == 6
        assert sum(n < first_layer for n in starts) == 5
        assert min(finishes) > max(starts)
        products = [
            n for n, label in enumerate(labels) if "matmul" in label.split(" = ")[0] and n > starts[0]
        ]
        assert len(products) >= 3


def test_what_differs_between_processes_is_one_clear_error(found: list[dict[str, Any]]) -> None:
    size = len(found)
    for rank, process in enumerate(found):
        said = process["refusals"]
        assert (
            "the graphs of the processes differ: collective 1 of the step is all_reduce 'odd'(float32["
            in (said["graphs"])
        )
        assert f"worker {rank} (/job:worker/task:{rank}, process" in said["graphs"]
        assert "give every process arrays of the same shape" in said["arrays"]
        assert "together_program.py:" in said["arrays"]
        assert f"but {size} processes train together" in said["replicas"]
        assert said["still"] == f"[{size}.]"
