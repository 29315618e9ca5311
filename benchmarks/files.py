"""The files that runtimes read: made when they are missing or what makes them has changed."""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.network import Network
from benchmarks.networks import NETWORKS

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Format:
    """A module of benchmarks.formats and the function in it that writes a file; how the file's name ends.

    `beside` is how the name of a second file ends. `sources` are folders whose files change what is written, beside
    the module itself.
    """

    module: str
    suffix: str
    function: str = "write"
    beside: str = ""
    sources: tuple[str, ...] = ()


_EXPORTER = ("graph", "quantize", "exporter", "schema")

FORMATS = {
    "mnn": Format("mnn_file", ".mnn"),
    "ncnn": Format("ncnn_file", ".param", beside=".bin"),
    "ncnn_int8": Format("ncnn_file", ".int8.param", "write_int8", beside=".bin"),
    "onnx": Format("onnx_file", ".onnx"),
    "onnx_qdq": Format("onnx_qdq", ".int8.onnx"),
    "pte": Format("pte_file", ".pte"),
    "pte_int8": Format("pte_file", ".int8.pte", "write_int8"),
    "tflite": Format("tflite_file", ".tflite"),
    "tflite_int8": Format("tflite_file", ".int8.tflite", "write_int8"),
    "samara": Format("samara_file", ".smr", sources=_EXPORTER),
    "samara_int8": Format("samara_file", ".int8.smr", "write_int8", sources=_EXPORTER),
}


def prepared(name: str, folder: Path) -> Network:
    """A network with its weights, drawn and scaled once and kept in `folder`."""
    network = NETWORKS[name]()
    path = folder / f"{name}-{_digest(network.digest(), _HERE / 'source.py', _HERE / 'network.py')}.npz"
    if path.exists():
        with np.load(path) as stored:
            network.weights = dict(stored)
        return network
    from benchmarks import source

    network.draw()
    source.settle(network)
    folder.mkdir(parents=True, exist_ok=True)
    _staged_save(path, network)
    return network


def _staged_save(path: Path, network: Network) -> None:
    staged = path.with_suffix(".part.npz")
    np.savez(staged, **network.weights)
    staged.replace(path)


def written(network: Network, format_name: str, folder: Path) -> Path:
    """The file of a network in a format, made if need be.

    Raises:
        Exception: whatever keeps the writer from making it.
    """
    made = FORMATS[format_name]
    helpers = [
        f"formats/{name}.py" for name in (made.module, "onnx_file", "tflite_writer", "scales", "samples")
    ]
    sources = [_HERE / helper for helper in (*helpers, "network.py", "source.py")]
    for room in made.sources:
        sources += sorted((_HERE.parent / room).rglob("*.py"))
    path = folder / f"{network.name}-{_digest(network.digest(), *sources)}{made.suffix}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f"part-{path.name}")
        module = importlib.import_module(f"benchmarks.formats.{made.module}")
        getattr(module, made.function)(network, staged)
        if made.beside:
            staged.with_suffix(made.beside).replace(path.with_suffix(made.beside))
        _remove_older(path, made)
        staged.replace(path)
    return path


def _remove_older(path: Path, made: Format) -> None:
    """Files that were written in the same format before something changed."""
    name = re.escape(path.name.rpartition("-")[0])
    pattern = re.compile(rf"{name}-[0-9a-f]{{16}}{re.escape(made.suffix)}")
    for older in path.parent.iterdir():
        if pattern.fullmatch(older.name) and older != path:
            older.unlink()
            if made.beside:
                older.with_suffix(made.beside).unlink(missing_ok=True)


def size(path: Path, format_name: str) -> int:
    """Bytes of all that belongs to a file."""
    return sum(part.stat().st_size for part in _parts(path, format_name))


def read(path: Path, format_name: str) -> int:
    """Reads all that belongs to a file, so that the system has it in memory; returns how many bytes that is."""
    total, block = 0, bytearray(1 << 20)
    for part in _parts(path, format_name):
        with part.open("rb", buffering=0) as stream:
            while count := stream.readinto(block):
                total += count
    return total


def _parts(path: Path, format_name: str) -> list[Path]:
    beside = FORMATS[format_name].beside
    return [path, path.with_suffix(beside)] if beside else [path]


def _digest(first: str, *paths: Path) -> str:
    found = hashlib.sha256(first.encode())
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
