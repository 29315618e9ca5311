"""The command line: `samara check | export | inspect | run | bench | verify`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samara.errors import SamaraError

if TYPE_CHECKING:
    from samara.pyruntime.model import Model, SignatureInfo, TensorInfo

_LARGEST = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0, 1 when the command says no, 2 for wrong usage."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        result: int = parsed.command(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output has seen enough. Nothing may be left for the interpreter to write when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SamaraError, ImportError, OSError, ValueError, TypeError, KeyError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"samara {parsed.name}: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"samara {parsed.name}: interrupted", file=sys.stderr)
        return 130
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="samara",
        description="Exports graphs to .smr files, and looks into, runs, times and checks such files.",
        epilog="`samara COMMAND --help` tells more, with an example.",
    )
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Any], int], help_: str, more: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help_,
            description=f"{help_[0].upper()}{help_[1:]}.\n\n{more}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(command=run)
        return command

    export = add(
        "export",
        _export,
        "write a graph to a .smr file and prove it",
        "The source is an .onnx, .tflite or .pt2 file, or a function in a Python file. That is called in an empty\n"
        "default graph with a default session, and returns the arguments of samara.export_model: at least\n"
        "{'source': outputs}; it may name inputs, shapes, constants and samples too.\n\n"
        "  samara export mobilenet.onnx mobilenet.smr --shape input=1..8,3,224,224\n"
        "  samara export digits.py:build digits.smr --int8",
    )
    export.add_argument("source", help="FILE.onnx, FILE.tflite, FILE.pt2 or FILE.py:FUNCTION")
    export.add_argument("path", help="the .smr file to write")
    _add_shapes(export)
    export.add_argument("--int8", action="store_true", help="quantize to int8, calibrated on the samples")
    export.add_argument(
        "--precision", choices=("float32", "float16"), help="what float32 is stored and computed as"
    )
    export.add_argument(
        "--disable", action="append", default=[], metavar="PASS", help="leave a pass out (repeatable)"
    )

    check = add(
        "check",
        _check,
        "tell whether a model can be exported, and what the file would be like",
        "Lists everything that is not supported, with the node's name, the reason and what to change. Writes\n"
        "nothing.\n\n"
        "  samara check mobilenet.onnx",
    )
    check.add_argument("source", help="FILE.onnx, FILE.tflite or FILE.pt2")
    _add_shapes(check)

    inspect = add(
        "inspect",
        _inspect,
        "tell what is in a .smr file",
        "Signatures, ops with shapes and quantization, what makes the file large, and the memory plan: a row for\n"
        "a range of the arena, a column for an op, a letter for each buffer.\n\n"
        "  samara inspect digits.smr --picture plan.png",
    )
    inspect.add_argument("model", help="the .smr file")
    inspect.add_argument("--ops", action="store_true", help="only the names of the ops it needs, one a line")
    inspect.add_argument("--json", action="store_true", help="as JSON")
    inspect.add_argument(
        "--picture", metavar="FILE", help="draw the memory plan (.png, .svg, .pdf); needs matplotlib"
    )

    run = add(
        "run",
        _run,
        "run a .smr file on arrays",
        "Inputs are .npy files, by name; others are zeros. Outputs are printed, or written to an .npz file.\n\n"
        "  samara run digits.smr --input image=seven.npy --output result.npz",
    )
    run.add_argument("model", help="the .smr file")
    run.add_argument(
        "--input", action="append", default=[], metavar="NAME=FILE.npy", help="an input (repeatable)"
    )
    run.add_argument("--output", metavar="FILE.npz", help="where to write the outputs")
    run.add_argument("--signature", help="which one; the first when left out")

    bench = add(
        "bench",
        _bench,
        "time a .smr file",
        "Median, 10th and 90th percentile of one run on zeros, the time from opening the file to the first result,\n"
        "memory, and of each op its kernel, its time and, where they can be counted, its multiplications a second.\n"
        "Of limit: the least time of an op on one thread of this machine over the time that it took. The least time\n"
        "is the longer of two: that of its multiplications at the highest rate of the machine, and that of the bytes\n"
        "that it must at least read and write at the rate at which the smallest cache with room for them is read.\n\n"
        "  samara bench digits.smr --seconds 2",
    )
    bench.add_argument("model", help="the .smr file")
    bench.add_argument(
        "--seconds", type=_not_negative, default=1.0, help="how long to measure each of them (default 1)"
    )
    bench.add_argument("--signature", help="which one; the first when left out")
    bench.add_argument(
        "--threads",
        type=_thread_counts,
        default=(1, 2) if (os.cpu_count() or 1) > 1 else (1,),
        metavar="COUNTS",
        help="numbers of threads, with commas; the profile is that of the first (default 1,2)",
    )
    bench.add_argument(
        "--limits",
        metavar="RUN.json",
        help="what make bench wrote of the machine's limits; without it those of a thread are measured, where there "
        "is a C compiler",
    )
    bench.add_argument("--json", action="store_true", help="as JSON")

    verify = add(
        "verify",
        _verify,
        "check a .smr file: structure, content hash, and its golden cases on this machine",
        "  samara verify digits.smr",
    )
    verify.add_argument("model", help="the .smr file")
    verify.add_argument(
        "--tolerance",
        type=_not_negative,
        default=1e-5,
        help="for float outputs, of their largest value (default 1e-5)",
    )
    return parser


def _thread_counts(text: str) -> tuple[int, ...]:
    counts = text.split(",")
    if not all(count.isdecimal() and int(count) > 0 for count in counts):
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers of threads, as 1 or 1,2")
    return tuple(dict.fromkeys(int(count) for count in counts))


def _not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return number


def _add_shapes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME=SIZES",
        help="the shape of an input that the file leaves open: sizes, or ranges as 1..8, with commas (repeatable)",
    )


def _shapes(given: Sequence[str]) -> dict[str, list[Any]]:
    """The shapes of --shape; equal ranges are one dimension when they are called so: `n=1..8`."""
    from samara.graph.dims import Dim

    shapes = {}
    for text in given:
        name, equals, sizes = text.partition("=")
        if not equals or not sizes:
            raise ValueError(f"--shape {text!r} is not NAME=SIZES, as image=1,3,224,224")
        shape: list[Any] = []
        for place, size in enumerate(sizes.split(",")):
            symbol, named, bounds = size.rpartition("=")
            low, dots, high = bounds.partition("..")
            if not (low.isdigit() and (not dots or high.isdigit())):
                raise ValueError(
                    f"--shape {text!r}: {size!r} is not a size, nor a range as 1..8 or batch=1..8"
                )
            if dots:
                shape.append(Dim(symbol if named else f"{name}_{place}", int(low), int(high)))
            else:
                shape.append(int(low))
        shapes[name] = shape
    return shapes


def _check(arguments: Any) -> int:
    import samara

    report = samara.check_model(arguments.source, shapes=_shapes(arguments.shape))
    print(report)
    return 0 if report else 1


def _export(arguments: Any) -> int:
    import samara

    if Path(arguments.source).suffix.lower() in (".onnx", ".tflite", ".pt2"):
        report = samara.export_model(
            arguments.source,
            arguments.path,
            shapes=_shapes(arguments.shape),
            quantize="int8" if arguments.int8 else None,
            precision=arguments.precision or "float32",
            disable=arguments.disable,
        )
        print(report)
        return 0
    file, colon, function = arguments.source.rpartition(":")
    if not colon:
        raise ValueError(f"{arguments.source!r} is neither a model file nor FILE.py:FUNCTION")
    specification = importlib.util.spec_from_file_location(Path(file).stem, file)
    if specification is None or specification.loader is None or not Path(file).exists():
        raise ValueError(f"{file!r} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.path.insert(0, str(Path(file).resolve().parent))
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    if not callable(getattr(module, function, None)):
        raise ValueError(f"{file} has no function {function!r}")
    with samara.Graph().as_default() as graph, samara.Session(graph=graph).as_default():
        given = getattr(module, function)()
        if not isinstance(given, Mapping) or "source" not in given:
            raise ValueError(
                f"{function} must return the arguments of export_model, at least {{'source': outputs}}"
            )
        keywords = dict(given)
        if arguments.int8:
            keywords["quantize"] = "int8"
        if arguments.precision:
            keywords["precision"] = arguments.precision
        if arguments.disable:
            keywords["disable"] = arguments.disable
        print(samara.export_model(keywords.pop("source"), arguments.path, **keywords))
    return 0


def _shape(info: TensorInfo) -> str:
    return str(info).partition(": ")[2]


def _quantization(info: TensorInfo) -> str:
    return f" scale {info.scale:.6g} zero {info.zero_point}" if info.scale else ""


def _inspect(arguments: Any) -> int:
    from samara.pyruntime.model import load

    model = load(arguments.model)
    if arguments.ops:
        names = sorted({op.op for s in model.signatures for op in model.ops(s)})
        print("\n".join(names))
        return 0
    if arguments.json:
        print(json.dumps(_as_json(model), indent=2))
        return 0
    print(f"{arguments.model}: format {model.format_version}, for runtime {model.least_runtime} or newer")
    print(f"content {model.content_hash}\n\n{model.memory}")
    for key, value in model.metadata.items():
        print(f"metadata {key}: {value}")
    for name, (low, high) in model.dimensions.items():
        print(f"dimension {name}: {low}..{high}")
    for signature in model.signatures.values():
        _print_signature(model, signature)
    _print_largest(model)
    if arguments.picture:
        from samara.plan_picture import draw

        draw(model, arguments.picture)
        print(f"\nthe memory plan is drawn in {arguments.picture}")
    return 0


def _print_signature(model: Model, signature: SignatureInfo) -> None:
    from samara.plan_picture import as_text

    print(f"\nsignature {signature.name}")
    for word, endpoints in (("input", signature.inputs), ("output", signature.outputs)):
        for info in endpoints:
            print(f"  {word:<7}{info}{_quantization(info)}")
    tensors = model.tensors(signature.name)
    ops = model.ops(signature.name)
    counts = ", ".join(f"{n} x{c}" if c > 1 else n for n, c in sorted(Counter(o.op for o in ops).items()))
    print(f"  {len(ops)} ops: {counts}\n")
    width = max((len(o.name) for o in ops), default=0)
    for number, op in enumerate(ops):
        reads = ", ".join(_shape(tensors[i]) for i in op.inputs if i >= 0)
        writes = ", ".join(f"{_shape(tensors[i])}{_quantization(tensors[i])}" for i in op.outputs)
        print(f"  {number:>4}  {op.name:<{width}}  {op.op}  {reads} -> {writes}  [{op.kernel}]")
    print(f"\nmemory plan of {signature.name}, {signature.arena_bytes:,} B")
    print(as_text(model, signature.name))


def _print_largest(model: Model) -> None:
    constants: dict[int, TensorInfo] = {}
    for signature in model.signatures:
        for info in model.tensors(signature):
            if info.storage == "constant":
                constants.setdefault(info.offset, info)
    largest = sorted(constants.values(), key=lambda i: -i.bytes)[:_LARGEST]
    if largest:
        total = model.memory.file
        print("\nwhat makes the file large")
        for info in largest:
            print(f"  {info.bytes:>12,} B  {100 * info.bytes / total:5.1f}%  {info}")


def _as_json(model: Model) -> dict[str, Any]:
    def tensor(info: TensorInfo) -> dict[str, Any]:
        return {**info.__dict__, "dtype": info.dtype.name}

    return {
        "format_version": model.format_version,
        "least_runtime": model.least_runtime,
        "content_hash": model.content_hash,
        "memory": model.memory.__dict__,
        "metadata": model.metadata,
        "dimensions": model.dimensions,
        "signatures": [
            {
                "name": s.name,
                "arena_bytes": s.arena_bytes,
                "inputs": [tensor(t) for t in s.inputs],
                "outputs": [tensor(t) for t in s.outputs],
                "tensors": [tensor(t) for t in model.tensors(s.name)],
                "ops": [o.__dict__ for o in model.ops(s.name)],
            }
            for s in model.signatures.values()
        ],
    }


def _run(arguments: Any) -> int:
    import numpy as np

    from samara.pyruntime.model import load

    model = load(arguments.model)
    info = model.signature(arguments.signature)
    given: dict[str, Any] = {}
    for text in arguments.input:
        key, equals, file = text.partition("=")
        if not equals:
            raise ValueError(f"--input {text!r} is not NAME=FILE.npy")
        try:
            given[key] = np.load(file)
        except (ValueError, EOFError):
            raise ValueError(f"{file} is not a .npy file of numbers") from None
    for tensor in info.inputs:
        given.setdefault(tensor.name, np.zeros(tensor.shape, tensor.dtype))
    outputs = model.context().run(signature=info.name, **given)
    if not isinstance(outputs, dict):
        outputs = {info.outputs[0].name: outputs}
    if arguments.output:
        np.savez(arguments.output, **outputs)
    else:
        for key, array in outputs.items():
            print(f"{key} {array.dtype}{list(array.shape)}\n{array}")
    return 0


def _bench(arguments: Any) -> int:
    from samara.bench import limits_of, measure, measured_limits

    limits = limits_of(arguments.limits) if arguments.limits else measured_limits()
    figures = measure(arguments.model, arguments.signature, arguments.seconds, arguments.threads)
    if arguments.json:
        print(json.dumps({"model": arguments.model, **figures.as_json(limits)}, indent=2))
    else:
        print(f"{arguments.model}, signature {figures.signature}\n{figures.as_text(limits)}")
        if limits is None:
            print("parts of the machine's limit: no C compiler (CC or cc) to measure it, and no --limits")
    return 0


def _verify(arguments: Any) -> int:
    from samara.pyruntime.model import load

    model = load(arguments.model)
    model.verify(arguments.tolerance)
    cases = sum(len(model.golden(s)) for s in model.signatures)
    print(
        f"{arguments.model}: sound, content as written, {cases} golden case{'' if cases == 1 else 's'} reproduced"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
