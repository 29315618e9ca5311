"""From the contents of a file to the file: encoded, hashed, and put in place in one step."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flatbuffers.encode
import flatbuffers.packer

from samara.exporter import schema as schema_reader
from samara.exporter.flatbuffer import encode


def to_bytes(contents: Mapping[str, Any]) -> bytes:
    """The bytes of the file, with its content hash filled in."""
    schema = schema_reader.load()
    data = encode(schema, contents)
    start = _hash_offset(data, schema)
    if any(data[start : start + 32]):
        raise AssertionError("the hash is taken over zeros in its own place")
    data[start : start + 32] = hashlib.sha256(data).digest()
    return bytes(data)


def _hash_offset(data: bytearray, schema: schema_reader.Schema) -> int:
    """Where the 32 bytes of Model.content_hash lie."""
    get, u32, u16 = flatbuffers.encode.Get, flatbuffers.packer.uoffset, flatbuffers.packer.voffset
    soffset = flatbuffers.packer.soffset
    table = get(u32, data, 0)
    vtable = table - get(soffset, data, table)
    slot = next(f.slot for f in schema.tables[schema.root] if f.name == "content_hash")
    place = table + get(u16, data, vtable + 4 + 2 * slot)
    return int(place + get(u32, data, place) + 4)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file so that readers see the old one or the new one, whole, whatever happens in between.

    Raises:
        OSError: the folder cannot be written to.
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
