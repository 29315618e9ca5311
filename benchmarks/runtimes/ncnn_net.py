"""ncnn: a net with its default options, but for float16 and bfloat16, which would be another precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime

_HALF = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed")


class Ncnn(Runtime):
    """A net; every call makes an extractor, as its manual has it."""

    title = "ncnn"
    packages = ("ncnn",)
    files = {"float32": "ncnn", "int8": "ncnn_int8"}
    notes = {
        "float32": "extractor of each call included; float16 and bfloat16 off",
        "int8": "int8 convolutions and products of vectors, symmetric scales; float between them",
    }
    library = ("/ncnn/", "/ncnn.libs/")

    def prepare(self) -> None:
        """Imports the package."""
        import ncnn

        self._library = ncnn

    def open(self, path: str, threads: int, given: Array) -> None:
        """Loads layers and weights."""
        self._net = self._library.Net()
        self._net.opt.num_threads = threads
        for half in _HALF:
            setattr(self._net.opt, f"use_{half}", False)
        if self._net.load_param(path) or self._net.load_model(path.removesuffix(".param") + ".bin"):
            raise RuntimeError(f"{path} does not load")
        with open(path) as lines:
            read = [line.split() for line in lines][2:]
        ends = [(f[4 : 4 + int(f[2])], f[4 + int(f[2]) : 4 + int(f[2]) + int(f[3])]) for f in read]
        used = {name for inputs, _ in ends for name in inputs}
        self._names = [name for _, outputs in ends for name in outputs if name not in used]
        self._given = given
        self._input = self._library.Mat(given[0].copy()).clone()
        self._view = self._input.numpy()
        self._results: list[Any] = []

    def renew(self) -> None:
        """Writes the input."""
        self._view[...] = self._given[0]

    def call(self) -> Callable[[], Any]:
        """An extractor, its input and its outputs."""
        create, given, names = self._net.create_extractor, self._input, self._names

        def run() -> None:
            extractor = create()
            extractor.input("input", given)
            self._results = [extractor.extract(name) for name in names]

        return run

    def outputs(self) -> list[Array]:
        """Copies of what was extracted last."""
        import numpy as np

        for status, _ in self._results:
            if status:
                raise RuntimeError(f"extract gave {status}")
        return [np.array(mat)[None] for _, mat in self._results]


RUNTIME = Ncnn
