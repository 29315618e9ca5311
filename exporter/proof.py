"""The evidence that a file computes what its source does: both are run on the same samples and compared layer by layer.

Two comparisons are made for each tensor that an op of the file writes, and the first also for what state holds after
each run. Against the graph that was written, run by a session: integers must be equal, floats within a tolerance; this
holds for every file. An op that makes integers of real numbers is compared on the numbers that the file has there, and
the session goes on from the file's integers: a difference in the last place of a float could otherwise round the other
way. It goes on from the file's float16 numbers as well, so that each op is held to its own rounding. Against the source
graph, where it has a tensor of the same name: within the tolerance for a float file, a measurement for a quantized one.
What is computed strip by strip is one layer, of which each strip is compared.
"""

from __future__ import annotations

import collections
import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.exporter.endpoints import TURNED
from samara.exporter.freeze import Frozen
from samara.exporter.lower import LoweredModel, LoweredProgram
from samara.exporter.passes.channels_last import SUFFIX, to_last
from samara.graph import dims
from samara.graph.dtypes import float16
from samara.graph.execution.config import ConfigProto
from samara.graph.execution.session import Session, compute
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.progress import progress
from samara.graph.rewrite import ModelGraph, Rows, needed, with_bodies
from samara.pyruntime.abilities import instruction_sets
from samara.pyruntime.model import Context, Model

Array = np.ndarray[Any, Any]
Sample = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LayerError:
    """How far one layer of the file is from the written graph and from the source, over all samples.

    Attributes:
        signature, name, op: which tensor, and the op that writes it, or its strips.
        exact: whether it must be equal to the written graph's, being of integers.
        error: the largest difference from the written graph, over the largest magnitude there.
        source_error: the same against the source; None where the source has no such tensor.
        signal_to_noise: of the tensor against the source, in decibels; None as before.
    """

    signature: str
    name: str
    op: str
    exact: bool
    error: float
    source_error: float | None
    signal_to_noise: float | None


# float32 keeps fewer digits of numbers below about 1e-38: nothing is held to seven digits of them.
_LEAST_MAGNITUDE = 1e-31

# How much is compared at a time: what that takes fits a processor's cache.
_BLOCK_ELEMENTS = 1 << 14


