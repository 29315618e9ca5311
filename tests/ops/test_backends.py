"""Every op gives the same on numpy and on torch, and memory is reused only where nobody sees it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from samara.graph import backends
from samara.graph.backends import numpy as numpy_backend
from samara.graph.execution.config import ConfigProto
from samara.graph.execution.reuse import makes_new
from samara.graph.execution.session import Session
from samara.graph.execution.state import Call, State
from samara.graph.ops import OPS
from tests.cases._case import Case
from tests.ops._graphs import assert_close, build, tolerance
from tests.ops.conftest import cases

torch = pytest.importorskip("torch")
torch_overrides = pytest.importorskip("samara.graph.backends.torch.overrides")

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


def reference_run(name: str, case: Case, dtype: str) -> tuple[Any, list[Any], list[Any]]:
    """The backend, the inputs of a case as its arrays, and what its function gives for them."""
    backend = backends.find(name)
    made = build(case, dtype)
    state = State(None, backend)
    host = backend.devices(ConfigProto())[0]
    inputs = [None if a is None else backend.owned(a, host) for a in made.inputs]
    call = Call(made.op, state, host)
    function = backend.override(case.op) or made.op.definition.reference
    with backend.running():
        result = function(backend.namespace(host), call, *inputs)
    return backend, inputs, list(result) if isinstance(result, (list, tuple)) else [result]


def memory(array: Any) -> tuple[int, int]:
    """Where an array begins and ends."""
    if isinstance(array, torch.Tensor):
        storage = array.untyped_storage()
        return storage.data_ptr(), storage.data_ptr() + storage.nbytes()
    return np.lib.array_utils.byte_bounds(np.asarray(array))


@pytest.mark.parametrize("name", backends.NAMES)
@pytest.mark.parametrize("op", sorted(op for op in BY_OP if makes_new(OPS[op])))
def test_results_that_are_called_new_are(op: str, name: str) -> None:
    for case in BY_OP[op][:12]:
        _, inputs, results = reference_run(name, case, case.dtype_names()[0])
        for result in results:
            for given in inputs:
                if given is not None and np.prod(given.shape) and np.prod(result.shape):
                    (a, b), (c, d) = memory(result), memory(given)
                    assert b <= c or d <= a, case.id


PLAIN = ("matmul", "relu", *numpy_backend.PLAIN, *torch_overrides.plain)


@pytest.mark.parametrize("name", backends.NAMES)
@pytest.mark.parametrize("op", sorted(set(PLAIN)))
def test_plain_functions_give_the_same_bits_over_an_input_too(op: str, name: str) -> None:
    for case in BY_OP[op]:
        for dtype in case.dtype_names():
            backend = backends.find(name)
            made = build(case, dtype)
            plain = backend.plain(made.op)
            if plain is None:
                continue
            _, inputs, (expected,) = reference_run(name, case, dtype)
            expected = np.array(backend.numpy(expected, copy=True))
            own = [np.array(backend.numpy(a, copy=True)) for a in inputs if a is not None]
            for place in [None, *range(len(own))]:
                fresh = [backend.feed(a.copy()) for a in own]
                with backend.running():
                    if place is None:
                        result = plain(*fresh)
                    elif (
                        backend.writes_over(made.op)
                        and own[place].shape == expected.shape != ()
                        and own[place].dtype == expected.dtype
                    ):
                        result = plain(*fresh, out=fresh[place])
                        assert result is fresh[place]
                    else:
                        continue
                np.testing.assert_array_equal(backend.numpy(result, copy=True), expected, err_msg=case.id)


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fused_calls_give_what_their_operations_give(dtype: str, written: bool) -> None:
    backend = backends.find("torch")
    host = backend.devices(ConfigProto())[0]
    generator = np.random.default_rng(0)
    x, y, z = (generator.uniform(0.5, 2, (7, 9)).astype(dtype) for _ in range(3))
    x[:2] *= -1
    s = np.asarray(1.7, dtype)
    expected = {
        "add_multiple": ([x, y], 0.3, x + 0.3 * y),
        "add_product": ([x, y, z], -0.3, x - 0.3 * y * z),
        "add_quotient": ([x, y, z, s], -1.0, x - 1.7 * y / z),
        "zeroed": ([x, y], None, np.where(x <= 0, 0, y)),
    }
    for name, (given, factor, wanted) in expected.items():
        function = backend.fused(name, factor, host)
        assert function is not None
        tensors = [torch.from_numpy(g.copy()) for g in given]
        found = function(*tensors, **({"out": tensors[0]} if written else {}))
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5)
        if written:
            np.testing.assert_allclose(tensors[0].numpy(), wanted, rtol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (6, 3), (1, 2)])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_of_updates_of_one_place_the_last_stays(shape: tuple[int, ...], count: int) -> None:
    torch = pytest.importorskip("torch")
    from samara.graph.backends.torch.overrides import last_stays

    generator = np.random.default_rng(count)
    rows = generator.normal(size=shape)
    places, updates = generator.integers(0, shape[0], count), generator.normal(size=(count, *shape[1:]))
    expected = rows.copy()
    for place, update in zip(places, updates, strict=True):
        expected[place] = update
    found = last_stays(*(torch.from_numpy(a) for a in (rows, places, updates)))
    np.testing.assert_array_equal(found.numpy(), expected)
