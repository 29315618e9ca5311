"""Shapes as TensorFlow 1 programs handle them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from samara.errors import ShapeError
from samara.graph import dims
from samara.graph.dims import Shape


class Dimension(int):
    """A size that is a number; `value` gives it, as the programs of the time ask for it."""

    @property
    def value(self) -> int:
        """The number."""
        return int(self)


class TensorShape(tuple[Any, ...]):
    """A shape: a tuple of sizes, each a number or a `Dim`.

    Args:
        sizes: numbers, None where a size is not known, and Dims; None when not even the rank is known.
    """

    def __new__(cls, sizes: Iterable[Any] | int | None = ()) -> TensorShape:
        """Makes a shape of numbers, Nones and Dims; an UnknownShape of None."""
        if sizes is None:
            return super().__new__(UnknownShape)
        if isinstance(sizes, TensorShape):
            return sizes
        listed = [sizes] if isinstance(sizes, (int, dims.Dim)) else sizes
        counted = (dims.as_dimension(d) for d in listed)
        return super().__new__(cls, [Dimension(d) if isinstance(d, int) else d for d in counted])

    @property
    def ndims(self) -> int | None:
        """The rank; None when it is not known."""
        return len(self)

    @property
    def rank(self) -> int | None:
        """The rank; None when it is not known."""
        return self.ndims

    @property
    def dims(self) -> list[Any] | None:
        """The sizes; None when not even the rank is known."""
        return list(self)

    def as_list(self) -> list[int | None]:
        """The sizes, None where one is not a plain number.

        Raises:
            ValueError: not even the rank is known.
        """
        return [int(d) if isinstance(d, int) else None for d in self]

    def num_elements(self) -> int | None:
        """The number of elements, or None when it is not a plain number."""
        count = dims.product(self)
        return int(count) if isinstance(count, int) else None

    def is_fully_defined(self) -> bool:
        """Whether all sizes are numbers."""
        return all(isinstance(d, int) for d in self)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one tensor could have both shapes."""
        other = TensorShape(other)
        if self.ndims is None or other.ndims is None:
            return True
        return len(self) == len(other) and all(
            dims.merge(a, b) is not None for a, b in zip(self, other, strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """Refuses a shape that no tensor could have together with this one; raises ShapeError."""
        if not self.is_compatible_with(other):
            raise ShapeError(f"shapes {self} and {TensorShape(other)} contradict each other")

    def merge_with(self, other: Any) -> TensorShape:
        """What both say together; raises ShapeError where they contradict each other."""
        self.assert_is_compatible_with(other)
        other = TensorShape(other)
        if self.ndims is None or other.ndims is None:
            return other if self.ndims is None else self
        return TensorShape([dims.merge(a, b) for a, b in zip(self, other, strict=True)])

    def concatenate(self, other: Any) -> TensorShape:
        """The sizes of both, one after the other."""
        other = TensorShape(other)
        if self.ndims is None or other.ndims is None:
            return TensorShape(None)
        return TensorShape([*self, *other])

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, which must have that rank; raises ShapeError."""
        if self.ndims is None:
            return TensorShape([None] * rank)
        if len(self) != rank:
            raise ShapeError(f"shape {self} has rank {len(self)}, expected {rank}")
        return self

    def assert_has_rank(self, rank: int) -> None:
        """Refuses another rank; raises ShapeError."""
        self.with_rank(rank)

    def assert_is_fully_defined(self) -> None:
        """Refuses sizes that are not numbers; raises ShapeError."""
        if not self.is_fully_defined():
            raise ShapeError(f"shape {self} is not known in full")

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> TensorShape:
        return TensorShape([*self, *other])

    def __reduce__(self) -> Any:
        return TensorShape, (None if self.ndims is None else tuple(self),)

    def __repr__(self) -> str:
        return f"({', '.join(map(str, self))}{',' if len(self) == 1 else ''})"


class UnknownShape(TensorShape):
    """The shape of a tensor of which not even the rank is known."""

    @property
    def ndims(self) -> int | None:
        """None."""
        return None

    @property
    def dims(self) -> list[Any] | None:
        """None."""
        return None

    def as_list(self) -> list[int | None]:
        """Raises ValueError: there is nothing to list."""
        raise ValueError("as_list() is not defined on a shape of unknown rank")

    def num_elements(self) -> int | None:
        """None."""
        return None

    def is_fully_defined(self) -> bool:
        """False."""
        return False

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return "<unknown>"


def known(shape: Shape | None) -> TensorShape | None:
    """A tensor's shape as it keeps it: None when not even the rank is known."""
    if shape is None or isinstance(shape, TensorShape):
        return shape
    return TensorShape(shape)
