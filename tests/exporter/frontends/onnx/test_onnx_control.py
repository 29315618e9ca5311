"""If, Loop and Scan, against onnxruntime: imported, run by a session, and run on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import samara
from samara.graph.dims import Dim

Array = np.ndarray[Any, Any]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
RANDOM = np.random.default_rng(3)

Values = Mapping[str, tuple[int, Sequence[Any] | None]]
node = helper.make_node


def graph(
    nodes: Sequence[Any],
    inputs: Values,
    outputs: Values,
    weights: Mapping[str, Any] | None = None,
    *,
    name: str = "body",
) -> Any:
    """A graph; inputs and outputs are element types and shapes by name."""
    given, made = (
        [helper.make_tensor_value_info(n, t, s) for n, (t, s) in values.items()]
        for values in (inputs, outputs)
    )
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in (weights or {}).items()]
    return helper.make_graph(list(nodes), name, given, made, tensors)


def model(*parts: Any, opset: int = 20, **named: Any) -> Any:
    """A model of what `graph` takes."""
    made = graph(*parts, name="test", **named)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def check(
    source: Any, samples: Sequence[Mapping[str, Any]], folder: Path, shapes: Mapping[str, Any] | None = None
) -> samara.Model:
    """Imports and exports a model, and compares what a session and the file give with what onnxruntime does."""
    imported = samara.import_model(source, shapes=shapes or {})
    assert imported.oracle is not None
    assert "onnxruntime" in imported.oracle.name
    oracle = imported.oracle.start()
    samara.export_model(imported, folder / "m.smr", samples=samples)
    loaded = samara.load(folder / "m.smr")
    for sample in samples:
        expected = oracle("main", sample)
        in_session = imported.run(sample)
        found = loaded.run(**sample)
        found = found if isinstance(found, dict) else {next(iter(expected)): found}
        for name, wanted in expected.items():
            for result in (in_session[name], found[name]):
                assert result.shape == wanted.shape, name
                np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)
    return loaded


def floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def test_if(tmp_path: Path) -> None:
    weights = {"w": floats(4, 4)}
    then = graph([node("MatMul", ["x", "w"], ["a"])], {}, {"a": (FLOAT, None)})
    other = graph([node("Add", ["x", "one"], ["c"])], {}, {"c": (FLOAT, None)}, {"one": np.float32(1)})
    nodes = [
        node("Greater", ["t", "zero"], ["p"]),
        node("If", ["p"], ["y"], then_branch=then, else_branch=other),
    ]
    source = model(
        nodes,
        {"x": (FLOAT, ["n", 4]), "t": (FLOAT, [])},
        {"y": (FLOAT, None)},
        {**weights, "zero": np.float32(0)},
    )
    samples = [{"x": floats(n, 4), "t": np.float32(t)} for n, t in ((3, 1), (1, -1), (2, 0.5))]
    loaded = check(source, samples, tmp_path, {"x": [Dim("n", 1, 3), 4]})
    assert [op.op for op in loaded.ops()].count("cond") == 1


def test_branches_of_different_sizes(tmp_path: Path) -> None:
    then = graph([node("Concat", ["x", "x"], ["a"], axis=1)], {}, {"a": (FLOAT, None)})
    other = graph([node("Neg", ["x"], ["c"])], {}, {"c": (FLOAT, None)})
    nodes = [node("If", ["p"], ["v"], then_branch=then, else_branch=other), node("Exp", ["v"], ["y"])]
    source = model(nodes, {"x": (FLOAT, ["n", 3]), "p": (BOOL, [])}, {"y": (FLOAT, None)})
    samples = [{"x": floats(n, 3), "p": np.bool_(p)} for n in (1, 4) for p in (True, False)]
    check(source, samples, tmp_path, {"x": [Dim("n", 1, 4), 3]})
    rank = graph(
        [node("Flatten", ["x"], ["c"], axis=0), node("Squeeze", ["c"], ["d"])], {}, {"d": (FLOAT, None)}
    )
    source = model(
        [node("If", ["p"], ["y"], then_branch=then, else_branch=rank, name="choice")],
        {"x": (FLOAT, [2, 3]), "p": (BOOL, [])},
        {"y": (FLOAT, None)},
    )
    with pytest.raises(samara.ExportError, match=r"If 'choice': .*two shapes"):
        samara.import_model(source)


def test_weights_of_branches_can_be_trained() -> None:
    weights = {"w": floats(4, 4)}
    then = graph([node("MatMul", ["x", "w"], ["a"])], {}, {"a": (FLOAT, None)})
    other = graph([node("MatMul", ["x", "u"], ["c"])], {}, {"c": (FLOAT, None)}, {"u": floats(4, 4)})
    choice = node("If", ["p"], ["y"], then_branch=then, else_branch=other)
    source = model([choice], {"x": (FLOAT, [2, 4]), "p": (BOOL, [])}, {"y": (FLOAT, None)}, weights)
    imported = samara.import_model(source, trainable=True)
    with imported.graph.as_default():
        loss = samara.reduce_mean(samara.square(imported.outputs["y"]))
        step = samara.train.GradientDescentOptimizer(0.1).minimize(loss)
    x = floats(2, 4)
    for taken in (True, False):
        feeds = {imported.inputs["x"]: x, imported.inputs["p"]: taken}
        other_feeds = {**feeds, imported.inputs["p"]: not taken}
        before, others = imported.session.run(loss, feeds), imported.session.run(loss, other_feeds)
        imported.session.run(step, feeds)
        assert imported.session.run(loss, feeds) < before
        assert imported.session.run(loss, other_feeds) == others


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_what_torch_writes_is_what_torch_is(tmp_path: Path) -> None:
    """One module with a branch and a scan, imported by itself and from the ONNX file that torch makes of it."""
    torch = pytest.importorskip("torch")
    from torch._higher_order_ops.scan import scan

    class Module(torch.nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            def step(state: Any, row: Any) -> Any:
                state = torch.tanh(self.layer(state) + row)
                return state, state * 2

            x = torch.cond(
                x.sum() > 0, lambda x: torch.relu(self.layer(x)), lambda x: self.layer(x) * 2, (x,)
            )
            return scan(step, torch.zeros(2, 4), x, dim=0)

    module = Module().eval()
    x = torch.randn(5, 2, 4)
    torch.onnx.export(module, (x,), tmp_path / "m.onnx", dynamo=True, verbose=False)
    samara.export_model(tmp_path / "m.onnx", tmp_path / "onnx.smr")
    samara.export_model(module, tmp_path / "torch.smr", inputs=(x,))
    for sample in (x - x.mean() + 0.1, x - x.mean() - 0.1):
        expected = [t.detach().numpy() for t in module(sample)]
        for name in ("onnx", "torch"):
            found = samara.load(tmp_path / f"{name}.smr").run(sample.numpy())
            for a, b in zip(found.values(), expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def powers(*, count: int | None, extra: Sequence[Any] = ()) -> tuple[Any, Values]:
    """A loop that doubles x, as long as its sum is below a limit, and collects it; `count` is what the model states."""
    body = graph(
        [
            node("Add", ["v", "v"], ["next"]),
            node("ReduceSum", ["next"], ["sum"], keepdims=0),
            node("Less", ["sum", "limit"], ["on"]),
            node("Mul", ["next", "w"], ["scaled"]),
        ],
        {"i": (INT64, []), "c": (BOOL, []), "v": (FLOAT, [2, 3])},
        {"on": (BOOL, []), "next": (FLOAT, [2, 3]), "scaled": (FLOAT, [2, 3])},
    )
    loop = node("Loop", ["trips", "", "x"], ["last", "all"], body=body, name="powers")
    return loop, {"last": (FLOAT, None), "all": (FLOAT, None if count is None else [count, 2, 3])}


def test_loop(tmp_path: Path) -> None:
    loop, outputs = powers(count=None)
    inputs: Values = {"x": (FLOAT, [2, 3]), "w": (FLOAT, [3]), "limit": (FLOAT, []), "trips": (INT64, [])}
    source = model([loop], inputs, outputs)
    samples = [
        {
            "x": np.abs(floats(2, 3)),
            "w": floats(3),
            "limit": np.float32(limit),
            "trips": np.int64(trips),
        }
        for trips, limit in ((5, 1e9), (0, 1e9), (20, 100), (1, 0))
    ]
    loaded = check(source, samples, tmp_path)
    (computed,) = loaded.computed
    assert computed.endswith("trips")
    assert loaded.dimensions[computed] == (0, 1024)
    with pytest.raises(samara.ExecutionError, match="after 1024 steps"):
        loaded.run(x=np.zeros((2, 3), np.float32), w=floats(3), limit=np.float32(1), trips=np.int64(2000))
    assert "powers" in " ".join(samara.import_model(source).warnings)


def test_a_length_that_the_model_states_bounds_a_loop() -> None:
    loop, outputs = powers(count=7)
    inputs: Values = {"x": (FLOAT, [2, 3]), "w": (FLOAT, [3]), "limit": (FLOAT, []), "trips": (INT64, [])}
    imported = samara.import_model(model([loop], inputs, outputs))
    (found,) = imported.outputs["all"].shape[:1]  # type: ignore[index]
    assert found.bounds() == (0, 7)
    assert not imported.warnings


def test_a_trip_count_that_is_fixed(tmp_path: Path) -> None:
    body = graph(
        [
            node("Cast", ["i"], ["f"], to=FLOAT),
            node("Add", ["v", "f"], ["next"]),
            node("Identity", ["c"], ["on"]),
        ],
        {"i": (INT64, [1]), "c": (BOOL, [1]), "v": (FLOAT, [1])},
        {"on": (BOOL, [1]), "next": (FLOAT, [1]), "f": (FLOAT, [1])},
    )
    loop = node("Loop", ["trips", "go", "x"], ["y", "numbers"], body=body)
    source = model(
        [loop],
        {"x": (FLOAT, [1])},
        {"y": (FLOAT, [1]), "numbers": (FLOAT, None)},
        {"trips": np.int64([9]), "go": np.bool_([True])},
    )
    loaded = check(source, [{"x": floats(1)}], tmp_path)
    assert not loaded.dimensions
    assert [op.op for op in loaded.ops()].count("while_loop") == 1


def test_a_loop_over_a_named_dimension_whose_body_takes_shapes_of_the_graph_around_it(tmp_path: Path) -> None:
    body = graph(
        [
            node("Gather", ["x", "i"], ["row"], axis=0),
            node("Reshape", ["row", "wanted"], ["square"]),
            node("Add", ["square", "v"], ["next"]),
            node("Shape", ["x"], ["size"]),
            node("Cast", ["size"], ["size_f"], to=FLOAT),
            node("Gather", ["size_f", "zero"], ["rows"]),
            node("Mul", ["next", "rows"], ["scaled"]),
            node("Identity", ["c"], ["on"]),
        ],
        {"i": (INT64, []), "c": (BOOL, []), "v": (FLOAT, None)},
        {"on": (BOOL, []), "next": (FLOAT, None), "scaled": (FLOAT, None)},
    )
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["trips"]),
        node("Gather", ["shape", "one"], ["width"]),
        node("Div", ["width", "two"], ["half"]),
        node("Unsqueeze", ["half", "axes"], ["half1"]),
        node("Concat", ["half1", "two1"], ["wanted"], axis=0),
        node("ConstantOfShape", ["wanted"], ["start"]),
        node("Loop", ["trips", "", "start"], ["last", "all"], body=body),
    ]
    weights = {
        "zero": np.int64(0),
        "one": np.int64(1),
        "two": np.int64(2),
        "axes": np.int64([0]),
        "two1": np.int64([2]),
    }
    source = model(nodes, {"x": (FLOAT, ["n", "m"])}, {"last": (FLOAT, None), "all": (FLOAT, None)}, weights)
    samples = [{"x": floats(n, 8)} for n in (5, 1, 3)]
    check(source, samples, tmp_path, {"x": [Dim("n", 1, 5), 8]})


def test_nested_bodies_that_share_weights(tmp_path: Path) -> None:
    weights = {"w": floats(16, 16)}
    then = graph([node("MatMul", ["v", "w"], ["a"])], {}, {"a": (FLOAT, None)})
    other = graph(
        [node("MatMul", ["v", "w"], ["m"]), node("Tanh", ["m"], ["t"]), node("Add", ["t", "x"], ["e"])],
        {},
        {"e": (FLOAT, None)},
    )
    body = graph(
        [
            node("Mod", ["i", "two"], ["odd"]),
            node("Cast", ["odd"], ["p"], to=BOOL),
            node("If", ["p"], ["next"], then_branch=then, else_branch=other),
            node("Identity", ["c"], ["on"]),
        ],
        {"i": (INT64, []), "c": (BOOL, []), "v": (FLOAT, None)},
        {"on": (BOOL, []), "next": (FLOAT, None)},
        {"two": np.int64(2)},
    )
    source = model(
        [node("Loop", ["trips", "", "x"], ["y"], body=body)],
        {"x": (FLOAT, [2, 16]), "trips": (INT64, [])},
        {"y": (FLOAT, None)},
        weights,
    )
    samples = [{"x": floats(2, 16), "trips": np.int64(t)} for t in (0, 1, 4)]
    check(source, samples, tmp_path)
    assert (tmp_path / "m.smr").stat().st_size < 2 * weights["w"].nbytes + 16384
    assert samara.load(tmp_path / "m.smr").memory.constants < weights["w"].nbytes + 256


@pytest.mark.parametrize("keepdims", [0, 1])
def test_branches_of_sizes_that_depend_on_data(keepdims: int, tmp_path: Path) -> None:
    """What the branches read and, the second time, what they give has a size that a run computes."""
    summed = (
        [node("ReduceSum", ["places"], ["a"], keepdims=0)]
        if not keepdims
        else [node("Neg", ["places"], ["a"])]
    )
    largest = (
        [node("Size", ["places"], ["c"])] if not keepdims else [node("Mul", ["places", "places"], ["c"])]
    )
    choice = node(
        "If",
        ["p"],
        ["y"],
        then_branch=graph(summed, {}, {"a": (INT64, None)}),
        else_branch=graph(largest, {}, {"c": (INT64, None)}),
    )
    source = model(
        [node("NonZero", ["x"], ["places"]), choice, node("Add", ["y", "y"], ["z"])],
        {"x": (FLOAT, [6]), "p": (BOOL, [])},
        {"z": (INT64, None)},
    )
    samples = [
        {"x": np.float32(x), "p": np.bool_(p)}
        for x in ([0, 1, 0, 2, 0, 0], [1] * 6, [0, 0, 0, 0, 0, 3])
        for p in (True, False)
    ]
    check(source, samples, tmp_path)


def test_a_loop_over_what_data_select(tmp_path: Path) -> None:
    """The trip count, what the body gathers from, and a loop variable have sizes that a run computes."""
    body = graph(
        [
            node("Gather", ["rows", "i"], ["row"], axis=0),
            node("Add", ["row", "v"], ["next"]),
            node("Mul", ["marks", "two"], ["marked"]),
            node("Identity", ["c"], ["on"]),
            node("Identity", ["next"], ["kept"]),
        ],
        {"i": (INT64, []), "c": (BOOL, []), "v": (FLOAT, [2]), "marks": (FLOAT, ["rows"])},
        {"on": (BOOL, []), "next": (FLOAT, [2]), "marked": (FLOAT, ["rows"]), "kept": (FLOAT, [2])},
        {"two": np.float32(2)},
    )
    nodes = [
        node("Compress", ["x", "chosen"], ["rows"], axis=0),
        node("Shape", ["rows"], ["shape"]),
        node("Gather", ["shape", "zero"], ["count"]),
        node("ReduceSum", ["rows", "one"], ["sums"], keepdims=0),
        node("Loop", ["count", "", "start", "sums"], ["last", "marks", "all"], body=body),
    ]
    weights = {"zero": np.int64(0), "one": np.int64([1]), "start": np.float32([1, 2])}
    source = model(
        nodes,
        {"x": (FLOAT, [5, 2]), "chosen": (BOOL, [5])},
        {"last": (FLOAT, None), "marks": (FLOAT, None), "all": (FLOAT, None)},
        weights,
    )
    samples = [
        {"x": floats(5, 2), "chosen": np.bool_(c)}
        for c in ([1, 0, 1, 1, 0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1])
    ]
    loaded = check(source, samples, tmp_path)
    assert len(loaded.computed) == 1


def scan_body() -> Any:
    """Sums what it scans, and gives products of it."""
    return graph(
        [
            node("Add", ["s", "a"], ["sum"]),
            node("Mul", ["sum", "b"], ["product"]),
            node("Sub", ["a", "b"], ["difference"]),
        ],
        {"s": (FLOAT, [3]), "a": (FLOAT, [3]), "b": (FLOAT, [3])},
        {"sum": (FLOAT, [3]), "product": (FLOAT, [3]), "difference": (FLOAT, [3])},
    )


@pytest.mark.parametrize("opset", [9, 20])
@pytest.mark.parametrize("directions", [(0, 0), (1, 0), (1, 1)])
@pytest.mark.parametrize("to", [(0, 0), (1, -1)])
def test_scan(opset: int, directions: Sequence[int], to: Sequence[int], tmp_path: Path) -> None:
    scan = node(
        "Scan",
        ["s0", "a0", "b0"],
        ["s", "p", "d"],
        body=scan_body(),
        num_scan_inputs=2,
        scan_input_axes=[1, 0],
        scan_input_directions=directions,
        scan_output_axes=to,
        scan_output_directions=directions[::-1],
    )
    inputs: Values = {"s0": (FLOAT, [3]), "a0": (FLOAT, [3, "n"]), "b0": (FLOAT, ["n", 3])}
    source = model([scan], inputs, dict.fromkeys("spd", (FLOAT, None)), opset=opset)
    samples = [{"s0": floats(3), "a0": floats(3, n), "b0": floats(n, 3)} for n in (5, 1, 2)]
    n = Dim("n", 1, 5)
    check(source, samples, tmp_path, {"a0": [3, n], "b0": [n, 3]})


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("directions", [(0, 0), (1, 0)])
def test_scan_of_batches(lengths: bool, directions: Sequence[int], tmp_path: Path) -> None:
    scan = node(
        "Scan",
        ["lengths" if lengths else "", "s0", "a0", "b0"],
        ["s", "p", "d"],
        body=scan_body(),
        num_scan_inputs=2,
        directions=directions,
    )
    inputs: Values = {"s0": (FLOAT, [2, 3]), "a0": (FLOAT, [2, 5, 3]), "b0": (FLOAT, [2, 5, 3])}
    if lengths:
        inputs = {**inputs, "lengths": (INT64, [2])}
    source = model([scan], inputs, dict.fromkeys("spd", (FLOAT, None)), opset=8)
    sample = {"s0": floats(2, 3), "a0": floats(2, 5, 3), "b0": floats(2, 5, 3)}
    samples = [
        {**sample, **({"lengths": np.int64(some)} if lengths else {})} for some in ((5, 5), (3, 5), (1, 2))
    ]
    check(source, samples, tmp_path)


def refusal(source: Any) -> str:
    with pytest.raises(samara.ExportError) as caught:
        samara.import_model(source)
    return str(caught.value)


def test_what_a_body_cannot_do_is_told_once() -> None:
    body = graph(
        [
            node("Frobnicate", ["v"], ["odd"], name="strange"),
            node("Add", ["odd", "v"], ["next"]),
            node("Identity", ["c"], ["on"]),
        ],
        {"i": (INT64, []), "c": (BOOL, []), "v": (FLOAT, None)},
        {"on": (BOOL, []), "next": (FLOAT, None)},
    )
    nodes = [node("Loop", ["trips", "", "x"], ["y"], body=body), node("Exp", ["y"], ["z"])]
    source = model(nodes, {"x": (FLOAT, [2]), "trips": (INT64, [])}, {"z": (FLOAT, None)})
    text = refusal(source)
    assert text.count("\n- ") == 1
    assert "Frobnicate 'strange'" in text


def test_a_carried_value_that_grows_is_refused() -> None:
    body = graph(
        [node("Concat", ["v", "x"], ["next"], axis=0), node("Identity", ["c"], ["on"])],
        {"i": (INT64, []), "c": (BOOL, []), "v": (FLOAT, None)},
        {"on": (BOOL, []), "next": (FLOAT, None)},
    )
    source = model(
        [node("Loop", ["trips", "", "x"], ["y"], body=body, name="grow")],
        {"x": (FLOAT, [2]), "trips": (INT64, [])},
        {"y": (FLOAT, None)},
    )
    text = refusal(source)
    assert "Loop 'grow'" in text
    assert "must keep its shape" in text
    assert "a fixed size" in text


def test_a_loop_that_would_collect_too_much_is_refused() -> None:
    body = graph(
        [node("Identity", ["x"], ["all"]), node("Identity", ["c"], ["on"])],
        {"i": (INT64, []), "c": (BOOL, [])},
        {"on": (BOOL, []), "all": (FLOAT, None)},
    )
    source = model(
        [node("Loop", ["trips"], ["y"], body=body, name="much")],
        {"x": (FLOAT, [400, 400]), "trips": (INT64, [])},
        {"y": (FLOAT, None)},
    )
    text = refusal(source)
    assert "Loop 'much'" in text
    assert "625 MiB" in text
    assert "constants=" in text
    imported = samara.import_model(source, constants={"trips": np.int64(3)})
    assert imported.outputs["y"].shape == (3, 400, 400)


def test_bodies_that_do_not_fit_their_node_are_refused() -> None:
    body = graph([node("Identity", ["c"], ["on"])], {"c": (BOOL, [])}, {"on": (BOOL, [])})
    inputs: Values = {"x": (FLOAT, [2]), "trips": (INT64, [])}
    output: Values = {"y": (FLOAT, None)}
    source = model([node("Loop", ["trips", "", "x"], ["y"], body=body, name="odd")], inputs, output)
    assert "Loop 'odd': its body has 1 inputs" in refusal(source)
    source = model([node("Scan", ["x"], ["y"], body=body, num_scan_inputs=2, name="odd")], inputs, output)
    assert "Scan 'odd': num_scan_inputs is 2" in refusal(source)
    source = model([node("If", ["x"], ["y"], then_branch=body, name="odd")], inputs, output)
    assert "If 'odd': it has no else_branch" in refusal(source)
