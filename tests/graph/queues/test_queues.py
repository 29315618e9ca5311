"""Queues, coordinators and queue runners: values, order, closing, exhaustion, errors; nothing waits for ever."""

from __future__ import annotations

import faulthandler
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf

# Whatever waits longer than this waits for ever.
SECONDS = 20
BACKENDS = ("numpy", "torch")


@pytest.fixture(autouse=True)
def _graph() -> Iterator[Any]:
    faulthandler.dump_traceback_later(30, exit=True)
    with tf.Graph().as_default() as graph:
        yield graph
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(params=BACKENDS)
def session(request: Any, _graph: Any) -> Iterator[Any]:
    if request.param == "torch":
        pytest.importorskip("torch")
    with tf.Session(config=tf.ConfigProto(backend=request.param)) as made:
        yield made


class Running:
    """A function in a thread: what it gives, or how it ends."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.started = threading.Event()
        self.value: Any = None
        self.error: Exception | None = None
        self._function = function
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.started.wait(SECONDS)

    def _run(self) -> None:
        self.started.set()
        try:
            self.value = self._function()
        except Exception as error:
            self.error = error

    def waits(self) -> bool:
        """Whether it goes on waiting."""
        self._thread.join(0.1)
        return self._thread.is_alive()

    def end(self) -> Any:
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "it waits for ever"
        if self.error is not None:
            raise self.error
        return self.value


def epochs(session: Any) -> None:
    session.run([v.initializer for v in session.graph.get_collection("local_variables")])


def drained(session: Any, fetch: Any) -> list[Any]:
    """What a fetch gives until the end of the input."""

    def take() -> list[Any]:
        found = []
        while True:
            try:
                found.append(session.run(fetch))
            except tf.errors.OutOfRangeError:
                return found

    found: list[Any] = Running(take).end()
    return found


# Queues -------------------------------------------------------------------------------------------------------------


def test_order_and_size(session: Any) -> None:
    q = tf.FIFOQueue(10, "float")
    x = tf.placeholder(tf.float32, [])
    put, take = q.enqueue(x), q.dequeue()
    for value in (3.0, 1.0, 2.0):
        session.run(put, {x: value})
    assert isinstance(q, tf.QueueBase)
    assert session.run(q.size()) == 3
    found = [session.run(take) for _ in range(3)]
    assert found == [3, 1, 2]
    assert all(type(f) is np.float32 for f in found)
    assert session.run(q.size()) == 0


def test_elements_of_several_components(session: Any) -> None:
    q = tf.FIFOQueue(10, [tf.int64, tf.string, tf.float32], [[], [], [2]])
    rows = [np.arange(4), ["a", "b", "c", "d"], np.arange(8, dtype=np.float32).reshape(4, 2)]
    session.run(q.enqueue_many(rows))
    first = q.dequeue()
    assert [t.shape for t in first] == [(), (), (2,)]
    number, text, pair = session.run(first)
    assert (number, text, pair.tolist()) == (0, b"a", [0, 1])
    many = q.dequeue_many(3)
    assert [t.shape for t in many] == [(3,), (3,), (3, 2)]
    numbers, texts, pairs = session.run(many)
    np.testing.assert_array_equal(numbers, [1, 2, 3])
    assert numbers.dtype == np.int64
    assert texts.tolist() == [b"b", b"c", b"d"]
    np.testing.assert_array_equal(pairs, rows[2][1:])


def test_elements_by_name(session: Any) -> None:
    q = tf.FIFOQueue(5, [tf.int32, tf.float32], shapes=[[], []], names=["n", "v"])
    session.run(q.enqueue({"n": 1, "v": 0.5}))
    assert session.run(q.dequeue()) == {"n": 1, "v": 0.5}
    with pytest.raises(ValueError, match="takes a dict with n, v, not list"):
        q.enqueue([1, 0.5])


def test_what_goes_in_is_a_copy(session: Any) -> None:
    """Neither the caller's array nor a later step of the same run changes what is in the queue."""
    q = tf.FIFOQueue(5, tf.float32, [[3]])
    x = tf.placeholder(tf.float32, [3])
    y = x * 2
    put = q.enqueue(y)
    with tf.control_dependencies([put]):
        z = tf.exp(tf.negative(tf.identity(y)))
    array = np.ones(3, np.float32)
    session.run([put, z], {x: array})
    session.run(q.enqueue(x), {x: array})
    array[:] = 7
    taken = [session.run(q.dequeue()) for _ in range(2)]
    np.testing.assert_array_equal(taken, [[2, 2, 2], [1, 1, 1]])
    taken[0][:] = 5  # the caller's own


