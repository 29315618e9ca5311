"""Trains a small network on handwritten digits, exports it as float and as int8, and runs both files.

Prints one table and draws one picture. `make demo` runs it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import samara as tf
from samara.exporter.report import ExportReport

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
import model as digits  # noqa: E402 (the folders are no packages)
from comparison import Row, accuracy, file_row, median_microseconds, table  # noqa: E402

Array = np.ndarray[Any, Any]
CALIBRATION_SAMPLES = 200


def draw(path: Path, images: Array, labels: Array, scores: Array, reports: dict[str, ExportReport]) -> None:
    """Test digits with what the int8 file makes of them, and the error of each layer as bars."""
    import matplotlib
    import matplotlib.ticker

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 7.5), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.1])
    upper.suptitle("Test digits as the int8 file reads them (red: wrong)")
    shown = np.argsort(np.argmax(scores, axis=-1) == labels, kind="stable")[:32]
    for axis, index in zip(upper.subplots(2, 16).flat, np.sort(shown), strict=True):
        found = int(np.argmax(scores[index]))
        axis.imshow(images[index, :, :, 0], cmap="gray_r")
        axis.set_title(str(found), color="black" if found == labels[index] else "red", fontsize=11)
        axis.axis("off")
    for axis, (name, report) in zip(
        np.atleast_1d(lower.subplots(1, len(reports))), reports.items(), strict=True
    ):
        rows = [r for r in report.layers if r.source_error is not None]
        values = [max(r.source_error or 0.0, 1e-9) for r in rows]
        axis.barh([r.name.removesuffix(":0") for r in rows], values, color="tab:blue")
        axis.invert_yaxis()
        axis.set(
            xscale="log",
            xlim=(10.0 ** np.floor(np.log10(min(values))), 10.0 ** np.ceil(np.log10(max(values)))),
            xlabel="largest error / largest value",
            title=f"{name} file, layer by layer",
        )
        axis.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """The whole way, from images to files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=Path("out/demo"), help="folder for the files and the picture"
    )
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    trained = digits.train()
    images, labels = trained.test_images, trained.test_labels
    session_scores = trained.session.run(trained.scores, {trained.image: images})
    one_image = median_microseconds(lambda: trained.session.run(trained.scores, {trained.image: images[:1]}))
    rows = [Row("session (numpy)", accuracy(session_scores, labels), microseconds=one_image)]
    reports: dict[str, ExportReport] = {}
    scores = session_scores
    for name, quantize in (("float", None), ("int8", "int8")):
        path = arguments.output / f"digits_{name}.smr"
        reports[name] = tf.export_model(
            {"scores": trained.scores},
            path,
            inputs={"image": trained.image},
            shapes={"image": [1, *images.shape[1:]]},
            samples=trained.train_images[:CALIBRATION_SAMPLES],
            session=trained.session,
            quantize=quantize,
            metadata={"labels": ",".join(map(str, range(10)))},
        )
        row, scores = file_row(f"{name} file", path, reports[name], images, labels)
        rows.append(row)
    picture = arguments.output / "digits.png"
    draw(picture, images, labels, scores, reports)
    print(f"\n{len(labels)} held-back images\n\n{table(rows)}\n")
    print(
        f"files and picture are in {arguments.output}: {', '.join(p.name for p in sorted(arguments.output.iterdir()))}"
    )


if __name__ == "__main__":
    main()
