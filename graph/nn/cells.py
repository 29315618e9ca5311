"""Recurrent cells: one step of a recurrent network, with its variables."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor, sizes
from samara.graph.dtypes import as_dtype
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.layer import Layer, last_size, ones, zeros
from samara.graph.structure import pack

LSTMStateTuple = namedtuple("LSTMStateTuple", ["c", "h"])
LSTMStateTuple.__doc__ = "The state of a long short-term memory: its cells, and its output."


class RNNCell(Layer):
    """One step of a recurrent network: `outputs, new_state = cell(inputs, state)`.

    A cell of one's own has the properties `state_size` and `output_size`, and `call(inputs, state)`. Inputs are
    [batch, depth]; a state is [batch, size], or a nested tuple of such.
    """

    @property
    def state_size(self) -> Any:
        """The size of the state: a number, a shape, or a nested tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no state_size")

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        raise NotImplementedError(f"{type(self).__name__} has no output_size")

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        """The output of one step, and the state after it."""
        return super().__call__(inputs, state, scope=scope, **kwargs)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros; the batch size is a number or a tensor."""
        with get_default_graph().name_scope(f"{type(self).__name__}ZeroState"):
            return zero_state(self.state_size, batch_size, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """`zero_state` for the batch size and the element type of inputs."""
        if inputs is not None:
            tensor = convert_to_tensor(inputs)
            batch_size, dtype = tensor.graph.b.shape(tensor)[0], tensor.dtype
        return self.zero_state(batch_size, dtype)


def zero_state(size: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros for each size in a structure: [batch, size]."""
    leaves: list[Any] = []
    structure = _sizes(size, leaves)
    kind = as_dtype(dtype).numpy
    b = get_default_graph().b
    made = [b.broadcast_to(np.zeros((), kind), sizes([batch_size, *leaf])) for leaf in leaves]
    return pack(structure, iter(made))


def _sizes(size: Any, leaves: list[Any]) -> Any:
    """The structure of sizes, of which each leaf is a list; a TensorShape is one."""
    if hasattr(size, "as_list"):
        leaves.append(size.as_list())
        return None
    if isinstance(size, (list, tuple)):
        return (type(size), [_sizes(s, leaves) for s in size])
    leaves.append([int(size)])
    return None


def linear(b: Any, inputs: Any, kernel: Any, bias: Any) -> Tensor:
    """The product of inputs, joined, and a matrix, plus a bias."""
    product = b.matmul(b.concat(inputs, axis=1) if len(inputs) > 1 else inputs[0], kernel)
    result: Tensor = product if bias is None else b.add(product, bias)
    return result


def _activation(given: Any) -> Any:
    from samara.graph.nn import activations

    if given is None:
        return activations.tanh
    if isinstance(given, str):
        return getattr(activations, given)
    return given


class BasicRNNCell(RNNCell):
    """The simplest cell: output = new state = activation([inputs, state] @ kernel + bias).

    Args:
        num_units: the size of the state.
        activation: tanh when None.
        reuse: whether its variables must exist.
        name: the name of its scope.
        dtype: of its variables.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self._units = int(num_units)
        self._function = _activation(activation)

    @property
    def state_size(self) -> int:
        """The number of units."""
        return self._units

    @property
    def output_size(self) -> int:
        """The number of units."""
        return self._units

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` [inputs + units, units] and `bias`."""
        depth = last_size(self, input_shape)
        self._kernel = self.add_weight("kernel", [depth + self._units, self._units])
        self._bias = self.add_weight("bias", [self._units], initializer=zeros)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        b = convert_to_tensor(inputs).graph.b
        output = self._function(linear(b, [inputs, state], self._kernel, self._bias))
        return output, output