def test_a_run_takes_one_element_however_often_it_is_used(session: Any) -> None:
    q = tf.FIFOQueue(5, tf.int32, [[]])
    session.run(q.enqueue_many([[1, 2, 3]]))
    a = q.dequeue()
    assert session.run([a, a + 1, a * 10]) == [1, 2, 10]
    assert session.run(q.size()) == 2


def test_shuffled_elements(session: Any) -> None:
    q = tf.RandomShuffleQueue(100, 0, tf.int32, [[]], seed=3)
    session.run(q.enqueue_many([np.arange(100, dtype=np.int32)]))
    found = session.run(q.dequeue_many(100))
    assert sorted(found) == list(range(100))
    assert list(found) != list(range(100))
    # Every place comes from everywhere.
    assert abs(np.corrcoef(found, np.arange(100))[0, 1]) < 0.4


def test_seeds_decide_the_order() -> None:
    def order(seed: int) -> list[int]:
        with tf.Graph().as_default(), tf.Session() as session:
            q = tf.RandomShuffleQueue(50, 0, tf.int32, [[]], seed=seed)
            session.run(q.enqueue_many([np.arange(50, dtype=np.int32)]))
            return [int(n) for n in session.run(q.dequeue_many(50))]

    assert order(1) == order(1) != order(2)


def test_elements_stay_to_mix_with() -> None:
    q = tf.RandomShuffleQueue(20, 5, tf.int32, [[]])
    take = q.dequeue()
    with tf.Session() as session:
        session.run(q.enqueue_many([np.arange(7, dtype=np.int32)]))
        found = [session.run(take), session.run(take)]
        waiting = Running(lambda: session.run(take))
        assert waiting.waits()
        assert session.run(q.size()) == 5
        session.run(q.enqueue_many([[7]]))
        found.append(waiting.end())
        session.run(q.close())
        found += drained(session, take)
    assert sorted(found) == list(range(8))


def test_padding(session: Any) -> None:
    q = tf.PaddingFIFOQueue(10, [tf.float32, tf.string], [[None, 2], [None]])
    x, t = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.string, [None])
    put = q.enqueue([x, t])
    for n in (1, 3, 2):
        session.run(put, {x: np.full((n, 2), n), t: ["a"] * n})
    found, texts = session.run(q.dequeue_many(3))
    expected = np.zeros((3, 3, 2))
    for row, n in enumerate((1, 3, 2)):
        expected[row, :n] = n
    np.testing.assert_array_equal(found, expected)
    assert texts.tolist() == [[b"a", b"", b""], [b"a"] * 3, [b"a", b"a", b""]]


def test_shapes_are_held() -> None:
    q = tf.FIFOQueue(5, tf.float32, [[2, 2]])
    with pytest.raises(
        tf.ShapeError, match=r"component 0.*has shape \[3\] in an element, expected \[2, ?2\]"
    ):
        q.enqueue(tf.zeros([3]))
    with pytest.raises(tf.ShapeError, match="is a scalar: it holds no elements"):
        q.enqueue_many(tf.constant(1.0))
    with pytest.raises(ValueError, match="has 1 components, 2 were given"):
        q.enqueue([tf.zeros([2, 2]), tf.zeros([2, 2])])
    with pytest.raises(TypeError, match="int32, expected float32"):
        q.enqueue(tf.zeros([2, 2], tf.int32))
    with pytest.raises(ValueError, match="use PaddingFIFOQueue"):
        tf.FIFOQueue(5, tf.float32, [[None]])
    with pytest.raises(ValueError, match="made without shapes"):
        tf.FIFOQueue(5, tf.float32).dequeue_many(2)
    with pytest.raises(ValueError, match="nothing could be taken"):
        tf.RandomShuffleQueue(5, 5, tf.float32)
    x = tf.placeholder(tf.float32)
    put, many = q.enqueue(x), q.enqueue_many([x])
    two = tf.FIFOQueue(5, [tf.float32, tf.float32], [[], []])
    y = tf.placeholder(tf.float32)
    with tf.Session() as session:
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"component 0 .* shape \[4\], expected \[2, ?2\]"
        ):
            session.run(put, {x: np.zeros(4)})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \[2\], expected \[2, ?2\]"):
            session.run(many, {x: np.zeros((2, 2))})
        with pytest.raises(tf.errors.InvalidArgumentError, match="must have one first dimension"):
            session.run(two.enqueue_many([x, y]), {x: np.zeros(2), y: np.zeros(3)})
        assert session.run(q.size()) == 0


