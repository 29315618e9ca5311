"""The source itself as the oracle: by the reference kernels of LiteRT."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from samara.exporter.frontends.imported import Oracle, OracleError
from samara.exporter.frontends.tflite.reader import Source

Array = np.ndarray[Any, Any]


# What the reference kernels lack, or compute otherwise than TensorFlow does: LOCAL_RESPONSE_NORMALIZATION leaves the
# last channel of its window out.
_ELSEWHERE = frozenset({"CEIL", "ELU", "LOCAL_RESPONSE_NORMALIZATION", "ROUND", "SEGMENT_SUM"})


def _misread(source: Source) -> str:
    """Why the reference kernels of this LiteRT cannot be compared with: theirs of SUM takes all integers for uint8."""
    sums = (g.tensors[n.inputs[0]] for g in source.subgraphs for n in g.nodes if n.kind == "SUM" and n.inputs)
    if any(t.type in ("int8", "int16") and t.scale is not None for t in sums):
        return "its SUM takes int8 and int16 for uint8"
    return ""


def oracle_of(source: Source, *, exact: bool) -> Oracle | None:
    """What runs the file; None when LiteRT is not installed."""
    reference = not any(n.kind in _ELSEWHERE for g in source.subgraphs for n in g.nodes)
    try:
        if importlib.util.find_spec("ai_edge_litert.interpreter") is None:
            return None
    except ModuleNotFoundError:
        return None
    version = importlib.metadata.version("ai-edge-litert")
    return Oracle(
        name=f"LiteRT {version}, {'reference' if reference else 'default'} kernels",
        start=lambda: _Interpreters(source, reference).run,
        exact=exact and reference,
    )


class _Interpreters:
    """One interpreter, which keeps its state from run to run."""

    def __init__(self, source: Source, reference: bool) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._source = source
        misread = _misread(source)
        if misread:
            raise OracleError(misread)
        kernels = (
            OpResolverType.BUILTIN_REF if reference else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        # The interpreter maps the file for itself.
        source.rest()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._interpreter = Interpreter(
                    model_path=os.fspath(source.path), num_threads=1, experimental_op_resolver_type=kernels
                )
            except (RuntimeError, ValueError) as error:
                raise OracleError(str(error)) from None
        self._sizes: dict[str, tuple[tuple[int, ...], ...]] = {}
        self._runners: dict[str, Any] = {}

    def run(self, signature: str, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        """Runs a signature."""
        try:
            return self._run(signature, arrays)
        except (RuntimeError, ValueError) as error:
            raise OracleError(str(error)) from None

    def _run(self, signature: str, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        found = next(s for s in self._source.signatures if s.name == signature)
        graph = self._source.subgraphs[found.subgraph]
        given = {n: np.asarray(arrays[n], _numpy(graph, i)) for n, i in found.inputs.items()}
        if found.subgraph or len(self._source.signatures) > 1:
            if signature not in self._runners:
                self._runners[signature] = self._interpreter.get_signature_runner(signature)
            outputs: Mapping[str, Array] = self._runners[signature](**given)
            return {n: np.array(outputs[n]) for n in found.outputs}
        return self._main(found, given)

    def _main(self, signature: Any, given: Mapping[str, Array]) -> dict[str, Array]:
        interpreter = self._interpreter
        sizes = tuple(a.shape for a in given.values())
        if self._sizes.get(signature.name) != sizes:
            shapes = {d["index"]: tuple(d["shape"]) for d in interpreter.get_input_details()}
            for name, index in signature.inputs.items():
                if shapes[index] != given[name].shape:
                    interpreter.resize_tensor_input(index, given[name].shape)
            interpreter.allocate_tensors()
            self._sizes[signature.name] = sizes
        for name, index in signature.inputs.items():
            interpreter.set_tensor(index, given[name])
        interpreter.invoke()
        return {n: np.array(interpreter.get_tensor(i)) for n, i in signature.outputs.items()}


def _numpy(graph: Any, index: int) -> Any:
    dtype = graph.tensors[index].dtype
    return None if dtype is None else dtype.numpy


__all__ = ["oracle_of"]
