"""A task of a cluster with parameter servers: `tasks_program.py JOB TASK CLUSTER MODE FOLDER`.

Workers train a small network; MODE is async, sync, or dies, in which worker 1 is killed. No PyTorch is needed but for
sync.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import samara as tf
from tests.graph.distributed._launch import OPTIMIZERS, Model

STEPS = 20


def main() -> None:
    job, task, cluster, mode, folder = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), *sys.argv[4:]
    server = tf.train.Server(cluster, job_name=job, task_index=task)
    if job == "ps":
        server.join()
        return
    chief = task == 0
    workers = len(cluster["worker"])
    if mode == "sync":
        tf.distribute.start(server=server, timeout=60)
    setter = tf.train.replica_device_setter(worker_device=f"/job:worker/task:{task}", cluster=cluster)
    with tf.device(setter):
        model = Model()
        count = tf.train.get_or_create_global_step()
        optimizer = OPTIMIZERS["adam"]()
        hooks = []
        if mode == "sync":
            optimizer = tf.train.SyncReplicasOptimizer(optimizer, workers, workers)
            hooks = [optimizer.make_session_run_hook(chief)]
        step = optimizer.minimize(model.loss, global_step=count)
        whole = tf.distribute.all_reduce(model.loss, "mean")
    shard = tf.distribute.shard if mode == "sync" else (lambda part: part)
    with tf.train.MonitoredTrainingSession(master=server.target, is_chief=chief, hooks=hooks) as session:
        losses = []
        for number in range(STEPS):
            if mode == "dies" and number == 5 and task == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            losses.append(float(session.run([whole, step], model.feeds(shard))[0]))
        trace = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run_step_fn(
            lambda context: context.session.run(
                model.loss, model.feeds(), options=options, run_metadata=trace
            )
        )
        found = {
            "losses": losses,
            "devices": [w.device for w in model.weights],
            "slot": optimizer.get_slot(model.weights[0], "m").device,
            "trace": [(s.op, s.node_name) for s in trace.steps if s.op == "remote"],
            "held here": sorted(session.run_step_fn(lambda context: context.session.variables)),
        }
        found["count"] = int(session.run_step_fn(lambda context: context.session.run(count)))
    (Path(folder) / f"{task}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
