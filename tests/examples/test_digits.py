"""The demo, and its int8 file in the program for the Raspberry Pi: held-back digits, here and on the ARM machines."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from samara.pyruntime.model import load
from tests.conftest import ROOT
from tests.examples.conftest import write_pgm
from tests.examples.test_rpi import classify
from tests.repo._builds import AARCH64, ARMV7, NATIVE, Machine, run

pytestmark = pytest.mark.slow

FOLDER = ROOT / "examples" / "digits"
SEED = re.search(r"^SEED = (\d+)$", (FOLDER / "model.py").read_text(), re.MULTILINE)
HELD_BACK = re.search(r"^HELD_BACK = (\d+)$", (FOLDER / "model.py").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the demo has written, and what it has printed."""
    for name in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(sys.executable, FOLDER / "demo.py", "--output", folder)


@pytest.fixture(scope="module")
def held_back(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[int]]:
    """The images that the network has not been trained on, as files, and what they are."""
    assert SEED is not None
    assert HELD_BACK is not None
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(int(SEED[1])).permutation(len(data.images))[-int(HELD_BACK[1]) :]
    folder = tmp_path_factory.mktemp("digits")
    paths = [
        write_pgm(folder / f"{i:04}.pgm", data.images[i].astype(int), 16, plain=i % 2 == 0) for i in order
    ]
    return paths, [int(data.target[i]) for i in order]


def accuracy(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} +([\d.]+) %", text, re.MULTILINE)
    assert found is not None, text
    return float(found[1])


def test_the_table(demo: tuple[Path, str]) -> None:
    folder, text = demo
    floats, integers = (accuracy(text, f"{kind} file") for kind in ("float", "int8"))
    assert floats > 95
    assert abs(floats - accuracy(text, "session (numpy)")) <= 0.25, "one image of 400"
    assert abs(floats - integers) <= 1
    sizes = {kind: (folder / f"digits_{kind}.smr").stat().st_size for kind in ("float", "int8")}
    assert sizes["int8"] < sizes["float"] / 2
    for kind, size in sizes.items():
        load(folder / f"digits_{kind}.smr").verify()
        assert f"{size:,} B" in text
    assert (folder / "digits.png").read_bytes().startswith(b"\x89PNG")


def test_the_program_sees_what_the_demo_saw(
    demo: tuple[Path, str], held_back: tuple[list[Path], list[int]], tmp_path: Path
) -> None:
    paths, labels = held_back
    text, _ = classify(NATIVE, tmp_path, demo[0] / "digits_int8.smr", *paths)
    found = [int(line.rpartition(": ")[2].split()[0]) for line in text.splitlines()]
    right = sum(a == b for a, b in zip(found, labels, strict=True))
    assert f"{100 * right / len(labels):.2f}" == f"{accuracy(demo[1], 'int8 file'):.2f}"


@pytest.mark.parametrize("machine", [AARCH64, ARMV7], ids=lambda m: m.name)
def test_the_demos_file_on_arm(
    machine: Machine, demo: tuple[Path, str], held_back: tuple[list[Path], list[int]], tmp_path: Path
) -> None:
    model = demo[0] / "digits_int8.smr"
    here = classify(NATIVE, tmp_path, model, *held_back[0])
    assert classify(machine, tmp_path, model, *held_back[0]) == here
