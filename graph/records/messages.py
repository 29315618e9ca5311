"""`tf.train.Example` and what it is made of, in the wire format of protocol buffers.

The messages are few and fixed, so they are written and read here, without the library. The format is that of Google's
"Protocol Buffers: Encoding": fields are numbered, numbers are varints, and what has a length is preceded by it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from samara.errors import InvalidArgumentError

Self = TypeVar("Self", bound="Message")

_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        number: in the file.
        kind: "message", "messages", "map" (from texts to messages), "bytes", "floats" or "integers".
        made: of what messages, the class.
    """

    number: int
    kind: str
    made: Any = None


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _sized(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(content)) + content


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise InvalidArgumentError("the bytes are no message: a number does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """The fields of a message: number, wire type, and the number or the bytes."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _read_varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire == _LENGTH:
            size, at = _read_varint(data, at)
        elif wire in (_EIGHT, _FOUR):
            size = 8 if wire == _EIGHT else 4
        else:
            raise InvalidArgumentError(f"the bytes are no message: wire type {wire}")
        if at + size > len(data):
            raise InvalidArgumentError("the bytes are no message: they end within a field")
        yield key >> 3, wire, data[at : at + size]
        at += size


def _integers(data: bytes) -> list[int]:
    """The signed numbers of 64 bits of varints one after the other."""
    if not data:
        return []
    whole = np.frombuffer(data, np.uint8)
    (ends,) = np.nonzero(whole < 0x80)
    if not len(ends) or ends[-1] != len(whole) - 1 or np.diff(ends, prepend=-1).max() > 10:
        raise InvalidArgumentError("the bytes are no message: a number does not end")
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(whole)) - np.repeat(starts, ends - starts + 1)
    parts = (whole & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    found: list[int] = np.add.reduceat(parts, starts).view(np.int64).tolist()
    return found


class _Map(dict[str, Any]):
    """A map whose messages are made when they are first looked up."""

    def __init__(self, made: Any, given: Mapping[str, Any]) -> None:
        super().__init__()
        self._made = made
        for key, value in given.items():
            self[key].CopyFrom(value)

    def __missing__(self, key: str) -> Any:
        if not isinstance(key, str):
            raise TypeError(f"the key {key!r} is not a text")
        self[key] = self._made()
        return self[key]


class Message:
    """A message; fields are attributes, and arguments of the constructor."""

    FIELDS: ClassVar[Mapping[str, Field]] = {}
    ONEOF: ClassVar[str] = ""

    def __init__(self, **fields: Any) -> None:
        self._held: dict[str, Any] = {}
        self._set: set[str] = set()
        for name, value in fields.items():
            if name not in self.FIELDS:
                raise ValueError(
                    f"{type(self).__name__} has no field {name!r}: it has {', '.join(self.FIELDS)}"
                )
            if value is not None:
                self._give(name, value)

    def _give(self, name: str, value: Any) -> None:
        field = self.FIELDS[name]
        if field.kind == "message":
            getattr(self, name).CopyFrom(value)
            self._set.add(name)
        elif field.kind == "map":
            self._held[name] = _Map(field.made, value)
        elif field.kind == "messages":
            self._held[name] = [field.made.FromString(v.SerializeToString()) for v in value]
        else:
            self._held[name] = _checked(field.kind, list(value))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.FIELDS:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")
        if name not in self._held:
            field = self.FIELDS[name]
            made: Any = field.made() if field.kind == "message" else []
            self._held[name] = _Map(field.made, {}) if field.kind == "map" else made
        return self._held[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.FIELDS:
            raise AttributeError(
                f"{type(self).__name__}.{name} cannot be assigned: use its methods, CopyFrom or extend"
            )
        super().__setattr__(name, value)

    def _is_present(self, name: str) -> bool:
        held = self._held.get(name)
        return held is not None and (
            name in self._set or bool(held._any() if isinstance(held, Message) else held)
        )

    def _any(self) -> bool:
        return any(self._is_present(name) for name in self._held)

    def HasField(self, name: str) -> bool:  # noqa: N802
        """Whether a field that is a message is there."""
        if name not in self.FIELDS or self.FIELDS[name].kind != "message":
            raise ValueError(f"{type(self).__name__} has no single field {name!r}")
        return self._is_present(name)

    def WhichOneof(self, name: str) -> str | None:  # noqa: N802
        """Which of the fields that exclude each other is there, or None."""
        if name != self.ONEOF:
            raise ValueError(f"{type(self).__name__} has no oneof {name!r}")
        present = [n for n in self._held if self._is_present(n)]
        return present[-1] if present else None

    def SerializeToString(self, deterministic: bool = True) -> bytes:  # noqa: N802
        """The message as bytes; maps in the order of their keys."""
        parts = []
        only = self.WhichOneof(self.ONEOF) if self.ONEOF else None
        for name, field in self.FIELDS.items():
            if not self._is_present(name) or (self.ONEOF and name != only):
                continue
            held = self._held[name]
            if field.kind == "message":
                parts.append(_sized(field.number, held.SerializeToString()))
            elif field.kind == "messages":
                parts += [_sized(field.number, m.SerializeToString()) for m in held]
            elif field.kind == "map":
                for key in sorted(held):
                    entry = _sized(1, key.encode()) + _sized(2, held[key].SerializeToString())
                    parts.append(_sized(field.number, entry))
            else:
                parts.append(_packed(field, held))
        return b"".join(parts)

    def MergeFromString(self, serialized: bytes) -> int:  # noqa: N802
        """Adds what bytes say; how many they are.

        Raises:
            InvalidArgumentError: they are no message.
        """
        names = {field.number: name for name, field in self.FIELDS.items()}
        for number, wire, value in _fields(serialized):
            if number in names:
                self._take(names[number], wire, value)
        return len(serialized)

    def _take(self, name: str, wire: int, value: Any) -> None:
        field = self.FIELDS[name]
        if field.kind in ("floats", "integers") and wire != _LENGTH:
            if field.kind == "floats":
                getattr(self, name).append(struct.unpack("<f", value)[0])
            else:
                getattr(self, name).append(value - (1 << 64) if value >> 63 else value)
            return
        if wire != _LENGTH:
            raise InvalidArgumentError(f"the bytes are no {type(self).__name__}: field {name} is a number")
        held = getattr(self, name)
        if field.kind == "message":
            if self.ONEOF:
                # The last one counts.
                for other in [n for n in self._held if n != name]:
                    del self._held[other]
                    self._set.discard(other)
            held.MergeFromString(value)
            self._set.add(name)
        elif field.kind == "messages":
            held.append(field.made.FromString(value))
        elif field.kind == "map":
            parts = {n: v for n, _, v in _fields(value)}
            held[parts.get(1, b"").decode()] = field.made.FromString(parts.get(2, b""))
        elif field.kind == "bytes":
            held.append(bytes(value))
        elif field.kind == "integers":
            held.extend(_integers(value))
        else:
            if len(value) % 4:
                raise InvalidArgumentError(
                    f"the bytes are no {type(self).__name__}: {len(value)} bytes of floats"
                )
            held.extend(np.frombuffer(value, "<f4").tolist())

    def ParseFromString(self, serialized: bytes) -> int:  # noqa: N802
        """Becomes what bytes say; how many they are."""
        self.Clear()
        return self.MergeFromString(serialized)

    @classmethod
    def FromString(cls: type[Self], serialized: bytes) -> Self:  # noqa: N802
        """The message that bytes say."""
        made = cls()
        made.MergeFromString(serialized)
        return made

    def MergeFrom(self, other: Message) -> None:  # noqa: N802
        """Adds what another message of the class has."""
        if type(other) is not type(self):
            raise TypeError(f"expected a {type(self).__name__}, found {type(other).__name__}")
        self.MergeFromString(other.SerializeToString())

    def CopyFrom(self, other: Message) -> None:  # noqa: N802
        """Becomes equal to another message of the class."""
        if other is not self:
            self.Clear()
            self.MergeFrom(other)

    def Clear(self) -> None:  # noqa: N802
        """Becomes empty."""
        self._held.clear()
        self._set.clear()

    def ByteSize(self) -> int:  # noqa: N802
        """How many bytes it has as bytes."""
        return len(self.SerializeToString())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.SerializeToString() == other.SerializeToString()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "".join(line + "\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        """The text form."""

        def block(name: str, inner: Any) -> Iterator[str]:
            yield f"{name} {{"
            yield from (f"  {line}" for line in inner)
            yield "}"

        for name, field in self.FIELDS.items():
            if not self._is_present(name):
                continue
            held = self._held[name]
            if field.kind == "message":
                yield from block(name, held._lines())
            elif field.kind == "messages":
                for message in held:
                    yield from block(name, message._lines())
            elif field.kind == "map":
                for key in sorted(held):
                    yield from block(name, [f'key: "{key}"', *block("value", held[key]._lines())])
            else:
                for value in held:
                    yield f'{name}: "{_escaped(value)}"' if field.kind == "bytes" else f"{name}: {value}"


def _escaped(value: bytes) -> str:
    return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03o}" for c in value)


def _checked(kind: str, values: list[Any]) -> list[Any]:
    """The elements of a list, which must be what it holds.

    Raises:
        TypeError: one is something else.
    """
    if kind == "bytes":
        wrong = [v for v in values if not isinstance(v, bytes)]
    elif kind == "floats":
        wrong = [v for v in values if isinstance(v, (str, bytes)) or not np.isscalar(v)]
    else:
        wrong = [v for v in values if not isinstance(v, (int, np.integer, np.bool_))]
    if wrong:
        expected = {"bytes": "bytes", "floats": "numbers", "integers": "whole numbers"}[kind]
        raise TypeError(f"{wrong[0]!r} has type {type(wrong[0]).__name__}: the list holds {expected}")
    return values


def _packed(field: Field, values: list[Any]) -> bytes:
    _checked(field.kind, values)
    if field.kind == "bytes":
        return b"".join(_sized(field.number, v) for v in values)
    if field.kind == "floats":
        return _sized(field.number, np.asarray(values, "<f4").tobytes())
    low, high = min(values), max(values)
    if low < -(1 << 63) or high >= 1 << 63:
        raise ValueError(f"{low if low < -(1 << 63) else high} does not fit an int64")
    return _sized(field.number, b"".join(_varint(int(v)) for v in values))


class BytesList(Message):
    """A list `value` of bytes."""

    FIELDS: ClassVar = {"value": Field(1, "bytes")}


class FloatList(Message):
    """A list `value` of float32."""

    FIELDS: ClassVar = {"value": Field(1, "floats")}


class Int64List(Message):
    """A list `value` of int64."""

    FIELDS: ClassVar = {"value": Field(1, "integers")}


class Feature(Message):
    """One of `bytes_list`, `float_list` and `int64_list`; `WhichOneof("kind")` says which."""

    FIELDS: ClassVar = {
        "bytes_list": Field(1, "message", BytesList),
        "float_list": Field(2, "message", FloatList),
        "int64_list": Field(3, "message", Int64List),
    }
    ONEOF: ClassVar = "kind"


class Features(Message):
    """A map `feature` from names to Feature."""

    FIELDS: ClassVar = {"feature": Field(1, "map", Feature)}


class FeatureList(Message):
    """A list `feature` of Feature."""

    FIELDS: ClassVar = {"feature": Field(1, "messages", Feature)}


class FeatureLists(Message):
    """A map `feature_list` from names to FeatureList."""

    FIELDS: ClassVar = {"feature_list": Field(1, "map", FeatureList)}


class Example(Message):
    """The `features` of one example."""

    FIELDS: ClassVar = {"features": Field(1, "message", Features)}


class SequenceExample(Message):
    """The `context` of a sequence, which are Features, and its `feature_lists`, an element for each step."""

    FIELDS: ClassVar = {
        "context": Field(1, "message", Features),
        "feature_lists": Field(2, "message", FeatureLists),
    }


__all__ = [
    "BytesList",
    "Example",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Features",
    "Field",
    "FloatList",
    "Int64List",
    "Message",
    "SequenceExample",
]