def test_queues_are_each_sessions_own() -> None:
    q = tf.FIFOQueue(5, tf.int32, [[]])
    shared = [tf.FIFOQueue(5, tf.int32, [[]], shared_name="one") for _ in range(2)]
    with tf.Session() as a, tf.Session() as b:
        a.run(q.enqueue(1))
        assert (a.run(q.size()), b.run(q.size())) == (1, 0)
        a.run(shared[0].enqueue(4))
        assert a.run(shared[1].dequeue()) == 4


def test_a_queue_in_a_branch(session: Any) -> None:
    """The handle goes into bodies."""
    q = tf.FIFOQueue(5, tf.int32, [[]])
    session.run(q.enqueue_many([[1, 2]]))
    which = tf.placeholder(tf.bool, [])
    taken = tf.cond(which, q.dequeue, lambda: tf.constant(-1))
    assert [session.run(taken, {which: w}) for w in (True, False, True)] == [1, -1, 2]


# Waiting ------------------------------------------------------------------------------------------------------------


def test_a_waiting_take_does_not_hold_up_other_runs(session: Any) -> None:
    q = tf.FIFOQueue(5, tf.int32, [[]])
    take, put = q.dequeue(), q.enqueue(5)
    v = tf.Variable(1.0)
    session.run(v.initializer)
    waiting = Running(lambda: session.run(take))
    assert waiting.waits()
    assert session.run(v * 2) == 2
    session.run(put)
    assert waiting.end() == 5


def test_a_full_queue_waits_for_room(session: Any) -> None:
    q = tf.FIFOQueue(2, tf.int32, [[]])
    waiting = Running(lambda: session.run(q.enqueue_many([[1, 2, 3, 4, 5]])))
    assert waiting.waits()
    assert session.run(q.size()) == 2
    # More than the capacity: they go through.
    np.testing.assert_array_equal(Running(lambda: session.run(q.dequeue_many(5))).end(), [1, 2, 3, 4, 5])
    waiting.end()


def test_who_comes_first_is_served_first() -> None:
    q = tf.FIFOQueue(10, tf.int32, [[]])
    three, one = q.dequeue_many(3), q.dequeue()
    with tf.Session() as session:
        first = Running(lambda: session.run(three))
        assert first.waits()
        second = Running(lambda: session.run(one))
        session.run(q.enqueue_many([[1, 2]]))
        assert second.waits()
        session.run(q.enqueue_many([[3, 4]]))
        assert first.end().tolist() == [1, 2, 3]
        assert second.end() == 4


