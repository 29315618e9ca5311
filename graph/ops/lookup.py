"""Ops on tables from keys to values, which live in a session; they run in Python only."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from samara.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, OpDef, attribute

_WHY_NOT = "a device has no tables of texts. Make the numbers that are looked up the input."
_NONE: Any = {"device": "none", "why_not": _WHY_NOT, "stateful": True, "any_rank": True}
_TABLE = attribute("table", "python", doc="The name of the table in the session.")

# What a key or a value of a line of a file is, beside the number of a column.
WHOLE_LINE, LINE_NUMBER = -2, -1


class Table:
    """A table of a session. Any thread may call it."""

    def __init__(self) -> None:
        self.values: dict[Any, Any] = {}
        self.filled = False
        self.lock = threading.Lock()

    def fill(self, keys: list[Any], values: list[Any], name: str) -> None:
        """The first filling counts; a key may not come with two values."""
        with self.lock:
            if self.filled:
                return
            made: dict[Any, Any] = {}
            for key, value in zip(keys, values, strict=True):
                if made.setdefault(key, value) != value:
                    raise InvalidArgumentError(
                        f"table {name!r}: the key {key!r} has two values, {made[key]!r} and {value!r}"
                    )
            self.values, self.filled = made, True


def _table(op: Any) -> Table:
    found: Table = op.state.resources.find(f"table {op.a.table}", Table)
    return found


def _elements(array: Any) -> list[Any]:
    return list(np.asarray(array.cpu() if hasattr(array, "cpu") else array).reshape(-1).tolist())


def _array(xp: Any, elements: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    if dtype is not dtypes.string:
        return xp.asarray(np.asarray(elements, dtype.numpy).reshape(shape))
    made = np.empty(len(elements), dtype=object)
    made[:] = elements
    return made.reshape(shape)


def _insert(xp: Any, op: Any, keys: Any, values: Any) -> list[Any]:
    names, numbers = _elements(keys), _elements(values)
    if len(names) != len(numbers):
        raise InvalidArgumentError(f"table {op.a.table!r}: {len(names)} keys and {len(numbers)} values")
    table = _table(op)
    if op.a.once:
        table.fill(names, numbers, op.a.table)
    else:
        with table.lock:
            table.values.update(zip(names, numbers, strict=True))
    return []


def _column(line: bytes, number: int, index: int, a: Any, dtype: Any) -> Any:
    if index == LINE_NUMBER:
        return number
    if index == WHOLE_LINE:
        found = line
    else:
        parts = line.split(a.delimiter)
        if index >= len(parts):
            raise InvalidArgumentError(f"table {a.table!r}: line {number} has no column {index}: {line!r}")
        found = parts[index]
    try:
        return found if dtype is dtypes.string else (int if dtype.is_integer else float)(found)
    except ValueError:
        raise InvalidArgumentError(
            f"table {a.table!r}: line {number}: {found!r} is no {dtype.name}"
        ) from None


def _load(xp: Any, op: Any, filename: Any) -> list[Any]:
    a, name = op.a, np.asarray(filename, dtype=object).item().decode()
    try:
        with open(name, "rb") as file:
            lines = [line.rstrip(b"\r\n") for line in file]
    except FileNotFoundError:
        raise NotFoundError(f"the file {name!r} is not there") from None
    if a.vocab_size >= 0:
        if len(lines) < a.vocab_size:
            raise InvalidArgumentError(f"{name}: {len(lines)} lines, vocab_size is {a.vocab_size}")
        lines = lines[: a.vocab_size]
    keys, values = (
        [_column(line, number, index, a, kind) for number, line in enumerate(lines)]
        for index, kind in ((a.key_index, a.key_dtype), (a.value_index, a.value_dtype))
    )
    _table(op).fill(keys, values, a.table)
    return []


def _filled(op: Any) -> Table:
    table = _table(op)
    if op.a.once and not table.filled:
        raise FailedPreconditionError(
            f"table {op.a.table!r} is not initialized: run tf.tables_initializer() first"
        )
    return table


def _find(xp: Any, op: Any, keys: Any, default: Any) -> Any:
    table = _filled(op)
    (other,) = _elements(default)
    with table.lock:
        found = [table.values.get(key, other) for key in _elements(keys)]
    return _array(xp, found, tuple(keys.shape), op.operation.outputs[0].dtype)


def _export(xp: Any, op: Any) -> Any:
    table = _filled(op)
    with table.lock:
        items = list(table.values.items())
    kinds = [t.dtype for t in op.operation.outputs]
    return [_array(xp, [item[i] for item in items], (len(items),), kinds[i]) for i in range(2)]


_ONCE = attribute("once", "bool", True, "Whether it is filled once, and cannot be used before.")

OPS.register(
    OpDef(
        name="lookup_insert",
        opcode=570,
        inputs=("keys: any", "values: any"),
        outputs=(),
        attributes=(_TABLE, _ONCE),
        doc="Puts values at keys of a table; where it is filled once, only the first time.",
        shape=lambda op: [],
        reference=_insert,
        **_NONE,
    ),
    OpDef(
        name="lookup_load",
        opcode=571,
        inputs=("filename: string",),
        outputs=(),
        attributes=(
            _TABLE,
            attribute("key_dtype", "dtype", doc="string or int64."),
            attribute("value_dtype", "dtype", doc="The element type of the values."),
            attribute(
                "key_index", "int", WHOLE_LINE, "The column of keys; -1 the line's number, -2 the line."
            ),
            attribute("value_index", "int", LINE_NUMBER, "The same of values."),
            attribute("vocab_size", "int", -1, "How many lines are taken; -1 for all."),
            attribute("delimiter", "python", b"\t", "What stands between columns."),
        ),
        doc="Fills a table from the lines of a file, once.",
        shape=lambda op: [],
        reference=_load,
        **_NONE,
    ),
    OpDef(
        name="lookup_find",
        opcode=572,
        inputs=("keys: any", "default: any"),
        outputs=("values: any",),
        attributes=(_TABLE, _ONCE),
        doc="The values at keys of a table, and the default where there is none.",
        shape=lambda op: op.shapes[0],
        dtypes=lambda op: [op.dtypes[1]],
        reference=_find,
        **_NONE,
    ),
    OpDef(
        name="lookup_size",
        opcode=573,
        inputs=(),
        outputs=("size: int64",),
        attributes=(_TABLE, _ONCE),
        doc="How many keys a table has.",
        shape=lambda op: (),
        reference=lambda xp, op: xp.asarray(len(_filled(op).values), dtype=xp.int64),
        **_NONE,
    ),
    OpDef(
        name="lookup_export",
        opcode=574,
        inputs=(),
        outputs=("keys: @key_dtype", "values: @value_dtype"),
        attributes=(
            _TABLE,
            _ONCE,
            attribute("key_dtype", "dtype", doc="The element type of the keys."),
            attribute("value_dtype", "dtype", doc="The element type of the values."),
        ),
        doc="The keys and the values of a table, in the order in which they came.",
        shape=lambda op: [(Dim(),), (Dim(),)],
        reference=_export,
        **_NONE,
    ),
)
