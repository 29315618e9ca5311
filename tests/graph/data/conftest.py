"""Every test begins with an empty default graph."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import samara as tf


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made
