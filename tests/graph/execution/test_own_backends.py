"""A backend is what its methods say: a session asks nothing of its name or class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.graph.backends import Backend
from samara.graph.backends.numpy import NumpyBackend


class Host(NumpyBackend):
    """Numpy under another name, with generators of its own for its devices."""

    name = "host"

    def generator(self, words: Any, device: Any) -> Any:
        if device is None:
            return super().generator(words, device)
        return np.random.Generator(np.random.PCG64DXSM(None if words is None else list(words)))

    def override(self, op: str) -> Any:
        return _drawn if op == "random_uniform" else super().override(op)


def _drawn(xp: Any, op: Any, shape: Any, *_: Any) -> Any:
    generator = op.state.own_generator(op.operation, None if op.a.seed == -1 else op.a.seed, op.device)
    return generator.random(tuple(int(n) for n in shape)).astype(np.float32)


def test_a_backend_says_all_that_a_session_asks() -> None:
    class Half(Backend):
        name = "half"

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]


@pytest.mark.parametrize("backend", ["numpy", "torch", Host()], ids=["numpy", "torch", "own"])
def test_variables_are_the_sessions_own(backend: Any) -> None:
    with tf.Graph().as_default():
        v = tf.Variable(np.zeros(3, np.float32), name="v")
        session = tf.Session(config=tf.ConfigProto(backend=backend))
        mine = np.array([1, 2, 3], np.float32)
        session.variables["v"] = mine
        mine[:] = 7
        seen, read = session.variables["v"], session.read(v.op)
        session.run(v.assign_add([1.0, 1.0, 1.0]))
        for array, wanted in ((seen, [1, 2, 3]), (read, [1, 2, 3]), (session.run(v), [2, 3, 4])):
            np.testing.assert_array_equal(array, wanted)
        assert dict(session.variables).keys() == {"v"}


@pytest.mark.parametrize("backend", ["numpy", "torch", Host()], ids=["numpy", "torch", "own"])
def test_draws_go_on_after_a_checkpoint(backend: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        tf.Variable(0.0)
        draws = [tf.random_uniform([4]), tf.random_normal([4]), tf.random_shuffle(np.arange(9))]
        saver = tf.train.Saver()
        config = tf.ConfigProto(backend=backend)
        with tf.Session(config=config) as session:
            session.run(tf.global_variables_initializer())
            session.run(draws)
            path = saver.save(session, str(tmp_path / "model"))
            wanted = session.run(draws)
        with tf.Session(config=config) as session:
            saver.restore(session, path)
            for found, value in zip(session.run(draws), wanted, strict=True):
                np.testing.assert_array_equal(found, value)
