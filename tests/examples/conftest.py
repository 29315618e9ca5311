"""Models and images for the examples, and how they are built for each machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.graph.execution.session import Session
from samara.graph.graph import Graph
from samara.quantize import Int8
from tests.repo.conftest import installed, library

__all__ = ["digits_float", "digits_int8", "digits_integers", "installed", "library", "pictures"]

# Rows of a digit, ink or not.
GLYPHS = {
    "one": "...##... ..###... ...##... ...##... ...##... ...##... ...##... ..####..",
    "seven": ".######. .....##. ....##.. ...####. ...##... ..##.... ..##.... ..##....",
    "zero": "..####.. .##..##. .##..##. .##..##. .##..##. .##..##. .##..##. ..####..",
    "four": "....##.. ...###.. ..####.. .##.##.. .######. ....##.. ....##.. ....##..",
}


def glyph(name: str) -> np.ndarray:
    """A digit as 8 x 8 levels from 0 to 16."""
    return np.array([[16 * (c == "#") for c in row] for row in GLYPHS[name].split()])


def write_pgm(path: Path, pixels: np.ndarray, maximum: int, *, plain: bool = False) -> Path:
    """Writes a grey image, as text when `plain`."""
    height, width = pixels.shape
    header = f"P{2 if plain else 5}\n# a digit\n{width} {height}\n{maximum}\n"
    if plain:
        body = "\n".join(" ".join(map(str, row)) for row in pixels).encode() + b"\n"
    else:
        body = pixels.astype(">u2" if maximum > 255 else "u1").tobytes()
    path.write_bytes(header.encode() + body)
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Digits and noise, 8 x 8."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(8)
    made = [write_pgm(folder / f"{name}.pgm", glyph(name), 16, plain=True) for name in GLYPHS]
    return made + [
        write_pgm(folder / f"noise{i:02}.pgm", rng.integers(0, 256, (8, 8)), 255) for i in range(20)
    ]


@pytest.fixture(scope="session")
def digits_float(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float model of the kind that the demo makes, of exact arithmetic only."""
    graph = Graph()
    b = graph.b
    attributes = {"dtype": "float32", "shape": [1, 8, 8, 1]}
    image = graph.apply("placeholder", [], attributes, name="image").outputs[0]
    scores = b.relu(image + np.float32(-0.25), name="scores")
    path = tmp_path_factory.mktemp("models") / "digits-float.smr"
    with Session(graph=graph) as session:
        export_model({"scores": scores}, path, session=session)
    return path


def quantized(path: Path, quantize: Int8) -> Path:
    """Exports an int8 model of the kind that the demo makes, with random weights."""
    graph = Graph()
    b = graph.b
    rng = np.random.default_rng(10)

    def weights(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)

    attributes = {"dtype": "float32", "shape": [1, 8, 8, 1]}
    image = graph.apply("placeholder", [], attributes, name="image").outputs[0]
    x = b.relu(b.conv2d(image, weights(3, 3, 1, 8), padding="same") + weights(8))
    x = b.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    x = b.relu(b.conv2d(x, weights(3, 3, 8, 16), padding="same") + weights(16))
    x = b.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    x = b.matmul(b.reshape(x, np.array([1, 64], np.int32)), weights(64, 10)) + weights(10)
    scores = b.softmax(x, name="scores")
    samples = rng.random((32, 8, 8, 1), np.float32)
    with Session(graph=graph) as session:
        export_model({"scores": scores}, path, samples=samples, quantize=quantize, session=session)
    return path


@pytest.fixture(scope="session")
def digits_int8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Integers inside, floats at the ends."""
    return quantized(tmp_path_factory.mktemp("models") / "digits-int8.smr", Int8())


@pytest.fixture(scope="session")
def digits_integers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Integers from end to end."""
    path = tmp_path_factory.mktemp("models") / "digits-integers.smr"
    return quantized(path, Int8(inputs="int8", outputs="int8"))
