"""A model that is trained on torch is fed tensors, saved, restored and exported like one on numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import samara as tf

torch = pytest.importorskip("torch")
pytest.importorskip("array_api_compat")


def test_trained_on_torch_then_saved_restored_and_exported(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    images = generator.normal(size=(16, 8)).astype(np.float32)
    wanted = np.eye(2, dtype=np.float32)[generator.integers(0, 2, 16)]
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, [None, 8], name="x"), tf.placeholder(tf.float32, [None, 2])
        weights = tf.Variable(generator.normal(size=(8, 2)).astype(np.float32))
        scores = tf.nn.softmax(tf.matmul(x, weights))
        loss = tf.reduce_mean(tf.square(scores - y))
        train = tf.train.AdamOptimizer(0.1).minimize(loss)
        saver = tf.train.Saver()
        with tf.Session(config=tf.ConfigProto(backend="torch")) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(5):
                session.run(train, {x: images, y: wanted})
            expected = session.run([scores, loss], {x: images, y: wanted})
            tensors = {x: torch.from_numpy(images).double(), y: torch.from_numpy(wanted)}
            np.testing.assert_array_equal(session.run(scores, tensors), expected[0])
            path = saver.save(session, str(tmp_path / "model"))
            session.run(weights.assign(tf.zeros([8, 2])))
            saver.restore(session, path)
            np.testing.assert_array_equal(session.run(loss, {x: images, y: wanted}), expected[1])
            tf.export_model({"scores": scores}, tmp_path / "m.smr", shapes={"x": [16, 8]})
        with tf.Session() as session:
            saver.restore(session, path)
            np.testing.assert_allclose(session.run(loss, {x: images, y: wanted}), expected[1], rtol=1e-5)
    found = tf.load(tmp_path / "m.smr")(images)
    np.testing.assert_allclose(found, expected[0], rtol=1e-5, atol=1e-6)
