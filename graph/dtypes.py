"""Element types: one object each, its numpy type and its number in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class DType:
    """An element type.

    `code` is its number in the file and in `smr_dtype`, or None when no device runs it.
    """

    name: str
    code: int | None
    numpy: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def is_floating(self) -> bool:
        """Whether values are floating-point numbers."""
        return self.numpy.kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether values are integers, signed or not."""
        return self.numpy.kind in "iu"

    @property
    def is_bool(self) -> bool:
        """Whether values are true or false."""
        return self.numpy.kind == "b"

    @property
    def base_dtype(self) -> DType:
        """Itself."""
        return self

    @property
    def real_dtype(self) -> DType:
        """Itself."""
        return self

    def is_compatible_with(self, other: Any) -> bool:
        """Whether it is the same element type."""
        return as_dtype(other) is self

    @property
    def max(self) -> Any:
        """The largest number; raises TypeError where there is none."""
        return self._limits().max

    @property
    def min(self) -> Any:
        """The least number; raises TypeError where there is none."""
        return self._limits().min

    def _limits(self) -> Any:
        if self.is_floating:
            return np.finfo(self.numpy)
        if self.is_integer:
            return np.iinfo(self.numpy)
        raise TypeError(f"{self.name} has no least and largest number")

    @property
    def as_numpy_dtype(self) -> type[Any]:
        """The numpy scalar type."""
        return self.numpy.type

    def __repr__(self) -> str:
        return f"samara.{self.name}"


float32 = DType("float32", 1, np.dtype(np.float32))
float16 = DType("float16", 2, np.dtype(np.float16))
int8 = DType("int8", 3, np.dtype(np.int8))
uint8 = DType("uint8", 4, np.dtype(np.uint8))
int16 = DType("int16", 5, np.dtype(np.int16))
int32 = DType("int32", 6, np.dtype(np.int32))
int64 = DType("int64", 7, np.dtype(np.int64))
bool_ = DType("bool", 8, np.dtype(np.bool_))
float64 = DType("float64", None, np.dtype(np.float64))
# Texts, as samara.graph.strings has them; not among ALL, as only few ops take them.
string = DType("string", None, np.dtype(object))

ALL: tuple[DType, ...] = (
    float32,
    float16,
    int8,
    uint8,
    int16,
    int32,
    int64,
    bool_,
    float64,
)
BY_NAME: dict[str, DType] = {d.name: d for d in (*ALL, string)} | {"float": float32, "double": float64}
_BY_NUMPY: dict[np.dtype[Any], DType] = {d.numpy: d for d in (*ALL, string)}

FLOATS: tuple[DType, ...] = (float32, float16, float64)
INTEGERS: tuple[DType, ...] = (int8, uint8, int16, int32, int64)
SIGNED: tuple[DType, ...] = (*FLOATS, int8, int16, int32, int64)
NUMBERS: tuple[DType, ...] = (*FLOATS, *INTEGERS)


def as_dtype(value: DType | str | np.dtype[Any] | type[Any]) -> DType:
    """Turns a name, a numpy dtype or a Python scalar type into a DType.

    Raises:
        TypeError: no element type corresponds to it.
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, str) and value in BY_NAME:
        return BY_NAME[value]
    if value is float:
        return float32
    if value is int:
        return int32
    if value in (str, bytes):
        return string
    try:
        return _BY_NUMPY[np.dtype(value)]
    except (TypeError, KeyError):
        names = ", ".join(d.name for d in ALL)
        raise TypeError(f"{value!r} is not an element type; the element types are {names}") from None
