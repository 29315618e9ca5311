"""Fusion: several operations of a step in one call of the array library, where nobody else sees what is between.

`Backend.fused` gives the calls. A pattern is looked for at its last operation; what leads to it must be read by nothing
else, run on the same device, and read variables that nobody has written in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph.backends import Backend
from samara.graph.execution.reuse import Draft
from samara.graph.graph import Operation, Tensor

_WIDE = ("float32", "float64")


@dataclass(frozen=True)
class Argument:
    """An input of a step: a place, or a variable that it reads."""

    slot: int
    variable: Operation | None
    tensor: Tensor


class _Fuser:
    def __init__(
        self, drafts: Sequence[Draft], backend: Backend, constants: dict[int, Any], kept: set[int]
    ) -> None:
        self._drafts: list[Draft | None] = list(drafts)
        self._backend = backend
        self._constants = constants
        self._makers = {slot: n for n, d in enumerate(drafts) for slot in d.outputs}
        self._uses = Counter(s for d in drafts for s in d.inputs if s >= 0)
        self._uses.update(kept)
        self._writers: dict[str, list[int]] = {}
        for number, draft in enumerate(drafts):
            for name in draft.operation.writes if draft.transfer is None else ():
                self._writers.setdefault(name, []).append(number)

    def run(self) -> list[Draft]:
        for number, draft in enumerate(self._drafts):
            if draft is not None and draft.transfer is None and len(draft.outputs) == 1:
                self._try(number, draft)
        return [d for d in self._drafts if d is not None]

    def _try(self, number: int, draft: Draft) -> None:
        op = draft.operation
        if op.outputs[0].dtype.name not in _WIDE:
            return
        if op.type in ("add", "subtract"):
            self._sum(number, draft)
        elif op.type == "where":
            self._mask(number, draft)

    # Looking ---------------------------------------------------------------------------------------------------

    def _arguments(self, draft: Draft) -> list[Argument]:
        reads = dict(draft.reads)
        return [
            Argument(slot, reads.get(n), tensor)
            for n, (slot, tensor) in enumerate(zip(draft.inputs, draft.tensors, strict=True))
            if tensor is not None
        ]

    def _only(self, argument: Argument, number: int, *types: str) -> tuple[int, Draft] | None:
        """What makes an argument, when that is of one of the types and nothing else reads it."""
        maker = self._makers.get(argument.slot)
        if argument.variable is not None or maker is None or self._uses[argument.slot] != 1:
            return None
        draft, user = self._drafts[maker], self._drafts[number]
        if draft is None or user is None or draft.operation.type not in types or draft.fused:
            return None
        unchanged = all(
            not any(maker < w < number for w in self._writers.get(v.name, ())) for _, v in draft.reads
        )
        return (maker, draft) if unchanged and draft.device == user.device and not draft.transfer else None

    def _number(self, argument: Argument) -> float | None:
        """The value of a scalar constant."""
        value = self._constants.get(argument.slot)
        return float(value) if value is not None and argument.tensor.shape == () else None

    def _scaled(self, found: tuple[int, Draft]) -> tuple[float, Argument] | None:
        """A number and what it multiplies."""
        x, y = self._arguments(found[1])
        for one, other in ((x, y), (y, x)):
            number = self._number(one)
            if number is not None:
                return number, other
        return None

    # Patterns --------------------------------------------------------------------------------------------------

    def _sum(self, number: int, draft: Draft) -> None:
        """Adds or subtracts a multiple, a product or a quotient; adds the bias of a layer."""
        x, y = self._arguments(draft)
        sign = 1.0 if draft.operation.type == "add" else -1.0
        if sign > 0 and (self._bias(number, draft, x, y) or self._bias(number, draft, y, x)):
            return
        for one, other in [(x, y), (y, x)] if sign > 0 else [(x, y)]:
            if self._multiple(number, draft, one, other, sign):
                return
            if self._quotient(number, draft, one, other, sign):
                return

    def _multiple(self, number: int, draft: Draft, x: Argument, y: Argument, sign: float) -> bool:
        product = self._only(y, number, "multiply")
        scaled = self._scaled(product) if product is not None else None
        if product is None or scaled is None:
            return False
        factor, inner = scaled
        square = self._only(inner, product[0], "square")
        if square is not None:
            (z,) = self._arguments(square[1])
            return self._replace(number, draft, "add_product", [x, z, z], sign * factor, product, square)
        return self._replace(number, draft, "add_multiple", [x, inner], sign * factor, product)

    def _quotient(self, number: int, draft: Draft, x: Argument, y: Argument, sign: float) -> bool:
        quotient = self._only(y, number, "divide")
        if quotient is None:
            return False
        above, below = self._arguments(quotient[1])
        product = self._only(above, quotient[0], "multiply")
        if product is None:
            return False
        one, other = self._arguments(product[1])
        for factor, inner in ((one, other), (other, one)):
            if factor.tensor.shape == () and inner.tensor.shape != () and self._number(factor) is None:
                given = [x, inner, below, factor]
                return self._replace(number, draft, "add_quotient", given, sign, quotient, product)
        return False

    def _bias(self, number: int, draft: Draft, x: Argument, bias: Argument) -> bool:
        layer = self._only(x, number, "conv2d", "matmul")
        if layer is None or len(bias.tensor.shape or ()) != 1:
            return False
        op = layer[1].operation
        shape, given = op.outputs[0].shape, self._arguments(layer[1])
        plain = len(given) == 2 and op.a.activation == "none"
        if not plain or shape is None or shape[-1:] != bias.tensor.shape or not isinstance(shape[-1], int):
            return False
        if (op.type == "matmul" and len(shape) != 2) or not self._backend.fuses_bias:
            return False
        self._put(number, draft, [*given, bias], layer)
        draft.operation, draft.run, draft.plain, draft.writes_over = op, layer[1].run, None, False
        return True

    def _mask(self, number: int, draft: Draft) -> None:
        """Lets pass but where an activation was 0 or less."""
        condition, zero, x = self._arguments(draft)
        test = self._only(condition, number, "less_equal")
        if test is None or self._number(zero) != 0 or np.signbit(self._number(zero) or 0.0):
            return
        tested, limit = self._arguments(test[1])
        same = tested.tensor.dtype is x.tensor.dtype
        if same and self._number(limit) == 0 and _shape(tested) is not None and _shape(tested) == _shape(x):
            self._replace(number, draft, "zeroed", [tested, x], None, test)

    # Replacing -------------------------------------------------------------------------------------------------

    def _replace(
        self,
        number: int,
        draft: Draft,
        name: str,
        given: list[Argument],
        factor: Any,
        *gone: tuple[int, Draft],
    ) -> bool:
        function = self._backend.fused(name, factor, draft.device)
        if function is None:
            return False
        self._put(number, draft, given, *gone)
        draft.run, draft.plain, draft.writes_over = _running(function), function, True
        return True

    def _put(self, number: int, draft: Draft, given: list[Argument], *gone: tuple[int, Draft]) -> None:
        """Gives a step other inputs, in the place of the steps that made them."""
        draft.inputs = [-1 if a.variable is not None else a.slot for a in given]
        draft.reads = [(n, a.variable) for n, a in enumerate(given) if a.variable is not None]
        draft.tensors = [a.tensor for a in given]
        draft.fused = True
        for maker, _ in gone:
            self._drafts[maker] = None


def _shape(argument: Argument) -> Any:
    return argument.tensor.shape


def _running(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda xp, call, *inputs: function(*inputs)


def fuse(drafts: Sequence[Draft], backend: Backend, constants: dict[int, Any], kept: set[int]) -> list[Draft]:
    """The steps with those fused that the backend has one call for.

    Args:
        drafts: the steps, in order; some are changed.
        backend: the array library.
        constants: arrays by place.
        kept: the places that are fetched.
    """
    return _Fuser(drafts, backend, constants, kept).run()


__all__ = ["Argument", "fuse"]
