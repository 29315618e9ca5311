"""Variables, scopes, initializers and collections, as programs of the time use them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, SharingError
from tests.graph.programs._run import run


def test_arguments_of_a_variable() -> None:
    v = tf.Variable([1.0, 2.0], False, [tf.GraphKeys.LOCAL_VARIABLES], True, None, "v")
    assert v.name == "v:0"
    assert tf.trainable_variables() == []
    assert tf.global_variables() == []
    assert tf.get_collection("local_variables") == [v]
    loose = tf.Variable(tf.placeholder_with_default([1.0, 2.0], [None]), validate_shape=False, name="loose")
    assert loose.get_shape().ndims is None
    with tf.Session() as session:
        session.run([loose.initializer, tf.local_variables_initializer()])
        np.testing.assert_array_equal(session.run(loose), [1, 2])
        np.testing.assert_array_equal(session.run(loose.assign([3.0, 4.0, 5.0])), [3, 4, 5])
        np.testing.assert_array_equal(session.run(loose), [3, 4, 5])
        np.testing.assert_array_equal(v.eval(), [1, 2])
    assert tf.initialize_local_variables is tf.local_variables_initializer
    shaped = tf.Variable(tf.placeholder_with_default(tf.zeros([2]), [None]), shape=[2])
    assert shaped.get_shape().as_list() == [2]
    keys = tf.GraphKeys
    tf.Variable(1.0, collections=[keys.GLOBAL_VARIABLES, keys.TRAINABLE_VARIABLES], name="both")
    assert [w.op.name for w in tf.trainable_variables() if w.op.name == "both"] == ["both"]
    with pytest.raises(ValueError, match="initial value"):
        tf.Variable()
    limit = tf.Variable(1.0, constraint=tf.abs)
    assert limit.constraint is tf.abs


def test_rows_of_a_variable() -> None:
    start = np.arange(6.0).reshape(3, 2) + 1
    u = np.array([[10.0, 20.0], [30.0, 40.0], [2.0, 4.0]])
    at = [2, 0, 2]

    def joined(function: Any) -> Any:
        expected = start.copy()
        for i, row in zip(at, u, strict=True):
            expected[i] = function(expected[i], row)
        return expected

    cases = {
        tf.scatter_update: lambda a, b: b,
        tf.scatter_add: np.add,
        tf.scatter_sub: np.subtract,
        tf.scatter_mul: np.multiply,
        tf.scatter_div: np.divide,
        tf.scatter_max: np.maximum,
        tf.scatter_min: np.minimum,
    }
    for function, oracle in cases.items():
        v = tf.Variable(start)
        with tf.Session() as session:
            session.run(v.initializer)
            np.testing.assert_allclose(session.run(function(v, at, u)), joined(oracle))
            np.testing.assert_allclose(session.run(v), joined(oracle))
    w = tf.Variable(start)
    with tf.Session() as session:
        session.run(w.initializer)
        expected = start.copy()
        for function, sign in ((tf.scatter_nd_add, 1), (tf.scatter_nd_sub, -1)):
            np.add.at(expected, ([0, 2, 0], [1, 0, 1]), sign * np.array([5.0, 6.0, 7.0]))
            np.testing.assert_allclose(
                session.run(function(w, [[0, 1], [2, 0], [0, 1]], [5.0, 6.0, 7.0])), expected
            )
        expected[1] = [8, 9]
        np.testing.assert_allclose(session.run(tf.scatter_nd_update(w, [[1]], [[8.0, 9.0]])), expected)
        expected[1] += 2
        np.testing.assert_allclose(session.run(tf.scatter_add(w, [1], 2.0)), expected)


def test_order_of_reads_and_writes() -> None:
    v = tf.Variable(1.0)
    double = v.assign(v * 2)
    with tf.control_dependencies([double]):
        after = v.read_value() + 0.5
    both = tf.tuple([after, None, tf.constant(3.0)], control_inputs=[v.assign_add(10.0)])
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(after) == 2.5
        assert session.run(tf.group(double, [double])) is None
        assert both[1] is None
        assert session.run(both[2]) == 3
        assert session.run(v) >= 14


def test_count_up_to_and_what_is_initialized() -> None:
    v, w = tf.Variable(0, name="v"), tf.Variable(1, name="w")
    count = tf.count_up_to(v, 2)
    ready = tf.is_variable_initialized(v)
    check = tf.assert_variables_initialized([v, w])
    with tf.Session() as session:
        assert not session.run(ready)
        with pytest.raises(GraphError, match="no value: v, w"):
            session.run(check)
        assert session.run(tf.report_uninitialized_variables()).tolist() == [b"v", b"w"]
        session.run(v.initializer)
        assert session.run(tf.report_uninitialized_variables([v, w])).tolist() == [b"w"]
        assert session.run(ready)
        assert [session.run(count) for _ in range(2)] == [0, 1]
        with pytest.raises(GraphError, match="limit"):
            session.run(count)
        session.run(w.initializer)
        session.run(check)
        assert session.run(tf.report_uninitialized_variables()).shape == (0,)


def test_scopes_as_programs_nest_them() -> None:
    def layer(x: Any) -> Any:
        w = tf.get_variable("w", [3, 2], initializer=tf.random_normal_initializer(seed=1))
        b = tf.get_variable("b", [2], initializer=tf.zeros_initializer)
        return tf.matmul(x, w) + b

    x = tf.placeholder("float", [None, 3])
    with tf.variable_scope("siamese") as scope:
        one = layer(x)
        scope.reuse_variables()
        two = layer(x * 2)
    with tf.variable_scope(scope, reuse=True):
        three = layer(x)
        assert tf.get_variable_scope().name == "siamese"
    assert [v.name for v in tf.trainable_variables()] == ["siamese/w:0", "siamese/b:0"]
    assert one.op.name.startswith("siamese/")
    assert three.op.name.startswith("siamese_1/")
    a, b, c = run([one, two, three], {x: np.ones((1, 3))})
    np.testing.assert_allclose(b, 2 * a)
    np.testing.assert_allclose(c, a)
    with tf.variable_op_scope([x], "old"), tf.op_scope([x], None, "inner"):
        v = tf.get_variable("v", [1])
        assert tf.identity(v).op.name.startswith("old/inner/")
    assert v.name == "old/v:0"
    with pytest.raises(SharingError, match="exists already"), tf.variable_scope("old"):
        tf.get_variable("v", [1])
    with pytest.raises(ValueError, match="exists already"), tf.variable_scope("old"):
        tf.get_variable("v", [1])
    names = []
    for _ in range(2):
        with tf.variable_scope("outer"):
            for _ in range(2):
                with tf.variable_scope(None, "block"):
                    names.append(tf.get_variable_scope().name)
    assert names == ["outer/block", "outer/block_1"] * 2


def test_regularizers_getters_and_dtypes_of_scopes() -> None:
    seen = []

    def getter(get: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(name)
        return get(name, *args, **kwargs)

    with tf.variable_scope(
        "net", regularizer=lambda v: 0.5 * tf.reduce_sum(tf.square(v)), custom_getter=getter, dtype=tf.float64
    ) as scope:
        w = tf.get_variable("w", initializer=tf.constant_initializer([1.0, 2.0]), shape=[2])
        plain = tf.get_variable("plain", [1], regularizer=lambda v: None)
        with tf.variable_scope("inner", initializer=tf.ones_initializer()):
            with tf.no_regularizer(None):
                tf.get_variable("free", [1])
            ones = tf.get_variable("ones", [2])
        assert scope.trainable_variables() == tf.trainable_variables("net") == scope.global_variables()
        scope.set_custom_getter(None)
        scope.set_initializer(tf.zeros_initializer())
        scope.set_regularizer(None)
        zeros = tf.get_variable("zeros", [1])
    assert seen == ["net/w", "net/plain", "net/inner/free", "net/inner/ones"]
    assert w.dtype is plain.dtype is tf.float64
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    np.testing.assert_allclose(run(losses), [2.5, 1.0])
    np.testing.assert_allclose(run([ones, zeros][0]), [1, 1])
    np.testing.assert_allclose(run(zeros), [0])
    local = tf.get_local_variable("local", [1])
    assert not local.trainable
    assert tf.local_variables() == [local]
    with pytest.raises(ValueError, match="whole"):
        tf.get_variable("parts", [4], partitioner=object())


def test_get_variable_of_values() -> None:
    v = tf.get_variable("v", initializer=np.array([1, 2, 3]))
    assert (v.dtype, v.get_shape().as_list()) == (tf.int64, [3])
    w = tf.get_variable("w", initializer=tf.random_uniform([2, 2]))
    assert w.get_shape().as_list() == [2, 2]
    f = tf.get_variable("f", initializer=lambda: tf.fill([2], 7.0))
    np.testing.assert_array_equal(run(f), [7, 7])
    with pytest.raises(ValueError, match="to have shape"):
        tf.get_variable("u", [2], initializer=[1.0, 2.0, 3.0])
    with (
        tf.variable_scope(tf.get_variable_scope(), reuse=True),
        pytest.raises(SharingError, match="is int64"),
    ):
        tf.get_variable("v", dtype=tf.float32)


@pytest.mark.parametrize(
    ("initializer", "deviation", "largest"),
    [
        (tf.random_uniform_initializer(-0.5, 0.5, seed=2), 1 / np.sqrt(12), 0.5),
        (tf.random_normal_initializer(0.0, 0.3), 0.3, np.inf),
        (tf.truncated_normal_initializer(stddev=0.3), 0.3 * 0.8796, 0.6),
        (tf.uniform_unit_scaling_initializer(factor=2.0), 2 / np.sqrt(200), 2 * np.sqrt(3 / 200)),
        (tf.glorot_uniform_initializer(), np.sqrt(2 / 300), np.sqrt(6 / 300)),
        (tf.glorot_normal_initializer(), np.sqrt(2 / 300), np.inf),
        (tf.variance_scaling_initializer(2.0, "fan_out", "uniform"), np.sqrt(2 / 100), np.sqrt(6 / 100)),
        (tf.variance_scaling_initializer(3.0, "fan_in", "untruncated_normal"), np.sqrt(3 / 200), np.inf),
        (tf.initializers.he_normal(), np.sqrt(2 / 200), np.inf),
        (tf.initializers.he_uniform(), np.sqrt(2 / 200), np.sqrt(6 / 200)),
        (tf.initializers.lecun_normal(), np.sqrt(1 / 200), np.inf),
        (tf.initializers.lecun_uniform(), np.sqrt(1 / 200), np.sqrt(3 / 200)),
        (tf.initializers.xavier_initializer(), np.sqrt(2 / 300), np.sqrt(6 / 300)),
        (tf.initializers.xavier_initializer_conv2d(uniform=False), np.sqrt(2 / 300), np.inf),
        (tf.initializers.random_normal, 1.0, np.inf),
    ],
)
def test_random_initializers(initializer: Any, deviation: float, largest: float) -> None:
    w = run(tf.get_variable("w", [200, 100], initializer=initializer))
    assert abs(w.std() / deviation - 1) < 0.03
    assert abs(w.mean()) < 0.03 * deviation
    assert np.abs(w).max() <= largest


def test_other_initializers() -> None:
    make = tf.initializers
    np.testing.assert_array_equal(run(tf.get_variable("o", [2], initializer=make.ones)), [1, 1])
    np.testing.assert_array_equal(run(tf.get_variable("z", [2], tf.int32, make.zeros())), [0, 0])
    np.testing.assert_array_equal(
        run(tf.get_variable("i", [2, 3], initializer=make.identity(2.0))), 2 * np.eye(2, 3)
    )
    some = tf.get_variable("c", [2, 3], initializer=make.constant([1, 2, 3, 4]))
    np.testing.assert_array_equal(run(some), [[1, 2, 3], [4, 4, 4]])
    for shape in ([3, 5], [5, 3], [2, 2, 3]):
        q = run(
            tf.get_variable(
                f"q{len(shape)}{shape[0]}", shape, initializer=tf.orthogonal_initializer(gain=2.0)
            )
        )
        m = q.reshape(-1, shape[-1])
        small = m @ m.T if m.shape[0] < m.shape[1] else m.T @ m
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)
    assert make.orthogonal(gain=3.0).get_config() == {"gain": 3.0, "seed": None, "dtype": "float32"}
    assert make.glorot_uniform.from_config(make.glorot_uniform(seed=4).get_config()).seed == 4
    assert tf.initializers.fans([3, 3, 4, 8]) == (36, 72)
    assert tf.initializers.default([2], tf.int32).tolist() == [0, 0]
    assert issubclass(make.zeros, tf.initializers.Initializer)
    for refuses in (
        lambda: make.constant([1, 2, 3])([2]),
        lambda: make.orthogonal()([3]),
        lambda: make.identity()([3]),
        lambda: make.variance_scaling(-1.0),
        lambda: make.variance_scaling(mode="fan"),
        lambda: make.variance_scaling(distribution="even"),
    ):
        with pytest.raises(ValueError, match=r"."):
            refuses()
    with pytest.raises(TypeError, match="shape"):
        make.constant([1, 2], verify_shape=True)([3])


def test_collections() -> None:
    tf.add_to_collection("losses", tf.constant(1.0, name="a/x"))
    tf.add_to_collections(["losses", "mine"], tf.constant(2.0, name="b/x"))
    tf.get_collection_ref("mine").append("text")
    assert [t.op.name for t in tf.get_collection("losses")] == ["a/x", "b/x"]
    assert [t.op.name for t in tf.get_collection("losses", scope="b/")] == ["b/x"]
    assert tf.get_collection("mine")[1] == "text"
    graph = tf.get_default_graph()
    assert set(graph.get_all_collection_keys()) == {"losses", "mine"}
    graph.clear_collection("mine")
    assert tf.get_collection("mine") == []
    v = tf.Variable(1.0)
    tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, v)
    tf.add_to_collection(tf.GraphKeys.MOVING_AVERAGE_VARIABLES, v)
    assert tf.model_variables() == tf.moving_average_variables() == [v]
