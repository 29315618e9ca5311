"""Training in which worker 1 comes to its end in one of several ways: `death_program.py HOW`."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

import samara as tf
from samara.graph.distribute.group import current
from tests.graph.distributed._launch import OPTIMIZERS, Model


def wait_in_vain() -> None:
    """Takes no part in what worker 1 has begun."""
    begin = time.monotonic()
    while True:
        current().check("a sleep", time.monotonic() - begin)
        time.sleep(0.1)


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
                if how == "leaves":
                    current().start_sum(np.zeros(1 << 16, np.float32), "sum")
                return
            if number == 5 and how == "leaves":
                wait_in_vain()
            session.run(step, model.feeds(tf.distribute.shard))


if __name__ == "__main__":
    main()
