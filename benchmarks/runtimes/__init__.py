"""The runtimes that are measured: how each opens a file and is called with the least that its Python side allows."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from benchmarks.network import Array

# A runtime's name: its module here.
RUNTIMES = {
    "samara": "benchmarks.runtimes.samara_c",
    "litert": "benchmarks.runtimes.litert",
    "onnxruntime": "benchmarks.runtimes.onnx_runtime",
    "openvino": "benchmarks.runtimes.openvino_c",
    "ncnn": "benchmarks.runtimes.ncnn_net",
    "mnn": "benchmarks.runtimes.mnn_session",
    "executorch": "benchmarks.runtimes.executorch_xnnpack",
}


class Runtime(ABC):
    """One file, opened. Inputs and outputs lie in memory that stays the same from call to call.

    Attributes:
        title: what the runtime is called in tables.
        packages: the distributions that it comes in; none for what is part of this project.
        files: for each precision, the format that it reads: a key of `benchmarks.files.FORMATS`.
        notes: for each precision, what exactly is measured.
        channels_last: whether images are (height, width, channels).
        most_threads: how many threads it can use.
        library: parts of the paths of the shared objects that count as the library.
    """

    title: ClassVar[str] = ""
    packages: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[Mapping[str, str]] = {}
    notes: ClassVar[Mapping[str, str]] = {}
    channels_last: ClassVar[bool] = False
    most_threads: ClassVar[int] = 1 << 10
    library: ClassVar[tuple[str, ...]] = ()

    def prepare(self) -> None:  # noqa: B027 - most have nothing to load
        """Loads the library, which is not part of opening a file."""

    @abstractmethod
    def open(self, path: str, threads: int, given: Array) -> None:
        """Opens a file; `given` is what `renew` writes."""

    @abstractmethod
    def renew(self) -> None:
        """Writes the input to its place, before every call and outside of what is timed."""

    @abstractmethod
    def call(self) -> Callable[[], Any]:
        """What runs the file once."""

    @abstractmethod
    def outputs(self) -> list[Array]:
        """The results of the last call, in the network's order."""


def create(name: str) -> Runtime:
    """The runtime of that name, nothing of it loaded yet."""
    made: Runtime = importlib.import_module(RUNTIMES[name]).RUNTIME()
    return made
