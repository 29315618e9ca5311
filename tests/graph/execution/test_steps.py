"""What becomes of a fetch list: dead, equal and constant operations, fused ones, and memory that is used again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, UninitializedError


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(params=["numpy", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "torch":
        pytest.importorskip("torch")
        pytest.importorskip("array_api_compat")
    return str(request.param)


def ran(fetches: Any, feeds: Any = None, session: Any = None, **config: Any) -> list[str]:
    """The types of the operations that a run runs."""
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    session = session or tf.Session(config=tf.ConfigProto(**config))
    session.run(fetches, feeds, options=options, run_metadata=metadata)
    return [s.op for s in metadata.steps]


def plain() -> Any:
    options = tf.OptimizerOptions(opt_level=tf.OptimizerOptions.L0)
    return tf.GraphOptions(optimizer_options=options)


# Merging and folding ----------------------------------------------------------------------------------------------


def test_equal_operations_run_once() -> None:
    x = tf.placeholder(tf.float32, [2])
    y = (tf.exp(x) + 1.0) * (tf.exp(x) + 1.0)
    assert ran(y, {x: [1, 2]}) == ["exp", "add", "multiply"]
    assert ran(y, {x: [1, 2]}, graph_options=plain()) == ["exp", "add", "exp", "add", "multiply"]
    assert len(ran([tf.reduce_sum(x, 0), tf.reduce_sum(x, 0, keep_dims=True)], {x: [1, 2]})) == 2
    limits = [tf.clip_by_value(x, 0.0, 1.0), tf.clip_by_value(x, -0.0, 1.0)]
    np.testing.assert_array_equal(tf.Session().run(limits, {x: [-1, 2]}), [[0, 1], [0, 1]])


def test_draws_are_never_merged(backend: str) -> None:
    a, b = tf.random_normal([4], seed=3), tf.random_normal([4], seed=3)
    one, other = tf.Session(config=tf.ConfigProto(backend=backend)).run([a, b])
    assert not np.array_equal(one, other)


def test_reads_before_and_after_a_write_are_not_equal() -> None:
    v = tf.Variable(1.0)
    before = v * 2.0
    write = v.assign(5.0)
    with tf.control_dependencies([write]):
        after = v * 2.0
    again = v * 2.0
    session = tf.Session()
    session.run(v.initializer)
    assert session.run([before, after, again]) == [2, 10, 10]


def test_constants_are_folded_once() -> None:
    c = tf.reduce_sum(tf.ones([3, 4]) * 2.0)
    x = tf.placeholder(tf.float32, [])
    assert ran(x + c, {x: 1.0}) == ["add"]
    assert tf.Session().run(x + c, {x: 1.0}) == 25
    # Nothing large is made and kept for nothing.
    assert "broadcast_to" in ran(tf.reduce_sum(tf.zeros([2000, 1000]) + x), {x: 1.0})
    session = tf.Session()
    for _ in range(2):
        found = session.run(tf.ones([2]) * 2.0)
        found += 1
        np.testing.assert_array_equal(found, [3, 3])


def test_a_fold_that_fails_is_an_error_of_the_run() -> None:
    y = tf.constant(1) // tf.constant(0)
    with pytest.raises(GraphError, match=r"floor_divide .*test_steps\.py:\d+\): integer division by zero"):
        tf.Session().run(y)


# Memory -----------------------------------------------------------------------------------------------------------


def test_a_program_names_what_fails(backend: str) -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable([1.0, 2.0], name="v")
    z = tf.exp(x) + v
    session = tf.Session(config=tf.ConfigProto(backend=backend))
    with pytest.raises(UninitializedError, match="variable 'v' has no value"):
        session.run(z, {x: [1, 2]})
    session.run(v.initializer)
    with pytest.raises(
        GraphError, match=r"add 'add' failed on float32\[3\], float32\[2\] \(made at .*test_steps"
    ):
        session.run(z, {x: [1, 2, 3]})


def test_values_that_are_read_later_are_kept(backend: str) -> None:
    v = tf.Variable(np.zeros((100, 100), np.float32))
    old = tf.identity(v)
    flat = tf.reshape(v, [-1])
    write = v.assign(v + 1.0)
    with tf.control_dependencies([write]):
        later = flat * 1.0
    session = tf.Session(config=tf.ConfigProto(backend=backend))
    session.run(v.initializer)
    for count in range(3):
        found = session.run([old, flat, later, v, write])
        assert [f.mean() for f in found] == [count, count, count, count + 1, count + 1]
        assert all(f.std() == 0 for f in found)


def test_what_a_run_gives_stays_as_it_is(backend: str) -> None:
    v = tf.Variable(np.zeros(5000, np.float32))
    grown = v.assign_add(np.ones(5000, np.float32))
    session = tf.Session(config=tf.ConfigProto(backend=backend))
    session.run(v.initializer)
    given = [session.run(grown), session.run(v), session.variables["Variable"], session.read(v.op)]
    kept = [np.array(g) for g in given]
    for _ in range(3):
        session.run(grown)
    for array, copy in zip(given, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert session.run(v)[0] == 4


def test_feeds_are_never_written(backend: str) -> None:
    x = tf.placeholder(tf.float32, [5000])
    v = tf.Variable(np.zeros(5000, np.float32))
    chain = tf.exp(tf.negative(tf.square(tf.identity(x))))
    session = tf.Session(config=tf.ConfigProto(backend=backend))
    session.run(v.initializer)
    fed = np.ones(5000, np.float32)
    session.run([chain, v.assign(x), v.assign(tf.identity(x) + 1.0)], {x: fed})
    session.run(v.assign_add(x), {x: fed})
    np.testing.assert_array_equal(fed, np.ones(5000))


def test_values_that_branches_give_back_are_kept(backend: str) -> None:
    v = tf.Variable(np.ones(5000, np.float32))
    yes = tf.placeholder_with_default(True, [])
    first = tf.cond(yes, lambda: tf.identity(v), lambda: v * 0.0)
    with tf.control_dependencies([first]):
        write = v.assign(v + 1.0)
    with tf.control_dependencies([write]):
        second = tf.cond(yes, lambda: tf.reshape(v, [50, 100]), lambda: tf.zeros([50, 100]))
    with tf.control_dependencies([second]):
        again = tf.cond(yes, lambda: v.assign(v * 10.0).op, tf.no_op)
    session = tf.Session(config=tf.ConfigProto(backend=backend))
    session.run(v.initializer)
    found = session.run([first, second, again, write.op])
    assert (found[0][0], found[1][0, 0], session.run(v)[0]) == (1, 2, 20)
    session.run(again)
    assert (found[0][0], found[1][0, 0], session.run(v)[0]) == (1, 2, 210)


def test_what_is_read_after_a_write_is_the_caller_s(backend: str) -> None:
    v = tf.Variable(np.zeros(5000, np.float32))
    with tf.control_dependencies([v.assign(v + 1.0)]):
        after = tf.reshape(v, [50, 100])
    session = tf.Session(config=tf.ConfigProto(backend=backend))
    session.run(v.initializer)
    found = session.run(after)
    found += 5
    assert session.run(v)[0] == 1
    session.run(after)
    assert (found.max(), session.run(v)[0]) == (6, 2)


def test_long_programs_compile_in_time_that_grows_with_their_length() -> None:
    import time

    def seconds(count: int) -> float:
        x = tf.placeholder(tf.float32, [4])
        y: Any = x
        for _ in range(count):
            y = tf.nn.softmax(y)
        start = time.process_time()
        tf.Session().run(y, {x: np.ones(4)})
        return time.process_time() - start

    seconds(10)
    short, long = (min(seconds(count) for _ in range(3)) for count in (300, 2400))
    assert long < 8 * 3 * short


def random_program(generator: np.random.Generator) -> tuple[Any, list[Any]]:
    """A placeholder, and fetches of a program of many operations on tensors of two shapes and on variables."""
    b = tf.get_default_graph().b
    x = tf.placeholder(tf.float32, [None if generator.random() < 0.5 else 80, 80], name="x")
    variables = [tf.Variable(generator.normal(size=(80, 80)).astype(np.float32)) for _ in range(2)]
    tensors: list[Any] = [x, tf.constant(generator.normal(size=(80,)).astype(np.float32)), tf.constant(0.5)]
    writes: list[Any] = []
    for _ in range(int(generator.integers(5, 30))):
        pool = [*tensors, *(v.value() for v in variables)]
        one, other, third = (pool[int(generator.integers(len(pool)))] for _ in range(3))
        kind = int(generator.integers(12))
        if kind < 3:
            made = getattr(b, ["add", "subtract", "multiply"][kind])(one, other)
        elif kind < 5:
            made = b.add(one, b.multiply(b.like(0.25, one), b.square(other) if kind == 3 else other))
        elif kind == 5:
            made = b.subtract(
                one, b.divide(b.multiply(tensors[2], other), b.add(b.square(third), b.like(1, third)))
            )
        elif kind == 6:
            made = b.where(b.greater(one, b.like(0, one)), one, b.like(0, one))
        elif kind == 7:
            made = b.tanh(one)
        elif kind == 8:
            made = b.identity(one)
        elif kind == 9:
            made = b.relu(b.multiply(one, b.like(0.5, one)))
        else:
            chosen = variables[int(generator.integers(2))]
            value = b.tanh(b.add(b.multiply(b.like(0.9, one), chosen), b.multiply(b.like(0.1, one), one)))
            with tf.control_dependencies(writes[-1:] if generator.random() < 0.5 else []):
                made = chosen.assign(value if generator.random() < 0.5 else chosen + value)
            writes.append(made.op)
        tensors.append(b.tanh(made) if generator.random() < 0.3 else made)
    picked = [tensors[int(i)] for i in generator.integers(3, len(tensors), 4)]
    return x, [*picked, *variables, *(writes if generator.random() < 0.7 else [])]


@pytest.mark.parametrize("seed", range(40))
def test_optimised_programs_give_what_plain_ones_give(seed: int, backend: str) -> None:
    generator = np.random.default_rng(seed)
    x, fetches = random_program(generator)
    feeds = {x: generator.normal(size=(80, 80)).astype(np.float32)}
    results = []
    for options in (tf.GraphOptions(), plain()):
        session = tf.Session(config=tf.ConfigProto(backend=backend, graph_options=options))
        session.run(tf.global_variables_initializer())
        results.append([session.run(fetches, feeds) for _ in range(3)])
    for fast, slow in zip(*results, strict=True):
        for one, other in zip(fast, slow, strict=True):
            if other is not None:
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * max(1, np.abs(other).max()))


def test_steps_go_through_torch_compile() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    seen = []

    def compiler(module: Any, example_inputs: Any) -> Any:
        seen.append([str(n.target) for n in module.graph.nodes if n.op.startswith("call")])
        return module.forward

    x = tf.placeholder(tf.float32, [4, 3])
    v = tf.Variable(np.full((3, 2), 0.5, np.float32))
    y = tf.nn.relu(tf.matmul(x, v))
    write = v.assign_sub(0.1 * tf.ones([3, 2]))
    fed = np.arange(12, dtype=np.float32).reshape(4, 3)
    results = []
    for config in ({}, {"torch_compile": {"backend": compiler}}):
        session = tf.Session(config=tf.ConfigProto(backend="torch", **config))
        session.run(v.initializer)
        results.append([session.run([y, write, v], {x: fed}) for _ in range(2)])
    for one, other in zip(*results, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    assert any("matmul" in name for names in seen for name in names)
    torch.compiler.reset()
    with pytest.raises(GraphError, match="torch_compile needs ConfigProto"):
        tf.Session(config=tf.ConfigProto(torch_compile=True)).run(y + 1.0, {x: fed})


def test_the_same_seed_gives_the_same_bits(backend: str) -> None:
    def curve() -> list[float]:
        with tf.Graph().as_default():
            tf.set_random_seed(7)
            x = tf.placeholder(tf.float32, [None, 8])
            hidden = tf.nn.dropout(tf.nn.relu(tf.matmul(x, tf.Variable(tf.random_normal([8, 16])))), 0.5)
            out = tf.matmul(hidden, tf.Variable(tf.truncated_normal([16, 1])))
            loss = tf.reduce_mean(tf.square(out - tf.random_uniform([1], -1.0, 1.0)))
            train = tf.train.AdamOptimizer(0.01).minimize(loss)
            session = tf.Session(config=tf.ConfigProto(backend=backend))
            session.run(tf.global_variables_initializer())
            fed = np.linspace(-1, 1, 80, dtype=np.float32).reshape(10, 8)
            return [float(session.run([loss, train], {x: fed})[0]) for _ in range(8)]

    assert curve() == curve()
