"""Chains of convolutions in strips of rows: the same values, in less memory."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from samara.errors import ModelFileError
from samara.exporter.freeze import Signature, freeze
from samara.exporter.lower import lower
from samara.exporter.passes import finish, optimize, strip_choice
from samara.exporter.passes.row_strips import compute_in_strips, find_chains, in_strips
from samara.exporter.writer import to_bytes
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.rewrite import ModelGraph, needed
from samara.quantize import Int8

Array = np.ndarray[Any, Any]


def image(graph: Graph, *shape: Any) -> Tensor:
    return graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name="x").outputs[0]


class Net:
    """Draws the weights of convolutions."""

    def __init__(self, seed: int, *shape: Any) -> None:
        self.graph = Graph()
        self.x = image(self.graph, *shape)
        self.chance = random.Random(seed)
        self.draw = np.random.default_rng(seed)

    def weights(self, *shape: int) -> Array:
        return self.draw.normal(size=shape, scale=np.prod(shape[:-1]) ** -0.5).astype(np.float32)

    def conv(self, x: Tensor, channels: int, taps: tuple[int, int] = (1, 1), **attributes: Any) -> Tensor:
        assert x.shape is not None
        depth = x.shape[-1]
        assert isinstance(depth, int)
        bias = self.draw.normal(size=channels).astype(np.float32)
        made: Tensor = self.graph.b.conv2d(
            x, self.weights(*taps, depth, channels), bias, activation="relu6", **attributes
        )
        return made

    def depthwise(self, x: Tensor, taps: tuple[int, int], **attributes: Any) -> Tensor:
        assert x.shape is not None
        depth = x.shape[-1]
        assert isinstance(depth, int)
        made: Tensor = self.graph.b.depthwise_conv2d(
            x, self.weights(*taps, 1, depth).swapaxes(2, 3), **attributes
        )
        return made

    def block(self, x: Tensor, channels: int, stride: int = 1, taps: int = 3, expansion: int = 6) -> Tensor:
        """An inverted residual block."""
        assert x.shape is not None
        depth = x.shape[-1]
        assert isinstance(depth, int)
        y = self.conv(x, depth * expansion)
        y = self.depthwise(y, (taps, taps), strides=(stride, stride), padding="same")
        y = self.conv(y, channels)
        return x + y if stride == 1 and depth == channels else y

    def model(self, *outputs: Tensor) -> ModelGraph:
        shapes = [Dim(f"n{i}", 1, 64) if isinstance(d, Dim) else d for i, d in enumerate(self.x.shape or ())]
        return freeze([Signature(list(outputs), shapes={"x": shapes})], None).model

    def random_op(self, x: Tensor) -> Tensor:
        """One op of a chain."""
        kind = self.chance.choice(("window", "window", "pool", "pointwise", "add", "unary"))
        size = self.chance.choice((1, 2, 3, 5))
        attributes: dict[str, Any] = {
            "strides": (self.chance.choice((1, 1, 2, 3)), self.chance.choice((1, 2))),
            "padding": "same",
        }
        if self.chance.random() < 0.4:
            attributes.update(
                padding="explicit", paddings=[self.chance.randint(0, size - 1) for _ in range(4)]
            )
        if kind == "pool":
            pool = self.chance.choice((self.graph.b.max_pool2d, self.graph.b.average_pool2d))
            made: Tensor = pool(x, pool_size=(size, 2), **{**attributes, "padding": "same"})
            return made
        if kind == "window":
            dilation = self.chance.choice((1, 1, 2)) if attributes["padding"] == "same" else 1
            attributes["dilations"] = (dilation, 1)
            if self.chance.random() < 0.5:
                return self.depthwise(x, (size, size), **attributes)
            return self.conv(x, self.chance.randint(1, 9), (size, size), **attributes)
        if kind == "pointwise":
            return self.conv(x, self.chance.randint(1, 9))
        if kind == "add":
            return x + self.weights(*self.chance.choice(((1,), x.shape)))
        unary: Tensor = self.graph.b.sigmoid(x)
        return unary


def outputs(model: ModelGraph, x: Array) -> list[Array]:
    (signature,) = model.signatures
    (given,) = signature.inputs.values()
    found: list[Array] = Session(graph=model.graph).run(list(signature.outputs.values()), {given: x})
    return found


def kernels(model: ModelGraph) -> list[Any]:
    return [op for op in needed(model.outputs) if op.definition.device == "kernel"]


@pytest.mark.parametrize("seed", range(40))
def test_random_chains_have_the_same_values_in_strips(seed: int) -> None:
    net = Net(seed, 1, 17 + seed % 12, 9, 3)
    y = net.x
    for _ in range(net.chance.randint(2, 6)):
        y = net.random_op(y)
    model = net.model(y)
    chains = [c for c in find_chains(kernels(model), model.outputs) if c[-1].rows_out > 1]
    assert chains or model.outputs[0].shape[1] == 1  # type: ignore[index]
    for chain in chains:
        strips = net.chance.randint(2, min(7, chain[-1].rows_out))
        if strip_choice.strip_program(chain, strips) is None:
            continue
        rewritten = in_strips(model, [(chain, strips)])
        assert rewritten is not None
        computed = Counter(op.type for op in kernels(rewritten))
        assert computed[chain[-1].op.type] >= strips
        x = net.draw.normal(size=model.signatures[0].inputs["x"].shape).astype(np.float32)  # type: ignore[arg-type]
        for a, b in zip(outputs(model, x), outputs(rewritten, x), strict=True):
            np.testing.assert_allclose(b, a, rtol=0, atol=1e-5 * np.abs(a).max())


def test_nothing_is_computed_twice() -> None:
    net = Net(0, 1, 40, 8, 4)
    model = net.model(net.block(net.block(net.x, 4, taps=5), 8, stride=2))
    (chain,) = [c for c in find_chains(kernels(model), model.outputs) if len(c) > 4]
    rewritten = in_strips(model, [(chain, 5)])
    assert rewritten is not None
    for type_ in ("conv2d", "depthwise_conv2d"):
        rows = [
            sum(op.outputs[0].shape[1] for op in kernels(m) if op.type == type_)  # type: ignore[index]
            for m in (model, rewritten)
        ]
        assert rows[0] == rows[1]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ops cost nothing, so that small networks are cut, too."""
    monkeypatch.setattr(strip_choice, "OP_BYTES", 0)
    monkeypatch.setattr(strip_choice, "OP_SHARE", 1 << 62)


