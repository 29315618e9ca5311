"""ExecuTorch with the XNNPACK backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime


class ExecuTorch(Runtime):
    """A loaded program, planned once."""

    title = "ExecuTorch"
    packages = ("executorch",)
    files = {"float32": "pte", "int8": "pte_int8"}
    notes = {
        "float32": "XNNPACK backend, execute on a loaded method",
        "int8": "XNNPACKQuantizer's static quantization, weights for each channel",
    }
    library = ("/executorch/",)

    def prepare(self) -> None:
        """Imports torch and the binding: the module around it imports the exporter too, which takes ten seconds."""
        import torch
        from executorch.extension.pybindings import _C

        self._torch, self._library = torch, _C

    def open(self, path: str, threads: int, given: Array) -> None:
        """Loads the program and its method."""
        self._library._unsafe_reset_threadpool(threads)
        self._program = self._library._load_program(path)
        self._method = self._program.load_method("forward")
        self._given = [self._torch.from_numpy(given)]

    def renew(self) -> None:
        """Sets the input tensor."""
        self._method.set_inputs(self._given)

    def call(self) -> Callable[[], Any]:
        """The method alone; its outputs stay where they are."""
        execute: Callable[[], Any] = self._method.execute
        return execute

    def outputs(self) -> list[Array]:
        """Copies of the outputs of the last call."""
        return [y.numpy().copy() for y in self._method.get_outputs(True)]


RUNTIME = ExecuTorch
