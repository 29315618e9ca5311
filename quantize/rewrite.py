"""From a float model to one that computes with integers: decide, calibrate, rebuild."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.graph import dtypes
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.rewrite import ModelGraph, SignatureGraph, Visit, constant_value, copy, transform
from samara.quantize import recurrent
from samara.quantize.calibrate import calibrate
from samara.quantize.decide import Decisions, data_tensors, decide, is_real
from samara.quantize.integer import PROBABILITY, Site, build, requantized
from samara.quantize.observers import MinMax
from samara.quantize.scheme import Int8, Quantization, of_range

Array = np.ndarray[Any, Any]
Sample = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """The result of a quantization.

    Attributes:
        model: computes with integers where it can. A tensor that stands for one of the float model has its name.
        convert: `convert(name, array)` gives what the file takes for an input of the float model; None when
            that is the same.
        in_float: what still computes with real numbers, and why, one text each.
        bodies: the same of the branches of conds and the steps of loops, one text for each.
    """

    model: ModelGraph
    convert: Callable[[str, Array], Array] | None
    in_float: tuple[str, ...]
    bodies: tuple[str, ...] = ()


def quantize_model(model: ModelGraph, options: Int8 | str, samples: Sequence[Sequence[Sample]]) -> Quantized:
    """Quantizes a frozen float model to int8.

    Args:
        model: the float model, optimised.
        options: "int8", or choices.
        samples: for each signature, arrays by input name, on which ranges are measured.

    Raises:
        QuantizationError: it cannot be done as asked.
    """
    if options == "int8":
        options = Int8()
    if not isinstance(options, Int8):
        raise TypeError(f"quantize={options!r}: expected 'int8' or a samara.quantize.Int8")
    model = transform(model, _as_product) or model
    decisions = decide(model, options)
    demanded = _demanded(model, decisions, options)
    with_cells = [op for op, rule in decisions.rules.items() if rule == "lstm"]
    ranges, cells = calibrate(model, _to_observe(decisions, demanded), with_cells, samples)
    if options.inputs == "int8":
        _unite_inputs(model, ranges)
    return _Rewriter(model, decisions, demanded, ranges, cells, options).run()


def _as_product(visit: Visit) -> list[Tensor] | None:
    """A division by constants, which integers have no arithmetic for, as a product."""
    x, divisor = visit.inputs if visit.op.type == "divide" else (None, None)
    value = constant_value(divisor)
    if x is None or not is_real(x) or value is None or value.size == 1 or not np.all(value):
        return None
    factor = (1.0 / value.astype(np.float64)).astype(value.dtype)
    return (
        visit.make("multiply", [x, visit.constant(factor, "reciprocal")])
        if np.isfinite(factor).all()
        else None
    )


def _demanded(model: ModelGraph, decisions: Decisions, options: Int8) -> dict[int, Tensor]:
    """The tensors that are needed as integers, by identity."""
    found: dict[int, Tensor] = {}
    for op, rule in decisions.rules.items():
        tensors = list(op.given_inputs[:1]) if rule == "order" else data_tensors(op, rule)
        found.update({id(t): t for t in tensors})
    if options.outputs == "int8":
        found.update({id(t): t for t in model.outputs if is_real(t)})
    if options.inputs == "int8":
        found.update({id(t): t for s in model.signatures for t in s.inputs.values() if is_real(t)})
    return found


def _to_observe(decisions: Decisions, demanded: Mapping[int, Tensor]) -> list[Tensor]:
    """The tensors whose range decides their scale."""
    wanted = [t for op in decisions.rules for t in op.outputs if is_real(t)]
    wanted += [t for t in demanded.values() if t.op not in decisions.rules]
    layers = [op for op, rule in decisions.rules.items() if rule in recurrent.LAYERS]
    wanted += [t for op in layers for t in recurrent.observed(op) if is_real(t)]
    unique = {id(t): t for t in wanted if constant_value(t) is None}
    return sorted(unique.values(), key=lambda t: (t.op.id, t.index))


def _unite_inputs(model: ModelGraph, ranges: dict[str, MinMax]) -> None:
    """One scale for inputs of one name, so that a caller need not know the signature."""
    by_name: dict[str, MinMax] = {}
    for signature in model.signatures:
        for name, tensor in signature.inputs.items():
            if tensor.name in ranges:
                first = by_name.setdefault(name, ranges[tensor.name])
                first.merge(ranges[tensor.name])
                ranges[tensor.name] = first


class _Rewriter:
    """Copies a model operation by operation; a tensor may then exist as integers, as real numbers, or as both."""

    def __init__(
        self,
        model: ModelGraph,
        decisions: Decisions,
        demanded: Mapping[int, Tensor],
        ranges: Mapping[str, MinMax],
        cells: Mapping[Operation, float],
        options: Int8,
    ) -> None:
        self._model = model
        self._decisions = decisions
        self._demanded = demanded
        self._ranges = ranges
        self._cells = cells
        self._options = options
        self._graph = Graph()
        self._integers: dict[int, Tensor] = {}
        self._plain: dict[int, Tensor] = {}
        self._scales: dict[int, Quantization] = {}
        self._quantization: dict[str, Any] = dict(model.quantization)
        self._graph.reserve_names(op.name for op in decisions.order)

    def run(self) -> Quantized:
        """The new model."""
        copied: dict[Operation, Operation] = {}
        for op in self._decisions.order:
            after = [copied[c] for c in op.control_inputs if c in copied]
            with self._graph.source(op.source), self._graph.control_dependencies(after):
                self._rewrite(op)
            if self._graph.operations:
                copied[op] = self._graph.operations[-1]
        signatures = tuple(self._signature(s) for s in self._model.signatures)
        model = ModelGraph(
            graph=self._graph,
            signatures=signatures,
            initial_values=self._model.initial_values,
            quantization=self._quantization,
        )
        return Quantized(
            model=model,
            convert=self._convert(),
            in_float=tuple(self._decisions.left),
            bodies=tuple(self._decisions.bodies),
        )

    # One operation ----------------------------------------------------------------------------------------------

    def _rewrite(self, op: Operation) -> None:
        rule = self._decisions.rules.get(op)
        if op in self._decisions.clamped or op in self._decisions.absorbed:
            return
        if rule is None:
            self._copy(op)
        elif rule == "order":
            self._keep(op, copy(self._graph, op, [self._as_integers(t) for t in op.given_inputs]))
        elif rule in ("same", "concat", "pad"):
            self._move(op, rule)
        elif rule in recurrent.LAYERS:
            self._recur(op, rule)
        else:
            self._compute(op, rule)

    def _compute(self, op: Operation, rule: str) -> None:
        clamp = self._decisions.clamps.get(op)
        shown = op if clamp is None else clamp
        result = shown.outputs[0]
        site = self._site(op, rule, clamp, shown.name, result)
        self._keep_integers(result, build(rule, site)[0])

    def _site(self, op: Operation, rule: str, clamp: Operation | None, name: str, result: Tensor) -> Site:
        inputs = data_tensors(op, rule)
        return Site(
            op=op,
            clamp=clamp,
            graph=self._graph,
            name=name,
            x=[self._as_integers(t) for t in inputs],
            scales=[self._scale(t) for t in inputs],
            y=self._scale(result),
            note=self._note,
        )

    def _recur(self, op: Operation, rule: str) -> None:
        """A recurrent layer. What it keeps as int16 between its steps is real numbers for whoever reads those."""
        site = self._site(op, rule, None, op.name, op.outputs[0])
        state, lengths = recurrent.state_of(op), recurrent.lengths_of(op)
        lengths = None if lengths is None else self._plain[id(lengths)]
        kept = None
        if rule == "lstm":
            kept = recurrent.cell_quantization(self._cells[op])
            cell = self._quantized(op, recurrent.cell_of(op), kept, dtypes.int16)
            state = self._quantized(op, state, site.y, dtypes.int8)
            made = recurrent.lstm(site, state, cell, lengths, recurrent.bits_of(kept))
        elif rule == "gru":
            whole = self._state_range([op])
            kept = recurrent.kept_quantization(max(-whole.low, whole.high))
            state = self._quantized(op, state, kept, dtypes.int16)
            made = recurrent.gru(site, state, lengths, recurrent.bits_of(kept))
        else:
            made = recurrent.rnn(site, self._quantized(op, state, site.y, dtypes.int8), lengths)
        for old, new in zip(recurrent.states(op), made, strict=False):
            self._keep_integers(old, new)
        if kept is not None:
            old, new = op.outputs[-1], made[-1]
            self._note(new, kept)
            attributes = {"scale": float(kept.scale), "dtype": old.dtype}
            name = f"{op.name}/{'cell' if rule == 'lstm' else 'state'}"
            self._plain[id(old)] = self._graph.apply("dequantize", [new], attributes, name=name).outputs[0]

    def _quantized(
        self, op: Operation, tensor: Tensor | None, scale: Quantization, dtype: Any
    ) -> Tensor | None:
        """A state before the first step, as the layer has it."""
        if tensor is None:
            return None
        attributes = {"scale": float(scale.scale), "zero_point": int(scale.zero_point), "dtype": dtype}
        name = f"{op.name}/{tensor.op.name}"
        made = self._graph.apply("quantize", [self._as_plain(tensor, op)], attributes, name=name).outputs[0]
        self._note(made, scale)
        return made

    def _move(self, op: Operation, rule: str) -> None:
        """An operation that computes nothing runs on integers as it does on anything else."""
        scale = self._scale(op.outputs[0])
        inputs: list[Tensor | None] = []
        for tensor in op.inputs:
            if tensor is None or not is_real(tensor):
                inputs.append(None if tensor is None else self._plain[id(tensor)])
                continue
            integers = self._as_integers(tensor)
            if rule == "concat":
                integers = self._rescaled(op, tensor, integers, scale)
            inputs.append(integers)
        if rule == "pad":
            value = int(scale.quantize(np.asarray(op.a.value, np.float32)))
            made = self._graph.apply(
                "pad", inputs, {**op.attributes, "value": value}, name=op.name, exact_name=True
            ).outputs
        else:
            made = copy(self._graph, op, inputs)
        for old, new in zip(op.outputs, made, strict=True):
            self._keep_integers(old, new)

    def _rescaled(self, op: Operation, tensor: Tensor, integers: Tensor, scale: Quantization) -> Tensor:
        own = self._scale(tensor)
        if own.scale == scale.scale and own.zero_point == scale.zero_point:
            return integers
        made = requantized(self._graph, integers, own, scale, f"{op.name}/{tensor.op.name}")
        self._note(made, scale)
        return made

    def _copy(self, op: Operation) -> None:
        """An operation that stays as it is, on real numbers where it reads integers."""
        if op.type == "placeholder" and self._options.inputs == "int8" and is_real(op.outputs[0]):
            attributes = {**op.attributes, "dtype": dtypes.int8}
            made = self._graph.apply("placeholder", [], attributes, name=op.name, exact_name=True).outputs
            self._keep_integers(op.outputs[0], made[0])
            return
        inputs = [None if t is None else self._as_plain(t, op) for t in op.inputs]
        renamed = len(op.outputs) == 1 and self._is_quantized_after(op.outputs[0])
        name = f"{op.name}/float" if renamed else None
        self._keep(op, copy(self._graph, op, inputs, name=name))

    def _is_quantized_after(self, tensor: Tensor) -> bool:
        """Whether a tensor of real numbers is also needed as integers, which then take its name."""
        return id(tensor) in self._demanded and tensor.op.type not in ("constant", "variable")

    def _keep(self, op: Operation, made: Sequence[Tensor]) -> None:
        for old, new in zip(op.outputs, made, strict=True):
            self._plain[id(old)] = new

    def _keep_integers(self, old: Tensor, new: Tensor) -> None:
        self._integers[id(old)] = new
        self._note(new, self._scale(old))

    def _note(self, tensor: Tensor, scale: Quantization) -> None:
        self._quantization[tensor.name] = scale

    # A tensor in either form ------------------------------------------------------------------------------------

    def _as_plain(self, tensor: Tensor, reader: Operation | None) -> Tensor:
        if id(tensor) not in self._plain:
            integers = self._integers[id(tensor)]
            if reader is not None and reader.type == "shape":
                return integers
            scale = self._scale(tensor)
            attributes = {
                "scale": float(scale.scale),
                "zero_point": int(scale.zero_point),
                "dtype": tensor.dtype,
            }
            name = f"{tensor.op.name}/dequantized"
            self._plain[id(tensor)] = self._graph.apply(
                "dequantize", [integers], attributes, name=name
            ).outputs[0]
        return self._plain[id(tensor)]

    def _as_integers(self, tensor: Tensor | None) -> Tensor:
        assert tensor is not None
        if id(tensor) in self._integers:
            return self._integers[id(tensor)]
        scale = self._scale(tensor)
        value = constant_value(tensor)
        if value is not None:
            name = f"{tensor.op.name}/quantized"
            attributes: dict[str, Any] = {"value": scale.quantize(value), "dtype": dtypes.int8}
            made = self._graph.apply("constant", [], attributes, name=name).outputs[0]
        else:
            shown = self._is_quantized_after(tensor) and len(tensor.op.outputs) == 1
            name = tensor.op.name if shown else f"{tensor.op.name}/quantized"
            attributes = {"scale": float(scale.scale), "zero_point": int(scale.zero_point)}
            given = [self._plain[id(tensor)]]
            made = self._graph.apply("quantize", given, attributes, name=name, exact_name=shown).outputs[0]
        self._note(made, scale)
        if tensor.op.type != "variable":  # a variable may have another value when it is read again
            self._integers[id(tensor)] = made
        return made

    def _scale(self, tensor: Tensor | None) -> Quantization:
        assert tensor is not None
        key = id(tensor)
        if key not in self._scales:
            self._scales[key] = self._choose_scale(tensor)
        return self._scales[key]

    def _choose_scale(self, tensor: Tensor) -> Quantization:
        value = constant_value(tensor)
        if value is not None:
            return of_range(float(value.min(initial=0.0)), float(value.max(initial=0.0)))
        if id(tensor) in self._decisions.shared:
            return self._scale(self._decisions.shared[id(tensor)])
        rule = self._decisions.rules.get(tensor.op)
        if rule in ("same", "pad"):
            return self._scale(data_tensors(tensor.op, rule)[0])
        if rule in recurrent.LAYERS:
            if tensor.index > 0:
                return self._scale(tensor.op.outputs[0])
            return self._state_scale([tensor.op])
        if rule == "concat" and self._decisions.joins_states(tensor.op):
            return self._state_scale([t.op for t in tensor.op.given_inputs])
        if rule == "softmax":
            return PROBABILITY
        return self._ranges[tensor.name].quantization()

    def _state_scale(self, layers: Sequence[Operation]) -> Quantization:
        whole = self._state_range(layers)
        return recurrent.state_quantization(whole.low, whole.high)

    def _state_range(self, layers: Sequence[Operation]) -> MinMax:
        """Of all states of recurrent layers: those before the first step, if any are given, and after each."""
        whole = MinMax()
        for op in layers:
            given = recurrent.state_of(op)
            value = constant_value(given)
            if value is not None:
                whole.observe(value, op.name)
            for tensor in (
                recurrent.states(op) if given is None or value is not None else (*recurrent.states(op), given)
            ):
                whole.merge(self._ranges[tensor.name])
        return whole

    # The ends ---------------------------------------------------------------------------------------------------

    def _signature(self, signature: SignatureGraph) -> SignatureGraph:
        integers = self._options.inputs == "int8"
        inputs = {
            name: self._integers[id(t)] if integers and is_real(t) else self._plain[id(t)]
            for name, t in signature.inputs.items()
        }
        outputs = {name: self._output(t) for name, t in signature.outputs.items()}
        return SignatureGraph(name=signature.name, inputs=inputs, outputs=outputs)

    def _output(self, tensor: Tensor) -> Tensor:
        with self._graph.source(tensor.op.source):
            if self._options.outputs == "int8" and is_real(tensor):
                return self._as_integers(tensor)
            return self._as_plain(tensor, None)

    def _convert(self) -> Callable[[str, Array], Array] | None:
        if self._options.inputs != "int8":
            return None
        scales = {
            name: self._scale(t) for s in self._model.signatures for name, t in s.inputs.items() if is_real(t)
        }

        def convert(name: str, array: Array) -> Array:
            if name not in scales or array.dtype.kind != "f":
                return array
            return scales[name].quantize(array)

        return convert


__all__ = ["Quantized", "quantize_model"]
