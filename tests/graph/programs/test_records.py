"""Files of records and the examples in them, against protocol buffers' own library and TensorBoard's reader."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.graph.fingerprints import crc32c
from tests.graph.programs._run import run_on_both

RNG = np.random.default_rng(11)


def numbers(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def words(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def example(**features: tf.train.Feature) -> tf.train.Example:
    return tf.train.Example(features=tf.train.Features(feature=features))


# Messages ------------------------------------------------------------------------------------------------------


def official() -> Any:
    """The messages made by the library of protocol buffers from the published definition of them."""
    pytest.importorskip("google.protobuf")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="example_for_tests.proto", package="t", syntax="proto3")
    types = descriptor_pb2.FieldDescriptorProto
    simple = {"BytesList": types.TYPE_BYTES, "FloatList": types.TYPE_FLOAT, "Int64List": types.TYPE_INT64}
    for name, kind in simple.items():
        file.message_type.add(name=name).field.add(name="value", number=1, label=3, type=kind)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("bytes_list", "float_list", "int64_list"), 1):
        made = name.split("_")[0].capitalize() + "List"
        feature.field.add(name=name, number=number, label=1, type=11, type_name=f".t.{made}", oneof_index=0)
    file.message_type.add(name="FeatureList").field.add(
        name="feature", number=1, label=3, type=11, type_name=".t.Feature"
    )
    for name, field, value in (
        ("Features", "feature", "Feature"),
        ("FeatureLists", "feature_list", "FeatureList"),
    ):
        holder = file.message_type.add(name=name)
        entry = holder.nested_type.add(name="".join(w.capitalize() for w in field.split("_")) + "Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=1, type=9)
        entry.field.add(name="value", number=2, label=1, type=11, type_name=f".t.{value}")
        holder.field.add(name=field, number=1, label=3, type=11, type_name=f".t.{name}.{entry.name}")
    file.message_type.add(name="Example").field.add(
        name="features", number=1, label=1, type=11, type_name=".t.Features"
    )
    sequence = file.message_type.add(name="SequenceExample")
    sequence.field.add(name="context", number=1, label=1, type=11, type_name=".t.Features")
    sequence.field.add(name="feature_lists", number=2, label=1, type=11, type_name=".t.FeatureLists")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}"))


def test_messages_are_those_of_protocol_buffers() -> None:
    library = official()
    ints = [0, 1, -1, 127, 128, -(2**63), 2**63 - 1, *RNG.integers(-(10**12), 10**12, 20).tolist()]
    reals = RNG.normal(size=9).astype(np.float32).tolist()
    ours = example(i=numbers(*ints), f=floats(*reals), b=words(b"", b"\x00\xff", "ü".encode()), e=numbers())
    theirs = library("Example")()
    theirs.features.feature["i"].int64_list.value.extend(ints)
    theirs.features.feature["f"].float_list.value.extend(reals)
    theirs.features.feature["b"].bytes_list.value.extend([b"", b"\x00\xff", "ü".encode()])
    theirs.features.feature["e"].int64_list.SetInParent()
    assert ours.SerializeToString() == theirs.SerializeToString(deterministic=True)
    assert ours.ByteSize() == theirs.ByteSize()
    read = tf.train.Example.FromString(theirs.SerializeToString())
    assert read == ours
    feature = read.features.feature
    assert [feature[k].WhichOneof("kind") for k in "ifbe"] == [
        "int64_list",
        "float_list",
        "bytes_list",
        "int64_list",
    ]
    assert (feature["i"].int64_list.value, feature["f"].float_list.value) == (ints, reals)
    steps = [numbers(1, 2), numbers(), floats(0.5)]
    sequence = tf.train.SequenceExample(
        context=tf.train.Features(feature={"id": numbers(7)}),
        feature_lists=tf.train.FeatureLists(feature_list={"s": tf.train.FeatureList(feature=steps)}),
    )
    other = library("SequenceExample").FromString(sequence.SerializeToString())
    assert list(other.feature_lists.feature_list["s"].feature[0].int64_list.value) == [1, 2]
    assert other.context.feature["id"].int64_list.value[0] == 7
    assert tf.train.SequenceExample.FromString(other.SerializeToString(deterministic=True)) == sequence
    from google.protobuf import text_format

    assert text_format.Parse(repr(ours), library("Example")()) == theirs


def test_messages_are_made_in_place() -> None:
    made = tf.train.Example()
    made.features.feature["a"].int64_list.value.extend([1, 2])
    made.features.feature["a"].int64_list.value.append(3)
    made.features.feature["b"].bytes_list.value.append(b"x")
    assert made == example(a=numbers(1, 2, 3), b=words(b"x"))
    assert "c" not in made.features.feature
    assert made.HasField("features")
    copied = tf.train.Example()
    assert not copied.HasField("features")
    copied.CopyFrom(made)
    assert copied == made != tf.train.Example()
    copied.MergeFrom(example(c=floats(1.5)))
    assert copied.features.feature["c"].float_list.value == [1.5]
    assert copied.ParseFromString(made.SerializeToString()) == made.ByteSize()
    assert copied == made
    # Numbers one by one, as old writers have them.
    unpacked = tf.train.Int64List.FromString(b"\x08\x05\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
    assert unpacked.value == [5, -1]
    with pytest.raises(TypeError, match="the list holds bytes"):
        words("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the list holds whole numbers"):
        numbers(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the list holds numbers"):
        floats("1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no field 'x'"):
        tf.train.Feature(x=1)
    with pytest.raises(AttributeError, match="cannot be assigned"):
        made.features = tf.train.Features()
    with pytest.raises(ValueError, match="does not fit an int64"):
        numbers(2**63).SerializeToString()
    for wrong in (b"\x0a\x05ab", b"\xff\xff", b"\x0b", b"\x08\x01"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="the bytes are no"):
            tf.train.Example.FromString(wrong)


# Files ---------------------------------------------------------------------------------------------------------


def write(path: Path, records: list[bytes], options: Any = None) -> str:
    with tf.python_io.TFRecordWriter(str(path), options) as writer:
        for record in records:
            writer.write(record)
            writer.flush()
    return str(path)


def test_checks_are_those_of_the_standard() -> None:
    # RFC 3720, B.4.
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    for size in (5000, 140001):
        text = RNG.bytes(size)
        remainder = 0xFFFFFFFF
        for byte in text:
            remainder ^= byte
            for _ in range(8):
                remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
        assert crc32c(text) == remainder ^ 0xFFFFFFFF


def test_files_of_records(tmp_path: Path) -> None:
    records = [b"", b"one", RNG.bytes(9000), b"drei"]
    path = write(tmp_path / "plain", records)
    assert list(tf.python_io.tf_record_iterator(path)) == records
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    assert list(loader.RawEventFileLoader(path).Load()) == records
    kinds = tf.python_io.TFRecordCompressionType
    content = Path(path).read_bytes()
    for options, unpack in ((kinds.GZIP, gzip.decompress), ("ZLIB", zlib.decompress)):
        packed = write(tmp_path / str(options), records, tf.python_io.TFRecordOptions(options))
        assert unpack(Path(packed).read_bytes()) == content
        assert list(tf.python_io.tf_record_iterator(packed, tf.python_io.TFRecordOptions(options))) == records
    with pytest.raises(tf.errors.DataLossError, match="not a file compressed with GZIP"):
        list(tf.python_io.tf_record_iterator(path, "GZIP"))
    for place, what in (
        (0, "the length of the record"),
        (13, "is damaged"),
        (len(content) - 1, "is damaged"),
    ):
        damaged = bytearray(content)
        damaged[place if place != 13 else 16 + 12] ^= 1
        (tmp_path / "damaged").write_bytes(bytes(damaged))
        with pytest.raises(tf.errors.DataLossError, match=what):
            list(tf.python_io.tf_record_iterator(str(tmp_path / "damaged")))
    (tmp_path / "short").write_bytes(content[:-3])
    found = tf.python_io.tf_record_iterator(str(tmp_path / "short"))
    assert [next(found) for _ in range(3)] == records[:3]
    with pytest.raises(tf.errors.DataLossError, match="ends within the record"):
        next(found)
    with pytest.raises(tf.errors.NotFoundError, match="is not there"):
        next(tf.python_io.tf_record_iterator(str(tmp_path / "none")))
    with pytest.raises(TypeError, match="a record must be bytes"):
        write(tmp_path / "text", ["x"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="expected '', 'ZLIB' or 'GZIP'"):
        tf.python_io.TFRecordOptions("LZ4")


# Features of examples ------------------------------------------------------------------------------------------


def test_parse_example() -> None:
    texts = [
        example(x=floats(1, 2), n=numbers(5), w=words(b"a", b"b"), i=numbers(3, 0), v=floats(0.5, 0.25)),
        example(x=floats(3, 4), w=words(), s=numbers(1, 2, 3, 4)),
        example(x=floats(5, 6), n=numbers(-7), w=words(b"c"), i=numbers(1), v=floats(2)),
    ]
    serialized = tf.placeholder(tf.string, [None])
    found = tf.parse_example(
        serialized,
        {
            "x": tf.FixedLenFeature([2], tf.float32),
            "n": tf.FixedLenFeature([], tf.int64, default_value=-1),
            "t": tf.FixedLenFeature([2], tf.string, default_value=["p", "q"]),
            "w": tf.VarLenFeature(tf.string),
            "s": tf.FixedLenSequenceFeature([2], tf.int64, allow_missing=True, default_value=9),
            "iv": tf.SparseFeature("i", "v", tf.float32, 4),
            "v": tf.VarLenFeature(tf.float32),
        },
    )
    assert found["x"].get_shape().as_list() == [None, 2]
    assert found["s"].get_shape().as_list() == [None, None, 2]
    with tf.Session() as session:
        values = session.run(found, {serialized: [t.SerializeToString() for t in texts]})
    assert values["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (values["n"].dtype, values["n"].tolist()) == (np.int64, [5, -1, -7])
    assert values["t"].tolist() == [[b"p", b"q"]] * 3
    assert values["w"].indices.tolist() == [[0, 0], [0, 1], [2, 0]]
    assert values["w"].values.tolist() == [b"a", b"b", b"c"]
    assert values["w"].dense_shape.tolist() == [3, 2]
    assert values["s"].tolist() == [[[9, 9], [9, 9]], [[1, 2], [3, 4]], [[9, 9], [9, 9]]]
    assert values["iv"].indices.tolist() == [[0, 0], [0, 3], [2, 1]]
    assert values["iv"].values.tolist() == [0.25, 0.5, 2]
    assert values["iv"].dense_shape.tolist() == [3, 4]


def test_parse_single_example() -> None:
    text = example(x=floats(*range(6)), w=numbers(4, 5)).SerializeToString()
    found = tf.parse_single_example(
        text,
        features={
            "x": tf.FixedLenFeature((2, 3), tf.float32),
            "w": tf.VarLenFeature(tf.int64),
            "s": tf.FixedLenSequenceFeature([], tf.string, True),
        },
    )
    x, sparse, empty, dense = run_on_both(
        [found["x"], found["w"], found["s"], tf.sparse_tensor_to_dense(found["w"])]
    )
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (sparse.indices.tolist(), sparse.dense_shape.tolist(), dense.tolist()) == ([[0], [1]], [2], [4, 5])
    assert empty.shape == (0,)


def test_what_examples_must_have() -> None:
    text = example(x=floats(1), n=numbers(1, 2)).SerializeToString()
    wrong = {
        "is required, example 0 has it not": {"y": tf.FixedLenFeature([1], tf.float32)},
        "is a float_list, expected int64": {"x": tf.FixedLenFeature([1], tf.int64)},
        r"has 1 elements, expected 2, shape \[2\]": {"x": tf.FixedLenFeature([2], tf.float32)},
        "no multiple of 3": {"n": tf.FixedLenSequenceFeature([3], tf.int64, True)},
    }
    with tf.Session() as session:
        for message, features in wrong.items():
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                session.run(tf.parse_example([text], features))
        with pytest.raises(tf.errors.InvalidArgumentError, match="the bytes are no"):
            session.run(tf.parse_example(["nonsense"], {"x": tf.VarLenFeature(tf.float32)}).popitem()[1])
    with pytest.raises(TypeError, match="is int32: expected float32, int64 or string"):
        tf.parse_example([text], {"x": tf.VarLenFeature(tf.int32)})
    with pytest.raises(ValueError, match="needs allow_missing=True"):
        tf.parse_example([text], {"x": tf.FixedLenSequenceFeature([], tf.int64)})
    with pytest.raises(ValueError, match="must be known in full"):
        tf.parse_example([text], {"x": tf.FixedLenFeature([None], tf.int64)})
    with pytest.raises(ValueError, match="the default of 'x' has 2 elements, expected 3"):
        tf.parse_example([text], {"x": tf.FixedLenFeature([3], tf.int64, [1, 2])})
    with pytest.raises(ValueError, match="expected a FixedLenFeature"):
        tf.parse_example([text], {"x": tf.float32})
    with pytest.raises(ValueError, match="no features"):
        tf.parse_example([text], {})


def test_a_program_that_reads_records_learns(tmp_path: Path) -> None:
    """Records in two files, through a reader and a queue of batches, into a regression."""
    truth = np.asarray([2.0, -1.0], np.float32)
    rows = RNG.normal(size=(40, 2)).astype(np.float32)
    files = []
    for part in range(2):
        some = [
            example(x=floats(*row), y=floats(float(row @ truth)), id=words(b"%d" % i)).SerializeToString()
            for i, row in enumerate(rows[part::2])
        ]
        files.append(write(tmp_path / f"part{part}", some, "GZIP"))
    names = tf.train.string_input_producer(files, shuffle=False)
    reader = tf.TFRecordReader(options=tf.python_io.TFRecordOptions("GZIP"))
    key, value = reader.read(names)
    features = tf.parse_single_example(
        value, {"x": tf.FixedLenFeature([2], tf.float32), "y": tf.FixedLenFeature([], tf.float32)}
    )
    x, y, keys = tf.train.batch([features["x"], features["y"], key], batch_size=8)
    w = tf.Variable(tf.zeros([2, 1]))
    loss = tf.reduce_mean(tf.square(tf.squeeze(tf.matmul(x, w), [1]) - y))
    step = tf.train.GradientDescentOptimizer(0.2).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        first = session.run(keys)
        for _ in range(40):
            session.run(step)
        learnt = session.run(w)[:, 0]
        coordinator.request_stop()
        coordinator.join(threads)
    np.testing.assert_allclose(learnt, truth, atol=1e-2)
    assert first[0] == files[0].encode() + b":0"
    assert len(set(first.tolist())) == 8


def test_a_data_set_of_records(tmp_path: Path) -> None:
    files = []
    for part in range(2):
        some = [example(n=numbers(10 * part + i)).SerializeToString() for i in range(3)]
        files.append(write(tmp_path / f"part{part}", some, "ZLIB"))
    parsed = tf.data.TFRecordDataset(files, "ZLIB").map(
        lambda text: tf.parse_single_example(text, {"n": tf.FixedLenFeature([], tf.int64)})["n"]
    )
    following = parsed.batch(4).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert [session.run(following).tolist() for _ in range(2)] == [[0, 1, 2, 10], [11, 12]]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(following)
        plain = tf.data.TFRecordDataset(files[0]).make_one_shot_iterator().get_next()
        with pytest.raises(tf.errors.DataLossError):
            session.run(plain)


def test_a_data_set_with_sparse_elements() -> None:
    texts = [
        example(w=words(*b), n=numbers(i)).SerializeToString()
        for i, b in enumerate(([b"a", b"b"], [], [b"c"]))
    ]
    wanted = {"w": tf.VarLenFeature(tf.string), "n": tf.FixedLenFeature([], tf.int64)}
    parsed = tf.data.Dataset.from_tensor_slices(texts).batch(2).map(lambda t: tf.parse_example(t, wanted))
    assert parsed.output_types == {"w": tf.string, "n": tf.int64}
    assert parsed.output_classes == {"w": tf.SparseTensor, "n": tf.Tensor}
    assert parsed.output_shapes["w"].as_list() == [None, None]
    counted = parsed.map(lambda e: (e["n"], e["w"].with_values(tf.string_length(e["w"].values))))
    both = tf.data.Dataset.zip((counted, tf.data.Dataset.range(9)))
    (n, lengths), place = both.make_one_shot_iterator().get_next()
    assert isinstance(lengths, tf.SparseTensor)
    dense = tf.sparse_tensor_to_dense(lengths)
    with tf.Session() as session:
        first, second = session.run([n, dense, place]), session.run([n, lengths, place])
        assert [np.asarray(v).tolist() for v in first] == [[0, 1], [[1, 1], [0, 0]], 0]
        assert (second[1].values.tolist(), second[1].dense_shape.tolist(), second[2]) == ([1], [1, 1], 1)
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(n)
    whole = tf.data.Dataset.from_tensors(tf.sparse.eye(2)).repeat(2).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(tf.sparse_tensor_to_dense(whole)), np.eye(2))
    for refused in (
        lambda: parsed.batch(2),
        lambda: parsed.padded_batch(2),
        lambda: parsed.apply(tf.data.experimental.unbatch()),
    ):
        with pytest.raises(TypeError, match="batch the texts first"):
            refused()
    with pytest.raises(TypeError, match="has no slices here"):
        tf.data.Dataset.from_tensor_slices(tf.sparse.eye(2))


def test_parse_single_sequence_example() -> None:
    lists = {
        "x": tf.train.FeatureList(feature=[floats(1, 2), floats(3, 4), floats(5, 6)]),
        "tags": tf.train.FeatureList(feature=[words(b"a"), words(), words(b"b", b"c")]),
    }
    text = tf.train.SequenceExample(
        context=tf.train.Features(feature={"id": numbers(7), "w": words(b"p", b"q")}),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    ).SerializeToString()
    context, steps = tf.parse_single_sequence_example(
        text,
        context_features={
            "id": tf.FixedLenFeature([], tf.int64),
            "w": tf.VarLenFeature(tf.string),
            "rest": tf.FixedLenFeature([2], tf.float32, [0.5, 1.5]),
        },
        sequence_features={
            "x": tf.FixedLenSequenceFeature([2], tf.float32),
            "tags": tf.VarLenFeature(tf.string),
            "none": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
        },
    )
    assert steps["x"].get_shape().as_list() == [None, 2]
    found = run_on_both(
        [context["id"], context["rest"], context["w"], steps["x"], steps["tags"], steps["none"]]
    )
    assert [np.asarray(v).tolist() for v in found[:2]] == [7, [0.5, 1.5]]
    assert (found[2].indices.tolist(), found[2].values.tolist()) == ([[0], [1]], [b"p", b"q"])
    assert found[3].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert found[4].indices.tolist() == [[0, 0], [2, 0], [2, 1]]
    assert (found[4].values.tolist(), found[4].dense_shape.tolist()) == ([b"a", b"b", b"c"], [3, 2])
    assert found[5].shape == (0,)
    parse = tf.io.parse_single_sequence_example
    wrong = {
        "the list 'y' is missing": {"y": tf.FixedLenSequenceFeature([], tf.int64)},
        r"has 2 elements, expected 1, shape \[\]": {"x": tf.FixedLenSequenceFeature([], tf.float32)},
        "of example 1 has 0 elements": {"tags": tf.FixedLenSequenceFeature([1], tf.string, True)},
    }
    with tf.Session() as session:
        for message, features in wrong.items():
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                session.run(parse(text, sequence_features=features)[1])
    with pytest.raises(ValueError, match="expected a FixedLenFeature or VarLenFeature"):
        parse(text, {"x": tf.FixedLenSequenceFeature([], tf.int64)})
    with pytest.raises(ValueError, match="expected a FixedLenSequenceFeature or"):
        parse(text, None, {"x": tf.FixedLenFeature([], tf.int64)})
    with pytest.raises(ValueError, match="no features"):
        parse(text)
