"""Concatenations along channels: what is joined lies in the rows of the whole, and nothing is moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import samara
from samara.errors import ModelFileError
from samara.exporter import sharing
from samara.exporter.lower import lower
from samara.exporter.passes import row_strips
from samara.exporter.plan.lifetime import lifetimes
from samara.exporter.writer import to_bytes
from samara.graph.graph import Graph, Tensor
from samara.pyruntime import instruction_sets
from samara.quantize import Int8
from tests.exporter.test_row_strips import Net

Array = np.ndarray[Any, Any]
INT8 = Int8(inputs="int8", outputs="int8")


def fire(net: Net, x: Tensor, squeezed: int, *widths: int) -> Tensor:
    """Convolutions of 1, 3, 5, ... taps side by side, of what one before them has left."""
    y = net.conv(x, squeezed)
    parts = [net.conv(y, width, (2 * i + 1, 2 * i + 1), padding="same") for i, width in enumerate(widths)]
    return concat(net, *parts)


def concat(net: Net, *parts: Tensor) -> Tensor:
    joined: Tensor = net.graph.b.concat(list(parts), axis=-1)
    return joined


def network(widths: tuple[int, ...]) -> tuple[Net, Tensor]:
    net = Net(sum(widths), 1, 14, 13, 3)
    x = fire(net, net.conv(net.x, 16, (3, 3), padding="same"), 8, *widths)
    x = net.graph.b.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    return net, net.conv(fire(net, x, 12, *reversed(widths)), 5)


def idle(model: Any) -> list[str]:
    """The ops that a run has nothing to do for."""
    return [row.op for row in model.profile(repetitions=1).rows if row.microseconds == 0]


def exported(
    y: Tensor, samples: Array, quantize: Int8 | None, folder: Path, patch: pytest.MonkeyPatch
) -> tuple[list[Any], list[Any]]:
    """The plans and the models of files whose parts lie in their wholes, and apart from them."""
    options: dict[str, Any] = {"samples": samples, "quantize": quantize, "disable": ["row_strips"]}
    joined = samara.export_model(y, folder / "joined.smr", **options)
    patch.setattr(sharing, "columns", lambda op: [])
    apart = samara.export_model(y, folder / "apart.smr", **options)
    models = [samara.load(folder / name) for name in ("joined.smr", "apart.smr")]
    return [report.programs[0].plan for report in (joined, apart)], models


def see_alike(models: list[Any], given: Array) -> None:
    """All instruction sets and threads compute the same bits in each of the files."""
    for isa in (name for name, offered in instruction_sets().items() if offered):
        contexts = [
            model.context(isa, threads, least_parallel_ns=1) for model in models for threads in (1, 2)
        ]
        for x in given:
            found = [context.run(x=x[None]) for context in contexts]
            assert np.any(found[0])
            for other in found[1:]:
                np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("quantize", [None, INT8], ids=["float", "int8"])
@pytest.mark.parametrize("widths", [(16, 16), (64, 48), (9, 23), (33, 1, 15)], ids=str)
def test_nothing_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantize: Int8 | None, widths: tuple[int, ...]
) -> None:
    net, y = network(widths)
    samples = net.draw.normal(size=(3, 14, 13, 3)).astype(np.float32)
    plans, models = exported(y, samples, quantize, tmp_path, monkeypatch)
    assert (len(plans[0].rows), len(plans[1].rows)) == (2 * len(widths), 0)
    assert plans[0].arena < plans[1].arena
    assert [idle(model).count("concat") for model in models] == [2, 0]
    see_alike(models, samples if quantize is None else (samples * 40).astype(np.int8))


def half_path(net: Net, x: Tensor, width: int) -> Tensor:
    """Half of the channels go through a residual block, half pass by."""
    b = net.graph.b
    y = b.silu(net.conv(x, width))
    y = b.add(y, b.silu(net.conv(y, width, (3, 3), padding="same")))
    return concat(net, y, b.silu(net.conv(x, width)))


def pyramid(net: Net, x: Tensor, width: int) -> Tensor:
    """Windows pooled one after the other."""
    parts = [net.graph.b.silu(net.conv(x, width))]
    for _ in range(3):
        pooled = net.graph.b.max_pool2d(parts[-1], pool_size=(5, 5), strides=(1, 1), padding="same")
        parts.append(pooled)
    return concat(net, *parts)


def beside(net: Net, x: Tensor, width: int) -> Tensor:
    """What was halved is doubled again, beside what it was made of."""
    b = net.graph.b
    fine = b.hard_swish(net.conv(x, width))
    coarse = b.relu(net.conv(fine, width + 3, (3, 3), strides=(2, 2), padding="same"))
    for axis in (1, 2):
        coarse = b.resample(coarse, [x.shape[axis]], axis=axis, mode="nearest")
    return concat(net, coarse, fine)


def per_channel(net: Net, x: Tensor, width: int) -> Tensor:
    """Each channel by itself, in three ways."""
    b = net.graph.b
    y = net.conv(x, width)
    mean = b.average_pool2d(y, pool_size=(3, 3), strides=(1, 1), padding="same")
    return concat(net, net.depthwise(y, (3, 3), padding="same"), mean, b.multiply(y, b.sigmoid(mean)))


@pytest.mark.parametrize("quantize", [None, INT8], ids=["float", "int8"])
@pytest.mark.parametrize("width", [16, 64, 23])
@pytest.mark.parametrize("part", [half_path, pyramid, beside, per_channel])
def test_what_detectors_join_is_not_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: Any, width: int, quantize: Int8 | None
) -> None:
    net = Net(width, 1, 14, 12, 8)
    y = net.conv(part(net, net.conv(net.x, 12), width), 5)
    samples = net.draw.normal(size=(3, 14, 12, 8)).astype(np.float32)
    plans, models = exported(y, samples, quantize, tmp_path, monkeypatch)
    assert plans[0].arena <= plans[1].arena
    assert [idle(model).count("concat") for model in models] == [1, 0]
    see_alike(models, samples if quantize is None else (samples * 40).astype(np.int8))


def test_filters_that_no_cache_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of their weights at a time meet all pixels."""
    net = Net(5, 1, 7, 6, 320)
    parts = [net.conv(net.x, width, (5, 5), padding="same") for width in (64, 40)]
    samples = net.draw.normal(size=(1, 7, 6, 320)).astype(np.float32)
    plans, models = exported(net.conv(concat(net, *parts), 3), samples, None, tmp_path, monkeypatch)
    assert len(plans[0].rows) == 2
    see_alike(models, samples)


