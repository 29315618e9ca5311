"""From the contents of a file to the file: encoded, hashed, and put in place in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import flatbuffers.encode
import flatbuffers.packer

from samara.exporter import schema as schema_reader
from samara.exporter.flatbuffer import encode


def to_bytes(contents: Mapping[str, Any]) -> memoryview:
    """The bytes of the file, with its content hash filled in."""
    schema = schema_reader.load()
    data = encode(schema, contents)
    start = _hash_offset(data, schema)
    if any(data[start : start + 32]):
        raise AssertionError("the hash is taken over zeros in its own place")
    data[start : start + 32] = hashlib.sha256(data).digest()
    return data.toreadonly()


def _hash_offset(data: memoryview, schema: schema_reader.Schema) -> int:
    """Where the 32 bytes of Model.content_hash lie."""
    get, u32, u16 = flatbuffers.encode.Get, flatbuffers.packer.uoffset, flatbuffers.packer.voffset
    soffset = flatbuffers.packer.soffset
    table = get(u32, data, 0)
    vtable = table - get(soffset, data, table)
    slot = next(f.slot for f in schema.tables[schema.root] if f.name == "content_hash")
    place = table + get(u16, data, vtable + 4 + 2 * slot)
    return int(place + get(u32, data, place) + 4)


@contextlib.contextmanager
def staged(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place, whole, when the `with` block ends well.

    Raises:
        OSError: the folder cannot be written to.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: there is no folder {target.parent}")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
