"""Texts in graphs: what moves them, what takes them apart, and numbers that stand for them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.graph.fingerprints import fingerprint64, siphash24
from tests.graph.programs._run import run_on_both

# Moved like any other elements --------------------------------------------------------------------------------


def test_texts_are_moved_and_compared() -> None:
    x = tf.placeholder(tf.string, [None, 2])
    fed = np.asarray([["p", "a"], ["p", "r"], ["é", ""]], dtype=object)
    bytes_ = np.vectorize(str.encode, otypes=[object])(fed)
    flat = bytes_.reshape(-1)
    y = tf.reshape(x, [-1])
    pairs: list[tuple[Any, Any]] = [
        (y, flat),
        (tf.shape(x), [3, 2]),
        (tf.size(x), 6),
        (y[0], b"p"),
        (y[::-2], flat[::-2]),
        (x[1:, tf.newaxis], bytes_[1:, None]),
        (tf.transpose(x), bytes_.T),
        (tf.concat([x, [["u", "v"]]], 0), np.concatenate([bytes_, [[b"u", b"v"]]])),
        (tf.stack([y[0], "q"]), [b"p", b"q"]),
        (tf.split(x, 2, axis=1)[1], bytes_[:, 1:]),
        (tf.unstack(x, axis=1)[0], bytes_[:, 0]),
        (tf.tile(["u", "v"], [2]), [b"u", b"v", b"u", b"v"]),
        (tf.fill([2, 1], "z"), [[b"z"], [b"z"]]),
        (tf.gather(x, [2, 0]), bytes_[[2, 0]]),
        (tf.gather_nd(x, [[2, 0], [1, 1]]), bytes_[[2, 1], [0, 1]]),
        (tf.slice(x, [1, 0], tf.constant([1, 2])), bytes_[1:2]),
        (tf.boolean_mask(x, [True, False, True]), bytes_[[0, 2]]),
        (tf.equal(x, "p"), bytes_ == b"p"),
        (tf.not_equal(x, x[0]), bytes_ != bytes_[0]),
        (tf.where(tf.equal(x, "p"), tf.fill(tf.shape(x), "-"), x), np.where(bytes_ == b"p", b"-", bytes_)),
        (tf.where(tf.equal(x, "r")), [[1, 1]]),
        (tf.expand_dims("t", 0), [b"t"]),
        (tf.constant("t")[tf.newaxis], [b"t"]),
        (tf.squeeze([["t"]]), b"t"),
        (tf.tensor_scatter_update(y, [[1]], ["w"])[1], b"w"),
        (tf.cond(tf.equal(y[0], "p"), lambda: tf.constant("yes"), lambda: tf.constant("no")), b"yes"),
    ]
    found = run_on_both([p[0] for p in pairs], {x: fed})
    for one, (_, expected) in zip(found, pairs, strict=True):
        assert np.asarray(one, dtype=object).tolist() == np.asarray(expected, dtype=object).tolist()
        assert np.shape(one) == np.shape(expected)


def test_different_texts() -> None:
    y, idx, count = run_on_both(tf.unique_with_counts(tf.constant(["b", "a", "b", "c", "b"])))
    assert y.tolist() == [b"b", b"a", b"c"]
    assert idx.tolist() == [0, 1, 0, 2, 0]
    assert count.tolist() == [3, 1, 1]


def test_a_graph_with_texts_says_why_it_is_not_exported(tmp_path: Path) -> None:
    x = tf.placeholder(tf.string, [2], name="words")
    marks = tf.cast(tf.equal(tf.reverse(x, [0]), "yes"), tf.float32)
    with tf.Session() as session:
        with pytest.raises(tf.ExportError, match=r"(?s)is of texts, which a device.*the input") as caught:
            tf.export_model({"y": marks * 2.0}, tmp_path / "m.smr", inputs={"x": x}, session=session)
        assert any("test_texts.py" in problem for problem in caught.value.problems)
        tf.export_model({"y": marks * 2.0}, tmp_path / "m.smr", inputs={"marks": marks}, session=session)
    np.testing.assert_array_equal(
        tf.load(tmp_path / "m.smr").run(marks=np.asarray([1, 0], np.float32)), [2, 0]
    )


# Their bytes ---------------------------------------------------------------------------------------------------


def flat(value: Any) -> list[Any]:
    return list(np.asarray(value, dtype=object).reshape(-1))


def test_functions_of_bytes() -> None:
    x = tf.placeholder(tf.string, [None])
    fed = ["  Hello ", "ÄB c", "", "a-b-c\n"]
    raw = [t.encode() for t in fed]
    pairs: list[tuple[Any, list[Any]]] = [
        (tf.strings.lower(x), [t.lower() for t in raw]),
        (tf.strings.upper(x), [t.upper() for t in raw]),
        (tf.string_lower(x, encoding="utf-8"), [t.lower().encode() for t in fed]),
        (tf.string_upper(x, "utf-8"), [t.upper().encode() for t in fed]),
        (tf.string_strip(x), [t.strip() for t in raw]),
        (tf.strings.strip(x), [t.strip() for t in raw]),
        (tf.string_length(x), [len(t) for t in raw]),
        (tf.strings.length(x, unit="UTF8_CHAR"), [len(t) for t in fed]),
        (tf.string_join([x, "-", x]), [t + b"-" + t for t in raw]),
        (tf.strings.join(["a", x], separator=", "), [b"a, " + t for t in raw]),
        (tf.regex_replace(x, r"(\w)-(\w)", r"\2=\1\\"), [*raw[:3], b"b=a\\-c\n"]),
        (
            tf.strings.regex_replace(x, "[ -]", r"<\0>", replace_global=False),
            [b"< > Hello ", "Ä".encode() + b"B< >c", b"", b"a<->b-c\n"],
        ),
        (tf.strings.regex_full_match(x, ".*[a-z].*"), [True, True, False, False]),
    ]
    found = run_on_both([p[0] for p in pairs], {x: fed})
    for one, (_, expected) in zip(found, pairs, strict=True):
        assert flat(one) == expected
    assert found[6].dtype == np.int32
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not UTF-8"):
            session.run(tf.string_length(tf.constant(b"\xff"), unit="UTF8_CHAR"))
        with pytest.raises(TypeError, match="pattern must be known"):
            tf.regex_replace(x, x[0], "")
        with pytest.raises(TypeError, match="is not a text"):
            tf.string_lower(3)


def test_parts() -> None:
    x = tf.constant(["thirteen", "fïve"])
    fetches = [
        tf.substr(x, 1, 3),
        tf.substr(x, [2, -3], [100, 2]),
        tf.strings.substr(x, 1, 2, unit="UTF8_CHAR"),
        tf.substr("four", [0, 4], 1),
    ]
    found = [flat(v) for v in run_on_both(fetches)]
    assert found[0] == [b"hir", "ïv".encode()]
    assert found[1] == [b"irteen", "fïve".encode()[-3:-1]]
    assert found[2] == [b"hi", "ïv".encode()]
    assert found[3] == [b"f", b""]
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.InvalidArgumentError, match="position 9 is outside"),
    ):
        session.run(tf.substr(x, 9, 1))


def test_numbers_as_texts() -> None:
    x = np.asarray([3.14159, -2.0, 1e10], np.float32)
    form = [("%f", {}), ("%.2f", {"precision": 2}), ("%e", {"scientific": True}), ("%g", {"shortest": True})]
    form += [
        ("%012.1f", {"precision": 1, "width": 12, "fill": "0"}),
        ("%-9.1f", {"precision": 1, "width": 9, "fill": "-"}),
    ]
    found = run_on_both([tf.as_string(x, **options) for _, options in form])
    for one, (text, _) in zip(found, form, strict=True):
        assert flat(one) == [(text % v).encode() for v in x.tolist()]
    others = run_on_both(
        [tf.strings.as_string([[1, -20]]), tf.as_string([True, False]), tf.as_string([7], width=3)]
    )
    assert [flat(v) for v in others] == [[b"1", b"-20"], [b"true", b"false"], [b"  7"]]
    with pytest.raises(ValueError, match="cannot both be"):
        tf.as_string(x, shortest=True, scientific=True)
    numbers = tf.strings.to_number(tf.as_string(x, precision=7))
    np.testing.assert_allclose(run_on_both(numbers), x, rtol=1e-6)


def rows_of(value: Any) -> list[list[bytes]]:
    rows: list[list[bytes]] = [[] for _ in range(int(value.dense_shape[0]))]
    for (row, column), element in zip(value.indices.tolist(), value.values.tolist(), strict=True):
        assert column == len(rows[row])
        rows[row].append(element)
    assert int(value.dense_shape[1]) == max(map(len, rows), default=0)
    return rows


def test_pieces() -> None:
    x = tf.placeholder(tf.string, [None])
    fed = ["a b  c", "", "d,e f", " g "]
    fetches = [
        tf.string_split(x),
        tf.string_split(x, delimiter=" ,", skip_empty=False),
        tf.string_split(x, ""),
        tf.strings.split(x),
        tf.strings.split(x, sep=" ", maxsplit=1),
    ]
    assert isinstance(fetches[0], tf.SparseTensor)
    found = [rows_of(v) for v in run_on_both(fetches, {x: fed})]
    assert found[0] == [[b"a", b"b", b"c"], [], [b"d,e", b"f"], [b"g"]]
    assert found[1] == [[b"a", b"b", b"", b"c"], [b""], [b"d", b"e", b"f"], [b"", b"g", b""]]
    assert found[2] == [[bytes([c]) for c in t.encode()] for t in fed]
    assert found[3] == [[p.encode() for p in t.split()] for t in fed]
    assert found[4] == [[p.encode() for p in t.split(" ", 1)] for t in fed]
    dense = tf.sparse_tensor_to_dense(fetches[0], default_value="")
    assert run_on_both(dense, {x: fed[:1]}).tolist() == [[b"a", b"b", b"c"]]
    assert rows_of(run_on_both(tf.strings.split("one two"))) == [[b"one", b"two"]]
    with pytest.raises(ValueError, match="only 'SparseTensor'"):
        tf.string_split(x, result_type="RaggedTensor")
    with pytest.raises(ValueError, match="only 'SparseTensor'"):
        tf.strings.split(x, result_type="RaggedTensor")


def test_base64() -> None:
    generator = np.random.default_rng(0)
    raw = [generator.bytes(n) for n in range(12)]
    for pad in (False, True):
        coded, back = run_on_both(
            [tf.encode_base64(raw, pad=pad), tf.decode_base64(tf.encode_base64(raw, pad=pad))]
        )
        assert back.tolist() == raw
        assert all((len(c) % 4 == 0 or not pad) and not set(c) & set(b"+/") for c in coded)
    assert flat(run_on_both(tf.encode_base64(b"\xfb\xff\xfe\x01"))) == [b"-__-AQ"]
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="not web-safe base64"):
        session.run(tf.decode_base64("a+b/"))


def test_joined_along_axes() -> None:
    x = tf.constant([["a", "b"], ["c", "d"]])
    fetches = [
        tf.reduce_join(x, 0),
        tf.reduce_join(x, -1, separator="."),
        tf.reduce_join(x, [0, 1]),
        tf.strings.reduce_join(x, [1, 0]),
        tf.reduce_join(x, reduction_indices=[1], keep_dims=True),
        tf.reduce_join(x),
    ]
    found = run_on_both(fetches)
    values = [np.asarray(v, dtype=object).tolist() for v in found]
    assert values == [[b"ac", b"bd"], [b"a.b", b"c.d"], b"abcd", b"acbd", [[b"ab"], [b"cd"]], b"abcd"]


# FarmHash's own implementation gave these for random bytes of these lengths, from random.Random(length).
FINGERPRINTS = {
    0: 11160318154034397263,
    1: 17755648460348775295,
    3: 8667832289128447712,
    4: 14929079249435674273,
    7: 15611183915141185315,
    8: 1567957480134070684,
    16: 6157685803476760719,
    17: 2492345656229356626,
    32: 4493338426805668357,
    33: 15077305107227443961,
    64: 11261217771980405034,
    65: 11759145151265092556,
    127: 15790238741601285902,
    128: 11032731697292737682,
    129: 2099119587307923080,
    200: 2553178160081423369,
    1000: 11670771432551891779,
}


def test_hashes() -> None:
    for size, expected in FINGERPRINTS.items():
        generator = random.Random(size)
        assert fingerprint64(bytes(generator.randrange(256) for _ in range(size))) == expected
    # The example of SipHash's paper, appendix A.
    key = int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")
    assert siphash24(key, bytes(range(15))) == 0xA129CA6149BE45E5
    # Those of TensorFlow's documentation.
    fast = tf.string_to_hash_bucket_fast(["Hello", "TensorFlow", "2.x"], 3)
    strong = tf.strings.to_hash_bucket_strong(["Hello", "TF"], 3, [1, 2])
    found = run_on_both([fast, strong, tf.strings.to_hash_bucket_fast([["a"]], 1)])
    assert [v.tolist() for v in found] == [[0, 2, 2], [2, 0], [[0]]]
    assert tf.string_to_hash_bucket_strong is tf.strings.to_hash_bucket_strong
    with pytest.raises(ValueError, match="must be two numbers"):
        tf.string_to_hash_bucket_strong(["a"], 3, [1])
    with pytest.raises(ValueError, match="num_buckets is 0"):
        tf.string_to_hash_bucket_fast(["a"], 0)


def test_a_program_with_hashed_words_learns() -> None:
    """Words to buckets to rows of a table, whose mean says what a sentence is."""
    sentences = ["good fine good", "bad awful", "fine", "awful bad bad", "good", "bad"]
    labels = np.asarray([1, 0, 1, 0, 1, 0], np.float32)
    x = tf.placeholder(tf.string, [None])
    words = tf.string_split(x)
    ids = tf.SparseTensor(words.indices, tf.string_to_hash_bucket_fast(words.values, 50), words.dense_shape)
    table = tf.get_variable("table", [50, 4], initializer=tf.random_normal_initializer(0, 0.1, seed=1))
    rows = tf.nn.embedding_lookup_sparse(table, ids, None, combiner="mean")
    logits = tf.squeeze(tf.layers.dense(rows, 1, kernel_initializer=tf.ones_initializer()), [1])
    loss = tf.losses.sigmoid_cross_entropy(labels, logits)
    step = tf.train.AdamOptimizer(0.1).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(30):
            session.run(step, {x: sentences})
        assert ((session.run(logits, {x: sentences}) > 0) == labels).all()
