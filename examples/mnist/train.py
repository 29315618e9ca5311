"""Trains a two-convolution network on MNIST with a session on numpy and exports it as float and as int8.

Holds both files to their accuracy on the 10,000 test images: at least 99.0 % for float, 98.8 % for int8. `make mnist`
runs it. It takes minutes; Ctrl-C stops it and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Threads of the library behind numpy wait in loops: with products as small as these they cost more than they do.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from tqdm import tqdm

import samara as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from comparison import Row, accuracy, file_row, table
from digit_images import mnist, mnist_folder
from shifting import shifted

DATA = Path(__file__).resolve().parents[3] / "shared" / "material" / "mnist"
BATCH = 100
CALIBRATION_SAMPLES = 200
LEAST_FLOAT, LEAST_INT8 = 99.0, 98.8
SEED = 1


def _weights(shape: tuple[int, ...], name: str) -> tf.Variable:
    """He et al., "Delving deep into rectifiers" (2015): variance 2 / inputs."""
    return tf.Variable(tf.truncated_normal(shape, stddev=(2.0 / np.prod(shape[:-1])) ** 0.5), name=name)


def network(image: tf.Tensor, rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The logits [n, 10] of images [n, 28, 28, 1], with dropout at `rate` and without."""
    y = image
    for number, (inputs, outputs) in enumerate([(1, 16), (16, 32)], 1):
        with tf.name_scope(f"conv{number}"):
            y = tf.nn.conv2d(
                y, _weights((3, 3, inputs, outputs), "filter"), strides=[1, 1, 1, 1], padding="SAME"
            )
            y = tf.nn.relu(tf.nn.bias_add(y, tf.Variable(tf.zeros([outputs]), name="bias")))
            y = tf.nn.max_pool(y, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    with tf.name_scope("dense1"):
        y = tf.reshape(y, [-1, 7 * 7 * 32])
        y = tf.nn.relu(
            tf.matmul(y, _weights((7 * 7 * 32, 128), "weights")) + tf.Variable(tf.zeros([128]), name="bias")
        )
    features = y
    with tf.name_scope("dense2"):
        weights, bias = _weights((128, 10), "weights"), tf.Variable(tf.zeros([10]), name="bias")
        dropped = tf.matmul(tf.nn.dropout(features, rate=rate, seed=SEED), weights) + bias
        # The graph that is exported has no dropout: the same weights on the features as they are.
        return dropped, tf.matmul(features, weights) + bias


def main() -> int:
    """The whole way; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=DATA, help=f"folder of the four IDX files (default {DATA})"
    )
    parser.add_argument(
        "--epochs", type=int, default=4, help="passes over the 60,000 training images (default 4)"
    )
    parser.add_argument("--output", type=Path, default=Path("out/mnist"), help="folder for the files")
    arguments = parser.parse_args()
    folder = mnist_folder(arguments.data)
    if folder is None:
        parser.error(
            f"{arguments.data} has no MNIST files (train-images-idx3-ubyte.gz and three more): give --data"
        )
    arguments.output.mkdir(parents=True, exist_ok=True)
    data = mnist(folder)
    train_images, train_labels, images, labels = (
        data.train_images,
        data.train_labels,
        data.test_images,
        data.test_labels,
    )

    tf.set_random_seed(SEED)
    image = tf.placeholder(tf.float32, [None, 28, 28, 1], name="image")
    label = tf.placeholder(tf.int64, [None], name="label")
    learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
    dropped, logits = network(image, tf.constant(0.4))
    scores = tf.nn.softmax(logits, name="scores")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=dropped))
    step = tf.train.AdamOptimizer(learning_rate).minimize(loss)

    generator = np.random.default_rng(SEED)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        steps, done = arguments.epochs * (len(train_images) // BATCH), 0
        with tqdm(total=steps, unit="step", disable=None) as bar:
            for _ in range(arguments.epochs):
                order = generator.permutation(len(train_images))
                for start in range(0, len(order) - BATCH + 1, BATCH):
                    chosen = order[start : start + BATCH]
                    rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * done / steps))
                    feeds = {image: shifted(train_images[chosen], 2, generator), label: train_labels[chosen]}
                    _, value = session.run([step, loss], {**feeds, learning_rate: rate})
                    done += 1
                    bar.update()
                    bar.set_postfix(loss=f"{value:.3f}", refresh=False)
        found = np.concatenate(
            [session.run(scores, {image: images[i : i + 500]}) for i in range(0, len(images), 500)]
        )
        rows = [Row("session (numpy)", accuracy(found, labels))]
        for name, quantize in (("float", None), ("int8", "int8")):
            path = arguments.output / f"mnist_{name}.smr"
            report = tf.export_model(
                {"scores": scores},
                path,
                inputs={"image": image},
                shapes={"image": [1, 28, 28, 1]},
                samples=train_images[:CALIBRATION_SAMPLES],
                quantize=quantize,
            )
            rows.append(file_row(f"{name} file", path, report, images, labels)[0])
    print(f"\n{len(labels)} test images\n\n{table(rows)}\n")
    _, float_row, int8_row = rows
    if float_row.accuracy < LEAST_FLOAT or int8_row.accuracy < LEAST_INT8:
        print(f"below the goal: float {LEAST_FLOAT} %, int8 {LEAST_INT8} %", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
