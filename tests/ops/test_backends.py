"""Every op gives the same on numpy and on torch, and memory is reused only where nobody sees it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from samara.graph.config import ConfigProto
from samara.graph.session import Session
from tests.cases._case import Case
from tests.ops._graphs import assert_close, build, tolerance
from tests.ops.conftest import cases

torch = pytest.importorskip("torch")
pytest.importorskip("array_api_compat")

BY_OP: dict[str, list[Case]] = defaultdict(list)
for _, _case in cases():
    BY_OP[_case.op].append(_case)

DEVICES = ["/cpu:0", "/gpu:0"]


def config(device: str) -> ConfigProto:
    if device == "/gpu:0" and not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    return ConfigProto(
        backend="torch",
        allow_soft_placement=True,
        device_count={"GPU": 1 if device == "/gpu:0" else 0},
    )


def run(case: Case, dtype: str, chosen: ConfigProto) -> list[Any]:
    made = build(case, dtype)
    session = Session(graph=made.graph, config=chosen)
    session.variables.update(made.variables)
    return session.run(list(made.op.outputs), made.feeds)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("op", sorted(BY_OP))
def test_torch_gives_what_numpy_gives(op: str, device: str) -> None:
    chosen = config(device)
    for case in BY_OP[op]:
        dtype = case.dtype_names()[0]
        expected = run(case, dtype, ConfigProto())
        found = run(case, dtype, chosen)
        for one, other in zip(found, expected, strict=True):
            assert np.asarray(one).dtype == np.asarray(other).dtype, case.id
            assert_close(one, other, tolerance(case, np.asarray(other)), case.id)
