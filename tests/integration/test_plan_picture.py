"""The picture of the memory plan tells the truth about the file."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.graph.graph import Graph
from samara.plan_picture import Block, as_text, blocks, draw
from samara.pyruntime.model import Model, load


def placeholder(graph: Graph, name: str, shape: tuple[int, ...]):
    return graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name=name).outputs[0]


def chain(graph: Graph) -> object:
    """Many steps, all of which can be in place."""
    x = placeholder(graph, "x", (64,))
    for _ in range(5):
        x = graph.b.relu(graph.b.add(x, x))
    return x


def forks(graph: Graph) -> object:
    """Values that live long beside others, views, several outputs, one of them in the middle."""
    b = graph.b
    x = placeholder(graph, "x", (8, 8))
    early = b.relu(x)
    wide = b.concat([early, x, early], axis=1)
    flat = b.reshape(wide, np.array([192], np.int32))
    late = b.add(b.reshape(b.transpose(wide, permutation=(1, 0)), np.array([192], np.int32)), flat)
    return {"late": late, "early": early, "sum": b.reduce_sum(late, axes=(0,))}


def unused(graph: Graph) -> object:
    """An input that nothing reads, and an output that is an input."""
    x, y = placeholder(graph, "x", (16,)), placeholder(graph, "y", (3,))
    return {"r": graph.b.relu(x), "y": y}


@pytest.fixture(params=[chain, forks, unused])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    graph = Graph()
    export_model(request.param(graph), tmp_path / "m.smr")
    return load(tmp_path / "m.smr")


def overlap(a: Block, b: Block) -> bool:
    together = a.first <= b.last and b.first <= a.last
    return together and a.offset < b.offset + b.bytes and b.offset < a.offset + a.bytes


def aliases(model: Model) -> set[frozenset[str]]:
    """Pairs of tensors, an input and an output of one op at one place: written in place, or seen in another shape."""
    tensors = model.tensors("main")
    return {
        frozenset((tensors[i].name, tensors[o].name))
        for op in model.ops("main")
        for i in op.inputs
        for o in op.outputs
        if i >= 0
        and tensors[i].storage == tensors[o].storage == "arena"
        and tensors[i].offset == tensors[o].offset
    }


def test_blocks_are_apart(model: Model) -> None:
    found = blocks(model, "main")
    arena, steps = model.signatures["main"].arena_bytes, model.signatures["main"].op_count
    tensors = [t for t in model.tensors("main") if t.storage == "arena" and t.bytes]
    assert [(b.name, b.offset, b.bytes) for b in found] == [(t.name, t.offset, t.bytes) for t in tensors]
    for block in found:
        assert 0 <= block.offset < block.offset + block.bytes <= arena
        assert -1 <= block.first <= block.last <= max(steps - 1, -1)
    groups = {b.name: {b.name} for b in found}
    for pair in aliases(model):
        merged = set().union(*(groups[name] for name in pair))
        for name in merged:
            groups[name] = merged
    for a, b in itertools.combinations(found, 2):
        assert not overlap(a, b) or b.name in groups[a.name], (a, b)


def test_lifetimes_cover_every_use(model: Model) -> None:
    tensors = model.tensors("main")
    by_name = {b.name: b for b in blocks(model, "main")}
    for number, op in enumerate(model.ops("main")):
        for index in (*op.inputs, *op.outputs):
            if index >= 0 and tensors[index].name in by_name:
                block = by_name[tensors[index].name]
                assert block.first <= number <= block.last
        for index in op.outputs:
            assert by_name[tensors[index].name].first == number
    outputs = {t.name for t in model.signatures["main"].outputs}
    for name in outputs & set(by_name):
        assert by_name[name].last == len(model.ops("main")) - 1


def test_text(model: Model) -> None:
    lines = as_text(model, "main").splitlines()
    assert len(lines) == 16
    steps = model.signatures["main"].op_count + 1
    assert {len(line.split()[1]) for line in lines} == {steps}
    numbers = [int(line.split()[0].replace(",", "")) for line in lines]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 0
    grid = np.array([list(line.split()[1]) for line in reversed(lines)])
    assert (grid != ".").any(axis=0).all(), "something lives at every step"


def test_a_long_plan_is_cut(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, "x", (4,))
    for _ in range(130):
        x = graph.b.add(graph.b.relu(x), np.float32([1, 2, 3, 4]))
    export_model(x, tmp_path / "m.smr", disable=("constant_folding",))
    model = load(tmp_path / "m.smr")
    lines = as_text(model, "main").splitlines()
    more = model.signatures["main"].op_count + 1 - 100
    assert lines[-1].strip() == f"({more} more ops to the right)"
    assert {len(line.split()[1]) for line in lines[:16]} == {100}


def test_no_arena(tmp_path: Path) -> None:
    graph = Graph()
    export_model(graph.b.relu(placeholder(graph, "x", (0, 3))), tmp_path / "m.smr")
    assert "no tensor lies in the arena" in as_text(load(tmp_path / "m.smr"), "main")


def test_drawing(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("agg")
    draw(model, tmp_path / "plan.svg")
    text = (tmp_path / "plan.svg").read_text()
    assert "<svg" in text
    assert text.count("<path") > len(blocks(model, "main"))
