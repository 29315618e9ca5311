"""Tables from keys to values, which live in a session: `tf.lookup` and `tf.contrib.lookup`.

A table is filled by `tf.tables_initializer()`, in every session once.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.graph.collections import GraphKeys
from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import DType, as_dtype, int64, string
from samara.graph.graph import Operation, Tensor, get_default_graph
from samara.graph.ops.lookup import LINE_NUMBER, WHOLE_LINE
from samara.graph.vocabulary.texts import (
    as_string,
    string_to_hash_bucket_fast,
    string_to_hash_bucket_strong,
)

HasherSpec = namedtuple("HasherSpec", ["hasher", "key"])
HasherSpec.__doc__ = "How keys that a table has not share its buckets out."

FastHashSpec = HasherSpec("fasthash", None)


def StrongHashSpec(key: Sequence[int]) -> HasherSpec:  # noqa: N802
    """SipHash with a key of two numbers.

    Raises:
        ValueError: the key has not two numbers.
    """
    if len(key) != 2:
        raise ValueError(f"StrongHashSpec: the key {list(key)} must be two numbers")
    return HasherSpec("stronghash", tuple(key))


class TextFileIndex:
    """What of a line of a file is a key or a value, beside the number of a column."""

    WHOLE_LINE = WHOLE_LINE
    LINE_NUMBER = LINE_NUMBER


class KeyValueTensorInitializer:
    """Fills a table with keys and values.

    Args:
        keys: texts or int64, a list.
        values: as many.
        key_dtype: that of the keys.
        value_dtype: that of the values.
        name: of the operation.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        self._keys = _as_keys(keys, key_dtype)
        self._values = convert_to_tensor(values, value_dtype)
        self._name = name or "key_value_init"
        self.key_dtype, self.value_dtype = self._keys.dtype, self._values.dtype

    def initialize(self, table: Any) -> Operation:
        """The operation that fills a table."""
        made: Operation = self._keys.graph.b.lookup_insert(
            self._keys, self._values, table=table.table_name, name=self._name
        )
        return made


class TextFileInitializer:
    """Fills a table from the lines of a file.

    Args:
        filename: a text.
        key_dtype: string or int64.
        key_index: the column of the keys; TextFileIndex.WHOLE_LINE, or LINE_NUMBER, which counts from 0.
        value_dtype: the element type of the values.
        value_index: the same of the values.
        vocab_size: how many lines are taken; all when None.
        delimiter: what stands between columns.
        name: of the operation.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
    ) -> None:
        self._filename = convert_to_tensor(filename, string)
        self.key_dtype, self.value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        self._attributes = {
            "key_dtype": self.key_dtype,
            "value_dtype": self.value_dtype,
            "key_index": int(key_index),
            "value_index": int(value_index),
            "vocab_size": -1 if vocab_size is None else int(vocab_size),
            "delimiter": delimiter.encode(),
        }
        self._name = name or "text_file_init"

    def initialize(self, table: Any) -> Operation:
        """The operation that fills a table."""
        made: Operation = self._filename.graph.b.lookup_load(
            self._filename, table=table.table_name, name=self._name, **self._attributes
        )
        return made


def _as_keys(keys: Any, dtype: Any = None) -> Tensor:
    """Keys, of which whole numbers are int64."""
    tensor = convert_to_tensor(keys, dtype)
    if not tensor.dtype.is_integer or tensor.dtype is int64:
        return tensor
    cast: Tensor = tensor.graph.b.cast(tensor, dtype=int64)
    return cast


class _Table:
    """What tables have in common."""

    _once = True

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any, name: str) -> None:
        self.key_dtype: DType = as_dtype(key_dtype)
        self.value_dtype: DType = as_dtype(value_dtype)
        self.graph = get_default_graph()
        self.table_name = self.graph.unique_name(name)
        self.default_value = convert_to_tensor(default_value, self.value_dtype)

    @property
    def name(self) -> str:
        """Its name."""
        return self.table_name

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values at keys, the default where there is none; of a SparseTensor a SparseTensor.

        Raises:
            FailedPreconditionError: in a run: the table is not initialized.
            TypeError: the keys are of another element type.
        """
        if hasattr(keys, "with_values"):
            return keys.with_values(self.lookup(keys.values, name))
        given = _as_keys(keys)
        if given.dtype is not self.key_dtype:
            raise TypeError(
                f"table {self.table_name!r} has keys of {self.key_dtype.name}, {given.name} is {given.dtype.name}"
            )
        return given.graph.b.lookup_find(
            given,
            self.default_value,
            table=self.table_name,
            once=self._once,
            name=name or f"{self.table_name}_Lookup",
        )

    def size(self, name: str | None = None) -> Tensor:
        """How many keys it has, int64."""
        found: Tensor = self.graph.b.lookup_size(table=self.table_name, once=self._once, name=name)
        return found

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """Its keys and values, in the order in which they came."""
        keys, values = self.graph.b.lookup_export(
            table=self.table_name,
            once=self._once,
            key_dtype=self.key_dtype,
            value_dtype=self.value_dtype,
            name=name,
        )
        return keys, values


