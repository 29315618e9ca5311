"""A case: nodes with what they are given; and the arrays that are drawn for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import helper, numpy_helper

Array = np.ndarray[Any, Any]

OPSET = 21
FLOATS = ("float32", "float32", "float32", "float16")
FLOAT = ("float32",)
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
WIDE = ("int32", "int64")
NUMBERS = (*FLOATS, *INTEGERS)
ANY = (*NUMBERS, "bool")


@dataclass(frozen=True)
class Case:
    """Nodes, and what they are given.

    Attributes:
        nodes: in order.
        inputs: arrays that are fed, by name.
        constants: arrays that the model has, by name.
        outputs: what is compared, with its dtype.
        moving: axes of the inputs whose sizes may be others at each run.
    """

    nodes: tuple[Any, ...]
    inputs: Mapping[str, Array]
    constants: Mapping[str, Array]
    outputs: Mapping[str, str]
    moving: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        def text(kind: str, arrays: Mapping[str, Array]) -> str:
            short = [
                f"{n}: {a.dtype}{list(a.shape)}"
                + (f"={a.tolist()}" if a.size < 9 and kind == "constants" else "")
                for n, a in arrays.items()
            ]
            return f"{kind} {', '.join(short)}"

        nodes = [
            f"{n.op_type}({', '.join(n.input)}; "
            + ", ".join(f"{a.name}={helper.get_attribute_value(a)!r}" for a in n.attribute)
            + ")"
            for n in self.nodes
        ]
        return f"{' -> '.join(nodes)} of {text('inputs', self.inputs)}, {text('constants', self.constants)}"


def case(
    op: str,
    inputs: Sequence[Array | None],
    constants: Sequence[int] = (),
    outputs: Sequence[str] = (),
    **attributes: Any,
) -> Case:
    """One node: `constants` are the places of inputs that the model has, `outputs` the dtypes (of the first input)."""
    names = ["" if a is None else f"x{i}" for i, a in enumerate(inputs)]
    while names and not names[-1]:
        names.pop()
    given = {n: np.asarray(a) for n, a in zip(names, inputs, strict=False) if a is not None}
    kept = {f"x{i}" for i in constants}
    first = next(iter(given.values()))
    results = {f"y{i}": d for i, d in enumerate(outputs or [first.dtype.name])}
    node = helper.make_node(
        op, names, list(results), **{k: v for k, v in attributes.items() if v is not None}
    )
    return Case(
        (node,),
        {n: a for n, a in given.items() if n not in kept},
        {n: a for n, a in given.items() if n in kept},
        results,
    )


def model_of(cases: Sequence[Case]) -> tuple[Any, dict[str, Array]]:
    """Several cases as one model, and what it is fed."""
    nodes, info, constants, results = [], [], [], []
    fed: dict[str, Array] = {}
    for number, one in enumerate(cases):

        def rename(name: str, number: int = number) -> str:
            return f"{name}_{number}" if name else name

        for given in one.nodes:
            node = helper.make_node(given.op_type, [], [], name=rename(given.output[0] + "_node"))
            node.CopyFrom(given)
            node.name = rename(f"{given.op_type}_{given.output[0]}")
            del node.input[:], node.output[:]
            node.input.extend(map(rename, given.input))
            node.output.extend(map(rename, given.output))
            nodes.append(node)
        for name, array in one.inputs.items():
            shape: list[Any] = list(array.shape)
            for axis in one.moving.get(name, ()):
                shape[axis] = f"{rename(name)}_{axis}"
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            info.append(helper.make_tensor_value_info(rename(name), kind, shape))
            fed[rename(name)] = array
        constants += [numpy_helper.from_array(a, rename(n)) for n, a in one.constants.items()]
        for name, dtype in one.outputs.items():
            value = helper.make_empty_tensor_value_info(rename(name))
            value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            results.append(value)
    graph = helper.make_graph(nodes, "corpus", info, results, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10), fed


@st.composite
def arrays(draw: Any, shape: Sequence[int], types: Sequence[str] = FLOATS, low: float = -4) -> Array:
    """An array of a shape: floats between `low` and 4, integers small or of all their range where `low` allows."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    if dtype.kind == "b":
        return np.asarray(random.random(tuple(shape)) < 0.5)
    if dtype.kind == "f":
        return np.asarray(random.uniform(low, 4, tuple(shape)), dtype)
    if low == -4 and draw(st.integers(0, 3)) == 0:
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, tuple(shape), dtype, endpoint=True)
    least = 0 if dtype.kind == "u" or low >= 0 else -9
    return np.asarray(random.integers(least + (low > 0), 10, tuple(shape)), dtype)


SPECIAL = (
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    0.0,
    1e-3,
    65504.0,
    -65504.0,
    0.5,
    -1.5,
    2.5,
    1e-6,
    -20.0,
    90.0,
)


@st.composite
def with_special(draw: Any, array: Array) -> Array:
    """An array, now and then with numbers that are none, infinite, halves, or at the ends."""
    if array.dtype.kind != "f" or not array.size or draw(st.integers(0, 4)):
        return array
    random = np.random.default_rng(draw(st.integers(0, 99)))
    chosen = random.choice(np.asarray(SPECIAL), array.shape)
    return np.asarray(np.where(random.random(array.shape) < 0.5, chosen, array), array.dtype)


def shapes(least: int = 0, most: int = 4, smallest: int = 1) -> Any:
    return st.lists(st.integers(smallest, 5), min_size=least, max_size=most).map(tuple)


def some(draw: Any, places: Sequence[int]) -> list[int]:
    """Some of the inputs, which become constants."""
    return [p for p in places if draw(st.booleans())]


def ints(*values: int) -> Array:
    return np.asarray(values, np.int64)


@st.composite
def broadcast_pair(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = draw(shapes())
    other = tuple(draw(st.sampled_from([1, n])) for n in shape)[draw(st.integers(0, len(shape))) :]
    first = tuple(draw(st.sampled_from([1, n, n])) for n in shape)
    return draw(st.permutations([first, other]))
