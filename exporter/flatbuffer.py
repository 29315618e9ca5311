"""Encodes plain Python values as a FlatBuffers file, by the schema."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np

from samara.exporter.schema import Field, Schema

# What kernels are promised; the schema's force_align is the most that flatc takes.
CONSTANT_ALIGNMENT = 64

# From here on a file is worth memory of its own.
_LARGE = 1 << 20

_PREPEND = {
    "bool": "PrependBool",
    "uint8": "PrependUint8",
    "int8": "PrependInt8",
    "uint16": "PrependUint16",
    "int16": "PrependInt16",
    "int32": "PrependInt32",
    "uint32": "PrependUint32",
    "float32": "PrependFloat32",
    "uint64": "PrependUint64",
    "int64": "PrependInt64",
}


@dataclass(frozen=True)
class Made:
    """The bytes of a vector that are made when they are written, so that they are not held until then."""

    size: int
    make: Callable[[], memoryview]


def encode(schema: Schema, value: Mapping[str, Any]) -> memoryview:
    """The bytes of a file whose root table is `value`; they can be written to.

    Args:
        schema: names the tables and their fields.
        value: for each field of the table its value: a number, a text, an array or sequence of numbers or what is
            `Made`, a mapping for a table, a sequence of mappings; for a union a pair (member's name, mapping). Absent
            or None fields are left out.

    Raises:
        ValueError: a name that the table does not have, or a required field that is absent.
    """
    builder = flatbuffers.Builder(1024)
    bulk = _bulk(value) * 33 // 32
    if bulk > _LARGE:
        # Room for all at once: a builder that grows holds its bytes twice. It goes back to the system after use.
        builder.Bytes = mmap.mmap(-1, bulk)
        builder.head = bulk
    root = _table(builder, schema, schema.root, value)
    builder.Finish(root, file_identifier=schema.identifier.encode())
    return memoryview(builder.Bytes)[builder.Head() :]


def _bulk(value: Any) -> int:
    """About as many bytes as the large vectors within a value have."""
    if isinstance(value, Made):
        return value.size + CONSTANT_ALIGNMENT
    if isinstance(value, (bytes, bytearray, memoryview)):
        return len(value) + CONSTANT_ALIGNMENT
    if isinstance(value, Mapping):
        return sum(_bulk(v) for v in value.values())
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (int, float, str)):
        return sum(_bulk(v) for v in value)
    return 0


def _table(builder: Any, schema: Schema, name: str, value: Mapping[str, Any]) -> int:
    fields = schema.tables[name]
    unknown = set(value) - {f.name for f in fields}
    if unknown:
        raise ValueError(f"table {name} has no field {', '.join(sorted(unknown))}")
    present = [f for f in fields if value.get(f.name) is not None]
    missing = [f.name for f in fields if f.required and f not in present]
    if missing:
        raise ValueError(f"table {name} lacks the required field {', '.join(missing)}")
    made = {f.name: _offset(builder, schema, f, value[f.name]) for f in present if _is_offset(schema, f)}
    builder.StartObject(1 + max((f.slot for f in fields), default=-1))
    for f in present:
        if f.type in schema.unions:
            builder.PrependUint8Slot(f.slot - 1, schema.unions[f.type][value[f.name][0]], 0)
        if f.name in made:
            builder.PrependUOffsetTRelativeSlot(f.slot, made[f.name], 0)
        else:
            scalar = schema.scalar(f.type)
            assert scalar is not None
            number = _number(schema, f, value[f.name])
            # Written even when it is the default, so that a reader need not know defaults of attributes.
            getattr(builder, _PREPEND[scalar[0]])(number)
            builder.Slot(f.slot)
    return int(builder.EndObject())


def _is_offset(schema: Schema, f: Field) -> bool:
    return f.vector or schema.scalar(f.type) is None


def _number(schema: Schema, f: Field, value: Any) -> Any:
    if isinstance(value, str):
        return schema.enums[f.type][1][value]
    return value


def _offset(builder: Any, schema: Schema, f: Field, value: Any) -> int:
    if f.type in schema.unions:
        member, table = value
        return _table(builder, schema, member, table)
    if not f.vector:
        if f.type == "string":
            return int(builder.CreateString(value))
        return _table(builder, schema, f.type, value)
    scalar = schema.scalar(f.type)
    if scalar is not None:
        return _scalars(builder, f, scalar, value)
    offsets = [_table(builder, schema, f.type, v) for v in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _scalars(builder: Any, f: Field, scalar: tuple[str, int], value: Sequence[Any] | bytes | Made) -> int:
    name, size = scalar
    data: memoryview
    if isinstance(value, Made):
        data = value.make()
    elif isinstance(value, (bytes, bytearray, memoryview)):
        data = memoryview(value)
    else:
        data = (
            np.ascontiguousarray(value, dtype=np.dtype(name).newbyteorder("<"))
            .reshape(-1)
            .view(np.uint8)
            .data
        )
    count = len(data) // size
    builder.StartVector(size, count, CONSTANT_ALIGNMENT if f.align else size)
    head = builder.head - len(data)
    builder.head = head
    builder.Bytes[head : head + len(data)] = data
    return int(builder.EndVector())
