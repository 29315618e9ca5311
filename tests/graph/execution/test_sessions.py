"""Sessions: fetches, feeds, what runs and in which order, and what they say when they cannot."""

from __future__ import annotations

import sys
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import FeedError, GraphError, ShapeError, UninitializedError
from samara.graph.execution import session as session_module

Pair = namedtuple("Pair", ["left", "right"])


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


# Fetches ----------------------------------------------------------------------------------------------------------


def test_nested_fetches_keep_their_structure() -> None:
    a, b = tf.constant(2.0), tf.constant([1, 2])
    found = run({"x": [a, (b, a + 1)], "y": Pair(a, {"z": b}), "op": tf.no_op()})
    assert found["x"][0] == 2
    assert isinstance(found["x"][1], tuple)
    assert found["x"][1][1] == 3
    assert isinstance(found["y"], Pair)
    np.testing.assert_array_equal(found["y"].right["z"], [1, 2])
    assert found["op"] is None
    ordered = run(OrderedDict([("b", b), ("a", a)]))
    assert list(ordered) == ["b", "a"]
    assert run([]) == []


def test_fetches_by_name_and_twice() -> None:
    tf.constant(2.0, name="two")
    assert run("two:0") == 2
    assert run(["two:0", "two:0", "two"]) == [2, 2, None]
    with pytest.raises(KeyError, match="did you mean two"):
        run("twoo:0")


def test_what_cannot_be_fetched() -> None:
    other = tf.Graph().b.constant(1.0)
    with pytest.raises(GraphError, match="belongs to another graph"):
        run(other)
    for wrong in (None, 3, object()):
        with pytest.raises(TypeError, match="cannot be fetched"):
            run(wrong)


def test_fetched_arrays_belong_to_the_caller() -> None:
    constant, variable = tf.constant([1.0, 2.0]), tf.Variable([3.0, 4.0])
    spread = tf.broadcast_to(tf.constant(1.0), [2, 2])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        fetches = [constant, variable, tf.identity(variable), constant[:1], spread]
        for array in session.run(fetches):
            array += 10
        found = session.run(fetches)
    for array, expected in zip(found, [[1, 2], [3, 4], [3, 4], [1], np.ones((2, 2))], strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_fetched_scalar_is_a_number() -> None:
    variable, x = tf.Variable(3.0), tf.placeholder(tf.float32, [])
    for value in run([variable, x, x + 1, tf.identity(x), tf.constant(2.0)], {x: np.ones(())}):
        assert type(value) is np.float32


def test_a_fetched_variable_has_its_value_after_the_run() -> None:
    v = tf.Variable(1.0)
    changed = v.assign(5.0)
    assert run([v, changed]) == [5, 5]


# Feeds ------------------------------------------------------------------------------------------------------------


def test_feeds_are_cast_to_the_dtype() -> None:
    x = tf.placeholder("float", [None, 2])
    for value in ([[1, 2]], np.array([[1, 2]], np.int64), np.array([[1, 2]], np.float64), ((True, False),)):
        found = run(x * 2, {x: value})
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, 2 * np.asarray(value, np.float32))
    n = tf.placeholder(tf.int32, [])
    assert run(n + 1, {n: 2.0}) == 3


def test_any_tensor_can_be_fed() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.square(x, name="Square")
    z = y + 1
    np.testing.assert_array_equal(run(z, {y: [1, 2]}), [2, 3])
    np.testing.assert_array_equal(run([y, z], {"Square:0": [1, 2]}), [[1, 2], [2, 3]])
    constant, variable = tf.constant(1.0), tf.Variable(1.0)
    assert run(constant + variable, {constant: 5.0, variable: 7.0}) == 12
    assert run([variable, constant], {variable: 7.0}) == [7, 1]


def test_a_fed_output_of_an_operation_with_several() -> None:
    x = tf.placeholder(tf.float32, [4])
    first, second = tf.split(x, 2)
    found = run([first, second, first + second], {x: [1, 2, 3, 4], first: [10, 20]})
    np.testing.assert_array_equal(found, [[10, 20], [3, 4], [13, 24]])


