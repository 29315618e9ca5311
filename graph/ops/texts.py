"""Ops on the bytes of texts; they run in Python only."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.errors import InvalidArgumentError
from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.fingerprints import fingerprint64, siphash24
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

_NONE: Any = {
    "device": "none",
    "why_not": "a device has no texts. Make the numbers that come of them the input.",
    "any_rank": True,
    "texts": True,
}
UNIT = Choice(name="TextUnit", values=("byte", "utf8_char"))
_UNIT = attribute("unit", UNIT, "byte", "Whether bytes are counted, or characters of UTF-8.")
_ENCODING = attribute(
    "encoding", "python", "", '"" for bytes, of which the letters of ASCII change, or "utf-8".'
)


def _filled(shape: Any, elements: Any, dtype: Any = object) -> Any:
    made = np.empty(shape, dtype=dtype)
    for place, element in zip(np.ndindex(made.shape), elements, strict=True):
        made[place] = element
    return made


def _each(function: Callable[..., Any], *arrays: Any, dtype: Any = object) -> Any:
    """A function of each element, of arrays that broadcast."""
    together = np.broadcast(*arrays) if len(arrays) > 1 else arrays[0]
    elements = together if len(arrays) > 1 else ((e,) for e in arrays[0].flat)
    return _filled(together.shape, (function(*e) for e in elements), dtype)


def _broadcast(op: Any) -> Any:
    return None if any(s is None for s in op.shapes) else op.broadcast(*op.shapes)


def _text(name: str, opcode: int, doc: str, function: Callable[..., bytes], *attributes: Any) -> OpDef:
    """An op that makes a text of each text; `function(a, text)`."""
    return OpDef(
        name=name,
        opcode=opcode,
        inputs=("x: string",),
        outputs=("y: string",),
        attributes=attributes,
        doc=doc,
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: _each(lambda text: function(op.a, text), x),
        **_NONE,
    )


def _decoded(what: str, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise InvalidArgumentError(f"{what}: {text!r} is not UTF-8") from None


def _lower(a: Any, text: bytes) -> bytes:
    return _decoded("string_lower", text).lower().encode() if a.encoding else text.lower()


def _upper(a: Any, text: bytes) -> bytes:
    return _decoded("string_upper", text).upper().encode() if a.encoding else text.upper()


def _to_base64(a: Any, text: bytes) -> bytes:
    made = base64.urlsafe_b64encode(text)
    return made if a.pad else made.rstrip(b"=")


def _from_base64(a: Any, text: bytes) -> bytes:
    whole = text.rstrip(b"=")
    try:
        if re.fullmatch(rb"[A-Za-z0-9_-]*", whole) is None:
            raise binascii.Error("a character of another alphabet")
        return base64.urlsafe_b64decode(whole + b"=" * (-len(whole) % 4))
    except binascii.Error as error:
        raise InvalidArgumentError(f"decode_base64: {text!r} is not web-safe base64: {error}") from None


def _replaced(a: Any, text: bytes) -> bytes:
    def said(match: re.Match[bytes]) -> bytes:
        def group(found: re.Match[bytes]) -> bytes:
            return match.group(int(found[1])) or b"" if found[1].isdigit() else found[1]

        return re.sub(rb"\\(.)", group, a.rewrite, flags=re.DOTALL)

    return re.sub(a.pattern, said, text, count=0 if a.replace_global else 1)


def _joined(xp: Any, op: Any, *texts: Any) -> Any:
    return _each(lambda *elements: op.a.separator.join(elements), *texts)


def _part(op: Any, text: bytes, start: int, length: int) -> bytes:
    units: Any = text if op.a.unit == "byte" else _decoded("substr", text)
    start = int(start)
    if not -len(units) <= start <= len(units):
        raise InvalidArgumentError(f"substr: position {start} is outside {text!r}")
    first = start + len(units) if start < 0 else start
    made = units[first : first + max(int(length), 0)]
    return bytes(made) if op.a.unit == "byte" else bytes(made.encode())


def _pieces(a: Any, text: bytes) -> list[bytes]:
    if a.how == "whole":
        if not a.separator:
            return text.split(maxsplit=a.maxsplit)
        return text.split(a.separator, a.maxsplit)
    if not a.separator:
        found = [text[i : i + 1] for i in range(len(text))]
    else:
        found = re.split(b"[" + re.escape(a.separator) + b"]", text)
    return [p for p in found if p] if a.skip_empty else found


def _split(xp: Any, op: Any, texts: Any) -> Any:
    rows = [_pieces(op.a, text) for text in texts.flat]
    places = [[r, c] for r, row in enumerate(rows) for c in range(len(row))]
    values = [piece for row in rows for piece in row]
    widest = max((len(row) for row in rows), default=0)
    return (
        np.asarray(places, np.int64).reshape(-1, 2),
        _filled((len(values),), values),
        np.asarray([len(rows), widest], np.int64),
    )


def _length(xp: Any, op: Any, texts: Any) -> Any:
    def count(text: bytes) -> int:
        return len(text) if op.a.unit == "byte" else len(_decoded("string_length", text))

    return _each(count, texts, dtype=np.int32)


def _number_text(a: Any, kind: Any) -> Callable[[Any], bytes]:
    if kind.kind == "O":
        return lambda x: x
    if kind.kind == "b":
        return lambda x: b"true" if x else b"false"
    width = str(a.width) if a.width >= 0 else ""
    flag = a.fill if a.fill in ("0", "+", " ", "-", "#") else ""
    letter, precision = "d", ""
    if kind.kind == "f":
        letter = "e" if a.scientific else "g" if a.shortest else "f"
        precision = f".{a.precision}" if a.precision >= 0 else ""
    form = f"%{flag}{width}{precision}{letter}"
    number = float if kind.kind == "f" else int
    return lambda x: (form % number(x)).encode()


def _reduce_shape(op: Any) -> Any:
    (x,) = op.shapes
    if x is None:
        return None
    axes = op.axes(op.a.axes, len(x)) if op.a.axes else list(range(len(x)))
    return tuple(1 if i in axes else n for i, n in enumerate(x) if op.a.keepdims or i not in axes)


def _reduce_join(xp: Any, op: Any, texts: Any) -> Any:
    """Along the axes in the order in which they are named."""
    given = op.a.axes or range(texts.ndim)
    axes = [a % texts.ndim for a in given] if texts.ndim else []
    others = [i for i in range(texts.ndim) if i not in axes]
    turned = np.transpose(texts, [*others, *axes])
    lead = turned.shape[: len(others)]
    rows = turned.reshape(int(np.prod(lead)), -1) if texts.size or lead else turned.reshape(1, -1)
    joined = _filled(lead, (op.a.separator.join(row) for row in rows))
    return (
        np.reshape(joined, [1 if i in axes else n for i, n in enumerate(texts.shape)])
        if op.a.keepdims
        else joined
    )


def _hashed(xp: Any, op: Any, texts: Any) -> Any:
    key = op.a.key
    hashed = fingerprint64 if not key else lambda text: siphash24(key, text)
    return _each(lambda text: hashed(text) % op.a.num_buckets, texts, dtype=np.int64)


OPS.register(
    OpDef(
        name="string_join",
        opcode=540,
        inputs=("texts: string*",),
        outputs=("y: string",),
        attributes=(attribute("separator", "python", b"", "What stands between."),),
        doc="Texts one after the other, element by element; shapes broadcast.",
        shape=_broadcast,
        reference=_joined,
        **_NONE,
    ),
    OpDef(
        name="string_split",
        opcode=541,
        inputs=("texts: string",),
        outputs=("indices: int64", "values: string", "shape: int64"),
        attributes=(
            attribute("separator", "python", b" ", "What stands between the pieces."),
            attribute("how", "python", "any", '"any" of its bytes separates, or the "whole".'),
            attribute("skip_empty", "bool", True, "Whether empty pieces are left out; for any."),
            attribute("maxsplit", "int", -1, "How often a text is cut at most, -1 for any; for whole."),
        ),
        doc="The pieces of texts [n], as a sparse tensor [n, pieces of the longest]. Without a separator any makes a "
        "piece of each byte, and whole cuts at white space.",
        shape=lambda op: [(Dim(), 2), (Dim(),), (2,)],
        reference=_split,
        **_NONE,
    ),
    OpDef(
        name="substr",
        opcode=542,
        inputs=("x: string", "position: int64", "length: int64"),
        outputs=("y: string",),
        attributes=(_UNIT,),
        doc="Parts of texts, from a position on, which below 0 counts from the end. A position outside is an error.",
        shape=_broadcast,
        reference=lambda xp, op, *x: _each(lambda *e: _part(op, *e), *x),
        **_NONE,
    ),
    _text(
        "regex_replace",
        543,
        "Texts with the places that match a regular expression replaced. In `rewrite` \\1 is the first group, \\0 all. "
        "The syntax is that of Python's module re.",
        _replaced,
        attribute("pattern", "python", doc="The regular expression."),
        attribute("rewrite", "python", doc="What stands in their place."),
        attribute("replace_global", "bool", True, "Whether all of them are replaced, or the first."),
    ),
    OpDef(
        name="regex_full_match",
        opcode=544,
        inputs=("x: string",),
        outputs=("matches: bool",),
        attributes=(
            attribute("pattern", "python", doc="The regular expression, with the syntax of Python's re."),
        ),
        doc="Whether whole texts match a regular expression.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: _each(
            lambda text: re.fullmatch(op.a.pattern, text) is not None, x, dtype=np.bool_
        ),
        **_NONE,
    ),
    OpDef(
        name="as_string",
        opcode=545,
        inputs=("x: T",),
        outputs=("y: string",),
        types={"T": dtypes.ALL},
        attributes=(
            attribute("precision", "int", -1, "How many digits come after the point, 6 when -1."),
            attribute("scientific", "bool", False, "Whether floating-point numbers have an exponent."),
            attribute("shortest", "bool", False, "Whether the shorter of both forms is taken."),
            attribute("width", "int", -1, "The least width; -1 for none."),
            attribute("fill", "python", "", "What the width is filled with, as in C's printf."),
        ),
        doc="Numbers as texts, as C's printf writes them with %d, %f, %e or %g; bools are true and false.",
        shape=lambda op: op.shapes[0],
        reference=lambda xp, op, x: _each(_number_text(op.a, x.dtype), x),
        **_NONE,
    ),
    _text("string_lower", 546, "Texts in lower case.", _lower, _ENCODING),
    _text("string_upper", 547, "Texts in upper case.", _upper, _ENCODING),
    _text("string_strip", 548, "Texts without white space at both ends.", lambda a, text: text.strip()),
    _text(
        "encode_base64",
        549,
        "Texts in base64 with the web-safe alphabet of RFC 4648, section 5.",
        _to_base64,
        attribute("pad", "bool", False, "Whether = fills the last four characters."),
    ),
    _text("decode_base64", 550, "What web-safe base64 says, filled up or not.", _from_base64),
    OpDef(
        name="string_length",
        opcode=551,
        inputs=("x: string",),
        outputs=("length: int32",),
        attributes=(_UNIT,),
        doc="How many bytes or characters texts have.",
        shape=lambda op: op.shapes[0],
        reference=_length,
        **_NONE,
    ),
    OpDef(
        name="string_hash",
        opcode=552,
        inputs=("x: string",),
        outputs=("bucket: int64",),
        attributes=(
            attribute("num_buckets", "int", doc="How many there are."),
            attribute("key", "ints", (), "Two numbers, the key of SipHash-2-4; FarmHash without."),
        ),
        doc="Numbers from 0 to num_buckets - 1 for texts: the remainder of FarmHash's Fingerprint64, or of SipHash-2-4 "
        "(Aumasson and Bernstein, 2012).",
        shape=lambda op: op.shapes[0],
        reference=_hashed,
        **_NONE,
    ),
    OpDef(
        name="reduce_join",
        opcode=553,
        inputs=("x: string",),
        outputs=("y: string",),
        attributes=(
            attribute("axes", "ints", (), "The axes, in the order in which they are joined; none means all."),
            attribute("keepdims", "bool", False, "Whether they stay, with size 1."),
            attribute("separator", "python", b"", "What stands between."),
        ),
        doc="Texts along axes joined to one.",
        shape=_reduce_shape,
        reference=_reduce_join,
        **_NONE,
    ),
)
