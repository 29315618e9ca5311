"""Splits and slices along channels: pieces lie in the rows of what they are taken from, and nothing is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara
from samara.errors import ModelFileError
from samara.exporter import sharing
from samara.exporter.lower import lower
from samara.exporter.passes.row_strips import find_chains, in_strips
from samara.exporter.writer import to_bytes
from samara.graph.graph import Graph, Tensor
from samara.quantize import Int8
from tests.exporter.test_channel_joins import INT8, concat, see_alike
from tests.exporter.test_row_strips import Net, image, kernels

Array = np.ndarray[Any, Any]
Block = Callable[[Net, Tensor, tuple[int, ...]], Tensor]


def split(net: Net, x: Tensor, *sizes: int) -> list[Tensor]:
    parts: list[Tensor] = net.graph.b.split(x, axis=-1, sizes=sizes)
    return parts


def slices(net: Net, x: Tensor, *sizes: int) -> list[Tensor]:
    """The same pieces, each by an op of its own."""
    ends = np.cumsum(sizes)
    return [x[..., end - size : end] for size, end in zip(sizes, map(int, ends), strict=True)]


def c2f(net: Net, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The last piece goes through bottlenecks; all pieces and what each of those makes are joined."""
    parts = split(net, net.conv(x, sum(sizes)), *sizes)
    y = parts[-1]
    for _ in range(2):
        z = net.conv(y, sizes[-1], (3, 3), padding="same")
        y = net.graph.b.add(y, net.conv(z, sizes[-1], (3, 3), padding="same"))
        parts.append(y)
    return concat(net, *parts)