def test_strips_know_what_lies_in_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is needed beside a chain is the same to the pass as to the plan."""
    net, y = network((64, 48))
    given = net.draw.normal(size=(1, 14, 13, 3)).astype(np.float32)
    plain = samara.export_model(y, tmp_path / "plain.smr", disable=["row_strips"]).programs[0].plan
    strips = samara.export_model(y, tmp_path / "strips.smr").programs[0].plan
    assert strips.rows
    assert strips.arena < plain.arena
    one, other = (samara.load(tmp_path / name).run(x=given) for name in ("plain.smr", "strips.smr"))
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-5 * np.abs(one).max())
    monkeypatch.setattr(row_strips, "sharing", Mock(wraps=sharing, columns=lambda op: []))
    blind = samara.export_model(y, tmp_path / "blind.smr").programs[0].plan
    assert strips.arena < blind.arena


def test_strips_know_what_does_not_lie_in_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step needs less where the plan leaves parts apart, so strips of what needs more are worth it."""
    net = Net(7, 1, 320, 320, 3)
    x = net.conv(net.x, 16, (6, 6), strides=(2, 2), padding="same")
    x = net.conv(x, 32, (3, 3), strides=(2, 2), padding="same")
    y = net.conv(half_path(net, x, 16), 3)
    strips = samara.export_model(y, tmp_path / "strips.smr").programs[0].plan
    blind = Mock(side_effect=lambda program: Mock(buffers=lambda: lifetimes(program)))
    monkeypatch.setattr(row_strips, "choose_rows", blind)
    assert strips.arena < samara.export_model(y, tmp_path / "blind.smr").programs[0].plan.arena


