"""Texts of the public vocabulary: tensors of bytes, which only Python computes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import int64, string
from samara.graph.graph import Tensor
from samara.graph.sparse.tensor import SparseTensor


def _texts(value: Any) -> Tensor:
    return convert_to_tensor(value, string)


def _bytes(value: Any, what: str) -> bytes:
    """A text that must be known when the graph is built."""
    if hasattr(value, "as_graph_tensor"):
        op = value.as_graph_tensor().op
        if op.type != "constant":
            raise TypeError(f"{what} must be known when the graph is built, {value!r} is data")
        value = op.a.value.item()
    return value.encode() if isinstance(value, str) else bytes(value)


def string_join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> Tensor:
    """Texts one after the other, element by element; scalars stand for all elements."""
    listed = [_texts(v) for v in inputs]
    made: Tensor = builder(listed).string_join(
        listed, separator=_bytes(separator, "separator"), name=name or "StringJoin"
    )
    return made


def string_split(
    source: Any,
    sep: Any = None,
    skip_empty: bool = True,
    delimiter: Any = " ",
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> SparseTensor:
    """The pieces of each text of a list.

    Args:
        source: texts [n].
        sep: another name of `delimiter`.
        skip_empty: whether pieces without a byte are left out.
        delimiter: bytes of which each separates; "" makes a piece of each byte.
        result_type: "SparseTensor".
        name: of the operation.

    Returns:
        A SparseTensor [n, pieces of the longest] of texts.

    Raises:
        ValueError: another `result_type`.
    """
    _only_sparse(result_type)
    texts = _texts(source)
    found = texts.graph.b.string_split(
        texts,
        separator=_bytes(delimiter if sep is None else sep, "delimiter"),
        skip_empty=skip_empty,
        name=name or "StringSplit",
    )
    return SparseTensor(*found)


def _only_sparse(result_type: str) -> None:
    if result_type != "SparseTensor":
        raise ValueError(f"result_type is {result_type!r}: only 'SparseTensor' is supported")


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """Parts of texts; an InvalidArgumentError in a run where the position is outside.

    Args:
        input: texts.
        pos: where each part begins; below 0 it counts from the end. Broadcasts.
        len: how many bytes or characters it has at most. Broadcasts.
        name: of the operation.
        unit: "BYTE" or "UTF8_CHAR".
    """
    texts = _texts(input)
    b = texts.graph.b
    places = [b.cast(convert_to_tensor(v), dtype=int64) for v in (pos, len)]
    made: Tensor = b.substr(texts, *places, unit=unit, name=name or "Substr")
    return made


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""Texts with what matches a regular expression replaced.

    Args:
        input: texts.
        pattern: with the syntax of Python's module re, known when the graph is built.
        rewrite: what stands in the place; \1 is the first group and \0 the whole match.
        replace_global: whether all matches are replaced, or the first.
        name: of the operation.
    """
    texts = _texts(input)
    made: Tensor = texts.graph.b.regex_replace(
        texts,
        pattern=_bytes(pattern, "pattern"),
        rewrite=_bytes(rewrite, "rewrite"),
        replace_global=replace_global,
        name=name or "RegexReplace",
    )
    return made


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether whole texts match a regular expression, with the syntax of Python's module re."""
    texts = _texts(input)
    made: Tensor = texts.graph.b.regex_full_match(texts, pattern=_bytes(pattern, "pattern"), name=name)
    return made


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Numbers as texts, as C's printf writes them: %d, or %f, %e (scientific) or %g (shortest).

    Args:
        input: numbers, or bools, which are "true" and "false".
        precision: how many digits come after the point; 6 when -1.
        scientific: whether floating-point numbers have an exponent.
        shortest: whether the shorter of both forms is taken.
        width: the least width; -1 for none.
        fill: what the width is filled with: "" or " " or "0", or "-" for spaces behind.
        name: of the operation.

    Raises:
        ValueError: both `scientific` and `shortest`.
    """
    if scientific and shortest:
        raise ValueError("as_string: scientific and shortest cannot both be")
    x = convert_to_tensor(input)
    made: Tensor = x.graph.b.as_string(
        x,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name or "AsString",
    )
    return made


def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Texts in lower case: the letters of ASCII, or with encoding "utf-8" all."""
    made: Tensor = builder(input).string_lower(_texts(input), encoding=encoding, name=name)
    return made


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Texts in upper case: the letters of ASCII, or with encoding "utf-8" all."""
    made: Tensor = builder(input).string_upper(_texts(input), encoding=encoding, name=name)
    return made


def string_strip(input: Any, name: str | None = None) -> Tensor:
    """Texts without white space at both ends."""
    made: Tensor = builder(input).string_strip(_texts(input), name=name)
    return made


def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """How many bytes, or characters with unit "UTF8_CHAR", texts have: int32."""
    made: Tensor = builder(input).string_length(_texts(input), unit=unit, name=name)
    return made


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Texts in web-safe base64, filled up with = if `pad`."""
    made: Tensor = builder(input).encode_base64(_texts(input), pad=pad, name=name)
    return made


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """What web-safe base64 says; an InvalidArgumentError in a run where it says nothing."""
    made: Tensor = builder(input).decode_base64(_texts(input), name=name)
    return made


def reduce_join(
    inputs: Any,
    axis: Any = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Texts along axes joined to one: along the axes in the order in which they are named, or all of them.

    Args:
        inputs: texts of known rank.
        axis: an axis, or several.
        keep_dims: whether they stay, with size 1.
        separator: what stands between.
        name: of the operation.
        reduction_indices: the old name of `axis`.
        keepdims: another name of `keep_dims`.
    """
    texts = _texts(inputs)
    given = axis if axis is not None else reduction_indices
    axes = () if given is None else tuple(int(a) for a in np.atleast_1d(given))
    if texts.shape is None:
        raise ShapeError(f"reduce_join: the rank of {texts.name} is not known")
    if given is not None and not axes:
        return texts
    made: Tensor = texts.graph.b.reduce_join(
        texts,
        axes=axes,
        keepdims=bool(keepdims if keepdims is not None else keep_dims),
        separator=_bytes(separator, "separator"),
        name=name or "ReduceJoin",
    )
    return made


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """A number from 0 to num_buckets - 1 for each text, int64: what is left of FarmHash's Fingerprint64."""
    made: Tensor = builder(input).string_hash(_texts(input), num_buckets=_positive(num_buckets), name=name)
    return made


def string_to_hash_bucket_strong(
    input: Any, num_buckets: int, key: Sequence[int], name: str | None = None
) -> Tensor:
    """A number from 0 to num_buckets - 1 for each text, int64: what is left of SipHash-2-4 with a key of two numbers.

    Raises:
        ValueError: the key has not two numbers, or there are no buckets.
    """
    if len(key) != 2:
        raise ValueError(f"string_to_hash_bucket_strong: the key {list(key)} must be two numbers")
    made: Tensor = builder(input).string_hash(
        _texts(input), num_buckets=_positive(num_buckets), key=tuple(key), name=name
    )
    return made


def _positive(count: int) -> int:
    if count < 1:
        raise ValueError(f"num_buckets is {count}, expected a positive number")
    return count


__all__ = [
    "as_string",
    "decode_base64",
    "encode_base64",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "string_join",
    "string_length",
    "string_lower",
    "string_split",
    "string_strip",
    "string_to_hash_bucket_fast",
    "string_to_hash_bucket_strong",
    "string_upper",
    "substr",
]
