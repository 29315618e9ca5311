"""What a case is: an op on inputs of given shapes, and an oracle that says what must come out.

Each family of the op table has a file here with two names: ORACLES, a naive float64 (or integer) computation for
each op, written independently of the table's reference (one marked `as_stored` gets floats of their own type); and
CASES. Every harness reads them: shape rule, reference against oracle, gradient against finite differences, C kernel
against reference, export round trip, benchmark.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.ops import OPS

Oracle = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Input:
    """An input of a case.

    Attributes:
        shape: its shape.
        dtype: a dtype name, or "T" (any type variable's name) for each dtype that the case runs with.
        low, high: random values lie between them (unsigned integers: from 0).
        values: the values themselves, instead of random ones.
        constant: whether it is a constant of the graph rather than fed; a packed operand is then packed.
    """

    shape: tuple[int, ...] = ()
    dtype: str = "T"
    low: float = -2.0
    high: float = 2.0
    values: Any = None
    constant: bool = False

    def array(self, dtype: str, generator: np.random.Generator) -> np.ndarray[Any, Any]:
        """The array for a run in which the type variable stands for `dtype`."""
        type_ = np.dtype(dtype if self.dtype not in dtypes.BY_NAME else self.dtype)
        if self.values is not None:
            return np.asarray(self.values, dtype=type_)
        if type_.kind == "b":
            return generator.random(self.shape) < 0.5
        if type_.kind == "f":
            return generator.uniform(self.low, self.high, self.shape).astype(type_)
        low = max(int(self.low), 0) if type_.kind == "u" else int(np.ceil(self.low))
        return generator.integers(low, max(int(self.high), low), self.shape, type_, endpoint=True)


@dataclass(frozen=True, kw_only=True)
class Case:
    """An op on inputs.

    Attributes:
        op: its name in the table.
        inputs: one Input for each operand, None for an absent optional one; for a variadic operand (the last), a
            tuple of Inputs.
        attributes: by name.
        dtypes: what the first type variable stands for, one run each; None for all that the op allows.
        tolerance: of the largest magnitude of the result, for float32 (float16: 1e-3 if larger).
        gradient: whether the gradient is checked, when the op has one.
        dynamic: whether the C kernel is also run with the first axis of every input as one named dimension.
        label: tells cases of one op apart when shapes and attributes do not.
    """

    op: str
    inputs: tuple[Any, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dtypes: tuple[str, ...] | None = None
    tolerance: float = 1e-5
    gradient: bool = True
    dynamic: bool = False
    label: str = ""

    def dtype_names(self) -> tuple[str, ...]:
        """The dtypes to run with."""
        if self.dtypes is not None:
            return self.dtypes
        types = OPS[self.op].types
        return tuple(d.name for d in next(iter(types.values()))) if types else ("float32",)

    @property
    def id(self) -> str:
        """A readable name for the test."""
        shapes = "_".join("x".join(map(str, i.shape)) or "scalar" for i in self.flat_inputs() if i)
        words = [self.op, shapes, *(f"{k}={v}" for k, v in self.attributes.items()), self.label]
        return "-".join(str(w).replace(" ", "") for w in words if w)

    def flat_inputs(self) -> list[Input | None]:
        """The inputs with a variadic one spread out."""
        flat: list[Input | None] = []
        for given in self.inputs:
            flat += given if isinstance(given, (tuple, list)) else [given]
        return flat

    def arrays(self, dtype: str) -> list[np.ndarray[Any, Any] | None]:
        """Reproducible input arrays, spread out as flat_inputs."""
        generator = np.random.default_rng(zlib.crc32(f"{self.id}/{dtype}".encode()))
        return [None if i is None else i.array(dtype, generator) for i in self.flat_inputs()]

    def grouped(self, flat: Sequence[Any]) -> list[Any]:
        """A spread out list in the grouping of the operands."""
        rest = list(flat)
        grouped: list[Any] = []
        for given in self.inputs:
            if isinstance(given, (tuple, list)):
                grouped.append([rest.pop(0) for _ in given])
            else:
                grouped.append(rest.pop(0))
        return grouped


def unary(op: str, *, low: float = -2.0, high: float = 2.0, **keywords: Any) -> list[Case]:
    """Cases of a unary op over ranks 0 to 6, sizes around vector widths, and an empty tensor."""
    shapes = [(), (1,), (7,), (16,), (33,), (2, 3), (4, 5, 6), (2, 1, 3, 2), (1, 2, 1, 3, 2, 2), (0, 3)]
    return [Case(op=op, inputs=(Input(shape=s, low=low, high=high),), **keywords) for s in shapes]


def binary(op: str, *, low: float = -2.0, high: float = 2.0, **keywords: Any) -> list[Case]:
    """Cases of a binary op: equal shapes, every kind of broadcasting, constants, an empty tensor."""
    pairs = [
        ((), ()),
        ((5,), ()),
        ((), (7,)),
        ((17,), (17,)),
        ((2, 3, 4), (4,)),
        ((2, 3, 4), (3, 1)),
        ((3, 1), (2, 3, 4)),
        ((2, 1, 4), (1, 3, 1)),
        ((1, 2, 1, 3, 2, 2), (3, 1, 2)),
        ((0, 3), (1, 3)),
    ]
    made = [
        Case(
            op=op, inputs=(Input(shape=a, low=low, high=high), Input(shape=b, low=low, high=high)), **keywords
        )
        for a, b in pairs
    ]
    fixed = Input(shape=(4,), low=low, high=high, constant=True)
    made.append(
        Case(op=op, inputs=(Input(shape=(3, 4), low=low, high=high), fixed), label="constant", **keywords)
    )
    return made
