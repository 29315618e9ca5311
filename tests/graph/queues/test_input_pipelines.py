"""Coordinators, queue runners, producers, batches and reading ahead: how they end, and that nothing waits for ever."""

from __future__ import annotations

import faulthandler
import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

SECONDS = 20


@pytest.fixture(autouse=True)
def _graph() -> Iterator[Any]:
    faulthandler.dump_traceback_later(120, exit=True)
    with tf.Graph().as_default() as graph:
        yield graph
    faulthandler.cancel_dump_traceback_later()


def start(session: Any) -> tuple[Any, list[threading.Thread]]:
    session.run([tf.local_variables_initializer(), tf.global_variables_initializer()])
    coord = tf.train.Coordinator()
    return coord, tf.train.start_queue_runners(session, coord)


def drained(fetch: Any, *, limit: int | None = None) -> list[Any]:
    """What a pipeline gives until its end, or so many of it; all threads have ended afterwards."""
    found = []
    with tf.Session() as session:
        coord, threads = start(session)
        try:
            while not coord.should_stop() and (limit is None or len(found) < limit):
                found.append(session.run(fetch))
        except tf.errors.OutOfRangeError:
            pass
        finally:
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=SECONDS)
        assert not any(t.is_alive() for t in threads)
    return found


# The coordinator ----------------------------------------------------------------------------------------------------


def test_threads_end_together() -> None:
    coord = tf.train.Coordinator()
    counts = [0, 0]

    def work(number: int) -> None:
        while not coord.should_stop():
            counts[number] += 1
            if number == 0 and counts[0] == 5:
                coord.request_stop()
            coord.wait_for_stop(0.001)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    assert not coord.joined
    coord.join(threads, stop_grace_period_secs=SECONDS)
    assert coord.joined
    assert counts[0] == 5
    assert not any(t.is_alive() for t in threads)


def test_an_exception_stops_all_and_is_raised_once() -> None:
    coord = tf.train.Coordinator()

    def fail() -> None:
        with coord.stop_on_exception():
            raise KeyError("the first")

    def late() -> None:
        with coord.stop_on_exception():
            coord.wait_for_stop()
            raise ValueError("the second")

    for target in (late, fail):
        thread = threading.Thread(target=target, daemon=True)
        coord.register_thread(thread)
        thread.start()
    with pytest.raises(KeyError, match="the first"):
        coord.join(stop_grace_period_secs=SECONDS)
    with pytest.raises(KeyError, match="the first"):
        coord.raise_requested_exception()
    coord.clear_stop()
    assert not coord.should_stop()
    coord.raise_requested_exception()
    coord.request_stop()
    coord.join()


def test_the_end_of_the_input_is_no_failure() -> None:
    for error, clean in ((tf.errors.OutOfRangeError("end"), None), (EOFError(), (EOFError,))):
        coord = tf.train.Coordinator(clean_stop_exception_types=clean)
        with coord.stop_on_exception():
            raise error
        assert coord.should_stop()
        coord.join()
    coord = tf.train.Coordinator()
    try:
        raise ValueError("as exc_info")
    except ValueError:
        coord.request_stop(sys.exc_info())
    with pytest.raises(ValueError, match="as exc_info"):
        coord.join()


def test_a_thread_that_does_not_end() -> None:
    coord, release = tf.train.Coordinator(), threading.Event()
    thread = threading.Thread(target=release.wait, name="stubborn", daemon=True)
    thread.start()
    coord.request_stop()
    with pytest.raises(RuntimeError, match="still running after the stop: stubborn"):
        coord.join([thread], stop_grace_period_secs=0.05)
    coord.join([thread], stop_grace_period_secs=0.05, ignore_live_threads=True)
    release.set()
    assert not tf.train.Coordinator().wait_for_stop(0.01)


def test_looper_threads() -> None:
    coord, calls = tf.train.Coordinator(), []

    def call(value: int) -> None:
        calls.append(value)
        if len(calls) == 3:
            raise ValueError("enough")

    thread = tf.train.LooperThread.loop(coord, 0.001, call, args=(7,))
    with pytest.raises(ValueError, match="enough"):
        coord.join(stop_grace_period_secs=SECONDS)
    assert not thread.is_alive()
    assert calls == [7, 7, 7]


