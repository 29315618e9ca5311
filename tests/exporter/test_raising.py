"""Functions written with simpler ops become one op, in every way in which frameworks write them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from samara.exporter.freeze import Signature, freeze
from samara.exporter.passes import optimize
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.rewrite import needed

Build = Callable[[Any, Tensor], Tensor]


def c(value: float) -> Any:
    return np.float32(value)


def raised(build: Build, shape: tuple[int, ...] = (3, 5, 7)) -> Counter[str]:
    """The ops that are left, after the values were compared."""
    graph = Graph()
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name="x").outputs[0]
    model = freeze([Signature(build(graph.b, x))], None).model
    rewritten, _ = optimize(model)
    feed = np.random.default_rng(4).uniform(-4, 4, shape).astype(np.float32)
    found = []
    for m in (model, rewritten):
        (signature,) = m.signatures
        found.append(
            Session(graph=m.graph).run(next(iter(signature.outputs.values())), {signature.inputs["x"]: feed})
        )
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=2e-5 * np.abs(found[0]).max())
    return Counter(op.type for op in needed(rewritten.outputs) if op.definition.device == "kernel")


def erf_gate(b: Any, x: Tensor) -> Tensor:
    made: Tensor = b.add(b.erf(b.divide(x, c(1.4142135))), c(1))
    return made


def tanh_gate(b: Any, x: Tensor) -> Tensor:
    cube = b.multiply(c(0.044715), b.power(x, c(3)))
    made: Tensor = b.add(c(1), b.tanh(b.multiply(c(0.7978845608), b.add(x, cube))))
    return made


@pytest.mark.parametrize(
    ("op", "build"),
    [
        ("gelu", lambda b, x: b.multiply(b.multiply(x, erf_gate(b, x)), c(0.5))),
        ("gelu", lambda b, x: b.multiply(x, b.multiply(c(0.5), erf_gate(b, x)))),
        ("gelu", lambda b, x: b.multiply(b.multiply(c(0.5), x), erf_gate(b, x))),
        ("gelu", lambda b, x: b.divide(b.multiply(erf_gate(b, x), x), c(2))),
        ("gelu", lambda b, x: b.multiply(b.multiply(c(0.5), x), tanh_gate(b, x))),
        ("gelu", lambda b, x: b.multiply(x, b.multiply(tanh_gate(b, x), c(0.5)))),
        ("silu", lambda b, x: b.multiply(x, b.sigmoid(x))),
        ("silu", lambda b, x: b.multiply(b.sigmoid(x), x)),
        ("mish", lambda b, x: b.multiply(x, b.tanh(b.softplus(x)))),
        ("hard_sigmoid", lambda b, x: b.divide(b.relu6(b.add(x, c(3))), c(6))),
        ("hard_sigmoid", lambda b, x: b.multiply(b.clip(b.add(c(3), x), minimum=0.0, maximum=6.0), c(1 / 6))),
        ("hard_swish", lambda b, x: b.divide(b.multiply(x, b.relu6(b.add(x, c(3)))), c(6))),
        ("hard_swish", lambda b, x: b.multiply(x, b.hard_sigmoid(x))),
        ("hard_swish", lambda b, x: b.multiply(x, b.multiply(b.relu6(b.add(x, c(3))), c(1 / 6)))),
    ],
)
def test_activations(op: str, build: Build) -> None:
    assert raised(build) == Counter([op])


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.multiply(b.multiply(x, erf_gate(b, x)), c(0.4)),
        lambda b, x: b.multiply(b.multiply(b.relu(x), erf_gate(b, x)), c(0.5)),
        lambda b, x: b.multiply(x, b.sigmoid(b.multiply(x, c(1.7)))),
        lambda b, x: b.divide(b.relu6(b.add(x, c(2))), c(6)),
        lambda b, x: b.multiply(x, b.add(c(1), b.tanh(x))),
    ],
)
def test_what_is_only_like_them_stays(build: Build) -> None:
    assert not {"gelu", "silu", "hard_sigmoid", "hard_swish"} & raised(build).keys()


def centred(b: Any, x: Tensor, axes: tuple[int, ...] = (-1,)) -> Tensor:
    made: Tensor = b.subtract(x, b.reduce_mean(x, axes=axes, keepdims=True))
    return made


def spread(b: Any, d: Tensor, axes: tuple[int, ...] = (-1,)) -> Tensor:
    made: Tensor = b.add(b.reduce_mean(b.square(d), axes=axes, keepdims=True), c(1e-5))
    return made


RANDOM = np.random.default_rng(5)
SCALE = RANDOM.uniform(0.5, 2, 7).astype(np.float32)
OFFSET = RANDOM.uniform(-1, 1, (1, 7)).astype(np.float32)


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.divide(d := centred(b, x), b.sqrt(spread(b, d))),
        lambda b, x: b.multiply(d := centred(b, x), b.rsqrt(spread(b, d))),
        lambda b, x: b.multiply(b.rsqrt(spread(b, d := centred(b, x))), d),
        lambda b, x: b.divide(d := centred(b, x, (1, 2)), b.sqrt(spread(b, d, (2, 1)))),
        lambda b, x: b.add(b.multiply(b.divide(d := centred(b, x), b.sqrt(spread(b, d))), SCALE), OFFSET),
        lambda b, x: b.add(OFFSET, b.multiply(SCALE, b.divide(d := centred(b, x), b.sqrt(spread(b, d))))),
        lambda b, x: b.subtract(b.divide(d := centred(b, x), b.sqrt(spread(b, d))), OFFSET),
        lambda b, x: b.multiply(b.divide(d := centred(b, x), b.power(spread(b, d), c(0.5))), c(2)),
    ],
)
def test_layer_normalization(build: Build) -> None:
    assert raised(build) == Counter(["layer_normalization"])


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.divide(d := centred(b, x, (1,)), b.sqrt(spread(b, d, (1,)))),
        lambda b, x: b.divide(d := centred(b, x), b.sqrt(spread(b, d, (1, 2)))),
        lambda b, x: b.divide(centred(b, x), b.sqrt(spread(b, x))),
    ],
)
def test_what_is_only_like_a_layer_normalization_stays(build: Build) -> None:
    assert "layer_normalization" not in raised(build)
