"""Graphs as training programs leave them: flags, dropout, asserts, updates and queues are in the way of the outputs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf

Array = np.ndarray[Any, Any]
THIS = re.escape(Path(__file__).name)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        yield


@pytest.fixture
def session() -> Iterator[tf.Session]:
    with tf.Session() as made:
        yield made


def values(*shape: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def started(session: tf.Session) -> None:
    """All variables have random values, running averages too."""
    session.run(tf.global_variables_initializer())
    for number, variable in enumerate(tf.global_variables()):
        random = np.random.default_rng(number).uniform(0.5, 1.5, variable.shape)
        session.load(variable, random.astype(variable.dtype.numpy))


def ops_of(report: Any) -> dict[str, int]:
    return dict(sum((p.ops for p in report.programs), type(report.programs[0].ops)()))


# Flags ------------------------------------------------------------------------------------------------------


def layer_dropout(x: Any, flag: Any) -> Any:
    return tf.layers.dense(tf.layers.dropout(tf.layers.dense(x, 4), 0.5, training=flag), 2)


def layer_batch_normalization(x: Any, flag: Any) -> Any:
    return tf.nn.relu(tf.layers.batch_normalization(tf.layers.dense(x, 4, use_bias=False), training=flag))


def contrib_batch_norm(x: Any, flag: Any) -> Any:
    """The updates of the running averages are in the way of the output."""
    y = tf.layers.dense(x, 4, use_bias=False)
    return tf.nn.relu(tf.contrib.layers.batch_norm(y, is_training=flag, updates_collections=None))


def two_networks(x: Any, flag: Any) -> Any:
    def network(training: bool) -> Any:
        with tf.variable_scope("network", reuse=tf.AUTO_REUSE):
            y = tf.layers.dense(x, 4)
            y = tf.contrib.layers.batch_norm(y, is_training=training, updates_collections=None)
            return tf.nn.dropout(y, 0.5) if training else y

    return tf.cond(flag, lambda: network(True), lambda: network(False))


def fed_by_a_queue(x: Any, flag: Any) -> Any:
    row = tf.train.slice_input_producer([values(6, 3)])[0]
    batch = tf.train.batch([row], 2)
    return tf.layers.dense(tf.cond(flag, lambda: batch, lambda: x), 4)


def python_in_a_branch(x: Any, flag: Any) -> Any:
    label = tf.placeholder(tf.float32, [2, 4], "label")
    y = tf.layers.dense(x, 4)

    def noisy() -> Any:
        return y + label + tf.reshape(tf.py_func(lambda a: a, [y], tf.float32), [2, 4])

    return tf.cond(flag, noisy, lambda: y * 2.0)


# The network, and the ops that its file has with the flag off: those of one that was written by hand.
FLAGS = {
    layer_dropout: {"matmul": 2},
    layer_batch_normalization: {"matmul": 1},
    contrib_batch_norm: {"matmul": 1},
    two_networks: {"matmul": 1},
    fed_by_a_queue: {"matmul": 1},
    python_in_a_branch: {"matmul": 1},
}


@pytest.mark.parametrize("network", FLAGS, ids=lambda f: f.__name__)
def test_a_flag_is_fixed(network: Callable[..., Any], session: tf.Session, tmp_path: Path) -> None:
    x, flag = tf.placeholder(tf.float32, [2, 3], "x"), tf.placeholder(tf.bool, [], "is_training")
    y = network(x, flag)
    started(session)
    report = tf.export_model({"y": y}, tmp_path / "m.smr", constants={"is_training": False})
    assert ops_of(report) == FLAGS[network]
    model = tf.load(tmp_path / "m.smr")
    assert [t.name for t in model.signatures["main"].inputs] == ["x"]
    given = values(2, 3)
    label = {t: np.zeros([2, 4]) for t in [o.outputs[0] for o in x.graph.operations if o.name == "label"]}
    if network is not fed_by_a_queue:  # where a session would wait for the queue
        wanted = session.run(y, {x: given, flag: False, **label})
        np.testing.assert_allclose(model(given), wanted, rtol=1e-5, atol=1e-6)


def test_a_branch_that_writes_is_taken(session: tf.Session, tmp_path: Path) -> None:
    """With the flag on, a file keeps the running averages as a session does."""
    x, flag = tf.placeholder(tf.float32, [4, 3], "x"), tf.placeholder(tf.bool, [], "on")

    def network(training: bool) -> Any:
        with tf.variable_scope("network", reuse=tf.AUTO_REUSE):
            y = tf.contrib.layers.batch_norm(x, is_training=training, updates_collections=None, decay=0.5)
            return y if training else tf.nn.dropout(y, 0.5)

    y = tf.cond(flag, lambda: network(True), lambda: network(False))
    z = tf.tuple([y, *tf.global_variables()])[0]
    started(session)
    report = tf.export_model({"z": z}, tmp_path / "m.smr", constants={flag: True})
    assert "cond" not in ops_of(report)
    assert ops_of(report)["assign"] == 2
    assert "network/BatchNorm/moving_mean" in str(report)
    context = tf.load(tmp_path / "m.smr").context()
    for seed in range(3):
        given = values(4, 3, seed=seed)
        np.testing.assert_allclose(
            context.run(given), session.run(z, {x: given, flag: True}), rtol=1e-5, atol=1e-6
        )
    for name, kept in context.states().items():
        np.testing.assert_allclose(kept, session.variables[name], rtol=1e-5)


def test_a_branch_that_waits_is_taken(session: tf.Session, tmp_path: Path) -> None:
    x, flag = tf.placeholder(tf.float32, [2], "x"), tf.placeholder(tf.bool, [], "flag")
    count = tf.Variable(0.0, trainable=False, name="count")
    with tf.control_dependencies([count.assign_add(1.0)]):
        times = tf.cond(flag, lambda: tf.nn.dropout(x, 0.5), lambda: x * count)
        passed = tf.cond(flag, lambda: tf.nn.dropout(x, 0.5), lambda: x)
    session.run(tf.global_variables_initializer())
    for number, y in enumerate((times, passed)):
        report = tf.export_model({"y": y}, tmp_path / f"{number}.smr", constants={flag: False})
        assert "cond" not in ops_of(report)
        assert report.states == ("count",)
        model = tf.load(tmp_path / f"{number}.smr")
        for step in (1, 2):
            np.testing.assert_allclose(
                model(np.float32([1, 3])), np.float32([1, 3]) * (1 if number else step)
            )
        assert model.states()["count"] == 2


def test_a_number_chooses_a_case(session: tf.Session, tmp_path: Path) -> None:
    x, mode = tf.placeholder(tf.float32, [2, 3], "x"), tf.placeholder(tf.int32, [], "mode")
    cases = [(tf.equal(mode, 0), lambda: tf.nn.dropout(x, 0.5)), (tf.equal(mode, 1), lambda: tf.square(x))]
    y = tf.case(cases, default=lambda: x * 3.0)
    for number, op in ((1, "square"), (2, "multiply")):
        report = tf.export_model({"y": y}, tmp_path / "m.smr", constants={mode: number}, session=session)
        assert ops_of(report) == {op: 1}
        wanted = session.run(y, {x: values(2, 3), mode: number})
        np.testing.assert_allclose(tf.load(tmp_path / "m.smr")(values(2, 3)), wanted, rtol=1e-6)


def test_names_in_a_branch_are_not_those_outside(tmp_path: Path) -> None:
    """Layers are compared by their names: a branch may have the names that other operations have outside of it."""
    x = tf.placeholder(tf.float32, [2, 3], "x")
    tf.multiply(x, 3.0, name="product")
    y = tf.cond(tf.constant(True), lambda: tf.multiply(x, 2.0, name="product"), lambda: x)
    report = tf.export_model({"y": y}, tmp_path / "m.smr", session=tf.Session())
    assert [row.source_error for row in report.layers] == [0.0]


def test_only_what_the_outputs_need_is_compared(tmp_path: Path) -> None:
    """A name that a pass makes may be that of an operation beside the network, which need not even run."""
    x = tf.placeholder(tf.float32, [2, 3], "x")
    y = x.graph.b.batch_normalization(x, values(3), values(3), values(3), np.ones(3, np.float32), name="norm")
    tf.multiply(tf.Variable(values(2, 3)), 2.0, name="norm/scaled")
    report = tf.export_model({"y": y}, tmp_path / "m.smr", session=tf.Session())
    assert "norm/scaled:0" in [row.name for row in report.layers]


# Dropout ----------------------------------------------------------------------------------------------------


def scalar(name: str) -> Any:
    return tf.placeholder(tf.float32, name=name)  # of unknown rank, as programs have it


def by_keep_prob(x: Any) -> tuple[Any, Any, float]:
    keep = scalar("p")
    return tf.nn.dropout(x, keep), keep, 1.0


def by_rate(x: Any) -> tuple[Any, Any, float]:
    rate = scalar("p")
    return tf.nn.dropout(x, rate=rate), rate, 0


def by_noise_shape(x: Any) -> tuple[Any, Any, float]:
    keep = scalar("p")
    return tf.nn.dropout(x, keep, noise_shape=[2, 1]), keep, 1.0


def by_a_default(x: Any) -> tuple[Any, Any, float]:
    keep = tf.placeholder_with_default(0.5, [], "p")
    return tf.nn.dropout(x, keep), keep, 1.0


def by_hand(x: Any) -> tuple[Any, Any, float]:
    keep = tf.placeholder(tf.float32, [], "p")
    return tf.div(x, keep) * tf.floor(keep + tf.random_uniform(tf.shape(x))), keep, 1.0


def with_noise(x: Any) -> tuple[Any, Any, float]:
    deviation = tf.placeholder(tf.float32, [], "p")
    return x + deviation * tf.random_normal(tf.shape(x)), deviation, 0.0


@pytest.mark.parametrize(
    "drop",
    [by_keep_prob, by_rate, by_noise_shape, by_a_default, by_hand, with_noise],
    ids=lambda f: f.__name__,
)
def test_dropout_that_drops_nothing_is_left_out(
    drop: Callable[..., Any], session: tf.Session, tmp_path: Path
) -> None:
    x = tf.placeholder(tf.float32, [2, 3], "x")
    dropped, fed, off = drop(x)
    y = tf.layers.dense(dropped, 4)
    started(session)
    report = tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"x": x}, constants={fed: off})
    assert ops_of(report) == {"matmul": 1}
    assert [re.match(r"random_(uniform|normal) '", t) is not None for t in report.left_out] == [True]
    wanted = session.run(y, {x: values(2, 3), fed: off})
    np.testing.assert_allclose(tf.load(tmp_path / "m.smr")(values(2, 3)), wanted, rtol=1e-5)


def test_dropout_within_a_loop_is_left_out(session: tf.Session, tmp_path: Path) -> None:
    x, keep = tf.placeholder(tf.float32, [2, 5, 3], "x"), tf.placeholder(tf.float32, [], "keep")
    cell = tf.nn.rnn_cell.GRUCell(4)
    dropping = tf.nn.rnn_cell.DropoutWrapper(
        cell, input_keep_prob=keep, output_keep_prob=keep, state_keep_prob=keep
    )
    y, _ = tf.nn.dynamic_rnn(dropping, x, dtype=tf.float32)
    plain, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), x, dtype=tf.float32, scope="plain")
    started(session)
    report = tf.export_model({"y": y}, tmp_path / "m.smr", constants={"keep:0": 1})
    assert len(report.left_out) == 3
    assert ops_of(report) == ops_of(tf.export_model({"y": plain}, tmp_path / "plain.smr"))
    wanted = session.run(y, {x: values(2, 5, 3), keep: 1.0})
    np.testing.assert_allclose(tf.load(tmp_path / "m.smr")(values(2, 5, 3)), wanted, rtol=1e-5, atol=1e-6)


def test_a_half_is_not_taken_for_all(session: tf.Session, tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [2, 3], "x")
    for drop in (by_keep_prob, by_hand, with_noise):
        y, fed, _ = drop(x)
        with pytest.raises(tf.ExportError, match="random_"):
            tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"x": x}, constants={fed: 0.5})


# What only watches ------------------------------------------------------------------------------------------


def asserted(y: Any) -> Any:
    with tf.control_dependencies([tf.assert_less(y, 1e9), tf.assert_rank(y, 2)]):
        return tf.identity(y)


def checked(y: Any) -> Any:
    return tf.Print(tf.check_numerics(tf.verify_tensor_all_finite(y, "bad"), "bad"), [y], "y: ")


def summarized(y: Any) -> Any:
    with tf.control_dependencies(
        [tf.summary.histogram("y", y), tf.summary.scalar("mean", tf.reduce_mean(y))]
    ):
        return tf.identity(y)


def enqueued(y: Any) -> Any:
    with tf.control_dependencies([tf.FIFOQueue(1, [tf.float32]).enqueue([y])]):
        return tf.identity(y)


def called(y: Any) -> Any:
    with tf.control_dependencies([tf.py_func(lambda a: a, [y], tf.float32)]):
        return tf.identity(y)


def in_a_loop(y: Any) -> Any:
    def step(i: Any, a: Any) -> Any:
        with tf.control_dependencies([tf.Assert(tf.reduce_all(tf.is_finite(a)), [a])]):
            return i + 1, tf.Print(tf.tanh(a), [i])

    return tf.while_loop(lambda i, _: i < 3, step, [tf.constant(0), y])[1]


LOOP = {"while_loop": 1, "less": 1, "add": 1, "tanh": 1}
WATCHED = {
    asserted: (["check_all"], {}),
    checked: (["check_all", "check_all", "print"], {}),
    summarized: (["histogram_summary", "scalar_summary"], {}),
    enqueued: (["queue", "enqueue"], {}),
    called: (["python_function"], {}),
    in_a_loop: (["check_all", "print"], LOOP),
}


@pytest.mark.parametrize("watch", WATCHED, ids=lambda f: f.__name__)
def test_what_only_watches_is_left_out(
    watch: Callable[..., Any], session: tf.Session, tmp_path: Path, capfd: Any
) -> None:
    x = tf.placeholder(tf.float32, [2, 3], "x")
    y = watch(tf.layers.dense(x, 4))
    started(session)
    report = tf.export_model({"y": y}, tmp_path / "m.smr")
    assert capfd.readouterr().err == ""  # the proof does not print either
    kinds, ops = WATCHED[watch]
    assert sorted(t.split()[0] for t in report.left_out) == sorted(kinds)
    assert all(re.search(rf"made at .*{THIS}:\d+\)$", t) for t in report.left_out)
    assert "left out" in str(report)
    assert ops_of(report) == {"matmul": 1, **ops}
    wanted = session.run(y, {x: values(2, 3)})
    np.testing.assert_allclose(tf.load(tmp_path / "m.smr")(values(2, 3)), wanted, rtol=1e-5)


def test_what_is_written_is_still_waited_for(session: tf.Session, tmp_path: Path) -> None:
    """An assert is left out of the chain, the writes around it stay in their order."""
    x = tf.placeholder(tf.float32, [3], "x")
    total = tf.Variable(tf.zeros([3]), trainable=False, name="total")
    before = tf.identity(total)
    with tf.control_dependencies([tf.assert_less(before, 1e9)]):
        added = total.assign_add(x)
    with tf.control_dependencies([tf.Print(added, [x])]):
        y = tf.identity(total) - before
    session.run(tf.global_variables_initializer())
    report = tf.export_model({"y": y, "total": tf.identity(added)}, tmp_path / "m.smr")
    assert len(report.left_out) == 2
    assert ops_of(report)["assign"] == 1
    assert re.search(r"state +a run changes 'total'", str(report))
    context = tf.load(tmp_path / "m.smr").context()
    for seed in range(3):
        given = values(3, seed=seed)
        found = context.run(given)
        np.testing.assert_allclose(found["y"], given, rtol=1e-5)
        np.testing.assert_allclose(found["total"], sum(values(3, seed=s) for s in range(seed + 1)), rtol=1e-5)


# What it costs ----------------------------------------------------------------------------------------------


def test_the_averages_of_an_optimizer_cost_an_export_nothing(
    session: tf.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that the graph of a file lacks are not looked for among similar ones, which took most of the time."""

    def near(*_: Any, **__: Any) -> Any:
        raise AssertionError("looked for similar names")

    monkeypatch.setattr(difflib, "get_close_matches", near)
    x, label = tf.placeholder(tf.float32, [1, 8], "x"), tf.placeholder(tf.float32, [1, 8], "label")
    y = asserted(tf.layers.dense(x, 8))
    tf.train.AdamOptimizer().minimize(tf.losses.mean_squared_error(label, y))
    started(session)
    tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"x": x})


