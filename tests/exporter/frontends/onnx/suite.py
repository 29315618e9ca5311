"""The official backend tests of ONNX, run one by one in processes that may crash.

`python -m tests.exporter.frontends.onnx.suite [--write docs/onnx-coverage.md] [PATTERN]` prints how many passed, were
refused by name, were wrong, or crashed, by op.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import subprocess
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
SECONDS = 120

# What an inference graph of tensors does not have: tests of these do not count.
_TRAINING = re.compile(r"adagrad|adam|momentum|nesterov|gradient_of|training|train_")
_TYPES = {"FLOAT", "FLOAT16", "BFLOAT16", "INT8", "INT16", "INT32", "INT64", "UINT8", "BOOL"}


@functools.cache
def cases() -> dict[str, Any]:
    """All test cases by name."""
    warnings.filterwarnings("ignore")
    from onnx.backend.test.case.node import collect_testcases
    from onnx.backend.test.loader import load_model_tests

    found = {t.name: t for t in collect_testcases(None)}
    for kind in KINDS[1:]:
        found.update({t.name: t for t in load_model_tests(kind=kind)})
    return found


@functools.cache
def model_of(name: str) -> Any:
    """The model of a case."""
    import onnx

    case = cases()[name]
    return case.model if case.model is not None else onnx.load(str(Path(case.model_dir) / "model.onnx"))


def data_of(name: str) -> Iterator[tuple[list[Any], list[Any]]]:
    """The inputs and expected outputs of a case, as arrays."""
    import onnx
    from onnx import numpy_helper

    case = cases()[name]
    if case.data_sets is not None:
        for given, expected in case.data_sets:
            yield [_array(a) for a in given], [_array(a) for a in expected]
        return
    for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
        sides = []
        for side in ("input", "output"):
            files = sorted(folder.glob(f"{side}_*.pb"), key=lambda p: int(p.stem.rpartition("_")[2]))
            sides.append([numpy_helper.to_array(onnx.TensorProto.FromString(f.read_bytes())) for f in files])
        yield sides[0], sides[1]


def _array(value: Any) -> Any:
    from onnx import TensorProto, numpy_helper

    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def op_of(name: str) -> str:
    """The op that a case is about: the one that its name has, or the first."""
    ops = [n.op_type for n in model_of(name).graph.node]
    if cases()[name].kind != "node" or not ops:
        return f"({cases()[name].kind})"
    squeezed = re.sub("[^a-z0-9]", "", name.lower())
    named = [o for o in ops if o.lower() in squeezed]
    return max(named, key=len) if named else ops[0]


def excluded(name: str) -> str | None:
    """Why a case is not one of inference on tensors, or None."""
    import onnx

    model = model_of(name)
    if any(
        o.domain.startswith(("ai.onnx.preview", "ai.onnx.training", "ai.onnx.ml")) for o in model.opset_import
    ):
        return "another domain"
    if _TRAINING.search(name):
        return "training"
    pending = [model.graph]
    while pending:
        graph = pending.pop()
        for info in [*graph.input, *graph.output, *graph.value_info]:
            kind = info.type.WhichOneof("value")
            if kind not in (None, "tensor_type"):
                return str(kind).removesuffix("_type") + "s"
            if kind and info.type.tensor_type.elem_type:
                number = info.type.tensor_type.elem_type
                element = onnx.TensorProto.DataType.Name(number)
                if element not in _TYPES:
                    return f"{element.lower()} tensors"
        for proto in graph.initializer:
            element = onnx.TensorProto.DataType.Name(proto.data_type)
            if element not in _TYPES:
                return f"{element.lower()} tensors"
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    pending.append(attribute.g)
                if attribute.name == "to" and node.op_type == "Cast":
                    element = onnx.TensorProto.DataType.Name(attribute.i)
                    if element not in _TYPES:
                        return f"{element.lower()} tensors"
            if node.op_type.startswith(("Sequence", "Optional")) or node.op_type in (
                "ConcatFromSequence",
                "SplitToSequence",
                "ImageDecoder",
            ):
                return "sequences"
    return None


def run(name: str) -> tuple[str, str]:
    """Runs a case: ("passed" | "fixed" | "refused" | "wrong", detail)."""
    from onnx.backend.test.runner import Runner

    from samara.errors import ExportError
    from samara.exporter.frontends.onnx.backend import SamaraBackend

    case = cases()[name]
    prepared = SamaraBackend.prepare(model_of(name))
    status = "passed"
    for given, expected in data_of(name):
        try:
            found = prepared.run(given)
        except ExportError as error:
            return "refused", str(error)
        try:
            wanted = [np.asarray(e) for e in expected]
            Runner.assert_similar_outputs(wanted, list(found), rtol=case.rtol, atol=case.atol)
        except AssertionError as error:
            return "wrong", str(error)
        if prepared.fixed:
            status = "fixed"
    return status, ""


def _worker() -> None:
    """Says when all is loaded; runs the cases whose names come on standard input, with a line of JSON for each."""
    warnings.filterwarnings("ignore")
    cases()
    print("ready", flush=True)
    for line in sys.stdin:
        name = line.strip()
        start = time.perf_counter()
        try:
            status, detail = run(name)
        except Exception as error:
            status, detail = "error", f"{type(error).__name__}: {error}"
        result = {
            "name": name,
            "status": status,
            "detail": detail[:500],
            "seconds": time.perf_counter() - start,
        }
        print(json.dumps(result), flush=True)


def run_all(names: Sequence[str], processes: int = 2) -> dict[str, dict[str, Any]]:
    """Runs cases in processes of their own; one that ends its process, or takes too long, has crashed."""
    import threading

    results: dict[str, dict[str, Any]] = {}
    queue = list(reversed(names))

    def shard() -> None:
        process: Any = None
        while queue:
            name = queue.pop()
            if process is None:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.exporter.frontends.onnx.suite", "--worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
                process.stdout.readline()
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            line = ""
            try:
                process.stdin.write(f"{name}\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                pass
            timer.cancel()
            if line:
                results[name] = json.loads(line)
            else:
                process.wait()
                results[name] = {"name": name, "status": "crashed", "detail": f"exit {process.returncode}"}
                process = None
        if process is not None:
            process.stdin.close()
            process.wait()

    threads = [threading.Thread(target=shard) for _ in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


STATUSES = ("passed", "fixed", "refused", "wrong", "error", "crashed")


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results by op, as Markdown."""
    by_op: dict[str, Counter[str]] = defaultdict(Counter)
    for name, result in results.items():
        by_op[op_of(name)][result["status"]] += 1
    total: Counter[str] = sum(by_op.values(), Counter())
    lines = ["| op | " + " | ".join(STATUSES) + " |", "|---|" + "---|" * len(STATUSES)]
    for op in [*sorted(by_op), "all"]:
        counts = total if op == "all" else by_op[op]
        lines.append(f"| {op} | " + " | ".join(str(counts[s] or "") for s in STATUSES) + " |")
    count = sum(total.values())
    good = total["passed"] + total["fixed"]
    return f"{good} of {count} pass ({100 * good / max(count, 1):.1f} %).\n\n" + "\n".join(lines) + "\n"


