"""Waits two seconds for a process that is never started, and prints what is said of it."""

from __future__ import annotations

import samara as tf

try:
    tf.distribute.start(timeout=2)
except tf.errors.DeadlineExceededError as error:
    print(error)
