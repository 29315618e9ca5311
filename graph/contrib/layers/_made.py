"""What layers of contrib are made with: scopes, variables and collections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from samara.graph.graph import Tensor, get_default_graph
from samara.graph.layer import Layer
from samara.graph.variable_scope import VariableScope, variable_scope

MODEL_VARIABLES = "model_variables"


class _Made(Layer):
    """Variables within a scope that is open already."""


class Variables:
    """Makes the variables of one layer.

    Args:
        dtype: of the variables.
        trainable: whether optimizers train them.
        collections: which they join: a list, or a mapping from their names to lists.
    """

    def __init__(self, dtype: Any, trainable: bool, collections: Any) -> None:
        self._layer = _Made(trainable=trainable, dtype=dtype)
        self._collections = collections

    def get(
        self, name: str, shape: Any, initializer: Any, regularizer: Any = None, trainable: bool = True
    ) -> Any:
        """The variable of that name in the scope."""
        made = self._layer.add_weight(name, shape, None, initializer, regularizer, trainable)
        given = self._collections
        if isinstance(given, dict):
            given = given.get(name)
        graph = made.graph
        for collection in [MODEL_VARIABLES, *([given] if isinstance(given, str) else given or [])]:
            held = graph.get_collection_ref(collection)
            if all(made is not v for v in held):
                held.append(made)
        return made


@contextlib.contextmanager
def scoped(scope: Any, default_name: str, reuse: Any) -> Iterator[VariableScope]:
    """The variable scope of a layer."""
    with variable_scope(scope, default_name=default_name, reuse=reuse) as opened:
        yield opened


def collected(made: Tensor, collections: Any) -> Tensor:
    """An output, which joins collections."""
    for collection in [collections] if isinstance(collections, str) else collections or []:
        get_default_graph().add_to_collection(collection, made)
    return made
