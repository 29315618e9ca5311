"""Data sets: what a program trains on, made of arrays, files or a generator, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.errors import InvalidArgumentError
from samara.graph.control import inlined, traced
from samara.graph.convert import convert_to_tensor
from samara.graph.data import nest
from samara.graph.data.iterators import Iterator, as_shape, described
from samara.graph.dtypes import DType, int64, string
from samara.graph.graph import Body, Graph, Tensor, as_array, get_default_graph
from samara.graph.records.framing import TFRecordOptions
from samara.graph.rewrite import needed, with_bodies
from samara.graph.shapes import TensorShape


class Dataset:
    """Elements, each a tensor or a tuple or dict of tensors, that are made one by one when they are asked for.

    `from_tensor_slices` and its sisters make one; the other methods give a new one, and leave this as it is.

    Attributes:
        output_types: the element types of an element, in its structure.
        output_shapes: the shapes.
    """

    def __init__(
        self,
        kind: str,
        inputs: Sequence[Any],
        structure: Any,
        types: Sequence[DType],
        shapes: Sequence[Any],
        name: str | None = None,
        **attributes: Any,
    ) -> None:
        graph = get_default_graph()
        with graph.device("/cpu:0"):
            op = graph.apply(
                "dataset", [list(inputs)], {"kind": kind, **attributes}, name=name or f"dataset_{kind}"
            )
        self._tensor: Tensor = op.outputs[0]
        self._structure = structure
        self._types = list(types)
        self._shapes = [as_shape(s) for s in shapes]

    # Made of something else ----------------------------------------------------------------------------------

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element."""
        leaves: list[Any] = []
        structure = nest.flatten(tensors, leaves)
        given = [convert_to_tensor(v) for v in leaves]
        return Dataset("tensors", given, structure, [t.dtype for t in given], [t.shape for t in given])

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The slices of tensors along their first axis.

        Raises:
            ValueError: the first sizes differ, or a tensor has no axis.
        """
        leaves: list[Any] = []
        structure = nest.flatten(tensors, leaves)
        if nest.has_sparse(structure):
            raise TypeError(
                "from_tensor_slices: a SparseTensor has no slices here: from_tensors takes it as a whole"
            )
        given = [convert_to_tensor(v) for v in leaves]
        counts = set()
        for tensor in given:
            if tensor.shape == ():
                raise ValueError(f"from_tensor_slices: {tensor.name} is a scalar, which has no slices")
            if tensor.shape is not None and isinstance(tensor.shape[0], int):
                counts.add(int(tensor.shape[0]))
        if len(counts) > 1:
            raise ValueError(
                f"from_tensor_slices: the first sizes {sorted(counts)} differ: they are the number of elements"
            )
        shapes = [None if t.shape is None else t.shape[1:] for t in given]
        return Dataset("slices", given, structure, [t.dtype for t in given], shapes)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any, output_shapes: Any = None, args: Any = None
    ) -> Dataset:
        """What a function's iterator gives.

        Args:
            generator: gives an iterable when it is called, each time the data set is gone through.
            output_types: the element types of an element, in its structure.
            output_shapes: the shapes; None where they are not known.
            args: tensors whose values, as arrays, the function is called with.

        Raises:
            TypeError: the generator cannot be called, or types and shapes differ in structure.
            InvalidArgumentError: in a run: an element does not fit types or shapes.
        """
        if not callable(generator):
            raise TypeError(
                "from_generator: generator must be a function that gives an iterator: give it uncalled"
            )
        structure, types, shapes = described(output_types, output_shapes)

        def elements(*given: Any) -> Any:
            for value in generator(*given):
                yield _checked(structure, types, shapes, value)

        inputs = [convert_to_tensor(a) for a in (args or ())]
        return Dataset("generator", inputs, structure, types, shapes, function=elements)

    @staticmethod
    def range(*args: Any) -> Dataset:
        """The numbers start, start + step, ... below stop; `range(stop)` starts at 0."""
        start, stop, step = {1: (0, *args, 1), 2: (*args, 1), 3: args}[len(args)]
        inputs = [_int64(v) for v in (start, stop, step)]
        return Dataset("range", inputs, None, [int64], [()])

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: int | None = None) -> Dataset:
        """The names of files that fit one or more patterns; in random order unless `shuffle` is False."""
        patterns = convert_to_tensor(file_pattern, string)
        found = Dataset("files", [patterns], None, [string], [()])
        return found if shuffle is False else found.shuffle(1 << 20, seed)

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """An element of each, in the structure in which the data sets are given, as long as all have one."""
        leaves: list[Any] = []
        outer = nest.flatten(datasets, leaves)
        for one in leaves:
            if not isinstance(one, Dataset):
                raise TypeError(f"zip: {one!r} is no Dataset: give a tuple or a dict of them")
        structure = nest.within(outer, iter([d._structure for d in leaves]))
        types = [t for d in leaves for t in d._types]
        shapes = [s for d in leaves for s in d._shapes]
        return Dataset("zip", [d._tensor for d in leaves], structure, types, shapes)

    # The same elements, in another order or number -----------------------------------------------------------

    def _only_dense(self, what: str) -> None:
        if nest.has_sparse(self._structure):
            raise TypeError(
                f"{what}: elements with sparse tensors are neither stacked nor cut: batch the texts first, and map "
                "parse_example over the batches"
            )

    def _same(self, kind: str, *inputs: Any, **attributes: Any) -> Dataset:
        return Dataset(
            kind, [self._tensor, *inputs], self._structure, self._types, self._shapes, **attributes
        )

    def repeat(self, count: Any = None) -> Dataset:
        """All elements `count` times; for ever when it is None or -1."""
        return self._same("repeat", _int64(-1 if count is None else count))

    def take(self, count: Any) -> Dataset:
        """The first elements; all when `count` is -1."""
        return self._same("take", _int64(count))

    def skip(self, count: Any) -> Dataset:
        """All but the first elements; none when `count` is -1."""
        return self._same("skip", _int64(count))

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """One part of several: every element whose number divided by num_shards leaves `index`."""
        return self._same("shard", _int64(num_shards), _int64(index))

    def shuffle(
        self, buffer_size: Any, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> Dataset:
        """Random order: each element is drawn from the next `buffer_size` ones.

        Args:
            buffer_size: how many are held; the number of elements for all orders to be as likely.
            seed: seeds the order, beside the graph's seed.
            reshuffle_each_iteration: whether the order is another one each time; None for yes.
        """
        return self._same(
            "shuffle",
            _int64(buffer_size),
            seed=-1 if seed is None else int(seed),
            again=reshuffle_each_iteration is not False,
        )

    def prefetch(self, buffer_size: Any) -> Dataset:
        """The same elements, which a thread makes before they are asked for; -1 leaves it how many."""
        return self._same("prefetch", _int64(buffer_size))

    def cache(self, filename: str = "") -> Dataset:
        """The same elements, which are made only once and kept in memory.

        Raises:
            ValueError: a file is named.
        """
        if filename:
            raise ValueError("cache: elements are kept in memory: leave filename out")
        return self._same("cache")

    def concatenate(self, dataset: Dataset) -> Dataset:
        """These elements, then those of another data set.

        Raises:
            TypeError: its elements have another structure or other element types.
        """
        if dataset._types != self._types or nest.count(dataset._structure) != nest.count(self._structure):
            raise TypeError(
                f"concatenate: elements of {self.output_types} and of {dataset.output_types} do not go together"
            )
        shapes = [_common(a, b) for a, b in zip(self._shapes, dataset._shapes, strict=True)]
        inputs = [self._tensor, dataset._tensor]
        return Dataset("concatenate", inputs, self._structure, self._types, shapes)

    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs of a number, from `start` on, and an element."""
        return Dataset.zip((Dataset.range(start, np.iinfo(np.int64).max), self))

    # Elements put together -----------------------------------------------------------------------------------

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> Dataset:
        """Elements stacked along a new first axis, `batch_size` at a time.

        Args:
            batch_size: how many.
            drop_remainder: whether the last ones are left out when they are fewer.
        """
        self._only_dense("batch")
        first = _first_size(batch_size, drop_remainder)
        shapes = [None if s is None else (first, *s) for s in self._shapes]
        inputs = [self._tensor, _int64(batch_size), convert_to_tensor(drop_remainder)]
        return Dataset("batch", inputs, self._structure, self._types, shapes)

    def padded_batch(
        self,
        batch_size: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: Any = False,
    ) -> Dataset:
        """Elements of different sizes, filled up and stacked.

        Args:
            batch_size: how many.
            padded_shapes: the shapes to which components are filled up, in the structure of an element; None, or -1,
                for a size is the largest of the batch. The known sizes when None.
            padding_values: what they are filled up with, in the structure of an element; zeros, or empty texts, when
                None.
            drop_remainder: whether the last ones are left out when they are fewer.

        Raises:
            TypeError: shapes or values have another structure.
            ValueError: a rank is not known, or not that of the components.
        """
        self._only_dense("padded_batch")
        if padded_shapes is None:
            wanted = list(self._shapes)
        else:
            wanted = nest.like(self._structure, padded_shapes, _padded_shape, "padded_shapes")
        for number, (shape, own) in enumerate(zip(wanted, self._shapes, strict=True)):
            if shape is None or (own is not None and len(own) != len(shape)):
                raise ValueError(
                    f"padded_batch: component {number} of shape {TensorShape(own)} cannot be filled up to {shape}"
                )
        if padding_values is None:
            values = [b"" if t is string else np.zeros((), t.numpy) for t in self._types]
        else:
            values = nest.like(self._structure, padding_values, lambda v: v, "padding_values")
        filling = [convert_to_tensor(v, t) for v, t in zip(values, self._types, strict=True)]
        first = _first_size(batch_size, drop_remainder)
        return Dataset(
            "padded_batch",
            [self._tensor, _int64(batch_size), convert_to_tensor(drop_remainder), *filling],
            self._structure,
            self._types,
            [(first, *s) for s in wanted],
            padded_shapes=tuple(wanted),
        )

    def unbatch(self) -> Dataset:
        """The slices of the elements along their first axes."""
        self._only_dense("unbatch")
        shapes = [None if s is None else s[1:] for s in self._shapes]
        return Dataset("unbatch", [self._tensor], self._structure, self._types, shapes)

    # What functions make of them -----------------------------------------------------------------------------

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """What a function gives for each element.

        Args:
            map_func: called once, with tensors that stand for an element: the parts of a tuple are its arguments.
                What it draws by chance is drawn anew for each element.
            num_parallel_calls: has no meaning here.
        """
        body, taken, structure = self._traced(map_func)
        return Dataset(
            "map",
            [self._tensor, *taken],
            structure,
            [t.dtype for t in body.outputs],
            [t.shape for t in body.outputs],
            body=body,
        )

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which a function gives True.

        Raises:
            TypeError: it gives something else than a bool.
        """
        body, taken, _ = self._traced(predicate)
        (kept,) = body.outputs
        if kept.dtype.name != "bool" or kept.shape not in ((), None):
            raise TypeError(
                f"filter: predicate must give a bool scalar, not {kept.dtype.name} {kept.get_shape()}"
            )
        return self._same("filter", *taken, body=body)

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """The elements of the data sets that a function gives, one data set after the other."""
        return self.interleave(map_func, 1)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = 1,
        block_length: Any = 1,
        num_parallel_calls: Any = None,
    ) -> Dataset:
        """The elements of the data sets that a function gives, in turn.

        Args:
            map_func: called once, with tensors that stand for an element; gives a Dataset.
            cycle_length: from how many data sets at a time.
            block_length: how many elements of each in a row.
            num_parallel_calls: has no meaning here.

        Raises:
            TypeError: the function gives something else.
        """
        made: list[Dataset] = []

        def function(*element: Any) -> Tensor:
            found = map_func(*element)
            if not isinstance(found, Dataset):
                raise TypeError(f"the function must give a Dataset for an element, not {found!r}")
            made.append(found)
            return found._tensor

        body, taken, _ = self._traced(function)
        inner = made[0]
        return Dataset(
            "interleave",
            [self._tensor, _int64(cycle_length), _int64(block_length), *taken],
            inner._structure,
            inner._types,
            inner._shapes,
            body=body,
        )

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """What a function of the data set gives."""
        return transformation_func(self)

    def _traced(self, function: Callable[..., Any]) -> tuple[Body, list[Tensor], Any]:
        """The body that a function makes for an element, what it takes beside, and the structure of what it gives."""
        structures: list[Any] = []

        def flat(*leaves: Tensor) -> list[Any]:
            element = nest.pack(self._structure, iter(leaves))
            found = function(*element) if isinstance(element, tuple) else function(element)
            # A list is what operations of several outputs give.
            made: list[Any] = []
            structures.append(nest.flatten(tuple(found) if isinstance(found, list) else found, made))
            return [convert_to_tensor(v) for v in made]

        graph = get_default_graph()
        body, taken = traced(graph, flat, list(zip(self._types, self._shapes, strict=True)))
        return body, taken, structures[0]

    # Going through -------------------------------------------------------------------------------------------

    def make_one_shot_iterator(self) -> Iterator:
        """A place at the beginning, which needs no initializer.

        Raises:
            ValueError: the data set depends on a placeholder.
        """
        for op in with_bodies(needed([self._tensor])):
            if op.type == "placeholder" and op.graph is self._tensor.graph:
                raise ValueError(
                    f"the data set depends on the placeholder {op.name!r}: use make_initializable_iterator, and feed "
                    "it when the initializer runs"
                )
        graph = get_default_graph()
        inner = Graph()
        inner.seed = graph.seed
        with inner.as_default():
            outputs = inlined(inner, Body(self._tensor.graph, (), (self._tensor,)), [])
        inner.finalize()
        with graph.device("/cpu:0"):
            op = graph.apply(
                "one_shot_iterator", [[]], {"body": Body(inner, (), tuple(outputs))}, name="OneShotIterator"
            )
        return Iterator(op.outputs[0], self._structure, self._types, self._shapes)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """A place that running its `initializer` puts at the beginning, as often as that runs."""
        graph = get_default_graph()
        with graph.device("/cpu:0"):
            handle = graph.b.iterator(shared_name=shared_name or "", name="Iterator")
            initializer = graph.b.start_iterator(self._tensor, handle, name="MakeIterator")
        return Iterator(handle, self._structure, self._types, self._shapes, initializer)

    def __iter__(self) -> Any:
        raise RuntimeError(
            "a data set is gone through by runs of a session: use make_one_shot_iterator().get_next()"
        )

    def options(self) -> None:
        """None: there are none."""

    def with_options(self, options: Any) -> Dataset:
        """Itself: options change nothing."""
        return self

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

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.output_types} {self.output_shapes}>"


class TextLineDataset(Dataset):
    """The lines of files, without their ends.

    Args:
        filenames: a text, or several.
        compression_type: not supported; None or "".
        buffer_size: has no meaning here.
        num_parallel_reads: has no meaning here.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        _refuse_compression(compression_type)
        super().__init__("lines", [convert_to_tensor(filenames, string)], None, [string], [()])


