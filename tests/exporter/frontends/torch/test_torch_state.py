"""State across runs: caches of keys and values, step by step in the C runtime as in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import ExportError, load
from samara.exporter.export import export_model
from samara.exporter.frontends import import_model
from tests.exporter.frontends.torch_agreement import close

torch = pytest.importorskip("torch")

nn = torch.nn
ROOM = 12


class Attention(nn.Module):
    """Attention with all keys and values so far, which it keeps in buffers."""

    def __init__(self, size: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.both = nn.Linear(size, 3 * size)
        self.last = nn.Linear(size, size)
        self.register_buffer("keys", torch.zeros(1, heads, ROOM, size // heads))
        self.register_buffer("values", torch.zeros(1, heads, ROOM, size // heads))

    def forward(self, x: Any, position: Any) -> Any:
        batch, length, size = x.shape
        parts = self.both(x).chunk(3, -1)
        query, key, value = (p.reshape(batch, length, self.heads, -1).transpose(1, 2) for p in parts)
        self.keys.index_copy_(2, position, key)
        self.values[:, :, position] = value
        mask = torch.arange(ROOM) <= position[:, None]
        found = nn.functional.scaled_dot_product_attention(query, self.keys, self.values, attn_mask=mask)
        return self.last(found.transpose(1, 2).reshape(batch, length, size))


def test_a_cache_in_buffers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Attention().eval()
    first = (torch.randn(1, 1, 16), torch.tensor([0]))
    report = export_model(module, tmp_path / "m.smr", inputs=first)
    # The buffers are written where they lie: nothing of their size is copied but into themselves.
    assert report.programs[0].ops["assign"] == 2
    context = load(tmp_path / "m.smr").context()
    assert set(context.states()) == {"keys", "values"}
    steps = [torch.randn(1, 1, 16) for _ in range(ROOM)]
    expected = []
    with torch.no_grad():
        for position, x in enumerate(steps):
            expected.append(module(x, torch.tensor([position])).numpy())
            close(context.run(x=x.numpy(), position=np.array([position])), expected[-1])
    close(context.states()["keys"], module.keys.numpy())
    context.reset()
    close(context.run(x=steps[0].numpy(), position=np.array([0])), expected[0])


def test_a_window_that_slides(tmp_path: Path) -> None:
    class Window(nn.Module):
        """The last samples of a stream, moved along in every run."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("past", torch.zeros(1, 4, 6))
            self.conv = nn.Conv1d(4, 3, 7)

        def forward(self, x: Any) -> Any:
            joined = torch.cat([self.past, x], 2)
            self.past.copy_(joined[:, :, x.shape[2] :])
            return self.conv(joined)

    torch.manual_seed(0)
    module = Window().eval()
    export_model(module, tmp_path / "m.smr", inputs=torch.randn(1, 4, 2))
    context = load(tmp_path / "m.smr").context()
    stream = torch.randn(1, 4, 16)
    with torch.no_grad():
        for start in range(0, 16, 2):
            x = stream[:, :, start : start + 2]
            close(context.run(x.contiguous().numpy()), module(x).numpy())
        whole = module.conv(nn.functional.pad(stream, (6, 0)))
    context.reset()
    parts = [context.run(stream[:, :, i : i + 2].contiguous().numpy()) for i in range(0, 16, 2)]
    close(np.concatenate(parts, axis=2), whole.numpy())


def test_state_of_one_run_depends_on_its_place_in_a_branch(tmp_path: Path) -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x: Any) -> Any:
            more = torch.cond(x.sum() > 0, lambda x: x.max() * 2, lambda x: x.min() - 1, (x,))
            self.count += more
            return x * self.count

    module = Counts().eval()
    export_model(module, tmp_path / "m.smr", inputs=torch.ones(3))
    context = load(tmp_path / "m.smr").context()
    for factor in (1.0, -2.0, 3.0):
        x = torch.tensor([1.0, 2.0, 4.0]) * factor
        close(context.run(x.numpy()), module(x).numpy())


def test_static_cache_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from transformers.integrations.executorch import TorchExportableModuleWithStaticCache

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = transformers.LlamaForCausalLM(config).eval()
    model.generation_config = transformers.GenerationConfig(
        use_cache=True,
        cache_implementation="static",
        max_length=ROOM,
        cache_config={"batch_size": 1, "max_cache_len": ROOM},
    )
    module = TorchExportableModuleWithStaticCache(
        model, batch_size=1, max_cache_len=ROOM, device=torch.device("cpu")
    )
    first = {"input_ids": torch.tensor([[5]]), "cache_position": torch.tensor([0])}
    export_model(module.eval(), tmp_path / "m.smr", inputs=first)
    context = load(tmp_path / "m.smr").context()
    ids = [5, 9, 40, 3, 17, 5, 5, 28]
    with torch.no_grad():
        expected = model(torch.tensor([ids]), use_cache=False).logits.numpy()
    for position, token in enumerate(ids):
        found = context.run(input_ids=np.array([[token]]), cache_position=np.array([position]))
        close(found, expected[:, position : position + 1])


def test_tensors_that_are_no_buffers_are_told() -> None:
    class Keeps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.held = [torch.zeros(2, 3)]

        def forward(self, x: Any) -> Any:
            self.held[0][1].copy_(x)
            return self.held[0] * 2

    with pytest.raises(ExportError, match="writes into tensors that are no buffers"):
        import_model(Keeps().eval(), inputs=torch.ones(3))
