"""`export_model`: the pipeline, from top to bottom."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from samara.errors import ExecutionError, ExportError, ModelFileError, shown
from samara.exporter.arguments import check_arguments
from samara.exporter.endpoints import turn_endpoints, turning
from samara.exporter.freeze import Frozen, Signature, freeze
from samara.exporter.frontends import ImportedModel, frontend_of, import_model
from samara.exporter.frontends.imported import OracleError, sample_of
from samara.exporter.judge import Limits, judge, judge_outputs
from samara.exporter.lower import LoweredModel, lower
from samara.exporter.passes import finish, op_count, optimize
from samara.exporter.passes.half_precision import reasons
from samara.exporter.peaks import too_large
from samara.exporter.proof import prove, seeded_sample
from samara.exporter.report import ExportReport, ProgramReport
from samara.exporter.source_proof import OutputError, prove_against_source
from samara.exporter.writer import staged, to_bytes
from samara.graph.execution.session import Session, get_default_session
from samara.graph.rewrite import ModelGraph
from samara.pyruntime.model import Model

if TYPE_CHECKING:
    from samara.quantize.rewrite import Quantized

Array = np.ndarray[Any, Any]

# How many random samples stand in for the caller's when a model is calibrated.
_CALIBRATION_SAMPLES = 8
# The graphs between the source's and the file's are in cycles and hold weights too. Collecting them goes through every
# object of the process, so it has to be worth it.
_COLLECTED_BYTES = 1 << 23


def export_model(
    source: Any,
    path: str | os.PathLike[str],
    *,
    inputs: Any = None,
    shapes: Mapping[str, Sequence[Any]] | None = None,
    constants: Mapping[Any, Any] | None = None,
    samples: Any = None,
    quantize: Any = None,
    precision: str = "float32",
    session: Any = None,
    channels_last: bool | Collection[str] = False,
    disable: Collection[str] = (),
    tolerance: float = 1e-4,
    golden: int = 1,
    metadata: Mapping[str, str] | None = None,
) -> ExportReport:
    """Writes a model to a file that the C runtime runs, and proves that the file is right.

    The same call writes the same bytes. A file appears at `path` only when it has been loaded by the C runtime and
    agrees with its source.

    Args:
        source: of a Samara graph the outputs: a tensor, a list of tensors, tensors by name; or a list of `Signature`
            for several things to run in one file, which share weights and state. Or a model of another framework, as
            `import_model` takes it, or what that gave.
        path: where to write.
        inputs: of a Samara graph tensors, or tensors by name; all placeholders that are needed when None. Of another
            framework's model example inputs: arrays in order, or by name.
        shapes: for an input's name, its shape, where the graph leaves dimensions open: numbers, or
            `Dim(name, minimum, maximum)`.
        constants: what has the same value in every run of the file, by name or tensor, for example
            `{"is_training": False, "keep_prob": 1.0}`: branches that are never taken then, and dropout that drops
            nothing, are left out. Of an ONNX model values of inputs, as `import_model` takes them.
        samples: what to compare on, and to calibrate on: a sequence of samples, each a mapping from input name to array
            or arrays in order; or, for a single input, an array whose first axis counts samples (each keeps that axis,
            with size 1). For several
            signatures, a mapping from signature name to such. Seeded random values when None.
        quantize: None for a float file, "int8", or a `samara.quantize.Int8` for choices.
        precision: "float16" stores and computes in float16 what the source has in float32, wherever that is possible;
            inputs, outputs and state keep their types. Samples tell which ops have values too large for it: these
            stay float32, and the report lists them.
        session: where variables have their values, a monitored one too; the default session when None.
        channels_last: names of inputs and outputs that the file has with axis 1 moved to the end, or True for all of
            rank 3 and more; samples keep the source's layout. By default all shapes are the source's.
        disable: names of passes to leave out.
        tolerance: the largest difference of a float layer, over the layer's largest magnitude. What float16 adds to it
            is in docs/arithmetic.md.
        golden: how many samples to store in the file with their outputs, for `verify` on the device.
        metadata: free texts to store.

    Raises:
        ExportError: everything that cannot be exported, at once, each with its source line and a way out; or the model
            does not run on the samples.
        ProofError: the file disagrees with its source; the worst layers are in the message.
        QuantizationError: quantization was asked for and cannot be done.
        OSError: the file cannot be written.
    """
    if hasattr(session, "_tf_sess"):
        session = session._tf_sess()
    check_arguments(
        path,
        shapes=shapes,
        constants=constants,
        session=session,
        channels_last=channels_last,
        precision=precision,
        disable=disable,
        tolerance=tolerance,
        golden=golden,
        metadata=metadata,
    )
    imported = _imported(source, inputs, shapes, constants)
    if imported is None:
        signatures = _signatures(source, inputs, shapes)
        session = session if session is not None else get_default_session()
    else:
        signatures = list(imported.signatures)
        # What ran in the session before leaves no trace: a file starts as the source does.
        session = Session(graph=imported.graph)
        session.variables.update({**imported.session.variables, **imported.state})
        metadata = {**imported.metadata, **(metadata or {})}
    frozen = freeze(signatures, session, constants if imported is None else None)
    if imported is not None:
        frozen = replace(frozen, model=replace(frozen.model, quantization=dict(imported.quantization)))
    given = _samples(samples, signatures, frozen)
    if given is None and imported is not None and imported.samples is not None:
        given = [[dict(s) for s in listed] for listed in imported.samples]
    source_ops = op_count(frozen.model)
    model, passes = optimize(frozen.model, disable=disable, quantizable=True)
    convert = None
    in_float: tuple[str, ...] = ()
    quantized: Quantized | None
    if quantize is not None:
        from samara.quantize.rewrite import quantize_model

        quantized = quantize_model(model, quantize, given or _seeded(frozen, _CALIBRATION_SAMPLES))
    else:
        quantized = _raised(model)
    if quantized is not None:
        convert, in_float, model = quantized.convert, quantized.in_float, quantized.model
    model, more = optimize(model, disable=disable)
    passes = passes + more
    model, turned = turn_endpoints(model, channels_last)
    if turned:
        convert = turning(convert, turned)
        model, more = optimize(model, disable=disable)
        passes = passes + more
    wide: dict[str, str] = {}
    if precision == "float16" and "float16" not in disable:
        large = {} if given is None else too_large(model, given, convert)
        model = replace(model, precision=precision, wide=large)
        wide = reasons(model)
    model, more = finish(model, disable=disable)
    passes = passes + more
    _collect(frozen.model)
    lowered = lower(model, metadata=metadata or {})
    limits = Limits(model, tolerance)
    if limits.golden:
        lowered.contents["golden_tolerance"] = limits.golden
    seeded = given is None
    proof_samples = given or _seeded(frozen, 1)
    with staged(path) as temporary, _told_as_problem(seeded):
        if golden > 0:
            temporary.write_bytes(to_bytes(lowered.contents))
            _record_golden(lowered, _loaded(temporary), proof_samples, convert, golden)
        file_bytes = temporary.write_bytes(to_bytes(lowered.contents))
        lowered.release_constants()
        runtime = _loaded(temporary)
        runtime.verify()
        ran: set[int] = set()
        layers = prove(runtime, lowered, model, frozen, proof_samples, convert, ran)
        oracle = imported.oracle if imported is not None else None
        outputs: tuple[OutputError, ...] = ()
        alone: tuple[str, ...] = ()
        if oracle is not None:
            try:
                outputs = prove_against_source(
                    runtime, lowered, model, oracle, proof_samples, convert, turned
                )
            except OracleError as error:
                alone = (f"{oracle.name} does not run the model, so nothing was compared with it: {error}",)
                oracle = None
        programs = runtime.programs
        report = ExportReport(
            path=Path(path),
            file_bytes=file_bytes,
            constant_bytes=lowered.constant_bytes,
            source_ops=source_ops,
            programs=tuple(
                ProgramReport(
                    name=p.signature.name,
                    plan=p.plan,
                    ops=Counter(op.type for op in p.all_ops),
                    kernels=Counter(
                        op.kernel
                        for number in (runtime.signatures[p.signature.name].program, *p.bodies)
                        for op in programs[number].ops
                    ),
                )
                for p in lowered.programs
            ),
            passes=passes,
            layers=layers,
            origin="" if imported is None else imported.origin,
            oracle="" if oracle is None else oracle.name,
            outputs=outputs,
            samples=max(len(s) for s in proof_samples),
            seeded=seeded,
            tolerance=tolerance,
            quantized=quantized is not None,
            precision=model.precision,
            wide=tuple(f"{name} ({reason})" for name, reason in wide.items()),
            states=tuple(model.initial_values),
            left_out=frozen.left_out,
            warnings=_warnings(frozen, seeded, quantize is not None, in_float, model.precision)
            + (() if quantized is None else quantized.bodies)
            + _never_run(lowered, ran)
            + (() if imported is None else imported.warnings)
            + alone,
        )
        judge(report, limits)
        if oracle is not None:
            judge_outputs(report, limits, exact=oracle.exact)
    return report


def _collect(source: ModelGraph) -> None:
    """Lets go of the graphs between a large model's and the file's."""
    if sum(o.a.value.nbytes for o in source.graph.operations if o.type == "constant") >= _COLLECTED_BYTES:
        gc.collect()


@contextmanager
def _told_as_problem(seeded: bool) -> Iterator[None]:
    """A model that cannot be run on the samples cannot be proven, and is not written."""
    try:
        yield
    except ExecutionError as error:
        what = "seeded random samples: give some that it runs on, or mend it" if seeded else "the samples"
        raise ExportError(f"the model does not run on {what}: {error}", (str(error),)) from error


def _raised(model: ModelGraph) -> Quantized | None:
    """A model that came quantized, with integer arithmetic."""
    if not any(op.type == "dequantize" for op in model.graph.operations):
        return None
    from samara.quantize.given import raise_integers

    return raise_integers(model)


def _imported(
    source: Any, inputs: Any, shapes: Mapping[str, Sequence[Any]] | None, constants: Mapping[Any, Any] | None
) -> ImportedModel | None:
    """The source as an imported model; None when it is of a Samara graph."""
    if isinstance(source, ImportedModel):
        if inputs is not None or shapes is not None or constants is not None:
            raise TypeError(
                "inputs, shapes and constants are given to import_model, not with what it returned"
            )
        return source
    if isinstance(source, (list, tuple, Mapping)) or frontend_of(source) is None:
        return None
    return import_model(source, inputs=inputs, shapes=shapes, constants=constants)


def _signatures(source: Any, inputs: Any, shapes: Mapping[str, Sequence[Any]] | None) -> list[Signature]:
    listed = source if isinstance(source, (list, tuple)) else [source]
    if any(isinstance(s, Signature) for s in listed):
        if inputs is not None or shapes is not None:
            raise TypeError("inputs and shapes belong in each Signature when signatures are given")
        if not all(isinstance(s, Signature) for s in listed):
            raise TypeError("a list of signatures can hold nothing else")
        names = [s.name for s in listed]
        if len(set(names)) != len(names):
            raise ValueError(f"signatures need different names, these are {', '.join(names)}")
        return list(listed)
    if not listed or (isinstance(source, Mapping) and not source):
        raise ValueError("export_model needs at least one output")
    return [Signature(source, inputs=inputs, shapes=shapes or {})]


def _samples(
    samples: Any, signatures: Sequence[Signature], frozen: Frozen
) -> list[list[dict[str, Any]]] | None:
    if samples is None:
        return None
    if len(signatures) == 1:
        return [_signature_samples(samples, frozen, 0)]
    if not isinstance(samples, Mapping):
        raise TypeError("samples must map signature names to samples when there are several signatures")
    missing = [s.name for s in signatures if s.name not in samples]
    if missing:
        raise ValueError(f"samples lacks the signature {', '.join(missing)}")
    return [_signature_samples(samples[s.name], frozen, i) for i, s in enumerate(signatures)]


def _signature_samples(samples: Any, frozen: Frozen, index: int) -> list[dict[str, Any]]:
    inputs = frozen.inputs[index]
    if hasattr(samples, "ndim"):
        if len(inputs) != 1:
            raise TypeError(f"an array of samples is for one input, the inputs are {', '.join(inputs)}")
        (name,) = inputs
        return [{name: samples[i : i + 1]} for i in range(len(samples))]
    if isinstance(samples, (str, Mapping)) or not hasattr(samples, "__iter__"):
        what = "a mapping, which is one sample" if isinstance(samples, Mapping) else shown(samples)
        raise TypeError(
            f"samples is {what}: expected a list of samples, as in [{{{next(iter(inputs))!r}: array}}]"
        )
    listed = [sample_of(s, list(inputs)) for s in samples]
    for name, array in ((n, a) for sample in listed for n, a in sample.items()):
        if isinstance(array, str):
            raise TypeError(f"a sample has {array!r} for input {name!r}: expected an array")
    if not listed:
        raise ValueError("samples is empty")
    return listed


def _loaded(source: Path) -> Model:
    """The file in the C runtime.

    Raises:
        ExportError: the runtime refuses it: shapes that contradict each other only at some sizes of the named
            dimensions, which building the graph cannot see, or a kernel that this build lacks.
    """
    try:
        return Model(source)
    except ModelFileError as error:
        message = f"the C runtime refuses the file, so it was not written: {error}"
        raise ExportError(message, (str(error),)) from error


def _record_golden(
    lowered: LoweredModel, runtime: Model, samples: Sequence[Sequence[Any]], convert: Any, count: int
) -> None:
    """Adds inputs, and the outputs that the C runtime gives for them, to the file's contents."""
    for index, program in enumerate(lowered.programs):
        info = runtime.signatures[program.signature.name]
        cases = []
        for sample in samples[index][:count]:
            arrays = {
                n: np.asarray(
                    convert(n, np.asarray(a)) if convert else a,
                    program.signature.inputs[n].dtype.numpy,
                    order="C",
                )
                for n, a in sample.items()
            }
            if any(arrays[t.name].shape != t.shape for t in info.inputs):
                arrays = seeded_sample(program.signature.inputs)
            outputs = runtime.context().run(signature=info.name, **arrays)
            if not isinstance(outputs, dict):
                outputs = {info.outputs[0].name: outputs}
            cases.append(
                {
                    "inputs": [{"data": arrays[t.name].tobytes()} for t in info.inputs],
                    "outputs": [{"data": outputs[t.name].tobytes()} for t in info.outputs],
                }
            )
        lowered.contents["signatures"][index]["golden"] = cases


