"""Handwritten digits: scikit-learn's bundled ones, 8x8 pixels, or MNIST's files from a folder, 28x28."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
IDX_FILES = [
    f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
]


@dataclass(frozen=True)
class DigitImages:
    """Images float32 [n, h, w, 1] in 0..1 and labels int64 [n], to train on and held back."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def bundled(held_back: int, seed: int) -> DigitImages:
    """scikit-learn's 1,797 digits in a random order, of which the last ones are held back."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[..., None]
    order = np.random.default_rng(seed).permutation(len(images))
    images, labels = images[order], data.target[order].astype(np.int64)
    return DigitImages(images[:-held_back], labels[:-held_back], images[-held_back:], labels[-held_back:])


def read_idx(path: Path) -> Array:
    """The array in a gzipped IDX file, the format of the MNIST site: magic 0 0 type rank, sizes, bytes."""
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    if data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes")
    shape = np.frombuffer(data, ">i4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def mnist_folder(folder: Path) -> Path | None:
    """Where the four files are: the folder itself or its `mnist`; None when they are in neither."""
    for candidate in (folder, folder / "mnist"):
        if all((candidate / name).exists() for name in IDX_FILES):
            return candidate
    return None


def mnist(folder: Path) -> DigitImages:
    """MNIST's 60,000 images to train on and its 10,000 test images."""
    arrays = [read_idx(folder / name) for name in IDX_FILES]
    images = [a[..., None].astype(np.float32) / 255 for a in arrays[::2]]
    labels = [a.astype(np.int64) for a in arrays[1::2]]
    return DigitImages(images[0], labels[0], images[1], labels[1])
