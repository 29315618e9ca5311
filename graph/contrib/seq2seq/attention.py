"""Attention: a cell that looks at a memory in each step.

Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", 2015; Luong, Pham and
Manning, "Effective Approaches to Attention-based Neural Machine Translation", 2015.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.initializers import Constant
from samara.graph.layer import last_size, ones, zeros
from samara.graph.layers.dense_layers import Dense
from samara.graph.nn.activations import softmax
from samara.graph.nn.cells import RNNCell
from samara.graph.shapes import TensorShape
from samara.graph.structure import leaves_of
from samara.graph.variable_scope import get_variable, variable_scope
from samara.graph.vocabulary.arrays import shape
from samara.graph.vocabulary.elements import sequence_mask


class AttentionMechanism:
    """Base of the mechanisms: says how much a query has to do with each place of a memory.

    Attributes:
        values: the memory [batch, time, depth], 0 after the length of each sequence.
        keys: what queries are compared with.
    """

    def __init__(
        self,
        memory: Any,
        lengths: Any,
        query_layer: Any,
        memory_layer: Any,
        probability_fn: Callable[[Any], Any] | None,
        score_mask_value: Any,
        name: str,
    ) -> None:
        tensor = convert_to_tensor(memory)
        b = tensor.graph.b
        self._name = name
        self._query_layer = query_layer
        self._probabilities = probability_fn or softmax
        self._masked = -np.inf if score_mask_value is None else score_mask_value
        self._mask: Tensor | None = None
        if lengths is not None:
            self._mask = sequence_mask(convert_to_tensor(lengths), shape(tensor)[1])
            inside = b.cast(self._mask, dtype=tensor.dtype)
            for _ in range(len(tensor.get_shape()) - 2):
                inside = b.expand_dims(inside, axis=-1)
            tensor = b.multiply(tensor, inside)
        self.values: Tensor = tensor
        self.keys: Tensor = tensor if memory_layer is None else memory_layer(tensor)

    @property
    def alignments_size(self) -> Any:
        """How many places there are: a number, or a scalar tensor."""
        size = self.values.get_shape()[1]
        return int(size) if isinstance(size, int) else shape(self.values)[1]

    @property
    def batch_size(self) -> Any:
        """How many sequences."""
        return shape(self.values)[0]

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Zeros [batch, time]."""
        return _zeros([batch_size, self.alignments_size], dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """The same."""
        return self.initial_alignments(batch_size, dtype)

    def __call__(self, query: Any, state: Any = None) -> tuple[Tensor, Tensor]:
        """How much a query [batch, depth] has to do with each place [batch, time], twice: the second is the state."""
        b = get_default_graph().b
        score = self._score(query)
        if self._mask is not None:
            score = b.where(self._mask, score, b.like(self._masked, score))
        made = self._probabilities(score)
        return made, made

    def _score(self, query: Any) -> Tensor:
        raise NotImplementedError


def _zeros(sizes_: list[Any], dtype: Any) -> Tensor:
    from samara.graph.vocabulary.constants import zeros as filled

    return filled(sizes_, dtype)


class LuongAttention(AttentionMechanism):
    """The product of query and key.

    Args:
        num_units: the size of queries and keys.
        memory: [batch, time, depth].
        memory_sequence_length: [batch], how long each memory is; None for all of it.
        scale: whether the product is multiplied by a variable.
        probability_fn: softmax when None.
        score_mask_value: what takes the place of products after the length; minus infinity when None.
        dtype: of the variables; that of the memory when None.
        custom_key_value_fn: not supported; None.
        name: the name of its scope.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Any = None,
        name: str = "LuongAttention",
    ) -> None:
        if custom_key_value_fn is not None:
            raise ValueError("LuongAttention: custom_key_value_fn is not supported: leave it out")
        layer = Dense(num_units, use_bias=False, name="memory_layer")
        super().__init__(memory, memory_sequence_length, None, layer, probability_fn, score_mask_value, name)
        self._scale: Any = scale

    def _score(self, query: Any) -> Tensor:
        b = get_default_graph().b
        depth, units = query.get_shape()[-1], self.keys.get_shape()[-1]
        if depth != units:
            raise ValueError(
                f"LuongAttention: a query has {depth} elements, a key {units}: give num_units={depth}"
            )
        product = b.matmul(self.keys, b.expand_dims(query, axis=-1))
        score: Tensor = b.squeeze(product, axes=(2,))
        if self._scale is True:
            with variable_scope(None, default_name="luong_attention"):
                self._scale = get_variable("attention_g", [], query.dtype, ones)
        if self._scale is not False:
            score = b.multiply(score, self._scale)
        return score


class BahdanauAttention(AttentionMechanism):
    """A layer of its own: the sum of v tanh(query + key).

    Args:
        num_units: the size of the layer.
        memory: [batch, time, depth].
        memory_sequence_length: [batch], how long each memory is; None for all of it.
        normalize: whether v has a length that is a variable, and there is a bias.
        probability_fn: softmax when None.
        score_mask_value: what takes the place of sums after the length; minus infinity when None.
        dtype: of the variables; that of the memory when None.
        custom_key_value_fn: not supported; None.
        name: the name of its scope.
    """

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Any = None,
        name: str = "BahdanauAttention",
    ) -> None:
        if custom_key_value_fn is not None:
            raise ValueError("BahdanauAttention: custom_key_value_fn is not supported: leave it out")
        super().__init__(
            memory,
            memory_sequence_length,
            Dense(num_units, use_bias=False, name="query_layer"),
            Dense(num_units, use_bias=False, name="memory_layer"),
            probability_fn,
            score_mask_value,
            name,
        )
        self._units, self._normalize = num_units, normalize
        self._variables: list[Any] = []

    def _score(self, query: Any) -> Tensor:
        b = get_default_graph().b
        asked = b.expand_dims(self._query_layer(query), axis=1)
        if not self._variables:
            with variable_scope(None, default_name="bahdanau_attention"):
                self._variables.append(get_variable("attention_v", [self._units], query.dtype))
                if self._normalize:
                    start = Constant(float(np.sqrt(1.0 / self._units)))
                    self._variables.append(get_variable("attention_g", [], query.dtype, start))
                    self._variables.append(get_variable("attention_b", [self._units], query.dtype, zeros))
        v, *more = self._variables
        total = b.add(self.keys, asked)
        if more:
            g, bias = more
            total = b.add(total, bias)
            v = b.multiply(b.multiply(v, g), b.rsqrt(b.reduce_sum(b.square(v), axes=(0,))))
        score: Tensor = b.reduce_sum(b.multiply(b.tanh(total), v), axes=(2,))
        return score


class AttentionWrapperState(
    namedtuple(
        "AttentionWrapperState",
        ["cell_state", "attention", "time", "alignments", "alignment_history", "attention_state"],
    )
):
    """The state of an AttentionWrapper: its cell's, what was attended to, the step, and how much to each place."""

    __slots__ = ()

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """The same with other parts, as in `clone(cell_state=...)`."""
        return self._replace(**kwargs)


class AttentionWrapper(RNNCell):
    """A cell that in each step looks at one memory or several.

    Args:
        cell: the cell.
        attention_mechanism: a mechanism, or a list of them.
        attention_layer_size: the size of a layer on output and context, or a list of sizes; None for the context
            itself.
        alignment_history: not supported; False.
        cell_input_fn: gives the cell's inputs of (inputs, attention); joined when None.
        output_attention: whether the output is the attention, not that of the cell.
        initial_cell_state: the cell's state in `zero_state`.
        name: the name of its scope.
        attention_layer: a layer, or a list of them, instead of attention_layer_size.

    Raises:
        ValueError: an option is not supported, or there are not as many layers as mechanisms.
    """

    def __init__(
        self,
        cell: Any,
        attention_mechanism: Any,
        attention_layer_size: Any = None,
        alignment_history: bool = False,
        cell_input_fn: Callable[[Any, Any], Any] | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: Any = None,
    ) -> None:
        super().__init__(name=name or "attention_wrapper")
        if alignment_history:
            raise ValueError("AttentionWrapper: alignment_history is not supported: leave it out")
        self._cell = cell
        self._several = isinstance(attention_mechanism, (list, tuple))
        self._mechanisms = list(attention_mechanism) if self._several else [attention_mechanism]
        listed = attention_layer if attention_layer is not None else attention_layer_size
        chosen = list(listed) if isinstance(listed, (list, tuple)) else [listed]
        if listed is None:
            chosen = [None] * len(self._mechanisms)
        if len(chosen) != len(self._mechanisms):
            raise ValueError(f"{len(chosen)} attention layers for {len(self._mechanisms)} mechanisms")
        self._layers = [
            Dense(layer, use_bias=False, name="attention_layer") if isinstance(layer, int) else layer
            for layer in chosen
        ]
        self._join = cell_input_fn or _joined
        self._output_attention = output_attention
        self._initial = initial_cell_state

    def _attention_sizes(self) -> list[int]:
        found = []
        for mechanism, layer in zip(self._mechanisms, self._layers, strict=True):
            size = getattr(layer, "units", None)
            found.append(int(size) if size is not None else last_size(self, mechanism.values.get_shape()))
        return found

    def _item(self, values: list[Any]) -> Any:
        return tuple(values) if self._several else values[0]

    @property
    def output_size(self) -> Any:
        """The size of the attention, or of the cell's output."""
        return sum(self._attention_sizes()) if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        """The sizes of the state's parts."""
        places = self._item([m.alignments_size for m in self._mechanisms])
        return AttentionWrapperState(
            self._cell.state_size, sum(self._attention_sizes()), TensorShape([]), places, (), places
        )

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The state before the first step; `clone(cell_state=...)` gives it that of an encoder."""
        with get_default_graph().name_scope("AttentionWrapperZeroState"):
            cell_state = self._initial
            if cell_state is None:
                cell_state = self._cell.zero_state(batch_size, dtype)
            alignments = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            states = [m.initial_state(batch_size, dtype) for m in self._mechanisms]
            return AttentionWrapperState(
                cell_state,
                _zeros([batch_size, sum(self._attention_sizes())], dtype),
                convert_to_tensor(np.int32(0)),
                self._item(alignments),
                (),
                self._item(states),
            )

    def call(self, inputs: Any, state: Any) -> Any:
        """One step: that of the cell, then a look at the memories."""
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(f"the state is {type(state).__name__}, expected what zero_state gives")
        b = get_default_graph().b
        output, cell_state = self._cell(self._join(inputs, state.attention), state.cell_state)
        attentions, alignments, states = [], [], []
        before = state.attention_state if self._several else [state.attention_state]
        for mechanism, layer, held in zip(self._mechanisms, self._layers, before, strict=True):
            places, after = mechanism(output, held)
            context = b.squeeze(b.matmul(b.expand_dims(places, axis=1), mechanism.values), axes=(1,))
            attention = context if layer is None else layer(b.concat([output, context], axis=1))
            attentions.append(attention)
            alignments.append(places)
            states.append(after)
        attention = attentions[0] if len(attentions) == 1 else b.concat(attentions, axis=1)
        following = AttentionWrapperState(
            cell_state,
            attention,
            b.add(state.time, b.constant(1, int32)),
            self._item(alignments),
            (),
            self._item(states),
        )
        return attention if self._output_attention else output, following


def _joined(inputs: Any, attention: Any) -> Tensor:
    made: Tensor = get_default_graph().b.concat([*leaves_of(inputs), attention], axis=-1)
    return made


__all__ = [
    "AttentionMechanism",
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "LuongAttention",
]
