"""Recurrent layers of torch as ops of our own, whose number of steps may move.

While torch traces a recurrent layer for sizes that move, it takes the layer apart, step by step, which fixes the
number of steps. An op that it knows only the shapes of stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

_KINDS = ("lstm", "gru", "rnn_tanh", "rnn_relu")

_OPERANDS = (
    "(Tensor x, Tensor[] states, Tensor[] params, bool has_biases, int count, float dropout, bool train, "
    "bool bidirectional, bool batch_first)"
)


def _shapes(x: torch.Tensor, states: Sequence[torch.Tensor], *options: Any) -> tuple[torch.Tensor, ...]:
    """Tensors of the shapes of the results."""
    bidirectional = options[-2]
    size = states[0].shape[2] * (2 if bidirectional else 1)
    y = x.new_empty((*x.shape[:2], size))
    return (y, *(s.new_empty(s.shape) for s in states))


def _define(kind: str) -> None:
    results = ", ".join(["Tensor"] * (3 if kind == "lstm" else 2))
    torch.library.define(f"samara::{kind}", f"{_OPERANDS} -> ({results})")
    plain = getattr(torch, kind)

    def compute(x: Any, states: Any, *rest: Any) -> Any:
        return plain(x, states if kind == "lstm" else states[0], *rest)

    torch.library.impl(f"samara::{kind}", "CompositeExplicitAutograd")(compute)
    torch.library.register_fake(f"samara::{kind}")(_shapes)


for _kind in _KINDS:
    _define(_kind)


def _whole(kind: str) -> Callable[..., Any]:
    plain = getattr(torch._C._VariableFunctions, kind)
    op = getattr(torch.ops.samara, kind)

    def call(*args: Any) -> Any:
        # What is called with a packed sequence has the sizes of its batches second.
        if len(args) != 9 or not isinstance(args[3], bool):
            return plain(*args)
        x, states, *rest = args
        return op(x, list(states) if kind == "lstm" else [states], *rest)

    return call


@contextmanager
def whole_layers() -> Iterator[None]:
    """Within it recurrent layers compute with the ops above."""
    functions = vars(torch._VF)
    functions.update({kind: _whole(kind) for kind in _KINDS})
    try:
        yield
    finally:
        for kind in _KINDS:
            del functions[kind]


__all__ = ["whole_layers"]
