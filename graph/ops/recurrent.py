"""Recurrent layers of one direction, over what their inputs give to the gates at all steps.

The product of the inputs and their weights is not part of them: a matmul computes it for all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from samara.errors import GraphError
from samara.graph import dims, dtypes
from samara.graph.dims import Dimension
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

RECURRENT_ACTIVATION = Choice(name="RecurrentActivation", values=("tanh", "relu"))

_TYPES = {"T": dtypes.FLOATS}
_FLOAT32_BYTES = 4


def _sizes(op: Any) -> tuple[Dimension, Dimension]:
    """The steps and the batch of `gates`."""
    first, second, _ = op.require_rank(0, 3)
    return (second, first) if op.a.batch_first else (first, second)


def _cells(op: Any, count: int) -> Dimension:
    """The cells: columns of `gates` and of `recurrent` for each of `count` gates."""
    columns = op.merge(op.shapes[0][2], op.require_rank(1, 2)[1], "the columns of gates and of recurrent")
    if isinstance(columns, int) and columns % count:
        op.fail(f"{columns} columns are not those of {count} gates")
    return columns // count  # type: ignore[no-any-return]


def _check_state(op: Any, index: int, batch: Dimension, size: Dimension) -> None:
    if op.shapes[index] is not None:
        found = op.require_rank(index, 2)
        name = op.definition.operands[index].name
        op.merge(found[0], batch, f"the batch of gates and of {name}")
        op.merge(found[1], size, f"the columns of {name}")


def _check_lengths(op: Any, index: int, batch: Dimension) -> None:
    if op.shapes[index] is not None:
        op.merge(op.require_rank(index, 1)[0], batch, "the batch of gates and of lengths")


def _result(op: Any, steps: Dimension, batch: Dimension, size: Dimension) -> Any:
    return (batch, steps, size) if op.a.batch_first else (steps, batch, size)


def _scratch(gates: int, *, more: bool) -> Callable[[Any], Dimension]:
    """The sums and the states of each sequence, and one number more for each cell, in float32."""

    def scratch(op: Any) -> Dimension:
        outputs, columns = op.inputs[1].shape
        batch = op.outputs[1].shape[0]
        size = columns + outputs + (columns // gates if more else 0)
        return dims.product((batch, size, _FLOAT32_BYTES))

    return scratch


def _run(
    xp: Any,
    op: Any,
    gates: Any,
    states: Sequence[Any],
    lengths: Any,
    step: Callable[..., Sequence[Any]],
) -> list[Any]:
    """The outputs of all steps, then the states after the last; states are float32 where all is float16."""
    dtype = gates.dtype
    if dtype == xp.float16:
        gates = xp.astype(gates, xp.float32)
    if op.a.batch_first:
        gates = xp.permute_dims(gates, (1, 0, 2))
    steps, batch = gates.shape[:2]
    if lengths is not None and bool(xp.any((lengths < 0) | (lengths > steps))):
        raise ValueError(f"lengths must be 0 to {steps}")
    written = [xp.zeros((batch, states[0].shape[1]), dtype=gates.dtype)] * steps
    for t in reversed(range(steps)) if op.a.reverse else range(steps):
        after = step(gates[t, :, :], *states)
        if lengths is None:
            states, written[t] = after, after[0]
        else:
            goes_on = xp.expand_dims(lengths > t, axis=1)
            states = [xp.where(goes_on, a, s) for a, s in zip(after, states, strict=True)]
            written[t] = xp.where(goes_on, after[0], xp.zeros_like(after[0]))
    if written:
        y = xp.stack(written, axis=1 if op.a.batch_first else 0)
    else:
        y = xp.zeros(_result(op, steps, batch, states[0].shape[1]), dtype=dtype)
    return [xp.astype(a, dtype) for a in (y, *states)]


def _wide(xp: Any, x: Any) -> Any:
    return xp.astype(x, xp.float32) if x is not None and x.dtype == xp.float16 else x


def _start(xp: Any, op: Any, gates: Any, state: Any, size: int) -> Any:
    """A state before the first step."""
    if state is not None:
        return _wide(xp, state)
    dtype = xp.float32 if gates.dtype == xp.float16 else gates.dtype
    return xp.zeros((gates.shape[0 if op.a.batch_first else 1], size), dtype=dtype)


def _sigmoid(xp: Any, x: Any) -> Any:
    return 0.5 * xp.tanh(0.5 * x) + 0.5


# LSTM ----------------------------------------------------------------------------------------------------------


def _lstm_shape(op: Any) -> Any:
    steps, batch = _sizes(op)
    cells = _cells(op, 4)
    outputs = op.shapes[1][0]
    _check_state(op, 2, batch, outputs)
    _check_state(op, 3, batch, cells)
    _check_lengths(op, 4, batch)
    if op.shapes[5] is None:
        op.merge(outputs, cells, "cells and outputs, which differ only with a projection")
    else:
        rows, columns = op.require_rank(5, 2)
        op.merge(rows, cells, "the cells and the rows of projection")
        op.merge(columns, outputs, "the rows of recurrent and the columns of projection")
    if not op.a.cell_clip >= 0:
        op.fail(f"cell_clip is {op.a.cell_clip}, expected a number of at least 0")
    return [_result(op, steps, batch, outputs), (batch, outputs), (batch, cells)]


def _lstm(
    xp: Any,
    op: Any,
    gates: Any,
    recurrent: Any,
    state: Any,
    cell: Any,
    lengths: Any,
    projection: Any,
) -> Any:
    recurrent, projection = _wide(xp, recurrent), _wide(xp, projection)
    outputs, cells = recurrent.shape[0], recurrent.shape[1] // 4
    clip = op.a.cell_clip

    def step(given: Any, h: Any, c: Any) -> tuple[Any, Any]:
        sums = given + h @ recurrent
        i, f, g, o = (sums[:, k * cells : (k + 1) * cells] for k in range(4))
        c = _sigmoid(xp, f) * c + _sigmoid(xp, i) * xp.tanh(g)
        if clip > 0:
            c = xp.clip(c, -clip, clip)
        h = _sigmoid(xp, o) * xp.tanh(c)
        return (h if projection is None else h @ projection), c

    states = [_start(xp, op, gates, state, outputs), _start(xp, op, gates, cell, cells)]
    return _run(xp, op, gates, states, lengths, step)


# GRU -----------------------------------------------------------------------------------------------------------


def _gru_shape(op: Any) -> Any:
    steps, batch = _sizes(op)
    cells = _cells(op, 3)
    op.merge(op.shapes[1][0], cells, "the rows of recurrent and the cells")
    _check_state(op, 2, batch, cells)
    _check_lengths(op, 3, batch)
    if op.shapes[4] is not None:
        if not op.a.reset_after:
            op.fail("bias is for reset_after; add it to gates")
        op.merge(op.require_rank(4, 1)[0], cells, "the cells and bias")
    return [_result(op, steps, batch, cells), (batch, cells)]


def _gru(xp: Any, op: Any, gates: Any, recurrent: Any, state: Any, lengths: Any, bias: Any) -> Any:
    recurrent, bias = _wide(xp, recurrent), _wide(xp, bias)
    cells = recurrent.shape[0]
    double = 2 * cells

    def step(given: Any, h: Any) -> tuple[Any]:
        sums = _sigmoid(xp, given[:, :double] + h @ recurrent[:, :double])
        z, r = sums[:, :cells], sums[:, cells:]
        if op.a.reset_after:
            fresh = h @ recurrent[:, double:]
            fresh = r * (fresh if bias is None else fresh + bias)
        else:
            fresh = (r * h) @ recurrent[:, double:]
        return ((1 - z) * xp.tanh(given[:, double:] + fresh) + z * h,)

    return _run(xp, op, gates, [_start(xp, op, gates, state, cells)], lengths, step)


# Simple --------------------------------------------------------------------------------------------------------


def _rnn_shape(op: Any) -> Any:
    steps, batch = _sizes(op)
    cells = _cells(op, 1)
    op.merge(op.shapes[1][0], cells, "the rows and columns of recurrent")
    _check_state(op, 2, batch, cells)
    _check_lengths(op, 3, batch)
    return [_result(op, steps, batch, cells), (batch, cells)]


def _rnn(xp: Any, op: Any, gates: Any, recurrent: Any, state: Any, lengths: Any) -> Any:
    recurrent = _wide(xp, recurrent)

    def step(given: Any, h: Any) -> tuple[Any]:
        sums = given + h @ recurrent
        return (xp.tanh(sums) if op.a.activation == "tanh" else xp.maximum(sums, xp.zeros_like(sums)),)

    return _run(xp, op, gates, [_start(xp, op, gates, state, recurrent.shape[0])], lengths, step)


# Gradients: those of the steps written out in simpler ops, where their number is known ---------------------------


def _float32(b: Any, x: Any) -> Any:
    return b.cast(x, dtype=dtypes.float32) if x is not None and x.dtype is dtypes.float16 else x


def _written_out(b: Any, op: Any, inputs: Sequence[Any], lengths: Any, step: Callable[..., Any]) -> list[Any]:
    """The outputs of an op by `step(given, *states)`, whose states are None for zeros; y is None without steps."""
    gates, *states = inputs
    axis = 1 if op.a.batch_first else 0
    steps = op.inputs[0].shape[axis]
    written: list[Any] = [None] * steps
    parts = b.split(gates, axis=axis, sizes=(1,) * steps) if steps else []
    for t in reversed(range(steps)) if op.a.reverse else range(steps):
        after = list(step(b.squeeze(parts[t], axes=(axis,)), *states))
        written[t] = after[0]
        if lengths is not None:
            goes_on = b.expand_dims(b.less(b.constant(t, lengths.dtype), lengths), axis=1)
            written[t] = b.where(goes_on, after[0], b.like(0, after[0]))
            before = [b.zeros_like(a) if s is None else s for a, s in zip(after, states, strict=True)]
            after = [b.where(goes_on, a, s) for a, s in zip(after, before, strict=True)]
        states = after
    return [b.stack(written, axis=axis) if written else None, *states]


def _gradient(states: int, lengths: int, step: Callable[..., Any]) -> Callable[..., list[Any]]:
    """For an op with so many states, which come third, and with its input number `lengths`.

    `step(b, op, *others)` makes the step from the inputs that are neither gates nor states.
    """

    def gradient(b: Any, op: Any, *grads: Any) -> list[Any]:
        from samara.graph.gradients import gradients

        shape = op.inputs[0].shape
        steps = None if shape is None else shape[1 if op.a.batch_first else 0]
        if not isinstance(steps, int):
            where = f" (made at {op.source})" if op.source else ""
            raise GraphError(
                f"{op.type} {op.name!r}{where}: its gradient needs a fixed number of steps; there are {steps}"
            )
        own = [None if t is None or i == lengths else b.identity(t) for i, t in enumerate(op.inputs)]
        wide = [_float32(b, t) for t in own]
        others = [t for i, t in enumerate(wide) if i not in (0, *range(2, 2 + states), lengths)]
        outputs = _written_out(
            b, op, [wide[0], *wide[2 : 2 + states]], op.inputs[lengths], step(b, op, *others)
        )
        used = [(y, g) for y, g in zip(outputs, grads, strict=True) if y is not None and g is not None]
        wanted = [t for t in own if t is not None]
        ends = [y if y.dtype is g.dtype else b.cast(y, dtype=g.dtype) for y, g in used]
        found = gradients([b.identity(y) for y in ends], wanted, [g for _, g in used]) if used else []
        left = iter(found or [None] * len(wanted))
        return [None if t is None else next(left) for t in own]

    return gradient


def _parts(b: Any, x: Any, *counts: int) -> Any:
    """Columns of x, cut by these shares of them."""
    share = x.shape[1] // sum(counts)
    return b.split(x, axis=1, sizes=tuple(share * c for c in counts))


def _plus(b: Any, x: Any, state: Any, matrix: Any) -> Any:
    return x if state is None else b.add(x, b.matmul(state, matrix))


def _lstm_step(b: Any, op: Any, recurrent: Any, projection: Any) -> Callable[..., Any]:
    def step(given: Any, h: Any, c: Any) -> tuple[Any, Any]:
        i, f, g, o = _parts(b, _plus(b, given, h, recurrent), 1, 1, 1, 1)
        new = b.multiply(b.sigmoid(i), b.tanh(g))
        c = new if c is None else b.add(b.multiply(b.sigmoid(f), c), new)
        if op.a.cell_clip > 0:
            c = b.clip(c, minimum=-op.a.cell_clip, maximum=op.a.cell_clip)
        h = b.multiply(b.sigmoid(o), b.tanh(c))
        return (h if projection is None else b.matmul(h, projection)), c

    return step


def _gru_step(b: Any, op: Any, recurrent: Any, bias: Any) -> Callable[..., Any]:
    of_gates, of_new = _parts(b, recurrent, 2, 1)

    def fresh(h: Any, r: Any) -> Any:
        """What the state adds to what is new; None for nothing."""
        if not op.a.reset_after:
            return None if h is None else b.matmul(b.multiply(r, h), of_new)
        made = bias if h is None else b.matmul(h, of_new, bias)
        return None if made is None else b.multiply(r, made)

    def step(given: Any, h: Any) -> tuple[Any]:
        gates, new = _parts(b, given, 2, 1)
        z, r = _parts(b, b.sigmoid(_plus(b, gates, h, of_gates)), 1, 1)
        more = fresh(h, r)
        new = b.multiply(b.subtract(b.like(1, z), z), b.tanh(new if more is None else b.add(new, more)))
        return (new if h is None else b.add(new, b.multiply(z, h)),)

    return step


def _rnn_step(b: Any, op: Any, recurrent: Any) -> Callable[..., Any]:
    return lambda given, h: (getattr(b, op.a.activation)(_plus(b, given, h, recurrent)),)


_REVERSE = attribute("reverse", "bool", False, "Whether steps are taken from the last to the first.")
_BATCH_FIRST = attribute(
    "batch_first", "bool", False, "Whether gates and y have the batch first and the steps second."
)
_COMMON = (
    "The states before the first step are 0 where they are not given. With lengths [N] each sequence has so many "
    "steps: after them y is 0 and the states stay; in reverse the last of them comes first. float16 is computed in "
    "float32."
)

OPS.register(
    OpDef(
        name="lstm",
        opcode=200,
        inputs=(
            "gates: T",
            "recurrent: T packed",
            "state: T?",
            "cell: T?",
            "lengths: int32?",
            "projection: T? packed",
        ),
        outputs=("y: T", "new_state: T", "new_cell: T"),
        types=_TYPES,
        attributes=(
            _REVERSE,
            _BATCH_FIRST,
            attribute("cell_clip", "float", 0.0, "What the magnitude of a cell may be; 0 for any."),
        ),
        doc="The long short-term memory of Hochreiter and Schmidhuber with forget gates, over gates [T, N, 4 C], which "
        "are the weighted inputs plus bias. With i, f, g, o the parts of gates + state @ recurrent [O, 4 C], cell = "
        "sigmoid(f) * cell + sigmoid(i) * tanh(g) and state = sigmoid(o) * tanh(cell), times projection [C, O] where "
        f"that is given; else O is C. It gives y [T, N, O], the states of all steps, and the last ones. {_COMMON}",
        shape=_lstm_shape,
        reference=_lstm,
        gradient=_gradient(2, 4, _lstm_step),
        quant="lstm",
        scratch=_scratch(4, more=True),
    ),
    OpDef(
        name="gru",
        opcode=201,
        inputs=("gates: T", "recurrent: T packed", "state: T?", "lengths: int32?", "bias: T?"),
        outputs=("y: T", "new_state: T"),
        types=_TYPES,
        attributes=(
            _REVERSE,
            _BATCH_FIRST,
            attribute(
                "reset_after",
                "bool",
                False,
                "Whether the reset gate multiplies what recurrent makes of the state, plus bias, not the state.",
            ),
        ),
        doc="The gated recurrent unit of Cho et al. over gates [T, N, 3 C], which are the weighted inputs plus bias. "
        "With z, r, n the parts of gates and Rz, Rr, Rn those of recurrent [C, 3 C], z = sigmoid(z + state @ Rz), r = "
        "sigmoid(r + state @ Rr), n = tanh(n + (r * state) @ Rn) or, with reset_after, tanh(n + r * (state @ Rn + "
        "bias)), and state = (1 - z) * n + z * state. It gives y [T, N, C], the states of all steps, and the last "
        f"one. {_COMMON}",
        shape=_gru_shape,
        reference=_gru,
        gradient=_gradient(1, 3, _gru_step),
        quant="gru",
        scratch=_scratch(3, more=True),
    ),
    OpDef(
        name="rnn",
        opcode=202,
        inputs=("gates: T", "recurrent: T packed", "state: T?", "lengths: int32?"),
        outputs=("y: T", "new_state: T"),
        types=_TYPES,
        attributes=(
            _REVERSE,
            _BATCH_FIRST,
            attribute("activation", RECURRENT_ACTIVATION, "tanh", "What a sum goes through."),
        ),
        doc="The recurrent layer of Elman over gates [T, N, C], which are the weighted inputs plus bias: state = "
        "activation(gates + state @ recurrent [C, C]). It gives y [T, N, C], the states of all steps, and the last "
        f"one. {_COMMON}",
        shape=_rnn_shape,
        reference=_rnn,
        gradient=_gradient(1, 3, _rnn_step),
        quant="rnn",
        scratch=_scratch(1, more=False),
    ),
)
