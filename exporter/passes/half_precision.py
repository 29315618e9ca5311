"""Computes in float16 what a model computes in float32, where that was asked for.

What has no place in float16 stays float32, with casts around it: ops that do not take it, numbers that become integers,
what branches and loops run, and what `wide` of the model names. Inputs, outputs and state keep their types.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from samara.errors import ExportError
from samara.graph.dtypes import DType, float16, float32
from samara.graph.graph import Operation, Tensor
from samara.graph.ops._table import Operand
from samara.graph.rewrite import ModelGraph, SignatureGraph, Visit, copy, needed, transform

Array = np.ndarray[Any, Any]

# The largest number of float16.
LARGEST = 65504.0

# Ops to which a float is no approximation: its bits, and places that are counted.
_EXACT = {"bitcast": "its bits are float32's", "range": "it counts"}


def compute_in_half(model: ModelGraph) -> ModelGraph | None:
    """Turns what may be float16 into it, constants included.

    Raises:
        ExportError: constants have numbers that float16 has not.
    """
    if model.precision != "float16":
        return None
    narrow = _Narrowing(model)
    rewritten = transform(model, narrow, waiting=True)
    return None if rewritten is None else _with_outputs(model, rewritten)


def reasons(model: ModelGraph) -> dict[str, str]:
    """Why operations that compute with float32 stay so in a float16 file, by name."""
    order = needed(model.outputs)
    exact = _becoming_integers(order)
    found = ((op, _reason(op, model.wide, exact)) for op in order if _computes(op))
    return {op.name: reason for op, reason in found if reason}


def overflowing(array: Array) -> float:
    """The largest magnitude in an array, if float16 has no such number; else 0."""
    with np.errstate(over="ignore"):
        lost = np.isinf(array.astype(np.float16)) & np.isfinite(array)
    return float(np.abs(array[lost]).max(initial=0.0))


def _computes(op: Operation) -> bool:
    """Whether a device runs it, on numbers of float32."""
    known = op.definition.device == "kernel" and op.type != "shape"
    return known and any(t.dtype is float32 for t in (*op.given_inputs, *op.outputs))


def _reason(op: Operation, wide: Mapping[str, str], exact: Collection[Operation]) -> str:
    """Why an operation on float32 stays as it is; "" where it need not."""
    if op.type in _EXACT:
        return _EXACT[op.type]
    if op.bodies:
        return "branches and loops stay float32"
    if not all(_takes_half(op, operand) for operand, tensor in _operands(op) if tensor.dtype is float32):
        return "state stays float32" if op.writes else f"{op.type} takes no float16"
    if op in exact:
        return "its numbers become integers"
    return wide.get(op.name, "")


def _operands(op: Operation) -> Iterator[tuple[Operand, Tensor]]:
    for given, tensors in ((op.definition.operands, op.inputs), (op.definition.results, op.outputs)):
        for i, tensor in enumerate(tensors):
            if tensor is not None:
                yield given[min(i, len(given) - 1)], tensor


def _takes_half(op: Operation, operand: Operand) -> bool:
    if operand.state:
        return False
    return operand.type.startswith("@") or float16 in op.definition.types.get(operand.type, ())


def _becoming_integers(order: list[Operation]) -> set[Operation]:
    """Casts to integers, and what computes their numbers element by element: they may count what float16 cannot."""
    found: set[Operation] = set()
    tensors: set[int] = set()
    for op in reversed(order):
        cast = op.type == "cast" and op.outputs[0].dtype.is_integer
        if cast or (op.definition.elementwise and any(id(t) in tensors for t in op.outputs)):
            found.add(op)
            tensors |= {id(t) for t in op.given_inputs}
    return found


class _Narrowing:
    """The rewrite of one operation after the other."""

    def __init__(self, model: ModelGraph) -> None:
        order = needed(model.outputs)
        stay = reasons(model)
        self._narrow = {op for op in order if _computes(op) and op.name not in stay}
        readers = [(t, op) for op in order for t in op.given_inputs if op.type != "shape"]
        others = {id(t) for t, op in readers if op not in self._narrow} | {id(t) for t in model.outputs}
        read = {id(t): t.op for t, op in readers if op in self._narrow}
        constants = [op for op in read.values() if op.type == "constant" and op.outputs[0].dtype is float32]
        _check(constants)
        self._constants = {op for op in constants if id(op.outputs[0]) not in others}
        self._casts: dict[tuple[int, DType], Tensor] = {}

    def __call__(self, visit: Visit) -> list[Tensor] | None:
        op = visit.op
        if op in self._constants:
            value = op.a.value.astype(np.float16)
            return visit.make("constant", [], {"value": value, "dtype": float16})
        narrow = op in self._narrow
        if not narrow and not _computes(op):
            return None
        inputs = [
            new
            if old is None or new is None or old.dtype is not float32
            else self._as(visit, new, float16 if narrow else float32)
            for old, new in zip(op.inputs, visit.inputs, strict=True)
        ]
        if not narrow:
            same = all(a is b for a, b in zip(inputs, visit.inputs, strict=True))
            return None if same else copy(visit.b.graph, op, inputs)
        attributes = {
            operand.type[1:]: float16
            for operand, tensor in _operands(op)
            if operand.type.startswith("@") and tensor.dtype is float32
        }
        if (
            op.type == "cast"
            and inputs[0] is not None
            and inputs[0].dtype is attributes.get("dtype", op.a.dtype)
        ):
            return [inputs[0]]
        return copy(visit.b.graph, op, inputs, attributes={**op.attributes, **attributes})

    def _as(self, visit: Visit, tensor: Tensor, dtype: DType) -> Tensor:
        """A tensor of the new graph as one of another type, made once."""
        if tensor.dtype is dtype:
            return tensor
        key = (id(tensor), dtype)
        if key not in self._casts:
            name = f"{tensor.op.name}/{dtype.name}"
            if tensor.op.type == "constant":
                attributes = {"value": tensor.op.a.value.astype(dtype.numpy), "dtype": dtype}
                made = visit.b.graph.apply("constant", [], attributes, name=name)
            else:
                made = visit.b.graph.apply("cast", [tensor], {"dtype": dtype}, name=name)
            self._casts[key] = made.outputs[0]
        return self._casts[key]


def _check(constants: Collection[Operation]) -> None:
    """Refuses constants that would become infinite.

    Raises:
        ExportError: all of them.
    """
    problems = []
    for op in dict.fromkeys(constants):
        peak = overflowing(op.a.value)
        if peak:
            where = f" (made at {op.source})" if op.source else ""
            problems.append(
                f"constant {op.name!r}{where} has a number of magnitude {peak:g}, and float16 ends at {LARGEST:g}: "
                "give samples, by which ops with such numbers stay float32, or smaller numbers, or leave precision out"
            )
    if problems:
        raise ExportError("\n".join(problems), tuple(problems))


def _with_outputs(old: ModelGraph, new: ModelGraph) -> ModelGraph:
    """Casts back what a caller reads."""
    casts: dict[int, Tensor] = {}

    def given(before: Tensor, after: Tensor) -> Tensor:
        if before.dtype is after.dtype:
            return after
        if id(after) not in casts:
            name = f"{after.op.name}/{before.dtype.name}"
            casts[id(after)] = new.graph.b.cast(after, dtype=before.dtype, name=name)
        return casts[id(after)]

    signatures = tuple(
        SignatureGraph(
            name=s.name,
            inputs=s.inputs,
            outputs={n: given(before.outputs[n], t) for n, t in s.outputs.items()},
        )
        for before, s in zip(old.signatures, new.signatures, strict=True)
    )
    return replace(new, signatures=signatures)
