"""What a handler sees of a node of a `.tflite` file: its kind, its options, and its tensors with their scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samara.exporter.frontends.imported import Problems
from samara.graph.builder import Builder
from samara.graph.dtypes import DType
from samara.graph.graph import Tensor

Array = np.ndarray[Any, Any]


class Unsupported(Exception):  # noqa: N818
    """A node that cannot be imported; the reader notes it as a problem and goes on.

    Args:
        what: what is not supported or wrong: what was expected, what was found.
        mend: what to change.
    """

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


@dataclass(frozen=True, kw_only=True)
class Operand:
    """An input or an output of a node.

    Attributes:
        name: of the tensor in the file.
        dtype: of the tensor in the file.
        shape: of the tensor in the file: numbers, or dimensions.
        tensor: in the graph; None for an output, which the handler makes.
        value: what a constant holds; None for what is computed.
        scale: float32, one number or one for each index along `axis`; None when the tensor is not quantized.
        zero_point: int64, as many.
        axis: the axis that several scales go along.
    """

    name: str
    dtype: DType
    shape: tuple[Any, ...]
    tensor: Tensor | None = None
    value: Array | None = None
    scale: Array | None = None
    zero_point: Array | None = None
    axis: int = 0

    @property
    def data(self) -> Tensor:
        """The tensor of an input."""
        assert self.tensor is not None
        return self.tensor


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of the file.

    Attributes:
        kind: the name of the builtin operator, as "CONV_2D".
        where: kind and place, for messages.
        inputs: None for an absent optional one.
        outputs: what must be made.
        options: the options of the node by their names in the schema, as "fused_activation_function"; words of the
            schema's enumerations in lower case.
        intermediates: tensors that only say a scale.
    """

    kind: str
    where: str
    inputs: Sequence[Operand | None]
    outputs: Sequence[Operand]
    options: Mapping[str, Any] = field(default_factory=dict)
    intermediates: Sequence[Operand] = ()

    def input(self, index: int) -> Operand:
        """An input that must be there."""
        found = self.optional(index)
        if found is None:
            raise Unsupported(f"input {index} is missing")
        return found

    def optional(self, index: int) -> Operand | None:
        """An input that may be absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> Operand:
        """The first output."""
        return self.outputs[0]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What handlers build with.

    Attributes:
        b: builds ops.
        problems: collects what is not supported.
        updates: tensors of the file that keep their values from run to run, with what a handler writes to them; the
            reader lets the outputs wait for the writes.
    """

    b: Builder
    problems: Problems
    updates: list[tuple[Operand, Tensor]] = field(default_factory=list)


__all__ = ["Node", "Operand", "Reading", "Unsupported"]
