"""What an exported model can be asked to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samara.errors import shown
from samara.graph.graph import Operation, Tensor


@dataclass(frozen=True)
class Signature:
    """One thing that an exported model can be asked to run.

    Attributes:
        outputs: a tensor, a list of tensors, or tensors by name. A tensor without a name takes its operation's.
        inputs: tensors, or tensors by name; all placeholders that the outputs need when None. Any tensor can be an
            input: what computes it is left out.
        shapes: for an input's name, the shape to export it with, for dimensions that the graph leaves unknown:
            numbers, or `Dim(name, minimum, maximum)` for one that may change between runs.
        name: what the device calls it.
    """

    outputs: Any
    inputs: Any = None
    shapes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    name: str = "main"


def named(tensors: Any) -> dict[str, Tensor]:
    """Tensors by name, from a tensor, a list of them or a mapping; variables count as tensors.

    Raises:
        TypeError: something is not a tensor.
        ValueError: two have one name.
    """
    pairs: list[tuple[str | None, Any]]
    if isinstance(tensors, Mapping):
        pairs = list(tensors.items())
    elif isinstance(tensors, (list, tuple)):
        pairs = [(None, t) for t in tensors]
    else:
        pairs = [(None, tensors)]
    found: dict[str, Tensor] = {}
    for name, value in pairs:
        tensor = value.as_graph_tensor() if hasattr(value, "as_graph_tensor") else value
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{shown(value)} is not a tensor of a Samara graph{_instead(value)}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{name!r} is no name for a tensor: give a text, as in {{'y': tensor}}")
        suffix = f"_{tensor.index}" if tensor.index else ""
        key = name if name is not None else f"{tensor.op.name}{suffix}"
        if key in found:
            raise ValueError(f"two tensors are called {key!r}: give names, {{'name': tensor}}")
        found[key] = tensor
    return found


def _instead(value: Any) -> str:
    """What to give for something that is often meant."""
    if isinstance(value, type):
        return f": give an instance of {value.__name__}"
    if isinstance(value, str):
        return f": give the tensor, as graph.get_tensor_by_name('{value}:0') finds it"
    if isinstance(value, Operation):
        return f": give its output, {value.name}.outputs[0]" if value.outputs else ""
    if type(value).__module__.split(".")[0] == "torch":
        return ": give the torch.nn.Module, with inputs="
    if hasattr(value, "__array__"):
        return ", but its value: give the tensor"
    return ""


__all__ = ["Signature", "named"]