class FixedLengthRecordDataset(Dataset):
    """Records of one length of files.

    Args:
        filenames: a text, or several.
        record_bytes: the length.
        header_bytes: bytes that each file begins with and that are left out.
        footer_bytes: bytes that each file ends with and that are left out.
        buffer_size: has no meaning here.
        compression_type: not supported; None or "".
        num_parallel_reads: has no meaning here.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: str | None = None,
        num_parallel_reads: Any = None,
    ) -> None:
        _refuse_compression(compression_type)
        numbers = [_int64(v or 0) for v in (record_bytes, header_bytes, footer_bytes)]
        super().__init__(
            "fixed_lengths", [convert_to_tensor(filenames, string), *numbers], None, [string], [()]
        )


class TFRecordDataset(Dataset):
    """The records of TFRecord files.

    Args:
        filenames: a text, or several.
        compression_type: None or "", "ZLIB" or "GZIP".
        buffer_size: has no meaning here.
        num_parallel_reads: has no meaning here.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        kind = TFRecordOptions(compression_type).compression_type
        texts = [convert_to_tensor(v, string) for v in (filenames, kind)]
        super().__init__("records", texts, None, [string], [()])


def _refuse_compression(kind: Any) -> None:
    if kind:
        raise ValueError(f"files of compression {kind!r} are not read: decompress them first")