def main() -> int:
    """Runs the suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pattern", nargs="?", default="", help="only cases whose name has this regular expression"
    )
    parser.add_argument("--write", metavar="FILE", help="write the table as Markdown")
    parser.add_argument("--json", metavar="FILE", help="write every result as JSON")
    parser.add_argument("--details", action="store_true", help="print what did not pass")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        _worker()
        return 0
    chosen = [n for n in cases() if re.search(arguments.pattern, n)]
    reasons = {n: excluded(n) for n in chosen}
    names = [n for n in chosen if reasons[n] is None]
    results = run_all(names)
    text = table(results)
    left_out = Counter(r for r in reasons.values() if r is not None)
    listed = ", ".join(f"{reason} {count}" for reason, count in sorted(left_out.items()))
    text += f"\nLeft out, {sum(left_out.values())} of {len(chosen)}: {listed or 'none'}.\n"
    print(text)
    if arguments.details:
        for name, result in sorted(results.items()):
            if result["status"] not in ("passed", "fixed"):
                print(f"{result['status']} {name}: {' '.join(result['detail'].split())[:300]}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1))
    if arguments.write:
        head = Path(__file__).with_name("coverage_head.md").read_text()
        Path(arguments.write).write_text(head + text)
    bad = sum(r["status"] in ("wrong", "error", "crashed") for r in results.values())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
