"""What a shape rule is given: the shapes, dtypes, attributes and known values of an op's inputs.

Known values are those of small integer tensors that describe shapes: constants, `shape` of a tensor, and slices,
stacks and sums of them. They let `reshape(x, stack([shape(x)[0], -1]))` have a shape while the graph is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.dims import Dimension, Shape
from samara.graph.dtypes import DType

if TYPE_CHECKING:
    from samara.graph.graph import Tensor
    from samara.graph.ops._table import OpDef

_LARGEST_KNOWN_VALUE = 64


class Inference:
    """The view that `OpDef.shape` has of the op being added.

    Attributes:
        shapes: of the inputs; None for an absent one, or where not even the rank is known.
        dtypes: of the inputs; None for an absent one.
        a: the attributes by name, as Python values.
    """

    def __init__(
        self, definition: OpDef, inputs: Sequence[Tensor | None], attributes: dict[str, Any]
    ) -> None:
        self.definition = definition
        self.inputs = inputs
        self.a = SimpleNamespace(**attributes)
        self.shapes: list[Any] = [None if t is None else t.shape for t in inputs]
        self.dtypes: list[DType | None] = [None if t is None else t.dtype for t in inputs]

    def fail(self, message: str) -> NoReturn:
        """Refuses the op: the message names what contradicts what."""
        listed = ", ".join(
            f"{operand.name}={tensor.dtype.name}{dims.text(tensor.shape)}"
            for operand, tensor in self._named_inputs()
        )
        raise ShapeError(f"{self.definition.name}({listed}): {message}")

    def _named_inputs(self) -> list[tuple[Any, Tensor]]:
        operands = list(self.definition.operands)
        if operands and operands[-1].variadic:
            operands += [operands[-1]] * (len(self.inputs) - len(operands))
        return [(o, t) for o, t in zip(operands, self.inputs, strict=False) if t is not None]

    def broadcast(self, *shapes: Shape) -> Shape:
        """The shape that all broadcast to, by numpy's rule."""
        result: Shape = ()
        for shape in shapes:
            rank = max(len(result), len(shape))
            left = (1,) * (rank - len(result)) + tuple(result)
            right = (1,) * (rank - len(shape)) + tuple(shape)
            merged = []
            for axis, (a, b) in enumerate(zip(left, right, strict=True)):
                dimension = dims.broadcast(a, b)
                if dimension is None:
                    self.fail(
                        f"cannot broadcast {a} and {b} (axis {axis - rank}): they must be equal, or one must be 1"
                    )
                merged.append(dimension)
            result = tuple(merged)
        return result

    def merge(self, left: Dimension, right: Dimension, what: str) -> Dimension:
        """One dimension from two that must be equal; refuses the op when they cannot be."""
        merged = dims.merge(left, right)
        if merged is None:
            self.fail(f"{what}: {left} and {right} must be equal")
        return merged

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from 0; refuses the op when it is outside -rank..rank-1."""
        if not -rank <= axis < rank:
            self.fail(f"axis {axis} is outside {-rank}..{rank - 1}")
        return axis % rank

    def axes(self, axes: Sequence[int], rank: int) -> list[int]:
        """Axes counted from 0, refusing repeated ones."""
        counted = [self.axis(a, rank) for a in axes]
        if len(set(counted)) != len(counted):
            self.fail(f"axes {list(axes)} name one axis twice")
        return counted

    def value(self, index: int) -> tuple[Dimension, ...] | None:
        """The known values of a rank 0 or 1 integer input, or None."""
        tensor = self.inputs[index]
        return None if tensor is None else known_value(tensor)

    def require_rank(self, index: int, *ranks: int) -> Shape:
        """The shape of an input that must have one of these ranks."""
        shape: Shape = self.shapes[index]
        if len(shape) not in ranks:
            name = self.definition.operands[index].name
            self.fail(f"{name} must have rank {' or '.join(map(str, ranks))}, not {len(shape)}")
        return shape


def known_value(tensor: Tensor) -> tuple[Dimension, ...] | None:
    """The elements of a small integer tensor of rank 0 or 1, as dimensions, when the graph determines them."""
    op = tensor.op
    if not tensor.dtype.is_integer or tensor.shape is None or len(tensor.shape) > 1:
        return None
    if op.type == "split":
        return _split(op, tensor.index)
    rule = _VALUE_RULES.get(op.type)
    return None if rule is None else rule(op)


def _constant(op: Any) -> tuple[Dimension, ...] | None:
    array = np.asarray(op.a.value)
    return tuple(int(v) for v in array.ravel()) if array.size <= _LARGEST_KNOWN_VALUE else None


def _shape(op: Any) -> tuple[Dimension, ...] | None:
    return op.inputs[0].shape  # type: ignore[no-any-return]


def _dimension(op: Any) -> tuple[Dimension, ...] | None:
    """What is known of the number; else the size that the op sets, bounded by `limit`."""
    values = known_value(op.inputs[0])
    if values is not None and not any(isinstance(v, dims.Dim) and v.anonymous for v in values):
        return values
    limit = known_value(op.inputs[1])
    symbol = op.a.symbol.symbol
    largest = symbol.maximum if limit is None else min(symbol.maximum, dims.bounds(limit[0])[1])
    return (dims.Dim(symbol.name, symbol.minimum, max(symbol.minimum, largest)),)


def _same(op: Any) -> tuple[Dimension, ...] | None:
    return known_value(op.inputs[0])


def _joined(op: Any) -> tuple[Dimension, ...] | None:
    """What is joined; where only the number of elements is known, that many unknown dimensions."""
    joined: list[Dimension] = []
    for tensor in op.inputs:
        values = known_value(tensor)
        if values is None:
            length = None if tensor.shape is None else dims.product(tensor.shape)
            if not isinstance(length, int) or length > _LARGEST_KNOWN_VALUE:
                return None
            values = tuple(dims.Dim() for _ in range(length))
        joined += values
    return tuple(joined)


def _gather(op: Any) -> tuple[Dimension, ...] | None:
    values, indices = (known_value(t) for t in op.inputs)
    if values is None or indices is None or op.a.batch_dims:
        return None
    least = -len(values) if op.a.from_end else 0
    picked = [values[i] for i in indices if isinstance(i, int) and least <= i < len(values)]
    return tuple(picked) if len(picked) == len(indices) else None


def _range(op: Any) -> tuple[Dimension, ...] | None:
    count = op.outputs[0].shape[0]
    if not isinstance(count, int) or count > _LARGEST_KNOWN_VALUE:
        return None
    start, _, delta = (known_value(t) for t in op.inputs)
    return None if start is None or delta is None else tuple(start[0] + i * delta[0] for i in range(count))


def _broadcast(op: Any) -> tuple[Dimension, ...] | None:
    values, shape = known_value(op.inputs[0]), op.outputs[0].shape
    count = dims.product(shape)
    if values is None or not isinstance(count, int) or count > _LARGEST_KNOWN_VALUE:
        return None
    return values * count if len(values) == 1 else values


def _reduced(op: Any) -> tuple[Dimension, ...] | None:
    values = known_value(op.inputs[0])
    if values is None or op.inputs[0].shape == ():
        return values
    return (dims.product(values) if op.type == "reduce_prod" else sum(values),)


def _negated(op: Any) -> tuple[Dimension, ...] | None:
    values = known_value(op.inputs[0])
    return None if values is None else tuple(-v for v in values)


def _split(op: Any, index: int) -> tuple[Dimension, ...] | None:
    values, sizes = known_value(op.inputs[0]), [t.shape[0] for t in op.outputs]
    if values is None or not _are_numbers(sizes):
        return None
    start = sum(sizes[:index])
    return values[start : start + sizes[index]]


def _are_numbers(values: Sequence[Dimension]) -> bool:
    return all(isinstance(v, int) for v in values)


def _strided_slice(op: Any) -> tuple[Dimension, ...] | None:
    values = known_value(op.inputs[0])
    if values is None or len(op.inputs[0].shape) != 1:
        return None
    a = op.a
    if a.new_axis_mask or a.ellipsis_mask or len(a.begin) != 1:
        return None
    if a.shrink_axis_mask & 1:
        return (values[a.begin[0]],)
    begin = None if a.begin_mask & 1 else a.begin[0]
    end = None if a.end_mask & 1 else a.end[0]
    return tuple(values[begin : end : a.strides[0]])


def _arithmetic(op: Any) -> tuple[Dimension, ...] | None:
    left, right = (known_value(t) for t in op.inputs)
    if left is None or right is None or 0 in (len(left), len(right)):
        return None
    size = max(len(left), len(right))
    left = left * size if len(left) == 1 else left
    right = right * size if len(right) == 1 else right
    functions: dict[str, Any] = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "floor_divide": lambda a, b: a // b,
        "floor_mod": lambda a, b: a - a // b * b,
        "maximum": dims.maximum,
        "minimum": dims.minimum,
    }
    function = functions[op.type]
    if op.type in ("floor_divide", "floor_mod") and 0 in right:
        return None
    return tuple(function(a, b) for a, b in zip(left, right, strict=True))


_VALUE_RULES: dict[str, Any] = {
    "constant": _constant,
    "dimension": _dimension,
    "shape": _shape,
    "identity": _same,
    "stop_gradient": _same,
    "cast": _same,
    "reshape": _same,
    "expand_dims": _same,
    "squeeze": _same,
    "stack": _joined,
    "concat": _joined,
    "strided_slice": _strided_slice,
    "gather": _gather,
    "range": _range,
    "broadcast_to": _broadcast,
    "reduce_prod": _reduced,
    "reduce_sum": _reduced,
    "negative": _negated,
    **dict.fromkeys(
        ("add", "subtract", "multiply", "floor_divide", "floor_mod", "maximum", "minimum"), _arithmetic
    ),
}
