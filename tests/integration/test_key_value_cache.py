"""Decoders that keep keys and values of what came before: token by token they give what the whole sequence gives.

The cache is state of a graph, of a torch module, or goes out of an ONNX model and into it again.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from samara.exporter.export import Signature
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.variables import Variable, global_variables_initializer

Array = np.ndarray[Any, Any]

WORDS, WIDTH, HEADS, SIZE, LAYERS, LONGEST = 23, 16, 2, 8, 2, 10
TOKENS = np.int32([3, 17, 0, 9, 9, 22, 5, 1])


def weights() -> dict[str, Array]:
    """Of a decoder with rotary positions, one head of keys and values for all queries, and gated layers."""
    random = np.random.default_rng(5)
    shapes = {"words": (WORDS, WIDTH), "last": (WIDTH,)}
    for i in range(LAYERS):
        shapes |= {f"q{i}": (WIDTH, HEADS * SIZE), f"k{i}": (WIDTH, SIZE), f"v{i}": (WIDTH, SIZE)}
        shapes |= {f"o{i}": (HEADS * SIZE, WIDTH), f"before{i}": (WIDTH,), f"after{i}": (WIDTH,)}
        shapes |= {f"gate{i}": (WIDTH, 24), f"up{i}": (WIDTH, 24), f"down{i}": (24, WIDTH)}
    return {n: (random.standard_normal(s) / math.sqrt(s[0])).astype(np.float32) for n, s in shapes.items()}


def angles() -> Array:
    """The rotation of each pair of features at each position."""
    return np.outer(np.arange(LONGEST), 100.0 ** -np.linspace(0, 1, SIZE // 2)).astype(np.float32)


class Decoder:
    """The decoder in ops of the table. Tensors are [heads, positions, size]."""

    def __init__(self, graph: Graph) -> None:
        self.b: Any = graph.b
        self.w = weights()

    def norm(self, x: Tensor, name: str) -> Tensor:
        b = self.b
        mean = b.reduce_mean(b.square(x), axes=(-1,), keepdims=True)
        scaled: Tensor = b.multiply(b.multiply(x, b.rsqrt(b.add(mean, np.float32(1e-6)))), self.w[name])
        return scaled

    def heads(self, x: Tensor, name: str, count: int) -> Tensor:
        b = self.b
        split: Tensor = b.transpose(
            b.reshape(b.matmul(x, self.w[name]), np.int32([-1, count, SIZE])), permutation=(1, 0, 2)
        )
        return split

    def rotated(self, x: Tensor, places: Any) -> Tensor:
        b = self.b
        cos, sin = (b.gather(f(angles()), places, axis=0) for f in (np.cos, np.sin))
        first, second = b.split(x, axis=-1, sizes=(SIZE // 2, SIZE // 2))
        turned: Tensor = b.concat(
            [
                b.subtract(b.multiply(first, cos), b.multiply(second, sin)),
                b.add(b.multiply(first, sin), b.multiply(second, cos)),
            ],
            axis=-1,
        )
        return turned

    def scores(self, tokens: Tensor, places: Any, mask: Tensor, keep: Any) -> Tensor:
        """The next word's scores at each position; `keep(name, x)` gives the keys or values of all positions."""
        b, w = self.b, self.w
        x = b.gather(w["words"], tokens, axis=0)
        for i in range(LAYERS):
            y = self.norm(x, f"before{i}")
            q = self.rotated(self.heads(y, f"q{i}", HEADS), places)
            k = keep(f"keys{i}", self.rotated(self.heads(y, f"k{i}", 1), places))
            v = keep(f"values{i}", self.heads(y, f"v{i}", 1))
            products = b.multiply(b.matmul(q, k, transpose_y=True), np.float32(SIZE**-0.5))
            attention = b.softmax(b.where(mask, products, np.float32(-1e9)))
            mixed = b.reshape(
                b.transpose(b.matmul(attention, v), permutation=(1, 0, 2)), np.int32([-1, HEADS * SIZE])
            )
            x = b.add(x, b.matmul(mixed, w[f"o{i}"]))
            y = self.norm(x, f"after{i}")
            gated = b.multiply(b.silu(b.matmul(y, w[f"gate{i}"])), b.matmul(y, w[f"up{i}"]))
            x = b.add(x, b.matmul(gated, w[f"down{i}"]))
        found: Tensor = b.matmul(self.norm(x, "last"), w["words"], transpose_y=True)
        return found