# Queue runners ------------------------------------------------------------------------------------------------------


def test_a_runner_fills_a_queue() -> None:
    """The numbers of a counter, by two threads."""
    v = tf.Variable(np.int64(0), trainable=False)
    section = tf.CriticalSection()
    q = tf.FIFOQueue(10, tf.int64, [[]])
    put = q.enqueue(section.execute(lambda: v.assign_add(np.int64(1))))
    tf.train.add_queue_runner(tf.train.QueueRunner(q, [put, put]))
    found = drained(q.dequeue_many(20), limit=5)
    assert sorted(np.concatenate(found))[:90] == list(range(1, 91))


def failing(after: int) -> tuple[Any, Any]:
    """A queue whose filling fails, not as the input ends."""
    x = tf.Variable(np.int32(0), trainable=False)
    step = x.assign_add(np.int32(1))
    row = tf.gather(np.arange(after + 1, dtype=np.int32), step)
    q = tf.FIFOQueue(100, tf.int32, [[]])
    runner = tf.train.QueueRunner(q, [q.enqueue(row)])
    tf.train.add_queue_runner(runner)
    return q, runner


def taken(session: Any, fetch: Any) -> list[int]:
    """What a fetch gives until the end of the input."""
    found: list[int] = []
    while True:
        try:
            found.append(int(session.run(fetch)))
        except tf.errors.OutOfRangeError:
            return found


def test_an_exception_in_a_reader_reaches_join() -> None:
    q, _ = failing(3)
    with tf.Session() as session:
        coord, threads = start(session)
        found = taken(session, q.dequeue())
        coord.request_stop()
        with pytest.raises(tf.GraphError, match="gather"):
            coord.join(threads, stop_grace_period_secs=SECONDS)
        assert not any(t.is_alive() for t in threads)
    assert found == [1, 2, 3]


def test_an_exception_without_a_coordinator_is_kept() -> None:
    q, runner = failing(2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        threads = runner.create_threads(session, daemon=True, start=True)
        # The same threads go on.
        assert len(threads) == 1
        found = taken(session, q.dequeue())
        threads[0].join(SECONDS)
        assert not threads[0].is_alive()
    assert found == [1, 2]
    assert "gather" in str(runner.exceptions_raised[0])


def test_a_runner_runs_once_in_a_session() -> None:
    q = tf.FIFOQueue(1, tf.int32, [[]])
    runner = tf.train.QueueRunner(q, [q.enqueue(1)])
    with tf.Session() as session:
        coord = tf.train.Coordinator()
        threads = runner.create_threads(session, coord, daemon=True, start=True)
        assert len(threads) == 2
        assert runner.create_threads(session, coord) == []
        # The stop ends the thread that waits for room.
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=SECONDS)
        assert session.run(q.is_closed())
    with pytest.raises(ValueError, match="needs a queue and operations"):
        tf.train.QueueRunner(q, [])


def test_closing_the_session_ends_the_threads() -> None:
    q = tf.FIFOQueue(2, tf.int32, [[]])
    tf.train.add_queue_runner(tf.train.QueueRunner(q, [q.enqueue(1)] * 3))
    with tf.Session() as session:
        coord, threads = start(session)
        session.run(q.dequeue())
    coord.join(threads, stop_grace_period_secs=SECONDS)
    assert not any(t.is_alive() for t in threads)


def test_runners_need_a_session() -> None:
    with pytest.raises(ValueError, match="needs a session"):
        tf.train.start_queue_runners()
    with tf.Session():
        assert tf.train.start_queue_runners() == []


# Producers ----------------------------------------------------------------------------------------------------------


def test_limit_epochs() -> None:
    limited = tf.train.limit_epochs(tf.constant([1, 2]), 3)
    assert limited.shape == (2,)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        assert [session.run(limited).tolist() for _ in range(3)] == [[1, 2]] * 3
        for _ in range(2):
            with pytest.raises(tf.errors.OutOfRangeError, match="has reached its limit, 3"):
                session.run(limited)
    x = tf.constant(1)
    assert tf.train.limit_epochs(x) is x
    with pytest.raises(ValueError, match="expected a positive number"):
        tf.train.limit_epochs(x, 0)
    assert tf.global_variables() == []


