"""Files of named arrays and a JSON document: safetensors, written whole or not at all, and checked when read.

The document is in the file's metadata. A CRC-32 of it and of each array tells damage from data.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import CheckpointError

Array = np.ndarray[Any, Any]

PARTIAL = ".partial"
_VERSION = "samara 1"


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("checkpoints need the package safetensors: pip install samara[train]") from error
    return safetensors


def write_atomically(path: str | Path, write: Callable[[str], None]) -> None:
    """Calls `write` with another name in the same folder, and gives that file its name when all of it is on the disk.

    A process or a machine that stops at any moment leaves the old file or the new one under the name.
    """
    partial = f"{path}{PARTIAL}"
    try:
        write(partial)
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise
    _sync_folder(os.path.dirname(path) or ".")


def _sync_folder(folder: str) -> None:
    """Puts a rename on the disk, where the operating system opens folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _crc(array: Array) -> int:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def write(path: str | Path, arrays: Mapping[str, Array], document: Any) -> None:
    """Writes arrays and a document, whatever `json` takes, as one file."""
    library = _safetensors()
    whole, metadata = _prepared(arrays, document)
    write_atomically(path, lambda partial: library.numpy.save_file(whole, partial, metadata))


def to_bytes(arrays: Mapping[str, Array], document: Any) -> bytes:
    """What `write` writes to a file."""
    whole, metadata = _prepared(arrays, document)
    made: bytes = _safetensors().numpy.save(whole, metadata)
    return made


def from_bytes(data: bytes) -> tuple[dict[str, Array], Any]:
    """The arrays and the document that `to_bytes` was given.

    Raises:
        CheckpointError: it is not what `to_bytes` gave, or damaged.
    """
    try:
        size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + size]).get("__metadata__") or {}
        arrays = _safetensors().numpy.load(bytes(data))
    except ImportError:
        raise
    except Exception as error:
        raise CheckpointError(f"the bytes are no graph that this package wrote: {error}") from None
    text = metadata.get("content", "")
    if metadata.get("format") != _VERSION or str(zlib.crc32(text.encode())) != metadata.get("crc32"):
        raise CheckpointError("the bytes were not written by this package, or are damaged")
    content = json.loads(text)
    if {name: _crc(a) for name, a in arrays.items()} != content["arrays"]:
        raise CheckpointError("the bytes are damaged: an array has another checksum than it was written with")
    return arrays, content["document"]


def _prepared(arrays: Mapping[str, Array], document: Any) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays as they lie in a file, and its metadata."""
    whole = {name: np.ascontiguousarray(a).reshape(np.shape(a)) for name, a in arrays.items()}
    content = json.dumps(
        {"arrays": {name: _crc(a) for name, a in whole.items()}, "document": document}, separators=(",", ":")
    )
    metadata = {"format": _VERSION, "content": content, "crc32": str(zlib.crc32(content.encode()))}
    return whole, metadata


class TensorFile:
    """A file of arrays, open to be read; the arrays stay in the file until they are asked for.

    Attributes:
        path: its name.
        document: what it was written with.

    Raises:
        CheckpointError: there is no such file, or it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        library = _safetensors()
        if not os.path.isfile(self.path):
            raise CheckpointError(f"there is no file {self.path}")
        try:
            self._file = library.safe_open(self.path, framework="numpy")
            metadata = self._file.metadata() or {}
            names = list(self._file.keys())
        except Exception as error:
            raise self.damaged(error) from None
        if metadata.get("format") != _VERSION:
            raise CheckpointError(
                f"{self.path} was not written by this package: its metadata have no format {_VERSION!r}"
            )
        text = metadata.get("content", "")
        if str(zlib.crc32(text.encode())) != metadata.get("crc32"):
            raise self.damaged("the document in it has another checksum than it was written with")
        content = json.loads(text)
        self.document = content["document"]
        self._checksums: dict[str, int] = content["arrays"]
        if sorted(names) != sorted(self._checksums):
            raise self.damaged("its arrays are not those that it was written with")

    def damaged(self, why: object) -> CheckpointError:
        """The error to raise for what is wrong in the file."""
        return CheckpointError(f"{self.path} is damaged: {why}")

    @property
    def names(self) -> list[str]:
        """The names of the arrays, sorted."""
        return sorted(self._checksums)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""
        return tuple(int(n) for n in self._file.get_slice(name).get_shape())

    def dtype(self, name: str) -> np.dtype[Any]:
        """The element type of an array."""
        kind = str(self._file.get_slice(name).get_dtype())
        if kind == "BOOL":
            return np.dtype(np.bool_)
        return np.dtype(f"{ {'F': 'f', 'I': 'i', 'U': 'u', 'C': 'c'}[kind[0]] }{int(kind[1:]) // 8}")

    def read(self, name: str) -> Array:
        """An array.

        Raises:
            CheckpointError: its bytes are not those that were written.
        """
        try:
            array: Array = self._file.get_tensor(name)
        except Exception as error:
            raise self.damaged(error) from None
        if _crc(array) != self._checksums[name]:
            raise self.damaged(f"the array {name!r} has another checksum than it was written with")
        return array
