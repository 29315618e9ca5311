"""The op that reads `tf.train.Example` messages; it runs in Python only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samara.errors import InvalidArgumentError
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.dtypes import DType
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.records.messages import Example, SequenceExample

_LISTS = {"float32": "float_list", "int64": "int64_list", "string": "bytes_list"}


@dataclass(frozen=True)
class Wanted:
    """A feature of examples.

    Attributes:
        key: its name.
        kind: "fixed", a tensor of one shape in each example; "sequence", of any number of those, filled up with the
            default; "any", a list of any length, which becomes a sparse tensor.
        dtype: float32, int64 or string.
        shape: of fixed, or of an element of a sequence.
        default: the elements of one that is missing, or what a sequence is filled up with; None when it must be there.
    """

    key: str
    kind: str
    dtype: DType
    shape: tuple[int, ...] = ()
    default: tuple[Any, ...] | None = None

    @property
    def count(self) -> int:
        """How many elements the shape has."""
        return int(np.prod(self.shape))


def _elements(wanted: Wanted, features: Any, number: int) -> list[Any] | None:
    """What an example has of a feature; None when that is missing."""
    return _list_of(wanted, features[wanted.key], number) if wanted.key in features else None


def _list_of(wanted: Wanted, feature: Any, number: int) -> list[Any] | None:
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    if kind != _LISTS[wanted.dtype.name]:
        raise InvalidArgumentError(
            f"parse_example: feature {wanted.key!r} of example {number} is a {kind}, expected {wanted.dtype.name}"
        )
    found: list[Any] = getattr(feature, kind).value
    return found


def _array(values: list[Any], dtype: DType, shape: tuple[int, ...]) -> Any:
    if dtype is not dtypes.string:
        return np.asarray(values, dtype.numpy).reshape(shape)
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made.reshape(shape)


def _fixed(wanted: Wanted, rows: list[list[Any] | None]) -> Any:
    found: list[Any] = []
    for number, row in enumerate(rows):
        if row is None:
            if wanted.default is None:
                raise InvalidArgumentError(
                    f"parse_example: feature {wanted.key!r} ({wanted.dtype.name}) is required, example {number} has it "
                    "not; default_value says what to take then"
                )
            row = list(wanted.default)
        if len(row) != wanted.count:
            raise InvalidArgumentError(
                f"parse_example: feature {wanted.key!r} of example {number} has {len(row)} elements, expected "
                f"{wanted.count}, shape {list(wanted.shape)}"
            )
        found += row
    return _array(found, wanted.dtype, (len(rows), *wanted.shape))


def _sequence(wanted: Wanted, rows: list[list[Any] | None]) -> Any:
    each = max(wanted.count, 1)
    for number, row in enumerate(rows):
        if len(row or ()) % each:
            raise InvalidArgumentError(
                f"parse_example: feature {wanted.key!r} of example {number} has {len(row or ())} elements, no multiple "
                f"of {each}"
            )
    longest = max((len(row or ()) for row in rows), default=0) // each
    (fill,) = wanted.default or (b"" if wanted.dtype is dtypes.string else 0,)
    found = [v for row in rows for v in [*(row or ()), *[fill] * (longest * each - len(row or ()))]]
    return _array(found, wanted.dtype, (len(rows), longest, *wanted.shape))


def _any(wanted: Wanted, rows: list[list[Any] | None]) -> list[Any]:
    places = [[r, c] for r, row in enumerate(rows) for c in range(len(row or ()))]
    values = [v for row in rows for v in row or ()]
    longest = max((len(row or ()) for row in rows), default=0)
    return [
        np.asarray(places, np.int64).reshape(-1, 2),
        _array(values, wanted.dtype, (len(values),)),
        np.asarray([len(rows), longest], np.int64),
    ]


def _parse(xp: Any, op: Any, serialized: Any) -> list[Any]:
    messages = [Example.FromString(text).features.feature for text in serialized.flat]
    found: list[Any] = []
    for wanted in op.a.features:
        rows = [_elements(wanted, message, number) for number, message in enumerate(messages)]
        found += _made(wanted, rows)
    return found


def _made(wanted: Wanted, rows: list[list[Any] | None]) -> list[Any]:
    if wanted.kind == "any":
        return _any(wanted, rows)
    return [(_fixed if wanted.kind == "fixed" else _sequence)(wanted, rows)]


def _parse_sequence(xp: Any, op: Any, serialized: Any) -> list[Any]:
    message = SequenceExample.FromString(serialized.item())
    context, lists = message.context.feature, message.feature_lists.feature_list
    found: list[Any] = []
    for wanted in op.a.context:
        found += _made(wanted, [_elements(wanted, context, 0)])
    for wanted in op.a.lists:
        if wanted.key not in lists and wanted.default is None and wanted.kind == "fixed":
            raise InvalidArgumentError(
                f"parse_single_sequence_example: the list {wanted.key!r} is missing; allow_missing=True makes it empty"
            )
        steps = lists[wanted.key].feature if wanted.key in lists else []
        required = replace(wanted, default=None)
        found += _made(required, [_list_of(wanted, step, number) for number, step in enumerate(steps)])
    return found


def _shapes(features: Any, count: Any) -> list[Any]:
    found: list[Any] = []
    for wanted in features:
        if wanted.kind == "any":
            found += [(Dim(), 2), (Dim(),), (2,)]
        else:
            found.append((count, *([Dim()] if wanted.kind == "sequence" else []), *wanted.shape))
    return found


def _dtypes(features: Any) -> list[DType]:
    found: list[DType] = []
    for wanted in features:
        found += [dtypes.int64, wanted.dtype, dtypes.int64] if wanted.kind == "any" else [wanted.dtype]
    return found


_NONE: Any = {
    "device": "none",
    "why_not": "a device has no texts. Make what is parsed the input.",
    "any_rank": True,
    "texts": True,
}

OPS.register(
    OpDef(
        name="parse_example",
        opcode=560,
        inputs=("serialized: string",),
        outputs=("features: any*",),
        attributes=(
            attribute("features", "python", doc="What is taken of the examples, a tuple of Wanted."),
        ),
        doc="Features of serialized examples [n]: a tensor for each that is fixed or a sequence, and indices, values "
        "and shape for each list of any length.",
        shape=lambda op: _shapes(op.a.features, Dim() if op.shapes[0] is None else op.require_rank(0, 1)[0]),
        dtypes=lambda op: _dtypes(op.a.features),
        reference=_parse,
        **_NONE,
    ),
    OpDef(
        name="parse_sequence_example",
        opcode=563,
        inputs=("serialized: string",),
        outputs=("features: any*",),
        attributes=(
            attribute("context", "python", doc="What is taken of the context, a tuple of Wanted."),
            attribute("lists", "python", doc="What is taken of the steps, a tuple of Wanted: of each step."),
        ),
        doc="Features of a serialized sequence, as parse_example gives them: of the context as of one example, of the "
        "lists as if each step was an example.",
        shape=lambda op: _shapes(op.a.context, 1) + _shapes(op.a.lists, Dim()),
        dtypes=lambda op: _dtypes((*op.a.context, *op.a.lists)),
        reference=_parse_sequence,
        **_NONE,
    ),
)