class StaticHashTable(_Table):
    """A table that `tf.tables_initializer()` fills.

    Args:
        initializer: a KeyValueTensorInitializer or a TextFileInitializer.
        default_value: the value of a key that is not there.
        name: of the table.
    """

    def __init__(self, initializer: Any, default_value: Any, name: str | None = None) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype, default_value, name or "hash_table")
        self.initializer: Operation = initializer.initialize(self)
        self.graph.add_to_collection(GraphKeys.TABLE_INITIALIZERS, self.initializer)

    @property
    def init(self) -> Operation:
        """The operation that fills it."""
        return self.initializer


class HashTable(StaticHashTable):
    """StaticHashTable with the arguments of `tf.contrib.lookup`.

    Args:
        initializer: a KeyValueTensorInitializer or a TextFileInitializer.
        default_value: the value of a key that is not there.
        shared_name: has no meaning here.
        name: of the table.
    """

    def __init__(
        self, initializer: Any, default_value: Any, shared_name: str | None = None, name: str | None = None
    ) -> None:
        super().__init__(initializer, default_value, name)


class MutableHashTable(_Table):
    """A table that is filled while a program runs.

    Args:
        key_dtype: string or int64.
        value_dtype: the element type of the values.
        default_value: the value of a key that is not there.
        shared_name: has no meaning here.
        name: of the table.
        checkpoint: has no meaning here: checkpoints have no tables.
    """

    _once = False

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        shared_name: str | None = None,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
    ) -> None:
        super().__init__(key_dtype, value_dtype, default_value, name)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """The operation that puts values at keys, in place of those that are there."""
        given = _as_keys(keys)
        made: Operation = given.graph.b.lookup_insert(
            given,
            convert_to_tensor(values, None if hasattr(values, "as_graph_tensor") else self.value_dtype),
            table=self.table_name,
            once=False,
            name=name,
        )
        return made


class IdTableWithHashBuckets:
    """A table of numbers, in which keys that are not there share buckets behind them.

    Args:
        table: from keys to int64; None for buckets alone.
        num_oov_buckets: how many there are; 0 for the default of the table.
        hasher_spec: FastHashSpec, or what StrongHashSpec gives.
        name: of the table.
        key_dtype: of the keys; that of the table when None.
    """

    def __init__(
        self,
        table: Any,
        num_oov_buckets: int,
        hasher_spec: HasherSpec = FastHashSpec,
        name: str | None = None,
        key_dtype: Any = None,
    ) -> None:
        if table is None and num_oov_buckets < 1:
            raise ValueError("IdTableWithHashBuckets: there is no table, so there must be a bucket")
        self._table = table
        self._buckets = int(num_oov_buckets)
        self._hasher = hasher_spec
        own = string if table is None else table.key_dtype
        self.key_dtype: DType = own if key_dtype is None else as_dtype(key_dtype)
        self.value_dtype = int64
        self.name = name or (table.name if table is not None else "hash_bucket")

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table."""
        if self._table is not None:
            made: Operation = self._table.initializer
            return made
        return get_default_graph().apply("no_op", [])

    init = initializer

    def size(self, name: str | None = None) -> Tensor:
        """How many numbers there are, with those of buckets: int64."""
        if self._table is None:
            return convert_to_tensor(np.int64(self._buckets))
        count = self._table.size()
        made: Tensor = count.graph.b.add(count, np.int64(self._buckets), name=name)
        return made

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The numbers of keys; of a SparseTensor a SparseTensor."""
        if hasattr(keys, "with_values"):
            return keys.with_values(self.lookup(keys.values, name))
        given = _as_keys(keys)
        b = given.graph.b
        if not self._buckets:
            return self._table.lookup(given, name)
        texts = given if given.dtype is string else as_string(given)
        if self._hasher.hasher == "fasthash":
            bucket = string_to_hash_bucket_fast(texts, self._buckets)
        else:
            bucket = string_to_hash_bucket_strong(texts, self._buckets, self._hasher.key)
        if self._table is None:
            return bucket
        found = self._table.lookup(given)
        known = b.not_equal(found, self._table.default_value)
        return b.where(known, found, b.add(bucket, self._table.size()), name=name)