def _seeded(frozen: Frozen, count: int) -> list[list[dict[str, Any]]]:
    quantized = frozen.model.quantization
    return [
        [seeded_sample(s.inputs, seed, quantized=quantized) for seed in range(count)]
        for s in frozen.model.signatures
    ]


def _warnings(
    frozen: Frozen, seeded: bool, quantized: bool, in_float: Sequence[str], precision: str
) -> tuple[str, ...]:
    found = []
    if frozen.narrowed:
        listed = ", ".join(frozen.narrowed[:3]) + (" ..." if len(frozen.narrowed) > 3 else "")
        found.append(f"{len(frozen.narrowed)} float64 tensors are float32 in the file: {listed}")
    if seeded and quantized:
        found.append("calibrated on random values, because no samples were given")
    if seeded and precision == "float16":
        found.append("whether values are too large for float16 is not known, because no samples were given")
    if in_float:
        listed = "; ".join(in_float[:3]) + (" ..." if len(in_float) > 3 else "")
        found.append(f"{len(in_float)} ops compute in float: {listed}")
    return tuple(found)


def _never_run(lowered: LoweredModel, ran: set[int]) -> tuple[str, ...]:
    """A warning for the branches and loops that the proof says nothing of, because no sample runs them."""
    names = [
        body.name
        for program in lowered.programs
        for number, body in program.bodies.items()
        if body.ops and number not in ran
    ]
    if not names:
        return ()
    listed = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
    return (f"no sample runs {len(names)} bodies, of which nothing is proven: {listed}",)


__all__ = ["ExportError", "ExportReport", "Signature", "export_model"]
