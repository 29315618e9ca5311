"""Every differentiable case: symbolic gradients against central differences in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.gradients import gradients
from samara.graph.ops import OPS
from tests.cases._case import Case
from tests.ops._graphs import build
from tests.ops.conftest import over_cases

STEP = 1e-5
MOST_ELEMENTS = 400
PROBES = 12


def differentiable(case: Case, dtype: str) -> bool:
    definition = OPS[case.op]
    allowed = next(iter(definition.types.values()), ())
    names = {d.name for d in allowed}
    return (
        case.gradient
        and definition.gradient is not None
        and "float64" in names
        and (case.dtypes is None or any(d.startswith("float") for d in case.dtypes))
    )


@over_cases(differentiable, dtypes=("float64",))
def test_gradient_matches_finite_differences(family_name: str, case: Case, dtype: str) -> None:
    made = build(case, dtype)
    generator = np.random.default_rng(7)
    outputs = [t for t in made.op.outputs if t.dtype.is_floating]
    wanted = [t for t in made.feeds if t.dtype.is_floating and made.feeds[t].size]
    if not wanted or not outputs:
        return
    session = made.session()
    values = session.run(outputs, made.feeds)
    weights = [generator.uniform(0.5, 1.5, v.shape) for v in values]
    found = gradients(outputs, wanted, grad_ys=[made.graph.convert(w) for w in weights])
    symbolic = [g for g in found if g is not None]
    computed = iter(session.run(symbolic, made.feeds))

    def objective(feeds: Any) -> float:
        results = session.run(outputs, feeds)
        return float(sum((r * w).sum() for r, w in zip(results, weights, strict=True)))

    for tensor, symbol in zip(wanted, found, strict=True):
        array = made.feeds[tensor]
        analytic = np.zeros(array.shape) if symbol is None else next(computed)
        assert analytic.shape == array.shape
        places = np.arange(array.size)
        if array.size > PROBES:
            places = generator.choice(array.size, PROBES, replace=False)
        for place in places:
            index = np.unravel_index(place, array.shape)
            high, low = array.copy(), array.copy()
            high[index] += STEP
            low[index] -= STEP
            numeric = (objective({**made.feeds, tensor: high}) - objective({**made.feeds, tensor: low})) / (
                2 * STEP
            )
            scale = max(1.0, abs(numeric))
            assert abs(numeric - analytic[index]) <= 2e-5 * scale, (
                f"{case.id}: d/d{tensor.name}{list(index)} is {analytic[index]}, differences give {numeric}"
            )
