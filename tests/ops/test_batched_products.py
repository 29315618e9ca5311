"""Matrix products of factors that are both computed: of many matrices, or of one that is turned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.pyruntime.abilities import instruction_sets
from samara.pyruntime.model import Model, load

OFFERED = [name for name, offered in instruction_sets().items() if offered and name != "generic"]

# x, y, transpose_a, transpose_b
PRODUCTS: list[tuple[Any, ...]] = [
    ([6, 33, 20], [6, 20, 49], False, False),
    ([3, 4, 40, 24], [3, 4, 35, 24], False, True),
    ([3, 4, 24, 40], [3, 4, 24, 35], True, False),
    ([2, 17, 9], [2, 30, 17], True, True),
    ([90, 31], [90, 65], True, False),
    ([5, 8, 19], [19, 33], False, False),
    ([8, 19], [5, 19, 33], False, False),
    ([3, 5, 7, 16], [3, 1, 16, 18], False, False),
    ([3, 1, 7, 16], [1, 5, 16, 18], False, False),
    ([20, 50, 128], [20, 128, 100], False, False),
]


def _exported(folder: Path, x: Any, y: Any, transpose_a: bool, transpose_b: bool) -> Model:
    with tf.Graph().as_default():
        a, b = (tf.placeholder(tf.float32, shape, name=name) for name, shape in (("x", x), ("y", y)))
        z = tf.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        rng = np.random.default_rng(1)
        sample = {
            n: rng.standard_normal([d if isinstance(d, int) else 5 for d in s]).astype(np.float32)
            for n, s in (("x", x), ("y", y))
        }
        tf.export_model({"z": z}, folder / "product.smr", inputs={"x": a, "y": b}, samples=[sample])
    return load(folder / "product.smr")


def _check(model: Model, x: Any, y: Any, transpose_a: bool, transpose_b: bool) -> None:
    """Every instruction set is near float64, and no number of threads changes a bit."""
    rng = np.random.default_rng(2)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in (x, y))
    left, right = (
        np.swapaxes(m, -1, -2) if turned else m for m, turned in ((a, transpose_a), (b, transpose_b))
    )
    wanted = left.astype(np.float64) @ right.astype(np.float64)
    for isa in OFFERED:
        context = model.context(isa, threads=1)
        assert context.kernels()[-1] != "generic", isa
        found = context.run(a, b)
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.sqrt(left.shape[-1]), err_msg=isa)
        for threads in (2, 3, 5):
            shared = model.context(isa, threads=threads, least_parallel_ns=1)
            for _ in range(3):
                np.testing.assert_array_equal(shared.run(a, b), found, err_msg=f"{isa}, {threads} threads")


@pytest.mark.parametrize("product", PRODUCTS, ids=str)
def test_products_of_computed_factors(product: tuple[Any, ...], tmp_path: Path) -> None:
    _check(_exported(tmp_path, *product), *product)


@pytest.mark.parametrize("turned", [False, True])
def test_products_of_any_number_of_matrices(turned: bool, tmp_path: Path) -> None:
    """Of sizes that are known when the model runs: the scratch is as large as the largest ones need."""
    rows, inner = tf.Dim("rows", 1, 40), tf.Dim("inner", 1, 20)
    batch = tf.Dim("batch", 1, 9)
    x = [batch, inner, rows] if turned else [batch, rows, inner]
    model = _exported(tmp_path, x, [batch, inner, 33], turned, False)
    for count, m, k in ((9, 40, 20), (1, 5, 3), (4, 17, 20)):
        shape = [count, k, m] if turned else [count, m, k]
        _check(model, shape, [count, k, 33], turned, False)
