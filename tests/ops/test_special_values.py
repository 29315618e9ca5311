"""Zeros of both signs, infinities, NaN and the ends of the integers: one result on every backend and on the device."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.exporter.export import export_model
from samara.exporter.passes import PASSES
from samara.graph import dtypes
from samara.graph.dtypes import DType
from samara.graph.execution.config import ConfigProto
from samara.graph.execution.session import Session
from samara.graph.gradients import gradients
from samara.graph.graph import Graph, Tensor
from samara.graph.ops import OPS
from samara.pyruntime.model import load
from tests.cases._case import Case
from tests.ops._graphs import build
from tests.ops.conftest import cases

Array = np.ndarray[Any, Any]

pytest.importorskip("torch")

NAMES = [d.name for d in OPS if d.elementwise] + ["cast", "erfc", "lgamma", "polygamma"]
ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "cast": [{"dtype": d} for d in dtypes.ALL],
    "clip": [{"minimum": -1.0, "maximum": 1.0}, {"minimum": -1.0}, {"maximum": 2.5}, {}],
    "gelu": [{}, {"approximate": "tanh"}],
    "polygamma": [{"order": 0}, {"order": 1}, {"order": 2}],
}
NUMBERS = [0.0, 1.0, 0.5, 1.5, 2.0, 2.5, 3.0, 4.5, 6.0, 7.0, 1e-30, 1e30, np.inf]
# Integers by which no one divides, raises or shifts, which is an error of the run: see the test of that.
DIVIDE = ("floor_divide", "floor_mod", "truncate_divide", "truncate_mod")
RAISE = ("power", "shift_left", "shift_right")
# They give one of two numbers that are equal, and which zero that is nobody says.
CHOOSE = ("maximum", "minimum", "relu")
# Differences of numbers that nearly cancel, here or in the derivative: a few last places of the largest of them.
CANCEL = ("gelu", "hard_swish")


def values(dtype: DType) -> Array:
    """What is special in an element type, and a little of what is not."""
    if dtype.is_bool:
        return np.array([False, True])
    if dtype.is_integer:
        ends = np.iinfo(dtype.numpy)
        chosen = [0, 1, 2, 3, 6, 7, ends.max, ends.max - 1, ends.max // 2, ends.min, ends.min + 1]
        return np.array(chosen + ([-1, -2, -3, -7] if ends.min else []), dtype.numpy)
    limits = np.finfo(dtype.numpy)
    positive = np.array([*NUMBERS, limits.max, limits.tiny, limits.smallest_subnormal, limits.eps])
    with np.errstate(over="ignore"):
        return np.concatenate([positive, -positive, [np.nan]]).astype(dtype.numpy)


@dataclass
class Grid:
    """An op on all combinations of special values, in a graph of its own, for each element type and attribute.

    The arrays are longer than the vectors of a machine, which may compute in other ways than what comes alone.
    """

    name: str
    graph: Graph = field(default_factory=Graph)
    feeds: dict[Tensor, Array] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    inputs: dict[str, list[Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        definition = OPS[self.name]
        for dtype in definition.types[next(iter(definition.types))]:
            given = [self._place(a, f"{dtype.name}_{n}") for n, a in enumerate(self._arrays(dtype))]
            for attributes in ATTRIBUTES.get(self.name, [{}]):
                label = "_".join([dtype.name, *(f"{k}_{v}" for k, v in attributes.items())])
                made = self.graph.apply(self.name, given, attributes)
                self.outputs[label], self.inputs[label] = made.outputs[0], given

    def _arrays(self, dtype: DType) -> list[Array]:
        definition = OPS[self.name]
        found = [values(dtypes.bool_ if o.type == "bool" else dtype) for o in definition.operands]
        if dtype.is_integer and self.name in DIVIDE + RAISE:
            found[1] = found[1][found[1] != 0] if self.name in DIVIDE else found[1][found[1] >= 0]
        if self.name == "gelu":
            # Whether the largest numbers overflow on the way is a matter of the order of its products.
            found[0] = found[0][np.abs(found[0]) != np.finfo(dtype.numpy).max]
        if len(found) == 1:
            return [np.tile(found[0], 3)]
        return [np.ascontiguousarray(m.reshape(-1)) for m in np.meshgrid(*found, indexing="ij")]

    def _place(self, array: Array, name: str) -> Tensor:
        attributes = {"dtype": dtypes.as_dtype(array.dtype), "shape": array.shape}
        made = self.graph.apply("placeholder", [], attributes, name=name).outputs[0]
        self.feeds[made] = array
        return made

    def run(
        self, backend: str, fetches: Mapping[str, Any], feeds: dict[Tensor, Array] | None = None
    ) -> dict[str, Array]:
        session = Session(graph=self.graph, config=ConfigProto(backend=backend))
        found = session.run(list(fetches.values()), self.feeds if feeds is None else feeds)
        return {label: np.asarray(f) for label, f in zip(fetches, found, strict=True)}

    def check(self, label: str, found: Array, wanted: Array, flushed: Array | None = None) -> None:
        """Fails with the inputs where a result differs from what is wanted, or from that of `flushed`."""
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), label
        inputs = [self.feeds[t] for t in self.inputs[label.partition(" ")[0]]]
        same = self._same(found, wanted, inputs)
        if flushed is not None:
            tiny = np.finfo(np.float32).tiny if wanted.dtype == np.float32 else 0.0
            same |= self._same(found, flushed, inputs, tiny)
        if not same.all():
            rows = [
                f"{[i.flat[n] for i in inputs]}: found {found.flat[n]}, expected {wanted.flat[n]}"
                for n in np.flatnonzero(~same)[:8]
            ]
            pytest.fail(
                f"{self.name} {label}: {int((~same).sum())} of {same.size} differ:\n" + "\n".join(rows)
            )

    def _same(self, found: Array, wanted: Array, inputs: list[Array], least: float = 0.0) -> Array:
        same = agree(found, wanted, slack(inputs) if self.name in CANCEL else least)
        if self.name not in CHOOSE and wanted.dtype.kind == "f":
            same &= (wanted != 0) | (found != 0) | (np.signbit(found) == np.signbit(wanted))
        return same


def without_subnormal(array: Array) -> Array:
    """What a run may take an array for: float32 numbers that are subnormal are zeros of their sign."""
    if array.dtype != np.float32:
        return array
    return np.where(np.abs(array) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), array), array)


def slack(inputs: list[Array]) -> Any:
    """A few last places of the largest input, or of 1."""
    sizes = [np.where(np.isfinite(i), np.abs(i), 0) for i in inputs]
    return 8 * np.finfo(inputs[0].dtype).eps * np.maximum(1, np.maximum.reduce(sizes))


def agree(found: Array, wanted: Array, least: Any = 0.0) -> Array:
    """Where two arrays are the same: infinities and NaN too, numbers but for rounding."""
    if wanted.dtype.kind != "f":
        return np.asarray(found == wanted)
    relative = {2: 2e-3, 4: 2e-6, 8: 1e-12}[wanted.dtype.itemsize]
    tiny = 2 * float(np.finfo(wanted.dtype).smallest_subnormal)
    with np.errstate(all="ignore"):
        a, b = found.astype(np.float64), wanted.astype(np.float64)
        limit = np.maximum(relative * np.maximum(np.abs(a), np.abs(b)) + tiny, least)
        close = np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= limit)
        return np.asarray((a == b) | close | (np.isnan(a) & np.isnan(b)))


@pytest.mark.parametrize("name", NAMES)
def test_torch_gives_what_numpy_gives(name: str) -> None:
    """Values, and gradients where there are any."""
    grid = Grid(name)
    fetches = dict(grid.outputs)
    for label, y in grid.outputs.items():
        if OPS[name].gradient is not None and y.dtype.is_floating:
            inputs = [t for t in grid.inputs[label] if t.dtype.is_floating]
            for number, dx in enumerate(gradients(y, inputs) if inputs else []):
                if dx is not None:
                    fetches[f"{label} gradient {number}"] = dx
    wanted = grid.run("numpy", fetches)
    for label, found in grid.run("torch", fetches).items():
        grid.check(label, found, wanted[label])


@pytest.mark.parametrize("name", [n for n in NAMES if OPS[n].device == "kernel"])
def test_a_device_gives_what_numpy_gives(name: str, tmp_path: Path) -> None:
    """With subnormal numbers, or with zeros in their places: docs/arithmetic.md."""
    grid = Grid(name)
    wide = [k for k, t in grid.outputs.items() if "float64" in k or t.dtype is dtypes.float64]
    outputs = {k: t for k, t in grid.outputs.items() if k not in wide}
    used = {t for k in outputs for t in grid.inputs[k]}
    feeds = {t.op.name: a for t, a in grid.feeds.items() if t in used}
    export_model(
        outputs,
        tmp_path / "special.smr",
        inputs={t.op.name: t for t in grid.feeds if t in used},
        samples=[{k: np.ones_like(a) for k, a in feeds.items()}],
        disable=tuple(PASSES),
        tolerance=1e-2,
    )
    found = load(tmp_path / "special.smr").run(**feeds)
    wanted = grid.run("numpy", outputs)
    flushed = grid.run("numpy", outputs, {t: without_subnormal(a) for t, a in grid.feeds.items()})
    for label, result in (
        found if isinstance(found, dict) else dict(zip(outputs, [found], strict=True))
    ).items():
        grid.check(label, result, wanted[label], flushed[label])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_and_single_elements(name: str) -> None:
    """Without elements, and without axes."""
    definition = OPS[name]
    for shape in ((0,), (2, 0, 3), ()):
        for dtype in definition.types[next(iter(definition.types))]:
            graph, feeds = Graph(), {}
            for operand in definition.operands:
                type_ = dtypes.bool_ if operand.type == "bool" else dtype
                made = graph.apply("placeholder", [], {"dtype": type_, "shape": shape}).outputs[0]
                feeds[made] = np.ones(shape, type_.numpy)
            y = graph.apply(name, list(feeds), ATTRIBUTES.get(name, [{}])[0]).outputs[0]
            found = [
                np.asarray(Session(graph=graph, config=ConfigProto(backend=b)).run(y, feeds))
                for b in ("numpy", "torch")
            ]
            assert [f.shape for f in found] == [shape, shape]
            assert [f.dtype for f in found] == [y.dtype.numpy, y.dtype.numpy]
            assert agree(found[1], found[0]).all()


@pytest.mark.parametrize("dtype", [d.name for d in dtypes.INTEGERS])
@pytest.mark.parametrize("name", DIVIDE + RAISE)
def test_what_integers_have_not_is_refused_alike(name: str, dtype: str) -> None:
    bad = 0 if name in DIVIDE else -1
    if bad < 0 and dtype == "uint8":
        pytest.skip("uint8 has no negative numbers")
    said = []
    for backend in ("numpy", "torch"):
        graph = Graph()
        attributes = {"dtype": dtypes.as_dtype(dtype), "shape": [3]}
        x, y = (graph.apply("placeholder", [], attributes).outputs[0] for _ in range(2))
        z = graph.apply(name, [x, y], {}, name="z").outputs[0]
        with pytest.raises(Exception, match=r"zero|negative") as caught:
            Session(graph=graph, config=ConfigProto(backend=backend)).run(z, {x: [1, 2, 3], y: [1, bad, 2]})
        said.append((type(caught.value), str(caught.value).partition(" (made at")[0]))
    assert said[0] == said[1]


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nan_goes_through_what_limits(dtype: str, backend: str) -> None:
    """Its value, and what comes back of a gradient, unless the function is steeper there."""
    with tf.Graph().as_default():
        x = tf.placeholder(dtype, [None])
        functions = {
            "relu": tf.nn.relu,
            "relu6": tf.nn.relu6,
            "leaky_relu": lambda t: tf.nn.leaky_relu(t, 0.25),
            "clip": lambda t: tf.clip_by_value(t, -1.0, 1.0),
            "maximum": lambda t: tf.maximum(t, tf.zeros_like(t)),
            "minimum": lambda t: tf.minimum(t, tf.zeros_like(t)),
        }
        slopes = {"leaky_relu": 0.25, "maximum": 0.0, "minimum": 0.0}
        made = {name: f(x) for name, f in functions.items()}
        backward = {
            name: tf.gradients(y, x, tf.fill(tf.shape(x), tf.cast(1.5, dtype)))[0] for name, y in made.items()
        }
        chosen = tf.where(x > 0, 2 * x, tf.zeros_like(x))
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            given = np.tile(np.array([np.nan, 3.0, -3.0, 0.0]), 9).astype(dtype)
            for name, (y, dx) in session.run({n: (made[n], backward[n]) for n in made}, {x: given}).items():
                assert np.isnan(y[::4]).all(), name
                assert not np.isnan(y.reshape(9, 4)[:, 1:]).any(), name
                np.testing.assert_array_equal(dx[::4], np.full(9, 1.5 * slopes.get(name, 1.0)), err_msg=name)
            # A comparison with NaN is false, whatever it is fused with.
            wanted = np.tile(np.array([0, 6, 0, 0]), 9)
            np.testing.assert_array_equal(session.run(chosen, {x: given}), wanted)


# Where sums of products meet infinities, an order or a padding that nobody prescribes decides what is NaN; so does
# the way that a library takes through a matrix.
UNTOLD = {
    "attention", "cholesky", "conv2d", "conv2d_backprop_filter", "conv2d_backprop_input", "depthwise_conv2d",
    "depthwise_conv2d_backprop_filter", "depthwise_conv2d_backprop_input", "fft", "log_matrix_determinant", "matmul",
    "matrix_determinant", "matrix_inverse", "matrix_solve", "matrix_triangular_solve", "qr", "rfft",
    "self_adjoint_eig", "svd",
    # Its inputs belong together: see the next test.
    "max_pool2d_gradient",
}  # fmt: skip
OTHERS: dict[str, list[Case]] = defaultdict(list)
for _, _case in cases():
    _floats = any(a is not None and a.dtype.kind == "f" for a in _case.arrays(_case.dtype_names()[0]))
    if _floats and not OPS[_case.op].elementwise and _case.op not in UNTOLD:
        OTHERS[_case.op].append(_case)


@pytest.mark.parametrize("op", sorted(OTHERS))
def test_special_values_among_others(op: str) -> None:
    """Floating-point numbers of an op's cases, some of them replaced."""
    for case in OTHERS[op][:5]:
        dtype = case.dtype_names()[0]
        for kinds in ([np.nan, np.inf, -np.inf, -0.0], [np.inf], [0.0, 1.0, -0.0]):
            made = build(case, dtype)
            generator = np.random.default_rng(zlib.crc32(f"{case.id} {kinds}".encode()))
            feeds = {}
            for tensor, array in made.feeds.items():
                feeds[tensor] = array = array.copy()
                if array.dtype.kind == "f":
                    some = generator.random(array.shape) < 0.25
                    array[some] = generator.choice(kinds, size=int(some.sum()))
            found = []
            for backend in ("numpy", "torch"):
                session = Session(graph=made.graph, config=ConfigProto(backend=backend))
                session.variables.update(made.variables)
                found.append([np.asarray(f) for f in session.run(list(made.op.outputs), feeds)])
            for one, other in zip(*found, strict=True):
                assert one.dtype == other.dtype, case.id
                scale = np.abs(one[np.isfinite(one)]).max(initial=1.0) if one.dtype.kind == "f" else 1.0
                assert agree(other, one, 1e-4 * scale).all(), f"{case.id}: {one} {other}"


def test_the_gradient_of_the_largest_where_it_is_nan_or_infinite() -> None:
    generator = np.random.default_rng(3)
    for kinds in ([np.nan], [np.inf], [-np.inf], [np.nan, np.inf, -np.inf], [0.0, -0.0]):
        value = generator.normal(size=(2, 8, 8, 3)).astype(np.float32)
        some = generator.random(value.shape) < 0.3
        value[some] = generator.choice(kinds, size=int(some.sum()))
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, value.shape)
            made = []
            for size, step, padding in ((2, 2, "VALID"), (3, 2, "SAME"), (3, 1, "SAME")):
                y = tf.nn.max_pool(x, [1, size, size, 1], [1, step, step, 1], padding)
                made += [y, *tf.gradients(y, x)]
            made += tf.gradients([tf.reduce_max(x, [1, 2]), tf.reduce_min(x, 3)], x)
            runs = [
                tf.Session(config=tf.ConfigProto(backend=b)).run(made, {x: value}) for b in ("numpy", "torch")
            ]
        for found, wanted in zip(*runs, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-6, err_msg=str(kinds))