def network(seed: int, size: int = 32) -> tuple[Net, Tensor]:
    net = Net(seed, 1, size, size, 3)
    y = net.conv(net.x, 8, (3, 3), strides=(2, 2), padding="same")
    y = net.block(y, 4, expansion=1)
    y = net.block(y, 8, stride=2)
    y = net.block(y, 8, taps=5)
    y = net.block(y, 8)
    return net, net.conv(net.block(y, 12, stride=2), 10)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("quantize", [None, Int8(inputs="int8", outputs="int8")], ids=["float", "int8"])
@pytest.mark.parametrize("size", [32, 41])
def test_files_compute_the_same_in_less_memory(tmp_path: Path, quantize: Int8 | None, size: int) -> None:
    net, y = network(size, size)
    samples = net.draw.normal(size=(3, size, size, 3)).astype(np.float32)
    given = samples if quantize is None else (samples * 40).astype(np.int8)
    reports, found = [], []
    for name, disable in (("plain", ("row_strips",)), ("strips", ())):
        path = tmp_path / f"{name}.smr"
        reports.append(samara.export_model(y, path, samples=samples, quantize=quantize, disable=disable))
        found.append([samara.load(path).run(x=x[None]) for x in given])
    for a, b in zip(*found, strict=True):
        assert np.any(a)
        np.testing.assert_allclose(b, a, rtol=0, atol=0 if quantize else 1e-5 * np.abs(a).max())
    plain, strips = (r.programs[0].plan for r in reports)
    assert strips.arena == strips.bound_order
    assert strips.arena < 0.75 * plain.arena
    assert [p.name for p in reports[1].passes][-1] == "row_strips"
    # The proof is of the same layers: strips of one are compared with its rows.
    layers = [{r.name: r for r in report.layers if not r.name.startswith("x")} for report in reports]
    assert {n: r.op for n, r in layers[0].items()} == {n: r.op for n, r in layers[1].items()}
    for name, row in layers[0].items():
        strips_row = layers[1][name]
        assert (strips_row.source_error is None) == (row.source_error is None)
        assert strips_row.error <= 1e-6
        if row.source_error is not None and quantize is not None:
            assert strips_row.source_error == row.source_error
            assert strips_row.signal_to_noise == pytest.approx(row.signal_to_noise)


