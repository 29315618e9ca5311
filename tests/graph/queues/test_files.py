"""Reading files in a pipeline, and numbers from texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf

BACKENDS = ("numpy", "torch")


@pytest.fixture(autouse=True)
def _graph() -> Iterator[Any]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(params=BACKENDS)
def session(request: Any, _graph: Any) -> Iterator[Any]:
    if request.param == "torch":
        pytest.importorskip("torch")
    with tf.Session(config=tf.ConfigProto(backend=request.param)) as made:
        yield made


def drained(session: Any, fetch: Any) -> list[Any]:
    session.run([v.initializer for v in session.graph.get_collection("local_variables")])
    coord, found = tf.train.Coordinator(), []
    threads = tf.train.start_queue_runners(session, coord)
    try:
        while True:
            found.append(session.run(fetch))
    except tf.errors.OutOfRangeError:
        coord.request_stop()
    coord.join(threads, stop_grace_period_secs=20)
    return found


def files(folder: Path, *contents: bytes) -> list[str]:
    names = [str(folder / f"{n}.txt") for n in range(len(contents))]
    for name, content in zip(names, contents, strict=True):
        Path(name).write_bytes(content)
    return names


def test_lines(session: Any, tmp_path: Path) -> None:
    names = files(tmp_path, b"head\na\r\nb", b"head\n", b"head\nc\n\n")
    queue = tf.train.string_input_producer(names, num_epochs=1, shuffle=False)
    read = tf.TextLineReader(skip_header_lines=1).read(queue)
    found = drained(session, read)
    assert [value for _, value in found] == [b"a", b"b", b"c", b""]
    assert found[1][0] == f"{names[0]}:3".encode()


def test_whole_files_names_and_fixed_lengths(session: Any, tmp_path: Path) -> None:
    names = files(tmp_path, b"HHabcdefF", b"HHghF")
    readers = (
        tf.WholeFileReader(),
        tf.IdentityReader(),
        tf.FixedLengthRecordReader(2, header_bytes=2, footer_bytes=1),
    )
    queues = [tf.train.string_input_producer(names, num_epochs=1, shuffle=False) for _ in readers]
    reads = [r.read(q)[1] for r, q in zip(readers, queues, strict=True)]
    assert all(isinstance(r, tf.ReaderBase) for r in readers)
    assert drained(session, reads[0]) == [b"HHabcdefF", b"HHghF"]
    with pytest.raises(ValueError, match="a positive length alone"):
        tf.FixedLengthRecordReader(0)
    with tf.Session(graph=session.graph) as other:
        assert drained(other, reads[1]) == [n.encode() for n in names]
    with tf.Session(graph=session.graph) as other:
        assert drained(other, reads[2]) == [b"ab", b"cd", b"ef", b"gh"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    queue = tf.train.string_input_producer([str(tmp_path / "none")], num_epochs=1)
    batch = tf.train.batch([tf.WholeFileReader().read(queue)[1]], 1)
    with tf.Session() as session, pytest.raises(tf.errors.NotFoundError, match="is not there"):
        drained(session, batch)
    with tf.Session() as session, pytest.raises(tf.errors.NotFoundError, match="none"):
        session.run(tf.read_file(str(tmp_path / "none")))


def test_training_data_of_comma_separated_values(session: Any, tmp_path: Path) -> None:
    """As TensorFlow 1's guide reads them."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20, 2)).astype(np.float32)
    text = "".join(f"{a},{b},{n},name {n}\n" for n, (a, b) in enumerate(rows))
    names = files(tmp_path, text.encode())
    queue = tf.train.string_input_producer(names, num_epochs=1)
    _, line = tf.TextLineReader().read(queue)
    a, b, n, name = tf.decode_csv(line, [[0.0], [0.0], [0], [""]])
    assert [t.dtype for t in (a, b, n, name)] == [tf.float32, tf.float32, tf.int32, tf.string]
    assert a.shape == ()
    found = drained(session, tf.train.batch([tf.stack([a, b]), n, name], 5))
    np.testing.assert_array_equal(np.concatenate([f[0] for f in found]), rows)
    np.testing.assert_array_equal(np.concatenate([f[1] for f in found]), np.arange(20))
    assert found[3][2].tolist() == [f"name {n}".encode() for n in range(15, 20)]


def test_fields(session: Any) -> None:
    lines = tf.placeholder(tf.string, [None])
    required = tf.constant([], tf.int64)
    columns = tf.decode_csv(lines, [["none"], [7.5], required], na_value="NA")
    found = session.run(columns, {lines: ['"a,b",,3', "NA,2,-4"]})
    assert found[0].tolist() == [b"a,b", b"none"]
    assert found[1].tolist() == [7.5, 2]
    assert found[2].tolist() == [3, -4]
    (second,) = tf.decode_csv(lines, [[]], field_delim=";", select_cols=[1])
    assert session.run(second, {lines: ["x;1.5;y"]}).tolist() == [1.5]
    for bad, message in (("a,1,", "is required"), ("a,b,1", "is no float32"), ("a,1", "expected 3 fields")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            session.run(columns, {lines: [bad]})


def test_numbers(session: Any, tmp_path: Path) -> None:
    numbers = tf.string_to_number([["1.5", "-2"], ["3e2", "4"]])
    assert session.run(numbers).tolist() == [[1.5, -2], [300, 4]]
    assert session.run(tf.string_to_number("12", tf.int64)) == 12
    with pytest.raises(tf.errors.InvalidArgumentError, match="'x' is no int32"):
        session.run(tf.string_to_number("x", tf.int32))
    values = np.random.default_rng(1).integers(-9, 9, (2, 3)).astype("<i2")
    texts = [row.tobytes() for row in values]
    assert session.run(tf.decode_raw(texts, tf.int16)).tolist() == values.tolist()
    assert session.run(tf.decode_raw(texts[0], tf.int16, little_endian=False)).tolist() == (
        values[0].byteswap().tolist()
    )
    (name,) = files(tmp_path, bytes(range(5)))
    assert session.run(tf.decode_raw(tf.read_file(name), tf.uint8)).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not one number of elements"):
        session.run(tf.decode_raw([b"abc", b"ab"], tf.uint8))
