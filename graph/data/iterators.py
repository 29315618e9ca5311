"""Places in data sets: where the next element comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.graph import dims
from samara.graph.convert import convert_to_tensor
from samara.graph.data import nest
from samara.graph.dtypes import DType, as_dtype, string
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.shapes import TensorShape


class Iterator:
    """A place in a data set, which lives in the session.

    `Dataset.make_one_shot_iterator` and `make_initializable_iterator`, `from_structure` and `from_string_handle` make
    them.

    Attributes:
        output_types: the element types of an element, in its structure.
        output_shapes: the shapes.
    """

    def __init__(
        self,
        handle: Tensor,
        structure: Any,
        types: Sequence[DType],
        shapes: Sequence[Any],
        initializer: Operation | None = None,
        whose: str = "a one-shot iterator",
    ) -> None:
        self._handle = handle
        self._structure = structure
        self._types, self._shapes = list(types), list(shapes)
        self._initializer = initializer
        self._whose = whose

    @staticmethod
    def from_structure(
        output_types: Any,
        output_shapes: Any = None,
        shared_name: str | None = None,
        output_classes: Any = None,
    ) -> Iterator:
        """A place in any data set of a structure; `make_initializer` goes to the beginning of one.

        Args:
            output_types: the element types of an element, in its structure.
            output_shapes: the shapes; None where they are not known.
            shared_name: iterators with the same one are one in the session.
            output_classes: has no meaning here: all components are tensors.

        Raises:
            TypeError: types and shapes differ in structure.
        """
        structure, types, shapes = described(output_types, output_shapes)
        graph = get_default_graph()
        with graph.device("/cpu:0"):
            handle = graph.b.iterator(shared_name=shared_name or "", name="Iterator")
        return Iterator(handle, structure, types, shapes, whose="an iterator of a structure")

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator that a text names in a run: what another one's `string_handle()` gave.

        Args:
            string_handle: a scalar of texts, such as a placeholder.
            output_types: the element types of an element, in its structure.
            output_shapes: the shapes; None where they are not known.
            output_classes: has no meaning here.

        Raises:
            TypeError: types and shapes differ in structure.
        """
        structure, types, shapes = described(output_types, output_shapes)
        handle = convert_to_tensor(string_handle, string)
        return Iterator(handle, structure, types, shapes, whose="an iterator of a handle")

    @property
    def initializer(self) -> Operation:
        """The operation that goes to the beginning of the data set.

        Raises:
            ValueError: it is not one of `make_initializable_iterator`.
        """
        if self._initializer is None:
            raise ValueError(
                f"{self._whose} has no initializer: use make_initializable_iterator, or make_initializer(dataset) of "
                "an iterator of a structure"
            )
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Operation:
        """An operation that goes to the beginning of a data set.

        Raises:
            TypeError: its elements have another structure, or other element types or shapes.
        """
        same = dataset._types == self._types and nest.count(dataset._structure) == len(self._types)
        if not same or not all(_fits(s, t) for s, t in zip(self._shapes, dataset._shapes, strict=True)):
            raise TypeError(
                f"the data set has elements of {dataset.output_types} {dataset.output_shapes}, the iterator of "
                f"{self.output_types} {self.output_shapes}"
            )
        graph = get_default_graph()
        with graph.device("/cpu:0"):
            made: Operation = graph.b.start_iterator(
                dataset._tensor, self._handle, name=name or "make_initializer"
            )
        return made

    def get_next(self, name: str | None = None) -> Any:
        """The next element: a run that needs any of its tensors takes one.

        At the end of the data set such a run ends with OutOfRangeError.
        """
        graph = get_default_graph()
        attributes = {"dtypes": tuple(self._types), "shapes": tuple(self._shapes)}
        with graph.device("/cpu:0"):
            made = graph.apply("next_element", [self._handle], attributes, name=name or "IteratorGetNext")
        return nest.pack(self._structure, iter(made.outputs))

    def string_handle(self, name: str | None = None) -> Tensor:
        """A scalar of texts that names it, for `from_string_handle`."""
        return self._handle

    @property
    def output_types(self) -> Any:
        """The element types of an element, in its structure."""
        return nest.types(self._structure, self._types)

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element, in its structure."""
        return nest.shapes(self._structure, self._shapes)

    @property
    def output_classes(self) -> Any:
        """`Tensor` or `SparseTensor` for each component of an element."""
        return nest.classes(self._structure)


def described(types: Any, shapes: Any, what: str = "output_shapes") -> tuple[Any, list[DType], list[Any]]:
    """A structure of element types, and the shapes in the same one."""
    leaves: list[Any] = []
    structure = nest.flatten(types, leaves)
    kinds = [as_dtype(t) for t in leaves]
    if shapes is None:
        return structure, kinds, [None] * len(kinds)
    return structure, kinds, nest.like(structure, shapes, as_shape, what)


def as_shape(shape: Any) -> Any:
    """A shape as a tuple whose sizes are numbers or None; None when not even the rank is known."""
    if shape is None or TensorShape(shape).ndims is None:
        return None
    return tuple(int(d) if isinstance(d, int) else None for d in TensorShape(shape))


def _fits(wanted: Any, found: Any) -> bool:
    if wanted is None:
        return True
    if found is None:
        return False
    return len(wanted) == len(found) and all(a is None or a == b for a, b in zip(wanted, found, strict=True))


def text_of(shapes: Sequence[Any]) -> str:
    """Shapes for messages."""
    return ", ".join(dims.text(None if s is None else tuple(TensorShape(s))) for s in shapes)


__all__ = ["Iterator", "as_shape", "described", "text_of"]