class Measure:
    """Accumulates how far arrays are from what was expected."""

    def __init__(self) -> None:
        self.difference = 0.0
        self.magnitude = 0.0
        self.noise = 0.0
        self.signal = 0.0

    def add(self, found: Array, expected: Array, *, again: bool = False) -> None:
        """Counts in one pair of arrays of one shape; NaN equals NaN, and differs from all else by infinity.

        What is there `again` is no more signal and no more noise.
        """
        noise, signal = self.noise, self.signal
        # Bits that were given as numbers can be a NaN that signals, as soon as they are converted.
        with np.errstate(invalid="ignore"):
            blocks = np.nditer(
                [found, expected],
                ["buffered", "external_loop", "zerosize_ok"],
                [["readonly"], ["readonly"]],
                [np.float64, np.float64],
                casting="unsafe",
                buffersize=_BLOCK_ELEMENTS,
            )
            for a, b in blocks:
                self._add(a, b)
        if again:
            self.noise, self.signal = noise, signal

    def _add(self, a: Array, b: Array) -> None:
        difference = np.abs(a - b)
        # Infinities of one sign are equal, too.
        difference[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
        difference[np.isnan(difference)] = np.inf
        finite = np.abs(b[np.isfinite(b)])
        self.difference = max(self.difference, float(difference.max(initial=0.0)))
        self.magnitude = max(self.magnitude, float(finite.max(initial=0.0)))
        self.noise += float(np.square(difference).sum())
        self.signal += float(np.square(finite).sum())

    @property
    def relative(self) -> float:
        """The largest difference, over the largest magnitude that was expected."""
        if self.difference == 0.0:
            return 0.0
        return self.difference / max(self.magnitude, _LEAST_MAGNITUDE) if self.magnitude else self.difference

    @property
    def decibels(self) -> float:
        """The ratio of signal to noise."""
        if self.noise == 0.0:
            return float("inf")
        return 10.0 * float(np.log10(max(self.signal, 1e-300) / self.noise))


def seeded_sample(
    inputs: Mapping[str, Tensor], seed: int = 0, *, quantized: Collection[str] = ()
) -> dict[str, Array]:
    """Reproducible values for a signature's inputs, at the largest dimensions.

    Floats are standard normal; int8 and uint8 span their range, and so do the tensors named by `quantized`; other
    wider integers are 0 or 1, which are valid indices nearly everywhere.
    """
    generator = np.random.default_rng(seed)
    sample = {}
    for name, tensor in inputs.items():
        values = {s: s.maximum for d in tensor.shape or () for s in dims.symbols_of(d)}
        shape = tuple(dims.evaluate(d, values) for d in tensor.shape or ())
        kind = tensor.dtype.numpy
        if tensor.dtype.is_floating:
            sample[name] = generator.standard_normal(shape).astype(kind)
        elif tensor.dtype.is_integer and (tensor.dtype.size == 1 or tensor.name in quantized):
            limits = np.iinfo(kind)
            sample[name] = generator.integers(limits.min, limits.max, shape, kind, endpoint=True)
        else:
            sample[name] = generator.integers(0, 2, shape).astype(kind)
    return sample


def prove(
    runtime: Model,
    lowered: LoweredModel,
    model: ModelGraph,
    frozen: Frozen,
    samples: Sequence[Sequence[Sample]],
    convert: Any = None,
    ran: set[int] | None = None,
) -> tuple[LayerError, ...]:
    """Runs the file, the written graph and the source on samples.

    Args:
        runtime: the file, loaded.
        lowered: what was written.
        model: the graph that was written.
        frozen: the source and its session.
        samples: for each signature, the samples in terms of the source's inputs.
        convert: `convert(name, array)` gives the file's input for the source's; None when they are the same.
        ran: gets the numbers of the bodies that some sample has run.
    """
    written = _session(model.graph, model.initial_values)
    order = needed([t for outputs in frozen.outputs for t in outputs.values()])
    by_name = {op.name: op for op in order}
    source = _session(frozen.source, _values(frozen.session, order))
    context = proving_context(runtime, model)
    errors: list[LayerError] = []
    for index, program in enumerate(lowered.programs):
        outputs = {id(t): frozen.outputs[index][n] for n, t in program.signature.outputs.items()}
        layers: dict[str, _Layer] = {}
        rows = [
            _Row(program, t, outputs.get(id(t)), by_name, model, layers)
            for op in program.ops
            for t in _compared(op)
        ]
        states = {name: Measure() for name in model.initial_values}
        for sample in progress(samples[index], "proving"):
            fed = {n: (convert(n, np.asarray(a)) if convert else a) for n, a in sample.items()}
            arrays = {
                n: np.asarray(a, program.signature.inputs[n].dtype.numpy, order="C") for n, a in fed.items()
            }
            feeds = {program.signature.inputs[n]: a for n, a in arrays.items()}
            fed_source = {frozen.inputs[index][n]: a for n, a in sample.items()}
            _Comparison(program, rows, written, feeds, source, fed_source, ran).run(context, arrays)
            for name, kept in context.observed_states().items():
                states[name].add(kept, written.variables[name])
        errors += [layer.result() for layer in layers.values()]
        errors += [
            LayerError(
                signature=program.signature.name,
                name=f"{name}:0",
                op="state after the run",
                exact=not np.issubdtype(model.initial_values[name].dtype, np.floating),
                error=measure.relative,
                source_error=None,
                signal_to_noise=None,
            )
            for name, measure in states.items()
        ]
    return tuple(errors)


def proving_context(runtime: Model, model: ModelGraph) -> Context:
    """A context that sums products of float16 as float32, as sessions do, where the processor offers less."""
    sums = model.precision == "float16" and instruction_sets().get("neonfp16", False)
    return runtime.context(isa="neon" if sums else None)


class _Comparison:
    """One run of the file, with the written graph and the source keeping step: no more is held than each needs."""

    def __init__(
        self,
        program: LoweredProgram,
        rows: Sequence[_Row],
        written: Session,
        feeds: Mapping[Tensor, Any],
        source: Session,
        source_feeds: Mapping[Tensor, Any],
        ran: set[int] | None,
    ) -> None:
        self._program = program
        self._rows = {id(r.tensor): r for r in rows}
        self._ran = ran
        self._places = {id(t): i for i, t in enumerate(program.tensors)}
        self._written = written.trace([r.tensor for r in rows], feeds)
        self._expected: Array | None = None
        self._source = source.trace([r.source for r in rows if r.source is not None], source_feeds)
        self._originals: dict[int, Array] = {}
        self._original_uses = Counter(id(r.source) for r in rows if r.source is not None)
        # What integers are made of, as the file has it: until the operation that makes them.
        self._found: dict[int, Array] = {id(t): np.asarray(a) for t, a in feeds.items()}
        computed = {id(t) for op in program.ops for t in op.outputs}
        self._apart = {id(r.tensor) for r in rows if _makes_integers(r.tensor.op, computed)}
        self._onward = self._apart | {id(r.tensor) for r in rows if r.tensor.dtype is float16}
        self._found_uses = Counter(
            id(t) for r in rows if id(r.tensor) in self._apart for t in r.tensor.op.given_inputs
        )

    def run(self, context: Context, arrays: Mapping[str, Array]) -> None:
        """Runs the file; each row gets the comparison of its tensor as soon as the file has it."""

        def look(op: int, nanoseconds: int, signature: int) -> None:
            for tensor in self._program.ops[op].outputs:
                if id(tensor) in self._rows or id(tensor) in self._found_uses:
                    # Only what is looked at again, when other ops have run, is worth a copy.
                    kept = id(tensor) in self._found_uses or id(tensor) in self._onward
                    place = self._places[id(tensor)]
                    self._found[id(tensor)] = context.observed_tensor(signature, place, copy=kept)
            for tensor in _compared(self._program.ops[op]):
                row, found = self._rows[id(tensor)], self._found[id(tensor)]
                row.add(found, self._wanted(row, found), self._original(row))
                if id(tensor) not in self._found_uses:
                    del self._found[id(tensor)]

        def note(body: int, op: int, nanoseconds: int) -> None:
            if self._ran is not None:
                self._ran.add(body)

        context.observe(look, signature=self._program.signature.name, bodies=note, **arrays)
        # Writes of variables may come after the last row.
        with contextlib.suppress(StopIteration):
            self._written.send(self._expected)
        for rest in (self._written, self._source):
            collections.deque(rest, maxlen=0)

    def _wanted(self, row: _Row, found: Array) -> Array:
        """What the written graph has; it goes on from the file's integers, and from its float16."""
        tensor, expected = self._written.send(self._expected)
        self._expected = found if id(row.tensor) in self._onward else None
        assert tensor is row.tensor
        operation = row.tensor.op
        inputs = [
            t.op.a.value if t.op.type == "constant" else self._found.get(id(t))
            for t in operation.given_inputs
        ]
        if id(row.tensor) in self._apart:
            if all(i is not None for i in inputs):
                expected = compute(operation, inputs)[0]
            else:
                self._expected = None
            self._forget(operation)
        return expected

    def _forget(self, operation: Operation) -> None:
        """Lets go of what integers were made of, when all are made."""
        for tensor in operation.given_inputs:
            self._found_uses[id(tensor)] -= 1
            if not self._found_uses[id(tensor)]:
                self._found.pop(id(tensor), None)

    def _original(self, row: _Row) -> Array | None:
        if row.source is None:
            return None
        while id(row.source) not in self._originals:
            tensor, value = next(self._source)
            self._originals[id(tensor)] = value
        self._original_uses[id(row.source)] -= 1
        if self._original_uses[id(row.source)]:
            return self._originals[id(row.source)]
        return self._originals.pop(id(row.source))


def _compared(op: Operation) -> Sequence[Tensor]:
    """The outputs of an op that are compared: those of one op of the table agree or differ together."""
    return op.outputs if op.bodies else op.outputs[:1]


def _makes_integers(op: Operation, computed: Collection[int]) -> bool:
    """Whether an op turns real numbers that another op has computed into integers or truth values."""
    return (
        len(op.outputs) == 1
        and not op.stateful
        and not op.outputs[0].dtype.is_floating
        and len(op.given_inputs) == len(op.inputs)
        and any(t.dtype.is_floating and id(t) in computed for t in op.inputs if t is not None)
    )


class _Layer:
    """Tensors of the file that are one layer: a single one, or the strips that it is computed in."""

    def __init__(self, signature: str, name: str, tensor: Tensor) -> None:
        self.signature = signature
        self.name = name
        self.op = tensor.op.type
        self.exact = not tensor.dtype.is_floating
        self.written = Measure()
        self.source = Measure()
        self.compared = False

    def result(self) -> LayerError:
        return LayerError(
            signature=self.signature,
            name=self.name,
            op=self.op,
            exact=self.exact,
            error=self.written.relative,
            source_error=self.source.relative if self.compared else None,
            signal_to_noise=self.source.decibels if self.compared else None,
        )


class _Row:
    """An output of an op of a program, what it is compared with, and the layer that this counts for."""

    def __init__(
        self,
        program: LoweredProgram,
        tensor: Tensor,
        output: Tensor | None,
        source: Mapping[str, Operation],
        model: ModelGraph,
        layers: dict[str, _Layer],
    ) -> None:
        self.tensor = tensor
        self.quantization = model.quantization.get(tensor.name)
        self.rows = model.rows.get(tensor.name)
        name = tensor.name if self.rows is None else self.rows.layer
        self.source = _source_tensor(source, tensor, name, output, self.quantization is not None, self.rows)
        self.layer = layers.setdefault(name, _Layer(program.signature.name, name, tensor))
        self.layer.compared |= self.source is not None

    def add(self, found: Array, expected: Array, original: Array | None) -> None:
        self.layer.written.add(found, expected)
        if original is not None:
            if SUFFIX in self.layer.name:
                original = np.transpose(original, to_last(original.ndim))
            if self.rows is not None:
                original = original[:, self.rows.first : self.rows.end]
            real = found if self.quantization is None else self.quantization.dequantize(found)
            # Strips are moved and joined by ops of other kinds than the one that computes them.
            self.layer.source.add(real, original, again=self.tensor.op.type != self.layer.op)


def _source_tensor(
    source: Mapping[str, Operation],
    tensor: Tensor,
    layer: str,
    output: Tensor | None,
    quantized: bool,
    rows: Rows | None,
) -> Tensor | None:
    """The source's tensor with the values of one of the file; channels may be last in the file alone.

    It has the name of the layer; or it is the output of a signature that the other is.
    """
    name, _, index = layer.rpartition(":")
    operation = source.get(name.replace(SUFFIX, ""))
    if operation is not None and int(index) < len(operation.outputs):
        found = operation.outputs[int(index)]
    elif output is not None and TURNED not in layer:
        found = output
    else:
        return None
    if found.dtype.is_floating != (tensor.dtype.is_floating or quantized):
        return None
    if SUFFIX in layer and (found.shape is None or len(found.shape) < 3):
        return None
    if found.shape is not None and tensor.shape is not None:
        shape = [found.shape[a] for a in to_last(len(found.shape))] if SUFFIX in layer else found.shape
        whole = tensor.shape if rows is None else (tensor.shape[0], rows.height, *tensor.shape[2:])
        merged = [dims.merge(a, b) for a, b in zip(shape, whole, strict=False)]
        if len(shape) != len(whole) or None in merged:
            return None
    return found


def _values(session: Any, order: Iterable[Operation]) -> dict[str, Array]:
    """The values of the variables that some operations need: those of an optimizer are as many again, and more."""
    if session is None:
        return {}
    names = {op.name for op in with_bodies(order) if op.type == "variable"}
    return {name: value for name, value in session.variables.items() if name in names}


def _session(graph: Graph, variables: Mapping[str, Array]) -> Session:
    # Where a program asked its operations to run does not matter here.
    session = Session(graph=graph, config=ConfigProto(allow_soft_placement=True))
    session.variables.update(variables)
    return session
