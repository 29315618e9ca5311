"""Writes the golden files of the current format version; a file that exists is left as it is.

    python -m tests.golden.make_golden [FOLDER]

A golden file is a promise: every later runtime reads it and gives the outputs that are stored in it. To replace one on
purpose, delete it first and say why in the commit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samara.exporter.export import Signature, export_model
from samara.exporter.passes import PASSES
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.ops import OPS
from samara.graph.variables import Variable, global_variables_initializer
from samara.pyruntime.model import load
from tests.cases._case import Case
from tests.ops.conftest import FAMILIES, family

FOLDER = Path(__file__).parent / "v1"


def _random(*shape: int) -> np.ndarray[Any, Any]:
    size = int(np.prod(shape))
    return (np.sin(np.arange(size, dtype=np.float64) * 12.9898) * 0.5).astype(np.float32).reshape(shape)


def _placeholder(graph: Graph, shape: Any, name: str = "x") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name=name).outputs[0]


def _network(graph: Graph, batch: Any) -> Tensor:
    b = graph.b
    x = _placeholder(graph, (batch, 8, 8, 1), "image")
    y = b.relu(b.add(b.conv2d(x, _random(3, 3, 1, 8), padding="same"), _random(8)))
    y = b.max_pool2d(y, pool_size=(2, 2), strides=(2, 2))
    y = b.relu6(b.depthwise_conv2d(y, _random(3, 3, 8, 2), _random(16), padding="same", strides=(2, 2)))
    y = b.conv2d(y, _random(1, 1, 16, 17))
    y = b.reshape(y, [-1, 2 * 2 * 17])
    result: Tensor = b.softmax(b.matmul(y, _random(68, 10), _random(10)), name="scores")
    return result


def network_float(path: Path) -> None:
    """A small convolutional network."""
    export_model({"scores": _network(Graph(), 1)}, path, samples=[{"image": _random(1, 8, 8, 1)}])


def network_int8(path: Path) -> None:
    """The same, quantized, float outside."""
    samples = [{"image": _random(1, 8, 8, 1) * scale} for scale in (0.5, 1.0, 1.5)]
    export_model({"scores": _network(Graph(), 1)}, path, samples=samples, quantize="int8")


def network_float16(path: Path) -> None:
    """The same in float16, float32 outside."""
    samples = [{"image": _random(1, 8, 8, 1)}]
    export_model({"scores": _network(Graph(), 1)}, path, samples=samples, precision="float16")


def network_dynamic(path: Path) -> None:
    """The same with a batch that may change."""
    graph = Graph()
    shapes = {"image": [Dim("batch", 1, 3), 8, 8, 1]}
    export_model(
        {"scores": _network(graph, None)}, path, shapes=shapes, samples=[{"image": _random(3, 8, 8, 1)}]
    )


def state(path: Path) -> None:
    """A running sum, two signatures, shared weights."""
    graph = Graph()
    with graph.as_default(), Session(graph=graph).as_default() as session:
        weights, total = Variable(_random(4, 4), name="weights"), Variable(_random(4), name="total")
        session.run(global_variables_initializer())
        product = graph.b.matmul(_placeholder(graph, (1, 4)), weights)
        step = total.assign(graph.b.add(total, graph.b.reshape(product, [4])))
        export_model([Signature({"y": product}, name="look"), Signature({"sum": step}, name="step")], path)


def covered(folder: Path) -> set[str]:
    """The ops that the golden files of a folder use."""
    models = [load(path) for path in folder.glob("*.smr")]
    return {op.op for model in models for signature in model.signatures for op in model.ops(signature)}


def missing_ops(name: str, folder: Path) -> list[str]:
    """The ops of a family that have a kernel and are in no golden file."""
    found = covered(folder)
    return [
        op
        for op in sorted({c.op for c in family(name).CASES})
        if OPS[op].device == "kernel" and not any(o.state for o in OPS[op].operands) and op not in found
    ]


def first_cases(names: list[str], name: str) -> dict[str, tuple[Case, str]]:
    """For each op of a family the first case of it that is not empty, and its first type."""
    found = {}
    for op in names:
        case = next(
            c
            for c in family(name).CASES
            if c.op == op and all(i is None or 0 not in i.shape for i in c.flat_inputs())
        )
        found[op] = case, next(d for d in case.dtype_names() if d != "float64")
    return found


def cases_file(cases: dict[str, tuple[Case, str]]) -> Callable[[Path], None]:
    """One signature for each case, under its key."""

    def write(path: Path) -> None:
        graph = Graph()
        signatures, samples = [], {}
        for key, (case, dtype) in cases.items():
            tensors, inputs, sample = [], {}, {}
            for number, (given, array) in enumerate(zip(case.flat_inputs(), case.arrays(dtype), strict=True)):
                if given is None or array is None:
                    tensors.append(None)
                elif given.constant:
                    tensors.append(
                        graph.apply("constant", [], {"value": array, "dtype": array.dtype}).outputs[0]
                    )
                else:
                    made = graph.apply(
                        "placeholder", [], {"dtype": array.dtype, "shape": array.shape}, name=f"{key}{number}"
                    )
                    tensors.append(made.outputs[0])
                    inputs[f"input{number}"], sample[f"input{number}"] = made.outputs[0], array
            made = graph.apply(case.op, case.grouped(tensors), dict(case.attributes))
            outputs = {f"output{i}": t for i, t in enumerate(made.outputs)}
            signatures.append(Signature(outputs, inputs=inputs, name=key))
            samples[key] = [sample]
        export_model(
            signatures,
            path,
            samples=samples if len(signatures) > 1 else next(iter(samples.values())),
            disable=tuple(PASSES),
            tolerance=1e-2,
        )

    return write


FILES: dict[str, Callable[[Path], None]] = {
    "network_float": network_float,
    "network_float16": network_float16,
    "network_int8": network_int8,
    "network_dynamic": network_dynamic,
    "state": state,
}


def main(folder: Path = FOLDER) -> None:
    """Writes the networks that `folder` lacks, and a file for each family that has ops in none."""
    wanted = {name: write for name, write in FILES.items() if not (folder / f"{name}.smr").exists()}
    for name in FAMILIES:
        names = missing_ops(name, folder) if name not in ("random", "state") else []
        if names:
            number = 1 + len(list(folder.glob(f"ops_{name}*.smr")))
            wanted[f"ops_{name}" + (f"_{number}" if number > 1 else "")] = cases_file(
                first_cases(names, name)
            )
    for name, write in wanted.items():
        write(folder / f"{name}.smr")
        sys.stdout.write(f"{name}.smr {(folder / name).with_suffix('.smr').stat().st_size:,} B\n")


if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:]))
