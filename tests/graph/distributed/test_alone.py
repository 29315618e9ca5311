"""What needs no second process: towers on several devices, helpers, buckets, and groups that do not come together."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError
from samara.graph.distribute.group import Group, current
from samara.graph.distribute.watch import Watch
from samara.graph.train import replicas
from tests.graph.distributed._launch import OPTIMIZERS, Model, curve, finished, free_ports, started


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


def average_gradients(towers: list[list[Any]]) -> list[Any]:
    """The mean over the towers, as programs of the time write it."""
    found = []
    for pairs in zip(*towers, strict=True):
        stacked = tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0)
        found.append((tf.reduce_mean(stacked, 0), pairs[0][1]))
    return found


def test_towers_on_two_devices_have_the_curve_of_one(backend: str) -> None:
    rng = np.random.default_rng(5)
    inputs = rng.standard_normal((24, 5)).astype(np.float32)
    targets = rng.standard_normal((24, 2)).astype(np.float32)
    first = rng.standard_normal((5, 16)).astype(np.float32)
    last = rng.standard_normal((16, 2)).astype(np.float32)
    x, y = tf.placeholder(tf.float32, [24, 5]), tf.placeholder(tf.float32, [24, 2])

    def loss_of(images: Any, answers: Any) -> Any:
        with tf.variable_scope("model", reuse=tf.AUTO_REUSE), tf.device("/cpu:0"):
            w = tf.get_variable("w", initializer=first)
            v = tf.get_variable("v", initializer=last)
        return tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(images, w)), v) - answers))

    whole = loss_of(x, y)
    optimizer = tf.train.MomentumOptimizer(0.05, 0.9)
    towers, losses = [], []
    for n, (images, answers) in enumerate(zip(tf.split(x, 2), tf.split(y, 2), strict=True)):
        with tf.device(f"/cpu:{n}"), tf.name_scope(f"tower_{n}"):
            losses.append(loss_of(images, answers))
            towers.append(optimizer.compute_gradients(losses[-1]))
    step = optimizer.apply_gradients(average_gradients(towers))
    alone = tf.train.MomentumOptimizer(0.05, 0.9).minimize(whole)
    feeds = {x: inputs, y: targets}

    def run(update: Any) -> list[float]:
        config = tf.ConfigProto(backend=backend, device_count={"CPU": 2})
        with tf.Session(config=config) as session:
            session.run(tf.global_variables_initializer())
            return [float(session.run([whole, update], feeds)[0]) for _ in range(15)]

    expected = run(alone)
    np.testing.assert_allclose(run(step), expected, rtol=0, atol=1e-5)
    assert expected[-1] < expected[0]
    trace = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    session = tf.Session(config=tf.ConfigProto(backend=backend, device_count={"CPU": 2}))
    session.run(tf.global_variables_initializer())
    session.run(step, feeds, options=options, run_metadata=trace)
    matmuls = {(s.device, s.node_name.split("/")[0]) for s in trace.steps if s.op == "matmul"}
    assert {("/cpu:0", "tower_0"), ("/cpu:1", "tower_1")} <= matmuls
    assert not {("/cpu:1", "tower_0"), ("/cpu:0", "tower_1")} & matmuls


def test_one_process_is_rank_0_of_1(backend: str) -> None:
    assert tf.distribute.start() is None
    assert (tf.distribute.rank(), tf.distribute.world_size(), current()) == (0, 1, None)
    values = np.arange(6)
    np.testing.assert_array_equal(tf.distribute.shard(values), values)
    model = Model()
    step = tf.train.DistributedOptimizer(OPTIMIZERS["adam"]()).minimize(model.loss)
    x = tf.placeholder(tf.float32, [3])
    reduced = [tf.distribute.all_reduce(x, how) for how in ("sum", "mean", "max", "min")]
    same = [*reduced, tf.distribute.broadcast(x)]
    (gradient,) = tf.gradients(tf.distribute.broadcast(tf.square(x)), x)
    with tf.Session(config=tf.distribute.config(backend=backend)) as session:
        session.run(tf.global_variables_initializer())
        session.run(tf.distribute.broadcast_variables())
        session.run(tf.distribute.barrier())
        found = [float(session.run([model.loss, step], model.feeds())[0]) for _ in range(5)]
        for array in session.run(same, {x: [1, -2, 3]}):
            np.testing.assert_array_equal(array, [1, -2, 3])
        np.testing.assert_array_equal(session.run(gradient, {x: [1, -2, 3]}), [2, -4, 6])
    np.testing.assert_allclose(found, curve(OPTIMIZERS["adam"], backend, 5), rtol=0, atol=1e-6)
    tf.distribute.stop()


def test_parts_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.distribute, "world_size", lambda: 3)
    monkeypatch.setattr(tf.distribute, "rank", lambda: 1)
    np.testing.assert_array_equal(tf.distribute.shard(np.arange(6)), [2, 3])
    assert tf.distribute.shard(["a", "b", "c"]) == ["b"]
    with pytest.raises(
        ValueError, match="7 examples cannot be divided among 3 processes: take a multiple of 3"
    ):
        tf.distribute.shard(range(7))


def test_gradients_are_put_in_buckets_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.distribute, "world_size", lambda: 2)
    x = tf.placeholder(tf.float32, [10])
    early, late = x * 2.0, x * 3.0
    half = tf.cast(x, tf.float16)
    wide = tf.placeholder(tf.float32, [1000])
    found = replicas.reduce_gradients([wide, None, late, half, early], "sum", bucket_bytes=80)
    starts = [op for op in tf.get_default_graph().get_operations() if op.type == "all_reduce_start"]
    names = [[t.name for t in op.inputs] for op in starts]
    assert names == [[early.name, late.name], [half.name], [wide.name]]
    assert [None if t is None else t.dtype.name for t in found] == [
        "float32",
        None,
        "float32",
        "float16",
        "float32",
    ]
    assert found[1] is None
    with tf.Session() as session:
        values = session.run([found[2], found[4]], {x: np.ones(10)})
    np.testing.assert_array_equal(values, [[3.0] * 10, [2.0] * 10])


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="reduce='middle': expected 'sum', 'mean', 'max' or 'min'"):
        tf.distribute.all_reduce(1.0, "middle")
    with pytest.raises(ValueError, match="is no integer: cast it to float32 before"):
        tf.distribute.all_reduce(1, "mean")
    with pytest.raises(TypeError, match="is no optimizer"):
        tf.train.DistributedOptimizer(0.1)
    with pytest.raises(ValueError, match="expected 'mean' or 'sum'"):
        tf.train.DistributedOptimizer(OPTIMIZERS["adam"](), reduce="max")
    with pytest.raises(GraphError, match="replicas_to_aggregate=2 and total_num_replicas=2, but 1 processes"):
        tf.train.SyncReplicasOptimizer(OPTIMIZERS["adam"](), 2)
    with pytest.raises(ValueError, match="needs global_step"):
        tf.train.SyncReplicasOptimizer(OPTIMIZERS["adam"](), 1).minimize(Model().loss)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(GraphError, match=r"call tf\.distribute\.start\(\) before the graph is built"):
        tf.train.DistributedOptimizer(OPTIMIZERS["adam"]()).minimize(Model().loss)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(GraphError, match=r"RANK.* is not set: launch with torchrun"):
        tf.distribute.start()


def test_an_exported_model_has_no_collectives(tmp_path: Any) -> None:
    x = tf.placeholder(tf.float32, [1, 3], name="x")
    with pytest.raises(tf.ExportError, match=r"all_reduce.*speaks to other processes"):
        tf.export_model(tf.distribute.all_reduce(x), tmp_path / "m.smr", inputs={"x": x})


# Groups -----------------------------------------------------------------------------------------------------------


class Store:
    """What a store of torch.distributed does, in one process."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._changed = threading.Condition()

    def set(self, key: str, text: str) -> None:
        with self._changed:
            self._texts[key] = text
            self._changed.notify_all()

    def get(self, key: str) -> bytes:
        with self._changed:
            assert self._changed.wait_for(lambda: key in self._texts, 10)
            return self._texts[key].encode()


