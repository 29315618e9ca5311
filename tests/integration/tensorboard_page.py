"""A graph on TensorBoard's graph page, in headless Chromium: `python -m tests.integration.tensorboard_page OUT.png`.

Writes an event file, serves it with TensorBoard, opens the page, saves a picture of it, and sees that something is
drawn where the graph belongs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import samara as tf

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
START_SECONDS = 60
PAGE_SECONDS = 120


def write(folder: Path) -> None:
    """A network with scopes and a training step."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 64], name="images")
        labels = tf.placeholder(tf.float32, [None, 10], name="labels")
        y = x
        for scope, sizes in (("hidden", (64, 32)), ("output", (32, 10))):
            with tf.name_scope(scope), tf.device("/cpu:0"):
                w = tf.Variable(np.zeros(sizes, np.float32), name="weights")
                y = tf.tanh(y @ w)
                tf.summary.histogram("weights", w)
        with tf.name_scope("loss"):
            loss = tf.reduce_mean(tf.square(y - labels))
            tf.summary.scalar("value", loss)
        with tf.name_scope("train"):
            tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        with tf.summary.FileWriter(folder, graph):
            pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a TensorBoard that shows a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1"]
    with (folder / "tensorboard.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--load_fast=false"], stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(START_SECONDS * 5):
            if process.poll() is not None:
                raise SystemExit(f"TensorBoard ended: {(folder / 'tensorboard.log').read_text()}")
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{address}/data/plugin/graphs/graph?run=.", timeout=5).close()
                break
            time.sleep(0.2)
        else:
            raise SystemExit(f"TensorBoard did not serve the graph in {START_SECONDS} seconds")
        yield address
    finally:
        process.terminate()
        process.wait()


def photograph(browser: str, address: str, profile: Path, picture: Path) -> None:
    """Saves a picture of the page after it has been drawn."""
    command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
    command += ["--window-size=1400,900", "--virtual-time-budget=30000"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")
    command += [f"--screenshot={picture}", f"{address}/#graphs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PAGE_SECONDS, check=False)
    if done.returncode != 0 or not picture.exists():
        raise SystemExit(f"{browser} made no picture: {done.stderr}")


def check_picture(path: Path) -> None:
    """The part of the page where the graph is drawn is neither empty nor a page of an error."""
    from PIL import Image

    drawing = np.asarray(Image.open(path).convert("L"))[100:, 360:]
    drawn = np.count_nonzero(drawing < 200)
    # A message in place of the graph has some hundred dark pixels.
    if not 2000 < drawn < drawing.size // 2:
        raise SystemExit(f"{path}: {drawn} dark pixels of {drawing.size}: the graph is not there")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    picture = parser.parse_args().picture.resolve()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(
            f"no browser: install Chromium (apt install chromium); looked for {', '.join(BROWSERS)}"
        )
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder, profile = Path(name) / "events", Path(name) / "profile"
        folder.mkdir()
        write(folder)
        with served(folder) as address:
            photograph(browser, address, profile, picture)
            check_picture(picture)
    print(picture)


if __name__ == "__main__":
    main()
