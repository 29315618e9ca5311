"""Tables from keys to values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.graph.fingerprints import fingerprint64, siphash24

lookup = tf.contrib.lookup


@pytest.fixture(params=["numpy", "torch"])
def session(request: pytest.FixtureRequest) -> Any:
    if request.param == "torch":
        pytest.importorskip("torch")
    return tf.Session(config=tf.ConfigProto(backend=request.param))


def test_words_to_numbers_and_back(session: Any) -> None:
    words = ["emerson", "lake", "palmer"]
    plain = lookup.index_table_from_tensor(tf.constant(words), default_value=-5)
    hashed = tf.lookup.index_table_from_tensor(words, num_oov_buckets=3)
    strong = lookup.index_table_from_tensor(words, 2, hasher_spec=lookup.StrongHashSpec([3, 4]))
    back = lookup.index_to_string_table_from_tensor(words, default_value="?")
    x = tf.placeholder(tf.string, [None])
    split = tf.string_split(x)
    fetches = [
        plain.lookup(x),
        hashed.lookup(x),
        strong.lookup(x),
        back.lookup(plain.lookup(x)),
        plain.size(),
        hashed.size(),
        hashed.lookup(split),
    ]
    fed = ["palmer", "and", "lake", "palmer", "moon"]
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"run tf.tables_initializer\(\) first"):
        session.run(fetches[0], {x: fed})
    with session:
        tf.tables_initializer().run()
        session.run(tf.initialize_all_tables())
    known = {w: i for i, w in enumerate(words)}
    with tf.Session(config=session.config) as again:
        again.run(plain.init)
        again.run([hashed.initializer, strong.init, back.initializer])
        found = again.run(fetches, {x: fed})
    assert found[0].dtype == np.int64
    assert found[0].tolist() == [known.get(w, -5) for w in fed]
    assert found[1].tolist() == [known.get(w, 3 + fingerprint64(w.encode()) % 3) for w in fed]
    assert found[2].tolist() == [known.get(w, 3 + siphash24((3, 4), w.encode()) % 2) for w in fed]
    assert found[3].tolist() == [w.encode() if w in known else b"?" for w in fed]
    assert [int(n) for n in found[4:6]] == [3, 6]
    assert found[6].values.tolist() == found[1].tolist()


def test_tables_of_given_values(session: Any) -> None:
    initializer = tf.lookup.KeyValueTensorInitializer([10, 20], [0.5, 0.25], key_dtype=tf.int64)
    table = tf.lookup.StaticHashTable(initializer, -1.0)
    same = lookup.HashTable(lookup.KeyValueTensorInitializer(["a", "a"], [1, 1]), 0)
    numbers = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(["x"], tf.constant([0], tf.int64)), 2
    )
    buckets = lookup.IdTableWithHashBuckets(None, 4)
    with session:
        session.run(tf.tables_initializer())
        assert session.run(table.lookup(tf.constant([[20], [30]]))).tolist() == [[0.25], [-1]]
        assert [v.tolist() for v in session.run(table.export())] == [[10, 20], [0.5, 0.25]]
        assert session.run(same.lookup(["a", "b"])).tolist() == [1, 0]
        assert session.run(numbers.lookup(["x", "y"])).tolist() == [0, 1 + fingerprint64(b"y") % 2]
        assert session.run([numbers.size(), buckets.size()]) == [3, 4]
        assert session.run(buckets.lookup(["q"])).tolist() == [fingerprint64(b"q") % 4]
        assert buckets.initializer.type == "no_op"
        twice = lookup.HashTable(lookup.KeyValueTensorInitializer(["a", "a"], [1, 2]), 0)
        with pytest.raises(tf.errors.InvalidArgumentError, match="has two values, 1 and 2"):
            session.run(twice.init)
    with pytest.raises(TypeError, match="has keys of int64"):
        table.lookup(["a"])
    with pytest.raises(ValueError, match="expected 1 or more"):
        tf.lookup.StaticVocabularyTable(None, 0)
    with pytest.raises(ValueError, match="there must be a bucket"):
        lookup.IdTableWithHashBuckets(None, 0)
    with pytest.raises(ValueError, match="must be two numbers"):
        lookup.StrongHashSpec([1])


def test_tables_from_files(session: Any, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(b"a\t3\nb\t4\r\nc\t5\n")
    lines = lookup.index_table_from_file(str(path), key_column_index=0)
    two = lookup.index_table_from_file(str(path), vocab_size=2, num_oov_buckets=1, key_column_index=0)
    values = lookup.index_table_from_file(str(path), key_column_index=0, value_column_index=1)
    whole = tf.lookup.index_to_string_table_from_file(str(path))
    initializer = tf.lookup.TextFileInitializer(
        str(path), tf.int64, 1, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE
    )
    keyed = tf.lookup.StaticHashTable(initializer, "none")
    with session:
        session.run(tf.tables_initializer())
        fetches = [t.lookup(tf.constant(["c", "b", "z"])) for t in (lines, two, values)]
        found = session.run([*fetches, whole.lookup([2, 7]), keyed.lookup([4, 9])])
        wrong = lookup.index_table_from_file(str(path), key_column_index=4)
        with pytest.raises(tf.errors.InvalidArgumentError, match="line 0 has no column 4"):
            session.run(wrong.init)
        many = lookup.index_table_from_file(str(path), vocab_size=9)
        with pytest.raises(tf.errors.InvalidArgumentError, match="3 lines, vocab_size is 9"):
            session.run(many.init)
        with pytest.raises(tf.errors.NotFoundError, match="is not there"):
            session.run(lookup.index_table_from_file(str(tmp_path / "none")).init)
    assert [v.tolist() for v in found] == [
        [2, 1, -1],
        [2, 1, 2],
        [5, 4, -1],
        [b"c\t5", b"UNK"],
        [b"b\t4", b"none"],
    ]


def test_a_table_that_changes(session: Any) -> None:
    table = lookup.MutableHashTable(tf.string, tf.int64, -1)
    key = tf.placeholder(tf.string, [None])
    put = table.insert(key, tf.cast(tf.string_length(key), tf.int64))
    with session:
        assert session.run(table.lookup(["ab"])).tolist() == [-1]
        session.run(put, {key: ["ab", "c"]})
        assert session.run(table.lookup(["c", "ab", "d"])).tolist() == [1, 2, -1]
        session.run(table.insert(["c"], [9]))
        assert [v.tolist() for v in session.run(table.export())] == [[b"ab", b"c"], [2, 9]]
        assert session.run(table.size()) == 2


def test_a_monitored_session_fills_tables() -> None:
    table = lookup.index_table_from_tensor(["a", "b"])
    ids = table.lookup(["b", "a"])
    with tf.train.MonitoredTrainingSession() as session:
        assert session.run(ids).tolist() == [1, 0]


def test_a_program_of_words_says_what_to_export(tmp_path: Path) -> None:
    words = tf.placeholder(tf.string, [4])
    ids = lookup.index_table_from_tensor(["good", "bad"], num_oov_buckets=1).lookup(words)
    table = tf.get_variable("table", [3, 2])
    y = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), axis=0)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        expected = session.run(y, {words: ["good", "day", "bad", "good"]})
        with pytest.raises(tf.ExportError, match="a device has no tables of texts"):
            tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"words": words}, session=session)
        tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"ids": ids}, session=session)
    found = tf.load(tmp_path / "m.smr").run(ids=np.asarray([0, 2, 1, 0]))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