# What is told -----------------------------------------------------------------------------------------------


def told(outputs: Any, path: Path, **arguments: Any) -> list[str]:
    with pytest.raises(tf.ExportError) as error:
        tf.export_model(outputs, path / "m.smr", **arguments)
    assert not (path / "m.smr").exists()
    return list(error.value.problems)


def test_the_constant_that_would_help_is_told_and_helps(session: tf.Session, tmp_path: Path) -> None:
    x, flag = tf.placeholder(tf.float32, [2, 3], "x"), tf.placeholder(tf.bool, [], "is_training")
    keep = tf.placeholder(tf.float32, [], "keep_prob")
    y = tf.layers.dropout(tf.nn.dropout(tf.layers.dense(x, 4), keep), 0.5, training=flag)
    started(session)
    problems = told({"y": y}, tmp_path)
    assert [p.split()[0] for p in problems] == ["random_uniform", "random_uniform"]
    for problem in problems:
        assert "constants={'is_training': False, 'keep_prob': 1.0}" in problem
    tf.export_model({"y": y}, tmp_path / "m.smr", constants={"is_training": False, "keep_prob": 1.0})


def test_a_flag_that_is_a_variable_is_told_too(session: tf.Session, tmp_path: Path) -> None:
    training = tf.Variable(True, trainable=False, name="training")
    y = tf.layers.dropout(tf.placeholder(tf.float32, [2, 3], "x"), 0.5, training=training)
    started(session)
    (problem,) = told({"y": y}, tmp_path)
    assert "constants={'training': False}" in problem
    tf.export_model({"y": y}, tmp_path / "m.smr", constants={"training": False})


