"""A picture of the ratios to the best peer."""

from __future__ import annotations

from pathlib import Path

from benchmarks.networks import OVERHEAD
from benchmarks.table import Cell, Key, ratio


def draw(figures: dict[Key, Cell], path: Path) -> None:
    """A bar for each network, precision and number of threads: how many times as long as the best peer Samara takes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    networks = list(dict.fromkeys(key[0] for key in figures if key[0] != OVERHEAD))
    groups = list(dict.fromkeys(key[1:] for key in figures))
    height = 0.8 / max(len(groups), 1)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.45 * len(networks)))
    for number, (precision, threads) in enumerate(groups):
        places, values = [], []
        for row, network in enumerate(networks):
            found = ratio(figures.get((network, precision, threads), {}))
            if found:
                places.append(row + (number - (len(groups) - 1) / 2) * height)
                values.append(found[0] - 1)
        if values:
            label = f"{precision}, {threads} thread{'s' if threads > 1 else ''}"
            axes.barh(places, values, height, left=1, label=label)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_yticks(range(len(networks)), networks)
    axes.invert_yaxis()
    axes.set_xlabel("Samara's latency in parts of the best peer's (less is better)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
