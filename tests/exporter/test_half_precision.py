"""Models in float16: the pass, what stays float32, what is refused, and networks from end to end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ExportError, ProofError
from samara.exporter.freeze import Signature, freeze
from samara.exporter.judge import HALF_ROUNDING, Limits
from samara.exporter.passes import finish
from samara.exporter.passes.half_precision import overflowing, reasons
from samara.exporter.peaks import too_large
from samara.graph.dtypes import float32
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.rewrite import ModelGraph, needed

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(11)


def random(*shape: int) -> Array:
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def placeholder(graph: Graph, *shape: int, dtype: str = "float32", name: str = "x") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name=name).outputs[0]


def frozen(*outputs: Tensor, **wide: str) -> ModelGraph:
    return replace(freeze([Signature(list(outputs))], None).model, precision="float16", wide=wide)


def halved(model: ModelGraph) -> ModelGraph:
    return finish(model, disable=["winograd", "row_strips"])[0]


def ops(model: ModelGraph) -> Counter[str]:
    return Counter(op.type for op in needed(model.outputs) if op.definition.device == "kernel")


def run(model: ModelGraph, *arrays: Array) -> list[Array]:
    (signature,) = model.signatures
    feeds = dict(zip(signature.inputs.values(), arrays, strict=True))
    return list(Session(graph=model.graph).run(list(signature.outputs.values()), feeds))


def check(model: ModelGraph, *arrays: Array, roundings: int) -> ModelGraph:
    """The pass keeps names and types at the edges, and values within so many roundings of the largest."""
    rewritten = halved(model)
    for before, after in zip(run(model, *arrays), run(rewritten, *arrays), strict=True):
        assert before.dtype == after.dtype
        largest = float(np.abs(before).max())
        np.testing.assert_allclose(after, before, rtol=0, atol=roundings * HALF_ROUNDING * largest)
    (old,), (new,) = model.signatures, rewritten.signatures
    assert [t.dtype for t in new.inputs.values()] == [t.dtype for t in old.inputs.values()]
    assert list(new.outputs) == list(old.outputs)
    return rewritten


def types(model: ModelGraph, kind: str) -> list[str]:
    return [op.outputs[0].dtype.name for op in needed(model.outputs) if op.type == kind]


def test_what_is_computed_becomes_float16() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 1, 6, 6, 3)
    y = b.relu(b.conv2d(x, random(3, 3, 3, 16), random(16), padding="same", name="convolution"))
    z = b.softmax(b.matmul(b.reshape(y, np.array([1, 576], np.int32)), random(576, 4)), axis=-1)
    rewritten = check(frozen(y, z), random(1, 6, 6, 3), roundings=6)
    assert ops(rewritten) == ops(frozen(y, z)) + Counter(cast=3)
    assert set(types(rewritten, "constant")) == {"float16", "int32"}
    assert "convolution" in [op.name for op in rewritten.graph.operations]


def test_it_is_asked_for_and_can_be_left_out() -> None:
    graph = Graph()
    model = frozen(graph.b.add(placeholder(graph, 2, 3), random(3)))
    assert finish(replace(model, precision="float32"))[1] == ()
    assert finish(model, disable=["float16"])[1] == ()
    assert [a.name for a in finish(model)[1]] == ["float16"]


def test_each_tensor_is_cast_once() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 2, 4)
    y = b.exp(x)
    rewritten = check(frozen(b.add(y, b.tanh(x)), b.multiply(y, x), y), random(2, 4), roundings=3)
    assert ops(rewritten)["cast"] == 1 + 3


def test_what_takes_no_float16_stays() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 2, 16)
    spectrum = b.rfft(b.multiply(x, np.float32(2)), name="spectrum")
    model = frozen(b.square(spectrum))
    assert reasons(model) == {"spectrum": "rfft takes no float16"}
    rewritten = check(model, random(2, 16), roundings=8)
    assert ops(rewritten)["cast"] == 4
    assert types(rewritten, "rfft") == ["float32"]


def test_what_is_named_stays() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 2, 3)
    weights = random(3, 3)
    y = b.matmul(b.matmul(x, weights, name="first"), weights, name="second")
    model = frozen(y, second="it is too large")
    assert reasons(model) == {"second": "it is too large"}
    rewritten = check(model, random(2, 3), roundings=4)
    assert types(rewritten, "matmul") == ["float16", "float32"]
    # The product that stays has its own weights whole.
    assert sorted(types(rewritten, "constant")) == ["float16", "float32"]


def test_numbers_that_become_integers_stay_exact() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 4)
    places = b.cast(b.floor(b.multiply(b.exp(x), np.float32(3))), dtype=tf.int32)
    model = frozen(places, b.sqrt(x))
    assert set(reasons(model).values()) == {"its numbers become integers"}
    values = np.array([7.0, 7.6, 8.0, 8.31], np.float32)
    assert np.array_equal(run(model, values)[0], run(halved(model), values)[0])
    count = b.range(np.float32(0), np.float32(4000), np.float32(1), name="count")
    assert reasons(frozen(b.multiply(count, x[0]))) == {"count": "it counts"}


def test_other_types_are_left_alone() -> None:
    graph = Graph()
    b, x, n = graph.b, placeholder(graph, 3), placeholder(graph, 3, dtype="int32", name="n")
    half = placeholder(graph, 3, dtype="float16", name="half")
    y = b.multiply(b.cast(n, dtype=tf.float32), x)
    model = frozen(b.add(n, n), y, b.add(half, half), b.cast(half, dtype=tf.float32), b.less(x, y))
    arrays = np.arange(3, dtype=np.int32), random(3), random(3).astype(np.float16)
    named = dict(zip(("n", "x", "half"), arrays, strict=True))
    rewritten = check(model, *(named[n] for n in model.signatures[0].inputs), roundings=3)
    # Of half to float32 nothing is left but the cast of the output.
    assert ops(rewritten) == Counter(add=2, multiply=1, less=1, cast=4)


def test_bodies_and_state_stay() -> None:
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        x = tf.placeholder(tf.float32, [3], name="x")
        total = tf.get_variable("total", initializer=np.zeros(3, np.float32))
        session.run(tf.global_variables_initializer())
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.exp(x), lambda: tf.negative(x))
        kept = tf.assign_add(total, y)
        model = replace(freeze([Signature(kept * 2.0)], session).model, precision="float16")
    found = reasons(model)
    assert "branches and loops stay float32" in found.values()
    assert "state stays float32" in found.values()
    rewritten = halved(model)
    assert all(v.dtype == np.float32 for v in rewritten.initial_values.values())
    (cond,) = (op for op in needed(rewritten.outputs) if op.type == "cond")
    assert {t.dtype for body in cond.bodies.values() for t in body.outputs} == {float32}
    assert types(rewritten, "multiply") == ["float16"]


def test_constants_that_overflow_are_named() -> None:
    assert overflowing(np.array([65519.0, -np.inf, np.nan], np.float32)) == 0.0
    assert overflowing(np.array([-65520.0], np.float32)) == 65520.0
    graph = Graph()
    b, x = graph.b, placeholder(graph, 2)
    low = graph.apply("constant", [], {"value": np.float32(-1e9), "dtype": float32}, name="low").outputs[0]
    high = graph.apply("constant", [], {"value": np.float32(7e4), "dtype": float32}, name="high").outputs[0]
    model = frozen(b.minimum(b.maximum(x, low), high))
    with pytest.raises(
        ExportError, match=r"constant 'low'.* magnitude 1e\+09, and float16 ends at 65504"
    ) as e:
        halved(model)
    assert [p.split("'")[1] for p in e.value.problems] == ["low", "high"]
    # With samples, what reads them stays.
    wide = too_large(model, [[{"x": random(2)}]])
    assert set(wide.values()) == {"float16 lacks a constant of it"}
    assert ops(halved(replace(model, wide=wide))) == ops(model)


def test_peaks_are_of_values_and_of_sums_on_the_way() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 1, 4)
    weights = np.array([[1e4, 1], [-1e4, 1], [1e4, 1], [-1e4, 1]], np.float32)
    cancelled = b.matmul(x, weights, activation="relu6", name="cancelled")
    grown = b.multiply(b.exp(cancelled, name="read"), np.float32(2e4), name="grown")
    model = frozen(b.multiply(grown, np.float32(1e-4), name="after"), b.square(x, name="small"))
    wide = too_large(model, [[{"x": np.ones((1, 4), np.float32)}]])
    assert wide == {
        "cancelled": "its values reach 4e+04",
        "grown": "its values reach 1.1e+06",
        "after": "its values reach 1.1e+06",
    }


def test_limits_count_roundings() -> None:
    graph = Graph()
    b, x = graph.b, placeholder(graph, 1, 8)
    y = x
    for i in range(12):
        y = b.matmul(y, random(8, 8), name=f"layer{i}")
    limits = Limits(halved(frozen(b.identity(b.transpose(y, permutation=(1, 0)), name="out"))), 1e-4)
    # The input's, and of each layer that of the weights and that of the result; a transpose rounds nothing.
    assert limits.source("layer11:0") == 25 * HALF_ROUNDING
    assert limits.source("out:0") == 25 * HALF_ROUNDING
    assert limits.source("layer0:0") == 1e-2
    assert limits.written("layer0:0") == 1e-4 + 2.0**-10
    assert limits.written("out/float32:0") == 1e-4


def network() -> tuple[Tensor, Tensor]:
    x = tf.placeholder(tf.float32, [1, 16, 16, 3], name="image")
    y = tf.nn.relu(tf.nn.conv2d(x, random(3, 3, 3, 24), [1, 2, 2, 1], "SAME", name="stem"))
    y = tf.nn.relu6(tf.nn.depthwise_conv2d(y, random(3, 3, 24, 1), [1, 1, 1, 1], "SAME"))
    y = y + tf.nn.conv2d(y, 0.2 * random(1, 1, 24, 24), [1, 1, 1, 1], "SAME")
    return x, tf.nn.softmax(tf.matmul(tf.reduce_mean(y, [1, 2]), random(24, 10)), name="scores")


def test_files(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        _, scores = network()
        whole = tf.export_model(scores, tmp_path / "whole.smr", golden=0)
        report = tf.export_model(scores, tmp_path / "half.smr", precision="float16")
        image = random(1, 16, 16, 3)
        large = tf.export_model(scores, tmp_path / "large.smr", precision="float16", samples=[[1e4 * image]])
    half = tf.load(tmp_path / "half.smr")
    assert half.signatures["main"].inputs[0].dtype == half.signatures["main"].outputs[0].dtype == np.float32
    np.testing.assert_allclose(
        half(image), tf.load(tmp_path / "whole.smr")(image), rtol=0, atol=10 * HALF_ROUNDING
    )
    assert report.constant_bytes * 2 == whole.constant_bytes
    assert report.arena_bytes * 2 == whole.arena_bytes
    assert "whether values are too large for float16 is not known" in " ".join(report.warnings)
    assert report.wide == ()
    assert "precision" in str(report)
    assert any(w.startswith("relu (its values reach") for w in large.wide)
    assert large.wide[0] in str(large)
    assert not large.warnings
    half.verify()


def test_with_integers(tmp_path: Path) -> None:
    """What stays float in a quantized model is float16, its integers are as they were."""
    with tf.Graph().as_default():
        _, scores = network()
        samples = [[random(1, 16, 16, 3)] for _ in range(4)]
        tops = tf.nn.top_k(scores, 3)[0]
        report = tf.export_model(
            tf.exp(tops), tmp_path / "m.smr", quantize="int8", precision="float16", samples=samples
        )
    assert report.programs[0].ops["quantized_conv2d"] == 2
    (program,) = tf.load(tmp_path / "m.smr").programs
    assert {str(program.tensors[op.outputs[0]].dtype) for op in program.ops} >= {"int8", "float16"}


def test_a_file_that_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer is held to its own rounding: one that has lost a bit more is told."""
    from samara.pyruntime.model import Context

    observed = Context.observed_tensor

    def spoilt(self: Context, *arguments: Any, **options: Any) -> Array:
        found = np.array(observed(self, *arguments, **options))
        if found.dtype == np.float16:
            found.reshape(-1)[np.abs(found).argmax()] *= 1 + 2.0**-8
        return found

    monkeypatch.setattr(Context, "observed_tensor", spoilt)
    with tf.Graph().as_default():
        _, scores = network()
        with pytest.raises(ProofError, match="disagree"):
            tf.export_model(scores, tmp_path / "m.smr", precision="float16")


