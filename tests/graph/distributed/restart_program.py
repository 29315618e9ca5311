"""Training that saves every five steps, `restart_program.py FOLDER STEPS`; worker 1 dies once, at step 8.

Each process appends a line `attempt step loss` to FOLDER/RANK.txt.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import samara as tf
from tests.graph.distributed._launch import OPTIMIZERS, Model


def main() -> None:
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    tf.distribute.start(timeout=60)
    rank = tf.distribute.rank()
    model = Model()
    count = tf.train.get_or_create_global_step()
    step = tf.train.DistributedOptimizer(OPTIMIZERS["adam"]()).minimize(model.loss, global_step=count)
    whole = tf.distribute.all_reduce(model.loss, "mean")
    with (
        tf.train.MonitoredTrainingSession(
            is_chief=rank == 0,
            checkpoint_dir=folder / "checkpoints",
            save_checkpoint_steps=5,
            save_summaries_steps=None,
            hooks=[tf.distribute.BroadcastVariablesHook(), tf.train.StopAtStepHook(last_step=steps)],
        ) as session,
        (folder / f"{rank}.txt").open("a") as lines,
    ):
        while not session.should_stop():
            at = int(session.run_step_fn(lambda context: context.session.run(count)))
            if at == 8 and rank == 1 and attempt == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            loss, _ = session.run([whole, step], model.feeds(tf.distribute.shard))
            print(attempt, at, float(loss), file=lines, flush=True)
    tf.distribute.stop()


if __name__ == "__main__":
    main()