def test_a_missing_feed_names_placeholder_and_line() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="images")
    with pytest.raises(FeedError, match=r"images:0 float32\[\?, 3\] \(made at .*test_sessions\.py:\d+\)"):
        run(x + 1)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 4)), r"x:0 expects shape \[\?, 3\], the feed has shape \[2, 4\]"),
        (np.zeros(3), r"x:0 expects shape"),
        ([[1, 2], [3]], r"x:0 expects int32\[\?, 3\]"),
        ([["a", "b", "c"]], r"not one of numbers"),
        ([[0.5, 1, 1]], r"fraction"),
    ],
)
def test_feeds_that_do_not_fit(value: Any, message: str) -> None:
    x = tf.placeholder(tf.int32, [None, 3], name="x")
    with pytest.raises(FeedError, match=message):
        run(x + 1, {x: value})


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (tf.int32, 2**31),
        (tf.int32, [0, -(2**31) - 1]),
        (tf.uint8, -1),
        (tf.uint8, 256.0),
        (tf.int8, np.array([127, 128], np.uint8)),
        (tf.int64, 2.0**63),
        (tf.int64, np.uint64(2**63)),
        (tf.int32, np.inf),
    ],
)
def test_feeds_out_of_range(dtype: Any, value: Any) -> None:
    x = tf.placeholder(dtype, name="x")
    with pytest.raises(FeedError, match=rf"x:0 expects {dtype.name}\[\.\.\.\]: .* is outside -?\d+\.\.\d+"):
        run(x, {x: value})


def test_feeds_at_the_ends_of_the_range() -> None:
    for dtype in (tf.int8, tf.uint8, tf.int16, tf.int32, tf.int64):
        limits = np.iinfo(dtype.numpy)
        x = tf.placeholder(dtype, [2])
        assert run(x, {x: [limits.min, limits.max]}).tolist() == [limits.min, limits.max]


def test_a_tensor_is_no_feed() -> None:
    x = tf.placeholder(tf.float32, [])
    with pytest.raises(FeedError, match="must be an array"):
        run(x, {x: tf.constant(1.0)})


def test_named_dimensions_have_one_size_in_all_feeds() -> None:
    n = tf.Dim("n", 1, 8)
    x, y = tf.placeholder(tf.float32, [n], name="x"), tf.placeholder(tf.float32, [n, 2], name="y")
    z = tf.placeholder(tf.float32, [2 * n], name="z")
    run([x, y], {x: np.zeros(3), y: np.zeros((3, 2))})
    with pytest.raises(FeedError, match="dimension n is 3 in x:0 but 4 in y:0"):
        run([x, y], {x: np.zeros(3), y: np.zeros((4, 2))})
    with pytest.raises(FeedError, match=r"dimension n is 9, outside 1\.\.8"):
        run(x, {x: np.zeros(9)})
    run([x, z], {x: np.zeros(3), z: np.zeros(6)})
    with pytest.raises(FeedError, match=r"z:0: dimension 2\*n is 5, not 6 with n=3"):
        run([x, z], {x: np.zeros(3), z: np.zeros(5)})


def test_anonymous_dimensions_are_free() -> None:
    x, y = (tf.placeholder(tf.float32, [None]) for _ in range(2))
    found = run([x, y], {x: np.zeros(3), y: np.zeros(5)})
    assert [f.shape for f in found] == [(3,), (5,)]


def test_unknown_rank() -> None:
    x = tf.placeholder(tf.float32)
    y = tf.reduce_sum(tf.nn.relu(x) * 2 + 1)
    assert x.shape is None
    for shape in ((), (3,), (2, 1, 4)):
        assert run(y, {x: np.ones(shape)}) == 3 * np.ones(shape).size
    (dx,) = tf.gradients(tf.square(x), [x])
    np.testing.assert_array_equal(run(dx, {x: [[1, -2]]}), [[2, -4]])
    assert x.get_shape().ndims is None
    with pytest.raises(ValueError, match="unknown rank"):
        x.get_shape().as_list()


