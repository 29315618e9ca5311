"""Models that come quantized: scales that their quantize and dequantize ops give become integer arithmetic.

Frameworks mark quantization in a float graph: a tensor is quantized and at once dequantized, weights are multiples of
a scale. An operation between such marks computes with integers, at the scales of the marks. What has no integer
arithmetic stays as it is, between its dequantize and quantize ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.rewrite import ModelGraph, SignatureGraph, constant_value, copy, needed
from samara.quantize import recurrent
from samara.quantize.decide import LINEAR, data_tensors, is_real, rule_of
from samara.quantize.integer import PROBABILITY, Site, build, requantized
from samara.quantize.rewrite import Quantized
from samara.quantize.scheme import Quantization, of_range

Array = np.ndarray[Any, Any]

_RESHAPES = ("reshape", "expand_dims", "squeeze")
_CLAMPS = ("relu", "relu6", "clip")
_JOINING = ("conv2d", "depthwise_conv2d", "matmul", "add", "subtract", "multiply", "average_pool", "mean")

# Weights that a float32 product of a scale and an integer gives are that near to it.
_ULP = 2e-7
_LARGEST_WEIGHT = 128


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """What a quantize or dequantize op says: the scale, in terms of int8, and the type that it stores."""

    scale: float
    zero_point: int
    dtype: DType

    @property
    def quantization(self) -> Quantization:
        return Quantization(scale=np.float32(self.scale), zero_point=np.int32(self.zero_point))


def raise_integers(model: ModelGraph) -> Quantized | None:
    """Lets a model whose quantization is marked compute with integers; None when nothing in it is.

    Args:
        model: optimised, with `quantize` and `dequantize` ops of int8 or uint8 with one scale for a tensor.
    """
    order = sorted(
        {*needed(model.outputs), *(t.op for s in model.signatures for t in s.inputs.values())},
        key=lambda o: o.id,
    )
    if not any(_mark(op) is not None for op in order):
        return None
    rewriter = _Rewriter(model, order)
    return rewriter.run() if rewriter.sites else None


def _mark(op: Operation) -> _Mark | None:
    if op.type not in ("quantize", "dequantize") or op.control_inputs:
        return None
    if op.type == "quantize" and op.a.rounding != "native":
        return None
    stored = op.outputs[0] if op.type == "quantize" else op.inputs[0]
    assert stored is not None
    if stored.dtype not in (dtypes.int8, dtypes.uint8) or constant_value(stored) is not None:
        return None
    shift = 128 if stored.dtype is dtypes.uint8 else 0
    return _Mark(scale=float(op.a.scale), zero_point=int(op.a.zero_point) - shift, dtype=stored.dtype)


def weight_scales(weights: Array) -> Array | None:
    """The scale of each column of weights [K, O] that are multiples of one, by at most 128; None when some are not.

    A column of zeros has scale 1.
    """
    wide = np.asarray(weights, np.float64)
    scales = np.ones(wide.shape[1], np.float32)
    for column in range(wide.shape[1]):
        values = np.unique(np.abs(wide[:, column]))
        values = values[values > 0]
        if values.size == 0:
            continue
        if values.size > _LARGEST_WEIGHT:
            return None
        found = _common_scale(values)
        if found is None:
            return None
        scales[column] = found
    return scales


def _common_scale(values: Array) -> Any:
    """The largest scale of which all values, in rising order, are multiples by 1 to 128; None when there is none."""
    largest = values[-1]
    for steps in range(max(1, values.size), _LARGEST_WEIGHT + 1):
        scale = largest / steps
        counts = np.round(values / scale)
        # The largest value was rounded too; all together tell the scale better than it alone.
        better = np.float32((values * counts).sum() / (counts * counts).sum())
        counts = np.round(values / float(better))
        if counts[0] >= 1 and np.all(np.abs(counts * float(better) - values) <= _ULP * values):
            return better
    return None


class _Rewriter:
    """Copies a model operation by operation; a real tensor may then exist as integers, as real numbers, or as both."""

    def __init__(self, model: ModelGraph, order: Sequence[Operation]) -> None:
        self._model = model
        self._order = order
        self._graph = Graph()
        self._graph.reserve_names(op.name for op in order)
        self._outputs = {id(t) for t in model.outputs}
        self._readers: dict[int, list[Operation]] = {}
        for op in order:
            for tensor in op.given_inputs:
                self._readers.setdefault(id(tensor), []).append(op)
        self._integers: dict[int, Tensor] = {}
        self._plain: dict[int, Tensor] = {}
        self._quantization: dict[str, Any] = dict(model.quantization)
        self._left: list[str] = []
        self.scales: dict[int, Quantization] = {}
        self.clamps: dict[Operation, Operation] = {}
        self.sites: dict[Operation, str] = {}
        for op in order:
            self._decide(op)

    # Deciding ---------------------------------------------------------------------------------------------------

    def _decide(self, op: Operation) -> None:
        mark = _mark(op)
        if mark is not None:
            # Both sides of a mark are at its scale, whatever computes the real number.
            self.scales[id(op.outputs[0])] = mark.quantization
            return
        if (
            len(op.outputs) != 1
            or not is_real(op.outputs[0])
            or op in self.clamps.values()
            or op.control_inputs
        ):
            return
        rule, reason = rule_of(op)
        if rule in ("float_only", *recurrent.LAYERS) or not op.given_inputs:
            return
        inputs = data_tensors(op, rule)
        if not any(t is not None and id(t) in self.scales for t in inputs):
            return
        scale, clamp = self._output_scale(op, rule)
        reason = reason or self._problem(op, rule, inputs, scale)
        if reason:
            self._left.append(f"{op.type} {op.name!r}: {reason}")
            return
        assert scale is not None
        self.sites[op] = rule
        self.scales[id(op.outputs[0])] = scale
        if clamp is not None:
            self.clamps[op] = clamp
            self.scales[id(clamp.outputs[0])] = scale

    def _problem(
        self, op: Operation, rule: str, inputs: Sequence[Tensor | None], scale: Quantization | None
    ) -> str:
        if any(t is None or (id(t) not in self.scales and constant_value(t) is None) for t in inputs):
            return "an input is not quantized"
        if scale is None:
            return "its result is not quantized"
        if rule in LINEAR and self._weights(op) is None:
            return "its weights are not multiples of one scale for each output channel"
        if rule == "softmax" and (scale.scale, scale.zero_point) != (
            PROBABILITY.scale,
            PROBABILITY.zero_point,
        ):
            return "its result is not in steps of 1/256 from 0"
        return ""

    def _output_scale(self, op: Operation, rule: str) -> tuple[Quantization | None, Operation | None]:
        """The scale of what an operation writes, and the activation after it that it carries out."""
        result = op.outputs[0]
        marked = self._marked(result)
        if marked is not None:
            own = self._own_scale(op, rule)
            if own is not None and (own.scale, own.zero_point) != (marked.scale, marked.zero_point):
                return None, None
            return marked, None
        readers = self._readers.get(id(result), [])
        if (
            rule in _JOINING
            and id(result) not in self._outputs
            and len(readers) == 1
            and readers[0].type in _CLAMPS
            and not readers[0].control_inputs
            and op.attributes.get("activation", "none") == "none"
        ):
            marked = self._marked(readers[0].outputs[0])
            return marked, None if marked is None else readers[0]
        return self._own_scale(op, rule), None

    def _own_scale(self, op: Operation, rule: str) -> Quantization | None:
        """The scale that a result has by itself: what only moves elements keeps its input's."""
        if rule not in ("same", "pad"):
            return None
        return self.scales.get(id(data_tensors(op, rule)[0]))

    def _marked(self, tensor: Tensor) -> Quantization | None:
        """The one scale at which all readers quantize a tensor, or quantize what they only reshape."""
        marks: list[_Mark | None] = []
        pending = [tensor]
        while pending:
            reached = pending.pop()
            readers = self._readers.get(id(reached), [])
            if not readers or id(reached) in self._outputs:
                return None
            for reader in readers:
                if reader.type in _RESHAPES and not reader.control_inputs:
                    pending.append(reader.outputs[0])
                else:
                    marks.append(_mark(reader) if reader.type == "quantize" else None)
        if any(m is None for m in marks):
            return None
        first = marks[0]
        assert first is not None
        same = all(
            m is not None and (m.scale, m.zero_point) == (first.scale, first.zero_point) for m in marks
        )
        return first.quantization if same else None

    def _weights(self, op: Operation) -> Array | None:
        weights = constant_value(op.inputs[1])
        if weights is None:
            return None
        if op.type == "depthwise_conv2d":
            return weight_scales(weights.reshape(-1, weights.shape[2] * weights.shape[3]))
        if op.type == "matmul" and op.a.transpose_y:
            weights = np.swapaxes(weights, -1, -2)
        return weight_scales(weights.reshape(-1, weights.shape[-1]))

    # Rebuilding -------------------------------------------------------------------------------------------------

    def run(self) -> Quantized:
        """The new model."""
        copied: dict[Operation, Operation] = {}
        clamped = set(self.clamps.values())
        for op in self._order:
            after = [copied[c] for c in op.control_inputs if c in copied]
            with self._graph.source(op.source), self._graph.control_dependencies(after):
                if _mark(op) is not None:
                    self._pass_mark(op)
                elif op in self.sites:
                    self._compute(op, self.sites[op])
                elif op not in clamped:
                    inputs = [None if t is None else self._as_plain(t) for t in op.inputs]
                    for old, new in zip(op.outputs, copy(self._graph, op, inputs), strict=True):
                        self._plain[id(old)] = new
            if self._graph.operations:
                copied[op] = self._graph.operations[-1]
        signatures = tuple(
            SignatureGraph(
                name=s.name,
                inputs={n: self._plain[id(t)] for n, t in s.inputs.items()},
                outputs={n: self._as_plain(t) for n, t in s.outputs.items()},
            )
            for s in self._model.signatures
        )
        model = ModelGraph(
            graph=self._graph,
            signatures=signatures,
            initial_values=self._model.initial_values,
            quantization=self._quantization,
        )
        return Quantized(model=model, convert=None, in_float=tuple(self._left))

    def _pass_mark(self, op: Operation) -> None:
        """A mark computes nothing where integers are there already."""
        source, result = op.inputs[0], op.outputs[0]
        assert source is not None
        if op.type == "dequantize" or id(source) in self._integers:
            self._integers[id(result)] = self._as_integers(source, self.scales[id(result)])
            return
        scale = self.scales[id(result)]
        attributes = {**op.attributes, "zero_point": int(scale.zero_point), "dtype": dtypes.int8}
        plain = [self._as_plain(source)]
        made = self._graph.apply("quantize", plain, attributes, name=op.name, exact_name=True).outputs[0]
        self._keep(result, made, scale)

    def _compute(self, op: Operation, rule: str) -> None:
        clamp = self.clamps.get(op)
        scale = self.scales[id(op.outputs[0])]
        shown = self._clamping_mark(op, scale) or op if clamp is None else clamp
        if rule in ("same", "concat", "pad"):
            self._move(op, rule, scale)
            return
        inputs = data_tensors(op, rule)
        site = Site(
            op=op,
            clamp=clamp,
            graph=self._graph,
            name=shown.name,
            x=[self._as_integers(t, self._scale(t)) for t in inputs],
            scales=[self._scale(t) for t in inputs],
            y=scale,
            note=self._note,
            weights=self._weights(op) if rule in LINEAR else None,
        )
        made = build(rule, site)[0]
        self._keep(op.outputs[0], made, scale)
        self._keep(shown.outputs[0], made, scale)

    def _clamping_mark(self, op: Operation, scale: Quantization) -> Operation | None:
        """The dequantize op of a mark that has no room below or above zero, and so is an activation too."""
        if int(scale.zero_point) not in (-128, 127):
            return None
        readers = [r for r in self._readers.get(id(op.outputs[0]), []) if r.type == "quantize"]
        found = [
            d for r in readers for d in self._readers.get(id(r.outputs[0]), []) if d.type == "dequantize"
        ]
        return found[0] if found else None

    def _move(self, op: Operation, rule: str, scale: Quantization) -> None:
        inputs: list[Tensor | None] = []
        for tensor in op.inputs:
            if tensor is None or not is_real(tensor):
                inputs.append(None if tensor is None else self._as_plain(tensor))
                continue
            own = self._scale(tensor)
            integers = self._as_integers(tensor, own)
            if (own.scale, own.zero_point) != (scale.scale, scale.zero_point):
                integers = requantized(self._graph, integers, own, scale, f"{op.name}/{tensor.op.name}")
                self._note(integers, scale)
            inputs.append(integers)
        if rule == "pad":
            value = int(scale.quantize(np.asarray(op.a.value, np.float32)))
            attributes = {**op.attributes, "value": value}
            made = self._graph.apply("pad", inputs, attributes, name=op.name, exact_name=True).outputs
        else:
            made = copy(self._graph, op, inputs)
        self._keep(op.outputs[0], made[0], scale)

    def _scale(self, tensor: Tensor | None) -> Quantization:
        assert tensor is not None
        value = constant_value(tensor)
        if id(tensor) not in self.scales and value is not None:
            found = weight_scales(value.reshape(-1, 1)) if value.size else None
            fits = found is not None and np.abs(value).max(initial=0.0) <= 127 * float(found[0])
            self.scales[id(tensor)] = (
                Quantization(scale=np.float32(found[0]), zero_point=np.int32(0))
                if fits and found is not None
                else of_range(float(value.min(initial=0.0)), float(value.max(initial=0.0)))
            )
        return self.scales[id(tensor)]

    def _keep(self, old: Tensor, new: Tensor, scale: Quantization) -> None:
        self._integers[id(old)] = new
        self._note(new, scale)

    def _note(self, tensor: Tensor, scale: Quantization) -> None:
        self._quantization[tensor.name] = scale

    def _as_integers(self, tensor: Tensor | None, scale: Quantization) -> Tensor:
        assert tensor is not None
        if id(tensor) in self._integers:
            return self._integers[id(tensor)]
        value = constant_value(tensor)
        if value is not None and is_real(tensor):
            attributes: dict[str, Any] = {"value": scale.quantize(value), "dtype": dtypes.int8}
            made = self._graph.apply("constant", [], attributes, name=f"{tensor.op.name}/quantized").outputs[
                0
            ]
        elif tensor.dtype is dtypes.uint8:
            made = self._shifted(self._plain[id(tensor)], -128, dtypes.int8, f"{tensor.op.name}/signed")
        else:
            made = self._plain[id(tensor)]
        self._keep(tensor, made, scale)
        return made

    def _shifted(self, tensor: Tensor, by: int, dtype: DType, name: str) -> Tensor:
        """The same numbers in the other type of 8 bits."""
        zero_point = 128 if by < 0 else 0
        attributes = {
            "input_zero_point": zero_point,
            "multiplier": 1.0,
            "output_zero_point": zero_point + by,
            "dtype": dtype,
        }
        return self._graph.apply("requantize", [tensor], attributes, name=name).outputs[0]

    def _as_plain(self, tensor: Tensor) -> Tensor:
        """A tensor as the source has it: real numbers, or the integers that a mark stores."""
        key = id(tensor)
        if key in self._plain:
            return self._plain[key]
        integers, scale = self._integers[key], self.scales[key]
        name = f"{tensor.op.name}/dequantized"
        if tensor.dtype is dtypes.uint8:
            self._plain[key] = self._shifted(integers, 128, dtypes.uint8, f"{tensor.op.name}/unsigned")
        elif tensor.dtype is dtypes.int8:
            self._plain[key] = integers
        else:
            attributes = {
                "scale": float(scale.scale),
                "zero_point": int(scale.zero_point),
                "dtype": tensor.dtype,
            }
            self._plain[key] = self._graph.apply("dequantize", [integers], attributes, name=name).outputs[0]
        return self._plain[key]


__all__ = ["raise_integers", "weight_scales"]
