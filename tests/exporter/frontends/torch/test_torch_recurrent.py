"""Recurrent layers and cells of torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samara import load
from samara.errors import ExportError
from samara.exporter.export import export_model
from samara.graph.dims import Dim
from tests.exporter.frontends.torch_agreement import agrees, close, exported

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

KINDS = {
    "lstm": (torch.nn.LSTM, {}),
    "gru": (torch.nn.GRU, {}),
    "rnn_tanh": (torch.nn.RNN, {}),
    "rnn_relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch_first": {"batch_first": True},
    "bidirectional": {"bidirectional": True},
    "layers": {"num_layers": 3},
    "all": {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.3},
    "no_bias": {"bias": False, "bidirectional": True},
}


def layer(kind: str, size: int = 3, cells: int = 5, **options: Any) -> Any:
    torch.manual_seed(7)
    made, fixed = KINDS[kind]
    return made(size, cells, **fixed, **options).eval()


def states(kind: str, options: Any, batch: int, cells: int = 5) -> Any:
    count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    made = [torch.randn(count, batch, cells) for _ in range(2)]
    return tuple(made) if kind == "lstm" else made[0]


class Given(torch.nn.Module):
    """A layer that is given its states, and one that is not."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any, start: Any) -> Any:
        return self.inner(x, start), self.inner(x)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_layer(kind: str, options: str, tmp_path: Path) -> None:
    module = layer(kind, **OPTIONS[options])
    x = torch.randn(*((2, 4) if module.batch_first else (4, 2)), 3)
    start = states(kind, OPTIONS[options], 2)
    found = exported(Given(module), (x, start), tmp_path / "m.smr")
    expected, _ = module(x, start)
    flat = [start] if isinstance(start, torch.Tensor) else list(start)
    outputs = found.run(*(t.numpy() for t in (x, *flat)))
    close(next(iter(outputs.values())), expected.detach().numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_steps_and_batch_move(kind: str, tmp_path: Path) -> None:
    module = layer(kind, num_layers=2, bidirectional=True, batch_first=True)
    shapes = {"input": [Dim("batch", 1, 4), Dim("steps", 1, 9), 3]}
    found = exported(module, (torch.randn(2, 4, 3),), tmp_path / "m.smr", shapes=shapes)
    for batch, steps in ((1, 1), (4, 9), (3, 5)):
        x = torch.randn(batch, steps, 3)
        y, after = module(x)
        wanted = [y, *(after if kind == "lstm" else [after])]
        for output, expected in zip(found.run(x.numpy()).values(), wanted, strict=True):
            close(output, expected.detach().numpy())


def test_projection(tmp_path: Path) -> None:
    module = layer("lstm", proj_size=2, num_layers=2, bidirectional=True)
    exported(module, (torch.randn(4, 2, 3),), tmp_path / "m.smr")


def test_a_sequence_without_batch() -> None:
    agrees(layer("gru"), (torch.randn(4, 3),))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda **k: torch.nn.LSTMCell(3, 5, **k),
        lambda **k: torch.nn.GRUCell(3, 5, **k),
        lambda **k: torch.nn.RNNCell(3, 5, **k),
        lambda **k: torch.nn.RNNCell(3, 5, nonlinearity="relu", **k),
    ],
    ids=["lstm", "gru", "tanh", "relu"],
)
def test_cell(make: Any, bias: bool, tmp_path: Path) -> None:
    module = make(bias=bias)
    agrees(module, (torch.randn(2, 3),))
    start = states("lstm" if isinstance(module, torch.nn.LSTMCell) else "gru", {}, 2)
    start = tuple(s[0] for s in start) if isinstance(start, tuple) else start[0]
    exported(Given(module), (torch.randn(2, 3), start), tmp_path / "m.smr")


def test_a_layer_is_one_product_and_one_op(tmp_path: Path) -> None:
    from samara import export_model

    report = export_model(layer("lstm"), tmp_path / "m.smr", inputs=(torch.randn(4, 2, 3),))
    ops = report.programs[0].ops
    assert ops["lstm"] == 1
    assert ops["matmul"] == 1
    assert not {"transpose", "concat", "broadcast_to", "while_loop"} & set(ops)


def test_packed_sequences_are_refused() -> None:
    class Packed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = layer("lstm")

        def forward(self, x: Any) -> Any:
            packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor([4, 2]))
            return self.inner(packed)[1]

    with pytest.raises(ExportError, match="pack"):
        agrees(Packed(), (torch.randn(4, 2, 3),))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_16_bits(kind: str, tmp_path: Path) -> None:
    module = layer(kind, bidirectional=True).half()
    exported(module, (torch.randn(4, 2, 3).half(),), tmp_path / "m.smr")


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(KINDS)),
    st.tuples(*(st.integers(1, most) for most in (5, 3, 4, 18))),
    st.fixed_dictionaries(
        {
            "num_layers": st.integers(1, 3),
            **{k: st.booleans() for k in ("bias", "batch_first", "bidirectional")},
        }
    ),
    st.booleans(),
)
def test_layers_of_any_shape(
    kind: str, sizes: tuple[int, int, int, int], options: dict[str, Any], project: bool
) -> None:
    steps, batch, inputs, cells = sizes
    if project and kind == "lstm" and cells > 1:
        options = {**options, "proj_size": cells // 2}
    module = layer(kind, inputs, cells, **options)
    first = (batch, steps) if options["batch_first"] else (steps, batch)
    agrees(module, (torch.randn(*first, inputs),))


class Stream(torch.nn.Module):
    """An LSTM that goes on where it stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layer("lstm", num_layers=2, batch_first=True)
        self.register_buffer("state", torch.zeros(2, 1, 5))
        self.register_buffer("cell", torch.zeros(2, 1, 5))

    def forward(self, x: Any) -> Any:
        y, (state, cell) = self.inner(x, (self.state, self.cell))
        self.state.copy_(state)
        self.cell.copy_(cell)
        return y


def test_states_in_buffers_are_kept_between_runs(tmp_path: Path) -> None:
    module = Stream()
    x = torch.randn(1, 12, 3)
    expected, _ = module.inner(x)
    shapes = {"x": [1, Dim("steps", 1, 6), 3]}
    model = exported(module, (x[:, :4],), tmp_path / "m.smr", shapes=shapes)
    context = model.context()
    for begin, end in ((0, 6), (6, 7), (7, 12)):
        close(context.run(x[:, begin:end].numpy()), expected[:, begin:end].detach().numpy())
    context.reset()
    close(context.run(x[:, :2].numpy()), expected[:, :2].detach().numpy())


@pytest.mark.parametrize("options", ["layers", "all"])
@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh"])
def test_layers_become_integers(kind: str, options: str, tmp_path: Path) -> None:
    module = layer(kind, 8, 20, **OPTIONS[options])
    samples = [torch.randn(9, 7, 8, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    report = export_model(module, tmp_path / "m.smr", inputs=(samples[0],), samples=samples, quantize="int8")
    ops, kind = report.programs[0].ops, kind.removesuffix("_tanh")
    assert ops[f"quantized_{kind}"] == (4 if options == "all" else 3)
    assert ops[kind] == ops["quantized_matmul"] == 0
    model = load(tmp_path / "m.smr")
    for x in samples:
        with torch.no_grad():
            y, states = module(x)
        wanted = (y, *(states if kind == "lstm" else [states]))
        for found, expected in zip(model(x.numpy()).values(), wanted, strict=True):
            assert np.abs(found - expected.numpy()).max() < 0.05 * float(expected.abs().max())