def until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_watch_tells_death_from_an_end() -> None:
    store = Store()
    watches = [Watch(rank, 4, "127.0.0.1", store) for rank in range(4)]
    until(lambda: len(watches[0]._links) == 3)
    (link,) = watches[2]._links
    link.shutdown(socket.SHUT_RDWR)
    until(lambda: watches[0].died == watches[1].died == watches[3].died == [2])
    watches[3].close()
    until(lambda: watches[0].ended == watches[1].ended == [3])
    assert watches[0].died == [2]
    watches[0].close()
    until(lambda: watches[1].ended == [3, 0])
    assert watches[1].died == [2]


def test_strangers_are_no_part_of_a_watch() -> None:
    store = Store()
    watch = Watch(0, 2, "127.0.0.1", store)
    port, _ = json.loads(store.get("watch"))
    for text in (b'{"rank": 1, "token": "guess"}\n', b"GET /\n", b"x" * 5000):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(text)
    other = Watch(1, 2, "127.0.0.1", store)
    until(lambda: len(watch._links) == 1)
    assert (watch.died, watch.ended) == ([], [])
    other.close()
    until(lambda: watch.ended == [1])
    watch.close()


def test_a_process_that_does_not_come_is_named() -> None:
    pytest.importorskip("torch.distributed")
    (port,) = free_ports(1)
    variables = {"RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    begin = time.monotonic()
    ((status, output),) = finished([started("absent_program.py", **variables)])
    assert status == 0, output
    assert time.monotonic() - begin < 60
    assert "did not meet" in output or "not there: rank 1" in output
    assert Group.__doc__
