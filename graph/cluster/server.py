"""A task of a cluster: `Server` answers other tasks, and is this process's way to them.

Each task may hold variables, and runs the parts of a step that were placed on it, one after another. What a part is
comes as a document of its graph, once, and then the arrays of each run.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime
import hashlib
import json
import socket
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara import errors
from samara.errors import DeadlineExceededError, GraphError, SamaraError, UnavailableError
from samara.graph.cluster import wire
from samara.graph.cluster.spec import ClusterSpec
from samara.graph.execution.config import ConfigProto
from samara.graph.graph import Graph

_CONNECT_SECONDS = 60.0


class Server:
    """This process as a task of a cluster.

    Args:
        server_or_cluster_def: a ClusterSpec, or what makes one.
        job_name: the job of this task; may be left out where there is one job.
        task_index: its number; may be left out where the job has one task.
        protocol: None or "grpc", which mean the one there is.
        config: a ConfigProto; `operation_timeout_in_ms` is the most time that an answer may take.
        start: whether to listen now; else `start` does.

    Raises:
        GraphError: the task is not in the cluster, or its address cannot be listened on.
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: ConfigProto | None = None,
        start: bool = True,
    ) -> None:
        self.cluster = ClusterSpec(server_or_cluster_def)
        if job_name is None:
            if len(self.cluster.jobs) != 1:
                raise GraphError(
                    f"job_name is needed: the cluster has the jobs {', '.join(self.cluster.jobs)}"
                )
            (job_name,) = self.cluster.jobs
        if task_index is None:
            if self.cluster.num_tasks(job_name) != 1:
                raise GraphError(f"task_index is needed: job {job_name!r} has several tasks")
            (task_index,) = self.cluster.task_indices(job_name)
        if protocol not in (None, "grpc"):
            raise GraphError(f"protocol={protocol!r}: there is one protocol; leave it out")
        self.job_name, self.task_index = job_name, task_index
        self.address = self.cluster.task_address(job_name, task_index)
        self.name = f"/job:{job_name}/task:{task_index}"
        self._config = config if config is not None else ConfigProto()
        self._changed = threading.Condition()
        self._running = threading.Lock()
        self._linking = threading.Lock()
        self._clients: dict[str, str] = {}
        self._parts: dict[str, Any] = {}
        self._links: dict[str, Link] = {}
        self._store: Any = None
        self._socket: socket.socket | None = None
        self._state: Any = None
        if start:
            self.start()

    @property
    def target(self) -> str:
        """What `Session(target)` takes."""
        return f"grpc://{self.address}"

    @property
    def server_def(self) -> dict[str, Any]:
        """The cluster and which task this is."""
        return {
            "cluster": self.cluster.as_dict(),
            "job_name": self.job_name,
            "task_index": self.task_index,
            "protocol": "grpc",
        }

    @staticmethod
    def create_local_server(config: ConfigProto | None = None, start: bool = True) -> Server:
        """A server of one task on this machine."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        return Server({"local": [f"127.0.0.1:{port}"]}, config=config, start=start)

    def start(self) -> None:
        """Listens; does nothing the second time."""
        if self._socket is not None:
            return
        host, _, port = self.address.rpartition(":")
        try:
            self._socket = wire.listening(host, int(port))
        except (OSError, ValueError) as error:
            raise GraphError(f"{self.name} cannot listen on {self.address}: {error}") from error
        _servers[self.target] = self
        threading.Thread(target=self._accept, name="samara-server", daemon=True).start()
        atexit.register(self._at_exit)

    def join(self) -> None:
        """Waits until every task that may work with this one, all of other jobs but "ps", has ended.

        Raises:
            UnavailableError: one of them died; names it.
        """
        others = {
            f"/job:{job}/task:{task}"
            for job in self.cluster.jobs
            for task in self.cluster.task_indices(job)
            if job not in ("ps", self.job_name)
        }
        with self._changed:
            while True:
                died = [name for name, how in self._clients.items() if how == "died"]
                if died:
                    raise UnavailableError(f"{died[0]} has died; {self.name} served it")
                if others and all(self._clients.get(name) == "ended" for name in others):
                    return
                self._changed.wait(1.0)

    # Answering --------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while self._socket is not None:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(link,), name="samara-serve", daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        client, how = None, "died"
        try:
            while (received := wire.receive(link)) is not None:
                message, arrays = received
                if message.get("do") == "hello":
                    client = str(message["name"])
                    self._note(client, "there")
                    wire.send(link, {"name": self.name})
                elif message.get("do") == "end":
                    how = "ended"
                    break
                else:
                    wire.send(link, *self._answer(message, arrays))
        except (OSError, SamaraError, KeyError):
            pass
        finally:
            link.close()
            if client is not None:
                self._note(client, how)

    def _note(self, client: str, how: str) -> None:
        with self._changed:
            self._clients[client] = how
            self._changed.notify_all()

    def _answer(self, message: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        try:
            if message["do"] == "define":
                self._define(message, arrays)
                return {}, []
            if message["do"] == "run":
                part = self._parts.get(message["part"])
                return ({"unknown": True}, []) if part is None else ({}, self._run(part, arrays))
            if message["do"] == "meet":
                return {"port": self._meeting_port()}, []
            raise GraphError(f"{self.name} does not know what {message['do']!r} means")
        except SamaraError as error:
            return {"error": type(error).__name__, "message": str(error)}, []
        except Exception as error:
            return {"error": "GraphError", "message": f"{type(error).__name__}: {error}"}, []

    def _define(self, message: dict[str, Any], arrays: list[Any]) -> None:
        from samara.graph.serial import add_document

        graph = Graph()
        named = dict(zip(message["names"], arrays, strict=True))
        add_document(graph, message["document"], named.__getitem__)
        fetches: list[Any] = [
            graph.get_tensor_by_name(n) if ":" in n else graph.get_operation_by_name(n)
            for n in message["fetches"]
        ]
        feeds = [graph.get_tensor_by_name(n) for n in message["feeds"]]
        self._parts[message["part"]] = [fetches, feeds, None]

    def _run(self, part: list[Any], arrays: list[Any]) -> list[Any]:
        from samara.graph.execution.plan import compile_plan
        from samara.graph.execution.state import State
        from samara.graph.execution.step import VARIABLE, execute

        with self._running:
            if self._state is None:
                self._state = State(None)
            fetches, feeds, plan = part
            if plan is None:
                plan = part[2] = compile_plan(fetches, feeds, self._state)
            values = execute(plan, arrays, self._state)
            found = []
            for tensor, slot, value in zip(fetches, plan.fetches, values, strict=True):
                if slot >= 0:
                    found.append(np.asarray(value, dtype=tensor.dtype.numpy))
                elif slot == VARIABLE:
                    found.append(np.array(self._state.read(tensor.op)))
            return found

    # Asking -----------------------------------------------------------------------------------------------------

    def link(self, task: str) -> Link:
        """The connection to another task, "/job:ps/task:0"; made the first time."""
        with self._linking:
            if task not in self._links:
                from samara.graph.devices import DeviceSpec

                spec = DeviceSpec.from_string(task)
                address = self.cluster.task_address(str(spec.job), spec.task or 0)
                seconds = self._config.operation_timeout_in_ms / 1000 or None
                self._links[task] = Link(self.name, task, address, seconds)
            return self._links[task]

    def _at_exit(self) -> None:
        if getattr(sys, "last_value", None) is None:
            self.close()

    def close(self) -> None:
        """Tells the tasks that this one works with that it ends in order, and listens no more."""
        for link in self._links.values():
            link.close()
        self._links.clear()
        _servers.pop(self.target, None)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # The group of the job -----------------------------------------------------------------------------------------

    @property
    def job_size(self) -> int:
        """How many tasks the job of this one has."""
        return self.cluster.num_tasks(self.job_name)

    @property
    def meeting_host(self) -> str:
        """The machine of task 0 of the job."""
        return self.cluster.task_address(self.job_name, 0).rpartition(":")[0]

    def meeting(self, limit: datetime.timedelta) -> Any:
        """A store of torch.distributed in which the tasks of the job meet."""
        from torch.distributed import TCPStore

        if self.task_index == 0:
            self._meeting_port()
            return self._store
        answer, _ = self.link(f"/job:{self.job_name}/task:0").ask({"do": "meet"})
        return TCPStore(self.meeting_host, answer["port"], None, False, timeout=limit)

    def _meeting_port(self) -> int:
        from torch.distributed import TCPStore

        with self._changed:
            if self._store is None:
                self._store = TCPStore(self.meeting_host, 0, None, True, wait_for_workers=False)
            return int(self._store.port)


class Link:
    """The connection to another task; several threads may ask.

    Args:
        name: who asks.
        task: whom.
        address: where that is.
        seconds: the most time that an answer may take; None for any.

    Raises:
        UnavailableError: it cannot be reached.
    """

    def __init__(self, name: str, task: str, address: str, seconds: float | None) -> None:
        self._name, self._task, self._address = name, task, address
        self._lock = threading.Lock()
        self._defined: set[str] = set()
        host, _, port = address.rpartition(":")
        end, pause = time.monotonic() + (seconds or _CONNECT_SECONDS), 0.02
        while True:
            try:
                self._socket = socket.create_connection((host, int(port)), timeout=5)
                break
            except (OSError, ValueError) as error:
                if time.monotonic() > end:
                    raise UnavailableError(f"{name} does not reach {task} at {address}: {error}") from error
                time.sleep(pause)
                pause = min(2 * pause, 0.5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.settimeout(seconds)
        self.ask({"do": "hello", "name": name})

    def ask(self, message: dict[str, Any], arrays: Sequence[Any] = ()) -> tuple[dict[str, Any], list[Any]]:
        """The answer to a message.

        Raises:
            UnavailableError: the other task is gone.
            DeadlineExceededError: it does not answer in time.
            SamaraError: what it failed with.
        """
        with self._lock:
            try:
                wire.send(self._socket, message, arrays)
                received = wire.receive(self._socket)
            except TimeoutError as error:
                raise DeadlineExceededError(f"{self._task} does not answer {self._name} in time") from error
            except (OSError, UnavailableError) as error:
                raise self._gone(error) from error
        if received is None:
            raise self._gone("it closed the connection")
        answer, found = received
        if "error" in answer:
            kind = getattr(errors, str(answer["error"]), GraphError)
            kind = kind if isinstance(kind, type) and issubclass(kind, GraphError) else GraphError
            raise kind(f"{self._task}: {answer['message']}")
        return answer, found

    def run(self, part: Any, arrays: Sequence[Any]) -> list[Any]:
        """What a part of a step gives; it is defined there the first time."""
        if part.key not in self._defined:
            self.ask(part.message, part.arrays)
            self._defined.add(part.key)
        return self.ask({"do": "run", "part": part.key}, arrays)[1]

    def close(self) -> None:
        """Says that this process ends in order."""
        with contextlib.suppress(OSError):
            wire.send(self._socket, {"do": "end"})
        self._socket.close()

    def _gone(self, why: object) -> UnavailableError:
        return UnavailableError(f"{self._task} at {self._address} has died: {self._name} asked it, and {why}")


class Part:
    """What another task runs of a step.

    Args:
        graph: a graph of that alone.
        feeds: the names of its tensors that each run is given.
        fetches: the names of tensors and operations that are wanted.
    """

    def __init__(self, graph: Graph, feeds: Sequence[str], fetches: Sequence[str]) -> None:
        from samara.graph.serial import to_document

        document, arrays = to_document(graph, collections=(), clear_devices=True)
        self.arrays = list(arrays.values())
        self.message: dict[str, Any] = {
            "do": "define",
            "document": document,
            "names": list(arrays),
            "feeds": list(feeds),
            "fetches": list(fetches),
        }
        digest = hashlib.sha256(json.dumps(self.message, sort_keys=True).encode())
        for array in self.arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        self.key = self.message["part"] = digest.hexdigest()


# The servers of this process by their targets: how a session finds the cluster that its target means.
_servers: dict[str, Server] = {}


def find_server(target: str) -> Server:
    """The server of this process that has a target.

    Raises:
        GraphError: there is none.
    """
    server = _servers.get(target)
    if server is None:
        listed = ", ".join(_servers) or "none"
        raise GraphError(
            f"target {target!r} is no server of this process, which has {listed}: make a tf.train.Server(cluster, "
            "job_name, task_index) and give its .target, or leave the target out for a session in this process alone"
        )
    return server


__all__ = ["Link", "Part", "Server", "find_server"]
