"""Names that programs use beside the models: checks, templates, partitions, the names of later versions, tf.test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError
from samara.graph import names
from tests.graph.programs._run import check_gradient, run

SPACES = ("debugging", "dtypes", "io", "manip", "math", "random")


def failing(operation: Any, words: str, feeds: Any = None) -> None:
    with tf.Session() as session, pytest.raises(GraphError, match=words):
        session.run(operation, feeds)


@pytest.mark.parametrize("space", SPACES)
def test_names_of_later_versions_are_those_of_the_vocabulary(space: str) -> None:
    module = getattr(tf, space)
    others = {"gamma", "normal", "poisson", "shuffle", "uniform"}
    for name in module.__all__:
        if space == "random" and name in others:
            assert getattr(module, name) is getattr(tf, f"random_{name}")
        elif name != "categorical":
            homes = (names, names.image, names.python_io, names.train)
            assert any(getattr(module, name) is getattr(home, name, None) for home in homes), name
    assert tf.io.gfile is tf.gfile
    assert tf.random.categorical is tf.multinomial
    assert tf.GIT_VERSION


def test_a_program_in_the_names_of_later_versions() -> None:
    tf.compat.v1.random.set_random_seed(1)
    x = tf.random.normal([500, 3], seed=2)
    w = tf.get_variable("w", [3, 1], tf.dtypes.float32)
    target = tf.math.reduce_sum(x, axis=1, keepdims=True)
    loss = tf.math.reduce_mean(tf.math.squared_difference(tf.matmul(x, w), target))
    train = tf.compat.v1.train.GradientDescentOptimizer(0.2).minimize(loss)
    with tf.compat.v1.Session() as sess:
        sess.run(tf.compat.v1.global_variables_initializer())
        for _ in range(40):
            sess.run(train)
        np.testing.assert_allclose(sess.run(w), np.ones((3, 1)), atol=1e-3)


def test_further_checks() -> None:
    x = tf.placeholder(tf.float32, [2])
    near = tf.assert_near(x, [1.0, 2.0], atol=0.1, message="here")
    run(near, {x: [1.05, 1.95]})
    failing(near, "here: x and y are not near", {x: [1.5, 2.0]})
    run(tf.assert_near(x, x * (1 + 1e-7)), {x: [3.0, 4.0]})
    failing(tf.assert_near([1.0, 2.0], x), "near", {x: [1.0, 2.0001]})
    run(tf.assert_integer(tf.constant(1)))
    with pytest.raises(TypeError, match="expected integers"):
        tf.assert_integer(x)
    assert tf.assert_scalar(x[0]).shape == ()
    with pytest.raises(ValueError, match="expected a scalar"):
        tf.assert_scalar(x)
    unknown = tf.placeholder(tf.float32)
    run(tf.assert_rank_in(x, [1, 2]))
    ranks = tf.assert_rank_in(unknown, [0, 2])
    run(ranks, {unknown: 1.0})
    failing(ranks, "one of the ranks", {unknown: [1.0]})
    with pytest.raises(ValueError, match=r"\[2, 3\], not 1"):
        tf.assert_rank_in(x, [2, 3])
    assert tf.assert_same_float_dtype([x, None], "float32") is tf.float32
    assert tf.assert_same_float_dtype() is tf.float32
    with pytest.raises(ValueError, match="not float64"):
        tf.assert_same_float_dtype([x], tf.float64)
    with pytest.raises(ValueError, match="found int32"):
        tf.assert_same_float_dtype([tf.constant(1)])
    tf.assert_proper_iterable([x])
    for bad in (x, "text", np.ones(2), 3):
        with pytest.raises(TypeError, match="expected a list"):
            tf.assert_proper_iterable(bad)
    orders = [tf.is_non_decreasing([1, 1, 2]), tf.is_strictly_increasing([1, 1, 2])]
    orders += [tf.is_non_decreasing([[1, 2], [0, 3]]), tf.is_strictly_increasing([3.0])]
    assert run(orders) == [True, False, False, True]


def test_ensured_shapes() -> None:
    x = tf.placeholder(tf.float64, [None, None])
    y = tf.ensure_shape(x, [None, 3])
    assert y.get_shape().as_list() == [None, 3]
    check_gradient(tf.square(y), x, {x: np.ones((2, 3))})
    failing(y, r"must have shape \[\?,3\]|must have shape", {x: np.ones((2, 4))})
    z = tf.ensure_shape(tf.placeholder(tf.float32, name="any"), [2])
    assert run(z, {"any:0": [1, 2]}).tolist() == [1, 2]
    failing(z, "must have shape", {"any:0": [[1, 2]]})
    with pytest.raises(ShapeError):
        tf.ensure_shape(tf.zeros([2, 2]), [3, 2])
    assert tf.ensure_shape(x, None).get_shape().as_list() == [None, None]


def test_partitions_and_stitches() -> None:
    data = np.random.RandomState(0).randn(6, 2)
    x = tf.placeholder(tf.float64, [6, 2])
    numbers = np.array([1, 0, 2, 1, 1, 0])
    parts = tf.dynamic_partition(x, numbers, 3)
    for number, found in enumerate(run(parts, {x: data})):
        np.testing.assert_array_equal(found, data[numbers == number])
    places = tf.dynamic_partition(tf.range(6), numbers, 3)
    again = tf.dynamic_stitch(places, [p * (i + 1.0) for i, p in enumerate(parts)])
    np.testing.assert_array_equal(run(again, {x: data}), data * (numbers + 1)[:, None])
    check_gradient(tf.square(again), x, {x: data}, second=True)
    later = tf.dynamic_stitch([[0, 2], [[2], [4]]], [[1.0, 2.0], [[7.0], [8.0]]])
    assert run(later).tolist() == [1, 0, 7, 0, 8]
    assert tf.parallel_stitch is tf.dynamic_stitch
    with pytest.raises(ValueError, match="1 tensors of indices"):
        tf.dynamic_stitch([[0]], [])


def test_rolling() -> None:
    data = np.arange(12.0).reshape(3, 4)
    x = tf.placeholder(tf.float64, [None, 4])
    by = tf.placeholder(tf.int32, [])
    pairs = [
        (tf.roll(x, 1, 0), np.roll(data, 1, 0)),
        (tf.roll(x, -5, 1), np.roll(data, -5, 1)),
        (tf.manip.roll(x, [1, 2], [0, 1]), np.roll(data, (1, 2), (0, 1))),
        (tf.roll(x, by, 1), np.roll(data, 3, 1)),
    ]
    for found, expected in zip(
        run([p[0] for p in pairs], {x: data, by: 3}), [p[1] for p in pairs], strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    check_gradient(tf.square(tf.roll(x, 1, 1)) * data, x, {x: data})
    found = run(tf.unravel_index(np.array([7, 11, 0]), [3, 4]))
    np.testing.assert_array_equal(found, np.unravel_index([7, 11, 0], (3, 4)))
    with pytest.raises(ValueError, match="2 shifts for 1 axes"):
        tf.roll(x, [1, 2], [0])


def test_templates() -> None:
    def scale(x: Any, factor: Any = 1.0) -> Any:
        return x * tf.get_variable("v", [], initializer=tf.ones_initializer()) * factor

    shared = tf.make_template("scale", scale, factor=2.0)
    assert shared.variable_scope is None
    assert shared.variables == []
    first, second = shared(1.0), shared(3.0)
    other = tf.make_template("scale", scale)
    other(1.0)
    named = tf.make_template("x", scale, create_scope_now_=True, unique_name_="mine")
    named(1.0)
    assert [v.op.name for v in tf.trainable_variables()] == ["scale/v", "scale_1/v", "mine/v"]
    assert shared.variables == shared.trainable_variables == tf.trainable_variables()[:1]
    assert isinstance(shared, tf.Template)
    assert shared.variable_scope.name == "scale"
    assert run([first, second]) == [2.0, 6.0]
    calls = []

    def growing() -> Any:
        calls.append(1)
        return tf.get_variable(f"v{len(calls)}", [])

    grown = tf.make_template("growing", growing)
    grown()
    with pytest.raises(ValueError, match="does not exist"):
        grown()


def test_names_that_change_little() -> None:
    with tf.container("box"), tf.name_scope("inner"), tf.init_scope():
        assert tf.constant(1.0).op.name == "Const"
    run(tf.tables_initializer())
    run(tf.initialize_all_tables())
    tf.NotDifferentiable("TestNoSlope")
    assert tf.NoGradient is tf.no_gradient is tf.NotDifferentiable
    x = tf.constant(1.0)
    with tf.get_default_graph().gradient_override_map({"Exp": "TestNoSlope"}):
        assert tf.gradients(tf.exp(x), x) == [None]
    v = tf.get_variable(
        "v",
        [],
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.MEAN,
    )
    assert v.trainable
    assert v.dtype.is_compatible_with("float32")
    assert not v.dtype.real_dtype.is_compatible_with(np.float64)
    for name in ("ResourceExhaustedError", "InternalError", "UnimplementedError", "AlreadyExistsError"):
        assert issubclass(getattr(tf.errors, name), tf.errors.OpError)


class OfAProgram(tf.test.TestCase):
    """What a program's own tests look like; run by the test below."""

    def test_square(self) -> None:
        with self.session() as sess:
            x = tf.constant([1.0, 2.0, 3.0])
            y = tf.square(x)
            self.assertAllEqual(y.eval(), [1, 4, 9])
            self.assertAllClose(self.evaluate({"a": x, "b": y}), {"a": [1, 2, 3], "b": [1, 4, 9]})
            self.assertAllClose([y, x], [np.array([1, 4, 9]), np.array([1, 2, 3])])
            self.assertAllCloseAccordingToType(np.float16([1.0]), np.float16([1.0005]))
            self.assertNotAllClose(x, y)
            self.assertAllGreater(y, 0.5)
            self.assertAllLess(y, 10)
            self.assertAllGreaterEqual(y, 1)
            self.assertAllLessEqual(y, 9)
            self.assertAllInSet(y, {1.0, 4.0, 9.0})
            self.assertNear(float(sess.run(y)[0]), 1.0001, 1e-3)
            self.assertArrayNear(sess.run(y), [1, 4, 9], 1e-6)
            self.assertShapeEqual(np.zeros(3), y)
            self.assertDTypeEqual(np.zeros(2, np.float32), tf.float32)

    def test_errors(self) -> None:
        with self.test_session() as sess, self.cached_session() as same:
            assert sess is same
            op = tf.assert_positive(tf.constant(-1.0), message="wrong")
            with self.assertRaisesOpError("wrong"):
                op.run()
            with self.assertRaisesWithPredicateMatch(GraphError, lambda e: "wrong" in str(e)):
                op.run()

    def test_gradients(self) -> None:
        with self.cached_session():
            x = tf.placeholder(tf.float64, [2, 2])
            y = tf.matmul(x, tf.sin(x))
            assert tf.test.compute_gradient_error(x, [2, 2], y, [2, 2]) < 1e-6
            z = tf.stop_gradient(x) * x
            assert tf.test.compute_gradient_error([x], [[2, 2]], z, [2, 2], [np.ones((2, 2))]) > 0.5
            (by_gradient, by_difference) = tf.test.compute_gradient(x, [2, 2], z, [2, 2])
            assert by_gradient.shape == by_difference.shape == (4, 4)

    def test_failures(self) -> None:
        for function, arguments in (
            (self.assertAllEqual, ([1, 2], [1, 3])),
            (self.assertAllClose, ([1.0], [1.1])),
            (self.assertNotAllClose, ([1.0], [1.0])),
            (self.assertAllGreater, ([1.0], 1)),
            (self.assertAllInSet, ([1, 2], {1})),
            (self.assertNear, (1.0, 2.0, 0.5)),
            (self.assertShapeEqual, (np.zeros(2), tf.zeros([3]))),
        ):
            with pytest.raises(AssertionError):
                function(*arguments)

    def test_folders(self) -> None:
        assert tf.gfile.IsDirectory(self.get_temp_dir())
        assert tf.gfile.IsDirectory(tf.test.get_temp_dir())
        assert tf.test.is_gpu_available() == (tf.test.gpu_device_name() != "") == tf.test.is_built_with_cuda()


def test_tests_of_programs() -> None:
    """That a program's tests run by themselves; pytest runs those of the class above as well."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(
            "import samara as tf\n"
            "class T(tf.test.TestCase):\n"
            "    def test_it(self):\n"
            "        with self.session():\n"
            "            self.assertAllEqual(tf.constant(1) + 1, 2)\n"
            "if __name__ == '__main__':\n"
            "    tf.test.main()\n"
        )
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "OK (skipped=1)" in done.stderr
    assert issubclass(OfAProgram, unittest.TestCase)