class StaticVocabularyTable(IdTableWithHashBuckets):
    """A table from texts to numbers 0, 1, ..., in which what is not there shares buckets behind them.

    Args:
        initializer: of keys to int64; None for buckets alone.
        num_oov_buckets: how many there are, at least 1.
        lookup_key_dtype: of the keys; that of the initializer when None.
        name: of the table.
    """

    def __init__(
        self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: str | None = None
    ) -> None:
        if num_oov_buckets < 1:
            raise ValueError(
                f"StaticVocabularyTable: num_oov_buckets is {num_oov_buckets}, expected 1 or more"
            )
        table = None if initializer is None else StaticHashTable(initializer, np.int64(-1))
        super().__init__(table, num_oov_buckets, name=name, key_dtype=lookup_key_dtype)


def index_table_from_tensor(
    mapping: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    dtype: Any = string,
    name: str | None = None,
) -> IdTableWithHashBuckets:
    """A table from the elements of a list to their places in it.

    Args:
        mapping: texts, or whole numbers.
        num_oov_buckets: how many numbers behind the places other keys share.
        default_value: the number of other keys when there are no buckets.
        hasher_spec: how they share them.
        dtype: of the keys.
        name: of the table.
    """
    keys = _as_keys(mapping, None if hasattr(mapping, "as_graph_tensor") else as_dtype(dtype))
    b = keys.graph.b
    count = b.shape(keys, output_type=int64)[0]
    places = b.range(np.int64(0), count, np.int64(1))
    table = HashTable(KeyValueTensorInitializer(keys, places), np.int64(default_value), name=name)
    return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec)


def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = string,
    name: str | None = None,
    key_column_index: int = WHOLE_LINE,
    value_column_index: int = LINE_NUMBER,
    delimiter: str = "\t",
) -> IdTableWithHashBuckets:
    """A table from the lines of a file to their numbers; the arguments are those of the functions above."""
    initializer = TextFileInitializer(
        vocabulary_file, key_dtype, key_column_index, int64, value_column_index, vocab_size, delimiter
    )
    table = HashTable(initializer, np.int64(default_value), name=name)
    return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec)


def index_to_string_table_from_tensor(
    mapping: Any, default_value: str = "UNK", name: str | None = None
) -> HashTable:
    """A table from places in a list of texts to the texts, and to `default_value` outside."""
    texts = convert_to_tensor(mapping, string)
    b = texts.graph.b
    count = b.shape(texts, output_type=int64)[0]
    places = b.range(np.int64(0), count, np.int64(1))
    return HashTable(KeyValueTensorInitializer(places, texts), default_value, name=name)


def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: int | None = None,
    default_value: str = "UNK",
    name: str | None = None,
    key_column_index: int = LINE_NUMBER,
    value_column_index: int = WHOLE_LINE,
    delimiter: str = "\t",
) -> HashTable:
    """A table from the numbers of the lines of a file to the lines, and to `default_value` outside."""
    initializer = TextFileInitializer(
        vocabulary_file, int64, key_column_index, string, value_column_index, vocab_size, delimiter
    )
    return HashTable(initializer, default_value, name=name)


__all__ = [
    "FastHashSpec",
    "HashTable",
    "HasherSpec",
    "IdTableWithHashBuckets",
    "KeyValueTensorInitializer",
    "MutableHashTable",
    "StaticHashTable",
    "StaticVocabularyTable",
    "StrongHashSpec",
    "TextFileIndex",
    "TextFileInitializer",
    "index_table_from_file",
    "index_table_from_tensor",
    "index_to_string_table_from_file",
    "index_to_string_table_from_tensor",
]
