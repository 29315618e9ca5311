"""Nodes that compute with integers give the bits of LiteRT's reference kernels: in a session, and from the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara

pytest.importorskip("tflite")
pytest.importorskip("ai_edge_litert.interpreter")

from tests.exporter.frontends.tflite import _moving_models, _rarer_models  # noqa: F401
from tests.exporter.frontends.tflite._integer_chains import chain
from tests.exporter.frontends.tflite._integer_models import MODELS

Array = np.ndarray[Any, Any]
RUNS = 8
STATEFUL = ("lstm", "svdf")


def outputs_of(found: Any) -> list[Array]:
    """The outputs of a loaded model, in order."""
    return list(found.values()) if isinstance(found, dict) else [found]


def same_bits(found: Array, expected: Array) -> bool:
    """Whether two arrays have the same type, shape and bytes."""
    return (found.dtype, found.shape) == (expected.dtype, expected.shape) and np.array_equal(
        found, expected, equal_nan=found.dtype.kind == "f"
    )


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", MODELS)
def test_node(name: str, seed: int, tmp_path: Path) -> None:
    content, arrays = MODELS[name](np.random.default_rng([seed, *name.encode()]))
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    imported = samara.import_model(path)
    assert imported.oracle is not None
    assert imported.oracle.exact or "float" in name
    samara.export_model(imported, tmp_path / "m.smr")
    loaded, source = samara.load(tmp_path / "m.smr"), imported.oracle.start()
    feed = dict(zip(imported.inputs, arrays, strict=True))
    # What keeps state gives other outputs every time.
    for _ in range(RUNS if name in STATEFUL else 1):
        expected = list(source("main", feed).values())
        for found in (list(imported.run(feed).values()), outputs_of(loaded(*arrays))):
            assert all(same_bits(f, e) for f, e in zip(found, expected, strict=True))


def test_state_starts_anew_in_the_file(tmp_path: Path) -> None:
    content, (array,) = MODELS["svdf"](np.random.default_rng(3))
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    imported = samara.import_model(path)
    feed = dict.fromkeys(imported.inputs, array)
    first, second = (next(iter(imported.run(feed).values())) for _ in "ab")
    assert not np.array_equal(first, second)
    samara.export_model(imported, tmp_path / "m.smr")
    loaded = samara.load(tmp_path / "m.smr")
    imported.reset()
    for _ in range(3):
        np.testing.assert_array_equal(loaded(array), next(iter(imported.run(feed).values())))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_network(dtype: str, seed: int, tmp_path: Path) -> None:
    content, (array,) = chain(np.random.default_rng([seed, *dtype.encode()]), dtype)
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    imported = samara.import_model(path)
    assert imported.oracle is not None
    assert imported.oracle.exact
    samara.export_model(imported, tmp_path / "m.smr")
    loaded, source = samara.load(tmp_path / "m.smr"), imported.oracle.start()
    (name,) = imported.inputs
    for given in (array, array[:, ::-1].copy()):
        (expected,) = source("main", {name: given}).values()
        for found in (*imported.run({name: given}).values(), *outputs_of(loaded(given))):
            np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_network_of_any_number_of_pictures(dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng([11, *dtype.encode()])
    content, (array,) = chain(rng, dtype, open_batch=True)
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    (name,) = samara.import_model(path).inputs
    imported = samara.import_model(path, shapes={name: [samara.Dim("batch", 1, 4), *array.shape[1:]]})
    assert imported.oracle is not None
    samara.export_model(imported, tmp_path / "m.smr")
    loaded, source = samara.load(tmp_path / "m.smr"), imported.oracle.start()
    info = np.iinfo(dtype)
    for batch in (1, 3, 4, 2):
        given = rng.integers(info.min, info.max, (batch, *array.shape[1:]), dtype, endpoint=True)
        (expected,) = source("main", {name: given}).values()
        for found in (*imported.run({name: given}).values(), *outputs_of(loaded(given))):
            np.testing.assert_array_equal(found, expected, strict=True)
