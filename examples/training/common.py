"""What the training programs share: arguments, batches, the loop with its bar, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Threads of the library behind numpy wait in loops: with products as small as these they cost more than they do.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from tqdm import tqdm

import samara as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from digit_images import DigitImages, bundled, mnist, mnist_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
SEED = 1


@dataclass(frozen=True)
class Outcome:
    """What a program has come to.

    Attributes:
        losses: of the steps, in order.
        file: the exported file, which takes one sample at a time.
        picture: what was drawn.
        inputs: samples for the file, the first axis of each array counting them.
        outputs: what the session gives for them.
        result: what was measured, with the file, on held-back data.
        reached: whether the result is as good as the program says that it is.
    """

    losses: list[float]
    file: Path
    picture: Path
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    result: str
    reached: bool


def begin(
    program: str, text: str | None, argv: Sequence[str] | None, *, steps: int, data: str | None = None
) -> argparse.Namespace:
    """The arguments of a program, with the paths `file` and `picture`; starts a new graph.

    Args:
        program: its `__file__`.
        text: its docstring.
        argv: the arguments, those of the process when None.
        steps: how many training steps it takes unless told otherwise.
        data: what `--data` is; there is no such argument when None.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=steps, help=f"training steps (default {steps})")
    name = Path(program).stem
    folder = Path("out/training")
    parser.add_argument(
        "--output", type=Path, default=folder, help=f"folder for the files (default {folder})"
    )
    if data is not None:
        parser.add_argument("--data", type=Path, help=data)
    arguments = parser.parse_args(argv)
    if arguments.steps < 1:
        parser.error("--steps must be at least 1")
    arguments.output.mkdir(parents=True, exist_ok=True)
    arguments.file = arguments.output / f"{name}.smr"
    arguments.picture = arguments.output / f"{name}.png"
    arguments.error = parser.error
    tf.reset_default_graph()
    tf.set_random_seed(SEED)
    return arguments


DIGITS = "a folder with MNIST's four IDX files; scikit-learn's 8x8 digits when not given"


def digits(arguments: argparse.Namespace) -> DigitImages:
    """MNIST from `--data`, or scikit-learn's digits with 400 held back."""
    if arguments.data is None:
        return bundled(400, SEED)
    folder = mnist_folder(arguments.data)
    if folder is None:
        arguments.error(f"{arguments.data} has no MNIST files (train-images-idx3-ubyte.gz and three more)")
    assert folder is not None
    return mnist(folder)


def batches(size: int, arrays: Mapping[Any, Array]) -> Iterator[dict[Any, Array]]:
    """Feeds of so many samples, all of them in a new order again and again."""
    generator = np.random.default_rng(SEED)
    count = len(next(iter(arrays.values())))
    while True:
        order = generator.permutation(count)
        for start in range(0, max(count - size, 0) + 1, size):
            chosen = order[start : start + size]
            yield {placeholder: array[chosen] for placeholder, array in arrays.items()}


def train(
    session: tf.Session, step: Any, loss: tf.Tensor, feeds: Iterator[dict[Any, Any]], steps: int
) -> list[float]:
    """Takes the steps, showing how far it is, and gives their losses."""
    losses = []
    with tqdm(total=steps, desc="training", unit="step", disable=None) as bar:
        for _ in range(steps):
            value, _ = session.run([loss, step], next(feeds))
            losses.append(float(value))
            bar.update()
            bar.set_postfix(loss=f"{value:.4f}", refresh=False)
    return losses


def run_file(path: Path, inputs: Mapping[str, Array]) -> Array:
    """The only output of a file for each sample, one at a time as a device would, joined."""
    model = tf.load(path)
    count = len(next(iter(inputs.values())))
    return np.concatenate([model.run(**{n: a[i : i + 1] for n, a in inputs.items()}) for i in range(count)])


def figure(columns: int = 1, width: float = 5.0, height: float = 4.0) -> tuple[Figure, Any]:
    """An empty picture and its axes, side by side."""
    from matplotlib.figure import Figure

    empty = Figure(figsize=(width * columns, height), layout="constrained")
    return empty, empty.subplots(1, columns)


def draw_losses(axes: Any, losses: Sequence[float]) -> None:
    """The loss of each step, and its mean over neighbours."""
    window = max(1, len(losses) // 50)
    smooth = np.convolve(losses, np.full(window, 1 / window), "valid")
    axes.plot(losses, color="tab:blue", alpha=0.3)
    axes.plot(np.arange(len(smooth)) + window // 2, smooth, color="tab:blue")
    axes.set(xlabel="step", ylabel="loss", title="training")


def draw_digits(axes: Any, images: Array, found: Array, labels: Array) -> None:
    """At most forty images with what they are taken for, those that are taken wrongly first."""
    shown = np.argsort(found == labels, kind="stable")[:40]
    height, width = images.shape[1:3]
    sheet = np.zeros((5 * height, 8 * width))
    for place, index in enumerate(shown):
        top, left = place // 8 * height, place % 8 * width
        sheet[top : top + height, left : left + width] = images[index, :, :, 0]
    axes.imshow(sheet, cmap="gray_r")
    for place, index in enumerate(shown):
        colour = "tab:green" if found[index] == labels[index] else "red"
        corner = (place % 8 * width, place // 8 * height)
        axes.text(*corner, str(found[index]), color=colour, fontsize=9, va="top")
    axes.set(xticks=[], yticks=[], title="held-back images, wrong ones first")


def finish(
    arguments: argparse.Namespace,
    drawn: Figure,
    losses: list[float],
    *,
    inputs: Mapping[str, Array],
    outputs: Mapping[str, Array],
    result: str,
    reached: bool,
) -> Outcome:
    """Saves the picture and says what came out; the arguments are those of `Outcome`."""
    drawn.savefig(arguments.picture, dpi=100)
    print(
        f"{result}; {arguments.file} has {arguments.file.stat().st_size:,} bytes; picture {arguments.picture}"
    )
    return Outcome(losses, arguments.file, arguments.picture, inputs, outputs, result, reached)


def leave(outcome: Outcome) -> None:
    """Ends the process, with an error when the result is not what the program says."""
    if not outcome.reached:
        sys.exit("the result is below what the program says that it reaches")