def test_what_is_joined_again_lies_in_the_whole_of_all(tmp_path: Path) -> None:
    net = Net(1, 1, 9, 7, 4)
    a, b, c = (net.conv(net.x, width) for width in (5, 8, 3))
    y = net.conv(concat(net, c, concat(net, a, b)), 4)
    report = samara.export_model(y, tmp_path / "m.smr")
    assert set(report.programs[0].plan.rows.values()) == {16 * 4}
    assert idle(samara.load(tmp_path / "m.smr")).count("concat") == 2


def test_rows_that_lie_apart_are_copied_into_rows_below_each_other(tmp_path: Path) -> None:
    net = Net(4, 1, 9, 7, 4)
    a, b, c = (net.conv(net.x, 6) for _ in range(3))
    below = net.graph.b.concat([a, b], axis=1)
    taken = net.conv(below, 6)
    y = net.conv(concat(net, a, c), 5)
    report = samara.export_model([taken, y], tmp_path / "m.smr")
    assert len(report.programs[0].plan.rows) == 2
    found = samara.load(tmp_path / "m.smr").run(x=net.draw.normal(size=(1, 9, 7, 4)).astype(np.float32))
    assert all(np.any(value) for value in found.values())


def test_what_others_need_together_is_copied(tmp_path: Path) -> None:
    """A transposition cannot go by the distance of rows, and what a caller reads is his."""
    net = Net(2, 1, 9, 7, 4)
    a, b, c = (net.conv(net.x, 6) for _ in range(3))
    turned = net.graph.b.transpose(a, permutation=[0, 2, 1, 3])
    report = samara.export_model([concat(net, a, b, c), turned, b], tmp_path / "m.smr")
    assert len(report.programs[0].plan.rows) == 1
    given = net.draw.normal(size=(1, 9, 7, 4)).astype(np.float32)
    joined, other, one = samara.load(tmp_path / "m.smr").run(x=given).values()
    assert np.any(one)
    np.testing.assert_array_equal(joined[..., :6].transpose(0, 2, 1, 3), other)
    np.testing.assert_array_equal(joined[..., 6:12], one)


def lowered() -> dict[str, Any]:
    """The contents of a file in which two tensors lie in the rows of a third."""
    net = Net(3, 1, 6, 5, 4)
    y = net.conv(concat(net, net.conv(net.x, 8), net.conv(net.x, 4)), 3)
    return lower(net.model(y), metadata={}).contents


def load(contents: dict[str, Any], path: Path) -> Any:
    path.write_bytes(to_bytes(contents))
    return samara.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset": -4}, "still needed"),
        ({"offset": 4}, "still needed"),
        ({"row": 13}, "lies on input"),
        ({"row": 11}, "still needed"),
        ({"row": 3}, "rows that are 3 elements apart"),
        ({"row": 1 << 20}, "rows that are 1048576 elements apart"),
        ({"layout": "dense", "row": 0}, "lies on input|still needed"),
    ],
    ids=str,
)
def test_the_loader_refuses_other_places(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    contents = lowered()
    tensors = contents["programs"][0]["tensors"]
    second = [t for t in tensors if t.get("layout") == "strided"][1]
    load(contents, tmp_path / "m.smr")
    for key, value in change.items():
        second[key] = second[key] + value if key == "offset" else value
    with pytest.raises(ModelFileError, match=message):
        load(contents, tmp_path / "m.smr")


def test_only_the_last_axis_of_images_of_fixed_sizes() -> None:
    graph = Graph()
    fixed, moving = (
        graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}).outputs[0]
        for shape in ((2, 3, 4), (None, 3, 4))
    )
    assert sharing.columns(graph.b.concat([fixed, fixed], axis=-1).op) == [(0, 0), (1, 16)]
    assert sharing.columns(graph.b.concat([fixed, fixed], axis=1).op) == []
    assert sharing.columns(graph.b.concat([moving, moving], axis=2).op) == []
    assert sharing.columns(graph.b.stack([fixed, fixed], axis=-1).op) == []
    assert sharing.columns(graph.b.concat([fixed[:1, :1], fixed[:1, :1]], axis=2).op) == []
