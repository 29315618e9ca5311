"""Recognizes well-known functions in the simpler ops that frameworks write them with.

A product is looked at as a number times factors, so that the order in which it was written does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, constant_value, transform


def raise_functions(model: ModelGraph) -> ModelGraph | None:
    """Writes as one op what computes gelu, silu, mish, hard_sigmoid, hard_swish or a layer normalization."""
    return transform(model, _visit)


def _visit(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    result = op.outputs[0] if op.outputs else None
    if result is None or not result.dtype.is_floating:
        return None
    if op.type in ("multiply", "divide"):
        found = _activation(visit)
        if found is not None:
            return found
    if op.type in ("multiply", "divide", "add", "subtract"):
        return _layer_normalization(visit)
    return None


# Scalars and products ---------------------------------------------------------------------------------------------


def number_of(tensor: Tensor | None) -> float | None:
    """The value of a constant that is the same number everywhere."""
    value = constant_value(tensor)
    if value is None or value.size == 0 or value.dtype.kind not in "fiu":
        return None
    first = value.reshape(-1)[0]
    return float(first) if value.size == 1 or bool(np.all(value == first)) else None


def _near(value: float | None, expected: float) -> bool:
    """Equal as far as float16 constants can say."""
    return value is not None and math.isclose(value, expected, rel_tol=1e-3)


def _factors(tensor: Tensor, depth: int = 4) -> tuple[float, list[Tensor]]:
    """A product as a number and what it multiplies."""
    op = tensor.op
    if depth and op.type in ("multiply", "divide"):
        left, right = op.inputs
        assert left is not None
        assert right is not None
        for one, other, inverted in ((left, right, op.type == "divide"), (right, left, False)):
            number = number_of(other)
            if number is None or (one is right and op.type == "divide") or number == 0:
                continue
            if one.shape != tensor.shape:
                continue
            scale, factors = _factors(one, depth - 1)
            return (scale / number if inverted else scale * number), factors
        if op.type == "multiply":
            first, second = _factors(left, depth - 1), _factors(right, depth - 1)
            return first[0] * second[0], [*first[1], *second[1]]
    if depth and op.type == "negative" and op.inputs[0] is not None:
        scale, found = _factors(op.inputs[0], depth - 1)
        return -scale, found
    return 1.0, [tensor]


_Scaled = tuple[float, list[Tensor]]


def _sum_with_number(tensor: Tensor) -> tuple[Tensor, float] | None:
    """The tensor and the number that a sum adds."""
    op = tensor.op
    if op.type not in ("add", "subtract"):
        return None
    left, right = op.inputs
    for one, other in ((left, right), (right, left)):
        number = number_of(other)
        if number is not None and one is not None and one.shape == tensor.shape:
            if op.type == "subtract":
                return (one, -number) if one is left else None
            return one, number
    return None


def _plus(tensor: Tensor, number: float) -> Tensor | None:
    """What `number` is added to."""
    found = _sum_with_number(tensor)
    return found[0] if found is not None and _near(found[1], number) else None


def _is_scaled(tensor: Tensor, x: Tensor, number: float) -> bool:
    scale, factors = _factors(tensor)
    return len(factors) == 1 and factors[0] is x and _near(scale, number)


# Activations ------------------------------------------------------------------------------------------------------


def _activation(visit: Visit) -> list[Tensor] | None:
    result = _product_in_new_graph(visit)
    if result is None:
        return None
    scale, factors = result
    if len(factors) == 1 and _near(scale, 1 / 6):
        x = _shifted_relu6(factors[0])
        if x is not None:
            return visit.make("hard_sigmoid", [x])
    if len(factors) != 2:
        return None
    for x, gate in (factors, factors[::-1]):
        if x.shape != visit.op.outputs[0].shape:
            continue
        if _near(scale, 1.0):
            if gate.op.type == "sigmoid" and gate.op.inputs[0] is x:
                return visit.make("silu", [x])
            if gate.op.type == "hard_sigmoid" and gate.op.inputs[0] is x:
                return visit.make("hard_swish", [x])
            if gate.op.type == "tanh" and _argument(gate, "softplus") is x:
                return visit.make("mish", [x])
        if _near(scale, 1 / 6) and _shifted_relu6(gate) is x:
            return visit.make("hard_swish", [x])
        if _near(scale, 0.5):
            kind = _gelu_gate(gate, x)
            if kind is not None:
                return visit.make("gelu", [x], {"approximate": kind})
    return None


def _product_in_new_graph(visit: Visit) -> _Scaled | None:
    """The factors of the visited product, whose inputs are in the new graph already."""
    left, right = visit.inputs
    if left is None or right is None:
        return None
    divided = visit.op.type == "divide"
    number = number_of(right)
    if number is not None and number != 0:
        scale, factors = _factors(left)
        return (scale / number if divided else scale * number), factors
    if divided:
        return None
    number = number_of(left)
    if number is not None:
        scale, factors = _factors(right)
        return scale * number, factors
    one, other = _factors(left), _factors(right)
    return one[0] * other[0], [*one[1], *other[1]]


def _argument(tensor: Tensor, inner: str) -> Tensor | None:
    """What `inner` is applied to, within the argument of the tensor's op."""
    before = tensor.op.inputs[0]
    return before.op.inputs[0] if before is not None and before.op.type == inner else None