def c2f_slices(net: Net, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """A piece of a part of the whole is a piece of the whole."""
    x = net.conv(x, sum(sizes))
    y = net.conv(slices(net, x, *sizes)[0], 7, (3, 3), padding="same")
    return concat(net, y, *slices(net, x, *sizes), net.conv(y, 3))


def shuffle(net: Net, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """One piece passes by."""
    parts = split(net, net.conv(x, sum(sizes)), *sizes)
    y = net.depthwise(net.conv(parts[-1], 12), (3, 3), padding="same")
    return concat(net, parts[0], net.conv(y, sizes[-1]))


def each(net: Net, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Kernels of all kinds read the pieces."""
    b = net.graph.b
    parts = split(net, net.conv(x, sum(sizes)), *sizes)
    made = [
        b.max_pool2d(parts[0], pool_size=(3, 3), strides=(1, 1), padding="same"),
        b.silu(b.multiply(parts[-1], b.sigmoid(parts[-1]))),
        net.depthwise(parts[0], (3, 3), padding="same"),
        b.average_pool2d(parts[-1], pool_size=(3, 3), strides=(1, 1), padding="same"),
    ]
    return net.conv(concat(net, *made), 9)


def exported(
    y: Tensor, samples: Array, quantize: Int8 | None, folder: Path, patch: pytest.MonkeyPatch
) -> tuple[list[Any], list[Any]]:
    """The plans and the models of files whose pieces lie in what they are taken from, and apart from it."""
    options: dict[str, Any] = {"samples": samples, "quantize": quantize, "disable": ["row_strips"]}
    within = samara.export_model(y, folder / "within.smr", **options)
    patch.setattr(sharing, "cuts", lambda op: [])
    options["disable"].append("pieces")
    apart = samara.export_model(y, folder / "apart.smr", **options)
    models = [samara.load(folder / name) for name in ("within.smr", "apart.smr")]
    return [report.programs[0].plan for report in (within, apart)], models


def moved(model: Any) -> Counter[str]:
    """How many splits, slices and concatenations have something to do."""
    rows = model.profile(repetitions=1).rows
    return Counter(r.op for r in rows if r.microseconds > 0 and r.op in ("split", "strided_slice", "concat"))


@pytest.mark.parametrize("quantize", [None, INT8], ids=["float", "int8"])
@pytest.mark.parametrize("sizes", [(16, 16), (23, 9), (8, 3, 16)], ids=str)
@pytest.mark.parametrize(
    ("block", "left"),
    [(c2f, 0), (c2f_slices, 0), (shuffle, 1), (each, 0)],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_pieces_are_not_moved(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: Block,
    left: int,
    sizes: tuple[int, ...],
    quantize: Int8 | None,
) -> None:
    net = Net(sum(sizes), 1, 14, 12, 8)
    # The most bytes are needed before the block, so that it has no bytes to save by copies.
    y = net.conv(block(net, net.conv(net.conv(net.x, 150), 12), sizes), 5)
    samples = net.draw.normal(size=(3, 14, 12, 8)).astype(np.float32)
    plans, models = exported(y, samples, quantize, tmp_path, monkeypatch)
    assert plans[0].arena <= plans[1].arena
    assert moved(models[0]).total() <= left
    assert moved(models[1])["split"] + moved(models[1])["strided_slice"] > 0
    see_alike(models, samples if quantize is None else (samples * 40).astype(np.int8))


def test_gates_of_a_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product for all gates, of which each has its columns."""
    net = Net(4, 3, 7, 10)
    b = net.graph.b
    reset, update, new = split(net, b.matmul(net.x, net.weights(10, 24)), 8, 8, 8)
    state = b.multiply(b.sigmoid(reset), b.tanh(new))
    y = b.add(state, b.multiply(b.sigmoid(update), b.subtract(new, state)))
    samples = net.draw.normal(size=(2, 3, 7, 10)).astype(np.float32)
    options: dict[str, Any] = {"samples": [[s] for s in samples], "disable": []}
    samara.export_model(y, tmp_path / "m.smr", **options)
    model = samara.load(tmp_path / "m.smr")
    assert moved(model).total() == 0
    monkeypatch.setattr(sharing, "cuts", lambda op: [])
    samara.export_model(y, tmp_path / "apart.smr", **options)
    for x in samples:
        np.testing.assert_array_equal(model.run(x=x), samara.load(tmp_path / "apart.smr").run(x=x))


@pytest.mark.parametrize("reader", ["transpose", "output", "reshape", "none"])
def test_what_others_need_together_is_copied(tmp_path: Path, reader: str) -> None:
    """A piece that is read by what cannot go by the distance of rows, or by the caller, is a copy."""
    net = Net(2, 1, 9, 7, 4)
    b = net.graph.b
    x = net.conv(net.x, 20)
    one, other = split(net, x, 6, 14)
    ends = [net.conv(one, 3), net.conv(other, 3)]
    if reader == "transpose":
        ends.append(b.transpose(one, permutation=[0, 2, 1, 3]))
    elif reader == "reshape":
        ends.append(b.relu(b.reshape(one, [63, 6])))
    elif reader == "output":
        ends.append(one)
    report = samara.export_model([*ends, x], tmp_path / "m.smr")
    plan = report.programs[0].plan
    model = samara.load(tmp_path / "m.smr")
    assert len(plan.rows) == (2 if reader == "none" else 1)
    assert moved(model)["split"] == (0 if reader == "none" else 1)
    found = list(model.run(x=net.draw.normal(size=(1, 9, 7, 4)).astype(np.float32)).values())
    if reader != "none":
        want = found[-1][..., :6]
        want = {"transpose": want.transpose(0, 2, 1, 3), "reshape": want.reshape(63, 6), "output": want}[
            reader
        ]
        np.testing.assert_array_equal(found[2], want)


def random_network(seed: int) -> tuple[Net, Tensor]:
    """Convolutions, element-wise ops, pools, splits, slices and joins of images of one size, in any order."""
    net = Net(seed, 1, net_height := 6 + seed % 5, 5, 6)
    b, chance = net.graph.b, net.chance
    images = [net.conv(net.x, chance.randint(2, 20))]
    for _ in range(chance.randint(4, 14)):
        x = chance.choice(images[-4:])
        depth = int(x.shape[-1])  # type: ignore[index, arg-type]
        kind = chance.choice(("conv", "unary", "pool", "cut", "cut", "slice", "join", "join", "rows", "add"))
        if kind == "conv":
            images.append(net.conv(x, chance.randint(1, 20), (chance.choice((1, 3)),) * 2, padding="same"))
        elif kind == "unary":
            images.append(chance.choice((b.sigmoid, b.silu, b.relu))(x))
        elif kind == "pool":
            images.append(b.max_pool2d(x, pool_size=(3, 3), strides=(1, 1), padding="same"))
        elif kind == "cut" and depth > 2:
            at = sorted(chance.sample(range(1, depth), 2))
            images += split(net, x, at[0], at[1] - at[0], depth - at[1])
        elif kind == "slice":
            begin = chance.randint(0, depth - 1)
            images.append(x[..., begin : chance.randint(begin + 1, depth)])
        elif kind == "rows":
            row = chance.randint(1, net_height - 1)
            images.append(b.concat([x[:, :row], b.relu(x[:, row:])], axis=1))
        elif kind == "add":
            images.append(b.add(x, net.weights(depth)))
        elif kind == "join":
            others = chance.sample(images, min(len(images), chance.randint(2, 3)))
            images.append(concat(net, *others))
    return net, net.conv(concat(net, *images[-3:]), 4)


@pytest.mark.parametrize("seed", range(30))
def test_random_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    net, y = random_network(seed)
    samples = net.draw.normal(size=(2, *net.x.shape[1:])).astype(np.float32)  # type: ignore[index]
    plans, models = exported(y, samples, INT8 if seed % 3 == 2 else None, tmp_path, monkeypatch)
    assert plans[0].arena <= plans[1].arena
    see_alike(models, samples if seed % 3 != 2 else (samples * 40).astype(np.int8))


@pytest.mark.parametrize("seed", range(12))
def test_strips_together_with_pieces(tmp_path: Path, seed: int) -> None:
    """Strips of rows lie in parts of wholes, and rows of strips in pieces; the proof compares each layer."""
    net = Net(seed, 1, 12 + seed, 9, 5)
    b = net.graph.b
    widths = [net.chance.randint(1, 12) for _ in range(3)]
    parts = split(net, net.conv(net.x, sum(widths)), *widths)
    ways = []
    for part, width in zip(parts[:2], widths, strict=False):
        y = part
        for _ in range(net.chance.randint(1, 3)):
            pointwise = net.chance.random() < 0.5
            y = b.sigmoid(y) if pointwise else net.conv(y, width, (3, 3), padding="same")
        ways.append(net.depthwise(y, (3, 3), padding="same"))
    model = net.model(net.conv(concat(net, *ways, parts[2]), 3))
    chains = [chain for chain in find_chains(kernels(model), model.outputs) if chain[-1].rows_out > 3]
    # The chains that begin with a piece, or end in a whole.
    within = [c[:-1] if c[-1].op.type == "concat" else c for c in chains]
    strips = in_strips(model, [(c, net.chance.randint(2, 4)) for c in within if len(c) > 1])
    assert strips is not None
    x = net.draw.normal(size=(1, 12 + seed, 9, 5)).astype(np.float32)
    found = []
    for name, each_ in (("plain", model), ("strips", strips)):
        lowered = lower(each_, metadata={})
        (tmp_path / name).write_bytes(to_bytes(lowered.contents))
        found.append(samara.load(tmp_path / name).run(x=x))
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-5 * np.abs(found[0]).max())


def test_strips_of_a_part_lie_in_the_whole(tmp_path: Path) -> None:
    net = Net(5, 1, 24, 9, 4)
    y = net.conv(net.conv(net.x, 24), 8, (3, 3), padding="same")
    model = net.model(net.conv(concat(net, y, net.conv(net.x, 8)), 3))
    chains = find_chains(kernels(model), model.outputs)
    (chain,) = (c for c in chains if c[0].op.outputs[0].shape == (1, 24, 9, 24))
    strips = in_strips(model, [(chain, 3)])
    assert strips is not None
    lowered = lower(strips, metadata={})
    (program,) = lowered.programs
    joins = [op for op in program.ops if op.type == "concat"]
    number = {id(t): i for i, t in enumerate(program.tensors)}
    whole, strided = number[id(joins[-1].outputs[0])], program.plan.rows
    below = next(op for op in joins if op.outputs[0] is joins[-1].inputs[0])
    for row, strip in zip((0, 8, 16), below.given_inputs, strict=True):
        assert strided[number[id(strip)]] == 16 * 4
        assert program.plan.offsets[number[id(strip)]] == program.plan.offsets[whole] + row * 9 * 16 * 4
    (tmp_path / "m.smr").write_bytes(to_bytes(lowered.contents))
    assert moved(samara.load(tmp_path / "m.smr"))["concat"] <= len(joins) - 2


def lowered(cut: Callable[..., list[Tensor]]) -> dict[str, Any]:
    """The contents of a file in which two tensors are pieces of the rows of a third."""
    net = Net(3, 1, 6, 5, 4)
    one, other = cut(net, net.conv(net.x, 12), 8, 4)
    return lower(net.model(net.conv(one, 3), net.conv(other, 3)), metadata={}).contents


def load(contents: dict[str, Any], path: Path) -> Any:
    path.write_bytes(to_bytes(contents))
    return samara.load(path)


@pytest.mark.parametrize("cut", [split, slices])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset": -4}, "lie on each other|lies on input"),
        ({"offset": 4}, "lies on input|lie on each other|arena"),
        ({"row": 13}, "lies on input|lie on each other|rows that are"),
        ({"row": 11}, "lies on input|lie on each other"),
        ({"row": 3}, "rows that are 3 elements apart"),
        ({"row": 1 << 20}, "rows that are 1048576 elements apart"),
        ({"layout": "dense", "row": 0}, "lies on input|lie on each other"),
    ],
    ids=str,
)
def test_the_loader_refuses_other_places(
    tmp_path: Path, cut: Callable[..., list[Tensor]], change: dict[str, Any], message: str
) -> None:
    contents = lowered(cut)
    second = [t for t in contents["programs"][0]["tensors"] if t.get("layout") == "strided"][1]
    load(contents, tmp_path / "m.smr")
    for key, value in change.items():
        second[key] = second[key] + value if key == "offset" else value
    with pytest.raises(ModelFileError, match=message):
        load(contents, tmp_path / "m.smr")


def test_pieces_of_the_last_axis_of_fixed_sizes() -> None:
    graph = Graph()
    x = image(graph, 2, 3, 4)
    assert sharing.cuts(graph.b.split(x, axis=-1, sizes=[1, 3])[0].op) == [(0, 0), (1, 4)]
    assert sharing.cuts(graph.b.split(x, axis=1, sizes=[1, 2])[0].op) == []
    assert sharing.cuts(x[..., 1:3].op) == [(0, 4)]
    assert sharing.cuts(x[:, None, ..., -1:].op) == [(0, 12)]
    for other in (x[..., 1], x[:, 1:, 1:], x[..., ::2], x[..., ::-1], x[1:], x[:, :, :]):
        assert sharing.cuts(other.op) == []
    assert sharing.cuts(image(Graph(), None, 3, 4)[..., :2].op) == []
