"""Graphs: names, scopes, lookup, collections, the text form."""

from __future__ import annotations

from typing import Any

import pytest

import samara as tf
from samara.errors import GraphError


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def test_names_are_unique() -> None:
    names = [tf.constant(1, name=n).op.name for n in ("a", "a", "a_1", "a", None)]
    assert names == ["a", "a_1", "a_1_1", "a_2", "Const"]
    graph = tf.get_default_graph()
    assert len({op.name for op in graph.get_operations()}) == 5


def test_scopes_nest_repeat_and_reopen() -> None:
    with tf.name_scope("outer") as scope:
        a = tf.constant(1, name="x")
        with tf.name_scope("inner"):
            b = tf.constant(1, name="x")
        with tf.name_scope(None):
            c = tf.constant(1, name="x")
    with tf.name_scope("outer"):
        d = tf.constant(1, name="x")
    with tf.name_scope(scope):
        e = tf.constant(1, name="x")
    with tf.name_scope(None, "fallback", [a]):
        f = tf.constant(1, name="x")
    assert [t.op.name for t in (a, b, c, d, e, f)] == [
        "outer/x",
        "outer/inner/x",
        "x",
        "outer_1/x",
        "outer/x_1",
        "fallback/x",
    ]


def test_a_scope_ends_with_an_error() -> None:
    with pytest.raises(RuntimeError, match="stop"), tf.name_scope("s"), tf.device("/gpu:0"):
        raise RuntimeError("stop")
    x = tf.constant(1, name="x")
    assert (x.name, x.device) == ("x:0", "")


def test_devices() -> None:
    with tf.device("/gpu:0"):
        a = tf.constant(1)
        with tf.device("/cpu:0"):
            b = a + 1
    assert (a.device, b.device) == ("/device:GPU:0", "/device:CPU:0")


def test_lookup_by_name() -> None:
    graph = tf.get_default_graph()
    x = tf.constant([1.0, 2.0], name="scope/values")
    assert graph.get_tensor_by_name("scope/values:0") is x
    assert graph.get_operation_by_name("scope/values") is x.op
    with pytest.raises(KeyError, match=r"no operation 'scope/value'; did you mean scope/values\?"):
        graph.get_operation_by_name("scope/value")
    with pytest.raises(KeyError, match="has 1 outputs, no number 1"):
        graph.get_tensor_by_name("scope/values:1")
    for wrong in ("scope/values", "scope/values:x", ":0:"):
        with pytest.raises(ValueError, match="is not a tensor's name"):
            graph.get_tensor_by_name(wrong)


def test_operations_know_their_attributes_and_line() -> None:
    y = tf.nn.leaky_relu(tf.zeros([2]), alpha=0.5)
    assert y.op.type == "leaky_relu"
    assert y.op.get_attr("alpha") == 0.5
    assert "test_graphs.py:" in y.op.source


def test_another_graphs_tensor_is_refused() -> None:
    x = tf.constant(1)
    with tf.Graph().as_default(), pytest.raises(GraphError, match=r"another graph.*test_graphs\.py"):
        tf.get_default_graph().b.add(x, tf.constant(2))


def test_a_finalized_graph() -> None:
    tf.get_default_graph().finalize()
    with pytest.raises(GraphError, match=r"finalized \(at .*test_graphs\.py"):
        tf.constant(1)


def test_reset_within_a_graph_is_refused() -> None:
    with pytest.raises(GraphError, match="cannot be called within"):
        tf.reset_default_graph()


def test_collections() -> None:
    graph = tf.get_default_graph()
    with tf.name_scope("a"):
        x = tf.constant(1, name="x")
    graph.add_to_collection("losses", x)
    graph.add_to_collection("losses", tf.constant(2, name="y"))
    assert graph.get_collection("losses", "a/") == [x]
    assert len(graph.get_collection("losses")) == 2
    graph.get_collection("losses").clear()
    assert len(graph.get_collection_ref("losses")) == 2


def test_shapes() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    assert x.get_shape().as_list() == [None, 3]
    assert x.get_shape().ndims == 2
    assert x.get_shape().num_elements() is None
    x.set_shape([5, 3])
    assert x.shape == (5, 3)
    with pytest.raises(ValueError, match=r"\[5, 3\] cannot be \[4, 3\]"):
        x.set_shape([4, 3])
    unknown = tf.placeholder(tf.float32)
    unknown.set_shape([2, None])
    assert unknown.get_shape().as_list() == [2, None]


def built() -> tf.Graph:
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, tf.Dim("n"), 2], name="x")
        v = tf.Variable([1.0, 2.0], name="v")
        with tf.control_dependencies([v.initializer]):
            y = tf.reduce_sum(tf.nn.relu(x * v), [1, 2], name="y")
        tf.group(y, name="all")
    return graph


def test_the_text_form_is_stable() -> None:
    assert str(built()) == str(built())
    assert str(built()) == (
        "%x:0 float32[?, n, 2] = placeholder(shape=[?, n, 2])\n"
        "%Const:0 float32[2] = constant(value=[1., 2.])\n"
        "%v:0 float32[2] = variable(shape=[2])\n"
        "%v/Assign:0 float32[2] = assign(%v:0, %Const:0)\n"
        "%multiply:0 float32[?, n, 2] = multiply(%x:0, %v:0) after v/Assign\n"
        "%relu:0 float32[?, n, 2] = relu(%multiply:0) after v/Assign\n"
        "%y:0 float32[?] = reduce_sum(%relu:0; axes=[1, 2], keepdims=False) after v/Assign\n"
        "%all = no_op() after y\n"
    )


def test_representations() -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    assert repr(x) == "<Tensor 'x:0' float32[?, 2]>"
    assert repr(x.op) == "<Operation 'x' type=placeholder>"
    assert repr(tf.Variable(1.0, name="v")) == "<Variable 'v:0' float32[]>"
    assert repr(tf.float32) == "samara.float32"
