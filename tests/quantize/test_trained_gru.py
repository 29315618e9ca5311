"""A GRU that has learned to keep something for many steps, as integers: it answers as the float one does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from samara.exporter.export import export_model
from samara.graph.graph import Graph
from samara.pyruntime.model import load

STEPS, SYMBOLS, CELLS = 24, 4, 20


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Steps this small take longer on more of them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _sequences(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy symbols [steps, count, symbols + 1], one of them marked in the last column, and which that is."""
    generator = torch.Generator().manual_seed(seed)
    symbols = torch.randint(SYMBOLS, (STEPS, count), generator=generator)
    x = torch.nn.functional.one_hot(symbols, SYMBOLS + 1).float()
    at = torch.randint(STEPS, (count,), generator=generator)
    x[at, torch.arange(count), SYMBOLS] = 1.0
    x += 0.1 * torch.randn(x.shape, generator=generator)
    return x, symbols[at, torch.arange(count)]


def _weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = {
        "inputs": (SYMBOLS + 1, 3 * CELLS),
        "recurrent": (CELLS, 3 * CELLS),
        "bias": (3 * CELLS,),
        "after": (CELLS,),
        "answer": (CELLS, SYMBOLS),
    }
    return {
        name: (torch.randn(shape, generator=generator) * (0.0 if len(shape) == 1 else 0.3)).requires_grad_()
        for name, shape in shapes.items()
    }


def _answers(w: dict[str, torch.Tensor], x: torch.Tensor, reset_after: bool) -> torch.Tensor:
    h = torch.zeros(x.shape[1], CELLS)
    for given in x @ w["inputs"] + w["bias"]:
        gates = torch.sigmoid(given[:, : 2 * CELLS] + h @ w["recurrent"][:, : 2 * CELLS])
        z, r = gates.split(CELLS, dim=1)
        matrix = w["recurrent"][:, 2 * CELLS :]
        fresh = r * (h @ matrix + w["after"]) if reset_after else (r * h) @ matrix
        h = z * h + (1 - z) * torch.tanh(given[:, 2 * CELLS :] + fresh)
    return h @ w["answer"]


def _trained(reset_after: bool) -> dict[str, torch.Tensor]:
    w = _weights()
    optimizer = torch.optim.Adam(w.values(), lr=0.03)
    for step in range(125):
        x, expected = _sequences(64, 1000 + step)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(_answers(w, x, reset_after), expected)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return w


@pytest.mark.parametrize("reset_after", [False, True], ids=["before", "after"])
def test_what_it_has_learned_is_kept(tmp_path: Path, reset_after: bool) -> None:
    w = _trained(reset_after)
    held = {name: value.detach().numpy() for name, value in w.items()}
    graph = Graph()
    b = graph.b
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": (STEPS, 50, SYMBOLS + 1)}, name="x")
    gates = b.matmul(x.outputs[0], held["inputs"], held["bias"])
    bias = held["after"] if reset_after else None
    last = b.gru(gates, held["recurrent"], None, None, bias, reset_after=reset_after)[1]
    answer = b.matmul(last, held["answer"])
    samples: list[dict[str, Any]] = [{"x": _sequences(50, seed)[0].numpy()} for seed in range(4)]
    report = export_model(
        {"answer": answer}, tmp_path / "m.smr", inputs={"x": x.outputs[0]}, samples=samples, quantize="int8"
    )
    assert report.programs[0].ops["quantized_gru"] == 1
    assert report.programs[0].ops["gru"] == 0
    model = load(tmp_path / "m.smr")
    right = {"float": 0, "int8": 0, "same": 0}
    for seed in range(10, 20):
        given, expected = _sequences(50, seed)
        with torch.no_grad():
            wanted = _answers(w, given, reset_after).argmax(dim=1)
        found = torch.from_numpy(np.asarray(model(given.numpy()))).argmax(dim=1)
        right["float"] += int((wanted == expected).sum())
        right["int8"] += int((found == expected).sum())
        right["same"] += int((found == wanted).sum())
    assert right["float"] >= 475, right
    assert right["int8"] >= right["float"] - 5, right
    assert right["same"] >= 495, right
