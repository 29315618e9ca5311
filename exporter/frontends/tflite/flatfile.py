"""Reads tables of a FlatBuffers file, each offset checked before it is followed.

A value that says something impossible is an error that names it; nothing is read outside the file, and the work is
bounded by the size of the file.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from samara.exporter.frontends.tflite.schema import ENUMERATIONS, FIELDS, INDEX_VECTORS, OPTIONS, Field

_SIZES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
}
_CODES = {
    "bool": "<?",
    "int8": "<b",
    "uint8": "<B",
    "int16": "<h",
    "uint16": "<H",
    "int32": "<i",
    "uint32": "<I",
    "float32": "<f",
    "int64": "<q",
    "uint64": "<Q",
    "float64": "<d",
}
Table = dict[str, Any]


class DamagedError(Exception):
    """The file is not what a FlatBuffers file of this schema can be."""


class Flatfile:
    """A file whose tables can be read.

    Args:
        data: the bytes.
        members: for each union that holds the options of nodes the names of tables by number.
    """

    def __init__(self, data: bytes | mmap.mmap, members: Mapping[str, Mapping[int, str]]) -> None:
        self.data = data
        self._members = members
        # Tables may share what they point to; a file that would unfold without end says so here.
        self._left = len(data) // 4 + 16

    def root(self, table: str, identifier: bytes) -> Table:
        """The root table with all that it holds."""
        if len(self.data) < 8:
            raise DamagedError(f"a file of {len(self.data)} bytes is too short")
        if self.data[4:8] != identifier:
            raise DamagedError(
                f"bytes 4 to 7 are {self.data[4:8]!r}, expected the identifier {identifier.decode()}"
            )
        return self._table(table, self._follow(0, "the root"), table)

    def _number(self, kind: str, position: int, where: str) -> Any:
        if position < 0 or position + _SIZES[kind] > len(self.data):
            raise DamagedError(f"{where} lies outside the file")
        return struct.unpack_from(_CODES[kind], self.data, position)[0]

    def _follow(self, position: int, where: str) -> int:
        offset = int(self._number("uint32", position, where))
        target = position + offset
        if offset == 0 or target + 4 > len(self.data):
            raise DamagedError(f"{where} points outside the file")
        return target

    def _table(self, name: str, position: int, where: str) -> Table:
        self._left -= 1
        if self._left < 0:
            raise DamagedError("tables are shared more often than a file of this size can hold them")
        vtable = position - int(self._number("int32", position, where))
        length = int(self._number("uint16", vtable, f"the field table of {where}"))
        size = int(self._number("uint16", vtable + 2, f"the field table of {where}"))
        if length < 4 or length % 2 or vtable + length > len(self.data):
            raise DamagedError(f"the field table of {where} has {length} bytes")
        if size < 4 or position + size > len(self.data):
            raise DamagedError(f"{where} has {size} bytes and lies outside the file")
        values: Table = {}
        for slot, field in enumerate(FIELDS[name]):
            if field is None:
                continue
            place = 4 + 2 * slot
            offset = struct.unpack_from("<H", self.data, vtable + place)[0] if place + 2 <= length else 0
            inside = f"{where}.{field.name}"
            if offset and offset + _width(field) > size:
                raise DamagedError(f"{inside} lies outside its table")
            values[field.name] = self._value(field, position + offset if offset else None, values, inside)
        return values

    def _value(self, field: Field, position: int | None, values: Table, where: str) -> Any:
        if field.vector:
            return self._vector(field, position, where)
        if field.type in _SIZES:
            found = field.default if position is None else self._number(field.type, position, where)
            return found if field.type == "float32" else bool(found) if field.type == "bool" else int(found)
        if field.type in ENUMERATIONS:
            words = ENUMERATIONS[field.type]
            number = 0 if position is None else int(self._number("int8", position, where))
            if not 0 <= number < len(words):
                raise DamagedError(f"{where} is {number}, expected 0 to {len(words) - 1}")
            return words[number]
        if position is None:
            return None
        if field.type == "union":
            return self._union(field, int(values[f"{field.name}_type"]), position, where)
        target = self._follow(position, where)
        if field.type == "string":
            return self._string(target, where)
        return self._table(field.type, target, where)

    def _union(self, field: Field, member: int, position: int, where: str) -> Any:
        """A pair: the table's name, and the table where its fields are known."""
        if field.name.startswith("array_"):
            name = INDEX_VECTORS[member - 1] if 1 <= member <= len(INDEX_VECTORS) else ""
            if not name:
                raise DamagedError(f"{where} is of the unknown kind {member}")
        else:
            name = self._members[field.name].get(member, "")
        if name not in FIELDS:
            return (name, None)
        return (name, self._table(name, self._follow(position, where), where))

    def _count(self, target: int, size: int, where: str) -> int:
        count = int(self._number("uint32", target, where))
        if target + 4 + count * size > len(self.data):
            raise DamagedError(f"{where} has {count} elements and does not fit the file")
        return count

    def _vector(self, field: Field, position: int | None, where: str) -> Any:
        if field.type in _SIZES:
            dtype = np.dtype(np.bool_ if field.type == "bool" else _CODES[field.type])
            if position is None:
                return np.zeros(0, dtype)
            target = self._follow(position, where)
            count = self._count(target, _SIZES[field.type], where)
            if field.type == "bool":
                return np.frombuffer(self.data, np.uint8, count, target + 4) != 0
            return np.frombuffer(self.data, dtype, count, target + 4)
        if position is None:
            return []
        target = self._follow(position, where)
        count = self._count(target, 4, where)
        return [
            self._table(field.type, self._follow(target + 4 + 4 * i, f"{where}[{i}]"), f"{where}[{i}]")
            for i in range(count)
        ]

    def _string(self, target: int, where: str) -> str:
        count = self._count(target, 1, where)
        return self.data[target + 4 : target + 4 + count].decode("utf-8", "replace")


def _width(field: Field) -> int:
    if field.vector or field.type in ("string", "union"):
        return 4
    return _SIZES.get(field.type, 1 if field.type in ENUMERATIONS else 4)


def defaults(kind: str) -> Table:
    """The options of a kind of node whose options table is not there."""
    reader = Flatfile(b"", {})
    table = OPTIONS.get(kind)
    if table is None:
        return {}
    return {f.name: reader._value(f, None, {}, "") for f in FIELDS[table] if f is not None}


__all__ = ["DamagedError", "Flatfile", "Table", "defaults"]
