"""Recurrent layers as integers: what becomes of them, and how near they are to the float ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.passes import PASSES
from samara.graph import dtypes
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.ops import OPS
from samara.graph.ops.quant_recurrent import _curve
from samara.pyruntime.model import load
from samara.quantize import Int8
from samara.quantize.recurrent import cell_quantization, curves, kept_quantization, state_quantization

Array = np.ndarray[Any, Any]

STEPS, BATCH, FEATURES, CELLS = 30, 2, 12, 20


class Layers:
    """A graph of recurrent layers, and samples of its inputs."""

    def __init__(self, seed: int = 3) -> None:
        self.graph = Graph()
        self.b = self.graph.b
        self.random = np.random.default_rng(seed)
        self.inputs: dict[str, Tensor] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}

    def given(self, name: str, *shape: int, dtype: str = "float32") -> Tensor:
        attributes = {"dtype": dtype, "shape": shape}
        self.inputs[name] = self.graph.apply("placeholder", [], attributes, name=name).outputs[0]
        self.shapes[name] = shape
        return self.inputs[name]

    def weights(self, *shape: int) -> Array:
        return (self.random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)

    def gates(self, x: Tensor, cells: int = CELLS, count: int = 4) -> Tensor:
        assert x.shape is not None
        bias = self.random.uniform(-0.5, 0.5, count * cells).astype(np.float32)
        made: Tensor = self.b.matmul(x, self.weights(int(x.shape[-1]), count * cells), bias)
        return made

    def lstm(self, x: Tensor, *states: Tensor | None, cells: int = CELLS, **options: Any) -> list[Tensor]:
        made: list[Tensor] = self.b.lstm(
            self.gates(x, cells), 1.5 * self.weights(cells, 4 * cells), *states, **options
        )
        return made

    def gru(
        self,
        x: Tensor,
        state: Tensor | None = None,
        lengths: Tensor | None = None,
        *,
        cells: int = CELLS,
        reset_after: bool = False,
        **options: Any,
    ) -> list[Tensor]:
        bias = self.random.uniform(-0.5, 0.5, cells).astype(np.float32) if reset_after else None
        made: list[Tensor] = self.b.gru(
            self.gates(x, cells, 3),
            1.5 * self.weights(cells, 3 * cells),
            state,
            lengths,
            bias,
            reset_after=reset_after,
            **options,
        )
        return made

    def rnn(self, x: Tensor, *states: Tensor | None, **options: Any) -> list[Tensor]:
        gates = self.gates(x, CELLS, 1)
        made: list[Tensor] = self.b.rnn(gates, 0.7 * self.weights(CELLS, CELLS), *states, **options)
        return made

    def samples(self, count: int = 6) -> list[dict[str, Array]]:
        def one(name: str) -> Array:
            if self.inputs[name].dtype is dtypes.int32:
                return self.random.integers(0, STEPS, self.shapes[name], np.int32, endpoint=True)
            drawn = self.random.standard_normal(self.shapes[name]).astype(np.float32)
            return np.tanh(drawn) if name == "state" else drawn

        return [{name: one(name) for name in self.inputs} for _ in range(count)]


def _noise(found: Array, expected: Array) -> float:
    """Signal to noise in decibels."""
    difference = np.square(found.astype(np.float64) - expected).sum()
    return float(10 * np.log10(np.square(expected.astype(np.float64)).sum() / max(difference, 1e-300)))


def _export(
    layers: Layers, outputs: dict[str, Tensor], path: Path, quantize: Any = "int8", disable: Any = ()
) -> tuple[Any, dict[str, float]]:
    """The report, and the decibels of each output over samples that calibration has not seen."""
    report = export_model(
        outputs,
        path,
        inputs=layers.inputs,
        samples=layers.samples(),
        quantize=quantize,
        disable=disable,
    )
    model = load(path)
    session = Session(graph=layers.graph)
    fresh = layers.samples()
    feeds = [{layers.inputs[n]: a for n, a in s.items()} for s in fresh]
    expected = [session.run(list(outputs.values()), f) for f in feeds]
    found = [model.run(**s) for s in fresh]
    found = [f if isinstance(f, dict) else dict.fromkeys(outputs, f) for f in found]
    return report, {
        name: _noise(np.stack([f[name] for f in found]), np.stack([e[i] for e in expected]))
        for i, name in enumerate(outputs)
    }


def _ops(report: Any) -> set[str]:
    return {name for program in report.programs for name in program.ops}


@pytest.mark.parametrize("disable", [(), tuple(PASSES)], ids=["optimised", "as it is"])
def test_stacked_layers_are_integers_all_through(tmp_path: Path, disable: Any) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    y = layers.lstm(layers.lstm(x)[0])[0]
    report, noise = _export(layers, {"y": y}, tmp_path / "m.smr", disable=disable)
    assert _ops(report) == {"quantize", "quantized_lstm", "dequantize"}
    assert report.warnings == ()
    assert all(row.error == 0.0 for row in report.layers if row.exact)
    assert noise["y"] > 30.0


def test_both_directions_are_written_at_one_scale(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", BATCH, STEPS, FEATURES)
    sides = [layers.lstm(x, batch_first=True, reverse=reverse)[0] for reverse in (False, True)]
    y = layers.b.matmul(layers.b.concat(sides, axis=2), layers.weights(2 * CELLS, 4))
    report, noise = _export(layers, {"y": y}, tmp_path / "m.smr")
    assert _ops(report) == {"quantize", "quantized_lstm", "concat", "quantized_matmul", "dequantize"}
    assert noise["y"] > 30.0


def test_states_go_in_and_come_out(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    state, cell = (layers.given(name, BATCH, CELLS) for name in ("state", "cell"))
    outputs = dict(zip(("y", "new_state", "new_cell"), layers.lstm(x, state, cell), strict=True))
    report, noise = _export(layers, outputs, tmp_path / "m.smr")
    assert {"quantized_lstm", "quantize", "dequantize"} == _ops(report)
    assert min(noise.values()) > 30.0


def test_states_that_are_constants(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    states = [layers.b.constant(draw(layers.weights(BATCH, CELLS))) for draw in (np.tanh, np.square)]
    y = layers.lstm(x, *states)[0]
    report, noise = _export(layers, {"y": y}, tmp_path / "m.smr")
    assert "quantized_lstm" in _ops(report)
    assert "lstm" not in _ops(report)
    assert noise["y"] > 30.0


@pytest.mark.parametrize("reverse", [False, True])
def test_sequences_have_lengths(tmp_path: Path, reverse: bool) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    lengths = layers.given("lengths", BATCH, dtype="int32")
    y, state, cell = layers.lstm(x, None, None, lengths, reverse=reverse)
    report, noise = _export(layers, {"y": y, "state": state, "cell": cell}, tmp_path / "m.smr")
    assert "quantized_lstm" in _ops(report)
    assert min(noise.values()) > 25.0


def test_cells_are_clipped(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    _, _, cell = layers.lstm(x, cell_clip=0.25)
    report, noise = _export(layers, {"cell": cell}, tmp_path / "m.smr")
    assert "quantized_lstm" in _ops(report)
    found = load(tmp_path / "m.smr").run(**layers.samples(1)[0])
    assert np.abs(found).max() == pytest.approx(0.25, abs=1e-3)
    assert noise["cell"] > 25.0


def test_gates_that_others_read_too(tmp_path: Path) -> None:
    layers = Layers()
    gates = layers.gates(layers.given("x", STEPS, BATCH, FEATURES))
    y = layers.b.lstm(gates, layers.weights(CELLS, 4 * CELLS))[0]
    report, noise = _export(layers, {"y": y, "gates": gates}, tmp_path / "m.smr")
    assert {"quantized_lstm", "quantized_matmul"} <= _ops(report)
    assert min(noise.values()) > 30.0


@pytest.mark.parametrize("kept", ["lstm", "matmul"])
def test_a_layer_stays_in_float_where_it_is_asked_to(tmp_path: Path, kept: str) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    y = layers.b.tanh(
        layers.b.conv2d(layers.b.expand_dims(layers.lstm(x)[0], axis=0), layers.weights(1, 1, CELLS, 3))
    )
    report, _ = _export(layers, {"y": y}, tmp_path / "m.smr", Int8(keep_float=(kept,)))
    assert "lstm" in _ops(report)
    assert "quantized_lstm" not in _ops(report)


both_resets = pytest.mark.parametrize("reset_after", [False, True], ids=["before", "after"])


@both_resets
@pytest.mark.parametrize("disable", [(), tuple(PASSES)], ids=["optimised", "as it is"])
def test_stacked_grus_are_integers_all_through(tmp_path: Path, disable: Any, reset_after: bool) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    y = layers.gru(layers.gru(x, reset_after=reset_after)[0], reset_after=reset_after)[0]
    report, noise = _export(layers, {"y": y}, tmp_path / "m.smr", disable=disable)
    assert _ops(report) == {"quantize", "quantized_gru", "dequantize"}
    assert report.warnings == ()
    assert all(row.error == 0.0 for row in report.layers if row.exact)
    assert noise["y"] > 30.0


def test_grus_of_both_directions_and_an_lstm_are_written_at_one_scale(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", BATCH, STEPS, FEATURES)
    sides = [layers.gru(x, batch_first=True, reverse=r, reset_after=r)[0] for r in (False, True)]
    sides += layers.lstm(x, batch_first=True)[:1]
    y = layers.b.matmul(layers.b.concat(sides, axis=2), layers.weights(3 * CELLS, 4))
    report, noise = _export(layers, {"y": y}, tmp_path / "m.smr")
    layers_of = {"quantized_gru", "quantized_lstm"}
    assert _ops(report) == {"quantize", *layers_of, "concat", "quantized_matmul", "dequantize"}
    assert noise["y"] > 30.0


@both_resets
def test_the_state_of_a_gru_goes_in_and_comes_out(tmp_path: Path, reset_after: bool) -> None:
    layers = Layers()
    x, state = layers.given("x", STEPS, BATCH, FEATURES), layers.given("state", BATCH, CELLS)
    y, last = layers.gru(x, state, reset_after=reset_after)
    after = layers.b.matmul(last, layers.weights(CELLS, 40))
    outputs = {"y": y, "last": last, "after": after}
    report, noise = _export(layers, outputs, tmp_path / "m.smr")
    assert _ops(report) == {"quantize", "quantized_gru", "quantized_matmul", "dequantize"}
    assert min(noise["y"], noise["last"]) > 30.0
    assert noise["after"] > 25.0
    # It comes out with more bits than the output of the last step has.
    model, sample = load(tmp_path / "m.smr"), layers.samples(1)[0]
    found = model.run(**sample)
    steps = np.unique(found["last"] * 2**14)
    assert np.array_equal(steps, np.round(steps))
    assert np.abs(found["last"] - found["y"][-1]).max() > 0.0
    assert np.abs(found["last"] - found["y"][-1]).max() < 0.005


def test_a_large_state_of_a_gru_has_fewer_fraction_bits(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    state = layers.b.multiply(layers.given("state", BATCH, CELLS), np.float32(5.0))
    y, last = layers.gru(x, state)
    report, noise = _export(layers, {"y": y, "last": last}, tmp_path / "m.smr")
    assert "gru" not in _ops(report)
    assert min(noise.values()) > 20.0
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    y = layers.gru(x, layers.b.constant(np.tanh(layers.weights(BATCH, CELLS))))[0]
    report, noise = _export(layers, {"y": y}, tmp_path / "m.smr")
    assert "gru" not in _ops(report)
    assert noise["y"] > 30.0


@both_resets
@pytest.mark.parametrize("reverse", [False, True])
def test_sequences_of_grus_have_lengths(tmp_path: Path, reverse: bool, reset_after: bool) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    lengths = layers.given("lengths", BATCH, dtype="int32")
    y, state = layers.gru(x, None, lengths, reverse=reverse, reset_after=reset_after)
    report, noise = _export(layers, {"y": y, "state": state}, tmp_path / "m.smr")
    assert "quantized_gru" in _ops(report)
    assert min(noise.values()) > 25.0


@both_resets
def test_a_gru_stays_in_float_where_it_is_asked_to(tmp_path: Path, reset_after: bool) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    y = layers.gru(layers.lstm(x)[0], reset_after=reset_after)[0]
    report, _ = _export(layers, {"y": y}, tmp_path / "m.smr", Int8(keep_float=("gru",)))
    assert {"gru", "quantized_lstm"} <= _ops(report)
    assert "quantized_gru" not in _ops(report)


def test_simple_layers_are_integers_all_through(tmp_path: Path) -> None:
    layers = Layers()
    x, state = layers.given("x", STEPS, BATCH, FEATURES), layers.given("state", BATCH, CELLS)
    y, last = layers.rnn(layers.rnn(x, state)[0])
    report, noise = _export(layers, {"y": y, "last": last}, tmp_path / "m.smr")
    assert _ops(report) == {"quantize", "quantized_rnn", "dequantize"}
    assert report.warnings == ()
    assert min(noise.values()) > 30.0


@pytest.mark.parametrize("reverse", [False, True])
def test_sequences_of_simple_layers_have_lengths(tmp_path: Path, reverse: bool) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    y, state = layers.rnn(x, None, layers.given("lengths", BATCH, dtype="int32"), reverse=reverse)
    report, noise = _export(layers, {"y": y, "state": state}, tmp_path / "m.smr")
    assert "quantized_rnn" in _ops(report)
    assert min(noise.values()) > 25.0


def test_a_state_that_hardly_changes_goes_on_changing(tmp_path: Path) -> None:
    """What a step adds is less than half of what tells two outputs apart."""
    layers = Layers()
    x = layers.given("x", 400, 1, 1)
    of_inputs = np.float32([[0.0, 0.0, 1.0]])
    gates = layers.b.matmul(x, of_inputs, np.float32([5.0, 0.0, 0.0]))
    y = layers.b.gru(gates, np.zeros((1, 3), np.float32))[0]
    ones = {"x": np.ones((400, 1, 1), np.float32)}
    export_model({"y": y}, tmp_path / "m.smr", inputs=layers.inputs, samples=[ones], quantize="int8")
    expected = Session(graph=layers.graph).run(y, {x: ones["x"]})
    assert expected[1, 0, 0] - expected[0, 0, 0] < 1 / 127
    np.testing.assert_allclose(load(tmp_path / "m.smr").run(**ones), expected, atol=0.02)


def test_what_has_no_integer_arithmetic_says_why(tmp_path: Path) -> None:
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    gates = layers.gates(x)
    projected = layers.b.lstm(
        gates, layers.weights(8, 4 * CELLS), None, None, None, layers.weights(CELLS, 8)
    )[0]
    report, _ = _export(layers, {"y": projected}, tmp_path / "m.smr")
    assert "it has a projection" in report.warnings[0]
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    gates = layers.b.add(layers.gates(x), layers.b.square(layers.gates(x)))
    y = layers.b.lstm(gates, layers.weights(CELLS, 4 * CELLS))[0]
    report, _ = _export(layers, {"y": y}, tmp_path / "m.smr")
    assert "no product of inputs" in report.warnings[0]
    layers = Layers()
    x = layers.given("x", STEPS, BATCH, FEATURES)
    bias = layers.b.reduce_mean(x, axes=(0, 1))
    y = layers.b.gru(
        layers.gates(x, FEATURES, 3),
        layers.weights(FEATURES, 3 * FEATURES),
        None,
        None,
        bias,
        reset_after=True,
    )[0]
    report, _ = _export(layers, {"y": y}, tmp_path / "m.smr")
    assert "its bias is not constant" in "".join(report.warnings)
    layers = Layers()
    y = layers.rnn(layers.given("x", STEPS, BATCH, FEATURES), activation="relu")[0]
    report, _ = _export(layers, {"y": y}, tmp_path / "m.smr")
    assert "it has relu for tanh" in report.warnings[0]


def test_curves_are_near_tanh() -> None:
    x = np.arange(-32768, 32768)
    found = _curve(np, curves().astype(np.int64), x) / 2**15
    error = np.abs(found - np.tanh(x / 2**12))
    assert error[np.abs(x) < 4 * 2**12].max() < 3e-4
    assert error.max() < 7e-4
    assert found[32768] == 0.0
    assert np.array_equal(found[1:], -found[1:][::-1])


def test_cells_keep_as_many_fraction_bits_as_they_can() -> None:
    for largest, bits in ((0.0, 12), (7.9, 12), (8.1, 11), (16.0, 10), (100.0, 8), (1e6, 8)):
        assert cell_quantization(largest).scale == 2.0**-bits


def test_scales_of_states_are_one_by_an_integer() -> None:
    for low, high in ((-1.0, 1.0), (-0.3, 0.9), (0.0, 0.01), (0.0, 0.0), (-50.0, 3.0)):
        found = state_quantization(low, high)
        steps = round(1 / float(found.scale))
        assert np.float32(1.0 / steps) == found.scale
        assert 1 <= steps <= 32767
        if (low, high) != (0.0, 0.0):
            error = found.dequantize(found.quantize(np.float32([low, high]))) - [low, high]
            assert np.abs(error).max() <= float(found.scale)


def test_states_of_grus_keep_as_many_fraction_bits_as_they_can() -> None:
    for largest, bits in ((0.0, 14), (1.9, 14), (2.1, 13), (30.0, 10), (100.0, 8), (1e6, 8)):
        assert kept_quantization(largest).scale == 2.0**-bits


def test_matrices_that_are_none_are_refused() -> None:
    with pytest.raises(Exception, match="cell_bits is 13"):
        _node(cell_bits=13)
    with pytest.raises(Exception, match="output_multiplier is 0"):
        _node(output_multiplier=0)
    with pytest.raises(Exception, match="4 gates of the cells"):
        _node(columns=4 * CELLS)
    for wrong, message in (
        ({"state_bits": 15}, "state_bits is 15"),
        ({"output_multiplier": 256}, "1 to 255"),
    ):
        with pytest.raises(Exception, match=message):
            _node("quantized_gru", 96, **{"state_bits": 8, **wrong})
    with pytest.raises(Exception, match="3 gates of the cells"):
        _node("quantized_gru", 128, state_bits=14)
    with pytest.raises(Exception, match="output_multiplier is 32768"):
        _node("quantized_rnn", 32, output_multiplier=32768)


def _node(op: str = "quantized_lstm", columns: int = 128, **attributes: Any) -> None:
    b = Graph().b
    assert OPS[op].quant == "integer"
    options = {"output_multiplier": 127, **attributes}
    if op == "quantized_lstm":
        options.setdefault("cell_bits", 11)
    getattr(b, op)(
        np.zeros((2, 1, 3), np.int8),
        np.zeros((3, columns), np.int8),
        np.zeros((CELLS, columns), np.int8),
        np.zeros((2, columns), np.int32),
        np.zeros((2, columns), np.float32),
        curves(),
        **options,
    )
