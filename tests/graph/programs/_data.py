"""Small data sets for programs, drawn anew in each test from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np


def blobs(
    count: int, features: int, classes: int, seed: int = 0, spread: float = 0.5
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points [count, features] round the middles of their classes, and the classes [count]."""
    rng = np.random.RandomState(seed)
    middles = 2 * rng.randn(classes, features)
    labels = rng.randint(0, classes, count)
    return (middles[labels] + spread * rng.randn(count, features)).astype(np.float32), labels


def stripes(
    count: int, size: int = 8, seed: int = 0, noise: float = 0.2
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Images [count, size * size] with a bright row, column or diagonal, and which of the three it is."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, 3, count)
    images = noise * rng.rand(count, size, size)
    for image, label in zip(images, labels, strict=True):
        place = rng.randint(size)
        if label == 0:
            image[place] += 0.8
        elif label == 1:
            image[:, place] += 0.8
        else:
            image[np.arange(size), (np.arange(size) + place) % size] += 0.8
    return images.reshape(count, -1).astype(np.float32), labels


def one_hot(labels: Any, classes: int) -> np.ndarray[Any, Any]:
    """Rows with a 1 at the place of the class."""
    return np.eye(classes, dtype=np.float32)[labels]


def batches(x: Any, y: Any, size: int, epochs: int) -> Any:
    """Batches one after the other, `epochs` times."""
    for _ in range(epochs):
        for start in range(0, len(x) - size + 1, size):
            yield x[start : start + size], y[start : start + size]