def test_proofs_sum_as_sessions_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from samara.exporter import proof

    class Runtime:
        def context(self, isa: str | None = None) -> str | None:
            return isa

    graph = Graph()
    half = frozen(graph.b.relu(placeholder(graph, 2)))
    given: Any = Runtime()
    assert proof.proving_context(given, half) is None
    monkeypatch.setattr(proof, "instruction_sets", lambda: {"generic": True, "neon": True, "neonfp16": True})
    assert proof.proving_context(given, half) == "neon"
    assert proof.proving_context(given, replace(half, precision="float32")) is None
    monkeypatch.setattr(proof, "instruction_sets", lambda: {"generic": True, "neon": True, "neonfp16": False})
    assert proof.proving_context(given, half) is None


def test_arguments(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        _, scores = network()
        with pytest.raises(ValueError, match="precision is 'float8': expected 'float32' or 'float16'"):
            tf.export_model(scores, tmp_path / "m.smr", precision="float8")
        with pytest.raises(TypeError, match=r"precision is .*: expected 'float32' or 'float16'"):
            tf.export_model(scores, tmp_path / "m.smr", precision=np.float16)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["ds_cnn", "resnet8", "lstm"])
def test_networks(name: str, tmp_path: Path) -> None:
    """Networks of the benchmark: half the weights, half the arena, and the results of float32 within the tolerance."""
    pytest.importorskip("onnx")
    from benchmarks.files import prepared
    from benchmarks.formats import onnx_file
    from benchmarks.formats.samples import calibration

    made = prepared(name, tmp_path)
    samples = [[x] for x in calibration(made)]
    found = {}
    for precision in ("float32", "float16"):
        path = tmp_path / f"{precision}.smr"
        options = {"precision": precision, "disable": ["winograd"], "golden": 0}
        found[precision] = tf.export_model(onnx_file.model(made), path, samples=samples[:2], **options)
    whole, half = found["float32"], found["float16"]
    assert half.wide == ()
    assert half.constant_bytes <= 0.52 * whole.constant_bytes
    assert half.arena_bytes <= 0.52 * whole.arena_bytes
    for row in half.layers:
        assert row.error <= 1e-4 + 2.0**-10
    assert max(row.source_error or 0.0 for row in half.layers) < 1e-2
