"""Recurrent layers and cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose.recurrent import given_state, part, reordered, weighted
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor

# Torch's order of the gates of a GRU is reset, update, new; that of an LSTM is the op's.
_GRU_ORDER = (1, 0, 2)

Weights = Sequence[Tensor]


def _total(b: Any, biases: Weights) -> Tensor | None:
    return b.add(*biases) if biases else None


def _lstm(
    r: Reader, x: Tensor, weights: Weights, biases: Weights, states: Sequence[Tensor | None], options: Any
) -> list[Tensor]:
    b = r.b
    first, recurrent, *projection = weights
    projected = b.transpose(projection[0], permutation=(1, 0)) if projection else None
    gates = weighted(b, x, first, _total(b, biases))
    made: list[Tensor] = b.lstm(
        gates, b.transpose(recurrent, permutation=(1, 0)), *states, None, projected, **options
    )
    return made


def _gru(
    r: Reader, x: Tensor, weights: Weights, biases: Weights, states: Sequence[Tensor | None], options: Any
) -> list[Tensor]:
    b = r.b
    assert weights[1].shape is not None
    size = r.number(weights[1].shape[1], "the size of the state")
    first, recurrent = (reordered(b, w, size, _GRU_ORDER) for w in weights)
    bias = last = None
    if biases:
        of_input, of_state = (reordered(b, v, size, _GRU_ORDER) for v in biases)
        last = part(b, of_state, 0, 2 * size, 3 * size)
        ends = [b.add(part(b, of_input, 0, 0, 2 * size), part(b, of_state, 0, 0, 2 * size))]
        bias = b.concat([*ends, part(b, of_input, 0, 2 * size, 3 * size)], axis=0)
    gates = weighted(b, x, first, bias)
    matrix = b.transpose(recurrent, permutation=(1, 0))
    made: list[Tensor] = b.gru(gates, matrix, *states, None, last, reset_after=True, **options)
    return made


def _rnn(
    r: Reader, x: Tensor, weights: Weights, biases: Weights, states: Sequence[Tensor | None], options: Any
) -> list[Tensor]:
    b = r.b
    gates = weighted(b, x, weights[0], _total(b, biases))
    made: list[Tensor] = b.rnn(gates, b.transpose(weights[1], permutation=(1, 0)), *states, **options)
    return made


_LAYERS = {"lstm": _lstm, "gru": _gru, "rnn_tanh": _rnn, "rnn_relu": _rnn}


def _kind(r: Reader) -> str:
    """Which layer the node is: the name of its op without what follows."""
    found: str = r.node.target._schema.name.rpartition("::")[2]
    return found.removesuffix("_cell")


def _activation(kind: str) -> dict[str, Any]:
    return {"activation": kind.removeprefix("rnn_")} if kind.startswith("rnn_") else {}


@handles("samara.lstm", "samara.gru", "samara.rnn_tanh", "samara.rnn_relu")
@handles("aten.lstm.input", "aten.gru.input", "aten.rnn_tanh.input", "aten.rnn_relu.input")
def recurrent_layers(
    r: Reader,
    x: Tensor,
    states: Any,
    params: Weights,
    has_biases: bool,
    count: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Tensor]:
    if dropout and train and count > 1:
        raise r.unsupported("it drops elements between layers at random", "export after module.eval()")
    b, kind = r.b, _kind(r)
    given = [given_state(s) for s in (states if isinstance(states, (list, tuple)) else [states])]
    directions = 2 if bidirectional else 1
    each = len(params) // (count * directions)
    last: list[list[Tensor]] = []
    for layer in range(count):
        sides = []
        for direction in range(directions):
            number = layer * directions + direction
            own = list(params[number * each : (number + 1) * each])
            weights, biases = ([*own[:2], *own[4:]], own[2:4]) if has_biases else (own, [])
            start = [None if s is None else part(b, s, 0, number, None) for s in given]
            options = {"reverse": direction == 1, "batch_first": batch_first, **_activation(kind)}
            y, *after = _LAYERS[kind](r, x, weights, biases, start, options)
            sides.append(y)
            last.append(after)
        x = b.concat(sides, axis=2) if bidirectional else sides[0]
    return [x, *(_stacked(b, parts) for parts in zip(*last, strict=True))]


def _stacked(b: Any, parts: Sequence[Tensor]) -> Tensor:
    made: Tensor = b.stack(list(parts), axis=0) if len(parts) > 1 else b.expand_dims(parts[0], axis=0)
    return made


@handles("aten.lstm_cell", "aten.gru_cell", "aten.rnn_tanh_cell", "aten.rnn_relu_cell")
def recurrent_cell(
    r: Reader,
    x: Tensor,
    states: Any,
    first: Tensor,
    recurrent: Tensor,
    of_input: Tensor | None = None,
    of_state: Tensor | None = None,
) -> Any:
    kind = _kind(r)
    given = [given_state(s) for s in (states if isinstance(states, (list, tuple)) else [states])]
    biases = [v for v in (of_input, of_state) if v is not None]
    step = r.b.expand_dims(x, axis=0)
    _, *after = _LAYERS[kind](r, step, (first, recurrent), biases, given, _activation(kind))
    return after if kind == "lstm" else after[0]


@handles("aten.lstm.data", "aten.gru.data", "aten.rnn_tanh.data", "aten.rnn_relu.data")
def packed_layers(r: Reader, *_: Any) -> None:
    raise r.unsupported(
        "it takes a packed sequence", "give the layer a padded tensor, without pack_padded_sequence"
    )
