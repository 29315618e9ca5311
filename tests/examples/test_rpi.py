"""examples/rpi: the same answers, to the byte, here and on the two ARM machines under qemu."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from samara.pyruntime.model import load
from tests.conftest import ROOT
from tests.examples.conftest import GLYPHS, glyph, write_pgm
from tests.repo._builds import AARCH64, ARMV7, NATIVE, Machine, build, run

FOLDER = ROOT / "examples" / "rpi"
PROGRAMS: dict[str, Path] = {}


def program(machine: Machine) -> Path:
    """The program for a machine, built once with the machine's runtime."""
    if machine.name not in PROGRAMS:
        folder = ROOT / "build" / "examples" / f"rpi-{machine.name}"
        options = [*machine.options(), f"-Dsamara_DIR={machine.package()}"]
        PROGRAMS[machine.name] = build(FOLDER, folder, *options) / "classify"
    return PROGRAMS[machine.name]


def test_the_runtime_comes_with_it(tmp_path: Path) -> None:
    """As the manual builds it. Building the runtime once more would tell nothing new."""
    run("cmake", "-S", FOLDER, "-B", tmp_path)
    assert "samara_objects" in run("cmake", "--build", tmp_path, "--target", "help")


def classify(machine: Machine, folder: Path, *words: str | Path) -> tuple[str, bytes]:
    """What the program prints, and the raw outputs."""
    raw = folder / f"{machine.name}.bin"
    text = run(*machine.command(program(machine), "--raw", raw, *words))
    return text, raw.read_bytes()


@pytest.fixture(params=["digits_float", "digits_int8", "digits_integers"])
def model(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.mark.parametrize("machine", [AARCH64, ARMV7], ids=lambda m: m.name)
def test_same_bytes_on_arm(machine: Machine, model: Path, pictures: list[Path], tmp_path: Path) -> None:
    here = classify(NATIVE, tmp_path, model, *pictures)
    there = classify(machine, tmp_path, model, *pictures)
    assert len(here[1]) == len(pictures) * load(model).signatures["main"].outputs[0].bytes
    assert len(set(here[1])) > 3, "the outputs say something"
    assert there == here


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a76", "max"])
def test_same_bytes_on_every_pi(
    cpu: str, model: Path, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = classify(NATIVE, tmp_path, model, *pictures[:6])
    monkeypatch.setenv("QEMU_CPU", cpu)
    assert classify(AARCH64, tmp_path, model, *pictures[:6]) == here


def levels(path: Path) -> np.ndarray:
    """The pixels of a picture as the model wants them, in double precision."""
    words = path.read_bytes().split(b"\n", 4)
    width, height = map(int, words[2].split())
    pixels = words[4].split() if words[0] == b"P2" else list(words[4])
    return np.array(pixels, np.float64).reshape(1, height, width, 1) / int(words[3])


def test_agrees_with_python(model: Path, pictures: list[Path], tmp_path: Path) -> None:
    text, raw = classify(NATIVE, tmp_path, model, *pictures)
    runtime = load(model)
    (given,), (wanted,) = (getattr(runtime.signatures["main"], k) for k in ("inputs", "outputs"))
    expected = []
    for path, line in zip(pictures, text.splitlines(), strict=True):
        values = levels(path).astype(np.float32)
        if given.dtype != np.float32:
            limits = np.iinfo(given.dtype)
            stored = np.rint(values / np.float32(given.scale)) + given.zero_point
            values = np.clip(stored, limits.min, limits.max).astype(given.dtype)
        output = runtime.run(values)
        expected.append(output.tobytes())
        scores = output.ravel().astype(np.float32)
        if wanted.scale:
            scores = np.float32(wanted.scale) * (scores - np.float32(wanted.zero_point))
        best = int(scores.argmax())
        assert line == f"{path}: {best} ({scores[best]:.3f})"
    assert raw == b"".join(expected)


def test_larger_images_are_averaged(digits_float: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    small = rng.integers(0, 65536, (8, 8))
    images = {
        "small": (small, 65535),
        "enlarged": (np.kron(small, np.ones((5, 3), np.int64)), 65535),
        "uneven": (rng.integers(0, 256, (13, 29)), 255),
        "tiny": (rng.integers(0, 256, (3, 5)), 255),
        "one": (np.array([[77]]), 255),
    }
    paths = [write_pgm(tmp_path / f"{name}.pgm", *image) for name, image in images.items()]
    _, raw = classify(NATIVE, tmp_path, digits_float, *paths)
    found = np.frombuffer(raw, np.float32).reshape(len(images), 8, 8)
    np.testing.assert_array_equal(found[0], found[1])
    for result, (pixels, maximum) in zip(found, images.values(), strict=True):
        height, width = pixels.shape
        fine = np.kron(pixels, np.ones((8, 8)))
        means = fine.reshape(8, height, 8, width).mean(axis=(1, 3)) / maximum
        np.testing.assert_allclose(result, np.maximum(means - 0.25, 0), atol=1e-6)


def test_dark_ink(digits_float: Path, tmp_path: Path) -> None:
    dark = write_pgm(tmp_path / "dark.pgm", 16 - glyph("seven"), 16)
    light = write_pgm(tmp_path / "light.pgm", glyph("seven"), 16, plain=True)
    inverted = classify(NATIVE, tmp_path, "--invert", digits_float, dark)[1]
    assert inverted == classify(NATIVE, tmp_path, digits_float, light)[1]
    assert inverted != classify(NATIVE, tmp_path, digits_float, dark)[1]


BAD_IMAGES = {
    "empty": b"",
    "colour": b"P6 1 1 255 \x00\x00\x00",
    "short": b"P5 8 8 255\n" + bytes(63),
    "short16": b"P5 2 1 256\n\x00\x01\x00",
    "text": b"P2 2 1 9 5 x",
    "few": b"P2 2 2 9 1 2 3",
    "above": b"P2 1 1 9 10",
    "above5": b"P5 1 1 9 \x0a",
    "zero": b"P5 0 8 255\n",
    "negative": b"P5 -1 8 255\n",
    "huge": b"P5 16777216 2 255\n",
    "overflow": b"P5 99999999999999999999 1 255\n",
    "depth": b"P5 1 1 65536\n\x00\x00\x00",
    "flat": b"P5 1 1 0\n\x00",
    "comment": b"P5 # no end",
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_images(name: str, digits_float: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.pgm"
    path.write_bytes(BAD_IMAGES[name])
    assert "bad.pgm" in refused(1, digits_float, path)


def refused(status: int, *words: str | Path) -> str:
    done = subprocess.run([program(NATIVE), *words], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    return done.stderr


def test_refusals(digits_float: Path, pictures: list[Path], tmp_path: Path) -> None:
    other = ROOT / "tests" / "runtime_c" / "data" / "add_relu.smr"
    assert "usage" in refused(2)
    assert "usage" in refused(2, digits_float)
    assert "usage" in refused(2, "--what", digits_float, pictures[0])
    assert "cannot be opened" in refused(1, digits_float, tmp_path / "none.pgm")
    assert "no such file" in refused(1, tmp_path / "none.smr", pictures[0])
    assert "does not classify" in refused(1, other, pictures[0])
    assert "cannot be written" in refused(1, "--raw", tmp_path / "none" / "x", digits_float, pictures[0])
    (tmp_path / "bad.smr").write_bytes(bytes(100))
    assert "bad.smr" in refused(1, tmp_path / "bad.smr", pictures[0])


def test_there_are_digits(pictures: list[Path]) -> None:
    assert [p.stem for p in pictures[: len(GLYPHS)]] == list(GLYPHS)
