"""Functions of texts under TensorFlow 1's short names: `tf.strings`."""

from __future__ import annotations

from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import string
from samara.graph.sparse.tensor import SparseTensor
from samara.graph.vocabulary.files import string_to_number as to_number
from samara.graph.vocabulary.texts import as_string, reduce_join, regex_full_match, regex_replace, substr
from samara.graph.vocabulary.texts import string_join as join
from samara.graph.vocabulary.texts import string_length as length
from samara.graph.vocabulary.texts import string_lower as lower
from samara.graph.vocabulary.texts import string_strip as strip
from samara.graph.vocabulary.texts import string_to_hash_bucket_fast as to_hash_bucket_fast
from samara.graph.vocabulary.texts import string_to_hash_bucket_strong as to_hash_bucket_strong
from samara.graph.vocabulary.texts import string_upper as upper


def split(
    input: Any = None,
    sep: Any = None,
    maxsplit: int = -1,
    result_type: str = "SparseTensor",
    source: Any = None,
    name: str | None = None,
) -> SparseTensor:
    """The pieces of each text of a list, as Python's `split` gives them: cut at `sep`, or at white space.

    Args:
        input: texts [n].
        sep: what separates, as a whole; white space when None or "".
        maxsplit: how often a text is cut at most; -1 for any.
        result_type: "SparseTensor".
        source: another name of `input`.
        name: of the operation.

    Raises:
        ValueError: another `result_type`.
    """
    if result_type != "SparseTensor":
        raise ValueError(f"result_type is {result_type!r}: only 'SparseTensor' is supported")
    texts = convert_to_tensor(source if input is None else input, string)
    b = texts.graph.b
    if texts.shape == ():
        texts = b.expand_dims(texts, axis=0)
    separator = (sep or "").encode() if isinstance(sep or "", str) else bytes(sep)
    return SparseTensor(
        *b.string_split(texts, separator=separator, how="whole", maxsplit=maxsplit, name=name)
    )


__all__ = [
    "as_string",
    "join",
    "length",
    "lower",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "split",
    "strip",
    "substr",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
    "to_number",
    "upper",
]
