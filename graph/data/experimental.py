"""What `tf.data.experimental`, and `tf.contrib.data` before it, has: functions for `Dataset.apply`, and a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.graph.data.dataset import Dataset

AUTOTUNE = -1

Transformation = Callable[[Dataset], Dataset]


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: int | None = None) -> Transformation:
    """`shuffle`, then `repeat`."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """`map`, then `batch`."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)


def batch_and_drop_remainder(batch_size: Any) -> Transformation:
    """`batch` without the last elements when they are fewer."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def unbatch() -> Transformation:
    """`Dataset.unbatch`."""
    return lambda dataset: dataset.unbatch()


def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: Any,
    block_length: Any = 1,
    sloppy: Any = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Transformation:
    """`interleave`."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """`prefetch`; elements go to the device where an operation there takes them."""
    return lambda dataset: dataset.prefetch(-1 if buffer_size is None else buffer_size)


def get_single_element(dataset: Dataset) -> Any:
    """The only element of a data set, as tensors; a data set of more gives its first."""
    return dataset.take(1).make_one_shot_iterator().get_next()


__all__ = [
    "AUTOTUNE",
    "batch_and_drop_remainder",
    "get_single_element",
    "map_and_batch",
    "parallel_interleave",
    "prefetch_to_device",
    "shuffle_and_repeat",
    "unbatch",
]