def test_a_placeholder_without_a_value_is_told(tmp_path: Path, session: tf.Session) -> None:
    x, flag = tf.placeholder(tf.float32, [2, 3], "x"), tf.placeholder(tf.bool, [], "flag")
    y = tf.cond(flag, lambda: x * 2.0, lambda: x)
    (problem,) = told({"y": y}, tmp_path, inputs={"x": x})
    assert re.match(
        rf"placeholder 'flag' \(made at .*{THIS}:\d+\) is needed but is not among the inputs", problem
    )
    assert "constants={'flag': False}" in problem


def test_texts_are_told(tmp_path: Path, session: tf.Session) -> None:
    x = tf.placeholder(tf.string, [2], "x")
    problems = told({"y": tf.string_to_number(x), "names": tf.constant(["a", "b"])}, tmp_path)
    assert [p.split(" (")[0] for p in problems] == [
        "input 'x'",
        "output 'names'",
        "string_to_number 'string_to_number'",
    ]
    assert "which a device does not have" in problems[0]
    assert "which a device does not have: export the numbers that it is chosen" in problems[1]


def test_constants_that_mean_nothing_are_refused(tmp_path: Path, session: tf.Session) -> None:
    x = tf.placeholder(tf.float32, [2, 3], "x")
    outputs, path = {"y": tf.nn.relu(x)}, tmp_path / "m.smr"
    with pytest.raises(
        ValueError, match=r"constants names 'keep', which is no tensor .*; its placeholders are x"
    ):
        tf.export_model(outputs, path, constants={"keep": 1.0})
    with pytest.raises(TypeError, match="constants is 3: expected values by name or tensor"):
        tf.export_model(outputs, path, constants=3)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"constants\['x'\]: x:0 expects shape \[2, 3\], the feed has shape \[2\]"
    ):
        tf.export_model(outputs, path, constants={"x": [1.0, 2.0]})
    with pytest.raises(ValueError, match="'x' is an input and among the constants"):
        tf.export_model(outputs, path, inputs={"x": x}, constants={x: np.zeros([2, 3])})
    with tf.Graph().as_default():
        other = tf.placeholder(tf.float32, [], "other")
    with pytest.raises(ValueError, match="expected a tensor of the graph of the outputs"):
        tf.export_model(outputs, path, constants={other: 1.0})


