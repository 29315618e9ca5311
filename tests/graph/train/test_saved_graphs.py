"""Graphs written as documents and made again: every op of the cases, whole programs, damaged files."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.graph.graph import Graph
from samara.graph.serial import _Reader, _Writer, add_document, to_document
from samara.graph.text import dump
from tests.conftest import ROOT
from tests.ops._graphs import build

FAMILIES = sorted(p.stem for p in (ROOT / "tests" / "cases").glob("[!_]*.py"))


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def made_again(graph: Graph) -> Graph:
    document, arrays = to_document(graph)
    text = json.dumps(document, allow_nan=False)
    other = Graph()
    add_document(other, json.loads(text), lambda name: arrays[name].copy())
    again, same = to_document(other)
    assert json.dumps(again, allow_nan=False) == text
    assert same.keys() == arrays.keys()
    for name, array in arrays.items():
        assert same[name].dtype == array.dtype
        np.testing.assert_array_equal(same[name], array)
    return other


@pytest.mark.parametrize("family", FAMILIES)
def test_every_op_comes_back(family: str) -> None:
    # One dtype of each case, and one case in eight with unknown sizes too.
    for number, case in enumerate(importlib.import_module(f"tests.cases.{family}").CASES):
        for unknown in (False, True) if number % 8 == 0 else (False,):
            graph = build(case, case.dtype_names()[0], unknown=unknown).graph
            other = made_again(graph)
            if not unknown:
                assert dump(other) == dump(graph), case.id


def program() -> dict[str, Any]:
    """A program with a bit of everything."""
    tf.set_random_seed(3)
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.device("/cpu:0"), tf.variable_scope("layer"):
        w = tf.get_variable("w", [3, 4])
    offset = tf.Variable([0.5, 0.25, 0.0, -1.0], name="offset", trainable=False)
    hidden = tf.nn.dropout(tf.tanh(tf.matmul(x, w) + offset), keep_prob=0.8)
    count = tf.train.get_or_create_global_step()
    wide = tf.cond(tf.reduce_sum(x) > 0.0, lambda: hidden * 2.0, lambda: hidden + offset)
    _, power = tf.while_loop(
        lambda i, p: i < 3, lambda i, p: (i + 1, p * tf.reduce_mean(w)), [tf.constant(0), 1.0]
    )
    loss = tf.reduce_mean(tf.square(wide)) + power
    loss += tf.reduce_sum(tf.scan(lambda total, row: total + row * w[0, 0], x)) * 0.01
    with tf.control_dependencies([tf.no_op(name="first")]):
        step = tf.train.AdamOptimizer(0.1).minimize(loss, count)
    tf.summary.scalar("loss", loss)
    graph = tf.get_default_graph()
    assert graph.get_collection("train_op") == [step]
    graph.add_to_collection("things", loss)
    graph.add_to_collection("things", [1, "two", (3.5, None, w)])
    graph.add_to_collection("unknown", object())
    return {"x": x, "loss": loss, "step": step, "w": w}


def losses(graph: Graph, count: int = 4) -> list[float]:
    rows = np.random.default_rng(0).normal(size=(count, 5, 3))
    step, loss = graph.get_collection("train_op")[0], graph.get_collection("things")[0]
    with tf.Session(graph=graph) as session:
        session.run(tf.global_variables_initializer())
        return [session.run([loss, step], {"x:0": r})[0] for r in rows]


def test_constraints_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    limit = tf.placeholder_with_default(1.5, [], name="limit")
    half = tf.Variable(0.5, trainable=False, name="half")
    tf.get_variable(
        "w", [3], initializer=tf.zeros_initializer(), constraint=lambda v: tf.minimum(v, limit * half)
    )
    tf.get_variable("free", [])
    graph = tf.get_default_graph()
    tf.train.export_meta_graph(tmp_path / "graph.meta")
    assert not caplog.text
    # Only what is written is traced: the graph is as it was.
    assert "minimum" not in [op.type for op in graph.operations]
    again = made_again(made_again(graph))
    for prefix in ("", "below/"):
        with tf.Graph().as_default():
            tf.train.import_meta_graph(tmp_path / "graph.meta", import_scope=prefix)
            kept, free = tf.trainable_variables()
            assert (kept.name, free.constraint) == (f"{prefix}w:0", None)
            step = tf.train.GradientDescentOptimizer(1.0).minimize(-tf.reduce_sum(kept * [0.5, 1.0, -4.0]))
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                session.run(step)
                np.testing.assert_array_equal(session.run(kept), [0.5, 0.75, -4])
                session.run(step, {f"{prefix}limit:0": 1.0})
                np.testing.assert_array_equal(session.run(kept), [0.5, 0.5, -8])
    with again.as_default(), tf.Session() as session:
        (variable,) = (v for v in tf.trainable_variables() if v.constraint is not None)
        limited = variable.constraint(tf.constant([0.0, 9.0, -9.0]))
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(limited), [0, 0.75, -9])


def test_a_constraint_of_the_programs_own_code_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    tf.Variable([1.0], name="w", constraint=lambda v: tf.py_func(np.abs, [v], tf.float32))
    tf.Variable([1.0], name="u", constraint=tf.abs)
    other = made_again(tf.get_default_graph())
    assert "the constraint of 'w' cannot be saved with the graph: " in caplog.text
    assert [v.constraint is None for v in other.get_collection("variables")] == [True, False]


def test_a_program_runs_without_its_code(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    program()
    graph = tf.get_default_graph()
    expected = losses(graph)
    was = dump(graph).replace("?", "")
    path = tmp_path / "graph.meta"
    tf.train.export_meta_graph(path)
    assert "in the collection 'unknown' cannot be saved" in caplog.text
    with tf.Graph().as_default() as other:
        saver = tf.train.import_meta_graph(path)
        assert saver is not None
        assert set(saver.variables) == {v.op.name for v in graph.get_collection("variables")}
        assert dump(other).replace("?", "") == was
        assert losses(other) == expected
        w = other.get_operation_by_name("layer/w")
        assert w.device == graph.get_operation_by_name("layer/w").device != ""
        assert [v.op for v in tf.trainable_variables()] == [w]
        assert other.get_collection("things")[1][:2] == [1, "two"]
        assert other.get_collection("things")[1][2] == (3.5, None, tf.trainable_variables()[0])
        assert other.get_operation_by_name("first").source.rpartition(":")[0] == __file__
        assert tf.train.get_global_step() is not None
        (summary,) = other.get_collection("summaries")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            assert b"loss" in session.run(summary, {"x:0": np.ones((2, 3))})
        # Names go on where they were, and shared variables are found.
        assert tf.constant(1.0, name="layer").name == "layer_1:0"
        with tf.variable_scope("layer", reuse=True):
            assert tf.get_variable("w").op is w
    with tf.Graph().as_default():
        tf.train.import_meta_graph(path, clear_devices=True)
        assert tf.get_default_graph().get_operation_by_name("layer/w").device == ""


def test_two_graphs_below_scopes_of_one(tmp_path: Path) -> None:
    program()
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = saver.save(session, tmp_path / "model")
        expected = session.run("layer/w:0")
    with tf.Graph().as_default() as both:
        tf.train.import_meta_graph(f"{prefix}.meta")
        with pytest.raises(
            tf.GraphError, match=r"the graph already has 'x', .* more: import into an empty graph"
        ):
            tf.train.import_meta_graph(f"{prefix}.meta")
        second = tf.train.import_meta_graph(f"{prefix}.meta", import_scope="second")
        assert second is not None
        with tf.Session() as session:
            second.restore(session, prefix)
            np.testing.assert_array_equal(session.run("second/layer/w:0"), expected)
            # The loop in the second graph reads the second graph's variable.
            feeds = {"second/x:0": np.ones((2, 3))}
            assert np.isfinite(session.run(both.get_collection("things")[2], feeds))
            with pytest.raises(tf.UninitializedError):
                session.run("layer/w:0")


def test_as_an_object_and_with_chosen_collections() -> None:
    program()
    held = tf.train.export_meta_graph(collection_list=["variables"], clear_devices=True)
    assert isinstance(held, tf.train.MetaGraph)
    with tf.Graph().as_default() as other:
        tf.train.import_meta_graph(held)
        assert other.get_collection("things") == []
        assert other.get_operation_by_name("layer/w").device == ""
    with tf.Graph().as_default():
        tf.constant(1.0)
        assert tf.train.import_meta_graph(tf.train.export_meta_graph(), import_scope="copy") is None


def test_a_function_of_the_program_leaves_the_graph_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tf.Variable(1.0)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, tmp_path / "m")
        tf.py_func(lambda v: v * 2, [tf.constant(1.0)], tf.float32)
        prefix = saver.save(session, tmp_path / "m")
    assert "cannot be saved: its attribute function holds an object of type function" in caplog.text
    assert {p.name for p in tmp_path.iterdir()} == {"checkpoint", "m.safetensors"}
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.Variable(0.0)
        tf.train.Saver().restore(session, prefix)
        assert session.run(variable) == 1


def test_documents_that_are_none() -> None:
    program()
    document, arrays = to_document(tf.get_default_graph())
    generator = np.random.default_rng(5)

    def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        parts = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, part in parts:
            yield (*path, key)
            yield from places(part, (*path, key))

    text = json.dumps(document)
    listed = list(places(document))
    refused = []
    for _ in range(70):
        changed = json.loads(text)
        *way, last = listed[generator.integers(len(listed))]
        at = changed
        for key in way:
            at = at[key]
        at[last] = [None, -1, 10**6, "no such", [], {}, 0.5][generator.integers(7)]
        try:
            add_document(Graph(), changed, lambda name: arrays[name].copy())
        except tf.CheckpointError as error:
            refused.append(str(error))
    assert len(refused) > 25
    assert all("damaged" in message for message in refused)


def test_attributes_of_any_kind(tmp_path: Path) -> None:
    writer = _Writer()
    size = tf.Dim("n", 1, 9)
    value = {
        "a": [1, 2.5, float("inf"), None],
        "b": (b"\x00", tf.float16, size * 2 + 1, True, "text"),
        "c": (),
    }
    document = json.loads(
        json.dumps({"value": writer.plain(value), "symbols": writer.symbols()}, allow_nan=False)
    )
    assert _Reader(document, writer.arrays.__getitem__, "").plain(document["value"]) == value
    held = writer.plain(np.arange(3))
    np.testing.assert_array_equal(_Reader(document, writer.arrays.__getitem__, "").plain(held), np.arange(3))
    with pytest.raises(TypeError, match="an object of type function"):
        writer.plain([load])


def load(saver: Any, path: Path) -> None:
    if saver is None:
        tf.train.import_meta_graph(path)
    else:
        saver.restore(tf.Session(), path)


def test_damaged_files_are_one_clear_error(tmp_path: Path) -> None:
    program()
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = saver.save(session, tmp_path / "model")
    generator = np.random.default_rng(6)
    for suffix in (".safetensors", ".meta"):
        whole = Path(prefix + suffix).read_bytes()
        broken = tmp_path / f"broken{suffix}"
        for number in range(24):
            data = bytearray(whole)
            if number % 3:
                data[generator.integers(len(data))] ^= 1 << int(generator.integers(8))
            else:
                del data[int(generator.integers(len(data))) :]
            broken.write_bytes(bytes(data))
            with tf.Graph().as_default():
                good = tf.train.import_meta_graph(f"{prefix}.meta") if suffix != ".meta" else None
                with pytest.raises(tf.CheckpointError, match="broken"):
                    load(good, broken)
    (tmp_path / "empty.meta").write_bytes(b"")
    with pytest.raises(tf.CheckpointError, match=r"empty\.meta is damaged"):
        tf.train.import_meta_graph(tmp_path / "empty.meta")
    with pytest.raises(tf.CheckpointError, match="there is no file"):
        tf.train.import_meta_graph(tmp_path / "none.meta")
