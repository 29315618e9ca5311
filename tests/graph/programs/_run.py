"""Running what a program built, and derivatives by differences."""

from __future__ import annotations

import importlib.util
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


def run_on_both(fetches: Any, feeds: Mapping[Any, Any] | None = None) -> Any:
    """What numpy gives; torch, where it is installed, gives the same within rounding."""
    found = run(fetches, feeds)
    if importlib.util.find_spec("torch") is not None:
        with tf.Session(config=tf.ConfigProto(backend="torch")) as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            _same(found, session.run(fetches, feeds))
    return found


def _same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, (list, tuple)):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            _same(a, b)
    elif left is not None:
        assert np.asarray(left).dtype == np.asarray(right).dtype
        if np.asarray(left).dtype.kind == "f":
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(left, right)
