"""Data sets against what plain Python makes of the same elements."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import (
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
)

BACKENDS = ("numpy", "torch")


def elements(dataset: Any, most: int = 1000, backend: str = "numpy") -> list[Any]:
    """All elements of a data set, from a new session."""
    following = dataset.make_one_shot_iterator().get_next()
    found: list[Any] = []
    with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
        try:
            while len(found) < most:
                found.append(session.run(following))
        except tf.errors.OutOfRangeError:
            pass
    return found


def numbers(dataset: Any, most: int = 1000) -> list[int]:
    return [int(v) for v in elements(dataset, most)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_slices_mapped_batched_and_repeated(backend: str) -> None:
    x = np.arange(14, dtype=np.float32).reshape(7, 2)
    y = np.arange(7)
    made = tf.data.Dataset.from_tensor_slices((x, y))
    assert made.output_types == (tf.float32, tf.int64)
    assert [s.as_list() for s in made.output_shapes] == [[2], []]
    assert made.output_classes == (tf.Tensor, tf.Tensor)
    made = made.map(lambda a, b: {"sum": tf.reduce_sum(a), "twice": b * 2}, num_parallel_calls=2)
    made = made.batch(3).repeat(2).prefetch(1)
    assert tf.data.get_output_types(made) == {"sum": tf.float32, "twice": tf.int64}
    assert tf.data.get_output_shapes(made)["sum"].as_list() == [None]
    assert tf.data.get_output_classes(made) == {"sum": tf.Tensor, "twice": tf.Tensor}
    found = elements(made, backend=backend)
    assert [len(e["sum"]) for e in found] == [3, 3, 1] * 2
    np.testing.assert_array_equal(np.concatenate([e["sum"] for e in found]), np.tile(x.sum(1), 2))
    np.testing.assert_array_equal(np.concatenate([e["twice"] for e in found]), np.tile(y * 2, 2))


def test_numbers_in_and_out() -> None:
    r = tf.data.Dataset.range
    assert numbers(r(3)) == [0, 1, 2]
    assert numbers(r(10, 2, -3)) == list(range(10, 2, -3))
    assert numbers(r(5).take(2)) == [0, 1]
    assert numbers(r(5).take(0)) == []
    assert numbers(r(5).take(-1)) == numbers(r(5).skip(0)) == list(range(5))
    assert numbers(r(5).skip(3)) == [3, 4]
    assert numbers(r(5).skip(-1)) == []
    assert numbers(r(10).shard(3, 1)) == [1, 4, 7]
    assert numbers(r(2).concatenate(r(7, 9))) == [0, 1, 7, 8]
    assert numbers(r(3).repeat(), 8) == [0, 1, 2] * 2 + [0, 1]
    assert numbers(r(0).repeat()) == []
    assert numbers(r(9).filter(lambda n: tf.equal(n % 4, 0))) == [0, 4, 8]
    assert numbers(r(4).flat_map(r)) == [0, 0, 1, 0, 1, 2]
    assert numbers(r(4).apply(lambda d: d.skip(1))) == [1, 2, 3]
    assert numbers(r(4).with_options(r(1).options())) == [0, 1, 2, 3]
    assert [[int(v) for v in e] for e in elements(r(3).enumerate(5))] == [[5, 0], [6, 1], [7, 2]]
    assert [e.tolist() for e in elements(r(5).batch(2, drop_remainder=True))] == [[0, 1], [2, 3]]
    assert r(5).batch(2, drop_remainder=True).output_shapes.as_list() == [2]
    assert numbers(r(6).batch(4).unbatch()) == list(range(6))
    zipped = tf.data.Dataset.zip((r(3), {"b": r(5, 9)}))
    assert [(int(a), int(b["b"])) for a, b in elements(zipped)] == [(0, 5), (1, 6), (2, 7)]
    (whole,) = elements(tf.data.Dataset.from_tensors(([1, 2], "text")))
    assert (whole[0].tolist(), whole[1]) == ([1, 2], b"text")


def test_interleaving_takes_turns() -> None:
    made = tf.data.Dataset.range(1, 5).interleave(
        lambda n: tf.data.Dataset.from_tensors(n).repeat(n), cycle_length=2, block_length=2
    )
    # The place of 1 is taken by 3; that of 2 is found at its end, and taken by 4, in two further turns.
    assert numbers(made) == [1, 2, 2, 3, 3, 3, 4, 4, 4, 4]


def test_shuffling() -> None:
    plain = tf.data.Dataset.range(20)
    first, again = numbers(plain.shuffle(20, seed=3)), numbers(plain.shuffle(20, seed=3))
    assert sorted(first) == sorted(again) == list(range(20))
    assert first != list(range(20))
    twice = numbers(plain.shuffle(20, seed=1).repeat(2))
    assert sorted(twice[:20]) == sorted(twice[20:]) == list(range(20))
    assert twice[:20] != twice[20:]
    fixed = numbers(plain.shuffle(20, seed=1, reshuffle_each_iteration=False).repeat(2))
    assert fixed[:20] == fixed[20:] != list(range(20))
    near = numbers(plain.shuffle(3, seed=2))
    assert all(place >= value - 2 for place, value in enumerate(near))
    # The first of three is each of them equally often.
    tf.set_random_seed(11)
    drawn = Counter(numbers(tf.data.Dataset.range(3).shuffle(3).batch(3).map(lambda v: v[0]).repeat(600)))
    assert set(drawn) == {0, 1, 2}
    assert all(abs(n - 200) < 60 for n in drawn.values())


def test_shuffling_follows_the_seed_of_the_graph() -> None:
    orders = []
    for seed in (5, 5, 6):
        with tf.Graph().as_default():
            tf.set_random_seed(seed)
            orders.append(numbers(tf.data.Dataset.range(30).shuffle(30)))
    assert orders[0] == orders[1] != orders[2]


def test_chance_is_drawn_for_each_element() -> None:
    tf.set_random_seed(1)
    found = elements(tf.data.Dataset.range(200).map(lambda n: tf.random_uniform([])))
    assert len({float(v) for v in found}) == 200
    assert abs(np.mean(found) - 0.5) < 0.1


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_of_different_lengths(backend: str) -> None:
    def words() -> Any:
        for n in (1, 3, 2):
            yield list(range(n)), "x" * n

    made = tf.data.Dataset.from_generator(words, (tf.int32, tf.string), ([None], []))
    padded = made.padded_batch(2, ([None], []), padding_values=(-1, ""))
    assert [s.as_list() for s in padded.output_shapes] == [[None, None], [None]]
    found = elements(padded, backend=backend)
    assert [v.tolist() for v in found[0]] == [[[0, -1, -1], [0, 1, 2]], [b"x", b"xxx"]]
    assert [v.tolist() for v in found[1]] == [[[0, 1]], [b"xx"]]
    fixed = elements(made.padded_batch(3, ([4], [])), backend=backend)
    assert fixed[0][0].tolist() == [[0, 0, 0, 0], [0, 1, 2, 0], [0, 1, 0, 0]]
    with pytest.raises(InvalidArgumentError, match="more than"):
        elements(made.padded_batch(2, ([2], [])), backend=backend)
    with pytest.raises(InvalidArgumentError, match="use padded_batch"):
        elements(made.batch(2), backend=backend)


def test_generators() -> None:
    def up_to(n: Any) -> Any:
        return ((i, [i, i]) for i in range(int(n)))

    made = tf.data.Dataset.from_generator(
        up_to, (tf.int64, tf.float32), (tf.TensorShape([]), tf.TensorShape([2])), args=(3,)
    )
    found = elements(made.repeat(2))
    assert [int(a) for a, _ in found] == [0, 1, 2] * 2
    assert found[1][1].tolist() == [1.0, 1.0]
    wrong = tf.data.Dataset.from_generator(lambda: iter([[1, 2, 3]]), tf.int32, [2])
    with pytest.raises(InvalidArgumentError, match="output_shapes say"):
        elements(wrong)
    with pytest.raises(InvalidArgumentError, match="floating-point numbers"):
        elements(tf.data.Dataset.from_generator(lambda: iter([0.5]), tf.int32))
    with pytest.raises(TypeError, match="uncalled"):
        tf.data.Dataset.from_generator(iter([1]), tf.int32)


def test_what_is_cached_is_made_once() -> None:
    made = []

    def count() -> Any:
        for i in range(3):
            made.append(i)
            yield i

    dataset = tf.data.Dataset.from_generator(count, tf.int32, [])
    assert numbers(dataset.cache().repeat(3)) == [0, 1, 2] * 3
    assert made == [0, 1, 2]
    with pytest.raises(ValueError, match="in memory"):
        dataset.cache("file")


def test_initializable_iterators_are_fed() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    size = tf.placeholder(tf.int64, [])
    iterator = tf.data.make_initializable_iterator(tf.data.Dataset.from_tensor_slices(x).batch(size))
    following = iterator.get_next()
    assert following.get_shape().as_list() == [None, 2]
    data = np.arange(10, dtype=np.float32).reshape(5, 2)
    with tf.Session() as session:
        with pytest.raises(FailedPreconditionError, match="initializer"):
            session.run(following)
        for size_given in (2, 4):
            session.run(iterator.initializer, {x: data, size: size_given})
            np.testing.assert_array_equal(session.run(following), data[:size_given])
        session.run(following)
        with pytest.raises(OutOfRangeError):
            session.run(following)


def test_one_iterator_for_training_and_testing() -> None:
    train, test = tf.data.Dataset.range(3), tf.data.Dataset.range(10, 12)
    iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
    begin = [iterator.make_initializer(d) for d in (train, test)]
    following = iterator.get_next()
    assert (iterator.output_types, iterator.output_classes) == (tf.int64, tf.Tensor)
    with tf.Session() as session:
        for start, expected in zip(
            (begin[0], begin[1], begin[0]), ([0, 1], [10, 11], [0, 1, 2]), strict=True
        ):
            session.run(start)
            assert [session.run(following) for _ in expected] == expected
    with pytest.raises(TypeError, match="the iterator of"):
        iterator.make_initializer(tf.data.Dataset.from_tensors(1.0))
    with pytest.raises(ValueError, match="no initializer"):
        _ = iterator.initializer


def test_iterators_by_handle() -> None:
    handle = tf.placeholder(tf.string, [])
    following = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    one = tf.data.make_one_shot_iterator(tf.data.Dataset.range(5))
    other = tf.data.Dataset.range(10, 15).make_initializable_iterator()
    with tf.Session() as session:
        session.run(other.initializer)
        handles = session.run([one.string_handle(), other.string_handle()])
        found = [session.run(following, {handle: h}) for h in (handles * 3)]
    assert found == [0, 10, 1, 11, 2, 12]


def test_several_tensors_of_one_get_next_are_of_one_element() -> None:
    made = tf.data.Dataset.from_tensor_slices((np.arange(50), -np.arange(50))).shuffle(50)
    a, b = made.make_one_shot_iterator().get_next()
    total = a + b
    with tf.Session() as session:
        assert [int(session.run(total)) for _ in range(50)] == [0] * 50


def test_variables_and_outer_tensors_in_functions() -> None:
    v = tf.Variable(10, dtype=tf.int64)
    factor = tf.placeholder_with_default(np.int64(3), [])
    iterator = tf.data.Dataset.range(3).map(lambda n: n * factor + v).make_initializable_iterator()
    following = iterator.get_next()
    with tf.Session() as session:
        session.run(v.initializer)
        session.run(iterator.initializer, {factor: 5})
        first = session.run(following)
        session.run(v.assign(20))
        assert (first, session.run(following)) == (10, 25)


def test_files(tmp_path: Path) -> None:
    for name, text in (("a.txt", "1\n2\r\n3"), ("b.txt", "4\n")):
        (tmp_path / name).write_bytes(text.encode())
    paths = [str(tmp_path / n) for n in ("a.txt", "b.txt")]
    assert elements(tf.data.TextLineDataset(paths)) == [b"1", b"2", b"3", b"4"]
    listed = tf.data.Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False)
    assert elements(listed) == [p.encode() for p in paths]
    per_file = listed.interleave(tf.data.TextLineDataset, cycle_length=2)
    assert elements(per_file) == [b"1", b"4", b"2", b"3"]
    parsed = tf.data.TextLineDataset(paths).map(lambda line: tf.string_to_number(line, tf.int32) * 2)
    assert numbers(parsed) == [2, 4, 6, 8]
    (tmp_path / "r.bin").write_bytes(b"hAABBCCt")
    records = tf.data.FixedLengthRecordDataset(str(tmp_path / "r.bin"), 2, 1, 1)
    assert elements(records) == [b"AA", b"BB", b"CC"]
    with pytest.raises(NotFoundError, match="gone"):
        elements(tf.data.TextLineDataset(str(tmp_path / "gone")))
    with pytest.raises(InvalidArgumentError, match="no file fits"):
        elements(tf.data.Dataset.list_files(str(tmp_path / "*.nothing")))
    with pytest.raises(ValueError, match="decompress"):
        tf.data.TextLineDataset(paths, "GZIP")


def test_functions_for_apply() -> None:
    e = tf.data.experimental
    plain = tf.data.Dataset.range(5)
    assert sorted(numbers(plain.apply(e.shuffle_and_repeat(5, 2)))) == sorted([*range(5)] * 2)
    batches = elements(plain.apply(e.map_and_batch(lambda n: n * n, 2, drop_remainder=True)))
    assert [b.tolist() for b in batches] == [[0, 1], [4, 9]]
    assert [b.tolist() for b in elements(plain.apply(e.batch_and_drop_remainder(3)))] == [[0, 1, 2]]
    assert numbers(plain.batch(2).apply(e.unbatch())) == list(range(5))
    doubled = plain.apply(e.parallel_interleave(lambda n: tf.data.Dataset.from_tensors(n).repeat(2), 1))
    assert numbers(doubled) == sorted([*range(5)] * 2)
    assert numbers(plain.apply(e.prefetch_to_device("/cpu:0")).prefetch(e.AUTOTUNE)) == list(range(5))
    with tf.Session() as session:
        assert session.run(e.get_single_element(plain.skip(3))) == 3


def test_a_thread_that_reads_ahead_ends_with_the_session() -> None:
    import threading

    following = tf.data.Dataset.range(3).repeat().prefetch(4).make_one_shot_iterator().get_next()
    before = {t for t in threading.enumerate() if t.name == "prefetch"}
    with tf.Session() as session:
        assert [session.run(following) for _ in range(4)] == [0, 1, 2, 0]
        (thread,) = {t for t in threading.enumerate() if t.name == "prefetch"} - before
    thread.join(5)
    assert not thread.is_alive()


def test_an_exception_in_a_thread_that_reads_ahead_reaches_the_run() -> None:
    def failing() -> Any:
        yield 1
        raise RuntimeError("the disk is full")

    made = tf.data.Dataset.from_generator(failing, tf.int32, []).prefetch(2)
    following = made.make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run(following) == 1
        with pytest.raises(GraphError, match="disk is full"):
            session.run(following)


def test_a_pipeline_is_saved_with_the_graph(tmp_path: Path) -> None:
    dataset = tf.data.Dataset.range(5).map(lambda n: n * 3).shuffle(5, seed=1).batch(2)
    following = dataset.make_one_shot_iterator().get_next(name="batch")
    expected = []
    with tf.Session() as session:
        expected = [session.run(following).tolist() for _ in range(3)]
    tf.train.export_meta_graph(tmp_path / "graph.meta")
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(tmp_path / "graph.meta")
        again = graph.get_tensor_by_name("batch:0")
        with tf.Session() as session:
            assert [session.run(again).tolist() for _ in range(3)] == expected


def test_what_cannot_be() -> None:
    r = tf.data.Dataset.range(3)
    with pytest.raises(ValueError, match="differ"):
        tf.data.Dataset.from_tensor_slices((np.ones(3), np.ones(4)))
    with pytest.raises(ValueError, match="scalar"):
        tf.data.Dataset.from_tensor_slices(3)
    with pytest.raises(ValueError, match="make_initializable_iterator"):
        tf.data.Dataset.from_tensor_slices(tf.placeholder(tf.float32, [3])).make_one_shot_iterator()
    with pytest.raises(RuntimeError, match="make_one_shot_iterator"):
        iter(r)
    with pytest.raises(TypeError, match="bool scalar"):
        r.filter(lambda n: n)
    with pytest.raises(TypeError, match="must give a Dataset"):
        r.flat_map(lambda n: n)
    with pytest.raises(TypeError, match="no Dataset"):
        tf.data.Dataset.zip((r, 3))
    with pytest.raises(TypeError, match="do not go together"):
        r.concatenate(tf.data.Dataset.from_tensors(1.0))
    with pytest.raises(TypeError, match="whole number"):
        r.repeat(1.5)
    with pytest.raises(InvalidArgumentError, match="1 or more"):
        elements(r.batch(0))
    with pytest.raises(InvalidArgumentError, match="no part 3 of 3"):
        elements(r.shard(3, 3))
    with pytest.raises(TypeError, match="no tuple of 2"):
        tf.data.Iterator.from_structure((tf.int32, tf.int32), ([],))


def test_many_threads_share_a_data_set() -> None:
    import threading

    following = tf.data.Dataset.range(300).make_one_shot_iterator().get_next()
    found: list[int] = []
    with tf.Session() as session:

        def take() -> None:
            for _ in itertools.count():
                try:
                    found.append(int(session.run(following)))
                except OutOfRangeError:
                    return

        threads = [threading.Thread(target=take) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert sorted(found) == list(range(300))
