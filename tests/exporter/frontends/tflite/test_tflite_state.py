"""What lasts from run to run, and what runs subgraphs: recurrent nodes, variables, branches, loops, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from samara.errors import ExportError
from tests.exporter.frontends.tflite._reference import agree, export, interpreter, listed
from tests.exporter.frontends.tflite._writer import G, Node, S, T, constant, write, write_model

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(5)
TANH = 4


def f(*shape: int) -> Array:
    return (0.5 * RANDOM.standard_normal(shape)).astype(np.float32)


class Build:
    """Collects the tensors of a model."""

    def __init__(self, hybrid: bool = False, half: bool = False) -> None:
        self.tensors: list[T] = []
        self.nodes: list[Node] = []
        self._hybrid = hybrid
        self._half = half

    def add(self, tensor: T) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def weights(self, *shape: int) -> int:
        """A constant matrix: float32, float16 that is made float32, or bytes that stand for it."""
        value = f(*shape)
        if self._half:
            stored, made = self.add(constant(value, "float16")), self.add(T(shape=shape))
            self.nodes.append(Node(op="DEQUANTIZE", inputs=[stored], outputs=[made]))
            return made
        if not self._hybrid:
            return self.add(constant(value, "float32"))
        scale = np.abs(value).max() / 127
        return self.add(constant(np.round(value / scale), "int8", scale=scale))

    def vector(self, size: int) -> int:
        return self.add(constant(f(size), "float32"))

    def cell(
        self, inputs: int, units: int, *, coupled: bool, peephole: bool, bias: bool, projection: int
    ) -> list[int]:
        """The weights of an LSTM, in the order of its inputs."""
        out = projection or units
        gates = [not coupled, True, True, True]
        found = [self.weights(units, inputs) if g else -1 for g in gates]
        found += [self.weights(units, out) if g else -1 for g in gates]
        found += [self.weights(units) if peephole and g else -1 for g in (not coupled, True, True)]
        found += [self.vector(units) if bias and g else -1 for g in gates]
        found.append(self.weights(projection, units) if projection else -1)
        found.append(self.vector(projection) if projection and not coupled else -1)
        return found

    def state(self, *shape: int) -> int:
        return self.add(T(shape=shape, variable=True))


def lstm(
    *,
    steps: int = 6,
    batch: int = 2,
    inputs: int = 3,
    units: int = 5,
    coupled: bool = False,
    peephole: bool = False,
    projection: int = 0,
    norm: bool = False,
    major: bool = False,
    hybrid: bool = False,
    asymmetric: bool = False,
    clip: float = 0.0,
    half: bool = False,
) -> tuple[bytes, tuple[int, ...]]:
    build = Build(hybrid, half)
    shape = (steps, batch, inputs) if major else (batch, steps, inputs)
    x = build.add(T(shape=shape))
    places = [
        x,
        *build.cell(inputs, units, coupled=coupled, peephole=peephole, bias=True, projection=projection),
        build.state(batch, projection or units),
        build.state(batch, units),
    ]
    if norm:
        places += [build.vector(units) if g or not coupled else -1 for g in range(4)]
    y = build.add(T())
    options = {
        "FusedActivationFunction": TANH,
        "TimeMajor": major,
        "CellClip": clip,
        "ProjClip": clip / 2,
        "AsymmetricQuantizeInputs": asymmetric,
    }
    node = Node(
        op="UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs=places,
        outputs=[y],
        options="UnidirectionalSequenceLSTMOptions",
        values=options,
    )
    return write(build.tensors, [*build.nodes, node], [x], [y]), shape


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"steps": 1},
        {"steps": 3},
        {"steps": 40},
        {"major": True},
        {"coupled": True},
        {"peephole": True},
        {"peephole": True, "coupled": True},
        {"projection": 4},
        {"projection": 4, "clip": 0.3},
        {"norm": True},
        {"norm": True, "coupled": True, "peephole": True, "projection": 2},
        {"clip": 0.2},
    ],
    ids=str,
)
def test_an_lstm_goes_on_from_run_to_run(options: dict[str, Any], tmp_path: Path) -> None:
    data, shape = lstm(**options)
    report = agree(data, tmp_path, [[f(*shape)] for _ in range(3)])
    # A sequence is one op, or one loop, or a few steps; no step turns anything around.
    whole = not {"coupled", "peephole", "norm", "projection"} & set(options)
    assert report.programs[0].ops["lstm"] == whole
    assert "transpose" not in report.programs[0].ops
    assert sum(report.programs[0].ops.values()) < 75


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("options", [{}, {"projection": 4}, {"peephole": True, "major": True}], ids=str)
def test_an_lstm_with_weights_of_8_bits(options: dict[str, Any], asymmetric: bool, tmp_path: Path) -> None:
    data, shape = lstm(hybrid=True, asymmetric=asymmetric, **options)
    agree(data, tmp_path, [[f(*shape)] for _ in range(2)], tolerance=1e-4)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("major", [False, True])
def test_a_bidirectional_lstm(merge: bool, major: bool, tmp_path: Path) -> None:
    build = Build()
    # Of merged outputs that are not time-major, LiteRT takes the states of all but the first of a batch from elsewhere.
    batch = 1 if merge and not major else 2
    shape = (6, batch, 3) if major else (batch, 6, 3)
    x = build.add(T(shape=shape))
    places = [x]
    for _ in range(2):
        places += build.cell(3, 5, coupled=False, peephole=False, bias=True, projection=0)
    places += [build.state(batch, 5) for _ in range(4)]
    places += [-1] * 9
    results = [build.add(T()) for _ in range(1 if merge else 2)]
    node = Node(
        op="BIDIRECTIONAL_SEQUENCE_LSTM",
        inputs=places,
        outputs=results,
        options="BidirectionalSequenceLSTMOptions",
        values={"FusedActivationFunction": TANH, "MergeOutputs": merge, "TimeMajor": major},
    )
    agree(write(build.tensors, [node], [x], results), tmp_path, [[f(*shape)] for _ in range(2)])


@pytest.mark.parametrize("projection", [0, 4])
@pytest.mark.parametrize("peephole", [False, True])
def test_one_step_of_an_lstm(projection: int, peephole: bool, tmp_path: Path) -> None:
    build = Build()
    x = build.add(T(shape=(2, 3)))
    places = [x, *build.cell(3, 5, coupled=False, peephole=peephole, bias=True, projection=projection)]
    places += [build.state(2, projection or 5), build.state(2, 5)]
    y = build.add(T())
    node = Node(
        op="LSTM",
        inputs=places,
        outputs=[y],
        options="LSTMOptions",
        values={"FusedActivationFunction": TANH, "KernelType": 0},
    )
    agree(write(build.tensors, [node], [x], [y]), tmp_path, [[f(2, 3)] for _ in range(3)])


def test_one_step_of_a_basic_lstm(tmp_path: Path) -> None:
    build = Build()
    x = build.add(T(shape=(2, 3)))
    places = [x, build.state(2, 5), build.weights(20, 8), build.vector(20), build.state(2, 5)]
    results = [build.add(T()) for _ in range(4)]
    node = Node(
        op="LSTM",
        inputs=places,
        outputs=results,
        options="LSTMOptions",
        values={"FusedActivationFunction": TANH, "KernelType": 1},
        version=2,
    )
    agree(write(build.tensors, [node], [x], results[:2]), tmp_path, [[f(2, 3)] for _ in range(3)])


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("op", ["RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN"])
def test_simple_recurrent_nodes(op: str, hybrid: bool, tmp_path: Path) -> None:
    build = Build(hybrid)
    shape = (2, 3) if op == "RNN" else (2, 6, 3)
    x = build.add(T(shape=shape))
    places = [x]
    for _ in range(2 if op.startswith("BI") else 1):
        places += [build.weights(5, 3), build.weights(5, 5), build.vector(5), build.state(2, 5)]
    if op.startswith("BI"):
        places += [-1, -1, -1]
    results = [build.add(T()) for _ in range(2 if op.startswith("BI") else 1)]
    options = {"RNN": "RNNOptions", "BIDIRECTIONAL_SEQUENCE_RNN": "BidirectionalSequenceRNNOptions"}
    node = Node(
        op=op,
        inputs=places,
        outputs=results,
        options=options.get(op, "SequenceRNNOptions"),
        values={"FusedActivationFunction": TANH},
    )
    data = write(build.tensors, [node], [x], results)
    agree(data, tmp_path, [[f(*shape)] for _ in range(3)], tolerance=1e-4 if hybrid else 1e-5)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("hybrid", [False, True])
def test_a_filter_over_the_last_steps(rank: int, hybrid: bool, tmp_path: Path) -> None:
    build = Build(hybrid)
    x = build.add(T(shape=(2, 4)))
    places = [x, build.weights(6, 4), build.weights(6, 7), build.vector(6 // rank), build.state(2, 42)]
    y = build.add(T())
    node = Node(
        op="SVDF",
        inputs=places,
        outputs=[y],
        options="SVDFOptions",
        values={"Rank": rank, "FusedActivationFunction": 1},
    )
    runs = [[f(2, 4)] for _ in range(9)]
    agree(write(build.tensors, [node], [x], [y]), tmp_path, runs, tolerance=1e-4 if hybrid else 1e-5)


def test_an_lstm_with_weights_of_16_bits(tmp_path: Path) -> None:
    data, shape = lstm(half=True, inputs=40, units=32)
    report = agree(data, tmp_path, [[f(*shape)] for _ in range(2)])
    # They stay as they are in the file, and are put together there.
    assert report.constant_bytes < 2 * 4 * 32 * (40 + 32) + 1024
    assert report.programs[0].ops["cast"] == 2
    assert "concat" not in report.programs[0].ops


def test_state_is_reset_saved_and_loaded(tmp_path: Path) -> None:
    data, shape = lstm()
    _, path = export(data, tmp_path)
    context = samara.load(path).context()
    x = f(*shape)
    first = listed(context.run(x))[0].copy()
    saved = context.states()
    second = listed(context.run(x))[0].copy()
    assert np.abs(first - second).max() > 1e-4
    context.load_states(saved)
    np.testing.assert_array_equal(listed(context.run(x))[0], second)
    context.reset()
    np.testing.assert_array_equal(listed(context.run(x))[0], first)


# Variables -------------------------------------------------------------------------------------------------------


def handle(tensor: int, name: str) -> Node:
    return Node(
        op="VAR_HANDLE",
        inputs=[],
        outputs=[tensor],
        options="VarHandleOptions",
        values={"Container": "", "SharedName": name},
    )


def counter(start: Sequence[float] = (10, 20)) -> bytes:
    """Two signatures of one variable: `add` adds to it and gives it, `get` gives it; both begin with `start`."""
    once = Node(
        op="CALL_ONCE", inputs=[], outputs=[], options="CallOnceOptions", values={"InitSubgraphIndex": 2}
    )
    resource = T(shape=(), dtype="resource")
    add = G(
        tensors=[T(shape=(2,), name="amount"), resource, T(shape=(2,)), T(shape=(2,), name="sum")],
        nodes=[
            once,
            handle(1, "total"),
            Node(op="READ_VARIABLE", inputs=[1], outputs=[2]),
            Node(op="ADD", inputs=[2, 0], outputs=[3], options="AddOptions"),
            Node(op="ASSIGN_VARIABLE", inputs=[1, 3], outputs=[]),
        ],
        inputs=[0],
        outputs=[3],
        name="add",
    )
    get = G(
        tensors=[T(shape=(1,), name="factor"), resource, T(shape=(2,)), T(shape=(2,), name="scaled")],
        nodes=[
            once,
            handle(1, "total"),
            Node(op="READ_VARIABLE", inputs=[1], outputs=[2]),
            Node(op="MUL", inputs=[2, 0], outputs=[3], options="MulOptions"),
        ],
        inputs=[0],
        outputs=[3],
        name="get",
    )
    initial = G(
        tensors=[resource, constant(start, "float32")],
        nodes=[handle(0, "total"), Node(op="ASSIGN_VARIABLE", inputs=[0, 1], outputs=[])],
        inputs=[],
        outputs=[],
        name="initial",
    )
    signatures = [
        S(name="add", graph=0, inputs={"amount": 0}, outputs={"sum": 3}),
        S(name="get", graph=1, inputs={"factor": 0}, outputs={"scaled": 3}),
    ]
    return write_model([add, get, initial], signatures)


def test_variables_are_shared_by_signatures(tmp_path: Path) -> None:
    data = counter()
    oracle = interpreter(data)
    report, path = export(data, tmp_path)
    assert [p.name for p in report.programs] == ["add", "get"]
    assert "reference" in report.oracle
    context = samara.load(path).context()
    runners = {n: oracle.get_signature_runner(n) for n in ("add", "get")}
    for name, given in (("get", [2]), ("add", [1, 2]), ("get", [-1]), ("add", [0.5, 0.5]), ("get", [3])):
        key, result = {"add": ("amount", "sum"), "get": ("factor", "scaled")}[name]
        array = np.array(given, np.float32)
        found = listed(context.run(signature=name, **{key: array}))[0]
        np.testing.assert_array_equal(found, runners[name](**{key: array})[result])
    np.testing.assert_array_equal(found, [34.5, 67.5])
    context.reset()
    np.testing.assert_array_equal(listed(context.run(np.ones(1, np.float32), signature="get"))[0], [10, 20])


def test_a_session_runs_signatures_by_name(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(counter())
    model = samara.import_model(tmp_path / "m.tflite")
    assert [s.name for s in model.signatures] == ["add", "get"]
    assert list(model.inputs) == ["amount"]
    one = np.ones(2, np.float32)
    np.testing.assert_array_equal(model.run({"amount": one})["sum"], [11, 21])
    np.testing.assert_array_equal(model.run({"amount": one}, signature="add")["sum"], [12, 22])
    np.testing.assert_array_equal(model.run({"factor": one[:1]}, signature="get")["scaled"], [12, 22])
    with pytest.raises(ValueError, match="no signature is called 'put'; there are add, get"):
        model.run({}, signature="put")


def test_samples_for_signatures_go_by_name(tmp_path: Path) -> None:
    inputs = {"add": [np.ones(2, np.float32)], "get": {"factor": np.ones(1, np.float32)}}
    report, _ = export(counter(), tmp_path, inputs=inputs)
    assert not report.seeded
    with pytest.raises(ValueError, match="takes inputs by signature: add, get"):
        export(counter(), tmp_path, inputs=[np.ones(2, np.float32)])


def test_a_variable_without_a_value_begins_with_zeros(tmp_path: Path) -> None:
    resource = T(shape=(), dtype="resource")
    graph = G(
        tensors=[T(shape=(2,)), resource, T(shape=(2,)), T(shape=(2,))],
        nodes=[
            handle(1, "v"),
            Node(op="READ_VARIABLE", inputs=[1], outputs=[2]),
            Node(op="SUB", inputs=[2, 0], outputs=[3], options="SubOptions"),
            Node(op="ASSIGN_VARIABLE", inputs=[1, 3], outputs=[]),
        ],
        inputs=[0],
        outputs=[3],
    )
    _, path = export(write_model([graph]), tmp_path)
    context = samara.load(path).context()
    one = np.ones(2, np.float32)
    assert [listed(context.run(one))[0].tolist() for _ in range(2)] == [[-1, -1], [-2, -2]]


# Branches and loops ----------------------------------------------------------------------------------------------


def branches(then: str, other: str) -> bytes:
    """y = then(a, b) when the condition holds, else other(a, b)."""
    pair = [T(shape=(2, 3)), T(shape=(2, 3)), T(shape=(2, 3))]

    def body(op: str) -> G:
        options = f"{op.capitalize()}Options"
        return G(
            tensors=pair,
            nodes=[Node(op=op, inputs=[0, 1], outputs=[2], options=options)],
            inputs=[0, 1],
            outputs=[2],
        )

    main = G(
        tensors=[T(shape=(1,), dtype="bool"), *pair],
        nodes=[
            Node(
                op="IF",
                inputs=[0, 1, 2],
                outputs=[3],
                options="IfOptions",
                values={"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 2},
            )
        ],
        inputs=[0, 1, 2],
        outputs=[3],
    )
    return write_model([main, body(then), body(other)])


def test_one_of_two_branches(tmp_path: Path) -> None:
    runs = [[np.array([t]), f(2, 3), f(2, 3)] for t in (True, False, True)]
    report = agree(branches("ADD", "MUL"), tmp_path, runs)
    assert report.programs[0].ops["cond"] == 1


def loop(limit: int) -> bytes:
    """Doubles x, adding y, as long as a count is below a limit."""
    variables = [T(shape=(1,), dtype="int32"), T(shape=(2,)), T(shape=(2,))]
    test = G(
        tensors=[*variables, constant([limit], "int32"), T(shape=(1,), dtype="bool")],
        nodes=[Node(op="LESS", inputs=[0, 3], outputs=[4], options="LessOptions")],
        inputs=[0, 1, 2],
        outputs=[4],
    )
    step = G(
        tensors=[
            *variables,
            constant([1], "int32"),
            T(shape=(1,), dtype="int32"),
            T(shape=(2,)),
            constant([2], "float32"),
            T(shape=(2,)),
        ],
        nodes=[
            Node(op="ADD", inputs=[0, 3], outputs=[4], options="AddOptions"),
            Node(op="MUL", inputs=[1, 6], outputs=[5], options="MulOptions"),
            Node(op="ADD", inputs=[5, 2], outputs=[7], options="AddOptions"),
        ],
        inputs=[0, 1, 2],
        outputs=[4, 7, 2],
    )
    main = G(
        tensors=[*variables, *variables],
        nodes=[
            Node(
                op="WHILE",
                inputs=[0, 1, 2],
                outputs=[3, 4, 5],
                options="WhileOptions",
                values={"CondSubgraphIndex": 1, "BodySubgraphIndex": 2},
            )
        ],
        inputs=[0, 1, 2],
        outputs=[3, 4, 5],
    )
    return write_model([main, test, step])


def test_a_loop(tmp_path: Path) -> None:
    runs = [[np.array([start], np.int32), f(2), f(2)] for start in (0, 3, 9)]
    report = agree(loop(5), tmp_path, runs)
    assert report.programs[0].ops["while_loop"] == 1


def test_a_branch_that_writes_a_variable(tmp_path: Path) -> None:
    """One branch adds to a variable, the other leaves it; the variable is read after that."""
    resource = T(shape=(), dtype="resource")
    main = G(
        tensors=[T(shape=(1,), dtype="bool"), T(shape=(2,)), resource, T(shape=(2,)), T(shape=(2,))],
        nodes=[
            handle(2, "v"),
            Node(
                op="IF",
                inputs=[0, 1, 2],
                outputs=[3],
                options="IfOptions",
                values={"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 2},
            ),
            Node(op="READ_VARIABLE", inputs=[2], outputs=[4]),
        ],
        inputs=[0, 1],
        outputs=[3, 4],
    )
    writes = G(
        tensors=[T(shape=(2,)), resource, T(shape=(2,)), T(shape=(2,))],
        nodes=[
            Node(op="READ_VARIABLE", inputs=[1], outputs=[2]),
            Node(op="ADD", inputs=[2, 0], outputs=[3], options="AddOptions"),
            Node(op="ASSIGN_VARIABLE", inputs=[1, 3], outputs=[]),
        ],
        inputs=[0, 1],
        outputs=[3],
    )
    leaves = G(
        tensors=[T(shape=(2,)), resource, T(shape=(2,))],
        nodes=[Node(op="NEG", inputs=[0], outputs=[2])],
        inputs=[0, 1],
        outputs=[2],
    )
    _, path = export(write_model([main, writes, leaves]), tmp_path)
    context = samara.load(path).context()
    total = np.zeros(2, np.float32)
    for flag in (True, False, True, True, False):
        x = f(2)
        total = total + x if flag else total
        y, kept = listed(context.run(np.array([flag]), x))
        np.testing.assert_array_equal(y, total if flag else -x)
        np.testing.assert_array_equal(kept, total)


def test_subgraphs_that_run_each_other_are_refused(tmp_path: Path) -> None:
    pair = [T(shape=(1,), dtype="bool"), T(shape=(2,)), T(shape=(2,))]
    itself = G(
        tensors=pair,
        nodes=[
            Node(
                op="IF",
                inputs=[0, 0, 1],
                outputs=[2],
                options="IfOptions",
                values={"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 1},
            )
        ],
        inputs=[0, 1],
        outputs=[2],
    )
    with pytest.raises(ExportError, match="runs itself"):
        export(write_model([itself, itself]), tmp_path)


def test_a_branch_of_other_inputs_is_refused(tmp_path: Path) -> None:
    node = Node(
        op="IF",
        inputs=[0, 1],
        outputs=[2],
        options="IfOptions",
        values={"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 1},
    )
    main = G(
        tensors=[T(shape=(1,), dtype="bool"), T(shape=(2,)), T(shape=(2,))],
        nodes=[node],
        inputs=[0, 1],
        outputs=[2],
    )
    body = G(tensors=[T(shape=(2,))], nodes=[], inputs=[], outputs=[0])
    with pytest.raises(ExportError, match="1 arguments for the 0 inputs"):
        export(write_model([main, body]), tmp_path)
