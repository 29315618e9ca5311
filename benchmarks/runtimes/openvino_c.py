"""OpenVINO's CPU plugin, through its C library: the Python binding builds a dictionary in every call."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime

_DECLARATIONS = """
int ov_core_create(void **core);
int ov_core_compile_model_from_file(const void *core, const char *path, const char *device, size_t count,
                                    void **compiled, ...);
int ov_compiled_model_create_infer_request(const void *compiled, void **request);
int ov_compiled_model_outputs_size(const void *compiled, size_t *size);
int ov_infer_request_get_input_tensor_by_index(const void *request, size_t index, void **tensor);
int ov_infer_request_get_output_tensor_by_index(const void *request, size_t index, void **tensor);
int ov_tensor_data(const void *tensor, void **data);
int ov_tensor_get_byte_size(const void *tensor, size_t *size);
int ov_infer_request_infer(void *request);
const char *ov_get_last_err_msg(void);
"""


class OpenVino(Runtime):
    """One infer request of a model compiled for latency, in float32 where it is not quantized."""

    title = "OpenVINO"
    packages = ("openvino",)
    files = {"float32": "onnx", "int8": "onnx_qdq"}
    notes = {
        "float32": "C library, latency hint, float32 execution",
        "int8": "the file that ONNX Runtime's quantization wrote",
    }
    library = ("/openvino/libs/",)

    def prepare(self) -> None:
        """Loads the library and makes a core, which is shared by all models of a process."""
        from cffi import FFI

        specification = importlib.util.find_spec("openvino")
        if specification is None or specification.origin is None:
            raise ModuleNotFoundError("openvino is not installed")
        found = sorted((Path(specification.origin).parent / "libs").glob("libopenvino_c.so*"))
        self._ffi = FFI()
        self._ffi.cdef(_DECLARATIONS)
        self._library = self._ffi.dlopen(str(found[0]))
        self._core = self._made(self._library.ov_core_create)

    def open(self, path: str, threads: int, given: Array) -> None:
        """Reads and compiles an ONNX file."""
        properties = {
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": "1",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        texts = [self._ffi.new("char[]", t.encode()) for pair in properties.items() for t in pair]
        compiled = self._ffi.new("void **")
        compile_model = self._library.ov_core_compile_model_from_file
        self._check(compile_model(self._core, path.encode(), b"CPU", len(texts), compiled, *texts))
        self._compiled = compiled[0]
        self._request = self._made(
            partial(self._library.ov_compiled_model_create_infer_request, self._compiled)
        )
        self._given = given
        self._input = self._array(self._library.ov_infer_request_get_input_tensor_by_index, 0)

    def renew(self) -> None:
        """Writes the input tensor."""
        self._input[...] = self._given.reshape(-1)

    def call(self) -> Callable[[], Any]:
        """ov_infer_request_infer."""
        return partial(self._library.ov_infer_request_infer, self._request)

    def outputs(self) -> list[Array]:
        """Copies of the output tensors, flat."""
        count = self._ffi.new("size_t *")
        self._check(self._library.ov_compiled_model_outputs_size(self._compiled, count))
        get = self._library.ov_infer_request_get_output_tensor_by_index
        return [self._array(get, i).copy() for i in range(count[0])]

    def _array(self, get: Callable[..., int], index: int) -> Array:
        import numpy as np

        tensor = self._made(partial(get, self._request, index))
        data = self._made(partial(self._library.ov_tensor_data, tensor))
        size = self._ffi.new("size_t *")
        self._check(self._library.ov_tensor_get_byte_size(tensor, size))
        return np.frombuffer(self._ffi.buffer(data, size[0]), np.float32)

    def _made(self, function: Callable[[Any], int]) -> Any:
        out = self._ffi.new("void **")
        self._check(function(out))
        return out[0]

    def _check(self, status: int) -> None:
        if status:
            raise RuntimeError(
                self._ffi.string(self._library.ov_get_last_err_msg()).decode("utf-8", "replace")
            )


RUNTIME = OpenVino
