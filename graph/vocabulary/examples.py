"""Features of serialized examples, of the public vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import DType, as_dtype, float32, int64, string
from samara.graph.graph import Tensor
from samara.graph.ops.examples import Wanted
from samara.graph.shapes import TensorShape
from samara.graph.sparse.arranging import merge
from samara.graph.sparse.tensor import SparseTensor


class FixedLenFeature(NamedTuple):
    """A feature with as many elements in each example: a tensor [n, *shape].

    Attributes:
        shape: of one example.
        dtype: float32, int64 or string.
        default_value: of an example that has it not; None when each must have it.
    """

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature with any number of elements: a SparseTensor [n, most].

    Attributes:
        dtype: float32, int64 or string.
    """

    dtype: Any


class FixedLenSequenceFeature(NamedTuple):
    """A feature with any number of elements of one shape: a tensor [n, most, *shape], filled up.

    Attributes:
        shape: of an element.
        dtype: float32, int64 or string.
        allow_missing: whether an example may lack it; must be True.
        default_value: what the shorter ones are filled up with; 0 or an empty text when None.
    """

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class SparseFeature(NamedTuple):
    """Two features, of places and of values: a SparseTensor [n, size].

    Attributes:
        index_key: the name of the places, int64.
        value_key: the name of the values.
        dtype: of the values.
        size: how many places there are.
        already_sorted: whether the places of each example are in order.
    """

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


def parse_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """The features of examples.

    Args:
        serialized: `tf.train.Example` messages as texts, [n].
        features: for each name what it is: a FixedLenFeature, VarLenFeature, FixedLenSequenceFeature or SparseFeature.
        name: the name scope.
        example_names: has no meaning here.

    Returns:
        For each name a tensor or a SparseTensor.

    Raises:
        InvalidArgumentError: in a run: a text is no Example, or a feature is missing, or not what it should be.
        TypeError: an element type is none of the three.
        ValueError: there are no features, or one is none of the four.
    """
    if not features:
        raise ValueError("parse_example: no features are given")
    texts = convert_to_tensor(serialized, string)
    with texts.graph.name_scope(name or "ParseExample"):
        wanted = _wanted(features)
        made = texts.graph.apply("parse_example", [texts], {"features": tuple(wanted.values())})
        outputs = iter(made.outputs)
        parts = {
            key: SparseTensor(next(outputs), next(outputs), next(outputs))
            if w.kind == "any"
            else next(outputs)
            for key, w in wanted.items()
        }
        return {
            key: _joined(feature, parts) if isinstance(feature, SparseFeature) else parts[key]
            for key, feature in features.items()
        }


def _joined(feature: SparseFeature, parts: Mapping[str, Any]) -> SparseTensor:
    keys = _index_keys(feature)
    places = [parts[f"{k} of places"] for k in keys]
    sizes = list(feature.size) if isinstance(feature.index_key, (list, tuple)) else [feature.size]
    return merge(
        places, parts[f"{feature.value_key} of values"], sizes, already_sorted=feature.already_sorted
    )


def _index_keys(feature: SparseFeature) -> list[str]:
    return list(feature.index_key) if isinstance(feature.index_key, (list, tuple)) else [feature.index_key]


def _wanted(features: Mapping[str, Any]) -> dict[str, Wanted]:
    """What the op is asked for, by a name of its own."""
    found: dict[str, Wanted] = {}
    for key, feature in features.items():
        if isinstance(feature, SparseFeature):
            for place in _index_keys(feature):
                found[f"{place} of places"] = Wanted(place, "any", int64)
            found[f"{feature.value_key} of values"] = Wanted(
                feature.value_key, "any", _kind(key, feature.dtype)
            )
        elif isinstance(feature, VarLenFeature):
            found[key] = Wanted(key, "any", _kind(key, feature.dtype))
        elif isinstance(feature, (FixedLenFeature, FixedLenSequenceFeature)):
            found[key] = _dense(key, feature)
        else:
            raise ValueError(
                f"parse_example: feature {key!r} is {feature!r}: expected a FixedLenFeature, VarLenFeature, "
                "FixedLenSequenceFeature or SparseFeature"
            )
    return found


def _kind(key: str, dtype: Any) -> DType:
    kind = as_dtype(dtype)
    if kind not in (float32, int64, string):
        raise TypeError(f"parse_example: feature {key!r} is {kind.name}: expected float32, int64 or string")
    return kind


