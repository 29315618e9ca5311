"""A reader at work: its place in the file that it reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from samara.graph.records.framing import records_of, uncompressed


class Reader:
    """Gives the records of files one after the other. Any thread may call it.

    Args:
        records: "lines", "whole_files", "fixed_lengths", "names" or "records", which is TFRecord.
        header: lines, or bytes of fixed lengths, that each file begins with.
        length: bytes of a record of fixed length.
        footer: bytes that each file of fixed lengths ends with.
        compression: of files of records: "ZLIB", "GZIP" or "".
    """

    def __init__(self, records: str, header: int, length: int, footer: int, compression: str = "") -> None:
        self._compression = compression
        self._records, self._header, self._length, self._footer = records, header, length, footer
        self._lock = threading.Lock()
        self._left: Iterator[tuple[bytes, bytes]] = iter(())

    def read(self, following: Callable[[], bytes], contents: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
        """The key and the value of the next record.

        Args:
            following: gives the name of the next file; ends with an error when there is none.
            contents: gives the bytes of a file.
        """
        with self._lock:
            while True:
                found = next(self._left, None)
                if found is not None:
                    return found
                name = following()
                self._left = iter(self._of(name, contents))

    def _of(self, name: bytes, contents: Callable[[bytes], bytes]) -> Iterable[tuple[bytes, bytes]]:
        if self._records == "names":
            return [(name, name)]
        content = contents(name)
        if self._records == "whole_files":
            return [(name, content)]
        if self._records == "records":
            whole = uncompressed(content, self._compression, name.decode())
            return ((b"%s:%d" % (name, at), record) for at, record in records_of(whole, name.decode()))
        if self._records == "lines":
            lines = content.split(b"\n")
            if not lines[-1]:
                lines.pop()
            numbered = enumerate(lines, 1)
            return [
                (b"%s:%d" % (name, n), line.removesuffix(b"\r")) for n, line in numbered if n > self._header
            ]
        body = content[self._header : len(content) - self._footer]
        count = len(body) // self._length
        return [(b"%s:%d" % (name, n), body[n * self._length : (n + 1) * self._length]) for n in range(count)]


__all__ = ["Reader"]