def test_count_up_to() -> None:
    v = tf.Variable(np.int32(0))
    count = tf.count_up_to(v, 3)
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            session.run(tf.global_variables_initializer())
            assert [session.run(count) for _ in range(3)] == [0, 1, 2]
            with pytest.raises(tf.errors.OutOfRangeError, match="has reached its limit, 3"):
                session.run(count)
            assert session.run(v) == 3


def test_producers_in_order() -> None:
    names = tf.train.string_input_producer(["a", "b", "c"], num_epochs=2, shuffle=False)
    assert drained(names.dequeue()) == [b"a", b"b", b"c"] * 2
    numbers = tf.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    assert numbers.dtype is tf.int32
    assert drained(numbers) == [0, 1, 2, 3]
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    slices = tf.train.input_producer(rows, num_epochs=1, shuffle=False).dequeue()
    np.testing.assert_array_equal(drained(slices), rows)


@pytest.mark.parametrize("kind", ["string", "range", "rows"])
def test_producers_shuffle_each_epoch(kind: str) -> None:
    count, runs = 30, 3
    if kind == "string":
        q = tf.train.string_input_producer([str(i) for i in range(count)], num_epochs=runs, seed=1)
    elif kind == "range":
        q = tf.train.range_input_producer(tf.constant(count), num_epochs=runs, seed=1)
    else:
        q = tf.train.input_producer(np.arange(count), num_epochs=runs, seed=1)
    found = np.asarray([int(v) for v in drained(q.dequeue())]).reshape(runs, count)
    for row in found:
        assert sorted(row) == list(range(count))
        assert list(row) != list(range(count))
    assert not np.array_equal(found[0], found[1])


def test_slices_of_several_tensors() -> None:
    names, labels = [f"f{i}" for i in range(10)], np.arange(10)
    name, label = tf.train.slice_input_producer([names, labels], num_epochs=2, seed=4)
    assert (name.dtype, label.shape) == (tf.string, ())
    found = drained([name, label])
    assert sorted(int(n) for _, n in found) == sorted([*range(10)] * 2)
    assert all(text == f"f{number}".encode() for text, number in found)
    with pytest.raises(ValueError, match="must be known and equal"):
        tf.train.slice_input_producer([names, labels[:3]])


def test_producers_for_ever() -> None:
    q = tf.train.string_input_producer(["a"], capacity=2)
    assert drained(q.dequeue(), limit=50) == [b"a"] * 50
    with pytest.raises(ValueError, match="one or more texts"):
        tf.train.string_input_producer([])


# Batches ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smaller", [False, True])
def test_batches(smaller: bool) -> None:
    x = tf.train.range_input_producer(10, num_epochs=1, shuffle=False).dequeue()
    pair = tf.train.batch([x, tf.stack([x, x * x])], 4, allow_smaller_final_batch=smaller)
    assert pair[1].get_shape().as_list() == [None if smaller else 4, 2]
    found = drained(pair)
    assert [len(a) for a, _ in found] == ([4, 4, 2] if smaller else [4, 4])
    numbers = np.concatenate([a for a, _ in found])
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
    np.testing.assert_array_equal(np.concatenate([b for _, b in found])[:, 1], numbers**2)


def test_batches_of_dicts_by_several_threads() -> None:
    x = tf.train.range_input_producer(40, num_epochs=2).dequeue()
    batch = tf.train.batch({"x": x, "twice": x * 2}, 8, num_threads=3)
    found = drained(batch)
    assert len(found) == 10
    numbers = np.concatenate([f["x"] for f in found])
    assert sorted(numbers) == sorted([*range(40)] * 2)
    np.testing.assert_array_equal(np.concatenate([f["twice"] for f in found]), 2 * numbers)


def test_batches_of_parts() -> None:
    """Elements that come many at a time, and one tensor by itself."""
    x = tf.train.input_producer(np.arange(12).reshape(4, 3), num_epochs=1, shuffle=False).dequeue()
    found = drained(tf.train.batch(x, 6, enqueue_many=True))
    np.testing.assert_array_equal(found, np.arange(12).reshape(2, 6))


