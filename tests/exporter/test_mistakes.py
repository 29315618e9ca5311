"""Arguments of wrong types, as people give them: each is one clear error, with what was found and what is expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import FeedError

A = np.ones((2, 3), np.float32)
Mistake = tuple[Callable[[Any], Any], type[Exception], str]


@pytest.fixture
def model(tmp_path: Path) -> Any:
    """A product x v, its sum, and a session that has run the initializers."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        v = tf.Variable(np.ones((3, 2), np.float32), name="v")
        y = tf.matmul(x, v, name="y")
        with tf.Session(graph=graph) as session:
            session.run(tf.global_variables_initializer())

            def export(source: Any = y, path: Any = tmp_path / "m.smr", **arguments: Any) -> Any:
                return tf.export_model(source, path, **{"shapes": {"x": [2, 3]}, **arguments})

            yield SimpleNamespace(
                x=x,
                v=v,
                y=y,
                loss=tf.reduce_sum(y),
                run=session.run,
                session=session,
                export=export,
                folder=tmp_path,
            )


def descend(rate: Any) -> Any:
    return tf.train.GradientDescentOptimizer(rate)


RUN: dict[str, Mistake] = {
    "a list fed": (
        lambda m: m.run(m.y, [A]),
        TypeError,
        r"feed_dict is of type list: expected a dict .* \{x: array\}",
    ),
    "an array fed": (lambda m: m.run(m.y, A), TypeError, "feed_dict is of type ndarray: expected a dict"),
    "an index as the key": (lambda m: m.run(m.y, {0: A}), TypeError, "0 cannot be fed: give a tensor"),
    "an operation fed": (
        lambda m: m.run(m.y, {"x": A}),
        TypeError,
        "x is an operation, not a tensor: feed x:0",
    ),
    "nothing fed": (
        lambda m: m.run(m.y, {m.x: None}),
        FeedError,
        "x:0 expects float32.*: found NoneType, not an array",
    ),
    "a generator fed": (
        lambda m: m.run(m.y, {m.x: iter([1])}),
        FeedError,
        "found list_iterator, not an array",
    ),
    "a text fed": (lambda m: m.run(m.y, {m.x: "abc"}), FeedError, "x:0 expects float32"),
    "a tensor fed": (
        lambda m: m.run(m.y, {m.x: m.x}),
        FeedError,
        "must be an array, not a tensor of the graph",
    ),
    "an array fetched": (
        lambda m: m.run(np.ones((99, 9))),
        TypeError,
        "something of type ndarray cannot be fetched",
    ),
    "a set fetched": (lambda m: m.run({m.y}), TypeError, "cannot be fetched: .*, or a list of them"),
    "nothing fetched": (
        lambda m: m.run([m.y, None], {m.x: A}),
        TypeError,
        "None cannot be fetched: give a tensor",
    ),
}
BUILD: dict[str, Mistake] = {
    "a number as shape": (
        lambda m: tf.placeholder(tf.float32, 3),
        TypeError,
        r"shape=3: expected a list of sizes",
    ),
    "a text as shape": (
        lambda m: tf.placeholder(tf.float32, "abc"),
        TypeError,
        "shape='abc': expected a list of sizes",
    ),
    "a fraction as size": (
        lambda m: tf.placeholder(tf.float32, [1.5]),
        TypeError,
        "1.5: give a whole number",
    ),
    "no name": (lambda m: tf.placeholder(tf.float32, [1], name=5), TypeError, "name=5: expected a text"),
    "a variable's name": (lambda m: tf.Variable(1.0, name=7), TypeError, "name=7: expected a text"),
    "a large list": (lambda m: tf.Variable(["a"] * 99), TypeError, "something of type list is not a number"),
    "an open shape": (
        lambda m: tf.get_variable("w", [None, 3]),
        ValueError,
        r"shape \[None, 3\], which is not known in full: expected whole numbers",
    ),
    "a name that is none": (lambda m: tf.get_variable(3, [3]), TypeError, "name=3: expected a text"),
    "a shape and a value": (
        lambda m: tf.get_variable("w", [2], initializer=np.ones(3, np.float32)),
        ValueError,
        r"to have shape \[2\], its initial value has \[3\]: leave out shape=",
    ),
    "an initializer's name": (
        lambda m: tf.get_variable("w", [2], initializer="xavier"),
        TypeError,
        "initializer is 'xavier': expected a function, or numbers",
    ),
    "gradient of a value": (
        lambda m: tf.gradients(A, m.x),
        TypeError,
        "but a value: gradients are of tensors",
    ),
    "gradient for a name": (
        lambda m: tf.gradients(m.loss, "x"),
        TypeError,
        "'x' is neither a tensor nor a variable",
    ),
    "a loss that is a value": (
        lambda m: descend(0.1).minimize(np.float32(3)),
        TypeError,
        "the loss is of type float32: expected a tensor",
    ),
    "variables by name": (
        lambda m: descend(0.1).minimize(m.loss, var_list="v"),
        TypeError,
        "var_list is 'v'",
    ),
    "a rate in quotes": (lambda m: descend("0.1"), TypeError, "learning_rate is '0.1': expected a number"),
}
EXPORT: dict[str, Mistake] = {
    "no path": (lambda m: m.export(path=None), TypeError, "path is None: expected a path"),
    "source and path": (
        lambda m: m.export("m.smr", m.y),
        TypeError,
        "path is <Tensor 'y:0'.*expected a path",
    ),
    "a folder": (
        lambda m: m.export(path=m.folder),
        IsADirectoryError,
        "it is a folder, give the path of a file",
    ),
    "a value as source": (lambda m: m.export(A), TypeError, "not a tensor of a Samara graph, but its value"),
    "an empty dict": (lambda m: m.export({}), ValueError, "needs at least one output"),
    "numbers as names": (lambda m: m.export({0: m.y}), TypeError, "0 is no name for a tensor"),
    "inputs by name": (
        lambda m: m.export(inputs=["x"]),
        TypeError,
        "'x' is not a tensor .*: give the tensor",
    ),
    "an operation as input": (
        lambda m: m.export(inputs=[m.x.op]),
        TypeError,
        r"give its output, x\.outputs\[0\]",
    ),
    "a class": (lambda m: m.export(dict), TypeError, "give an instance of dict"),
    "a list of sizes": (lambda m: m.export(shapes=[2, 3]), TypeError, "expected a shape for an input's name"),
    "one size": (
        lambda m: m.export(shapes={"x": 3}),
        TypeError,
        r"shapes\['x'\] is 3: expected a list of sizes",
    ),
    "a tensor as name": (
        lambda m: m.export(shapes={m.x: [2, 3]}),
        TypeError,
        "expected the name of an input",
    ),
    "one sample": (
        lambda m: m.export(samples={"x": A}),
        TypeError,
        r"one sample: expected .* \[\{'x': array\}\]",
    ),
    "a number of samples": (
        lambda m: m.export(samples=5),
        TypeError,
        "samples is 5: expected a list of samples",
    ),
    "names as samples": (lambda m: m.export(samples=["x"]), TypeError, "a sample has 'x' for input 'x'"),
    "a session's name": (
        lambda m: m.export(session="s"),
        TypeError,
        "session is 's': expected a samara.Session",
    ),
    "a pass": (lambda m: m.export(disable="moves"), TypeError, "disable is 'moves': expected a list"),
    "a tolerance in quotes": (
        lambda m: m.export(tolerance="1e-4"),
        TypeError,
        "tolerance is '1e-4': expected a number",
    ),
    "a tolerance below 0": (lambda m: m.export(tolerance=-1), ValueError, "expected 0 or more"),
    "no golden samples": (lambda m: m.export(golden=None), TypeError, "golden is None: expected how many"),
    "metadata without names": (lambda m: m.export(metadata=["a"]), TypeError, "expected texts by name"),
    "a number as metadata": (lambda m: m.export(metadata={"a": 1}), TypeError, "expected texts by name"),
    "channels": (
        lambda m: m.export(channels_last=1),
        TypeError,
        "channels_last is 1: expected True or names",
    ),
}


@pytest.mark.parametrize("name", [*RUN, *BUILD, *EXPORT])
def test_a_mistake_is_one_clear_error(name: str, model: Any) -> None:
    make, kind, message = {**RUN, **BUILD, **EXPORT}[name]
    with pytest.raises(kind) as found:
        make(model)
    assert re.search(message, str(found.value)), str(found.value)
    assert type(found.value) is kind
    assert not (model.folder / "m.smr").exists()


def test_what_looks_like_a_mistake_and_is_none(model: Any) -> None:
    assert model.run({"out": [model.y]}, {"x:0": A.tolist()})["out"][0].shape == (2, 2)
    with_shape = tf.get_variable("w", [3], initializer=np.ones(3, np.float32))
    assert tuple(with_shape.shape) == (3,)
    assert tf.placeholder(tf.float32, (2.0, np.int64(3))).shape[0] == 2
    assert model.export(samples=[(A,)], disable=("moves",), metadata={"a": "b"}, golden=0).path.exists()
