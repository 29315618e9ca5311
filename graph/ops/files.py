"""Ops that read files and take texts apart; they run in Python only."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

from samara.errors import InvalidArgumentError, NotFoundError
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

_WHY_NOT = "a device has no files and no texts. Export from the tensor behind it: name that as an input."
_NONE: Any = {"device": "none", "why_not": _WHY_NOT, "any_rank": True}

RECORDS = Choice(name="Records", values=("lines", "whole_files", "fixed_lengths", "names", "records"))


def _contents(name: bytes) -> bytes:
    try:
        with open(name.decode(), "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFoundError(f"the file {name.decode()!r} is not there") from None


def _array(text: bytes) -> Any:
    return np.asarray(text, dtype=object)


def _read(xp: Any, op: Any, handle: Any) -> Any:
    from samara.graph.queues.readers import Reader

    a, resources = op.a, op.state.resources
    files = resources.get(np.asarray(handle, dtype=object).item().decode())
    reader = resources.find(
        f"reader {a.reader}", lambda: Reader(a.records, a.header, a.length, a.footer, a.compression)
    )

    def following() -> bytes:
        ((name,),) = files.take(1)
        found: bytes = np.asarray(name, dtype=object).item()
        return found

    return [_array(text) for text in reader.read(following, _contents)]


def _decode_csv(xp: Any, op: Any, records: Any) -> Any:
    a = op.a
    flat = np.asarray(records, dtype=object)
    columns: list[list[Any]] = [[] for _ in a.columns]
    quoting: Any = csv.QUOTE_MINIMAL if a.use_quote_delim else csv.QUOTE_NONE
    for line in flat.flat:
        fields = next(csv.reader([line.decode()], delimiter=a.field_delim, quoting=quoting), [])
        if a.select_cols:
            if max(a.select_cols) >= len(fields):
                raise InvalidArgumentError(f"decode_csv: {line!r} has {len(fields)} fields, too few")
            fields = [fields[c] for c in a.select_cols]
        if len(fields) != len(columns):
            raise InvalidArgumentError(
                f"decode_csv: expected {len(columns)} fields, {line!r} has {len(fields)}"
            )
        for number, (field, (dtype, default)) in enumerate(zip(fields, a.columns, strict=True)):
            columns[number].append(_field(field, dtype, default, a.na_value, number, line))
    return [
        np.asarray(column, dtype=object).reshape(flat.shape)
        if dtype is dtypes.string
        else xp.asarray(np.asarray(column, dtype=dtype.numpy).reshape(flat.shape))
        for column, (dtype, _) in zip(columns, a.columns, strict=True)
    ]


def _field(field: str, dtype: Any, default: Any, na_value: str, number: int, line: bytes) -> Any:
    if field in ("", na_value):
        if default is None:
            raise InvalidArgumentError(f"decode_csv: field {number} of {line!r} is required and is missing")
        return default
    if dtype is dtypes.string:
        return field.encode()
    return _number(field, dtype, f"decode_csv: field {number} of {line!r}")


def _number(text: str, dtype: Any, where: str) -> Any:
    try:
        found = int(text) if dtype.is_integer else float(text)
        return dtype.numpy.type(found)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(f"{where}: {text!r} is no {dtype.name}") from None


def _string_to_number(xp: Any, op: Any, texts: Any) -> Any:
    given, kind = np.asarray(texts, dtype=object), op.a.dtype
    found = [_number(t.decode(), kind, "string_to_number") for t in given.flat]
    return xp.asarray(np.asarray(found, dtype=kind.numpy).reshape(given.shape))


def _decode_raw(xp: Any, op: Any, texts: Any) -> Any:
    given = np.asarray(texts, dtype=object)
    kind = op.a.dtype.numpy.newbyteorder("<" if op.a.little_endian else ">")
    sizes = {len(t) for t in given.flat}
    if len(sizes) > 1 or any(n % kind.itemsize for n in sizes):
        raise InvalidArgumentError(
            f"decode_raw: texts of {sorted(sizes)} bytes are not one number of elements of {kind.itemsize} bytes"
        )
    rows = [np.frombuffer(t, kind) for t in given.flat]
    width = sizes.pop() // kind.itemsize if sizes else 0
    made = np.asarray(rows, dtype=op.a.dtype.numpy).reshape(*given.shape, width)
    return xp.asarray(made)


OPS.register(
    OpDef(
        name="read_file",
        opcode=735,
        inputs=("filename: string",),
        outputs=("contents: string",),
        doc="The bytes of a file; NotFoundError when it is not there.",
        shape=lambda op: (),
        reference=lambda xp, op, name: _array(_contents(np.asarray(name, dtype=object).item())),
        stateful=True,
        **_NONE,
    ),
    OpDef(
        name="read_record",
        opcode=736,
        inputs=("files: string",),
        outputs=("key: string", "value: string"),
        attributes=(
            attribute("reader", "python", doc="The name of the reader, which knows the place in the file."),
            attribute("records", RECORDS, doc="What a record is."),
            attribute(
                "header", "int", 0, "How many lines, or bytes of fixed_lengths, each file begins with."
            ),
            attribute("length", "int", 0, "The bytes of a record of fixed_lengths."),
            attribute("footer", "int", 0, "How many bytes each file of fixed_lengths ends with."),
            attribute("compression", "python", "", "How files of records are compressed: ZLIB or GZIP."),
        ),
        doc="The next record of the files whose names a queue gives. The end of the queue is the end of the records, "
        "OutOfRangeError.",
        shape=lambda op: [(), ()],
        reference=_read,
        stateful=True,
        **_NONE,
    ),
    OpDef(
        name="decode_csv",
        opcode=737,
        inputs=("records: string",),
        outputs=("columns: any*",),
        attributes=(
            attribute(
                "columns", "python", doc="Of each column its element type and default, None if required."
            ),
            attribute("field_delim", "python", ",", "What stands between fields."),
            attribute("use_quote_delim", "bool", True, "Whether a field may be in double quotes."),
            attribute("na_value", "python", "", "What a missing field looks like, beside an empty one."),
            attribute(
                "select_cols", "ints", (), "The columns that are taken, all when empty.", limit=1 << 16
            ),
        ),
        doc="The fields of lines of comma-separated values, a tensor for each column.",
        shape=lambda op: [op.shapes[0]] * len(op.a.columns),
        dtypes=lambda op: [dtype for dtype, _ in op.a.columns],
        reference=_decode_csv,
        **_NONE,
    ),
    OpDef(
        name="string_to_number",
        opcode=738,
        inputs=("texts: string",),
        outputs=("numbers: @dtype",),
        attributes=(attribute("dtype", "dtype", dtypes.float32, "The element type."),),
        doc="The numbers that texts say.",
        shape=lambda op: op.shapes[0],
        reference=_string_to_number,
        **_NONE,
    ),
    OpDef(
        name="decode_raw",
        opcode=739,
        inputs=("texts: string",),
        outputs=("numbers: @dtype",),
        attributes=(
            attribute("dtype", "dtype", doc="The element type."),
            attribute("little_endian", "bool", True, "Whether the lowest byte comes first."),
        ),
        doc="Bytes as numbers, along a new last axis.",
        shape=lambda op: None if op.shapes[0] is None else (*op.shapes[0], Dim()),
        reference=_decode_raw,
        **_NONE,
    ),
)
