"""Which operations of a model compute with integers, and how each joins its neighbours.

Convolutions and matrix products with constant weights do wherever they stand, and so does the lookup of rows in a
constant table, which is then a quarter of its size. Anything else does where its input is
there as integers anyway, and otherwise stays between real numbers, so that nothing is quantized for its own sake.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, field

from samara.errors import QuantizationError
from samara.graph import dims, dtypes
from samara.graph.graph import Operation, Tensor
from samara.graph.rewrite import ModelGraph, constant_value, needed, with_bodies
from samara.quantize import recurrent
from samara.quantize.scheme import Int8

# Rules whose op has weights; whose op can clamp what it writes; whose op can write at any scale.
LINEAR = ("conv2d", "depthwise_conv2d", "matmul")
_CLAMPING = (*LINEAR, "add", "subtract", "multiply", "average_pool", "mean")
_FREE = (*_CLAMPING, "table")

# Rules whose op computes with integers wherever it stands, and what `rule_of` gives for those that would.
_WEIGHTED = (*LINEAR, *recurrent.LAYERS)
_WITH_WEIGHTS = tuple((rule, "") for rule in _WEIGHTED)

# With a constant for all but one operand, a function of one number.
_POINTWISE = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "squared_difference")

# Order is the same among integers of one scale.
_ORDER = ("argmax", "argmin")

_SILENT = ("constant", "placeholder", "variable", "assign", "shape", "no_op")


@dataclass
class Decisions:
    """What is to be done with each operation.

    Attributes:
        order: the operations that the model needs, in an order of execution.
        rules: for each operation that computes with integers, the name of its rule.
        clamps: for an operation, the activation after it that it carries out itself.
        clamped: those activations.
        absorbed: the products of inputs and weights that recurrent layers carry out themselves.
        shared: for a tensor, by identity, the tensor whose scale it is written at.
        left: why operations stay in float, one text each.
        bodies: what computes with real numbers in the branches of conds and the steps of loops, one text for each.
    """

    order: list[Operation]
    rules: dict[Operation, str] = field(default_factory=dict)
    clamps: dict[Operation, Operation] = field(default_factory=dict)
    clamped: set[Operation] = field(default_factory=set)
    absorbed: set[Operation] = field(default_factory=set)
    shared: dict[int, Tensor] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def as_integers(self, tensor: Tensor) -> bool:
        """Whether a tensor is computed as int8."""
        if self.rules.get(tensor.op) == "lstm" and tensor.index == recurrent.NEW_CELL:
            return False
        return is_real(tensor) and tensor.op in self.rules

    def joins_states(self, op: Operation) -> bool:
        """Whether an operation joins the states of recurrent layers, which are written at scales of one kind."""
        return all(self.rules.get(t.op) in recurrent.LAYERS and t.index == 0 for t in op.given_inputs)


def is_real(tensor: Tensor | None) -> bool:
    """Whether a tensor holds numbers that can be quantized."""
    return tensor is not None and tensor.dtype in (dtypes.float32, dtypes.float16)


def data_tensors(op: Operation, rule: str) -> list[Tensor]:
    """What an integer operation reads as integers."""
    if rule in recurrent.LAYERS:
        op, rule = recurrent.product_of(op), "matmul"
    if rule in LINEAR:
        assert op.inputs[0] is not None
        return [op.inputs[0]]
    inputs = [t for t in op.inputs if t is not None and is_real(t)]
    if rule == "table":
        return [t for t in inputs if constant_value(t) is None]
    return inputs


def decide(model: ModelGraph, options: Int8) -> Decisions:
    """Decides for every operation of a model.

    Raises:
        QuantizationError: `keep_float` names nothing, or nothing can be computed with integers.
    """
    keep = {t.op for s in model.signatures for t in s.inputs.values()}
    order = sorted({*needed(model.outputs), *keep}, key=lambda o: o.id)
    _check_names(order, options)
    found = Decisions(order=order)
    uses = _uses(order, model)
    _choose(found, options)
    _absorb(found, uses)
    _revert(found, uses, model)
    if not any(rule != "same" or _is_lookup(op) for op, rule in found.rules.items()):
        reasons = "\n- ".join(found.left + found.bodies) or "it has no operations of real numbers"
        raise QuantizationError(f"nothing in the model can be computed with integers:\n- {reasons}")
    _join_clamps(found, uses)
    _share_scales(found, uses)
    return found


def _check_names(order: list[Operation], options: Int8) -> None:
    for pattern in options.keep_float:
        alone = Int8(keep_float=(pattern,))
        if not any(alone.keeps(op.name, op.type) for op in order):
            names = [op.name for op in order if op.type not in _SILENT]
            near = difflib.get_close_matches(pattern, names, n=3)
            raise QuantizationError(
                f"keep_float names {pattern!r}, which is no operation of the optimised model (an operation that was "
                f"joined with others has the name of the last): {', '.join(near or names[:20])}"
            )


def _uses(order: list[Operation], model: ModelGraph) -> dict[int, int]:
    uses: dict[int, int] = {}
    for tensor in [*(t for op in order for t in op.given_inputs), *model.outputs]:
        uses[id(tensor)] = uses.get(id(tensor), 0) + 1
    return uses


def _choose(found: Decisions, options: Int8) -> None:
    for op in found.order:
        if op.type in _ORDER and any(found.as_integers(t) for t in op.given_inputs):
            found.rules[op] = "order"
            continue
        if op.type in _SILENT or options.keeps(op.name, op.type):
            continue
        if op.bodies:
            found.bodies += [text for name in op.bodies for text in _body_in_float(op, name)]
            continue
        if not any(is_real(t) for t in op.outputs):
            continue
        rule, reason = rule_of(op)
        if rule in recurrent.LAYERS and not reason:
            product = recurrent.product_of(op)
            if options.keeps(product.name, product.type):
                continue
        if reason:
            found.left.append(f"{op.type} {op.name!r}: {reason}")
            continue
        if (
            rule in _WEIGHTED
            or _is_lookup(op)
            or any(found.as_integers(t) or _is_input(t) for t in data_tensors(op, rule))
        ):
            found.rules[op] = rule


def _body_in_float(op: Operation, name: str) -> list[str]:
    """A text on what a body, and those within it, compute with real numbers; none when there is nothing."""
    real = [
        inner
        for inner in with_bodies(needed(op.bodies[name].outputs))
        if inner.type not in _SILENT and not inner.bodies and any(is_real(t) for t in inner.outputs)
    ]
    moved = [
        inner for inner in real if inner.definition.view or rule_of(inner)[0] in ("same", "concat", "pad")
    ]
    computed = [inner for inner in real if inner not in moved]
    if not computed:
        return []
    large = [f"{inner.type} {inner.name!r}" for inner in computed if rule_of(inner) in _WITH_WEIGHTS]
    listed = ", ".join(large[:3]) + (" ..." if len(large) > 3 else "")
    heavy = f", {len(large)} of them with constant weights ({listed})" if large else ""
    count = "1 op" if len(computed) == 1 else f"{len(computed)} ops"
    return [
        f"{op.type} {op.name!r}: float arithmetic in {count} of its {name.replace('_', ' ')}{heavy}, since integers do "
        "not reach into what a cond or a loop runs: what should be integers belongs outside of it"
    ]


def _absorb(found: Decisions, uses: dict[int, int]) -> None:
    """Leaves a product to the recurrent layer that alone reads it."""
    for op, rule in list(found.rules.items()):
        if rule in recurrent.LAYERS:
            product = recurrent.product_of(op)
            if uses[id(product.outputs[0])] == 1 and not product.control_inputs:
                found.absorbed.add(product)
                found.rules.pop(product, None)


def _is_input(tensor: Tensor) -> bool:
    return tensor.op.type == "placeholder"


def _revert(found: Decisions, uses: dict[int, int], model: ModelGraph) -> None:
    """Takes back what would quantize an input only to make real numbers of the result."""
    outputs = {id(t) for t in model.outputs}
    readers: dict[int, list[Operation]] = {}
    for op in found.order:
        for tensor in op.given_inputs:
            readers.setdefault(id(tensor), []).append(op)
    for op in reversed(found.order):
        rule = found.rules.get(op)
        if (
            rule is None
            or rule in _WEIGHTED
            or _is_lookup(op)
            or any(found.as_integers(t) for t in op.given_inputs)
        ):
            continue
        read = [r for t in op.outputs for r in readers.get(id(t), [])]
        if not any(r in found.rules for r in read) and not any(id(t) in outputs for t in op.outputs):
            del found.rules[op]


def rule_of(op: Operation) -> tuple[str, str]:
    """The rule for an operation, and why it cannot be followed, or ""."""
    rule = op.definition.quant
    real = [t for t in op.given_inputs if is_real(t)]
    values = [t for t in real if constant_value(t) is None]
    if op.type in _POINTWISE and len(values) == 1 and _one_number_each(op, values[0]):
        return "table", ""
    if rule == "float_only":
        return rule, "it has no integer arithmetic"
    if not values:
        return rule, "" if _is_lookup(op) else "its inputs are constants"
    if rule in LINEAR:
        return rule, _linear_problem(op)
    if rule in recurrent.LAYERS:
        return rule, recurrent.problem(op) or _linear_problem(recurrent.product_of(op))
    if rule == "table" and len(op.given_inputs) > 1:
        return rule, "it is a function of more than one number"
    if rule == "mean" and _largest_count(op) > (2**31 - 1) // 255:
        return rule, "its sum could leave 32 bits"
    if rule == "softmax" and op.type != "softmax":
        return rule, "it has no integer arithmetic"
    if rule in ("same", "concat", "pad"):
        operand = op.definition.operands[min(op.inputs.index(values[0]), len(op.definition.operands) - 1)]
        if dtypes.int8 not in op.definition.dtypes_of(operand.type):
            return rule, "it moves no integers"
        if rule == "same" and len(real) > 1:
            return rule, "it mixes tensors of different scales"
        if op.attributes.get("coordinates") == "tf_crop_and_resize":
            return rule, "it writes a number of its own"
    return rule, ""


def _is_lookup(op: Operation) -> bool:
    """Whether it takes rows of a constant."""
    return op.type == "gather" and is_real(op.inputs[0]) and constant_value(op.inputs[0]) is not None


def _one_number_each(op: Operation, value: Tensor) -> bool:
    """Whether all operands but one are single constants, which change no shape."""
    others = [constant_value(t) for t in op.inputs if t is not value]
    return all(v is not None and v.size == 1 for v in others) and op.outputs[0].shape == value.shape


def _linear_problem(op: Operation) -> str:
    if constant_value(op.inputs[1]) is None:
        return "its weights are not constant"
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    if bias is not None and constant_value(bias) is None:
        return "its bias is not constant"
    if op.type == "matmul":
        if op.a.transpose_x:
            return "its first factor is transposed"
        weights = constant_value(op.inputs[1])
        if weights is None or weights.ndim != 2:
            return "its weights are more than a matrix"
    return ""


def _largest_count(op: Operation) -> int:
    shape = op.inputs[0].shape if op.inputs[0] is not None else None
    if shape is None:
        return 0
    axes = op.a.axes or range(len(shape))
    return math.prod(dims.bounds(shape[a])[1] for a in axes)


def _join_clamps(found: Decisions, uses: dict[int, int]) -> None:
    """Lets an operation carry out the relu after it."""
    for op in found.order:
        if op.type not in ("relu", "relu6", "clip") or op not in found.rules:
            continue
        tensor = op.inputs[0]
        assert tensor is not None
        producer = tensor.op
        if (
            found.rules.get(producer) in _CLAMPING
            and uses[id(tensor)] == 1
            and not op.control_inputs
            and producer.attributes.get("activation", "none") == "none"
        ):
            found.clamps[producer] = op
            found.clamped.add(op)


def _share_scales(found: Decisions, uses: dict[int, int]) -> None:
    """Lets what is joined to one tensor be written at its scale."""
    for op in found.order:
        if found.rules.get(op) != "concat":
            continue
        joins_states = found.joins_states(op)
        for tensor in op.given_inputs:
            rule = found.rules.get(tensor.op)
            if uses[id(tensor)] == 1 and (rule in _FREE or rule == "concat" or joins_states):
                found.shared[id(tensor)] = op.outputs[0]


__all__ = ["LINEAR", "Decisions", "data_tensors", "decide", "is_real", "rule_of"]
