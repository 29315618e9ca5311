"""ExecuTorch with the XNNPACK backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime


class ExecuTorch(Runtime):
    """A loaded program, planned once; the input is a tensor that is set before each call."""

    title = "ExecuTorch"
    packages = ("executorch",)
    files = {"float32": "pte", "int8": "pte_int8"}  # noqa: RUF012
    notes = {  # noqa: RUF012
        "float32": "XNNPACK backend, run_method with a torch tensor",
        "int8": "XNNPACKQuantizer's static quantization, weights for each channel",
    }
    library = ("/executorch/",)

    def prepare(self) -> None:
        """Imports the binding, which imports torch."""
        import torch
        from executorch.extension.pybindings import portable_lib

        self._torch, self._library = torch, portable_lib

    def open(self, path: str, threads: int, given: Array) -> None:
        """Loads the program and its method."""
        self._library._unsafe_reset_threadpool(threads)
        self._module = self._library._load_for_executorch(path)
        self._given = self._torch.from_numpy(given)
        self._result: list[Any] = []

    def renew(self) -> None:
        """The input is handed over in the call: the binding has no other way."""

    def call(self) -> Callable[[], Any]:
        """The method with its input, outputs in place."""
        return partial(self._run, [self._given])

    def _run(self, inputs: list[Any]) -> None:
        self._result = self._module.run_method("forward", inputs, False)

    def outputs(self) -> list[Array]:
        """Copies of the outputs of the last call."""
        return [y.numpy().copy() for y in self._result]


RUNTIME = ExecuTorch