# What runs --------------------------------------------------------------------------------------------------------


def test_only_what_is_needed_runs() -> None:
    x = tf.placeholder(tf.int32, [None])
    counter = tf.Variable(0)
    fails = tf.constant(1) // x
    counted = counter.assign_add(1)
    with tf.Session() as session:
        session.run(counter.initializer)
        np.testing.assert_array_equal(session.run(x + 1, {x: [0]}), [1])
        assert session.run(counter) == 0
        # A feed cuts off what computes the tensor.
        session.run(fails + 1, {fails: [3]})
        session.run(tf.identity(counted), {counted: 9})
        assert session.run(counter) == 0


def test_an_operation_runs_once_for_all_that_need_it() -> None:
    counter = tf.Variable(0)
    counted = counter.assign_add(1)
    assert run([counted + 0, counted * 10, counted]) == [1, 10, 1]


def test_control_dependencies_order_reads_and_writes() -> None:
    v = tf.Variable(1.0)
    before = v.read_value()
    with tf.control_dependencies([before]):
        write = v.assign(2.0)
    with tf.control_dependencies([write]):
        after = v.read_value()
    assert run([after, before]) == [2, 1]
    assert run(after) == 2


def test_control_dependencies_nest_and_end() -> None:
    a, b = tf.Variable(0), tf.Variable(0)
    with tf.control_dependencies([a.assign_add(1)]):
        with tf.control_dependencies([b.assign_add(1)]):
            both = tf.constant(0) + 0
        with tf.control_dependencies(None):
            neither = tf.identity(7)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(neither)
        assert session.run([a, b]) == [0, 0]
        session.run(both)
        assert session.run([a, b]) == [1, 1]


def test_group_and_run() -> None:
    a, b = tf.Variable(1), tf.Variable(2)
    with tf.Session():
        tf.global_variables_initializer().run()
        tf.group(a.assign(5), b.assign(6)).run()
        assert (a.eval(), b.eval()) == (5, 6)


def test_variables_are_read_when_their_reader_runs() -> None:
    v = tf.Variable(1.0)
    early = v + 0
    write = v.assign(10.0)
    late = v + 0
    assert run([late, write, early]) == [10, 10, 1]


