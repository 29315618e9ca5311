"""Training in which worker 1 comes to its end in one of several ways: `death_program.py HOW`."""

from __future__ import annotations

import os
import signal
import sys

import samara as tf
from tests.graph.distributed._launch import OPTIMIZERS, Model


def main() -> None:
    how = sys.argv[1]
    tf.distribute.start(timeout=60)
    model = Model()
    step = tf.train.DistributedOptimizer(OPTIMIZERS["adam"]()).minimize(model.loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for number in range(10):
            if number == 5 and tf.distribute.rank() == 1:
                if how == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if how == "raises":
                    raise ValueError("a mistake of the program")
                return
            session.run(step, model.feeds(tf.distribute.shard))


if __name__ == "__main__":
    main()
