"""Reads the FlatBuffers schema that ships with the package, so that the schema is the only description of the file.

Only the part of the language that schema/*.fbs uses is understood: enum, table, union, include, namespace,
scalar, string, vector and table fields, and the attributes required and force_align.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCALARS: dict[str, tuple[str, int]] = {
    "bool": ("bool", 1),
    "ubyte": ("uint8", 1),
    "byte": ("int8", 1),
    "ushort": ("uint16", 2),
    "short": ("int16", 2),
    "int": ("int32", 4),
    "uint": ("uint32", 4),
    "float": ("float32", 4),
    "ulong": ("uint64", 8),
    "long": ("int64", 8),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a table.

    `type` is the name of a scalar, an enum, a table, a union or "string"; `slot` is its place in the vtable. A
    union takes two slots: `slot` is that of the value, the one before it holds the member's number.
    """

    name: str
    type: str
    vector: bool
    required: bool
    align: int
    default: str
    slot: int


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The tables, enums and unions of a schema, in the order of the text."""

    tables: dict[str, tuple[Field, ...]]
    enums: dict[str, tuple[str, dict[str, int]]]
    unions: dict[str, dict[str, int]]
    root: str
    identifier: str

    def scalar(self, type_: str) -> tuple[str, int] | None:
        """The (numpy name, bytes) of a scalar or enum type, or None."""
        if type_ in self.enums:
            type_ = self.enums[type_][0]
        return SCALARS.get(type_)


def _members(body: str) -> dict[str, int]:
    members: dict[str, int] = {}
    following = 0
    for entry in filter(None, (e.strip() for e in body.split(","))):
        name, _, value = (part.strip() for part in entry.partition("="))
        members[name] = int(value) if value else following
        following = members[name] + 1
    return members


def _fields(body: str, unions: set[str]) -> tuple[Field, ...]:
    fields: list[Field] = []
    slot = 0
    for entry in filter(None, (e.strip() for e in body.split(";"))):
        match = re.fullmatch(r"(\w+):\s*(\[?)(\w+)\]?\s*(?:=\s*([\w.+-]+))?\s*(?:\(([^)]*)\))?", entry)
        if match is None:
            raise ValueError(f"schema field {entry!r} is outside the language that is understood")
        name, vector, type_, default, attributes = match.groups()
        attributes = attributes or ""
        align = re.search(r"force_align:\s*(\d+)", attributes)
        slot += type_ in unions
        fields.append(
            Field(
                name=name,
                type=type_,
                vector=bool(vector),
                required="required" in attributes,
                align=int(align.group(1)) if align else 0,
                default=default or "0",
                slot=slot,
            )
        )
        slot += 1
    return tuple(fields)


def parse_texts(texts: Mapping[str, str], root_name: str) -> Schema:
    """Parses a schema given as texts by file name, starting at `root_name`."""
    text = ""
    pending = [root_name]
    while pending:
        content = re.sub(r"//[^\n]*", "", texts[pending.pop(0)])
        pending += re.findall(r'include\s+"([^"]+)"\s*;', content)
        text = content + text
    unions = {name: _members(body) for name, body in re.findall(r"union\s+(\w+)\s*\{([^}]*)\}", text)}
    enums = {
        name: (base, _members(body))
        for name, base, body in re.findall(r"enum\s+(\w+)\s*:\s*(\w+)\s*\{([^}]*)\}", text)
    }
    tables = {
        name: _fields(body, set(unions)) for name, body in re.findall(r"table\s+(\w+)\s*\{([^}]*)\}", text)
    }
    root = re.search(r"root_type\s+(\w+)", text)
    identifier = re.search(r'file_identifier\s+"(....)"', text)
    if root is None or identifier is None:
        raise ValueError(f"{root_name}: no root_type or no file_identifier")
    return Schema(
        tables=tables, enums=enums, unions=unions, root=root.group(1), identifier=identifier.group(1)
    )


@functools.cache
def load() -> Schema:
    """The schema that ships with the package."""
    folder = Path(__file__).parent.parent / "schema"
    return parse_texts({p.name: p.read_text() for p in folder.glob("*.fbs")}, "samara.fbs")