def test_several_signatures_share_constants(session: tf.Session, tmp_path: Path) -> None:
    x, h = tf.placeholder(tf.float32, [1, 3], "x"), tf.placeholder(tf.float32, [1, 4], "h")
    keep = scalar("keep")
    code = tf.nn.dropout(tf.layers.dense(x, 4, name="encoder"), keep)
    y = tf.layers.dense(tf.nn.dropout(h, keep), 3, name="decoder")
    started(session)
    signatures = [
        tf.Signature({"h": code}, inputs={"x": x}, name="encode"),
        tf.Signature({"y": y}, name="decode"),
    ]
    report = tf.export_model(signatures, tmp_path / "m.smr", constants={keep: 1.0})
    assert [dict(p.ops) for p in report.programs] == [{"matmul": 1}] * 2
    model = tf.load(tmp_path / "m.smr")
    given = values(1, 4)
    assert [t.name for t in model.signatures["decode"].inputs] == ["h"]
    np.testing.assert_allclose(
        model.run(signature="decode", h=given), session.run(y, {h: given, keep: 1.0}), rtol=1e-5
    )


def test_where_operations_are_placed_does_not_matter(tmp_path: Path) -> None:
    with tf.device("/gpu:0"):
        y = tf.layers.dense(tf.placeholder(tf.float32, [2, 3], "x"), 4)
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        started(session)
        assert ops_of(tf.export_model({"y": y}, tmp_path / "m.smr")) == {"matmul": 1}