@pytest.mark.usefixtures("eager")
def test_what_is_kept_free_is_what_was_foreseen() -> None:
    net, y = network(1)
    model, _ = optimize(net.model(y))
    rewritten, applied = finish(model)
    assert [p.name for p in applied] == ["row_strips"]
    assert finish(model, disable=["row_strips"]) == (model, ())
    plans = [lower(m, metadata={}).programs[0].plan for m in (model, rewritten)]
    assert plans[1].arena < 0.75 * plans[0].arena
    # A second time there is nothing left to gain.
    again = compute_in_strips(rewritten)
    assert again is None or lower(again, metadata={}).programs[0].plan.arena <= plans[1].arena


@pytest.mark.parametrize("shape", [(2, 64, 64, 8), (None, 64, 64, 8), (1, None, 64, 8)])
@pytest.mark.usefixtures("eager")
def test_only_single_images_of_fixed_sizes(shape: tuple[int | None, ...]) -> None:
    net = Net(0, *shape)
    assert compute_in_strips(net.model(net.block(net.x, 16, stride=2))) is None


def test_ops_cost_too() -> None:
    net, y = network(1)
    assert compute_in_strips(net.model(y)) is None
    large = Net(1, 1, 96, 96, 8)
    assert compute_in_strips(large.model(large.block(large.x, 8, stride=2))) is not None


def test_an_image_that_others_read_is_there_as_a_whole() -> None:
    net = Net(0, 1, 16, 16, 4)
    y = net.conv(net.x, 8)
    z = net.depthwise(y, (3, 3), padding="same")
    model = net.model(net.conv(z, 4), y)
    chains = [[e.op.type for e in c] for c in find_chains(kernels(model), model.outputs)]
    assert chains == [["depthwise_conv2d", "conv2d"]]


def shared() -> dict[str, Any]:
    """The contents of a file in which a slice and the parts of a concatenation lie in other tensors."""
    graph = Graph()
    x = image(graph, 1, 12, 4, 4)
    b = graph.b
    parts = [b.strided_slice(x, begin=(0, i), end=(1, i + 6), strides=(1, 1)) for i in (0, 6)]
    y = b.sigmoid(b.concat([b.sigmoid(p) for p in parts], axis=1))
    contents = lower(freeze([Signature([y])], None).model, metadata={}).contents
    return contents


def load(contents: dict[str, Any], path: Path) -> samara.pyruntime.model.Model:
    path.write_bytes(to_bytes(contents))
    return samara.load(path)


def test_parts_lie_in_the_whole(tmp_path: Path) -> None:
    contents = shared()
    tensors = {t["name"]: t.get("offset") for t in contents["programs"][0]["tensors"]}
    x = tensors["x:0"]
    assert [tensors["strided_slice:0"] - x, tensors["strided_slice_1:0"] - x] == [0, 6 * 64]
    assert tensors["sigmoid_1:0"] - tensors["sigmoid:0"] == 6 * 64
    assert tensors["concat:0"] == tensors["sigmoid:0"]
    model = load(contents, tmp_path / "m.smr")
    given = np.random.default_rng(0).normal(size=(1, 12, 4, 4)).astype(np.float32)

    def sigmoid(v: Array) -> Array:
        return 1 / (1 + np.exp(-v))

    np.testing.assert_allclose(model.run(x=given), sigmoid(sigmoid(given)), rtol=1e-5)


@pytest.mark.parametrize(
    ("tensor", "by", "message"),
    [
        ("strided_slice_1:0", -64, "lies on input"),
        ("strided_slice_1:0", 4, "lies on input"),
        ("strided_slice:0", 64, "lies on input"),
        ("sigmoid:0", 64, "lies on|over it"),
        ("sigmoid_1:0", 16, "lies on|over it"),
        ("sigmoid_1:0", 2, "in steps of 64, or of 4"),
        ("x:0", 4, "in steps of 64|lies on"),
    ],
)
def test_a_part_at_another_place_is_refused(tmp_path: Path, tensor: str, by: int, message: str) -> None:
    contents = shared()
    program = contents["programs"][0]
    program["arena_bytes"] += 256
    (found,) = [t for t in program["tensors"] if t["name"] == tensor]
    found["offset"] += by
    with pytest.raises(ModelFileError, match=message):
        load(contents, tmp_path / "m.smr")


def test_a_part_is_gone_when_it_is_joined(tmp_path: Path) -> None:
    """What reads it later would see the whole, which the loader cannot know to be the same."""
    contents = shared()
    program = contents["programs"][0]
    names = [t["name"] for t in program["tensors"]]
    last = program["ops"][-1]
    assert last["inputs"] == [names.index("concat:0")]
    last["inputs"] = [names.index("sigmoid:0")]
    with pytest.raises(ModelFileError):
        load(contents, tmp_path / "m.smr")