def test_assignments_keep_values_apart() -> None:
    x = tf.placeholder(tf.float32, [2])
    v, w = tf.Variable([0.0, 0.0]), tf.Variable([0.0, 0.0])
    both = tf.group(v.assign(x), w.assign(v))
    fed = np.ones(2, np.float32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(both, {x: fed})
        fed += 1
        np.testing.assert_array_equal(session.run(v), [1, 1])
        session.run(v.assign([5, 5]))
        np.testing.assert_array_equal(session.run(w), [1, 1])


# Errors -----------------------------------------------------------------------------------------------------------


def test_an_uninitialized_variable_is_named_with_its_line() -> None:
    v = tf.Variable(1.0, name="weights")
    with tf.Session() as session:
        for fetch in (v, v + 1):
            with pytest.raises(UninitializedError, match=r"'weights' .*test_sessions\.py:\d+.*initializer"):
                session.run(fetch)


def test_a_failing_operation_is_named_with_its_line_and_shapes() -> None:
    x = tf.placeholder(tf.float32, [None])
    y = tf.placeholder(tf.float32, [None])
    z = tf.add(x, y, name="sum")
    with pytest.raises(
        GraphError, match=r"add 'sum' failed on float32\[2\], float32\[3\] \(made at .*test_sessions"
    ):
        run(z, {x: [1, 2], y: [1, 2, 3]})


def test_shape_errors_name_the_users_line() -> None:
    x, w = tf.placeholder(tf.float32, [None, 3]), tf.zeros([4, 2])
    line = sys._getframe().f_lineno + 2
    with pytest.raises(ShapeError) as caught:
        tf.matmul(x, w)
    assert f"test_sessions.py:{line})" in str(caught.value)
    for shape in ("[?, 3]", "[4, 2]"):
        assert shape in str(caught.value)
    with pytest.raises(TypeError, match=r"int32.*test_sessions\.py"):
        tf.add(x, tf.constant(1))


def test_a_closed_session() -> None:
    session = tf.Session()
    session.close()
    with pytest.raises(GraphError, match="closed"):
        session.run(tf.constant(1))


def test_without_a_default_session() -> None:
    with pytest.raises(GraphError, match="no default session"):
        tf.constant(1).eval()


# Default sessions and graphs --------------------------------------------------------------------------------------


def test_default_sessions_nest() -> None:
    a, b = tf.Session(), tf.Session()
    with a.as_default():
        with b.as_default(), a.as_default():
            assert tf.get_default_session() is a
        with b.as_default():
            with a.as_default():
                pass
            assert tf.get_default_session() is b
        assert tf.get_default_session() is a
    assert tf.get_default_session() is None


def test_default_graphs_nest() -> None:
    a, b = tf.Graph(), tf.Graph()
    with a.as_default(), b.as_default():
        with a.as_default():
            assert tf.get_default_graph() is a
        assert tf.get_default_graph() is b


def test_an_interactive_session_lasts_until_it_is_closed() -> None:
    session = tf.InteractiveSession()
    assert tf.constant(3).eval() == 3
    session.close()
    assert tf.get_default_session() is None


def test_sessions_hold_their_own_values() -> None:
    v = tf.Variable(1.0)
    a, b = tf.Session(), tf.Session()
    for session in (a, b):
        session.run(v.initializer)
    a.run(v.assign(2.0))
    assert (a.run(v), b.run(v)) == (2, 1)
    v.load(7.0, a)
    assert a.run(v) == 7
    with pytest.raises(ValueError, match="has shape"):
        v.load([1.0], a)


def test_a_fetch_list_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    compile_ = session_module.compile_plan
    monkeypatch.setattr(
        session_module, "compile_plan", lambda *given, **k: compiled.append(given) or compile_(*given, **k)
    )
    x, y = tf.placeholder(tf.float32, [None], name="x"), tf.placeholder(tf.float32, [None])
    z = x + y
    with tf.Session() as session:
        for size in range(1, 5):
            session.run([z, {"x": x}], {x: np.zeros(size), y: np.ones(size)})
        session.run((z, "x:0"), {"x:0": np.zeros(1), y: np.ones(1)})
        assert len(compiled) == 1
        session.run(z, {x: [1], y: [1]})
        session.run([z, x], {x: [1], z: [1]})
        assert len(compiled) == 3


def test_operations_added_after_a_run_are_seen() -> None:
    x = tf.constant(1)
    with tf.Session() as session:
        assert session.run(x) == 1
        assert session.run(x + 1) == 2


def test_trace_gives_each_fetch_as_it_comes_and_goes_on_from_what_is_sent() -> None:
    graph = tf.Graph()
    b = graph.b
    with graph.as_default():
        x = tf.placeholder(tf.float32, [3])
    doubled = b.add(x, x)
    squared = b.square(doubled)
    array = np.array([1, 2, 3], np.float32)
    trace = tf.Session(graph=graph).trace([squared, doubled, x], {x: array})
    tensor, value = next(trace)
    assert tensor is x
    tensor, value = next(trace)
    assert tensor is doubled
    np.testing.assert_array_equal(value, 2 * array)
    tensor, value = trace.send(np.array([0, 1, 5], np.float32))
    assert tensor is squared
    np.testing.assert_array_equal(value, [0, 1, 25])
    assert list(trace) == []


def test_feeds_are_a_mapping() -> None:
    graph = tf.Graph()
    with (
        graph.as_default(),
        pytest.raises(TypeError, match="feed_dict is of type list: expected a dict"),
    ):
        tf.Session(graph=graph).run(tf.constant(1.0), [1])
