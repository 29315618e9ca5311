"""Devices: requests and how they nest, placement, sends and receives, traces, and the options that say how."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError

TWO = {"CPU": 2}


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


def traced(session: Any, fetches: Any, feeds: Any = None) -> tuple[Any, Any]:
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    return session.run(fetches, feeds, options=options, run_metadata=metadata), metadata


# Requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "device"),
    [
        ("/cpu:0", "/device:CPU:0"),
        ("/gpu:1", "/device:GPU:1"),
        ("/device:GPU:1", "/device:GPU:1"),
        ("/GPU", "/device:GPU:*"),
        ("/job:ps/task:1/cpu:0", "/job:ps/task:1/device:CPU:0"),
        (tf.DeviceSpec(job="worker", replica=0, task=2), "/job:worker/replica:0/task:2"),
        (None, ""),
        ("", ""),
    ],
)
def test_requests_are_read(asked: Any, device: str) -> None:
    with tf.device(asked):
        assert tf.constant(1.0).device == device


def test_inner_requests_win_and_outer_ones_fill_up() -> None:
    with tf.device("/job:ps"):
        with tf.device("/task:3/gpu:1"):
            with tf.device("/cpu:0"):
                a = tf.constant(1.0)
            b = tf.constant(1.0)
        with tf.device(None):
            c = tf.constant(1.0)
            with tf.device("/gpu:0"):
                d = tf.constant(1.0)
        e = tf.constant(1.0)
    assert [t.device for t in (a, b, c, d, e)] == [
        "/job:ps/task:3/device:CPU:0",
        "/job:ps/task:3/device:GPU:1",
        "",
        "/device:GPU:0",
        "/job:ps",
    ]


def test_a_function_chooses_the_device() -> None:
    seen = []

    def choose(op: Any) -> str | None:
        seen.append((op.type, op.device))
        return "/gpu:1" if op.type == "matmul" else op.device

    with tf.device(choose):
        x = tf.ones([2, 2])
        y = tf.matmul(x, x)
        with tf.device("/cpu:0"):
            z = tf.matmul(x, x)
    assert (y.device, z.device) == ("/device:GPU:1", "/device:GPU:1")
    assert ("matmul", "/device:CPU:0") in seen
    with tf.device("/job:a"), tf.device(lambda op: tf.DeviceSpec(device_type="GPU", device_index=2)):
        assert tf.constant(1.0).device == "/job:a/device:GPU:2"


@pytest.mark.parametrize("asked", ["/tpu:0", "gpu 0", "/gpu:x", "/jobs:a"])
def test_what_is_no_device(asked: str) -> None:
    with pytest.raises(GraphError, match="is not understood; write for example"):
        tf.device(asked).__enter__()
    with pytest.raises(TypeError, match="a device is a name"):
        tf.device(3).__enter__()


# Placement --------------------------------------------------------------------------------------------------------


def test_a_device_that_does_not_exist_is_an_error_or_another_one(backend: str) -> None:
    with tf.device("/gpu:7"):
        x = tf.constant([1.0, 2.0]) + tf.placeholder(tf.float32, [2], name="x")
    feeds = {"x:0": [1, 1]}
    with pytest.raises(
        GraphError,
        match=r"add .*test_devices\.py:\d+\) was asked to run on /device:GPU:7, but there is no such",
    ) as caught:
        tf.Session(config=tf.ConfigProto(backend=backend)).run(x, feeds)
    assert "allow_soft_placement=True" in str(caught.value)
    assert "/cpu:0" in str(caught.value)
    config = tf.ConfigProto(backend=backend, allow_soft_placement=True)
    np.testing.assert_array_equal(tf.Session(config=config).run(x, feeds), [2, 3])


def test_tensors_cross_by_sends_and_receives_that_a_trace_shows(backend: str) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with tf.device("/cpu:0"):
        a = tf.square(x, name="a")
    with tf.device("/cpu:1"):
        b = tf.add(a, 1.0, name="b")
        c = tf.multiply(a, b, name="c")
    with tf.device("/cpu:0"):
        d = tf.subtract(c, a, name="d")
    session = tf.Session(config=tf.ConfigProto(backend=backend, device_count=TWO))
    assert session.list_devices()[:2] == ["/cpu:0", "/cpu:1"]
    value = np.array([1, 2, 3], np.float32)
    found, metadata = traced(session, [d, c], {x: value})
    square = value**2
    np.testing.assert_allclose(found[1], square * (square + 1))
    np.testing.assert_allclose(found[0], square * (square + 1) - square)
    steps = [(s.op, s.node_name, s.device) for s in metadata.steps]
    assert steps == [
        ("square", "a", "/cpu:0"),
        ("send", "a:0", "/cpu:0"),
        ("receive", "a:0", "/cpu:1"),
        ("add", "b", "/cpu:1"),
        ("multiply", "c", "/cpu:1"),
        ("send", "c:0", "/cpu:1"),
        ("receive", "c:0", "/cpu:0"),
        ("subtract", "d", "/cpu:0"),
    ]
    assert [s.output_bytes for s in metadata.steps if s.op == "receive"] == [12, 12]
    assert {d.device: len(d.node_stats) for d in metadata.step_stats.dev_stats} == {"/cpu:0": 4, "/cpu:1": 4}
    starts = [s.all_start_micros for s in metadata.steps]
    assert starts == sorted(starts)
    assert all(s.all_end_rel_micros > 0 for s in metadata.steps)
    assert "receive a:0" in str(metadata)
    events = metadata.chrome_trace()["traceEvents"]
    assert len(events) == 2 + len(steps)


def test_variables_live_on_their_device(backend: str) -> None:
    with tf.device("/cpu:1"):
        v = tf.Variable([1.0, 2.0], name="v")
    with tf.device("/cpu:0"):
        y = tf.multiply(v, 2.0, name="y")
        write = v.assign(y)
    with tf.control_dependencies([write]):
        after = tf.add(v, 0.0, name="after")
    session = tf.Session(config=tf.ConfigProto(backend=backend, device_count=TWO))
    session.run(v.initializer)
    found, metadata = traced(session, [after, y])
    np.testing.assert_array_equal(found, [[2, 4], [2, 4]])
    steps = [(s.op, s.node_name, s.device) for s in metadata.steps]
    assert (
        steps
        == [
            ("send", "v:0", "/cpu:1"),
            ("receive", "v:0", "/cpu:0"),
            ("multiply", "y", "/cpu:0"),
            ("send", "y:0", "/cpu:0"),
            ("receive", "y:0", "/cpu:1"),
            ("assign", "assign", "/cpu:1"),
            # What was sent before the variable was written is not what it holds now.
            ("send", "v:0", "/cpu:1"),
            ("receive", "v:0", "/cpu:0"),
            ("add", "after", "/cpu:0"),
        ]
        or [s for s in steps if s[1] != "Assign"] == []
    )
    np.testing.assert_array_equal(session.run(v), [2, 4])


def test_bodies_run_where_their_operation_does(backend: str) -> None:
    with tf.device("/cpu:0"):
        v = tf.Variable(3.0, name="v")
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.device("/cpu:1"):
        y = tf.cond(x > 0.0, lambda: x * v, lambda: x - v)
        n = tf.while_loop(lambda i: i < 5.0, lambda i: i + v, [x])
    session = tf.Session(config=tf.ConfigProto(backend=backend, device_count=TWO))
    session.run(v.initializer)
    found, metadata = traced(session, [y, n], {x: 2.0})
    assert list(found) == [6, 5]
    assert {s.device for s in metadata.steps if s.op in ("cond", "while_loop")} == {"/cpu:1"}
    assert session.run(y, {x: -1.0}) == -4


def test_placements_are_logged() -> None:
    with tf.device("/cpu:1"):
        y = tf.add(1.0, 2.0, name="sum") * tf.placeholder(tf.float32, [], name="x")
    session = tf.Session(config=tf.ConfigProto(device_count=TWO, log_device_placement=True))
    with redirect_stderr(io.StringIO()) as log:
        session.run(y, {"x:0": 1.0})
        session.run([y], {"x:0": 1.0})
    assert log.getvalue().count("sum: (add): /cpu:1") == 1


def test_training_across_devices_is_as_on_one(backend: str) -> None:
    generator = np.random.default_rng(0)
    x, y = (
        generator.normal(size=(32, 4)).astype(np.float32),
        generator.normal(size=(32, 1)).astype(np.float32),
    )

    def losses(first: str | None, second: str | None) -> list[float]:
        with tf.Graph().as_default():
            inputs, wanted = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None, 1])
            weights = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
            with tf.device(first):
                hidden = tf.nn.relu(tf.matmul(inputs, tf.Variable(weights)))
            with tf.device(second):
                out = tf.matmul(hidden, tf.Variable(weights[:1].T[:4].repeat(2, 0)[:5]))
                loss = tf.reduce_mean(tf.square(out - wanted))
            train = tf.train.AdamOptimizer(0.05).minimize(loss)
            with tf.Session(config=tf.ConfigProto(backend=backend, device_count=TWO)) as session:
                session.run(tf.global_variables_initializer())
                feeds = {inputs: x, wanted: y}
                return [float(session.run([loss, train], feeds)[0]) for _ in range(10)]

    one = losses(None, None)
    assert one[-1] < one[0]
    assert losses("/cpu:0", "/cpu:1") == one


# Options ----------------------------------------------------------------------------------------------------------


def test_options_as_programs_pass_them() -> None:
    config = tf.ConfigProto(
        device_count={"GPU": 0},
        intra_op_parallelism_threads=0,
        inter_op_parallelism_threads=2,
        allow_soft_placement=True,
        gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.5, allow_growth=True),
        graph_options=tf.GraphOptions(
            optimizer_options=tf.OptimizerOptions(opt_level=tf.OptimizerOptions.L0)
        ),
    )
    config.gpu_options.allow_growth = True
    config.log_device_placement = False
    with tf.Session(config=config) as session:
        assert session.run(tf.constant(1) + 1) == 2
        assert session.list_devices() == ["/cpu:0"]
    with pytest.raises(TypeError, match="allow_soft"):
        tf.ConfigProto(allow_soft=True)
    with pytest.raises(GraphError, match="backend='jax': expected one of numpy, torch"):
        tf.Session(config=tf.ConfigProto(backend="jax"))
    metadata = tf.RunMetadata()
    tf.Session().run(tf.constant(1) + 1, options=tf.RunOptions(), run_metadata=metadata)
    assert metadata.steps == []


# GPUs -------------------------------------------------------------------------------------------------------------


def gpus(count: int) -> Any:
    """The backend torch on a machine that pretends to have GPUs, which compute on the host."""
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("samara.graph.backends.torch")
    from samara.graph.backends import Device

    class Pretending(module.TorchBackend):  # type: ignore[name-defined, misc]
        def devices(self, config: Any) -> Any:
            host = torch.device("cpu")
            return (Device("cpu", 0, host), *(Device("gpu", i, host) for i in range(count)))

    return Pretending()


def test_operations_go_to_the_first_gpu_that_can_run_them() -> None:
    x = tf.placeholder(tf.int32, [2, 2], name="x")
    y = tf.add(x, 1, name="sum")
    z = tf.matmul(y, y, name="product")
    session = tf.Session(config=tf.ConfigProto(backend=gpus(2)))
    assert session.list_devices() == ["/cpu:0", "/gpu:0", "/gpu:1"]
    found, metadata = traced(session, z, {x: [[1, 2], [3, 4]]})
    np.testing.assert_array_equal(found, np.array([[2, 3], [4, 5]]) @ np.array([[2, 3], [4, 5]]))
    assert [(s.op, s.device) for s in metadata.steps] == [
        ("send", "/cpu:0"),
        ("receive", "/gpu:0"),
        ("add", "/gpu:0"),
        ("send", "/gpu:0"),
        ("receive", "/cpu:0"),
        ("matmul", "/cpu:0"),
    ]


def test_variables_are_updated_where_they_live() -> None:
    with tf.device("/cpu:0"):
        w = tf.Variable([[1.0], [2.0]], name="w")
    with tf.device("/gpu:0"):
        loss = tf.reduce_sum(tf.square(tf.matmul(tf.constant([[1.0, 3.0]]), w)))
        train = tf.train.AdamOptimizer(0.1).minimize(loss)
    session = tf.Session(config=tf.ConfigProto(backend=gpus(1)))
    session.run(tf.global_variables_initializer())
    _, metadata = traced(session, train)
    places = {s.node_name: s.device for s in metadata.steps if s.op not in ("send", "receive")}
    assert {places[f"Adam/assign{n}"] for n in ("", "_1", "_2")} == {"/cpu:0"}
    # The gradient and the rate go to the variable, the moments nowhere.
    sent = [s.node_name for s in metadata.steps if s.op == "send" and s.device == "/cpu:0"]
    assert not [n for n in sent if "/Adam/" in n]
    assert all(d == "/gpu:0" for n, d in places.items() if n.startswith("gradients"))


def test_sizes_are_computed_on_the_host() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.device("/gpu:0"):
        y = tf.square(x, name="square")
    sizes = tf.stack([tf.shape(y)[0] * 3, -1])
    z = tf.reshape(y, sizes, name="flat")
    session = tf.Session(config=tf.ConfigProto(backend=gpus(1)))
    found, metadata = traced(session, z, {x: np.ones((2, 3), np.float32)})
    assert found.shape == (6, 1)
    devices = {s.op: s.device for s in metadata.steps}
    assert devices["shape"] == devices["multiply"] == devices["stack"] == "/cpu:0"
    assert devices["reshape"] == "/gpu:0"
    # Neither the tensor of which the shape is taken, nor the sizes, are sent.
    assert [s.node_name for s in metadata.steps if s.op == "send"] == ["x:0"]


def test_what_a_gpu_cannot_run() -> None:
    with tf.device("/gpu:1"):
        y = tf.matmul(tf.placeholder(tf.int32, [2, 2], name="x"), np.eye(2, dtype=np.int32), name="product")
    feeds = {"x:0": [[1, 2], [3, 4]]}
    with pytest.raises(
        GraphError,
        match=r"'product' .*/gpu:1 cannot run it: CUDA has no matrix product of int32.*soft_placement",
    ):
        tf.Session(config=tf.ConfigProto(backend=gpus(2))).run(y, feeds)
    with pytest.raises(GraphError, match=r"there is no such device\. This session has /cpu:0, /gpu:0 "):
        tf.Session(config=tf.ConfigProto(backend=gpus(1))).run(y, feeds)
    soft = tf.ConfigProto(backend=gpus(2), allow_soft_placement=True)
    np.testing.assert_array_equal(tf.Session(config=soft).run(y, feeds), [[1, 2], [3, 4]])


def test_towers_on_several_gpus_train_as_one() -> None:
    generator = np.random.default_rng(4)
    x, y = generator.normal(size=(8, 3)).astype(np.float32), generator.normal(size=(8, 1)).astype(np.float32)
    start = generator.normal(size=(3, 1)).astype(np.float32)

    def weights(towers: int) -> Any:
        with tf.Graph().as_default():
            inputs, wanted = tf.placeholder(tf.float32, [8, 3]), tf.placeholder(tf.float32, [8, 1])
            with tf.device("/cpu:0"):
                w = tf.Variable(start)
            losses = []
            pairs = zip(tf.split(inputs, towers), tf.split(wanted, towers), strict=True)
            for number, (some, target) in enumerate(pairs):
                with tf.device(f"/gpu:{number}"):
                    losses.append(tf.reduce_mean(tf.square(tf.matmul(some, w) - target)))
            with tf.device("/cpu:0"):
                train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.add_n(losses) / float(towers))
            session = tf.Session(config=tf.ConfigProto(backend=gpus(towers)))
            session.run(tf.global_variables_initializer())
            for _ in range(5):
                _, metadata = traced(session, train, {inputs: x, wanted: y})
            used = {d.device for d in metadata.step_stats.dev_stats}
            assert used == {"/cpu:0", *(f"/gpu:{n}" for n in range(towers))}
            return session.run(w)

    np.testing.assert_allclose(weights(2), weights(1), rtol=1e-5)


def test_trained_on_cuda_as_on_the_host() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    generator = np.random.default_rng(0)
    images = generator.normal(size=(16, 8, 8, 2)).astype(np.float32)
    classes = generator.integers(0, 5, 16)
    kernel = generator.normal(size=(3, 3, 2, 4)).astype(np.float32) * 0.3
    dense = generator.normal(size=(64, 5)).astype(np.float32) * 0.3

    def losses(config: Any) -> list[float]:
        with tf.Graph().as_default():
            x, y = tf.placeholder(tf.float32, [None, 8, 8, 2]), tf.placeholder(tf.int64, [None])
            hidden = tf.nn.relu(tf.nn.conv2d(x, tf.Variable(kernel), [1, 1, 1, 1], "SAME"))
            hidden = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            logits = tf.matmul(tf.reshape(hidden, [-1, 64]), tf.Variable(dense))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
            train = tf.train.AdamOptimizer(0.01).minimize(loss)
            session = tf.Session(config=config)
            session.run(tf.global_variables_initializer())
            return [float(session.run([loss, train], {x: images, y: classes})[0]) for _ in range(10)]

    on_gpu = losses(tf.ConfigProto(backend="torch"))
    np.testing.assert_allclose(on_gpu, losses(tf.ConfigProto()), rtol=1e-4)
    assert on_gpu == losses(tf.ConfigProto(backend="torch"))
