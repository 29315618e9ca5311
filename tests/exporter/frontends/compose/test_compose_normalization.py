"""Normalizations against plain numpy in float64, with sizes that move."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.frontends.compose import normalization
from tests.exporter.frontends.compose_agreement import agrees

GENERATOR = np.random.default_rng(0)


def values(*shape: int, dtype: str = "float32", low: float = -2, high: float = 2) -> Any:
    return GENERATOR.uniform(low, high, shape).astype(dtype)


def channels(array: Any, rank: int) -> Any:
    return array.astype(np.float64).reshape(-1, *[1] * (rank - 2)) if rank > 1 else array.astype(np.float64)


def normal(x: Any, axes: Any, epsilon: float) -> Any:
    x = x.astype(np.float64)
    centred = x - x.mean(axis=axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=axes, keepdims=True) + epsilon)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 2, 3)])
@pytest.mark.parametrize("types", [("float32", "float32"), ("float16", "float32"), ("float32", "float16")])
def test_batch_norm(shape: Any, types: Any, tmp_path: Path) -> None:
    x = values(*shape, dtype=types[0])
    scale, bias, mean = (values(3, dtype=types[1]) for _ in range(3))
    variance = values(3, dtype=types[1], low=0.1)
    s, o, m, v = (channels(t, len(shape)) for t in (scale, bias, mean, variance))
    expected = ((x.astype(np.float64) - m) / np.sqrt(v + 1e-3) * s + o).astype(types[0])
    moving = {0: [None if a == 1 else f"n{a}" for a in range(len(shape))]} if len(shape) > 1 else None
    agrees(
        lambda b, *t: normalization.batch_norm(b, *t, epsilon=1e-3),
        [x, scale, bias, mean, variance],
        expected,
        path=tmp_path,
        moving=moving,
        tolerance=2e-3 if types[0] == "float16" else 2e-5,
    )


def test_batch_norm_without_scale() -> None:
    x, mean, variance = values(2, 3, 4), values(3), values(3, low=0.5)
    expected = (x - mean[:, None]) / np.sqrt(variance[:, None] + 0.5)
    agrees(
        lambda b, x, m, v: normalization.batch_norm(b, x, None, None, m, v, 0.5),
        [x, mean, variance],
        expected,
    )


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 5), (2, 6, 4, 5), (1, 6, 2, 3, 2)])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_group_norm(shape: Any, groups: int, dtype: str, tmp_path: Path) -> None:
    x, scale, bias = values(*shape, dtype=dtype), values(6, dtype=dtype), values(6, dtype=dtype)
    y = normal(x.reshape(shape[0], groups, -1), 2, 1e-2).reshape(shape)
    expected = (y * channels(scale, len(shape)) + channels(bias, len(shape))).astype(dtype)
    moving = {0: [None if a == 1 else f"n{a}" for a in range(len(shape))]}
    agrees(
        lambda b, *t: normalization.group_norm(b, *t, groups=groups, epsilon=1e-2),
        [x, scale, bias],
        expected,
        path=tmp_path,
        moving=moving,
        tolerance=4e-3 if dtype == "float16" else 2e-5,
    )


def test_group_norm_with_numbers_for_groups() -> None:
    x, scale, bias = values(2, 6, 3), values(2), values(2)
    y = normal(x.reshape(2, 2, 9), 2, 1e-5) * scale[:, None] + bias[:, None]
    agrees(
        lambda b, *t: normalization.group_norm(b, *t, groups=2),
        [x, scale, bias],
        y.reshape(2, 6, 3).astype(np.float32),
    )


def test_group_norm_refuses_what_does_not_divide() -> None:
    with pytest.raises(ValueError, match="6 channels in 4 groups"):
        agrees(lambda b, x: normalization.group_norm(b, x, None, None, groups=4), [values(2, 6)], [])


@pytest.mark.parametrize("axes", [(-1,), (1,), (0, 2), (1, 2), (3, 1), (0, 1, 2, 3)])
@pytest.mark.parametrize("given", ["both", "scale", "none", "broadcast", "wide"])
def test_layer_norm(axes: Any, given: str, tmp_path: Path) -> None:
    x = values(3, 4, 5, 2, dtype="float16" if given == "wide" else "float32")
    inner = sorted(a % 4 for a in axes)
    sizes = [x.shape[a] for a in inner]
    operands = []
    if given != "none":
        operands.append(values(*([1] * len(sizes) if given == "broadcast" else sizes)))
    if given in ("both", "broadcast", "wide"):
        operands.append(values(*sizes))
    order = [a for a in range(4) if a not in inner] + inner
    y = normal(x, tuple(inner), 1e-2).transpose(order)
    y = y * operands[0] if operands else y
    y = y + operands[1] if len(operands) > 1 else y
    moving = {0: [None if a in inner else f"n{a}" for a in range(4)]}

    def build(b: Any, x: Any, scale: Any = None, bias: Any = None) -> Any:
        return normalization.layer_norm(b, x, scale, bias, axes=axes, epsilon=1e-2)

    agrees(
        build,
        [x, *operands],
        y.transpose(np.argsort(order)).astype(x.dtype),
        path=tmp_path,
        moving=moving,
        tolerance=2e-3 if given == "wide" else 2e-5,
    )


@pytest.mark.parametrize("axes", [(-1,), (1,), (1, 2)])
@pytest.mark.parametrize("scaled", [False, True])
def test_rms_norm(axes: Any, scaled: bool, tmp_path: Path) -> None:
    x = values(3, 4, 5)
    inner = sorted(a % 3 for a in axes)
    order = [a for a in range(3) if a not in inner] + inner
    operands = [values(*(x.shape[a] for a in inner))] if scaled else []
    y = x / np.sqrt((x.astype(np.float64) ** 2).mean(axis=tuple(inner), keepdims=True) + 1e-3)
    y = y.transpose(order) * (operands[0] if scaled else 1)

    def build(b: Any, x: Any, scale: Any = None) -> Any:
        return normalization.rms_norm(b, x, scale, axes=axes, epsilon=1e-3)

    agrees(
        build,
        [x, *operands],
        y.transpose(np.argsort(order)).astype(np.float32),
        path=tmp_path,
        moving={0: [None if a in inner else f"n{a}" for a in range(3)]},
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(("beta", "axis"), [(0.75, 1), (0.5, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_local_response_norm(size: int, beta: float, axis: int, dtype: str, tmp_path: Path) -> None:
    x = values(2, 6, 3, 5, dtype=dtype)
    wide = np.moveaxis(x.astype(np.float64), axis, 0)
    sums = np.zeros_like(wide)
    for c in range(len(wide)):
        low = max(c - (size - 1) // 2, 0)
        sums[c] = (wide[low : c + math.ceil((size - 1) / 2) + 1] ** 2).sum(axis=0)
    expected = np.moveaxis(wide / (1.5 + 0.3 / size * sums) ** beta, 0, axis).astype(dtype)

    def build(b: Any, x: Any) -> Any:
        return normalization.local_response_norm(b, x, size=size, alpha=0.3, beta=beta, bias=1.5, axis=axis)

    agrees(
        build,
        [x],
        expected,
        path=tmp_path,
        moving={0: ["n", None, "h", None]},
        tolerance=2e-3 if dtype == "float16" else 2e-5,
    )


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
@pytest.mark.parametrize("epsilon", [0.0, 1.5])
def test_lp_norm(p: float, epsilon: float, tmp_path: Path) -> None:
    x = values(4, 3, 2)
    x[1] = 0
    norm = np.linalg.norm(x.astype(np.float64), p, axis=1, keepdims=True)
    divisor = np.maximum(norm, epsilon) if epsilon else np.where(norm == 0, 1, norm)
    agrees(
        lambda b, x: normalization.lp_norm(b, x, axes=(1,), p=p, epsilon=epsilon),
        [x],
        (x / divisor).astype(np.float32),
        path=tmp_path,
        moving={0: ["n", "c", None]},
    )


def test_mean_variance_norm(tmp_path: Path) -> None:
    x = values(2, 3, 4, 5)
    wide = x.astype(np.float64)
    y = (wide - wide.mean((0, 2, 3), keepdims=True)) / (wide.std((0, 2, 3), keepdims=True) + 1e-9)
    agrees(
        lambda b, x: normalization.mean_variance_norm(b, x, axes=(0, 2, 3)),
        [x],
        y.astype(np.float32),
        path=tmp_path,
        moving={0: ["n", None, "h", "w"]},
    )