def test_many_threads_lose_nothing() -> None:
    q = tf.FIFOQueue(7, tf.int32, [[]])
    x = tf.placeholder(tf.int32, [])
    put, take = q.enqueue(x), q.dequeue()
    with tf.Session() as session:

        def fill(first: int) -> None:
            for n in range(first, first + 100):
                session.run(put, {x: n})

        def empty() -> list[int]:
            return [int(session.run(take)) for _ in range(100)]

        givers = [Running(lambda n=n: fill(100 * n)) for n in range(4)]  # type: ignore[misc]
        takers = [Running(empty) for _ in range(4)]
        found = [t.end() for t in takers]
        for giver in givers:
            giver.end()
    assert sorted(n for f in found for n in f) == list(range(400))
    # Of each giver in its order.
    for f in found:
        for n in range(4):
            of_one = [v for v in f if v // 100 == n]
            assert of_one == sorted(of_one)


# Closing ------------------------------------------------------------------------------------------------------------


def test_a_closed_queue_gives_what_it_has(session: Any) -> None:
    q = tf.FIFOQueue(10, tf.int32, [[]])
    session.run(q.enqueue_many([np.arange(7, dtype=np.int32)]))
    assert not session.run(q.is_closed())
    session.run(q.close())
    session.run(q.close())
    assert session.run(q.is_closed())
    with pytest.raises(tf.errors.CancelledError, match="is closed: nothing can be put into it"):
        session.run(q.enqueue(1))
    three = q.dequeue_many(3)
    assert session.run(three).tolist() == [0, 1, 2]
    assert session.run(three).tolist() == [3, 4, 5]
    with pytest.raises(tf.errors.OutOfRangeError, match="3 were asked for, 1 are left"):
        session.run(three)
    # They stay in the queue.
    up_to = q.dequeue_up_to(3)
    assert up_to.get_shape().as_list() == [None]
    assert session.run(up_to).tolist() == [6]
    for end in (up_to, q.dequeue(), three):
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(end)
    assert session.run(q.dequeue_many(0)).shape == (0,)


def test_closing_ends_who_waits_for_elements() -> None:
    q = tf.FIFOQueue(10, tf.int32, [[]])
    take, many, up_to = q.dequeue(), q.dequeue_many(3), q.dequeue_up_to(3)
    with tf.Session() as session:
        session.run(q.enqueue_many([[1, 2]]))
        first = Running(lambda: session.run(many))
        assert first.waits()
        second = Running(lambda: session.run(up_to))
        assert second.waits()
        third = Running(lambda: session.run(take))
        assert third.waits()
        session.run(q.close())
        with pytest.raises(tf.errors.OutOfRangeError):
            first.end()
        assert second.end().tolist() == [1, 2]
        with pytest.raises(tf.errors.OutOfRangeError):
            third.end()


@pytest.mark.parametrize("cancel", [False, True])
def test_closing_and_who_waits_for_room(cancel: bool) -> None:
    q = tf.FIFOQueue(2, tf.int32, [[]])
    with tf.Session() as session:
        waiting = Running(lambda: session.run(q.enqueue_many([[1, 2, 3, 4]])))
        assert waiting.waits()
        session.run(q.close(cancel_pending_enqueues=cancel))
        if cancel:
            with pytest.raises(tf.errors.CancelledError, match="closed while an element waited for room"):
                waiting.end()
        else:
            assert waiting.waits()
        assert drained(session, q.dequeue()) == ([1, 2] if cancel else [1, 2, 3, 4])
        if not cancel:
            waiting.end()


def test_closing_the_session_ends_all_waiting() -> None:
    q, full = tf.FIFOQueue(2, tf.int32, [[]]), tf.FIFOQueue(1, tf.int32, [[]])
    take, put = q.dequeue(), full.enqueue(1)
    session = tf.Session()
    session.run(put)
    waiting = [Running(lambda: session.run(take)), Running(lambda: session.run(put))]
    assert all(w.waits() for w in waiting)
    session.close()
    for w in waiting:
        with pytest.raises(tf.errors.CancelledError, match="the session is closed"):
            w.end()
    with pytest.raises(tf.errors.CancelledError, match="the session is closed"):
        session.run(take)


def test_errors_are_those_of_tensorflow() -> None:
    for error in (tf.errors.OutOfRangeError, tf.errors.CancelledError, tf.errors.InvalidArgumentError):
        assert issubclass(error, tf.errors.OpError)
        assert issubclass(error, tf.GraphError)
    v = tf.Variable(1.0)
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="no value yet"):
        session.run(v)


# Mutexes ------------------------------------------------------------------------------------------------------------


def test_a_critical_section_is_run_alone() -> None:
    v = tf.Variable(0, dtype=tf.int32)
    section = tf.CriticalSection(name="counting")

    def slow() -> Any:
        before = v.read_value()
        total = tf.reduce_sum(tf.reshape(tf.range(20000), [100, 200])) * 0
        with tf.control_dependencies([total]):
            return v.assign(before + 1 + total)

    step = section.execute(slow)
    with tf.Session() as session:
        session.run(v.initializer)

        def count() -> list[int]:
            return [int(session.run(step)) for _ in range(25)]

        threads = [Running(count) for _ in range(4)]
        found = [n for t in threads for n in t.end()]
        assert session.run(v) == 100
    assert sorted(found) == list(range(1, 101))


def test_a_critical_section_gives_what_its_function_gives() -> None:
    x = tf.placeholder(tf.float32, [2])
    section = tf.CriticalSection()
    one, several = section.execute(lambda: x * 2), section.execute(lambda: [x + 1, tf.reduce_sum(x)])
    bad = tf.placeholder(tf.int32, [1])
    fails = section.execute(lambda: tf.gather(x, bad))
    assert one.shape == (2,)
    with tf.Session() as session:
        assert session.run(one, {x: [1, 2]}).tolist() == [2, 4]
        a, b = session.run(several, {x: [1, 2]})
        assert (a.tolist(), b) == ([2, 3], 3)
        # An error leaves it.
        with pytest.raises(tf.GraphError):
            session.run(fails, {x: [1, 2], bad: [9]})
        assert Running(lambda: session.run(one, {x: [1, 2]})).end().tolist() == [2, 4]


def test_queues_are_not_exported(tmp_path: Any) -> None:
    q = tf.FIFOQueue(5, tf.float32, [[2]])
    taken = q.dequeue()
    y = taken * 2
    with pytest.raises(tf.ExportError, match="name the dequeued tensors as the inputs"):
        tf.export_model(y, tmp_path / "m.smr", inputs=[])
    assert tf.export_model(y, tmp_path / "m.smr", inputs=taken)