class GRUCell(RNNCell):
    """The gated recurrent unit of Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.

    r, u = sigmoid([inputs, state] @ gates), c = activation([inputs, r * state] @ candidate), and the output, which is
    the new state, is u * state + (1 - u) * c.

    Args:
        num_units: the size of the state.
        activation: tanh when None.
        reuse: whether its variables must exist.
        kernel_initializer: of the matrices; the scope's when None.
        bias_initializer: of the biases; ones for the gates and zeros for the candidate when None.
        name: the name of its scope.
        dtype: of its variables.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self._units = int(num_units)
        self._function = _activation(activation)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> int:
        """The number of units."""
        return self._units

    @property
    def output_size(self) -> int:
        """The number of units."""
        return self._units

    def build(self, input_shape: Any) -> None:
        """Makes `gates/kernel` [inputs + units, 2 units], `candidate/kernel` [inputs + units, units] and biases."""
        depth, units = last_size(self, input_shape), self._units
        of_kernel, given = self._kernel_initializer, self._bias_initializer
        self._gates = self.add_weight("gates/kernel", [depth + units, 2 * units], initializer=of_kernel)
        self._gates_bias = self.add_weight(
            "gates/bias", [2 * units], initializer=ones if given is None else given
        )
        self._candidate = self.add_weight("candidate/kernel", [depth + units, units], initializer=of_kernel)
        self._candidate_bias = self.add_weight(
            "candidate/bias", [units], initializer=zeros if given is None else given
        )

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        b = convert_to_tensor(inputs).graph.b
        gates = b.sigmoid(linear(b, [inputs, state], self._gates, self._gates_bias))
        r, u = b.split(gates, axis=1, sizes=(self._units,) * 2)
        candidate = linear(b, [inputs, b.multiply(r, state)], self._candidate, self._candidate_bias)
        candidate = self._function(candidate)
        output = b.add(b.multiply(u, state), b.multiply(b.subtract(b.like(1, u), u), candidate))
        return output, output


class LSTMCell(RNNCell):
    """The long short-term memory of Hochreiter and Schmidhuber (1997) with forget gates (Gers et al., 1999).

    With i, j, f, o the parts of [inputs, h] @ kernel + bias, c = c * sigmoid(f + forget_bias) + sigmoid(i) *
    activation(j) and h = activation(c) * sigmoid(o).

    Args:
        num_units: the number of cells.
        use_peepholes: whether the gates see the cells, each by a weight of its own (Sak et al., "Long Short-Term Memory
            Recurrent Neural Network Architectures for Large Scale Acoustic Modeling", 2014).
        cell_clip: the largest magnitude of a cell; None for any.
        initializer: of the matrices; the scope's when None.
        num_proj: the size of the output, which is then h @ projection; None for the number of cells.
        proj_clip: the largest magnitude of what is projected; None for any.
        num_unit_shards: has no meaning here.
        num_proj_shards: has no meaning here.
        forget_bias: added to the forget gate.
        state_is_tuple: whether the state is an LSTMStateTuple(c, h), or both joined along the second axis.
        activation: tanh when None.
        reuse: whether its variables must exist.
        name: the name of its scope.
        dtype: of its variables.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: Any = None,
        num_proj_shards: Any = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self._units = int(num_units)
        self._peepholes = use_peepholes
        self._cell_clip, self._proj_clip = cell_clip, proj_clip
        self._initializer = initializer
        self._outputs = self._units if num_proj is None else int(num_proj)
        self._projected = num_proj is not None
        self._forget_bias = forget_bias
        self._tuple = state_is_tuple
        self._function = _activation(activation)

    @property
    def state_size(self) -> Any:
        """The sizes of cells and output: an LSTMStateTuple, or their sum."""
        return LSTMStateTuple(self._units, self._outputs) if self._tuple else self._units + self._outputs

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self._outputs

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` [inputs + outputs, 4 units], `bias`, and what peepholes and a projection need."""
        depth, units, given = last_size(self, input_shape), self._units, self._initializer
        self._kernel = self.add_weight("kernel", [depth + self._outputs, 4 * units], initializer=given)
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros)
        self._diagonals = (
            [self.add_weight(f"w_{gate}_diag", [units], initializer=given) for gate in "fio"]
            if self._peepholes
            else []
        )
        self._projection = (
            self.add_weight("projection/kernel", [units, self._outputs], initializer=given)
            if self._projected
            else None
        )

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        b = convert_to_tensor(inputs).graph.b
        c, h = state if self._tuple else b.split(state, axis=1, sizes=(self._units, self._outputs))
        sums = linear(b, [inputs, h], self._kernel, self._bias)
        i, j, f, o = b.split(sums, axis=1, sizes=(self._units,) * 4)
        f = b.add(f, b.like(self._forget_bias, f))
        if self._diagonals:
            f = b.add(f, b.multiply(self._diagonals[0], c))
            i = b.add(i, b.multiply(self._diagonals[1], c))
        new_c = b.add(b.multiply(b.sigmoid(f), c), b.multiply(b.sigmoid(i), self._function(j)))
        if self._cell_clip is not None:
            new_c = b.clip(new_c, minimum=-self._cell_clip, maximum=self._cell_clip)
        if self._diagonals:
            o = b.add(o, b.multiply(self._diagonals[2], new_c))
        new_h = b.multiply(b.sigmoid(o), self._function(new_c))
        if self._projection is not None:
            new_h = b.matmul(new_h, self._projection)
            if self._proj_clip is not None:
                new_h = b.clip(new_h, minimum=-self._proj_clip, maximum=self._proj_clip)
        both = LSTMStateTuple(new_c, new_h) if self._tuple else b.concat([new_c, new_h], axis=1)
        return new_h, both


class BasicLSTMCell(LSTMCell):
    """The long short-term memory without peepholes, projection and clipping: see LSTMCell.

    Args:
        num_units: the number of cells.
        forget_bias: added to the forget gate.
        state_is_tuple: whether the state is an LSTMStateTuple(c, h), or both joined along the second axis.
        activation: tanh when None.
        reuse: whether its variables must exist.
        name: the name of its scope.
        dtype: of its variables.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_units,
            forget_bias=forget_bias,
            state_is_tuple=state_is_tuple,
            activation=activation,
            reuse=reuse,
            name=name,
            dtype=dtype,
            **kwargs,
        )


class MultiRNNCell(RNNCell):
    """Cells one upon the other: the output of each is the input of the next.

    Args:
        cells: the cells, each an object of its own.
        state_is_tuple: whether the state is a tuple of those of the cells, or all joined along the second axis.
    """

    def __init__(self, cells: Any, state_is_tuple: bool = True) -> None:
        if not isinstance(cells, (list, tuple)) or not cells:
            raise TypeError("MultiRNNCell needs a list of one or more cells")
        super().__init__()
        self._cells = list(cells)
        self._tuple = state_is_tuple
        if not state_is_tuple and any(isinstance(c.state_size, (list, tuple)) for c in cells):
            raise ValueError("MultiRNNCell: cells whose states are tuples need state_is_tuple=True")

    @property
    def state_size(self) -> Any:
        """Those of the cells, a tuple; or their sum."""
        found = tuple(cell.state_size for cell in self._cells)
        return found if self._tuple else sum(found)

    @property
    def output_size(self) -> Any:
        """That of the last cell."""
        return self._cells[-1].output_size

    @property
    def variables(self) -> list[Any]:
        """Those of the cells."""
        return [v for cell in self._cells for v in cell.variables]

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """What the cells' `zero_state` give."""
        if not self._tuple:
            return super().zero_state(batch_size, dtype)
        with get_default_graph().name_scope("MultiRNNCellZeroState"):
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step of each."""
        from samara.graph.variable_scope import variable_scope

        if not self._tuple:
            counts = tuple(cell.state_size for cell in self._cells)
            state = convert_to_tensor(state).graph.b.split(state, axis=1, sizes=counts)
        states = []
        for number, (cell, held) in enumerate(zip(self._cells, state, strict=True)):
            with variable_scope(f"cell_{number}"):
                inputs, after = cell(inputs, held)
            states.append(after)
        if not self._tuple:
            return inputs, convert_to_tensor(inputs).graph.b.concat(states, axis=1)
        return inputs, tuple(states)


__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "RNNCell",
    "linear",
    "zero_state",
]
