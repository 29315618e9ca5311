"""ONNX Runtime, CPU provider, inputs and outputs bound to memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime


class OnnxRuntime(Runtime):
    """A session with the default graph optimizations."""

    title = "ONNX Runtime"
    packages = ("onnxruntime",)
    files = {"float32": "onnx", "int8": "onnx_qdq"}
    notes = {
        "float32": "default session options, memory bound to inputs and outputs",
        "int8": "its own static quantization: QDQ, uint8 activations, int8 weights for each channel",
    }
    library = ("onnxruntime_pybind11_state", "libonnxruntime")

    def prepare(self) -> None:
        """Imports the package."""
        import onnxruntime

        self._library = onnxruntime

    def open(self, path: str, threads: int, given: Array) -> None:
        """Makes a session and binds arrays that it reads and writes."""
        import numpy as np

        options = self._library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self._session = self._library.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._given, self._input = given, given.copy()
        self._outputs = [np.zeros(o.shape, np.float32) for o in self._session.get_outputs()]
        binding = self._session.io_binding()
        ends = [
            (binding.bind_input, self._session.get_inputs(), [self._input]),
            (binding.bind_output, self._session.get_outputs(), self._outputs),
        ]
        for bind, described, arrays in ends:
            for end, array in zip(described, arrays, strict=True):
                bind(end.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        self._binding = binding

    def renew(self) -> None:
        """Writes the bound input."""
        self._input[...] = self._given

    def call(self) -> Callable[[], Any]:
        """The call below the session's, which only looks for a device to synchronize with."""
        return partial(self._session._sess.run_with_iobinding, self._binding._iobinding, None)

    def outputs(self) -> list[Array]:
        """Copies of the bound outputs."""
        return [array.copy() for array in self._outputs]


RUNTIME = OnnxRuntime
