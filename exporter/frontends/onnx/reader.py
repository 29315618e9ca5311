"""Reads an ONNX model: loads it with its external data, checks it, and inlines its functions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import onnx.inliner
from google.protobuf.message import DecodeError

from samara.errors import ExportError


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model that was read.

    Attributes:
        model: without functions, with all data inside.
        origin: what it is, for people.
        path: of the file; None when it came as an object.
    """

    model: Any
    origin: str
    path: Path | None

    @property
    def opsets(self) -> dict[str, int]:
        """The version of each operator set, by domain; "" is ONNX's own."""
        return {_domain(o.domain): o.version for o in self.model.opset_import}


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def read(source: Any) -> Source:
    """Loads and checks a model.

    Args:
        source: a ModelProto, or a path.

    Raises:
        ExportError: it is damaged, or its external data is missing.
        OSError: the file cannot be read.
    """
    path: Path | None = None
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        model = _load(path)
        name = path.name
    else:
        model = onnx.ModelProto()
        model.CopyFrom(source)
        name = model.graph.name or "model"
    version = max((o.version for o in model.opset_import if _domain(o.domain) == ""), default=0)
    origin = f"ONNX opset {version}, {name}"
    if not model.graph.node and not model.graph.output:
        raise ExportError(f"{origin}: the file has no graph: is it an ONNX model?")
    if model.functions:
        model = _inlined(model, origin)
    _check(model, origin, path)
    return Source(model=model, origin=origin, path=path)


def _load(path: Path) -> Any:
    data = path.read_bytes()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ExportError(f"{path}: no ONNX model, or a damaged one of {len(data)} bytes: {error}") from error
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ExportError(f"{path}: its external data cannot be read: {error}") from error
    return model


def _inlined(model: Any, origin: str) -> Any:
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:
        raise ExportError(f"{origin}: its functions cannot be inlined: {error}") from error


def _check(model: Any, origin: str, path: Path | None) -> None:
    """Order and names of nodes and values; what ops mean is checked as they are read.

    The checker of onnx refuses models that are in use, over attributes that do not matter: only what would make the
    graph impossible to go through counts here.
    """
    known = {""} | {i.name for i in model.graph.initializer}
    known |= {i.values.name for i in model.graph.sparse_initializer} | {i.name for i in model.graph.input}
    problems = _order(model.graph, known, "")
    if problems:
        listed = "\n- ".join(problems[:20])
        raise ExportError(f"{origin}: the graph is not in order:\n- {listed}", tuple(problems))


def _order(graph: Any, known: set[str], where: str) -> list[str]:
    problems = []
    known = set(known)
    made: set[str] = set()
    everywhere = {o for n in graph.node for o in n.output}
    for node in graph.node:
        texts = [node.op_type, node.name, node.domain, *node.input, *node.output]
        if not all(isinstance(t, str) for t in texts):
            problems.append(
                f"{where}a node's name, {node.op_type!r} {node.name!r}, is no text: the file is damaged"
            )
            continue
        called = f"{where}{node.op_type} {node.name or (node.output[0] if node.output else '')!r}"
        for name in node.input:
            if name not in known:
                reason = (
                    "a later node computes it, so the graph has a cycle or is out of order"
                    if name in everywhere
                    else "nothing computes it"
                )
                problems.append(f"{called}: reads {name!r}: {reason}")
        for attribute in node.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                inner = known | {i.name for i in body.input} | {i.name for i in body.initializer}
                problems += _order(body, inner, f"{called}, ")
        for name in node.output:
            if name and name in made:
                problems.append(f"{called}: writes {name!r}, which another node writes too")
            made.add(name)
        known |= set(node.output)
    problems += [
        f"{where}output {o.name!r}: nothing computes it" for o in graph.output if o.name not in known
    ]
    return problems


__all__ = ["Source", "read"]
