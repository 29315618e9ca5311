"""A program trains and saves; another one, without its code, restores, goes on, judges and exports what it made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import samara as tf
from tests.conftest import ROOT

OTHER = """
import sys
import numpy as np
from sklearn.datasets import load_digits
import samara as tf

folder, steps = sys.argv[1], int(sys.argv[2])
images, labels = load_digits(return_X_y=True)
saver = tf.train.import_meta_graph(tf.train.latest_checkpoint(folder) + ".meta")
graph = tf.get_default_graph()
(train,), (count,) = graph.get_collection("train_op"), graph.get_collection("global_step")
value, update = graph.get_collection("accuracy")
with tf.Session() as session:
    saver.restore(session, tf.train.latest_checkpoint(folder))
    while session.run(count) < steps:
        session.run(train, {"keep:0": 0.8, "size:0": [64]})
    np.save(folder + "/loss.npy", session.run("loss:0", {"keep:0": 1.0, "rows:0": np.arange(1000)}))
    session.run(tf.local_variables_initializer())
    for start in range(1000, len(images), 200):
        rows = slice(start, start + 200)
        session.run(update, {"images:0": images[rows] / 16, "labels:0": labels[rows], "keep:0": 1.0})
    print(session.run(value))
    report = tf.export_model(
        {"probabilities": graph.get_tensor_by_name("probabilities:0")},
        folder + "/digits.smr", inputs={"images": graph.get_tensor_by_name("images:0")},
        shapes={"images": [1, 64]}, session=session,
    )
"""


def model(images: Any, labels: Any) -> None:
    """A network that draws its batches itself; evaluation feeds other rows, or images and labels."""
    tf.set_random_seed(4)
    count = tf.train.create_global_step()
    rows = tf.random_uniform(
        tf.placeholder(tf.int32, [1], name="size"), maxval=1000, dtype=tf.int32, name="draw"
    )
    rows = tf.identity(rows, name="rows")
    x = tf.identity(tf.gather(tf.constant(images[:1000] / 16, tf.float32), rows), name="images")
    x.set_shape([None, 64])
    y = tf.identity(tf.gather(tf.constant(labels[:1000]), rows), name="labels")
    keep = tf.placeholder(tf.float32, [], name="keep")
    w1 = tf.get_variable("w1", [64, 24])
    w2 = tf.get_variable("w2", [24, 10])
    hidden = tf.nn.relu(tf.matmul(x, w1) + tf.Variable(tf.zeros([24])))
    logits = tf.matmul(hidden, w2) + tf.Variable(tf.zeros([10]))
    tf.nn.softmax(logits, name="probabilities")
    dropped = tf.matmul(tf.nn.dropout(hidden, keep), w2)
    tf.losses.sparse_softmax_cross_entropy(y, dropped)
    tf.losses.add_loss(1e-4 * tf.nn.l2_loss(w1))
    loss = tf.identity(tf.losses.get_total_loss(), name="loss")
    rate = tf.train.polynomial_decay(0.02, count, 150, 0.002)
    optimizer = tf.train.RMSPropOptimizer(rate, momentum=0.5)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 5.0)
    optimizer.apply_gradients(zip(clipped, variables, strict=True), count)
    for tensor in tf.metrics.accuracy(y, tf.argmax(logits, 1)):
        tf.get_default_graph().add_to_collection("accuracy", tensor)


def test_a_program_goes_on_where_another_one_stopped(tmp_path: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        model(images, labels)
        saver = tf.train.Saver()
        (train,) = graph.get_collection("train_op")
        session.run(tf.global_variables_initializer())
        for step in range(150):
            if step == 60:
                saver.save(session, tmp_path / "digits", step)
            session.run(train, {"keep:0": 0.8, "size:0": [64]})
        expected = session.run("loss:0", {"keep:0": 1.0, "rows:0": np.arange(1000)})
        probabilities = session.run("probabilities:0", {"images:0": images[1000:1001] / 16})
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", OTHER, str(tmp_path), "150"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "loss.npy") == expected
    assert float(done.stdout.split()[-1]) > 0.88
    found = tf.load(tmp_path / "digits.smr")((images[1000:1001] / 16).astype(np.float32))
    np.testing.assert_allclose(found, probabilities, atol=1e-5)
