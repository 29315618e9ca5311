"""The runtime as a backend of ONNX: models are exported, and the files run by the C runtime.

from samara.exporter.frontends.onnx.backend import SamaraBackend

outputs = SamaraBackend.prepare(model).run([x])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep

from samara.errors import ExportError
from samara.exporter.freeze import freeze
from samara.exporter.frontends import import_model
from samara.exporter.lower import lower
from samara.exporter.passes import optimize
from samara.exporter.writer import to_bytes
from samara.pyruntime.model import Model

Array = np.ndarray[Any, Any]


class SamaraRep(BackendRep):  # type: ignore[misc]
    """A prepared model. A file is made for each set of input shapes.

    Attributes:
        fixed: names of inputs that had to be fixed at export, since they decide shapes.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._files: dict[Any, Model] = {}
        initialized = {i.name for i in model.graph.initializer}
        self._inputs = [i for i in model.graph.input if i.name not in initialized]
        self.fixed: tuple[str, ...] = ()

    def run(self, inputs: Any, **options: Any) -> tuple[Array, ...]:
        """Runs the model.

        Args:
            inputs: arrays in order, or by name.
            options: none is known.

        Returns:
            The outputs in order, with the model's element types.

        Raises:
            ExportError: the model cannot be exported.
        """
        if options:
            raise TypeError(f"unknown options {', '.join(options)}")
        names = [i.name for i in self._inputs]
        if not isinstance(inputs, Mapping):
            given = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
            inputs = dict(zip(names, given, strict=True))
        arrays = {n: _plain(np.asarray(a)) for n, a in inputs.items()}
        file, fixed = self._file(arrays)
        self.fixed = fixed
        found = file.run(**{n: a for n, a in arrays.items() if n not in fixed})
        by_name = found if isinstance(found, dict) else {file.signatures["main"].outputs[0].name: found}
        return tuple(_typed(by_name[o.name], o) for o in self._model.graph.output)

    def _file(self, arrays: Mapping[str, Array]) -> tuple[Model, tuple[str, ...]]:
        shapes = tuple((n, a.shape) for n, a in arrays.items())
        if shapes in self._files:
            return self._files[shapes], ()
        try:
            self._files[shapes] = _exported(self._model, arrays, ())
            return self._files[shapes], ()
        except ExportError as error:
            refused = error
        for fixed in _deciding(self._model, arrays):
            key = (shapes, tuple((n, arrays[n].tobytes()) for n in fixed))
            try:
                if key not in self._files:
                    self._files[key] = _exported(self._model, arrays, fixed)
            except ExportError as error:
                refused = error
                continue
            return self._files[key], fixed
        raise refused


def _plain(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.name in ("float64", "bfloat16") else array


def _typed(array: Array, info: Any) -> Array:
    dtype = onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
    return np.asarray(array).astype(dtype, copy=False)


def _deciding(model: Any, arrays: Mapping[str, Array]) -> list[tuple[str, ...]]:
    """Inputs that may decide shapes, in three sets, each within the next.

    Small ones that are the first operand of no node, those of whole numbers or truth values, and all small ones.
    """
    first = {n.input[0] for n in model.graph.node if n.input}
    small = [n for n, a in arrays.items() if a.ndim <= 1 and a.size <= _SMALL]
    sets = [
        tuple(n for n in small if n not in first),
        tuple(n for n in small if n not in first or arrays[n].dtype.kind in "iub"),
        tuple(small),
    ]
    return [s for s in dict.fromkeys(sets) if s]


_SMALL = 64


def _exported(model: Any, arrays: Mapping[str, Array], fixed: Sequence[str]) -> Model:
    imported = import_model(
        model,
        shapes={n: list(a.shape) for n, a in arrays.items() if n not in fixed},
        constants={n: arrays[n] for n in fixed},
    )
    frozen = freeze(imported.signatures, imported.session)
    optimized, _ = optimize(frozen.model)
    return Model(to_bytes(lower(optimized, metadata={}).contents))


class SamaraBackend(Backend):  # type: ignore[misc]
    """Samara as `onnx.backend.base.Backend`; the device is the CPU."""

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **options: Any) -> SamaraRep:
        """Prepares a model to be run.

        Raises:
            ValueError: another device than the CPU.
        """
        if not cls.supports_device(device):
            raise ValueError(f"device {device!r} is not supported: give 'CPU'")
        if options:
            raise TypeError(f"unknown options {', '.join(options)}")
        return SamaraRep(model)

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **options: Any) -> tuple[Any, ...]:
        """Prepares a model and runs it once."""
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(
        cls, node: Any, inputs: Any, device: str = "CPU", outputs_info: Any = None, **options: Any
    ) -> tuple[Any, ...]:
        """Runs one node on arrays."""
        names = [n for n in node.input if n]
        given = dict(zip(names, inputs, strict=True)) if not isinstance(inputs, Mapping) else dict(inputs)
        values = [_info(n, np.asarray(a)) for n, a in given.items()]
        if outputs_info is not None:
            results = [
                onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(d)), s)
                for n, (d, s) in zip(node.output, outputs_info, strict=True)
            ]
        else:
            bare = onnx.helper.make_graph(
                [node], "node", values, [onnx.ValueInfoProto(name=n) for n in node.output]
            )
            inferred = onnx.shape_inference.infer_shapes(onnx.helper.make_model(bare))
            results = list(inferred.graph.output)
        graph = onnx.helper.make_graph([node], "node", values, results)
        return cls.run_model(onnx.helper.make_model(graph, **options), given, device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models can be run on a device."""
        return device.partition(":")[0] == "CPU"


def _info(name: str, array: Array) -> Any:
    return onnx.helper.make_tensor_value_info(
        name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
    )


prepare = SamaraBackend.prepare
run_model = SamaraBackend.run_model
run_node = SamaraBackend.run_node
supports_device = SamaraBackend.supports_device

__all__ = ["SamaraBackend", "SamaraRep", "prepare", "run_model", "run_node", "supports_device"]
