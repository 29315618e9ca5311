"""MNN: an interpreter's session, in its highest precision."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime


class Mnn(Runtime):
    """A session on the CPU."""

    title = "MNN"
    packages = ("MNN",)
    files = {"float32": "mnn"}
    notes = {
        "float32": "written by expressions, so without the fusions of its converter, which calls out and is not used",
    }
    library = ("/_mnncengine", "/mnn.libs/")

    def prepare(self) -> None:
        """Imports the package."""
        import MNN

        self._library = MNN

    def open(self, path: str, threads: int, given: Array) -> None:
        """Makes an interpreter and a session."""
        self._interpreter = self._library.Interpreter(path)
        options = {"backend": "CPU", "numThread": threads, "precision": "high"}
        self._session = self._interpreter.createSession(options)
        self._input = self._interpreter.getSessionInput(self._session)
        library = self._library
        self._given = library.Tensor(
            given.shape, library.Halide_Type_Float, given, library.Tensor_DimensionType_Caffe
        )

    def renew(self) -> None:
        """Copies the input to the session's."""
        self._input.copyFrom(self._given)

    def call(self) -> Callable[[], Any]:
        """A run of the session."""
        return partial(self._interpreter.runSession, self._session)

    def outputs(self) -> list[Array]:
        """Copies, in the order of their names, which end in the numbers of the layers."""
        import numpy as np

        found = self._interpreter.getSessionOutputAll(self._session)
        names = sorted(found, key=lambda name: int(name.rpartition("_")[2]))
        library, results = self._library, []
        for name in names:
            shape = found[name].getShape()
            host = np.zeros(shape, np.float32)
            tensor = library.Tensor(
                shape, library.Halide_Type_Float, host, library.Tensor_DimensionType_Caffe
            )
            found[name].copyToHostTensor(tensor)
            results.append(np.array(tensor.getData(), np.float32).reshape(shape))
        return results


RUNTIME = Mnn
