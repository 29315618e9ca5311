"""Recurrent layers of ONNX with all their options, held to onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import samara
from samara.graph.dims import Dim

Array = np.ndarray[Any, Any]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
FUNCTIONS = {"LSTM": 3, "GRU": 2, "RNN": 1}
NAMES = (
    "Relu",
    "Tanh",
    "Sigmoid",
    "Affine",
    "LeakyRelu",
    "ThresholdedRelu",
    "ScaledTanh",
    "HardSigmoid",
    "Elu",
    "Softsign",
    "Softplus",
)
ALPHAS = {"Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"}
BETAS = {"Affine", "ScaledTanh", "HardSigmoid"}


def layer(
    kind: str,
    *,
    sizes: tuple[int, int, int, int] = (4, 2, 3, 5),
    operands: tuple[str, ...] = ("bias",),
    lengths: Any = None,
    moves: bool = False,
    seed: int = 0,
    **attributes: Any,
) -> tuple[Any, dict[str, Array]]:
    """A model of one node, and its inputs: x, and those of `operands` that are data."""
    random = np.random.default_rng(seed)
    steps, batch, inputs, cells = sizes
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    first = attributes.get("layout", 0) == 1
    state = (batch, directions, cells) if first else (directions, batch, cells)
    count = GATES[kind]
    shapes = {
        "w": (directions, count * cells, inputs),
        "r": (directions, count * cells, cells),
        "bias": (directions, 2 * count * cells),
        "h0": state,
        "c0": state,
        "peephole": (directions, 3 * cells),
    }
    made = {
        n: random.uniform(-0.9, 0.9, s).astype(np.float32)
        for n, s in shapes.items()
        if n in ("w", "r", *operands)
    }
    feeds = {"x": random.uniform(-1.5, 1.5, (batch, steps, inputs) if first else (steps, batch, inputs))}
    feeds = {"x": feeds["x"].astype(np.float32)}
    if lengths is not None:
        feeds["lengths"] = np.asarray(lengths, np.int32)
    feeds.update({n: made.pop(n) for n in ("h0", "c0") if n in made})
    known = {**made, **feeds}
    order = ["x", "w", "r", "bias", "lengths", "h0", "c0", "peephole"]
    outputs = ["y", "y_h", "y_c"][: 3 if kind == "LSTM" else 2]
    node = helper.make_node(
        kind, [n if n in known else "" for n in order], outputs, hidden_size=cells, **attributes
    )
    while node.input and node.input[-1] == "":
        del node.input[-1]
    described = [
        helper.make_tensor_value_info(
            n,
            TensorProto.INT32 if n == "lengths" else TensorProto.FLOAT,
            ["steps", "batch", inputs] if moves and n == "x" else a.shape,
        )
        for n, a in feeds.items()
    ]
    graph = helper.make_graph(
        [node],
        "test",
        described,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(a, n) for n, a in made.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return model, feeds


def reference(model: Any, feeds: Mapping[str, Array]) -> list[Array]:
    """What onnxruntime computes."""
    ort = pytest.importorskip("onnxruntime", reason="the oracle")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(feeds)))


def close(found: Any, expected: list[Array]) -> None:
    values = list(found.values()) if isinstance(found, dict) else [found]
    assert len(values) == len(expected)
    for value, wanted in zip(values, expected, strict=True):
        assert value.shape == wanted.shape
        scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-2)
        np.testing.assert_allclose(value, wanted, rtol=0, atol=2e-5 * scale)


@st.composite
def layers(draw: Any, *, plain: bool) -> tuple[Any, dict[str, Array]]:
    """A layer with any options, or with those that the ops have."""
    kind = draw(st.sampled_from(sorted(GATES)))
    sizes = tuple(draw(st.integers(1, most)) for most in (5, 3, 4, 18))
    steps, batch, _, _ = sizes
    direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    optional = ["bias", "h0", *(["c0"] if kind == "LSTM" else [])]
    options: dict[str, Any] = {"direction": direction}
    if kind == "GRU":
        options["linear_before_reset"] = draw(st.integers(0, 1))
    if not plain:
        if kind == "LSTM":
            optional.append("peephole")
            options["input_forget"] = draw(st.integers(0, 1))
        if draw(st.booleans()):
            options["clip"] = draw(st.sampled_from([0.2, 1.0]))
        if draw(st.booleans()):
            count = FUNCTIONS[kind] * (2 if direction == "bidirectional" else 1)
            names = [draw(st.sampled_from(NAMES)) for _ in range(count)]
            numbers = st.sampled_from([0.3, 0.7, 1.1])
            options["activations"] = names
            for key, having in (("activation_alpha", ALPHAS), ("activation_beta", BETAS)):
                values = [draw(numbers) for n in names if n in having]
                if values:
                    options[key] = values
    operands = tuple(n for n in optional if draw(st.booleans()))
    # onnxruntime gives 0 for the last state of a sequence without steps, which keeps the first one here.
    lengths = [draw(st.integers(1, steps)) for _ in range(batch)] if draw(st.booleans()) else None
    return layer(
        kind,
        sizes=sizes,  # type: ignore[arg-type]
        operands=operands,
        lengths=lengths,
        seed=draw(st.integers(0, 99)),
        **options,
    )


@settings(max_examples=120, deadline=None, derandomize=True)
@given(layers(plain=True))
def test_layers(made: tuple[Any, dict[str, Array]]) -> None:
    model, feeds = made
    close(samara.import_model(model).run(feeds), reference(model, feeds))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(layers(plain=False))
def test_layers_of_any_options(made: tuple[Any, dict[str, Array]]) -> None:
    model, feeds = made
    close(samara.import_model(model).run(feeds), reference(model, feeds))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"direction": "bidirectional", "lengths": [1, 4]},
        {"operands": ("bias", "h0", "c0", "peephole"), "clip": 0.5, "input_forget": 1},
        {"direction": "reverse", "lengths": [3, 1], "activations": ["HardSigmoid", "Softsign", "Elu"]},
    ],
    ids=["plain", "lengths", "peephole", "functions"],
)
def test_on_a_device(options: dict[str, Any], tmp_path: Path) -> None:
    model, feeds = layer("LSTM", **options)
    samara.export_model(model, tmp_path / "m.smr", inputs=feeds)
    close(samara.load(tmp_path / "m.smr").run(**feeds), reference(model, feeds))


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("activations", [None, "Softsign"])
def test_layouts_give_the_same(kind: str, activations: str | None) -> None:
    options: dict[str, Any] = {"direction": "bidirectional", "operands": ("bias", "h0")}
    if activations:
        options["activations"] = [activations] * (2 * FUNCTIONS[kind])
    plain, feeds = layer(kind, **options)
    other, _ = layer(kind, layout=1, **options)
    turned = {n: a.transpose(1, 0, 2) for n, a in feeds.items()}
    y, *states = samara.import_model(plain).run(feeds).values()
    expected = [y.transpose(2, 0, 1, 3), *(s.transpose(1, 0, 2) for s in states)]
    close(samara.import_model(other).run(turned), expected)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("clip", [{}, {"clip": 0.7}], ids=["op", "loop"])
def test_steps_and_batch_move(kind: str, clip: dict[str, float], tmp_path: Path) -> None:
    model, _ = layer(kind, direction="bidirectional", moves=True, **clip)
    shapes = {"x": [Dim("steps", 1, 9), Dim("batch", 1, 4), 3]}
    samara.export_model(model, tmp_path / "m.smr", shapes=shapes)
    loaded = samara.load(tmp_path / "m.smr")
    for steps, batch in ((9, 4), (1, 1), (5, 3)):
        x = np.random.default_rng(steps).standard_normal((steps, batch, 3)).astype(np.float32)
        close(loaded.run(x), reference(model, {"x": x}))


def test_an_unknown_function_is_refused_by_name(tmp_path: Path) -> None:
    model, _ = layer("RNN", activations=["Swish"])
    with pytest.raises(samara.ExportError, match="the function 'Swish' is unknown"):
        samara.export_model(model, tmp_path / "m.smr")


def test_a_length_outside_of_the_sequence_is_an_error_of_the_run(tmp_path: Path) -> None:
    model, feeds = layer("GRU", lengths=[4, 3])
    samara.export_model(model, tmp_path / "m.smr", inputs=feeds)
    loaded = samara.load(tmp_path / "m.smr")
    for length in (5, -1):
        feeds["lengths"][1] = length
        with pytest.raises(samara.ExecutionError, match=f"sequence 1 has length {length} of 4 steps"):
            loaded.run(**feeds)
        with pytest.raises(samara.GraphError, match="lengths must be 0 to 4"):
            samara.import_model(model).run(feeds)


@pytest.mark.parametrize("kind", GATES)
def test_an_imported_layer_can_be_trained(kind: str) -> None:
    model, feeds = layer(kind, direction="bidirectional", lengths=[4, 2])
    imported = samara.import_model(model, trainable=True)
    with imported.graph.as_default():
        y, *_ = imported.outputs.values()
        loss = samara.reduce_mean(samara.square(y))
        step = samara.train.GradientDescentOptimizer(0.5).minimize(loss)
    given = {imported.inputs[n]: a for n, a in feeds.items()}
    before = imported.session.run(loss, given)
    for _ in range(20):
        imported.session.run(step, given)
    assert imported.session.run(loss, given) < 0.9 * before