def _shifted_relu6(tensor: Tensor) -> Tensor | None:
    """The x of relu6(x + 3)."""
    op = tensor.op
    limited = op.type == "relu6" or (op.type == "clip" and (op.a.minimum, op.a.maximum) == (0.0, 6.0))
    shifted = op.inputs[0] if limited else None
    return None if shifted is None else _plus(shifted, 3.0)


def _gelu_gate(gate: Tensor, x: Tensor) -> str | None:
    """Which approximation of the normal distribution's function, times 2, a factor is."""
    inner = _plus(gate, 1.0)
    if inner is None or inner.op.inputs[0] is None:
        return None
    argument = inner.op.inputs[0]
    if inner.op.type == "erf":
        return "none" if _is_scaled(argument, x, math.sqrt(0.5)) else None
    if inner.op.type != "tanh":
        return None
    scale, factors = _factors(argument)
    if len(factors) == 1 and _near(scale, math.sqrt(2 / math.pi)):
        total = factors[0].op
        if total.type == "add":
            for one, other in (total.inputs, total.inputs[::-1]):
                if one is x and other is not None and _is_cube(other, x, 0.044715):
                    return "tanh"
    if len(factors) == 2 and _near(scale, math.sqrt(2 / math.pi)):
        for one, other in (factors, factors[::-1]):
            square = _plus(other, 1.0)
            if one is x and square is not None and _is_power(square, x, 2, 0.044715):
                return "tanh"
    return None


def _is_cube(tensor: Tensor, x: Tensor, number: float) -> bool:
    return _is_power(tensor, x, 3, number)


def _is_power(tensor: Tensor, x: Tensor, exponent: int, number: float) -> bool:
    scale, factors = _factors(tensor)
    count = 0
    for factor in factors:
        op = factor.op
        if factor is x:
            count += 1
        elif op.type == "square" and op.inputs[0] is x:
            count += 2
        elif op.type == "power" and op.inputs[0] is x and number_of(op.inputs[1]) in (2.0, 3.0):
            count += int(number_of(op.inputs[1]) or 0)
        else:
            return False
    return count == exponent and _near(scale, number)


# Layer normalization ----------------------------------------------------------------------------------------------


def _layer_normalization(visit: Visit) -> list[Tensor] | None:
    op = visit.op
    left, right = visit.inputs
    if left is None or right is None or left.shape is None:
        return None
    if op.type in ("multiply", "divide"):
        found = _normalized(op.type, left, right) or (
            _normalized(op.type, right, left) if op.type == "multiply" else None
        )
        if found is not None:
            x, axis, epsilon = found
            return visit.make("layer_normalization", [x, None, None], {"axis": axis, "epsilon": epsilon})
    if op.type == "divide":
        return None
    for normal, other in ((left, right), (right, left)):
        if op.type == "subtract" and normal is right:
            continue
        made = _with_parameter(visit, normal, other)
        if made is not None:
            return made
    return None


