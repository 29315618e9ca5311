"""What layers and recurrent cells have in common: variables of their own, made at the first call."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from samara.graph.collections import GraphKeys
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import as_dtype, float32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.structure import leaves_of
from samara.graph.variable_scope import VariableScope, get_variable, variable_scope
from samara.graph.variables import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

REGULARIZATION_LOSSES = GraphKeys.REGULARIZATION_LOSSES
UPDATE_OPS = GraphKeys.UPDATE_OPS


def zeros(shape: Sequence[int], dtype: Any = float32, partition_info: Any = None) -> Any:
    """Zeros, as an initial value."""
    return np.zeros(shape, as_dtype(dtype).numpy)


def ones(shape: Sequence[int], dtype: Any = float32, partition_info: Any = None) -> Any:
    """Ones, as an initial value."""
    return np.ones(shape, as_dtype(dtype).numpy)


def first_given(*values: Any) -> Any:
    """The first of some values that is not None; arrays have no truth."""
    return next((v for v in values if v is not None), None)


class Sharing(TypedDict, total=False):
    """Where the variables of a layer are.

    Attributes:
        reuse: whether they must exist already: True, or AUTO_REUSE for perhaps.
        _reuse: the same, as TensorFlow's classes spell it.
        _scope: the variable scope that they are in.
    """

    reuse: Any
    _reuse: Any
    _scope: Any


class LayerOptions(Sharing, total=False):
    """What every layer takes by name.

    Attributes:
        dtype: the element type of its variables; that of its first input when it is not given.
    """

    dtype: Any


class Layer:
    """A function with variables, which are made at the first call and shared by all.

    A subclass makes its variables in `build(input_shape)` with `add_weight`, and computes in `call(inputs, ...)`.

    Args:
        trainable: whether optimizers train its variables.
        name: what the names of its variables start with; the class's name in lower case, made unique, when None.
        dtype: of the variables; that of the first input when None.
        kwargs: as of Sharing.

    Attributes:
        built: whether the variables exist.
        updates: operations that belong to a training step.
        update_collections: the collections that they join.
        losses: what its regularizers gave.
    """

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Unpack[Sharing]
    ) -> None:
        unknown = set(kwargs) - {"reuse", "_reuse", "_scope"}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {', '.join(sorted(unknown))}")
        self.trainable = trainable
        self.built = False
        self.updates: list[Any] = []
        self.update_collections: list[str] = [UPDATE_OPS]
        self.losses: list[Tensor] = []
        self._dtype = None if dtype is None else as_dtype(dtype)
        self._base_name = name or snake(type(self).__name__)
        self._reuse = first_given(kwargs.get("reuse"), kwargs.get("_reuse"))
        self._given_scope = kwargs.get("_scope")
        self._scope: VariableScope | None = None
        self._weights: list[Variable] = []

    @property
    def name(self) -> str:
        """The last part of the names of its scope."""
        return self._base_name if self._scope is None else self._scope.name.rpartition("/")[2]

    @property
    def scope_name(self) -> str:
        """What the names of its variables start with.

        Raises:
            ValueError: it has not been called yet.
        """
        if self._scope is None:
            raise ValueError(f"{type(self).__name__} has no scope before it is called")
        return self._scope.name

    @property
    def dtype(self) -> Any:
        """The element type of its variables; None before it is known."""
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """All its variables."""
        return list(self._weights)

    @property
    def weights(self) -> list[Variable]:
        """All its variables."""
        return self.variables

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that optimizers train."""
        return [v for v in self.variables if v.trainable and self.trainable]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those that optimizers train."""
        return self.trainable_variables

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Those that optimizers do not train."""
        kept = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in kept]

    non_trainable_weights = non_trainable_variables

    def count_params(self) -> int:
        """The number of elements of its variables."""
        return sum(int(np.prod(v.shape)) for v in self.variables)

    def build(self, input_shape: Any) -> None:
        """Makes the variables."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no `call`")

    def add_weight(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
        **_: Any,
    ) -> Variable:
        """A variable of the layer: a new one, or that which its scope shares."""
        collected = get_default_graph().get_collection_ref(REGULARIZATION_LOSSES)
        before = len(collected)
        made = get_variable(
            name,
            [int(n) for n in shape],
            dtype=as_dtype(dtype) if dtype is not None else self._dtype or float32,
            initializer=initializer,
            regularizer=regularizer,
            trainable=bool(trainable and self.trainable),
            constraint=constraint,
        )
        if all(made is not v for v in self._weights):
            self._weights.append(made)
        self.losses += collected[before:]
        return made

    add_variable = add_weight

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Notes operations that belong to a training step, in the collection UPDATE_OPS."""
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            self.updates.append(update)
            for collection in self.update_collections:
                get_default_graph().add_to_collection(collection, update)

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Notes what is to be added to the loss, in the collection REGULARIZATION_LOSSES."""
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            self.losses.append(loss)
            get_default_graph().add_to_collection(REGULARIZATION_LOSSES, loss)

    @contextlib.contextmanager
    def _opened(self, scope: Any) -> Iterator[None]:
        """The variable scope: found at the first call."""
        if self._scope is not None:
            with variable_scope(self._scope, reuse=self.built or self._reuse or None):
                yield
            return
        given = scope if scope is not None else self._given_scope
        with variable_scope(given, default_name=self._base_name, reuse=self._reuse or None) as made:
            self._scope = made
            yield

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Makes the variables at the first call, and computes the outputs.

        Args:
            inputs: a tensor, or nested lists and tuples of them.
            args: of `call`.
            kwargs: of `call`; `scope` names the variable scope of the first call.
        """
        scope = kwargs.pop("scope", None)
        if isinstance(inputs, np.ndarray) or not leaves_of(inputs):
            inputs = convert_to_tensor(inputs)
        with self._opened(scope):
            if not self.built:
                first = convert_to_tensor(leaves_of(inputs)[0])
                if self._dtype is None and first.dtype.is_floating:
                    self._dtype = first.dtype
                self.build(shapes_of(inputs))
                self.built = True
            return self.call(inputs, *args, **kwargs)

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling it."""
        return self(inputs, *args, **kwargs)


def shapes_of(inputs: Any) -> Any:
    """The shape of a tensor, or a list of those of several."""
    if isinstance(inputs, (list, tuple)):
        return [shapes_of(v) for v in inputs]
    return convert_to_tensor(inputs).get_shape()


def last_size(layer: Any, shape: Any) -> int:
    """The size of the last axis, which the shape of a variable depends on.

    Raises:
        ValueError: it is not known.
    """
    size = shape[-1] if len(shape) else None
    if not isinstance(size, int):
        raise ValueError(
            f"{type(layer).__name__}: the last dimension of its input, of shape {tuple(shape)}, must be a known number"
        )
    return int(size)


def snake(name: str) -> str:
    """CamelCase in lower case with underscores."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name))
    return spaced.lower().lstrip("_")
