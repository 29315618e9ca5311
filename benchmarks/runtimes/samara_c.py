"""Samara: smr_run on a context, through the binding's own library object."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime


class Samara(Runtime):
    """A mapped file and one context, with a pool where there are several threads."""

    title = "Samara"
    files = {"float32": "samara", "int8": "samara_int8"}
    notes = {
        "float32": "smr_run through cffi",
        "int8": "int8 activations with a zero point, int8 weights for each channel; float inputs and outputs",
    }
    channels_last = True
    library = ("/pyruntime/_native", "/libsamara")

    def prepare(self) -> None:
        """Imports the binding."""
        from samara.pyruntime import _native, load

        self._native, self._load = _native, load

    def open(self, path: str, threads: int, given: Array) -> None:
        """Maps the file and makes a context."""
        self._context = self._load(path).context(threads=threads)
        inputs, self._outputs = self._context._arena_views(self._context._pointer, 0)
        self._input, self._given = inputs[0], given

    def renew(self) -> None:
        """A run may use the place of its input for something else."""
        self._input[...] = self._given

    def call(self) -> Callable[[], Any]:
        """smr_run without a check of its status: an error shows in the outputs."""
        error = self._native.ffi.new("smr_error *")
        return partial(self._native.lib.smr_run, self._context._pointer, 0, error)

    def outputs(self) -> list[Array]:
        """Copies out of the arena."""
        return [view.copy() for view in self._outputs]


RUNTIME = Samara