def test_batches_are_padded() -> None:
    n = tf.train.range_input_producer(6, num_epochs=1, shuffle=False).dequeue()
    row = tf.range(n)
    row.set_shape([None])
    (found,) = drained(tf.train.batch([row], 6, dynamic_pad=True))
    expected = np.where(np.arange(5) < np.arange(6)[:, None], np.arange(5), 0)
    np.testing.assert_array_equal(found, expected)


def test_shuffled_batches() -> None:
    x = tf.train.range_input_producer(100, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.shuffle_batch([x], 10, capacity=60, min_after_dequeue=40, seed=2)
    assert isinstance(batch, tf.Tensor), "a list of one tensor gives a tensor"
    numbers = np.concatenate(drained(batch))
    assert sorted(numbers) == list(range(100))
    # The first batch is drawn from at least min_after_dequeue + 10 elements.
    assert max(numbers[:10]) > 15
    assert list(numbers) != list(range(100))


@pytest.mark.parametrize("shuffled", [False, True])
def test_batches_of_several_sources(shuffled: bool) -> None:
    sources = [[tf.train.input_producer(np.arange(10) + start, num_epochs=1).dequeue()] for start in (0, 100)]
    if shuffled:
        batch = tf.train.shuffle_batch_join(sources, 5, capacity=20, min_after_dequeue=5)
    else:
        batch = tf.train.batch_join(sources, 5)
    numbers = np.concatenate(drained(batch))
    assert sorted(numbers) == [*range(10), *range(100, 110)]


def test_training_from_a_pipeline() -> None:
    """A TensorFlow 1 program from end to end."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((60, 3)).astype(np.float32)
    targets = inputs @ np.float32([[1], [-2], [3]])
    x, y = tf.train.slice_input_producer([inputs, targets], num_epochs=40, seed=0)
    xs, ys = tf.train.shuffle_batch([x, y], 10, capacity=50, min_after_dequeue=20, num_threads=2)
    w = tf.Variable(np.zeros((3, 1), np.float32))
    loss = tf.reduce_mean(tf.square(xs @ w - ys))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    steps = 0
    with tf.Session() as session:
        coord, threads = start(session)
        try:
            while not coord.should_stop():
                session.run(train)
                steps += 1
        except tf.errors.OutOfRangeError:
            pass
        finally:
            coord.request_stop()
        coord.join(threads, stop_grace_period_secs=SECONDS)
        learned = session.run(w)
    assert steps == 240
    np.testing.assert_allclose(learned, [[1], [-2], [3]], atol=1e-3)


# Reading ahead ------------------------------------------------------------------------------------------------------


def test_items_of_any_iterable() -> None:
    assert list(tf.train.prefetch([1, 2, 3])) == [1, 2, 3]
    assert list(tf.train.prefetch(iter("ab"))) == ["a", "b"]
    assert list(tf.train.prefetch([])) == []
    assert list(tf.train.prefetch([1, 2], repeat=2, transform=lambda v: v * 10)) == [10, 20, 10, 20]
    for_ever = tf.train.prefetch([1, 2], repeat=None)
    assert [next(for_ever) for _ in range(5)] == [1, 2, 1, 2, 1]
    for_ever.close()
    assert list(for_ever) == []


def test_feeds() -> None:
    x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int32, [None])
    total = tf.reduce_sum(x) + tf.cast(tf.reduce_sum(y), tf.float32)
    rows = [(np.ones((n, 2)), np.arange(n)) for n in (1, 2, 3)]
    with tf.Session() as session, tf.train.prefetch(rows, [x, y]) as feeds:
        assert [session.run(total, feed) for feed in feeds] == [2, 5, 9]
    with pytest.raises(ValueError, match="an item has 2 parts, there are 1 tensors"):
        next(tf.train.prefetch(rows, [x]))


def test_a_data_loader() -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.arange(12.0).reshape(6, 2), torch.arange(6))
    loader = torch.utils.data.DataLoader(data, batch_size=2)
    x, y = tf.placeholder(tf.float32, [2, 2]), tf.placeholder(tf.int64, [2])
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            found = [session.run([x, y], feed) for feed in tf.train.prefetch(loader, [x, y], repeat=2)]
        assert len(found) == 6
        np.testing.assert_array_equal(np.concatenate([a for a, _ in found[3:]]), np.arange(12).reshape(6, 2))
        np.testing.assert_array_equal(np.concatenate([b for _, b in found[:3]]), np.arange(6))


def test_items_are_read_while_the_step_runs() -> None:
    read = [threading.Event() for _ in range(6)]

    def source() -> Iterator[int]:
        for number, event in enumerate(read):
            event.set()
            yield number

    items = tf.train.prefetch(source(), depth=3)
    assert next(items) == 0
    # Three wait, and a fourth is in the thread's hand; no further one is read.
    assert read[4].wait(SECONDS)
    assert not read[5].wait(0.05)
    assert list(items) == [1, 2, 3, 4, 5]


def test_an_exception_comes_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the disk is gone")

    items = tf.train.prefetch(source(), depth=8)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)
    assert list(items) == []
    with pytest.raises(ZeroDivisionError):
        list(tf.train.prefetch([1, 0], transform=lambda v: 1 / v))


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    ended = threading.Event()

    def source() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            ended.set()

    with tf.train.prefetch(source(), depth=1) as items:
        assert [next(items), next(items)] == [0, 1]
    assert list(items) == []
    items.close()
    gc.collect()
    assert ended.wait(SECONDS)
    assert threading.active_count() == before


def test_closing_ends_who_waits() -> None:
    release = threading.Event()

    def source() -> Iterator[int]:
        release.wait(SECONDS)
        yield 1

    items = tf.train.prefetch(source())
    found: list[list[int]] = []
    waiting = threading.Thread(target=lambda: found.append(list(items)), daemon=True)
    waiting.start()
    start = time.monotonic()
    items.close(timeout=0.05)
    waiting.join(SECONDS)
    assert found == [[]]
    assert time.monotonic() - start < SECONDS / 2
    release.set()


def test_an_iterator_that_nobody_holds_ends_its_thread() -> None:
    items = tf.train.prefetch(iter(range(100)), depth=1)
    thread, gone = items._thread, weakref.ref(items)
    next(items)
    del items
    gc.collect()
    assert gone() is None
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_what_cannot_be_read_ahead() -> None:
    with pytest.raises(TypeError, match="can be gone through only once"):
        tf.train.prefetch(iter([1]), repeat=2)
    with pytest.raises(TypeError, match="cannot be iterated over"):
        tf.train.prefetch(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="depth is 0"):
        tf.train.prefetch([1], depth=0)
    with pytest.raises(ValueError, match="has no items"):
        next(tf.train.prefetch([], repeat=None))


# Monitored sessions -------------------------------------------------------------------------------------------------


def test_a_monitored_session_runs_the_queue_runners() -> None:
    x = tf.train.range_input_producer(7, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch([x], 2)
    found = []
    before = threading.active_count()
    with tf.train.MonitoredTrainingSession(stop_grace_period_secs=SECONDS) as session:
        while not session.should_stop():
            found += session.run(batch).tolist()
    assert found == [0, 1, 2, 3, 4, 5]
    assert threading.active_count() == before


def test_a_monitored_session_raises_what_a_reader_failed_with() -> None:
    q, _ = failing(3)
    taking, found = q.dequeue(), []

    def train() -> None:
        with tf.train.MonitoredTrainingSession(stop_grace_period_secs=SECONDS) as session:
            while not session.should_stop():
                found.append(int(session.run(taking)))

    with pytest.raises(tf.GraphError, match="gather"):
        train()
    # The failure may come before what is in the queue is taken.
    assert found == [1, 2, 3][: len(found)]


def test_a_monitored_session_writes_summaries(tmp_path: Any) -> None:
    pytest.importorskip("tensorboard")
    step = tf.train.get_or_create_global_step()
    advance = step.assign_add(np.int64(1))
    tf.summary.scalar("step", tf.identity(step))
    options = {"checkpoint_dir": tmp_path, "save_checkpoint_steps": None, "log_step_count_steps": None}
    with tf.train.MonitoredTrainingSession(save_summaries_steps=3, **options) as session:
        for _ in range(8):
            session.run(advance)
    (path,) = tmp_path.glob("events.*")
    events = list(tf.train.summary_iterator(path))
    assert sum(e.HasField("graph_def") for e in events) == 1
    assert [e.step for e in events if e.HasField("summary")] == [1, 4, 7]
    with pytest.raises(ValueError, match="needs a folder or a writer"):
        tf.train.SummarySaverHook(save_steps=1)
