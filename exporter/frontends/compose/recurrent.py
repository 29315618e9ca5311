"""LSTM, GRU and the simple recurrent layer as ONNX has them, in one or both directions.

What the ops of these names compute is built with them: all steps in one op, and the product of the inputs and their
weights in one before it. What only ONNX has, such as other functions, peepholes, clips or coupled gates, is a loop
of simpler ops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose import control
from samara.graph import dtypes
from samara.graph.graph import Tensor
from samara.graph.rewrite import constant_value

# A function of (builder, tensor).
Function = Callable[[Any, Tensor], Tensor]

_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}

_LSTM = ("Sigmoid", "Tanh", "Tanh")
_GRU = ("Sigmoid", "Tanh")
_RNN = ("Tanh",)


# Functions -------------------------------------------------------------------------------------------------------


def _affine(b: Any, x: Tensor, alpha: float, beta: float) -> Any:
    return b.add(b.multiply(x, b.like(alpha, x)), b.like(beta, x))


def _thresholded(b: Any, x: Tensor, alpha: float) -> Any:
    return b.where(b.greater(x, b.like(alpha, x)), x, b.like(0, x))


# By name in lower case: the defaults of alpha and beta, as many as it has, and the function.
_FUNCTIONS: dict[str, tuple[tuple[float, ...], Callable[..., Any]]] = {
    "relu": ((), lambda b, x: b.relu(x)),
    "tanh": ((), lambda b, x: b.tanh(x)),
    "sigmoid": ((), lambda b, x: b.sigmoid(x)),
    "softsign": ((), lambda b, x: b.softsign(x)),
    "softplus": ((), lambda b, x: b.softplus(x)),
    "affine": ((1.0, 0.0), _affine),
    "leakyrelu": ((0.01,), lambda b, x, alpha: b.leaky_relu(x, alpha=alpha)),
    "thresholdedrelu": ((1.0,), _thresholded),
    "scaledtanh": (
        (1.0, 1.0),
        lambda b, x, alpha, beta: b.multiply(b.like(alpha, x), b.tanh(b.multiply(b.like(beta, x), x))),
    ),
    "hardsigmoid": (
        (0.2, 0.5),
        lambda b, x, alpha, beta: b.clip(_affine(b, x, alpha, beta), minimum=0.0, maximum=1.0),
    ),
    "elu": ((1.0,), lambda b, x, alpha: b.elu(x, alpha=alpha)),
}


def _functions(
    names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]
) -> list[tuple[str, Function]]:
    """The functions by name, each with the next of the parameters that it has."""
    left = [list(alphas), list(betas)]
    made = []
    for name in names:
        if name.lower() not in _FUNCTIONS:
            raise ValueError(f"the function {name!r} is unknown")
        defaults, function = _FUNCTIONS[name.lower()]
        given = [
            float(rest.pop(0)) if rest else default for default, rest in zip(defaults, left, strict=False)
        ]
        made.append((name.lower(), _bound(function, given)))
    return made


def _bound(function: Callable[..., Any], parameters: Sequence[float]) -> Function:
    return lambda b, x: function(b, x, *parameters)


# Parts -----------------------------------------------------------------------------------------------------------


def part(b: Any, x: Tensor, axis: int, begin: int, end: int | None) -> Tensor:
    """Elements of an axis; the one at `begin`, without the axis, where `end` is None."""
    rank = len(x.shape or ())
    first, last = [0] * rank, [0] * rank
    first[axis], last[axis] = begin, begin + 1 if end is None else end
    mask = ((1 << rank) - 1) & ~(1 << axis)
    made: Tensor = b.strided_slice(
        x,
        begin=tuple(first),
        end=tuple(last),
        strides=(1,) * rank,
        begin_mask=mask,
        end_mask=mask,
        shrink_axis_mask=1 << axis if end is None else 0,
    )
    return made


def reordered(b: Any, x: Tensor, size: int, order: Sequence[int], axis: int = 0) -> Tensor:
    """The gates along an axis in another order."""
    if list(order) == list(range(len(order))):
        return x
    made: Tensor = b.concat([part(b, x, axis, k * size, (k + 1) * size) for k in order], axis=axis)
    return made


def weighted(b: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The product of x [.., C] and weights [G, C], plus bias [G]."""
    made: Tensor = b.matmul(x, b.transpose(weight, permutation=(1, 0)), bias)
    return made


