"""Reading files, and numbers from texts, of the public vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import as_dtype, float32, string
from samara.graph.graph import Tensor, as_array, get_default_graph
from samara.graph.queues import QueueBase
from samara.graph.records.framing import TFRecordOptions
from samara.graph.strings import holds_text


class ReaderBase:
    """Reads records of the files whose names a queue gives."""

    def __init__(self, records: str, name: str, **attributes: Any) -> None:
        self._attributes: dict[str, Any] = {"records": records, **attributes}
        self.name = get_default_graph().unique_name(name)

    def read(self, queue: Any, name: str | None = None) -> list[Tensor]:
        """The key and the value of the next record, two texts.

        Args:
            queue: gives the names of files, one text in an element.
            name: of the operation.

        Raises:
            NotFoundError: in a run: a file is not there.
            OutOfRangeError: in a run: the queue is closed and empty, and the last file has been read.
        """
        handle = queue.queue_ref if isinstance(queue, QueueBase) else queue
        made = handle.graph.b.read_record(
            handle, reader=self.name, name=name or f"{self.name}_read", **self._attributes
        )
        return list(made)


class TextLineReader(ReaderBase):
    """Reads lines; the keys are "name:number".

    Args:
        skip_header_lines: lines that each file begins with and that are left out.
        name: of the reader.
    """

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        super().__init__("lines", name or "TextLineReader", header=int(skip_header_lines or 0))


class WholeFileReader(ReaderBase):
    """Reads whole files; the keys are their names."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__("whole_files", name or "WholeFileReader")


class IdentityReader(ReaderBase):
    """Gives the names themselves, as keys and values."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__("names", name or "IdentityReader")


class TFRecordReader(ReaderBase):
    """Reads the records of TFRecord files; the keys are "name:place".

    Args:
        name: of the reader.
        options: a `python_io.TFRecordOptions`: how the files are compressed.
    """

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        super().__init__(
            "records", name or "TFRecordReader", compression=TFRecordOptions(options).compression_type
        )


class FixedLengthRecordReader(ReaderBase):
    """Reads records of one length; the keys are "name:number".

    Args:
        record_bytes: the length.
        header_bytes: bytes that each file begins with and that are left out.
        footer_bytes: bytes that each file ends with and that are left out.
        hop_bytes: not supported; None or 0.
        name: of the reader.
        encoding: not supported; None or "".

    Raises:
        ValueError: the length is not positive, or something is asked for that is not supported.
    """

    def __init__(
        self,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        hop_bytes: int | None = None,
        name: str | None = None,
        encoding: str | None = None,
    ) -> None:
        if record_bytes < 1 or hop_bytes or encoding:
            raise ValueError(
                f"record_bytes={record_bytes}, hop_bytes={hop_bytes}, encoding={encoding!r}: a positive length alone "
                "is supported"
            )
        super().__init__(
            "fixed_lengths",
            name or "FixedLengthRecordReader",
            header=int(header_bytes or 0),
            length=int(record_bytes),
            footer=int(footer_bytes or 0),
        )


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The bytes of a file, a text."""
    found = convert_to_tensor(filename, string)
    contents: Tensor = found.graph.b.read_file(found, name=name)
    return contents


def decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Tensor]:
    """The fields of lines of comma-separated values, a tensor of the shape of `records` for each column.

    Args:
        records: lines, texts of any shape.
        record_defaults: for each column a list with the value of a missing field, or an empty one where there must be
            one; its element type is the column's, float32 for an empty list.
        field_delim: what stands between fields.
        use_quote_delim: whether a field may be in double quotes.
        name: of the operation.
        na_value: what a missing field looks like, beside an empty one.
        select_cols: the numbers of the columns that are taken; all when None.

    Raises:
        InvalidArgumentError: in a run: a line has not as many fields, or one is no number or missing.
        ValueError: a default is not a constant of one element.
    """
    lines = convert_to_tensor(records, string)
    columns = tuple(_column(d) for d in record_defaults)
    made = lines.graph.apply(
        "decode_csv",
        [lines],
        {
            "columns": columns,
            "field_delim": field_delim,
            "use_quote_delim": use_quote_delim,
            "na_value": na_value,
            "select_cols": tuple(select_cols or ()),
        },
        name=name or "DecodeCSV",
    )
    return list(made.outputs)


def _column(default: Any) -> tuple[Any, Any]:
    if hasattr(default, "as_graph_tensor"):
        op = default.as_graph_tensor().op
        if op.type != "constant":
            raise ValueError(f"the default {default!r} is not a constant")
        array = op.a.value
    elif holds_text(default):
        array = as_array(default, string)
    else:
        array = as_array(np.zeros(0, np.float32) if isinstance(default, list) and not default else default)
    if array.size > 1:
        raise ValueError(f"the default {default!r} has {array.size} elements, expected one or none")
    return as_dtype(array.dtype), array.reshape(-1)[0] if array.size else None


def string_to_number(string_tensor: Any, out_type: Any = float32, name: str | None = None) -> Tensor:
    """The numbers that texts say; InvalidArgumentError in a run where one says none."""
    texts = convert_to_tensor(string_tensor, string)
    numbers: Tensor = texts.graph.b.string_to_number(texts, dtype=as_dtype(out_type), name=name)
    return numbers


def decode_raw(
    input_bytes: Any, out_type: Any, little_endian: bool = True, name: str | None = None
) -> Tensor:
    """Bytes as numbers, along a new last axis; texts of one length."""
    texts = convert_to_tensor(input_bytes, string)
    numbers: Tensor = texts.graph.b.decode_raw(
        texts, dtype=as_dtype(out_type), little_endian=little_endian, name=name
    )
    return numbers


__all__ = [
    "FixedLengthRecordReader",
    "IdentityReader",
    "ReaderBase",
    "TFRecordReader",
    "TextLineReader",
    "WholeFileReader",
    "decode_csv",
    "decode_raw",
    "read_file",
    "string_to_number",
]
