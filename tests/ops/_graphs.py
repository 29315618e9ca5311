"""Building the graph of a case, and comparing arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.ops import OPS
from tests.cases._case import Case

Array = np.ndarray[Any, Any]


@dataclass
class CaseGraph:
    """A graph with one op.

    Attributes:
        op: the operation.
        feeds: the placeholders with their arrays, in the order of the inputs.
        inputs: the arrays of all inputs, constants included, None for an absent one.
        variables: the values before the run of those that the op writes, by name.
    """

    graph: Graph
    op: Operation
    feeds: dict[Tensor, Array]
    inputs: list[Any]
    variables: dict[str, Array]

    def session(self) -> Session:
        """A session in which the variables have their values."""
        session = Session(graph=self.graph)
        session.variables.update(self.variables)
        return session


def build(case: Case, dtype: str, *, unknown: bool = False) -> CaseGraph:
    """The op of a case on placeholders and constants; with `unknown`, placeholders of unknown dimensions."""
    graph = Graph()
    arrays = case.arrays(dtype)
    feeds: dict[Tensor, Array] = {}
    variables: dict[str, Array] = {}
    tensors: list[Tensor | None] = []
    operands = OPS[case.op].operands
    for number, (given, array) in enumerate(zip(case.flat_inputs(), arrays, strict=True)):
        if given is None or array is None:
            tensors.append(None)
            continue
        type_ = dtypes.as_dtype(array.dtype)
        if operands[min(number, len(operands) - 1)].state:
            attributes = {"dtype": type_, "shape": array.shape}
            tensors.append(graph.apply("variable", [], attributes, name=f"state{number}").outputs[0])
            variables[f"state{number}"] = array
        elif given.constant:
            attributes = {"value": array, "dtype": type_}
            tensors.append(graph.apply("constant", [], attributes, name=f"constant{number}").outputs[0])
        else:
            shape = [None] * array.ndim if unknown else array.shape
            made = graph.apply(
                "placeholder", [], {"dtype": type_, "shape": shape}, name=f"input{number}"
            ).outputs[0]
            feeds[made] = array
            tensors.append(made)
    attributes = dict(case.attributes)
    op = graph.apply(case.op, case.grouped(tensors), attributes, name="op")
    return CaseGraph(graph=graph, op=op, feeds=feeds, inputs=arrays, variables=variables)


def tolerance(case: Case, array: Array) -> float:
    """The largest difference allowed, over the largest magnitude."""
    if array.dtype.kind != "f":
        return 0.0
    return max(case.tolerance, 2e-3) if array.dtype.itemsize == 2 else case.tolerance


def assert_close(found: Any, expected: Any, limit: float, what: str) -> None:
    """Equal shapes, equal non-finite values, and differences within `limit` of the largest finite magnitude."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    if limit == 0.0:
        np.testing.assert_array_equal(found, expected.astype(found.dtype), err_msg=what)
        return
    # Bits that are given as numbers can be a NaN that signals.
    with np.errstate(invalid="ignore"):
        a, b = found.astype(np.float64), expected.astype(np.float64)
    special = ~np.isfinite(b)
    np.testing.assert_array_equal(a[special], b[special], err_msg=what)
    scale = np.abs(b[~special]).max(initial=0.0)
    difference = np.abs(a[~special] - b[~special]).max(initial=0.0)
    assert not np.isnan(a[~special]).any(), f"{what}: NaN where a number is expected"
    assert difference <= limit * max(scale, 1e-3), (
        f"{what}: differs by {difference:.3e}, largest value {scale:.3e}"
    )
