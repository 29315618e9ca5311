"""Models that come with channels first: the transposes go, and the values stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.freeze import Signature, freeze
from samara.exporter.passes import optimize
from samara.exporter.passes.channels_last import to_first, to_last
from samara.exporter.passes.minimum_cut import ONE, ZERO, Network
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.rewrite import needed
from samara.pyruntime.model import load

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(11)


def random(*shape: int) -> Array:
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def placeholder(graph: Graph, shape: tuple[Any, ...], name: str = "x") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name=name).outputs[0]


def conv(b: Any, x: Tensor, channels: int, strides: tuple[int, int] = (1, 1), size: int = 3) -> Tensor:
    """A convolution with channels first, as front-ends write it."""
    assert x.shape is not None
    turned = b.transpose(x, permutation=(0, 2, 3, 1))
    filter_ = random(size, size, x.shape[1], channels)
    y = b.conv2d(turned, filter_, None, strides=strides, padding="same")
    made: Tensor = b.transpose(y, permutation=(0, 3, 1, 2))
    return made


def transposes(outputs: list[Tensor], disable: tuple[str, ...] = ()) -> tuple[int, list[Array], list[Array]]:
    """How many transposes are left after the passes, and the outputs before and after."""
    model = freeze([Signature(outputs)], None).model
    rewritten, _ = optimize(model, disable=disable)
    (signature,) = model.signatures
    feeds = {
        n: random(*(d if isinstance(d, int) else 2 for d in t.shape or ()))
        for n, t in signature.inputs.items()
    }
    results = []
    for m in (model, rewritten):
        (s,) = m.signatures
        results.append(
            Session(graph=m.graph).run(list(s.outputs.values()), {s.inputs[n]: a for n, a in feeds.items()})
        )
    left = sum(op.type == "transpose" for op in needed(rewritten.outputs))
    return left, *results


def check(outputs: list[Tensor], expected: int) -> None:
    left, before, after = transposes(outputs)
    for a, b in zip(before, after, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * max(1e-3, np.abs(a).max()))
    assert left == expected


def residual(b: Any, x: Tensor) -> Tensor:
    y = b.relu(b.add(conv(b, x, 8), random(1, 8, 1, 1)))
    z = b.multiply(conv(b, y, 8), random(8, 1, 1))
    made: Tensor = b.relu(b.add(y, z))
    return made


def test_residual_blocks_keep_one_transpose_at_the_input() -> None:
    graph = Graph()
    b = graph.b
    y = residual(b, residual(b, placeholder(graph, (2, 3, 9, 7))))
    pooled = b.reduce_mean(y, axes=(2, 3))
    check([b.matmul(pooled, random(8, 5))], 1)


def test_an_output_with_channels_first_keeps_its_transpose() -> None:
    graph = Graph()
    b = graph.b
    check([residual(b, placeholder(graph, (1, 3, 9, 7)))], 2)


def test_a_flattened_image_is_multiplied_in_another_order() -> None:
    graph = Graph()
    b = graph.b
    y = conv(b, placeholder(graph, (Dim("batch", 1, 4), 3, 6, 5)), 4)
    flat = b.reshape(y, np.array([-1, 4 * 6 * 5], np.int32))
    check([b.relu(b.matmul(flat, random(120, 7)))], 1)


@pytest.mark.parametrize(
    "between",
    [
        lambda b, y: b.concat([y, b.negative(y)], axis=1),
        lambda b, y: b.concat([y, b.negative(y)], axis=-1),
        lambda b, y: b.add(*b.split(y, axis=1, sizes=(4, 4))),
        lambda b, y: b.pad(y, paddings=(0, 0, 1, 2, 0, 3, 1, 1)),
        lambda b, y: b.tile(y, multiples=(1, 2, 1, 3)),
        lambda b, y: b.softmax(y, axis=1),
        lambda b, y: b.multiply(y, b.sigmoid(b.reduce_mean(y, axes=(2, 3), keepdims=True))),
        lambda b, y: b.strided_slice(y, begin=(0, 1, 2), end=(9, 9, -1), strides=(1, 2, 1)),
        lambda b, y: b.gather(y, np.array([3, 0, 5], np.int32), axis=1),
        lambda b, y: b.expand_dims(b.reduce_sum(y, axes=(3,)), axis=3),
        lambda b, y: b.where(b.greater(y, b.constant(np.float32(0))), y, b.constant(random(8, 1, 1))),
        lambda b, y: b.reshape(y, np.array([2, 8, 63, 1], np.int32)),
    ],
)
def test_between_two_convolutions_no_transpose_is_left(between: Callable[[Any, Tensor], Tensor]) -> None:
    graph = Graph()
    b = graph.b
    y = between(b, conv(b, placeholder(graph, (2, 3, 9, 7)), 8))
    check([b.reduce_max(conv(b, y, 4), axes=(1, 2, 3))], 1)


def test_squeeze_and_excite_is_left_without_moves() -> None:
    graph = Graph()
    b = graph.b
    y = conv(b, placeholder(graph, (1, 3, 9, 7)), 8)
    squeezed = b.relu(
        b.add(conv(b, b.reduce_mean(y, axes=(2, 3), keepdims=True), 4, size=1), random(4, 1, 1))
    )
    gate = b.hard_sigmoid(conv(b, squeezed, 8, size=1))
    model = freeze([Signature([b.reduce_mean(b.multiply(y, gate), axes=(2, 3))])], None).model
    rewritten, _ = optimize(model)
    left = [op.type for op in needed(rewritten.outputs) if op.definition.device == "kernel"]
    assert left == [
        "transpose",
        "conv2d",
        "reduce_mean",
        "conv2d",
        "conv2d",
        "hard_sigmoid",
        "multiply",
        "reduce_mean",
    ]


def test_tokens_of_an_image() -> None:
    graph = Graph()
    b = graph.b
    y = conv(b, placeholder(graph, (2, 3, 8, 8)), 6, (2, 2))
    tokens = b.transpose(b.reshape(y, np.array([2, 6, 16], np.int32)), permutation=(0, 2, 1))
    check([b.matmul(tokens, random(6, 5))], 1)


def test_what_cannot_be_turned_keeps_its_transposes() -> None:
    graph = Graph()
    b = graph.b
    y = conv(b, placeholder(graph, (2, 3, 4, 6)), 8)
    mixed = b.reshape(y, np.array([2, 4, 2, 4, 6], np.int32))
    left, before, after = transposes([b.reduce_sum(mixed, axes=(1,))])
    assert left == 2
    np.testing.assert_allclose(before[0], after[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(25))
def test_random_graphs_keep_their_values_and_never_gain_transposes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    graph = Graph()
    b = graph.b
    tensors = [placeholder(graph, (2, 4, 6, 6), "x"), placeholder(graph, (2, 4, 6, 6), "z")]
    steps: list[Callable[[Tensor, Tensor], Tensor]] = [
        lambda p, q: conv(b, p, 4),
        b.add,
        lambda p, q: b.relu(p),
        lambda p, q: b.multiply(p, random(4, 1, 1)),
        lambda p, q: b.strided_slice(b.concat([p, q], axis=1), begin=(0, 2), end=(2, 6), strides=(1, 1)),
        lambda p, q: b.multiply(p, b.reduce_mean(q, axes=(2, 3), keepdims=True)),
        lambda p, q: b.reshape(
            b.reshape(p, np.array([2, 2, 2, 36], np.int32)), np.array([2, 4, 6, 6], np.int32)
        ),
        lambda p, q: b.transpose(p, permutation=(0, 1, 3, 2)),
    ]
    for _ in range(14):
        p, q = (tensors[int(i)] for i in generator.integers(max(0, len(tensors) - 4), len(tensors), 2))
        tensors.append(steps[int(generator.integers(len(steps)))](p, q))
    outputs = [b.identity(t) for t in tensors[-2:]]
    plain, _, _ = transposes(outputs, ("channels_last",))
    left, before, after = transposes(outputs)
    for x, y in zip(before, after, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=5e-5 * max(1e-3, np.abs(x).max()))
    assert left <= plain


def test_the_file_is_proven_layer_by_layer_against_the_source(tmp_path: Any) -> None:
    graph = Graph()
    b = graph.b
    y = residual(b, placeholder(graph, (1, 3, 9, 7)))
    report = export_model(b.reduce_mean(y, axes=(2, 3)), tmp_path / "m.smr")
    turned = [row for row in report.layers if "/channels_last" in row.name]
    assert turned
    assert all(row.source_error is not None and row.source_error < 1e-5 for row in turned)


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_inputs_and_outputs_can_have_channels_last(tmp_path: Any, quantize: str | None) -> None:
    graph = Graph()
    b = graph.b
    y = b.identity(residual(b, placeholder(graph, (1, 3, 9, 7))), name="y")
    sample = random(1, 3, 9, 7)
    report = export_model(
        {"y": y}, tmp_path / "m.smr", channels_last=True, samples=[{"x": sample}], quantize=quantize
    )
    assert "transpose" not in report.programs[0].ops
    model = load(tmp_path / "m.smr")
    found = model(np.ascontiguousarray(sample.transpose(0, 2, 3, 1)))
    expected = Session(graph=graph).run(y, {"x:0": sample}).transpose(0, 2, 3, 1)
    assert found.shape == expected.shape
    tolerance = 1e-5 if quantize is None else 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_channels_last_names_inputs_and_outputs(tmp_path: Any) -> None:
    graph = Graph()
    b = graph.b
    y = b.reduce_sum(conv(b, placeholder(graph, (1, 3, 5, 4)), 2), axes=(1, 2, 3), name="y")
    with pytest.raises(ValueError, match="channels_last names 'z'; the inputs and outputs are x, y"):
        export_model({"y": y}, tmp_path / "m.smr", channels_last=["z"])
    with pytest.raises(ValueError, match="channels_last names 'y', which has rank 1"):
        export_model({"y": y}, tmp_path / "m.smr", channels_last=["y"])
    report = export_model({"y": y}, tmp_path / "m.smr", channels_last=["x"])
    assert "transpose" not in report.programs[0].ops


def test_permutations_undo_each_other() -> None:
    for rank in range(7):
        assert [to_last(rank)[a] for a in to_first(rank)] == list(range(rank))


def test_the_cut_is_the_cheapest() -> None:
    for seed in range(40):
        generator = np.random.default_rng(seed)
        count = 6
        pairs = [
            (int(a), int(c), int(w))
            for a, c, w in zip(
                generator.integers(0, count + 2, 14),
                generator.integers(0, count + 2, 14),
                generator.integers(1, 9, 14),
                strict=True,
            )
            if a != c
        ]
        network = Network()
        for _ in range(count):
            network.node()
        for a, c, w in pairs:
            network.cost(a, c, w)
        costs = []
        for number in range(2**count):
            labels = [ZERO, ONE, *(number >> i & 1 for i in range(count))]
            costs.append(sum(w for a, c, w in pairs if labels[a] == 0 and labels[c] == 1))
        total, labels = network.labels()
        assert total == min(costs)
        assert total == sum(w for a, c, w in pairs if labels[a] == 0 and labels[c] == 1)
