"""Cases of the ops that run sub-graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Body, Graph, Tensor
from tests.cases._case import Case, Input


def body(function: Any, *inputs: tuple[str, tuple[int, ...]]) -> Body:
    """A body from a function of a builder and placeholders of these element types and shapes."""
    graph = Graph()
    made = [
        graph.apply("placeholder", [], {"dtype": d, "shape": s}, name=f"argument{i}").outputs[0]
        for i, (d, s) in enumerate(inputs)
    ]
    outputs = function(graph.b, *made)
    listed = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    return Body(graph, tuple(made), tuple(listed))


def _cond(a: Any, predicate: Any, inputs: Any) -> Any:
    x, y = inputs
    return [x + y, x * 2.0] if predicate else [x - y, y]


def _branches(shape: tuple[int, ...]) -> dict[str, Body]:
    kinds = (("float32", shape), ("float32", shape))
    return {
        "then_body": body(lambda b, x, y: [b.add(x, y), b.multiply(x, np.float32(2.0))], *kinds),
        "else_body": body(lambda b, x, y: [b.subtract(x, y), y], *kinds),
    }


def _fibonacci(a: Any, inputs: Any) -> Any:
    i, x, y, n = inputs
    while i < n:
        i, x, y = i + 1, y, x + y
    return [i, x, y]


def _loop(shape: tuple[int, ...], invariants: int = 1) -> dict[str, Any]:
    kinds = (("int32", ()), ("float32", shape), ("float32", shape), ("int32", ()))
    return {
        "condition": body(lambda b, i, x, y, n: b.less(i, n), *kinds),
        "step": body(lambda b, i, x, y, n: [b.add(i, np.int32(1)), y, b.add(x, y)], *kinds),
        "maximum_trip_count": 10,
        "invariants": invariants,
    }


def _updated(a: Any, x: Any, update: Any, begin: Any) -> Any:
    y = np.array(x)
    for index in np.ndindex(*update.shape):
        y[tuple(i + int(b) for i, b in zip(index, begin, strict=True))] = update[index]
    return y


ORACLES = {"cond": _cond, "while_loop": _fibonacci, "dynamic_update_slice": _updated}

CASES = [
    Case(
        op="cond",
        inputs=(
            Input(dtype="bool", values=predicate),
            [Input(shape=shape, dtype="float32"), Input(shape=shape, dtype="float32")],
        ),
        attributes=_branches(shape),
        label=str(predicate),
    )
    for shape in [(), (17,), (2, 3), (0, 3)]
    for predicate in (True, False)
]
CASES += [
    Case(
        op="while_loop",
        inputs=(
            [
                Input(dtype="int32", values=0),
                Input(shape=shape, dtype="float32"),
                Input(shape=shape, dtype="float32"),
                Input(dtype="int32", values=steps),
            ],
        ),
        attributes=_loop(shape),
        label=f"{steps}steps",
    )
    for shape in [(), (17,), (2, 3), (0, 3)]
    for steps in (0, 1, 2, 7, 10)
]

CASES += [
    Case(
        op="dynamic_update_slice",
        inputs=(Input(shape=x), Input(shape=part), Input(shape=(len(x),), dtype=kind, values=begin)),
        label=f"{begin}{kind}",
    )
    for x, part, begin in [
        ((7,), (3,), (2,)),
        ((7,), (7,), (0,)),
        ((1,), (1,), (0,)),
        ((5, 4), (1, 4), (3, 0)),
        ((5, 4), (2, 3), (0, 1)),
        ((5, 4), (0, 3), (5, 1)),
        ((0, 3), (0, 3), (0, 0)),
        ((2, 3, 4), (2, 1, 2), (0, 2, 2)),
        ((2, 1, 3, 2, 2, 2), (1, 1, 2, 1, 2, 1), (1, 0, 1, 1, 0, 0)),
    ]
    for kind in ("int32", "int64")
]
