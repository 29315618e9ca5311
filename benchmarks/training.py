"""What training costs beside the array libraries themselves, as ratios and differences of interleaved medians.

    make bench-training
    python benchmarks/training.py [--rounds 15] [--batch 64] [--threads 2] [--device cpu|cuda] [--compile]

overhead: processor time of a session's run of a small graph on numpy, less that of the same numpy calls by hand.
At most 20 microseconds.
step: a training step of a convolutional network for MNIST (two convolutions with pooling, two dense layers, Adam) in a
session on torch, over the same model and step in eager PyTorch. At most 1.15.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import samara as tf

MOST_OVERHEAD = 20.0
MOST_RATIO = 1.15


def interleaved(
    functions: list[Callable[[], Any]], rounds: int, calls: int, clock: Callable[[], float]
) -> list[list[float]]:
    """Seconds of one call of each function, for every round; all functions take turns within a round."""
    times: list[list[float]] = [[] for _ in functions]
    for number in range(rounds + 1):
        for function, found in zip(functions, times, strict=True):
            start = clock()
            for _ in range(calls):
                function()
            if number:  # the first round warms up
                found.append((clock() - start) / calls)
    return times


def overhead(rounds: int) -> float:
    """Microseconds that a session adds to the numpy calls of a small network."""
    generator = np.random.default_rng(0)
    w1, b1, w2, b2 = (generator.normal(size=s).astype(np.float32) for s in ((16, 32), (32,), (32, 4), (4,)))
    images = generator.normal(size=(8, 16)).astype(np.float32)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 16])
        hidden = tf.nn.relu(tf.matmul(x, tf.Variable(w1)) + tf.Variable(b1))
        y = tf.matmul(hidden, tf.Variable(w2)) + tf.Variable(b2)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

        def by_hand() -> Any:
            return np.add(np.matmul(np.maximum(np.add(np.matmul(images, w1), b1), 0), w2), b2)

        def by_session() -> Any:
            return session.run(y, {x: images})

        np.testing.assert_array_equal(by_hand(), by_session())
        hand, run = interleaved([by_hand, by_session], rounds * 4, 200, time.thread_time)
    added = statistics.median(b - a for a, b in zip(hand, run, strict=True)) * 1e6
    print(
        f"overhead  numpy {statistics.median(hand) * 1e6:.1f} us  session {statistics.median(run) * 1e6:.1f} us  "
        f"added {added:.1f} us (at most {MOST_OVERHEAD:.0f})"
    )
    return added


def samara_step(
    weights: list[Any], images: Any, labels: Any, device: str, **options: Any
) -> Callable[[], float]:
    """A training step in a session."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 28, 28, 1])
        y = tf.placeholder(tf.int64, [None])
        k1, c1, k2, c2, w1, b1, w2, b2 = (tf.Variable(w) for w in weights)
        hidden: Any = x
        for kernel, bias in ((k1, c1), (k2, c2)):
            hidden = tf.nn.relu(tf.nn.conv2d(hidden, kernel, [1, 1, 1, 1], "SAME") + bias)
            hidden = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
        hidden = tf.nn.relu(tf.matmul(tf.reshape(hidden, [-1, 7 * 7 * 64]), w1) + b1)
        logits = tf.matmul(hidden, w2) + b2
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        train = tf.train.AdamOptimizer(1e-3).minimize(loss)
        kinds = {"GPU": 1 if device == "cuda" else 0}
        session = tf.Session(config=tf.ConfigProto(backend="torch", device_count=kinds, **options))
        session.run(tf.global_variables_initializer())

    def step() -> float:
        return float(session.run([loss, train], {x: images, y: labels})[0])

    return step


def torch_step(weights: list[Any], images: Any, labels: Any, device: str) -> Callable[[], float]:
    """The same in eager PyTorch, in its own layout."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 5, padding=2), nn.Conv2d(32, 64, 5, padding=2)
            self.dense1, self.dense2 = nn.Linear(7 * 7 * 64, 1024), nn.Linear(1024, 10)
            self.pool, self.relu = nn.MaxPool2d(2), nn.ReLU()

        def forward(self, x: Any) -> Any:
            x = self.pool(self.relu(self.conv1(x)))
            x = self.pool(self.relu(self.conv2(x)))
            return self.dense2(self.relu(self.dense1(torch.flatten(x, 1))))

    net = Net()
    k1, c1, k2, c2, w1, b1, w2, b2 = (torch.from_numpy(w.copy()) for w in weights)
    turned = w1.reshape(7, 7, 64, 1024).permute(3, 2, 0, 1).reshape(1024, -1)
    given = [k1.permute(3, 2, 0, 1), c1, k2.permute(3, 2, 0, 1), c2, turned, b1, w2.T, b2]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), given, strict=True):
            parameter.copy_(value)
    net.to(device)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    criterion = nn.CrossEntropyLoss()
    images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def step() -> float:
        optimizer.zero_grad()
        x, y = torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def training_step(rounds: int, batch: int, device: str, compiled: bool) -> float:
    """How many times as long as in eager PyTorch a training step of the MNIST network takes."""
    generator = np.random.default_rng(0)
    shapes = [(5, 5, 1, 32), (32,), (5, 5, 32, 64), (64,), (3136, 1024), (1024,), (1024, 10), (10,)]
    weights = [(generator.normal(size=s) * 0.03).astype(np.float32) for s in shapes]
    images = generator.random((batch, 28, 28, 1)).astype(np.float32)
    labels = generator.integers(0, 10, batch)
    eager = torch_step(weights, images, labels, device)
    ours = samara_step(weights, images, labels, device, **({"torch_compile": True} if compiled else {}))
    curves = [[step() for _ in range(5)] for step in (eager, ours)]
    np.testing.assert_allclose(curves[1], curves[0], rtol=2e-2)
    theirs, mine = interleaved([eager, ours], rounds, 3, time.perf_counter)
    ratio = statistics.median(b / a for a, b in zip(theirs, mine, strict=True))
    name = "session, torch.compile" if compiled else "session"
    print(
        f"step      PyTorch {statistics.median(theirs) * 1e3:.2f} ms  "
        f"{name} {statistics.median(mine) * 1e3:.2f} ms  "
        f"ratio {ratio:.2f}" + ("" if compiled else f" (at most {MOST_RATIO})")
    )
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 for its own choice")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compile", action="store_true", help="time torch_compile=True too")
    options = parser.parse_args()
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.device}, batch {options.batch}"
    )
    late = [overhead(options.rounds) > MOST_OVERHEAD]
    late.append(training_step(options.rounds, options.batch, options.device, False) > MOST_RATIO)
    if options.compile:
        training_step(options.rounds, options.batch, options.device, True)
    raise SystemExit(1 if any(late) else 0)


if __name__ == "__main__":
    main()
