"""Gradients that a program gives itself, against formulas, differences and the gradients that they replace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError
from tests.graph.programs._run import run


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made


@tf.custom_gradient
def log1pexp(x: Any) -> Any:
    """log(1 + e^x), whose gradient is finite where e^x is not."""
    e = tf.exp(x)
    return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))


@tf.custom_gradient
def sevenfold(x: Any) -> Any:
    return tf.square(x), lambda dy: 7 * dy


def test_a_gradient_of_its_own() -> None:
    x = tf.constant([100.0, 1.0, -2.0])
    y = log1pexp(x)
    (slope,) = tf.gradients(y, x)
    (plain,) = tf.gradients(tf.log(1 + tf.exp(x)), x)
    found, expected, of_old = run([slope, tf.sigmoid(x), plain])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(of_old[0])


def test_the_gradient_of_the_gradient() -> None:
    x = tf.placeholder(tf.float64, [])
    (first,) = tf.gradients(log1pexp(x), x)
    (second,) = tf.gradients(first, x)
    s = 1 / (1 + np.exp(-0.7))
    np.testing.assert_allclose(run(second, {x: 0.7}), s * (1 - s), rtol=1e-6)


def test_several_values_and_arguments() -> None:
    @tf.custom_gradient
    def both(a: Any, b: Any, scale: Any = None) -> Any:
        assert scale == 2
        return {"product": a * b, "sum": a + b}, lambda dp, ds: (dp * 7, ds * 11)

    a, b = tf.constant(3.0), tf.constant(5.0)
    made = both(a, b, scale=2)
    assert run(made) == {"product": 15.0, "sum": 8.0}
    assert run(tf.gradients(2 * made["product"] + made["sum"], [a, b])) == [14.0, 11.0]
    # What nothing depends on has a gradient of zeros.
    assert run(tf.gradients(made["sum"], [a, b])) == [0.0, 11.0]


def test_none_for_an_argument() -> None:
    @tf.custom_gradient
    def gated(x: Any, gate: Any) -> Any:
        return x * gate, lambda dy: (dy, None)

    x, gate = tf.constant(2.0), tf.constant(0.0)
    slopes = tf.gradients(gated(x, gate), [x, gate])
    assert slopes[1] is None
    assert run(slopes[0]) == 1.0

    @tf.custom_gradient
    def closed(x: Any) -> Any:
        return x * 2, lambda dy: None

    assert tf.gradients(closed(x) + 3.0, [x]) == [None]


def test_variables_within() -> None:
    @tf.custom_gradient
    def linear(x: Any) -> Any:
        w = tf.get_variable("w", [], initializer=tf.constant_initializer(3.0))

        def grad(dy: Any, variables: Any = None) -> Any:
            assert [v.op.name for v in variables] == ["w"]
            return dy * w, [dy * x * 100]

        return x * w, grad

    @tf.custom_gradient
    def without(x: Any) -> Any:
        return x * tf.get_variable("u", []), lambda dy: dy

    x = tf.constant(2.0)
    y = linear(x)
    assert run(tf.gradients(y, [x, *tf.trainable_variables()])) == [3.0, 200.0]
    with pytest.raises(TypeError, match="variables="):
        without(x)
    v = tf.Variable(4.0)
    assert run(tf.gradients(sevenfold(v), v)) == [7.0]


def test_within_branches_and_loops() -> None:
    v = tf.Variable(0.5)
    branch = tf.cond(v > 0, lambda: sevenfold(v * 3), lambda: v)
    assert run(tf.gradients(branch, v)) == [21.0]
    _, last = tf.while_loop(lambda i, a: i < 3, lambda i, a: [i + 1, sevenfold(a)], [0, v])
    found = run([last, tf.gradients(last, v)[0]])
    np.testing.assert_allclose(found, [0.5**8, 7**3], rtol=1e-6)
    mapped = tf.map_fn(sevenfold, tf.stack([v, v * 2]))
    assert run(tf.gradients(mapped, v)) == [21.0]


def test_the_wrong_number_of_gradients() -> None:
    @tf.custom_gradient
    def wrong(a: Any, b: Any) -> Any:
        return a * b, lambda dy: dy

    with pytest.raises(ValueError, match="gave 1, expected 2"):
        wrong(tf.constant(1.0), tf.constant(2.0))


def test_guided_relu(graph: tf.Graph) -> None:
    @tf.RegisterGradient("TestGuidedRelu")
    def guided(op: tf.Operation, grad: tf.Tensor) -> Any:
        return tf.where(grad > 0, grad * tf.cast(op.inputs[0] > 0, grad.dtype), tf.zeros_like(grad))

    x = tf.constant([-1.0, 2.0, 3.0])
    weights = np.array([1.0, -1.0, 1.0], np.float32)
    with graph.gradient_override_map({"Relu": "TestGuidedRelu"}):
        y = tf.nn.relu(x)
    other = tf.nn.relu(x)
    found = run([y, tf.gradients(y * weights, x)[0], tf.gradients(other * weights, x)[0]])
    np.testing.assert_array_equal(found, [[0, 2, 3], [0, 0, 1], [0, -1, 1]])
    with pytest.raises(KeyError, match="already"):
        tf.RegisterGradient("TestGuidedRelu")(guided)
    with pytest.raises(ValueError, match="no type of operation"):
        graph.gradient_override_map({"Reluu": "TestGuidedRelu"}).__enter__()
    with pytest.raises(TypeError, match="no mapping"):
        graph.gradient_override_map(["Relu"]).__enter__()
    with graph.gradient_override_map({"Identity": "TestNobodyRegistered"}):
        z = tf.identity(x)
    with pytest.raises(GraphError, match="TestNobodyRegistered"):
        tf.gradients(z, x)
    with pytest.raises(TypeError, match="no name"):
        tf.RegisterGradient(guided)


def test_straight_through(graph: tf.Graph) -> None:
    """Rounding whose gradient is that of what is rounded."""
    with graph.gradient_override_map({"Round": "TestStraight"}):
        y = tf.round(tf.constant([0.2, 0.8]))
    x = y.op.inputs[0]
    tf.RegisterGradient("TestStraight")(lambda op, grad: grad)
    assert run(tf.gradients(y, x))[0].tolist() == [1.0, 1.0]


def test_a_python_function_with_a_gradient(graph: tf.Graph) -> None:
    def cube(x: Any) -> Any:
        return x**3

    tf.RegisterGradient("TestCube")(lambda op, grad: 3 * tf.square(op.inputs[0]) * grad)
    x = tf.constant([1.0, 2.0])
    with graph.gradient_override_map({"PyFunc": "TestCube"}):
        y = tf.py_func(cube, [x], [tf.float32])[0]
    assert run([y, tf.gradients(y, x)[0]])[1].tolist() == [3.0, 12.0]


def test_the_reversed_gradient_within_a_branch(graph: tf.Graph) -> None:
    tf.RegisterGradient("TestReverse")(lambda op, grad: -grad)
    x = tf.Variable(2.0)
    with graph.gradient_override_map({"Identity": "TestReverse"}):
        y = tf.cond(x > 0, lambda: tf.identity(x * 5), lambda: x)
    assert run(tf.gradients(y, x)) == [-5.0]


def test_files_keep_names_and_tell_what_is_lost(graph: tf.Graph, tmp_path: Path) -> None:
    tf.RegisterGradient("TestSaved")(lambda op, grad: 9 * grad)
    x = tf.placeholder(tf.float32, [], name="x")
    with graph.gradient_override_map({"Tanh": "TestSaved"}):
        tf.tanh(x, name="named")
    tf.identity(sevenfold(x), name="own")
    tf.train.export_meta_graph(tmp_path / "g.meta")
    with tf.Graph().as_default() as again:
        tf.train.import_meta_graph(tmp_path / "g.meta")
        x = again.get_tensor_by_name("x:0")
        named, own = (again.get_tensor_by_name(n) for n in ("named:0", "own:0"))
        with tf.Session() as session:
            assert session.run(tf.gradients(named, x), {x: 0.1}) == [9.0]
            assert session.run(own, {x: 3.0}) == 9.0
        with pytest.raises(GraphError, match="which a file does not hold"):
            tf.gradients(own, x)


def test_it_is_exported_as_what_it_computes(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    y = sevenfold(x) + 1
    report = tf.export_model(y, str(tmp_path / "m.smr"), inputs=x)
    assert report is not None
    np.testing.assert_array_equal(tf.load(str(tmp_path / "m.smr"))(np.array([2, 3], np.float32)), [5, 10])