def _normalized(kind: str, centred: Tensor, root: Tensor) -> tuple[Tensor, int, float] | None:
    """The x, first axis and epsilon of (x - mean) / sqrt(variance + epsilon)."""
    if centred.op.type != "subtract" or centred.shape is None:
        return None
    x, mean = centred.op.inputs
    rank = len(centred.shape)
    axes = None if x is None or mean is None else _mean_axes(mean, x)
    if x is None or axes is None or axes != list(range(axes[0], rank)) or x.shape != centred.shape:
        return None
    spread = _under_root(kind, root)
    found = None if spread is None else _sum_with_number(spread)
    if found is None or found[1] < 0:
        return None
    variance, epsilon = found
    squares = variance.op.inputs[0] if variance.op.type == "reduce_mean" else None
    if squares is None or _mean_axes(variance, squares) != axes or not _is_power(squares, centred, 2, 1.0):
        return None
    return x, axes[0] - rank, epsilon


def _mean_axes(mean: Tensor, x: Tensor) -> list[int] | None:
    """The axes over which a mean of x is taken, with dimensions kept."""
    op = mean.op
    if op.type != "reduce_mean" or op.inputs[0] is not x or not op.a.keepdims or x.shape is None:
        return None
    rank = len(x.shape)
    return sorted(a % rank for a in op.a.axes) or list(range(rank)) or None


def _under_root(kind: str, root: Tensor) -> Tensor | None:
    """What the root is taken of, by which the centred values are divided."""
    op = root.op
    if kind == "divide":
        if op.type == "power" and number_of(op.inputs[1]) == 0.5:
            return op.inputs[0]
        return op.inputs[0] if op.type == "sqrt" else None
    if op.type == "reciprocal":
        return _argument(root, "sqrt")
    if op.type == "power" and number_of(op.inputs[1]) == -0.5:
        return op.inputs[0]
    return op.inputs[0] if op.type == "rsqrt" else None


def _with_parameter(visit: Visit, normal: Tensor, other: Tensor) -> list[Tensor] | None:
    """A layer normalization that scales or shifts itself."""
    op, before = visit.op, normal.op
    value = constant_value(other)
    if before.type != "layer_normalization" or value is None or normal.shape is None:
        return None
    index = 0 if visit.inputs[0] is normal else 1
    if not visit.single_use(index) or op.outputs[0].shape != normal.shape:
        return None
    sizes = normal.shape[before.a.axis :]
    parameter = _trailing(value, [d for d in sizes if isinstance(d, int)], len(sizes), len(normal.shape))
    if parameter is None:
        return None
    x, scale, offset = before.inputs
    if op.type == "multiply" and scale is None and offset is None:
        return visit.make(before.type, [x, visit.constant(parameter, "scale"), None], before.attributes)
    if op.type != "multiply" and offset is None:
        shift = parameter if op.type == "add" else -parameter
        return visit.make(before.type, [x, scale, visit.constant(shift, "offset")], before.attributes)
    return None


def _trailing(
    value: np.ndarray[Any, Any], sizes: Sequence[int], count: int, rank: int
) -> np.ndarray[Any, Any] | None:
    """A constant as one value for each normalized element, when it varies along no other axis."""
    if len(sizes) != count or value.ndim > rank:
        return None
    lead = value.ndim - count
    if lead > 0:
        if any(n != 1 for n in value.shape[:lead]):
            return None
        value = value.reshape(value.shape[lead:])
    if any(n not in (1, size) for n, size in zip(value.shape[::-1], sizes[::-1], strict=False)):
        return None
    return np.ascontiguousarray(np.broadcast_to(value, tuple(sizes)))
