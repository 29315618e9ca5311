"""Files of records, TFRecord: `tf.python_io`.

A record is its length (8 bytes, little-endian), the masked CRC-32C of those, its bytes, and the masked CRC-32C of them.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from samara.errors import DataLossError, NotFoundError
from samara.graph.fingerprints import crc32c

_HEAD, _CHECK = struct.Struct("<QI"), struct.Struct("<I")


class TFRecordCompressionType:
    """How a file of records is compressed."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


class TFRecordOptions:
    """What a file of records is written and read with.

    Args:
        compression_type: "", "ZLIB" or "GZIP", or one of TFRecordCompressionType.
    """

    def __init__(self, compression_type: Any = None) -> None:
        self.compression_type = _compression(compression_type)

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """The compression that options, or a name of one, say."""
        return _compression(options)


def _compression(options: Any) -> str:
    kinds = {
        None: "",
        TFRecordCompressionType.NONE: "",
        1: "ZLIB",
        2: "GZIP",
        "": "",
        "ZLIB": "ZLIB",
        "GZIP": "GZIP",
    }
    if isinstance(options, TFRecordOptions):
        return str(options.compression_type)
    if options not in kinds:
        raise ValueError(f"compression {options!r}: expected '', 'ZLIB' or 'GZIP'")
    return kinds[options]


def _masked(check: int) -> int:
    return (check >> 15 | check << 17) + 0xA282EAD8 & 0xFFFFFFFF


def framed(record: bytes) -> bytes:
    """A record as it is in a file."""
    length = struct.pack("<Q", len(record))
    checks = [_CHECK.pack(_masked(crc32c(part))) for part in (length, record)]
    return b"".join((length, checks[0], record, checks[1]))


def records_of(content: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """The records of the bytes of a file, each with the place where it begins.

    Raises:
        DataLossError: the file is damaged or ends within a record.
    """
    at = 0
    while at < len(content):
        body = at + _HEAD.size
        if body > len(content):
            raise DataLossError(f"{name}: the file ends within the record that begins at byte {at}")
        length, check = _HEAD.unpack_from(content, at)
        if _masked(crc32c(content[at : at + 8])) != check:
            raise DataLossError(f"{name}: the length of the record that begins at byte {at} is damaged")
        end = body + length
        if end + _CHECK.size > len(content):
            raise DataLossError(f"{name}: the file ends within the record that begins at byte {at}")
        record = content[body:end]
        if _masked(crc32c(record)) != _CHECK.unpack_from(content, end)[0]:
            raise DataLossError(f"{name}: the record that begins at byte {at} is damaged")
        yield at, record
        at = end + _CHECK.size


def uncompressed(content: bytes, compression: str, name: str) -> bytes:
    """The bytes of a file that may be compressed.

    Raises:
        DataLossError: they are not what they should be.
    """
    if not compression:
        return content
    try:
        return gzip.decompress(content) if compression == "GZIP" else zlib.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataLossError(f"{name} is not a file compressed with {compression}: {error}") from None


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a file.

    Args:
        path: the file.
        options: a TFRecordOptions, or the name of a compression.

    Raises:
        NotFoundError: it is not there.
        DataLossError: it is damaged.
    """
    name = path.decode() if isinstance(path, bytes) else str(path)
    try:
        with open(name, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise NotFoundError(f"the file {name!r} is not there") from None
    for _, record in records_of(uncompressed(content, _compression(options), name), name):
        yield record


class TFRecordWriter:
    """Writes records to a file; also a context manager.

    Args:
        path: the file, which is made anew.
        options: a TFRecordOptions, or the name of a compression.
    """

    def __init__(self, path: Any, options: Any = None) -> None:
        kind = _compression(options)
        self._path = path.decode() if isinstance(path, bytes) else str(path)
        self._file: Any = gzip.open(self._path, "wb") if kind == "GZIP" else open(self._path, "wb")  # noqa: SIM115
        self._packer = zlib.compressobj() if kind == "ZLIB" else None

    def write(self, record: bytes) -> None:
        """Adds a record.

        Raises:
            TypeError: it is not bytes.
        """
        if not isinstance(record, bytes):
            raise TypeError(f"a record must be bytes, not {type(record).__name__}")
        made = framed(record)
        self._file.write(made if self._packer is None else self._packer.compress(made))

    def flush(self) -> None:
        """Sees to it that what was written is in the file."""
        if self._packer is not None:
            self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """Ends the file."""
        if not self._file.closed:
            if self._packer is not None:
                self._file.write(self._packer.flush())
            self._file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


__all__ = [
    "TFRecordCompressionType",
    "TFRecordOptions",
    "TFRecordWriter",
    "framed",
    "records_of",
    "tf_record_iterator",
    "uncompressed",
]
