"""What `test_together.py` runs in each process: `together_program.py FOLDER STEPS`; leaves FOLDER/RANK.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import samara as tf
from tests.graph.distributed._launch import OPTIMIZERS, Model


def curves(backend: str, steps: int) -> dict[str, Any]:
    """The mean losses with each optimizer; the processes begin with different variables."""
    found: dict[str, Any] = {}
    for name, optimizer in OPTIMIZERS.items():
        with tf.Graph().as_default():
            model = Model(1.0 if tf.distribute.rank() == 0 else 3.0)
            step = tf.train.DistributedOptimizer(optimizer(), bucket_bytes=600).minimize(model.loss)
            whole = tf.distribute.all_reduce(model.loss, "mean")
            with tf.Session(config=tf.distribute.config(backend=backend)) as session:
                session.run(tf.global_variables_initializer())
                session.run(tf.distribute.broadcast_variables())
                feeds = model.feeds(tf.distribute.shard)
                found[name] = [float(session.run([whole, step], feeds)[0]) for _ in range(steps)]
                found[f"{name} variables"] = [session.run(w).tolist() for w in model.weights]
    return found


def sync_replicas(steps: int) -> list[float]:
    with tf.Graph().as_default():
        model = Model()
        size = tf.distribute.world_size()
        optimizer = tf.train.SyncReplicasOptimizer(OPTIMIZERS["adam"](), size, size)
        count = tf.train.get_or_create_global_step()
        step = optimizer.minimize(model.loss, global_step=count)
        whole = tf.distribute.all_reduce(model.loss, "mean")
        chief = tf.distribute.rank() == 0
        with tf.train.MonitoredTrainingSession(
            is_chief=chief, hooks=[optimizer.make_session_run_hook(chief)]
        ) as session:
            return [
                float(session.run([whole, step], model.feeds(tf.distribute.shard))[0]) for _ in range(steps)
            ]


def operations() -> dict[str, Any]:
    """Each collective on arrays that differ from process to process, and the gradients."""
    rank = tf.distribute.rank()
    found: dict[str, Any] = {}
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2])
        value = np.array([[1.0, 2.0], [3.0, -4.0]], np.float32) * (rank + 1)
        for reduce in ("sum", "mean", "max", "min"):
            found[reduce] = session.run(tf.distribute.all_reduce(x, reduce), {x: value}).tolist()
        whole = tf.placeholder(tf.int64, [3])
        found["integers"] = session.run(tf.distribute.all_reduce(whole), {whole: [rank, 1, 2**40]}).tolist()
        found["broadcast"] = session.run(tf.distribute.broadcast(x, root=1), {x: value}).tolist()
        # The sum over processes of rank-dependent losses: the gradient has all of them.
        weight = tf.cast(rank + 1, tf.float32)
        for name, made in (
            ("sum", tf.distribute.all_reduce(tf.square(x))),
            ("mean", tf.distribute.all_reduce(tf.square(x), "mean")),
            ("broadcast", tf.distribute.broadcast(tf.square(x), root=1)),
        ):
            (gradient,) = tf.gradients(weight * made, x)
            found[f"gradient of {name}"] = session.run(gradient, {x: value}).tolist()
        (first,) = tf.gradients(tf.distribute.all_reduce(x * x * x), x)
        (second,) = tf.gradients(first, x)
        found["second"] = session.run(second, {x: value}).tolist()
        session.run(tf.distribute.barrier())
    return found


def overlap() -> list[str]:
    """The names of a traced training step in the order in which they ran."""
    with tf.Graph().as_default():
        model = Model()
        step = tf.train.DistributedOptimizer(OPTIMIZERS["descent"](), bucket_bytes=0).minimize(model.loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            trace = tf.RunMetadata()
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            session.run(step, model.feeds(tf.distribute.shard), options=options, run_metadata=trace)
    return [s.timeline_label for s in trace.steps]


def refusals() -> dict[str, str]:
    """What is said of graphs, and of arrays, that differ from process to process; the group goes on after it."""
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        rank = tf.distribute.rank()
        odd = tf.distribute.all_reduce(tf.zeros([2 + rank % 2]), name="odd")
        try:
            session.run(odd)
        except tf.errors.InvalidArgumentError as error:
            found["graphs"] = str(error)
        x = tf.placeholder(tf.float32, [None])
        total = tf.distribute.all_reduce(x)
        try:
            session.run(total, {x: np.zeros(3 + rank % 2)})
        except tf.errors.InvalidArgumentError as error:
            found["arrays"] = str(error)
        try:
            tf.train.SyncReplicasOptimizer(OPTIMIZERS["adam"](), 17)
        except tf.errors.OpError as error:
            found["replicas"] = str(error)
        except Exception as error:
            found["replicas"] = f"{type(error).__name__}: {error}"
        found["still"] = str(session.run(total, {x: [1.0]}))
    return found


def main() -> None:
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    tf.distribute.start(timeout=60)
    found = {
        "rank": tf.distribute.rank(),
        "numpy": curves("numpy", steps),
        "torch": curves("torch", steps),
        "sync replicas": sync_replicas(steps),
        "operations": operations(),
        "overlap": overlap(),
        "refusals": refusals(),
    }
    (folder / f"{tf.distribute.rank()}.json").write_text(json.dumps(found))
    tf.distribute.stop()


if __name__ == "__main__":
    main()
