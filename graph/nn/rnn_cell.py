"""Recurrent cells: `tf.nn.rnn_cell`."""

from __future__ import annotations

from samara.graph.nn.cell_wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper
from samara.graph.nn.cells import (
    BasicLSTMCell,
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    RNNCell,
)

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "RNNCell",
    "ResidualWrapper",
]