def _dense(key: str, feature: FixedLenFeature | FixedLenSequenceFeature) -> Wanted:
    kind = _kind(key, feature.dtype)
    shape = TensorShape(feature.shape)
    if not shape.is_fully_defined():
        raise ValueError(f"parse_example: feature {key!r} has shape {shape}, which must be known in full")
    sizes = tuple(n for n in shape.as_list() if n is not None)
    sequence = isinstance(feature, FixedLenSequenceFeature)
    if isinstance(feature, FixedLenSequenceFeature) and not feature.allow_missing:
        raise ValueError(f"parse_example: feature {key!r} needs allow_missing=True")
    default = None
    if feature.default_value is not None:
        values = convert_to_tensor(feature.default_value, kind).op.a.value.reshape(-1).tolist()
        count = 1 if sequence else int(np.prod(sizes))
        if len(values) not in (1, count):
            raise ValueError(
                f"parse_example: the default of {key!r} has {len(values)} elements, expected {count}"
            )
        default = tuple(values * count if len(values) == 1 else values)
    return Wanted(key, "sequence" if sequence else "fixed", kind, sizes, default)


def parse_single_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """The features of one example; as `parse_example`, without the first axis.

    Args:
        serialized: a `tf.train.Example` message as a text, a scalar.
        features: for each name what it is.
        name: the name scope.
        example_names: has no meaning here.

    Raises:
        InvalidArgumentError, TypeError, ValueError: as `parse_example`.
    """
    text = convert_to_tensor(serialized, string)
    with text.graph.name_scope(name or "ParseSingleExample"):
        b = text.graph.b
        found = parse_example(b.reshape(text, np.ones(1, np.int32)), features)
        return {key: _single(b, value) for key, value in found.items()}


def parse_single_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The features of a sequence.

    Args:
        serialized: a `tf.train.SequenceExample` message as a text, a scalar.
        context_features: for each name of the context what it is: a FixedLenFeature or a VarLenFeature.
        sequence_features: for each name of the lists what a step has: a FixedLenSequenceFeature, which gives a tensor
            [steps, *shape], or a VarLenFeature, which gives a SparseTensor [steps, most].
        example_name: has no meaning here.
        name: the name scope.

    Returns:
        The features of the context, without an axis of examples, and those of the steps.

    Raises:
        InvalidArgumentError: in a run: the text is no SequenceExample, or a feature is missing or not what is wanted.
        TypeError: an element type is none of the three.
        ValueError: there are no features, or one is of another kind.
    """
    given, steps = dict(context_features or {}), dict(sequence_features or {})
    if not given and not steps:
        raise ValueError("parse_single_sequence_example: no features are given")
    for key, feature in given.items():
        if not isinstance(feature, (FixedLenFeature, VarLenFeature)):
            raise ValueError(
                f"context feature {key!r} is {feature!r}: expected a FixedLenFeature or VarLenFeature"
            )
    for key, feature in steps.items():
        if not isinstance(feature, (FixedLenSequenceFeature, VarLenFeature)):
            raise ValueError(
                f"sequence feature {key!r} is {feature!r}: expected a FixedLenSequenceFeature or VarLenFeature"
            )
    text = convert_to_tensor(serialized, string)
    with text.graph.name_scope(name or "ParseSingleSequenceExample"):
        b = text.graph.b
        context = _wanted(given)
        lists = {key: _of_step(key, feature) for key, feature in steps.items()}
        attributes = {"context": tuple(context.values()), "lists": tuple(lists.values())}
        outputs = iter(text.graph.apply("parse_sequence_example", [text], attributes).outputs)

        def taken(wanted: Wanted) -> Any:
            if wanted.kind == "any":
                return SparseTensor(next(outputs), next(outputs), next(outputs))
            return next(outputs)

        first = {key: _single(b, taken(w)) for key, w in context.items()}
        return first, {key: taken(w) for key, w in lists.items()}


def _of_step(key: str, feature: Any) -> Wanted:
    kind = _kind(key, feature.dtype)
    if isinstance(feature, VarLenFeature):
        return Wanted(key, "any", kind)
    made = _dense(key, feature._replace(allow_missing=True, default_value=None))
    # A default says that the list may be missing; steps have none.
    return Wanted(key, "fixed", kind, made.shape, () if feature.allow_missing else None)


def _single(b: Any, value: Any) -> Any:
    if isinstance(value, SparseTensor):
        return SparseTensor(value.indices[:, 1:], value.values, value.dense_shape[1:])
    made: Tensor = b.squeeze(value, axes=(0,))
    return made


__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "SparseFeature",
    "VarLenFeature",
    "parse_example",
    "parse_single_example",
    "parse_single_sequence_example",
]
