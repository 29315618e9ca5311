"""Clusters: parameter servers in processes of their own and in this one, what they refuse, and who dies."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError
from samara.graph.cluster import wire
from tests.graph.distributed._launch import OPTIMIZERS, Model, curve, finished, free_ports, results, started


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def cluster_of(servers: int, workers: int) -> dict[str, list[str]]:
    addresses = [f"127.0.0.1:{port}" for port in free_ports(servers + workers)]
    return {"ps": addresses[:servers], "worker": addresses[servers:]}


def tasks(cluster: dict[str, list[str]], mode: str, folder: Path) -> dict[str, tuple[int, str]]:
    """Runs all tasks: the status and the output of each."""
    names = [(job, n) for job, addresses in cluster.items() for n in range(len(addresses))]
    processes = [started("tasks_program.py", job, n, json.dumps(cluster), mode, folder) for job, n in names]
    return {f"{job} {n}": found for (job, n), found in zip(names, finished(processes), strict=True)}


# Processes --------------------------------------------------------------------------------------------------------


def test_workers_train_what_parameter_servers_hold(tmp_path: Path) -> None:
    for name, (status, output) in tasks(cluster_of(2, 2), "async", tmp_path).items():
        assert status == 0, f"{name}: {output}"
    found = results(2, tmp_path)
    for process in found:
        assert process["devices"] == ["/job:ps/task:0", "/job:ps/task:0", "/job:ps/task:0"]
        assert process["slot"] == "/job:ps/task:0"
        # A forward step asks each server once.
        assert sorted(process["trace"]) == [["remote", "/job:ps/task:0"], ["remote", "/job:ps/task:1"]]
        assert process["held here"] == []
    # No step of either is lost, and the last of them sees what both have learned.
    assert max(p["count"] for p in found) == 40
    last = max(found, key=lambda process: process["count"])
    assert last["losses"][-1] < 0.6 * curve(OPTIMIZERS["adam"], "numpy", 1)[0]


def test_synchronous_workers_with_a_parameter_server_have_the_curve_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("torch.distributed")
    for name, (status, output) in tasks(cluster_of(1, 2), "sync", tmp_path).items():
        assert status == 0, f"{name}: {output}"
    for process in results(2, tmp_path):
        np.testing.assert_allclose(
            process["losses"], curve(OPTIMIZERS["adam"], "numpy", 20), rtol=0, atol=1e-5
        )


def test_the_death_of_a_worker_ends_the_job_with_its_name(tmp_path: Path) -> None:
    found = tasks(cluster_of(1, 2), "dies", tmp_path)
    status, output = found["ps 0"]
    assert status == 1
    assert "UnavailableError: /job:worker/task:1 has died; /job:ps/task:0 served it" in output
    assert found["worker 1"][0] == -9


# In this process --------------------------------------------------------------------------------------------------


@pytest.fixture
def servers() -> Iterator[list[Any]]:
    """A parameter server and two workers, all in this process."""
    cluster = cluster_of(1, 2)
    made = [tf.train.Server(cluster, "ps", 0)] + [tf.train.Server(cluster, "worker", n) for n in (0, 1)]
    yield made
    for server in made:
        server.close()


def test_the_updates_of_many_workers_are_all_counted(servers: list[Any]) -> None:
    with tf.device("/job:ps/task:0"):
        total = tf.Variable(np.zeros(3, np.float32), name="total")
        count = tf.Variable(0, name="count")
    more = [total.assign_add([1, 2, 3]), count.assign_add(1)]
    sessions = [tf.Session(s.target) for s in servers[1:]]
    sessions[0].run(tf.global_variables_initializer())

    def work(session: Any) -> None:
        for _ in range(40):
            session.run(more)

    threads = [threading.Thread(target=work, args=(s,)) for s in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for session in sessions:
        np.testing.assert_array_equal(session.run(total), [80, 160, 240])
        assert session.run(count) == 80


def test_a_step_sees_variables_as_they_are_at_its_place_in_the_order(servers: list[Any]) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(2.0, name="v")
        squared = tf.square(v)
    before = v + 10.0
    with tf.control_dependencies([before, squared]):
        written = v.assign(squared * 3.0)
    with tf.control_dependencies([written]):
        after = v + 100.0
    with tf.Session(servers[1].target) as session:
        session.run(v.initializer)
        assert session.run([before, squared, written, after, v]) == [12, 4, 12, 112, 12]
        assert session.run(before) == 22
        assert session.run(v, {v: 5.0}) == 5
        assert session.run(squared, {squared: 7.0}) == 7


def test_checkpoints_hold_what_parameter_servers_hold(servers: list[Any], tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    with tf.device(tf.train.replica_device_setter(cluster=servers[0].cluster)):
        model = Model()
    saver = tf.train.Saver()
    with tf.Session(servers[1].target) as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, tmp_path / "model")
        first = session.run(model.weights[0])
        session.run(model.weights[0].assign(tf.zeros([5, 16])))
        assert not session.run(model.weights[0]).any()
        saver.restore(session, path)
        np.testing.assert_array_equal(session.run(model.weights[0]), first)


def test_the_torch_backend_works_with_parameter_servers(servers: list[Any]) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    with tf.device(tf.train.replica_device_setter(cluster=servers[0].cluster)):
        model = Model()
        step = OPTIMIZERS["adam"]().minimize(model.loss)
    with tf.Session(servers[1].target, config=tf.ConfigProto(backend="torch")) as session:
        session.run(tf.global_variables_initializer())
        found = [float(session.run([model.loss, step], model.feeds())[0]) for _ in range(10)]
    np.testing.assert_allclose(found, curve(OPTIMIZERS["adam"], "numpy", 10), rtol=0, atol=1e-5)


def test_errors_come_from_where_they_happen(servers: list[Any]) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable([1.0, 2.0], name="v")
        bad = tf.reshape(v, tf.placeholder(tf.int32, [1], name="sizes"))
    with tf.device("/job:ps/task:7"):
        nowhere = tf.square(tf.constant(1.0)) + tf.placeholder(tf.float32, [], name="p")
    session = tf.Session(servers[1].target)
    with pytest.raises(
        tf.errors.FailedPreconditionError, match="/job:ps/task:0: variable 'v' has no value yet"
    ):
        session.run(v)
    session.run(v.initializer)
    with pytest.raises(GraphError, match=r"/job:ps/task:0: reshape .*test_clusters\.py:\d+"):
        session.run(bad, {"sizes:0": [3]})
    with pytest.raises(GraphError, match=r"the cluster .* has no such task"):
        session.run(nowhere, {"p:0": 1.0})
    servers[0].close()
    for link in list(servers[1]._links.values()):
        link._socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(
        tf.errors.UnavailableError, match=r"/job:ps/task:0 at 127\.0\.0\.1:.* has died: /job:worker/"
    ):
        session.run(v)
    with pytest.raises(GraphError, match=r"'grpc://127\.0\.0\.1:9' is no server of this process"):
        tf.Session("grpc://127.0.0.1:9")


def test_messages_of_other_programs_are_refused() -> None:
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\2" + b"\0" * 15 + b"{}", b"\1"):
        one, other = socket.socketpair()
        with one, other:
            one.sendall(sent)
            one.shutdown(socket.SHUT_WR)
            with pytest.raises(tf.errors.UnavailableError, match=r"of another program|broke in a message"):
                wire.receive(other)
    one, other = socket.socketpair()
    with one, other:
        arrays = [np.arange(6, dtype=np.int64).reshape(2, 3).T, np.float32(2.5), np.zeros((0, 4), bool)]
        wire.send(one, {"do": "this"}, arrays)
        message, found = wire.receive(other) or ({}, [])
        assert message == {"do": "this"}
        for sent_array, array in zip(arrays, found, strict=True):
            np.testing.assert_array_equal(array, sent_array)
            assert array.dtype == sent_array.dtype
        one.shutdown(socket.SHUT_WR)
        assert wire.receive(other) is None


# Names ------------------------------------------------------------------------------------------------------------


def test_cluster_specs() -> None:
    spec = tf.train.ClusterSpec({"ps": ["a:1", "b:2"], "worker": {0: "c:3", 2: "d:4"}})
    assert spec.jobs == ["ps", "worker"]
    assert spec.num_tasks("worker") == 2
    assert spec.task_indices("worker") == [0, 2]
    assert spec.task_address("worker", 2) == "d:4"
    assert spec.job_tasks("worker") == ["c:3", None, "d:4"]
    assert spec.as_dict() == {"ps": ["a:1", "b:2"], "worker": {0: "c:3", 2: "d:4"}}
    assert tf.train.ClusterSpec(spec) == spec
    assert hash(tf.train.ClusterSpec(spec)) == hash(spec)
    assert spec != tf.train.ClusterSpec({})
    assert not tf.train.ClusterSpec({})
    with pytest.raises(ValueError, match="no job is called 'chief': the cluster has ps, worker"):
        spec.num_tasks("chief")
    with pytest.raises(ValueError, match="job 'ps' has no task 5"):
        spec.task_address("ps", 5)
    with pytest.raises(TypeError, match=r"expected a dict such as"):
        tf.train.ClusterSpec(["a:1"])
    with pytest.raises(TypeError, match=r"expected 'host:port'"):
        tf.train.ClusterSpec({"ps": "a:1"})


def test_variables_go_to_one_server_after_the_other() -> None:
    with tf.device(tf.train.replica_device_setter(ps_tasks=2, worker_device="/job:worker/task:3")):
        variables = [tf.Variable(1.0) for _ in range(3)]
        with tf.device("/gpu:1"):
            y = variables[0] * 2.0
        with tf.device("/job:ps/task:1"):
            fixed = tf.Variable(1.0)
    assert [v.device for v in variables] == ["/job:ps/task:0", "/job:ps/task:1", "/job:ps/task:0"]
    assert y.device == "/job:worker/task:3/device:GPU:1"
    assert fixed.device == "/job:ps/task:1"
    assert tf.train.replica_device_setter(ps_tasks=0) is None
    assert tf.train.replica_device_setter(cluster={"worker": ["a:1"]}) is None
    with tf.device(tf.train.replica_device_setter(ps_tasks=4, ps_strategy=lambda op: 3)):
        assert tf.Variable(1.0).device == "/job:ps/task:3"


def test_servers_say_what_they_are() -> None:
    server = tf.train.Server.create_local_server()
    try:
        assert server.target.startswith("grpc://127.0.0.1:")
        assert server.server_def["job_name"] == "local"
        with tf.Session(server.target) as session:
            assert session.run(tf.constant(2.0) * 3.0) == 6
        with pytest.raises(GraphError, match="cannot listen on"):
            tf.train.Server(server.cluster)
    finally:
        server.close()
    two = {"a": ["127.0.0.1:1"], "b": ["127.0.0.1:1", "127.0.0.1:2"]}
    with pytest.raises(GraphError, match="job_name is needed: the cluster has the jobs a, b"):
        tf.train.Server(two, start=False)
    with pytest.raises(GraphError, match="task_index is needed"):
        tf.train.Server(two, "b", start=False)
    with pytest.raises(GraphError, match="protocol='ring'"):
        tf.train.Server(two, "a", protocol="ring", start=False)