def whole(graph: Graph) -> tuple[Tensor, Tensor]:
    """The tokens of a sequence, and the scores at each of its positions."""
    tokens = graph.apply(
        "placeholder", [], {"dtype": "int32", "shape": [Dim("n", 1, LONGEST)]}, name="tokens"
    ).outputs[0]
    b: Any = graph.b
    length = b.gather(b.shape(tokens), np.int32(0), axis=0)
    places = b.range(np.int32(0), length, np.int32(1))
    mask = b.less_equal(b.expand_dims(places, axis=0), b.expand_dims(places, axis=1))
    return tokens, Decoder(graph).scores(tokens, places, mask, lambda name, x: x)


def step(graph: Graph) -> tuple[Tensor, Tensor]:
    """The next token, and the scores after it; keys, values and the place are state."""
    token = graph.apply("placeholder", [], {"dtype": "int32", "shape": [1]}, name="token").outputs[0]
    b: Any = graph.b
    place = Variable(np.zeros(1, np.int32), name="place")
    here = b.identity(place.as_graph_tensor())
    begin = b.concat([np.int32([0]), here, np.int32([0])], axis=0)
    written: list[Tensor] = []

    def keep(name: str, x: Tensor) -> Tensor:
        cache = Variable(np.zeros((1, LONGEST, SIZE), np.float32), name=name)
        written.append(cache.assign(b.dynamic_update_slice(cache.as_graph_tensor(), x, begin)))
        return written[-1]

    mask = b.less_equal(np.arange(LONGEST, dtype=np.int32), here)
    scores = Decoder(graph).scores(token, here, mask, keep)
    written.append(place.assign(b.add(here, np.int32([1]))))
    with graph.control_dependencies([t.op for t in written]):
        return token, b.identity(scores)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> samara.Model:
    """Two signatures: a sequence at once, and one token after the other."""
    path = tmp_path_factory.mktemp("decoder") / "m.smr"
    graph = Graph()
    with graph.as_default(), Session(graph=graph).as_default() as session:
        tokens, all_scores = whole(graph)
        token, scores = step(graph)
        session.run(global_variables_initializer())
        samara.export_model(
            [
                Signature({"scores": all_scores}, inputs={"tokens": tokens}, name="whole"),
                Signature({"scores": scores}, inputs={"token": token}, name="step"),
            ],
            path,
        )
    return samara.load(path)


def test_a_cache_in_a_graph(decoder: samara.Model) -> None:
    context = decoder.context()
    expected = context.run(TOKENS, signature="whole")
    assert np.abs(np.diff(expected, axis=0)).max() > 0.1
    for _ in range(2):
        found = [context.run(TOKENS[i : i + 1], signature="step")[0] for i in range(len(TOKENS))]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert context.states()["place"] == len(TOKENS)
        context.reset()
    # The weights of both are stored once; the widths of some are rounded up.
    assert decoder.memory.constants < 1.5 * sum(w.nbytes for w in weights().values())


def test_a_conversation_goes_on_in_another_context(decoder: samara.Model) -> None:
    first, second = decoder.context(), decoder.context()
    for token in TOKENS[:5]:
        first.run([token], signature="step")
    saved = first.states()
    expected = [first.run([token], signature="step") for token in TOKENS[5:]]
    second.load_states(saved)
    np.testing.assert_array_equal([second.run([t], signature="step") for t in TOKENS[5:]], expected)
    first.load_states(saved)
    np.testing.assert_array_equal([first.run([t], signature="step") for t in TOKENS[5:]], expected)


def test_a_full_cache_ends_the_run(decoder: samara.Model) -> None:
    context = decoder.context()
    for _ in range(LONGEST):
        context.run([1], signature="step")
    before = context.states()
    with pytest.raises(samara.ExecutionError, match="index 10 is outside 0 to 9"):
        context.run([1], signature="step")
    np.testing.assert_array_equal(context.states()["place"], before["place"])


# The same in torch, and through ONNX ------------------------------------------------------------------------------