def given_state(state: Tensor | None) -> Tensor | None:
    """A state before the first step; None, which the ops take for zeros, where it is known to be zeros."""
    if state is None:
        return None
    filled = state.op.inputs[0] if state.op.type == "broadcast_to" else state
    value = None if filled is None else constant_value(filled)
    return state if value is None or np.any(value) else None


def _number(size: Any, what: str) -> int:
    if not isinstance(size, int):
        raise ValueError(f"{what} is {size}, which moves")
    return size


def _zeros(b: Any, x: Tensor, batch_axis: int, size: int) -> Tensor:
    """Zeros [batch of x, size]."""
    assert x.shape is not None
    batch = x.shape[batch_axis]
    zero = b.like(0, x)
    if isinstance(batch, int):
        made: Tensor = b.constant(np.zeros((batch, size), x.dtype.numpy))
        return made
    count = part(b, b.shape(x), 0, batch_axis, batch_axis + 1)
    made = b.broadcast_to(zero, b.concat([count, np.asarray([size], np.int32)], axis=0))
    return made


def _clipped(b: Any, x: Tensor, clip: float) -> Tensor:
    made: Tensor = b.clip(x, minimum=-clip, maximum=clip) if clip else x
    return made


def _looped(
    b: Any,
    gates: Tensor,
    states: Sequence[Tensor],
    lengths: Tensor | None,
    step: Callable[..., Sequence[Tensor]],
    *,
    reverse: bool,
    batch_first: bool,
) -> tuple[Tensor, list[Tensor]]:
    """What the ops do, with a step of other ops: `step(bb, given, *states)` gives the next states."""
    axis = 1 if batch_first else 0
    inputs, axes = [gates], [axis]
    if lengths is not None:
        count = part(b, b.shape(gates), 0, axis, None)
        inputs.append(b.range(b.like(0, count), count, b.like(1, count)))
        axes.append(0)

    def one(bb: Any, *values: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        before, given = values[: len(states)], values[len(states)]
        after = list(step(bb, given, *before))
        if lengths is None:
            return after, after[:1]
        goes_on = bb.expand_dims(bb.less(values[-1], lengths), axis=1)
        kept = [bb.where(goes_on, a, s) for a, s in zip(after, before, strict=True)]
        return kept, [bb.where(goes_on, after[0], bb.like(0, after[0]))]

    last, (y,) = control.scan(
        b,
        one,
        states=states,
        inputs=inputs,
        input_axes=axes,
        input_reversed=[reverse] * len(inputs),
        output_axes=[axis],
        output_reversed=[reverse],
    )
    return y, last


class _Layer:
    """The operands of a layer, and what it makes of each direction.

    Attributes:
        x: [T, N, C], or [N, T, C].
        size: of the state.
        directions: whether each is in reverse.
    """

    def __init__(
        self, b: Any, x: Tensor, recurrent: Tensor, lengths: Tensor | None, direction: str, batch_first: bool
    ) -> None:
        if direction not in _DIRECTIONS:
            raise ValueError(f"the direction {direction!r} is unknown")
        self.b = b
        self.x = x
        self.directions = _DIRECTIONS[direction]
        self.batch_first = batch_first
        self.batch_axis = 0 if batch_first else 1
        assert recurrent.shape is not None
        self.size = _number(recurrent.shape[2], "the size of the state")
        if lengths is not None and lengths.dtype is not dtypes.int32:
            lengths = b.cast(lengths, dtype=dtypes.int32)
        self.lengths = lengths

    def state(self, given: Tensor | None, number: int) -> Tensor | None:
        """The state before the first step of a direction, [N, size]."""
        return None if given is None else part(self.b, given, 1 if self.batch_first else 0, number, None)

    def start(self, given: Tensor | None, number: int) -> Tensor:
        """The same, zeros where it is not given."""
        found = self.state(given, number)
        return _zeros(self.b, self.x, self.batch_axis, self.size) if found is None else found

    def joined(self, found: Sequence[Sequence[Tensor]], *given: Tensor | None) -> list[Tensor]:
        """The results of the directions as one: y [T, D, N, size] and states [D, N, size], or [N, .., D, size].

        `given` are the states before the first step: those that a sequence without steps would leave as they are. ONNX
        does not say what its last state is; as in onnxruntime, zeros.
        """
        b, made = self.b, []
        known = None if self.lengths is None else constant_value(self.lengths)
        if self.lengths is not None and (known is None or np.any(known < 1)):
            some = b.expand_dims(b.greater(self.lengths, b.like(0, self.lengths)), axis=1)
            found = [
                (
                    y,
                    *(
                        s if g is None else b.where(some, s, b.like(0, s))
                        for s, g in zip(last, given, strict=True)
                    ),
                )
                for y, *last in found
            ]
        for number, parts in enumerate(zip(*found, strict=True)):
            axis = (1 if self.batch_first else 0) if number else (2 if self.batch_first else 1)
            alone = len(parts) == 1
            made.append(b.expand_dims(parts[0], axis=axis) if alone else b.stack(list(parts), axis=axis))
        return made

    def options(self, reverse: bool) -> dict[str, Any]:
        """Attributes of an op."""
        return {"reverse": reverse, "batch_first": self.batch_first}

    def function_names(self, names: Sequence[str] | None, defaults: Sequence[str]) -> list[str]:
        """The functions of all directions."""
        found = list(names) if names else list(defaults) * len(self.directions)
        if len(found) != len(defaults) * len(self.directions):
            raise ValueError(f"{len(found)} functions, expected {len(defaults) * len(self.directions)}")
        return found


def _biases(b: Any, bias: Tensor | None, number: int, half: int) -> tuple[Tensor | None, Tensor | None]:
    """That of the input and that of the state, of a direction."""
    if bias is None:
        return None, None
    own = part(b, bias, 0, number, None)
    return part(b, own, 0, 0, half), part(b, own, 0, half, 2 * half)


# The layers ------------------------------------------------------------------------------------------------------


def lstm(
    b: Any,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    h0: Tensor | None = None,
    c0: Tensor | None = None,
    peephole: Tensor | None = None,
    *,
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    alpha: Sequence[float] = (),
    beta: Sequence[float] = (),
    clip: float = 0.0,
    input_forget: bool = False,
    batch_first: bool = False,
) -> list[Tensor]:
    """ONNX's LSTM.

    Args:
        b: builds ops.
        x: [T, N, C]; with batch_first [N, T, C].
        w: [D, 4 H, C], the gates in ONNX's order: input, output, forget, cell.
        r: [D, 4 H, H].
        bias: [D, 8 H]: with w, then with r.
        lengths: [N], the steps of each sequence.
        h0: [D, N, H]; with batch_first [N, D, H].
        c0: the same.
        peephole: [D, 3 H], for the input, output and forget gate.
        direction: forward, reverse or bidirectional.
        activations: for each direction the functions of the gates, of what is new, and of the cell.
        alpha: the parameters of those that have some, in their order.
        beta: the second parameters.
        clip: bounds what goes into a function; 0 for none.
        input_forget: whether the forget gate is 1 - the input gate.
        batch_first: see x.

    Returns:
        [T, D, N, H], or [N, T, D, H]; and the last states and cells, shaped as h0.

    Raises:
        ValueError: a function or the direction is unknown.
    """
    layer = _Layer(b, x, r, lengths, direction, batch_first)
    size = layer.size
    functions = _functions(layer.function_names(activations, _LSTM), alpha, beta)
    found = []
    for number, reverse in enumerate(layer.directions):
        names, (f, g, h) = zip(*functions[3 * number : 3 * number + 3], strict=True)
        weights, recurrent = part(b, w, 0, number, None), part(b, r, 0, number, None)
        of_input, of_state = _biases(b, bias, number, 4 * size)
        total = None if of_input is None else b.add(of_input, of_state)
        plain = names == tuple(n.lower() for n in _LSTM)
        if plain and not clip and not input_forget and peephole is None:
            order = (0, 2, 3, 1)
            gates = weighted(
                b,
                x,
                reordered(b, weights, size, order),
                None if total is None else reordered(b, total, size, order),
            )
            found.append(
                b.lstm(
                    gates,
                    b.transpose(reordered(b, recurrent, size, order), permutation=(1, 0)),
                    layer.state(h0, number),
                    layer.state(c0, number),
                    layer.lengths,
                    **layer.options(reverse),
                )
            )
            continue
        gates = weighted(b, x, weights, total)
        holes = None if peephole is None else part(b, peephole, 0, number, None)
        step = _lstm_step(
            b.transpose(recurrent, permutation=(1, 0)),
            holes,
            size,
            (f, g, h),
            clip=clip,
            input_forget=input_forget,
        )
        states = [layer.start(h0, number), layer.start(c0, number)]
        y, last = _looped(b, gates, states, layer.lengths, step, reverse=reverse, batch_first=batch_first)
        found.append([y, *last])
    return layer.joined(found, given_state(h0), given_state(c0))


def _lstm_step(
    recurrent: Tensor,
    peephole: Tensor | None,
    size: int,
    functions: Sequence[Function],
    *,
    clip: float,
    input_forget: bool,
) -> Callable[..., Sequence[Tensor]]:
    f, g, h = functions

    def step(b: Any, given: Tensor, state: Tensor, cell: Tensor) -> Sequence[Tensor]:
        sums = b.add(given, b.matmul(state, recurrent))
        i, o, forget, new = (part(b, sums, 1, k * size, (k + 1) * size) for k in range(4))

        def seen(gate: Tensor, number: int, cells: Tensor) -> Tensor:
            if peephole is not None:
                hole = part(b, peephole, 0, number * size, (number + 1) * size)
                gate = b.add(gate, b.multiply(hole, cells))
            return f(b, _clipped(b, gate, clip))

        i = seen(i, 0, cell)
        forget = b.subtract(b.like(1, i), i) if input_forget else seen(forget, 2, cell)
        cell = b.add(b.multiply(forget, cell), b.multiply(i, g(b, _clipped(b, new, clip))))
        o = seen(o, 1, cell)
        return b.multiply(o, h(b, cell)), cell

    return step


def gru(
    b: Any,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    h0: Tensor | None = None,
    *,
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    alpha: Sequence[float] = (),
    beta: Sequence[float] = (),
    clip: float = 0.0,
    linear_before_reset: bool = False,
    batch_first: bool = False,
) -> list[Tensor]:
    """ONNX's GRU: as `lstm`, with 3 gates, update, reset, and what is new.

    For each direction it has the functions of the gates and of what is new. With `linear_before_reset` the reset gate
    multiplies what r makes of the state, not the state. It gives [T, D, N, H], or [N, T, D, H]; and the last states,
    shaped as h0.
    """
    layer = _Layer(b, x, r, lengths, direction, batch_first)
    size = layer.size
    functions = _functions(layer.function_names(activations, _GRU), alpha, beta)
    found = []
    for number, reverse in enumerate(layer.directions):
        names, (f, g) = zip(*functions[2 * number : 2 * number + 2], strict=True)
        weights, recurrent = part(b, w, 0, number, None), part(b, r, 0, number, None)
        of_input, of_state = _biases(b, bias, number, 3 * size)
        last_bias = None
        if of_input is not None and of_state is not None and linear_before_reset:
            last_bias = part(b, of_state, 0, 2 * size, 3 * size)
            ends = [part(b, of_state, 0, 0, 2 * size), b.constant(np.zeros(size, of_state.dtype.numpy))]
            of_state = b.concat(ends, axis=0)
        total = None if of_input is None else b.add(of_input, of_state)
        gates = weighted(b, x, weights, total)
        matrix = b.transpose(recurrent, permutation=(1, 0))
        if names == tuple(n.lower() for n in _GRU) and not clip:
            state = layer.state(h0, number)
            options = layer.options(reverse)
            found.append(
                b.gru(
                    gates, matrix, state, layer.lengths, last_bias, reset_after=linear_before_reset, **options
                )
            )
            continue
        step = _gru_step(matrix, last_bias, size, (f, g), clip=clip, reset_after=linear_before_reset)
        states = [layer.start(h0, number)]
        y, last = _looped(b, gates, states, layer.lengths, step, reverse=reverse, batch_first=batch_first)
        found.append([y, *last])
    return layer.joined(found, given_state(h0))


def _gru_step(
    recurrent: Tensor,
    bias: Tensor | None,
    size: int,
    functions: Sequence[Function],
    *,
    clip: float,
    reset_after: bool,
) -> Callable[..., Sequence[Tensor]]:
    f, g = functions

    def step(b: Any, given: Tensor, state: Tensor) -> Sequence[Tensor]:
        double = 2 * size
        sums = b.add(part(b, given, 1, 0, double), b.matmul(state, part(b, recurrent, 1, 0, double)))
        z, r = (f(b, _clipped(b, part(b, sums, 1, k * size, (k + 1) * size), clip)) for k in range(2))
        taken = state if reset_after else b.multiply(r, state)
        fresh = b.matmul(taken, part(b, recurrent, 1, double, 3 * size), bias)
        fresh = b.multiply(r, fresh) if reset_after else fresh
        new = g(b, _clipped(b, b.add(part(b, given, 1, double, 3 * size), fresh), clip))
        return (b.add(b.multiply(b.subtract(b.like(1, z), z), new), b.multiply(z, state)),)

    return step


def rnn(
    b: Any,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    h0: Tensor | None = None,
    *,
    direction: str = "forward",
    activations: Sequence[str] | None = None,
    alpha: Sequence[float] = (),
    beta: Sequence[float] = (),
    clip: float = 0.0,
    batch_first: bool = False,
) -> list[Tensor]:
    """ONNX's RNN: as `lstm`, without gates and with one function for each direction.

    It gives [T, D, N, H], or [N, T, D, H]; and the last states, shaped as h0.
    """
    layer = _Layer(b, x, r, lengths, direction, batch_first)
    functions = _functions(layer.function_names(activations, _RNN), alpha, beta)
    found = []
    for number, reverse in enumerate(layer.directions):
        name, function = functions[number]
        weights, recurrent = part(b, w, 0, number, None), part(b, r, 0, number, None)
        of_input, of_state = _biases(b, bias, number, layer.size)
        gates = weighted(b, x, weights, None if of_input is None else b.add(of_input, of_state))
        matrix = b.transpose(recurrent, permutation=(1, 0))
        if name in ("tanh", "relu") and not clip:
            state = layer.state(h0, number)
            found.append(
                b.rnn(gates, matrix, state, layer.lengths, activation=name, **layer.options(reverse))
            )
            continue
        step = _rnn_step(matrix, function, clip)
        states = [layer.start(h0, number)]
        y, last = _looped(b, gates, states, layer.lengths, step, reverse=reverse, batch_first=batch_first)
        found.append([y, *last])
    return layer.joined(found, given_state(h0))


def _rnn_step(recurrent: Tensor, function: Function, clip: float) -> Callable[..., Sequence[Tensor]]:
    def step(b: Any, given: Tensor, state: Tensor) -> Sequence[Tensor]:
        return (function(b, _clipped(b, b.add(given, b.matmul(state, recurrent)), clip)),)

    return step


__all__ = ["given_state", "gru", "lstm", "part", "reordered", "rnn", "weighted"]
