"""Small models, exported once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import Signature, export_model
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.variables import Variable, global_variables_initializer

WEIGHTS = np.array([[1, -2, 3], [0.5, 0.25, -1]], np.float32)


def placeholder(graph: Graph, name: str, shape: Any, dtype: str = "float32") -> Tensor:
    made: Tensor = graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name=name).outputs[0]
    return made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def sums(folder: Path) -> Path:
    """(x, y) -> total = x + y + weights, positive = relu(total)."""
    graph = Graph()
    total = placeholder(graph, "x", [2, 3]) + placeholder(graph, "y", [3]) + WEIGHTS
    export_model(
        {"total": total, "positive": graph.b.relu(total)}, folder / "sums.smr", metadata={"author": "nobody"}
    )
    return folder / "sums.smr"


@pytest.fixture(scope="session")
def rows(folder: Path) -> Path:
    """x -> relu(x + y), whose first dimension n is from 1 to 8."""
    graph = Graph()
    n = Dim("n", 1, 8)
    y = graph.b.relu(placeholder(graph, "x", [None, 3]) + placeholder(graph, "y", [None, 3]), name="r")
    export_model(y, folder / "rows.smr", shapes={"x": [n, 3], "y": [n, 3]}, golden=0)
    return folder / "rows.smr"


@pytest.fixture(scope="session")
def counter(folder: Path) -> Path:
    """Signatures add: x -> total + x, which is kept; and read: total."""
    graph = Graph()
    with graph.as_default(), Session(graph=graph).as_default() as session:
        total = Variable(np.array([10, 20], np.float32), name="total")
        session.run(global_variables_initializer())
        summed = total.assign(total + placeholder(graph, "x", [2]))
        signatures = [
            Signature({"total": summed}, name="add"),
            Signature({"total": graph.b.identity(total)}, name="read"),
        ]
        export_model(signatures, folder / "counter.smr")
    return folder / "counter.smr"


@pytest.fixture(scope="session")
def slow(folder: Path) -> Path:
    """A number -> a number, by way of many million additions."""
    graph = Graph()
    b = graph.b
    y = b.broadcast_to(placeholder(graph, "x", [1]), np.array([1_000_000], np.int32))
    for _ in range(40):
        y = b.sin(y + y)
    y = b.strided_slice(y, begin=(7,), end=(8,), strides=(1,))
    export_model({"y": y}, folder / "slow.smr")
    return folder / "slow.smr"


@pytest.fixture(scope="session")
def kinds(folder: Path) -> Path:
    """An input and an output of each dtype, which is its input doubled, or for bool inverted."""
    graph = Graph()
    made = {}
    for dtype in ("float16", "int8", "uint8", "int16", "int32", "int64", "bool"):
        x = placeholder(graph, dtype, [2], dtype)
        made[f"{dtype}_out"] = graph.b.logical_not(x) if dtype == "bool" else x + x
    export_model(made, folder / "kinds.smr")
    return folder / "kinds.smr"