def _int64(value: Any) -> Tensor:
    if hasattr(value, "as_graph_tensor"):
        tensor: Tensor = value.as_graph_tensor()
        cast: Tensor = tensor if tensor.dtype is int64 else tensor.graph.b.cast(tensor, dtype=int64)
        return cast
    if isinstance(value, bool) or int(value) != value:
        raise TypeError(f"{value!r} is no whole number")
    return convert_to_tensor(np.int64(value))


def _first_size(batch_size: Any, drop_remainder: Any) -> int | None:
    known = not hasattr(batch_size, "as_graph_tensor") and not hasattr(drop_remainder, "as_graph_tensor")
    return int(batch_size) if known and drop_remainder else None


def _padded_shape(shape: Any) -> Any:
    if hasattr(shape, "as_graph_tensor"):
        raise TypeError("padded_shapes must be numbers, or None, not tensors")
    listed = as_shape(shape)
    return None if listed is None else tuple(None if d is None or d < 0 else d for d in listed)


def _common(a: Any, b: Any) -> Any:
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))


def _checked(structure: Any, types: Sequence[DType], shapes: Sequence[Any], value: Any) -> tuple[Any, ...]:
    """An element of a generator as arrays."""
    try:
        leaves = nest.like(structure, value, lambda v: v, "an element of the generator")
        made = tuple(as_array(_cast(v, t), t) for v, t in zip(leaves, types, strict=True))
    except TypeError as error:
        raise InvalidArgumentError(f"from_generator: {error}") from None
    for number, (array, shape) in enumerate(zip(made, shapes, strict=True)):
        fits = shape is None or (
            len(shape) == array.ndim
            and all(d is None or d == n for d, n in zip(shape, array.shape, strict=True))
        )
        if not fits:
            raise InvalidArgumentError(
                f"from_generator: component {number} of an element has shape {list(array.shape)}, output_shapes say "
                f"{TensorShape(shape)}"
            )
    return made


def _cast(value: Any, dtype: DType) -> Any:
    """An array or a number of another precision of the same kind."""
    if dtype is string:
        return value
    array = np.asarray(value)
    same = array.dtype.kind == dtype.numpy.kind or (array.dtype.kind in "iu" and dtype.numpy.kind in "iuf")
    return array.astype(dtype.numpy) if same else value


__all__ = ["Dataset", "FixedLengthRecordDataset", "TFRecordDataset", "TextLineDataset"]
