"""Attention becomes one op, in the ways in which frameworks and people write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.freeze import Signature, freeze
from samara.exporter.passes import optimize
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.rewrite import needed

BATCH, HEADS, QUERIES, KEYS, SIZE, WIDTH = 2, 4, 3, 5, 6, 7
Inputs = Mapping[str, Tensor]
Build = Callable[[Any, Inputs], Any]

GENERATOR = np.random.default_rng(3)
SHAPES = {
    "q": (BATCH, HEADS, QUERIES, SIZE),
    "k": (BATCH, HEADS, KEYS, SIZE),
    "v": (BATCH, HEADS, KEYS, WIDTH),
    "k2": (BATCH, 2, KEYS, SIZE),
    "v2": (BATCH, 2, KEYS, WIDTH),
    "kt": (BATCH, HEADS, SIZE, KEYS),
    "bias": (BATCH, 1, 1, KEYS),
    "sees": (BATCH, 1, QUERIES, KEYS),
    "square": (BATCH, HEADS, KEYS, SIZE),
}
SEES = GENERATOR.random(SHAPES["sees"]) < 0.6
SEES[0, 0, 1] = False
SEES[1, 0, 2] = True
FEEDS = {n: GENERATOR.uniform(-2, 2, s).astype(np.float32) for n, s in SHAPES.items()} | {"sees": SEES}


def c(value: Any) -> Any:
    return np.asarray(value, np.float32)


def ints(*values: int) -> Any:
    return np.asarray(values, np.int32)


def raised(build: Build, *, same: bool = True) -> tuple[Counter[str], Any]:
    """The ops that are left and the attention among them, after the values were compared."""
    graph = Graph()
    inputs = {
        n: graph.apply("placeholder", [], {"dtype": a.dtype.name, "shape": a.shape}, name=n).outputs[0]
        for n, a in FEEDS.items()
    }
    model = freeze([Signature(build(graph.b, inputs))], None).model
    kept, _ = optimize(model, quantizable=True)
    assert all(op.type != "attention" for op in needed(kept.outputs))
    rewritten, _ = optimize(kept)
    found = []
    for m in (model, rewritten):
        (signature,) = m.signatures
        feed = {t: FEEDS[n] for n, t in signature.inputs.items()}
        with np.errstate(invalid="ignore"):
            found.append(Session(graph=m.graph).run(list(signature.outputs.values()), feed))
    for left, right in zip(*found, strict=True):
        np.testing.assert_allclose(right, left, rtol=0, atol=1e-5 * np.nanmax(np.abs(left)), equal_nan=same)
    left = [op for op in needed(rewritten.outputs) if op.definition.device == "kernel"]
    one = next((op for op in left if op.type == "attention"), None)
    return Counter(op.type for op in left), None if one is None else one.a


def weights(b: Any, t: Inputs, *, key: str = "k", scores: Callable[[Any], Any] = lambda s: s) -> Any:
    return b.softmax(scores(b.matmul(t["q"], t[key], transpose_y=True)), axis=-1)


def masked(b: Any, t: Inputs, scores: Callable[[Any], Any]) -> Any:
    return b.matmul(weights(b, t, scores=scores), t["v"])


def in_steps(b: Any, x: Any) -> Any:
    power = b.exp(b.subtract(x, b.reduce_max(x, axes=(-1,), keepdims=True)))
    return b.divide(power, b.reduce_sum(power, axes=(3,), keepdims=True))


def repeated(b: Any, x: Any) -> Any:
    shape = x.shape
    wide = b.broadcast_to(b.expand_dims(x, axis=2), ints(*shape[:2], HEADS // shape[1], *shape[2:]))
    return b.reshape(wide, ints(BATCH, HEADS, *shape[2:]))


def shared(b: Any, t: Inputs) -> Any:
    """Queries in groups, of which each has one key, as frameworks that repeat nothing write it."""
    q = b.reshape(t["q"], ints(BATCH, 2, HEADS // 2, QUERIES, SIZE))
    scores = b.matmul(q, b.expand_dims(t["k2"], axis=2), transpose_y=True)
    scores = b.add(b.reshape(scores, ints(BATCH, HEADS, QUERIES, KEYS)), t["bias"])
    apart = b.reshape(b.softmax(scores, axis=-1), ints(BATCH, 2, HEADS // 2, QUERIES, KEYS))
    y = b.matmul(apart, b.expand_dims(t["v2"], axis=2))
    return b.reshape(y, ints(BATCH, HEADS, QUERIES, WIDTH))


def in_batches(b: Any, t: Inputs) -> Any:
    """Batch and heads as one axis, but where the mask is added."""
    q, k, v = (b.reshape(t[n], ints(BATCH * HEADS, *SHAPES[n][2:])) for n in ("q", "k", "v"))
    scores = b.reshape(b.matmul(q, k, transpose_y=True), ints(BATCH, HEADS, QUERIES, KEYS))
    scores = b.reshape(b.add(scores, t["bias"]), ints(BATCH * HEADS, QUERIES, KEYS))
    return b.matmul(b.softmax(scores, axis=2), v)


def zeroed(b: Any, t: Inputs) -> Any:
    kept = weights(b, t, scores=lambda s: b.where(t["sees"], s, c(-1e30)))
    return b.matmul(b.where(t["sees"], kept, c(0)), t["v"])


def zeroed_by_bias(b: Any, t: Inputs) -> Any:
    bias = b.where(t["sees"], c(0), c(-np.inf))
    kept = weights(b, t, scores=lambda s: b.add(s, bias))
    sees = b.greater(b.reduce_max(bias, axes=(-1,), keepdims=True), c(-np.inf))
    return b.matmul(b.where(sees, kept, c(0)), t["v"])


def read_weights(b: Any, t: Inputs) -> Any:
    found = weights(b, t)
    return [b.matmul(found, t["v"]), b.relu(found)]


def read_scores(b: Any, t: Inputs) -> Any:
    scores = b.matmul(t["q"], t["kt"])
    return [b.matmul(b.softmax(scores, axis=-1), t["v"]), b.relu(scores)]


FORMS: list[Build] = [
    lambda b, t: b.matmul(weights(b, t), t["v"]),
    lambda b, t: b.matmul(b.softmax(b.matmul(t["q"], t["kt"]), axis=3), t["v"]),
    lambda b, t: masked(b, t, lambda s: b.divide(s, c(2.5))),
    lambda b, t: masked(b, t, lambda s: b.multiply(c(0.4), s)),
    lambda b, t: b.matmul(
        b.softmax(b.matmul(b.multiply(t["q"], c(0.5)), b.divide(t["k"], c(2)), transpose_y=True), axis=-1),
        t["v"],
    ),
    lambda b, t: masked(b, t, lambda s: b.multiply(b.tanh(b.divide(b.multiply(s, c(0.3)), c(1.5))), c(1.5))),
    lambda b, t: b.matmul(in_steps(b, b.matmul(t["q"], t["kt"])), t["v"]),
    lambda b, t: masked(b, t, lambda s: b.add(b.multiply(s, c(0.4)), t["bias"])),
    lambda b, t: masked(b, t, lambda s: b.add(b.add(t["bias"], s), c(np.arange(5)))),
    lambda b, t: masked(b, t, lambda s: b.where(t["sees"], s, c(-np.inf))),
    lambda b, t: masked(b, t, lambda s: b.where(t["sees"], c(-np.inf), s)),
    lambda b, t: masked(b, t, lambda s: b.where(t["sees"], s, c(-1e30))),
    lambda b, t: masked(b, t, lambda s: b.where(t["sees"], c(-1e30), s)),
    lambda b, t: masked(b, t, lambda s: b.where(t["sees"], b.add(s, t["bias"]), c(-np.inf))),
    lambda b, t: masked(b, t, lambda s: b.add(s, c(np.where(SEES, 0, -np.inf)))),
    lambda b, t: masked(b, t, lambda s: b.add(s, c(np.where(SEES, 0, -1e30)))),
    lambda b, t: masked(b, t, lambda s: b.add(s, b.multiply(b.cast(t["sees"], dtype="float32"), c(-1e30)))),
    zeroed,
    zeroed_by_bias,
    lambda b, t: b.matmul(weights(b, t | {"k": repeated(b, t["k2"])}), repeated(b, t["v2"])),
    shared,
    in_batches,
]


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_forms(number: int) -> None:
    left, _ = raised(FORMS[number])
    assert left["attention"] == 1
    assert not left & Counter({"matmul": 1, "softmax": 1, "exp": 1, "tile": 1, "broadcast_to": 1})


@pytest.mark.parametrize("queries", [KEYS, QUERIES])
@pytest.mark.parametrize("never", [-np.inf, -1e30])
def test_a_causal_mask_is_not_kept(queries: int, never: float) -> None:
    sees = np.tri(queries, KEYS, KEYS - queries, dtype=np.bool_)
    query = "square" if queries == KEYS else "q"
    for build in (
        lambda b, s: b.add(s, c(np.where(sees, 0, never))),
        lambda b, s: b.where(sees, s, c(never)),
        lambda b, s: b.where(~sees[None], c(never), s),
    ):
        left, a = raised(lambda b, t, f=build: masked(b, t | {"q": t[query]}, lambda s: f(b, s)))  # type: ignore[misc]
        assert a.causal == ("start" if queries == KEYS else "end")
        assert left == Counter(["attention"])


def test_where_a_query_sees_nothing_the_result_is_that_of_the_source() -> None:
    sees = np.ones((QUERIES, KEYS), np.bool_)
    sees[1] = False
    for never, mark in ((-np.inf, True), (-1e30, True)):
        for build in (
            lambda b, s, n=never: b.where(sees, s, c(n)),
            lambda b, s, n=never: b.add(s, c(np.where(sees, 0, n))),
        ):
            _, a = raised(lambda b, t, f=build: masked(b, t, lambda s: f(b, s)))  # type: ignore[misc]
            assert a.blind_nan == mark


@pytest.mark.parametrize(
    "build",
    [
        read_weights,
        read_scores,
        lambda b, t: b.matmul(b.softmax(b.matmul(t["q"], t["kt"]), axis=2), t["v"]),
        lambda b, t: masked(b, t, lambda s: b.multiply(b.add(s, t["bias"]), c(0.5))),
        lambda b, t: masked(b, t, lambda s: b.where(t["sees"], s, c(-3))),
        lambda b, t: masked(b, t, b.relu),
        lambda b, t: b.matmul(b.where(t["sees"], weights(b, t), c(0)), t["v"]),
    ],
)
def test_what_is_not_attention_stays(build: Build) -> None:
    left, _ = raised(build)
    assert left["attention"] == 0


def test_lengths_that_move(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    batch, length, past = Dim("batch", 1, 3), Dim("length", 1, 9), Dim("past", 0, 8)
    shapes = {
        "q": (batch, 4, length, 6),
        "k": (batch, 2, past + length, 6),
        "v": (batch, 2, past + length, 6),
    }
    q, k, v = (
        graph.apply("placeholder", [], {"dtype": "float32", "shape": (None, s[1], None, 6)}, name=n).outputs[
            0
        ]
        for n, s in shapes.items()
    )

    def size(t: Any, axis: int) -> Any:
        return b.strided_slice(b.shape(t), begin=(axis,), end=(axis + 1,), strides=(1,), shrink_axis_mask=1)

    def count(n: Any) -> Any:
        return b.range(np.int32(0), n, np.int32(1))

    rows, columns = size(q, 2), size(k, 2)
    apart = b.reshape(q, b.stack([size(q, 0), np.int32(2), np.int32(2), rows, np.int32(6)], axis=0))
    scores = b.matmul(apart, b.expand_dims(k, axis=2), transpose_y=True)
    scores = b.reshape(scores, b.stack([size(q, 0), np.int32(4), rows, columns], axis=0))
    place = b.add(b.expand_dims(count(rows), axis=1), b.subtract(columns, rows))
    scores = b.add(scores, b.where(b.less_equal(count(columns), place), c(0), c(-np.inf)))
    parts = b.stack([size(q, 0), np.int32(2), np.int32(2), rows, columns], axis=0)
    y = b.matmul(b.reshape(b.softmax(scores, axis=-1), parts), b.expand_dims(v, axis=2))
    y = b.reshape(y, b.stack([size(q, 0), np.int32(4), rows, np.int32(6)], axis=0))
    report = export_model(y, tmp_path / "m.smr", shapes=shapes)
    assert report.programs[0].ops == Counter(["attention"])


def test_what_stays_float_beside_integers_is_fused(tmp_path: Path) -> None:
    graph = Graph()
    b = graph.b
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": (1, 8, 6)}, name="x").outputs[0]
    q, k, v = (b.matmul(x, c(GENERATOR.normal(size=(6, 6)))) for _ in range(3))
    y = b.matmul(b.softmax(b.matmul(q, k, transpose_y=True), axis=-1), v)
    report = export_model(y, tmp_path / "int8.smr", quantize="int8")
    found = report.programs[0].ops
    assert (found["quantized_matmul"], found["attention"], found["softmax"]) == (3, 1, 0)
    report = export_model(y, tmp_path / "apart.smr", disable=["attention"])
    assert report.programs[0].ops["attention"] == 0


# Frameworks -------------------------------------------------------------------------------------------------------


def fused(source: Any, path: Path, **keywords: Any) -> Counter[str]:
    """The ops of a file, which the export has compared with what the framework computes."""
    report = export_model(source, path / "m.smr", **keywords)
    assert report.oracle
    return Counter(report.programs[0].ops)


@pytest.mark.filterwarnings("ignore")
def test_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Module(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, q: Any, k: Any, v: Any, mask: Any, bias: Any) -> Any:
            attend = torch.nn.functional.scaled_dot_product_attention
            wide = torch.cat([k, k], dim=1), torch.cat([v, v], dim=1)
            by_hand = q @ wide[0].transpose(-2, -1) / 6**0.5
            by_hand = by_hand.masked_fill(~mask, float("-inf")).softmax(-1)
            return (
                attend(q, *wide, scale=0.1),
                attend(q, *wide, is_causal=True, scale=0.2),
                attend(q, *wide, attn_mask=mask, scale=0.3),
                attend(q, *wide, attn_mask=bias, scale=0.4),
                attend(q, k, v, enable_gqa=True),
                by_hand @ wide[1],
            )

    q, k = torch.randn(2, 4, 7, 6), torch.randn(2, 2, 7, 6)
    mask = torch.rand(2, 1, 7, 7) < 0.7
    mask[..., 0] = True
    inputs = (q, k, torch.randn(2, 2, 7, 5), mask, torch.randn(1, 1, 7, 7))
    length = Dim("length", 2, 9)
    shapes = {n: [*t.shape[:2], length, t.shape[3]] for n, t in zip("qkv", inputs, strict=False)}
    shapes |= {"mask": [2, 1, length, length], "bias": [1, 1, length, length]}
    found = fused(Module().eval(), tmp_path, inputs=inputs, shapes=shapes)
    assert found["attention"] == 6
    assert not found & Counter({"matmul": 1, "softmax": 1, "broadcast_to": 1, "tile": 1, "logical_not": 1})


@pytest.mark.parametrize(
    ("attributes", "mask", "heads"),
    [
        ({}, None, 2),
        ({"is_causal": 1}, None, 4),
        ({"is_causal": 1, "softcap": 2.0}, "sees", 2),
        ({}, "sees", 4),
        ({"scale": 0.3}, "bias", 1),
    ],
)
def test_onnx(attributes: dict[str, Any], mask: str | None, heads: int, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    shapes = {"q": (2, 4, 5, 6), "k": (2, heads, 5, 6), "v": (2, heads, 5, 7)}
    inputs = [helper.make_tensor_value_info(n, types.FLOAT, s) for n, s in shapes.items()]
    samples = {n: GENERATOR.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    if mask is not None:
        inputs.append(
            helper.make_tensor_value_info("mask", types.BOOL if mask == "sees" else types.FLOAT, (5, 5))
        )
        sees = np.tri(5, 5, 1, dtype=np.bool_)
        sees[2] = False
        samples["mask"] = sees if mask == "sees" else GENERATOR.normal(size=(5, 5)).astype(np.float32)
    node = helper.make_node("Attention", [i.name for i in inputs], ["y"], **attributes)
    output = helper.make_tensor_value_info("y", types.FLOAT, (2, 4, 5, 7))
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [output]), opset_imports=[helper.make_opsetid("", 23)]
    )
    found = fused(model, tmp_path, samples=[samples])
    assert found["attention"] == 1
    assert not found & Counter({"matmul": 1, "softmax": 1})
