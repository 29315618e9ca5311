"""Launching processes that train together, and what the programs share."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import samara as tf
from tests.conftest import ROOT

FOLDER = Path(__file__).parent
TIMEOUT = 120
EXAMPLES = 24


def free_ports(count: int) -> list[int]:
    """Ports of the loopback device that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def environment(**more: Any) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **{k: str(v) for k, v in more.items()}}


def finished(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """The status and the output of each, which must end in time."""
    try:
        outputs = [p.communicate(timeout=TIMEOUT)[0] for p in processes]
    finally:
        for p in processes:
            if p.poll() is None:
                p.kill()
                p.communicate()
    return [(p.returncode, o) for p, o in zip(processes, outputs, strict=True)]


def started(program: str, *arguments: Any, **variables: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, FOLDER / program, *map(str, arguments)],
        env=environment(**variables),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def together(size: int, program: str, *arguments: Any) -> list[tuple[int, str]]:
    """Runs a program in several processes, as torchrun does: the status and the output of each."""
    (port,) = free_ports(1)
    return finished(
        [
            started(
                program,
                *arguments,
                RANK=rank,
                LOCAL_RANK=rank,
                WORLD_SIZE=size,
                LOCAL_WORLD_SIZE=size,
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=port,
            )
            for rank in range(size)
        ]
    )


def results(size: int, folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(size)]


class Model:
    """A small network on random data: `inputs` [24, 5] and `targets` [24, 2], the same in each process."""

    def __init__(self, scale: float = 1.0) -> None:
        rng = np.random.default_rng(5)
        self.inputs = rng.standard_normal((EXAMPLES, 5)).astype(np.float32)
        self.targets = rng.standard_normal((EXAMPLES, 2)).astype(np.float32)
        self.x = tf.placeholder(tf.float32, [None, 5], name="x")
        self.y = tf.placeholder(tf.float32, [None, 2], name="y")
        layer, self.weights = self.x, []
        for n, (rows, columns) in enumerate([(5, 16), (16, 8), (8, 2)], 1):
            value = scale * rng.standard_normal((rows, columns)).astype(np.float32) / rows**0.5
            weight = tf.Variable(value, name=f"weights{n}")
            bias = tf.Variable(np.zeros(columns, np.float32), name=f"bias{n}")
            self.weights.append(weight)
            layer = tf.add(tf.matmul(layer, weight), bias)
            layer = layer if n == 3 else tf.tanh(layer)
        self.loss = tf.reduce_mean(tf.square(layer - self.y))

    def feeds(self, shard: Any = lambda part: part) -> dict[Any, Any]:
        return {self.x: shard(self.inputs), self.y: shard(self.targets)}


def curve(optimizer: Any, backend: str, steps: int) -> list[float]:
    """The losses of one process on the whole batch."""
    with tf.Graph().as_default():
        model = Model()
        step = optimizer().minimize(model.loss)
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            session.run(tf.global_variables_initializer())
            return [float(session.run([model.loss, step], model.feeds())[0]) for _ in range(steps)]


OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.2),
    "adam": lambda: tf.train.AdamOptimizer(0.05),
}
