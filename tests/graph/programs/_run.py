"""Running what a program built, and derivatives by differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import samara as tf


def run(fetches: Any, feeds: Mapping[Any, Any] | None = None) -> Any:
    """The values of fetches in a new session with all variables initialized."""
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        return session.run(fetches, feeds)


def differences(y: Any, x: Any, feeds: Mapping[Any, Any], step: float = 1e-6) -> np.ndarray[Any, Any]:
    """The derivatives of the sum of y by the elements of a fed x, by central differences."""
    base = np.asarray(feeds[x], np.float64)
    found = np.zeros_like(base)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for place in np.ndindex(*base.shape):
            values = []
            for sign in (1, -1):
                moved = base.copy()
                moved[place] += sign * step
                values.append(np.sum(session.run(y, {**feeds, x: moved})))
            found[place] = (values[0] - values[1]) / (2 * step)
    return found


def check_gradient(
    y: Any, x: Any, feeds: Mapping[Any, Any], *, second: bool = False, tolerance: float = 2e-6
) -> None:
    """Compares the gradient of the sum of y by x, and the gradient of its weighted sum, with differences."""
    (first,) = tf.gradients(y, x)
    assert first is not None
    np.testing.assert_allclose(run(first, feeds), differences(y, x, feeds), rtol=tolerance, atol=tolerance)
    if second:
        weights = np.cos(np.arange(np.asarray(feeds[x]).size)).reshape(np.shape(feeds[x]))
        total = tf.reduce_sum(first * weights)
        (twice,) = tf.gradients(total, x)
        assert twice is not None
        np.testing.assert_allclose(
            run(twice, feeds), differences(total, x, feeds), rtol=20 * tolerance, atol=20 * tolerance
        )
