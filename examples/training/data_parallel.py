"""A network on handwritten digits, trained by several processes that share each batch.

    torchrun --standalone --nproc-per-node=2 examples/training/data_parallel.py

Each process computes the gradients of its part of a batch, and all of them apply the mean, so that any number of
processes follows the curve of one. Rank 0 saves checkpoints, from which a job that is started again goes on, exports
the network and draws. scikit-learn's digits, 400 held back: accuracy at least 95 %; MNIST by `--data` and with
`--steps 2000`, its test images: at least 97 %.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Threads of the library behind numpy wait in loops: with products as small as these they cost more than they do.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from tqdm import tqdm

import samara as tf

Array = np.ndarray[Any, Any]
SEED = 1
BATCH = 96
HELD_BACK = 400


def read_idx(path: Path) -> Array:
    """The bytes of a gzipped IDX file, the format of the MNIST site: magic 0 0 type rank, sizes, bytes."""
    data = gzip.decompress(path.read_bytes())
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(
        np.frombuffer(data, ">i4", data[3], 4)
    )


def load(folder: Path | None) -> tuple[Array, Array, Array, Array]:
    """Images as float32 rows in 0..1 and labels, to train with and held back."""
    if folder is not None:
        names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
        images, labels, test_images, test_labels = (read_idx(folder / f"{n}-ubyte.gz") for n in names)
        scale = 255
    else:
        from sklearn.datasets import load_digits

        digits = load_digits()
        order = np.random.default_rng(SEED).permutation(len(digits.images))
        images, labels = digits.images[order[:-HELD_BACK]], digits.target[order[:-HELD_BACK]]
        test_images, test_labels = digits.images[order[-HELD_BACK:]], digits.target[order[-HELD_BACK:]]
        scale = 16
    rows, test_rows = (i.reshape(len(i), -1).astype(np.float32) / scale for i in (images, test_images))
    return rows, labels.astype(np.int64), test_rows, test_labels.astype(np.int64)


def batch(step: int, images: Array, labels: Array) -> tuple[Array, Array]:
    """The batch of a step, the same in every process and after a restart; of it this process's part."""
    chosen = np.random.default_rng([SEED, step]).choice(len(images), BATCH, replace=False)
    return tf.distribute.shard(images[chosen]), tf.distribute.shard(labels[chosen])


def draw(path: Path, losses: Sequence[float], images: Array, found: Array, labels: Array) -> None:
    """The losses, and held-back images with what they are taken for."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(losses)
    left.set(xlabel="step", ylabel="loss", title=f"{tf.distribute.world_size()} process(es)")
    side = round(images.shape[1] ** 0.5)
    shown = np.argsort(found == labels, kind="stable")[:40]
    sheet = images[shown].reshape(5, 8, side, side).swapaxes(1, 2).reshape(5 * side, 8 * side)
    right.imshow(sheet, cmap="gray_r")
    for place, index in enumerate(shown):
        colour = "tab:green" if found[index] == labels[index] else "red"
        right.text(place % 8 * side, place // 8 * side, str(found[index]), color=colour, va="top")
    right.set(xticks=[], yticks=[], title="held-back images, wrong ones first")
    figure.savefig(path, dpi=100)


def main(argv: Sequence[str] | None = None) -> int:
    """The whole way; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=400, help="training steps (default 400)")
    parser.add_argument("--data", type=Path, help="a folder with MNIST's four IDX files")
    parser.add_argument("--output", type=Path, default=Path("out/training"), help="folder for the files")
    parser.add_argument("--backend", default="numpy", help="numpy (default) or torch")
    arguments = parser.parse_args(argv)

    tf.distribute.start()
    chief = tf.distribute.rank() == 0
    arguments.output.mkdir(parents=True, exist_ok=True)
    images, labels, test_images, test_labels = load(arguments.data)

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, images.shape[1]], name="x")
    y_ = tf.placeholder(tf.int64, [None])
    hidden = tf.layers.dense(x, 128, activation=tf.nn.relu)
    logits = tf.layers.dense(hidden, 10)
    scores = tf.nn.softmax(logits, name="scores")
    loss = tf.losses.sparse_softmax_cross_entropy(labels=y_, logits=logits)
    count = tf.train.get_or_create_global_step()
    optimizer = tf.train.DistributedOptimizer(tf.train.AdamOptimizer(2e-3))
    step = optimizer.minimize(loss, global_step=count)
    whole = tf.distribute.all_reduce(loss, "mean")
    saver = tf.train.Saver()
    broadcast = tf.distribute.broadcast_variables()

    losses: list[float] = []
    with tf.Session(config=tf.distribute.config(backend=arguments.backend)) as session:
        session.run(tf.global_variables_initializer())
        checkpoints = arguments.output / "data_parallel_checkpoints"
        checkpoints.mkdir(exist_ok=True)
        latest = tf.train.latest_checkpoint(checkpoints) if chief else None
        if latest is not None:
            saver.restore(session, latest)
        session.run(broadcast)
        begin = int(session.run(count))
        with tqdm(total=arguments.steps, initial=begin, unit="step", disable=None if chief else True) as bar:
            for number in range(begin, arguments.steps):
                part, answers = batch(number, images, labels)
                value, _ = session.run([whole, step], {x: part, y_: answers})
                losses.append(float(value))
                bar.update()
                if chief and ((number + 1) % 100 == 0 or number + 1 == arguments.steps):
                    saver.save(session, checkpoints / "model", global_step=number + 1)
        if chief:
            file = arguments.output / "data_parallel.smr"
            tf.export_model(
                {"scores": scores},
                file,
                inputs={"x": x},
                shapes={"x": [1, images.shape[1]]},
                samples=test_images[:20],
            )
            model = tf.load(file)
            found = np.concatenate([model.run(x=row[None]) for row in test_images]).argmax(1)
            accuracy = 100 * float(np.mean(found == test_labels))
            picture = arguments.output / "data_parallel.png"
            draw(picture, losses, test_images, found, test_labels)
            print(
                f"loss {' '.join(f'{v:.7f}' for v in losses[-3:])}; accuracy {accuracy:.2f} %; {file}; {picture}"
            )
    tf.distribute.stop()
    least, enough = (95, 400) if arguments.data is None else (97, 2000)
    if chief and arguments.steps >= enough and accuracy < least:
        print(f"the accuracy is below {least} %", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
