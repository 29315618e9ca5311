"""What metrics are made of: variables that sum over runs, and pairs of a value and an update."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from samara.graph.collections import GraphKeys
from samara.graph.convert import builder
from samara.graph.dtypes import float32
from samara.graph.graph import Tensor
from samara.graph.variables import Variable
from samara.graph.weighting import spread, weights_for

Collections = Sequence[str] | str | None
Metric = tuple[Tensor, Tensor]


def metric_variable(shape: Sequence[int], name: str) -> Variable:
    """A local float32 variable that starts from 0."""
    return Variable(
        np.zeros(tuple(shape), np.float32),
        trainable=False,
        name=name,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
    )


@contextlib.contextmanager
def scope(name: str | None, default: str, *values: Any) -> Iterator[Any]:
    """The builder of the values' graph, within a name scope of that graph."""
    graph = builder(*values).graph
    with graph.as_default(), graph.name_scope(name or default):
        yield graph.b


def floats(value: Any) -> Tensor:
    """A value as float32."""
    tensor: Tensor = builder(value).cast(value, dtype=float32)
    return tensor


def full_weights(weights: Any, values: Tensor) -> Tensor | None:
    """Weights in the shape of the values, which are float32; None for none."""
    return None if weights is None else spread(weights_for(weights, values), values)


def finished(
    sums: Sequence[Variable],
    batches: Sequence[Tensor],
    result: Callable[..., Tensor],
    metrics_collections: Collections,
    updates_collections: Collections,
) -> Metric:
    """The pair of a metric.

    Args:
        sums: its variables.
        batches: what the update adds to each of them.
        result: gives the value from what is in the variables.
        metrics_collections: names of collections that the value joins.
        updates_collections: names of collections that the update joins.
    """
    graph = sums[0].graph
    b = graph.b
    # The value is whole even when the update runs between its reads: they come before it.
    value = b.identity(result(*(s.value() for s in sums)), name="value")
    # No sum changes before every batch is there.
    with graph.control_dependencies(batches):
        written = [s.assign(s + batch) for s, batch in zip(sums, batches, strict=True)]
    update = b.identity(result(*written), name="update_op")
    for names, tensor in ((metrics_collections, value), (updates_collections, update)):
        for name in [names] if isinstance(names, str) else names or ():
            graph.add_to_collection(name, tensor)
    return value, update
