"""Files and their contents under the names of later versions: `tf.io`."""

from __future__ import annotations

from samara.graph.platform import gfile
from samara.graph.python_io import (
    TFRecordCompressionType,
    TFRecordOptions,
    TFRecordWriter,
    tf_record_iterator,
)
from samara.graph.train.warm_start import write_graph
from samara.graph.vocabulary.examples import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    parse_example,
    parse_single_example,
)
from samara.graph.vocabulary.files import (
    FixedLengthRecordReader,
    TextLineReader,
    decode_csv,
    decode_raw,
    read_file,
)

__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "FixedLengthRecordReader",
    "SparseFeature",
    "TFRecordCompressionType",
    "TFRecordOptions",
    "TFRecordWriter",
    "TextLineReader",
    "VarLenFeature",
    "decode_csv",
    "decode_raw",
    "gfile",
    "parse_example",
    "parse_single_example",
    "read_file",
    "tf_record_iterator",
    "write_graph",
]