def torch_decoder() -> Any:
    """The decoder as a module with a cache in buffers; `whole` takes a sequence, `with_cache` any keys and values."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    class TorchDecoder(torch.nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            for name, array in weights().items():
                self.register_parameter(name, torch.nn.Parameter(torch.tensor(array)))
            self.register_buffer("angles", torch.tensor(angles()))
            self.register_buffer("place", torch.zeros(1, dtype=torch.int64))
            for name in (f"{kind}{i}" for kind in ("keys", "values") for i in range(LAYERS)):
                self.register_buffer(name, torch.zeros(1, LONGEST, SIZE))

        def norm(self, x: Any, name: str) -> Any:
            return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * getattr(self, name)

        def rotated(self, x: Any, angles: Any) -> Any:
            first, second = x.chunk(2, dim=-1)
            cos, sin = angles.cos(), angles.sin()
            return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)

        def scores(self, tokens: Any, angles: Any, mask: Any, keep: Any) -> Any:
            def heads(x: Any, name: str, count: int) -> Any:
                return (x @ getattr(self, name)).reshape(-1, count, SIZE).transpose(0, 1)

            x = functional.embedding(tokens, self.words)
            for i in range(LAYERS):
                y = self.norm(x, f"before{i}")
                q = self.rotated(heads(y, f"q{i}", HEADS), angles)
                k = keep(f"keys{i}", self.rotated(heads(y, f"k{i}", 1), angles))
                v = keep(f"values{i}", heads(y, f"v{i}", 1))
                k, v = (t.expand(HEADS, -1, -1)[None] for t in (k, v))
                mixed = functional.scaled_dot_product_attention(q[None], k, v, attn_mask=mask)[0]
                x = x + mixed.transpose(0, 1).reshape(-1, HEADS * SIZE) @ getattr(self, f"o{i}")
                y = self.norm(x, f"after{i}")
                gated = functional.silu(y @ getattr(self, f"gate{i}")) * (y @ getattr(self, f"up{i}"))
                x = x + gated @ getattr(self, f"down{i}")
            return self.norm(x, "last") @ self.words.T

        def whole(self, tokens: Any) -> Any:
            count = len(tokens)
            mask = torch.ones(count, count, dtype=torch.bool).tril()
            with torch.no_grad():
                return self.scores(tokens, self.angles[:count], mask, lambda name, x: x).numpy()

        def forward(self, token: Any) -> Any:
            def keep(name: str, x: Any) -> Any:
                return getattr(self, name).index_copy_(1, self.place, x)

            mask = torch.arange(LONGEST) <= self.place
            scores = self.scores(token, self.angles[self.place], mask[None], keep)
            self.place += 1
            return scores

    return TorchDecoder().eval()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_cache_in_buffers_of_torch(tmp_path: Path) -> None:
    module = torch_decoder()
    import torch

    expected = module.whole(torch.tensor(TOKENS.astype(np.int64)))
    samara.export_model(module, tmp_path / "m.smr", inputs=(torch.tensor([1]),))
    context = samara.load(tmp_path / "m.smr").context()
    assert len(context.states()) == 2 * LAYERS + 1
    for _ in range(2):
        found = [context.run(np.int64([t]))[0] for t in TOKENS]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        context.reset()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_cache_that_goes_through_inputs_and_outputs(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    module = torch_decoder()
    import torch

    kept = [f"{kind}{i}" for kind in ("keys", "values") for i in range(LAYERS)]

    class Step(torch.nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.decoder = module

        def forward(self, token: Any, *past: Any) -> Any:
            before, present = dict(zip(kept, past, strict=True)), {}

            def keep(name: str, x: Any) -> Any:
                present[name] = torch.cat([before[name], x], dim=1)
                return present[name]

            place = past[0].shape[1]
            mask = torch.ones(1, place + 1, dtype=torch.bool)
            scores = self.decoder.scores(token, self.decoder.angles[place : place + 1], mask, keep)
            return scores, *(present[n] for n in kept)

    past = [torch.randn(1, 3, SIZE) for _ in kept]
    length = torch.export.Dim("past", min=0, max=LONGEST - 1)
    torch.onnx.export(
        Step().eval(),
        (torch.tensor([1]), *past),
        tmp_path / "m.onnx",
        input_names=["token", *(f"past.{n}" for n in kept)],
        output_names=["scores", *(f"present.{n}" for n in kept)],
        dynamic_shapes=(None, tuple({1: length} for _ in kept)),
        dynamo=True,
        verbose=False,
    )
    size = Dim("past", 0, LONGEST - 1)
    shapes = {f"past.{n}": [1, size, SIZE] for n in kept}
    samara.export_model(tmp_path / "m.onnx", tmp_path / "m.smr", shapes=shapes)
    model = samara.load(tmp_path / "m.smr")
    expected = module.whole(torch.tensor(TOKENS.astype(np.int64)))
    state = {n: np.zeros((1, 0, SIZE), np.float32) for n in kept}
    for i, token in enumerate(TOKENS):
        found = model.run(token=np.int64([token]), **{f"past.{n}": a for n, a in state.items()})
        np.testing.assert_allclose(found["scores"][0], expected[i], rtol=1e-4, atol=1e-5)
        state = {n: found[f"present.{n}"] for n in kept}
        assert state["keys0"].shape == (1, i + 1, SIZE)
