"""Running: what may be given, what comes back, and what is said about anything else."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ArgumentStatusError, RuntimeStatusError
from samara.pyruntime.model import load
from tests.pyruntime.conftest import WEIGHTS

X = np.array([[1, 2, 3], [-4, -5, -6]], np.float32)
Y = np.array([0.5, 0.25, 8], np.float32)
TOTAL = X + Y + WEIGHTS


def same(found: Any, expected: Any = TOTAL) -> None:
    np.testing.assert_array_equal(found["total"] if isinstance(found, dict) else found, expected)


def test_by_position_and_by_name(sums: Path) -> None:
    model = load(sums)
    for outputs in (
        model(X, Y),
        model.run(X, Y),
        model.run(x=X, y=Y),
        model.run(X, y=Y),
        model.run(y=Y, x=X),
    ):
        assert list(outputs) == ["total", "positive"]
        same(outputs)
        same(outputs["positive"], np.maximum(TOTAL, 0))
    same(model.context()(X, y=Y))
    same(model.context().run(X, Y, signature="main"))


def test_one_output_comes_alone(rows: Path) -> None:
    found = load(rows).run(X, X)
    assert type(found) is np.ndarray
    same(found, np.maximum(X + X, 0))


def test_outputs_are_the_callers_own(sums: Path) -> None:
    model = load(sums)
    first = model.run(X, Y)["total"]
    first[...] = 0
    model.run(X + 1, Y)
    same(first, np.zeros((2, 3)))
    assert first.flags.writeable


class Exchanged:
    """An array that speaks DLPack only."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


class Converted:
    """An array that speaks numpy's protocol only."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array


def spread(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    wide = np.zeros((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    return wide[..., 0]


FORMS = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()),
    "memoryview": lambda a: memoryview(np.ascontiguousarray(a)),
    "dlpack": Exchanged,
    "array protocol": Converted,
    "fortran order": np.asfortranarray,
    "strided": spread,
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
    "transposed": lambda a: a.T.copy().T,
    "read only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "broadcast": lambda a: np.broadcast_to(a, a.shape),
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
    "subclass": lambda a: a.view(np.matrix) if a.ndim == 2 else a,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_inputs_in_every_form(form: str, sums: Path) -> None:
    make = FORMS[form]
    x, y = make(X), make(Y)
    same(load(sums).run(x, y))
    if isinstance(x, np.ndarray):
        same(np.asarray(x), X)


def test_empty_and_wide_broadcast_views(rows: Path) -> None:
    row = np.broadcast_to(np.float32([1, 2, 3]), (5, 3))
    same(load(rows).run(row, row), np.broadcast_to(np.float32([2, 4, 6]), (5, 3)))


SWAPPED = X.astype(X.dtype.newbyteorder())

WRONG: dict[str, tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = {
    "missing": ((X,), {}, TypeError, r"missing input y: f32\[3\]; the inputs of 'main' are x: f32\[2,3\], y"),
    "none": ((), {}, TypeError, r"missing input x: f32\[2,3\], y: f32\[3\]"),
    "unknown": ((X, Y), {"z": Y}, TypeError, "no input 'z'; the inputs of 'main' are x"),
    "twice": ((X, Y), {"y": Y}, TypeError, "input 'y' was given twice"),
    "many": ((X, Y, Y), {}, TypeError, "3 inputs were given; the inputs of 'main' are x"),
    "double": ((X.astype(float), Y), {}, TypeError, r"input x: f32\[2,3\] .*float64.*\.astype\('float32'\)"),
    "integers": ((X.astype(np.int32), Y), {}, TypeError, "int32"),
    "swapped": ((SWAPPED, Y), {}, TypeError, r"byte order.*\.astype\('float32'\)"),
    "objects": ((X.astype(object), Y), {}, TypeError, "object"),
    "text": (("abc", Y), {}, TypeError, "input x"),
    "nothing": ((None, Y), {}, TypeError, "input x"),
    "rank": ((X[0], Y), {}, ValueError, r"input x: f32\[2,3\] was given rank 1, shape \[3\]"),
    "more rank": ((X[None], Y), {}, ValueError, "rank 3"),
    "shape": ((X.T, Y), {}, ValueError, r"input x: f32\[2,3\] was given shape \[3, 2\]"),
    "long": ((X, np.ones(4, np.float32)), {}, ValueError, r"input y: f32\[3\] was given shape \[4\]"),
    "empty": ((X, np.ones(0, np.float32)), {}, ValueError, r"shape \[0\]"),
    "ragged": (([[1, 2, 3], [4, 5]], Y), {}, ValueError, "input x"),
    "words": ((["a", "b"], Y), {}, ValueError, "input x"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_inputs(name: str, sums: Path) -> None:
    arrays, named, kind, message = WRONG[name]
    model = load(sums)
    with pytest.raises(kind, match=message):
        model.run(*arrays, **named)
    same(model.run(X, Y))


def test_every_dtype(kinds: Path) -> None:
    model = load(kinds)
    lists: dict[str, Any] = {t.name: [3, 1] for t in model.signatures["main"].inputs}
    lists["bool"] = [True, False]
    arrays = {name: np.array(values, name) for name, values in lists.items()}
    for given in (lists, arrays):
        outputs = model.run(**given)
        assert {f"{a.dtype.name}_out" for a in outputs.values()} == set(outputs)
        for name, array in arrays.items():
            same(outputs[f"{name}_out"], ~array if name == "bool" else array + array)
    for name, values, kind, message in (
        ("int8", [1.5, 2], TypeError, r"input int8: i8\[2\] was given a list of floats"),
        ("int8", [128, 0], ValueError, r"input int8: i8\[2\] cannot be made from this list"),
        ("uint8", [-1, 0], ValueError, "input uint8"),
        ("int64", [2**70, 0], ValueError, "input int64"),
        ("int32", [], ValueError, r"shape \[0\]"),
        ("bool", np.zeros(2, np.uint8), TypeError, "uint8"),
        ("int8", np.zeros(2, np.uint8), TypeError, "uint8"),
        ("float16", np.zeros(2, np.float32), TypeError, "float32"),
    ):
        with pytest.raises(kind, match=message):
            model.run(**{**lists, name: values})


def test_dimensions_follow_the_inputs(rows: Path) -> None:
    model = load(rows)
    rng = np.random.default_rng(0)
    for size in (8, 1, 3, 8, 2):
        x, y = rng.standard_normal((2, size, 3)).astype(np.float32)
        same(model.run(x, y), np.maximum(x + y, 0))
    for size in (0, 9, 1000):
        with pytest.raises(ValueError, match=rf"dimension n is {size}, outside 1\.\.8"):
            model.run(*np.zeros((2, size, 3), np.float32))
    with pytest.raises(ValueError, match="dimension n is 2 in one input and 3 in y"):
        model.run(np.zeros((2, 3), np.float32), np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match=r"input x: f32\[n,3\] was given shape \[2, 4\]"):
        model.run(*np.zeros((2, 2, 4), np.float32))
    same(model.run(X, X), np.maximum(X + X, 0))


def test_state(counter: Path) -> None:
    model = load(counter)
    one = np.ones(2, np.float32)
    same(model.run(one), [11, 21])
    same(model.run(one), [12, 22])
    kept = model.states()
    model.reset()
    same(model.run(one), [11, 21])
    model.load_states(kept)
    same(model.run(one), [13, 23])
    first, second = model.context(), model.context()
    same(first.run(one, signature="add"), [11, 21])
    same(first.run(signature="read"), [11, 21])
    same(second.run(signature="read"), [10, 20])
    saved = first.states()
    assert list(saved) == ["total"]
    first.run(one)
    same(saved["total"], [11, 21])
    second.load_states(saved)
    same(second.run(one), [12, 22])
    second.reset()
    same(second.run(signature="read"), [10, 20])
    with pytest.raises(KeyError, match="no state 'sum'; the model has total"):
        first.load_states({"sum": one})
    with pytest.raises(ValueError, match=r"state 'total' is float32\[\(?2"):
        first.load_states({"total": np.ones(3, np.float32)})
    with pytest.raises(ValueError, match="state 'total' is float32"):
        first.load_states({"total": np.ones(2)})
    with pytest.raises(KeyError, match="no signature 'sub'; the file has add, read"):
        first.run(one, signature="sub")


def test_verify_leaves_state_alone(counter: Path) -> None:
    model = load(counter)
    model.run(np.ones(2, np.float32))
    model.verify()
    model.profile(np.ones(2, np.float32), repetitions=2)
    same(model.run(np.zeros(2, np.float32)), [11, 21])


def test_a_context_for_each_thread(counter: Path, sums: Path) -> None:
    adder, keeper = load(sums), load(counter)

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        adding, keeping = adder.context(), keeper.context()
        total = np.array([10, 20], np.float32)
        for _ in range(200):
            x, y = rng.standard_normal((2, 3)).astype(np.float32), rng.standard_normal(3).astype(np.float32)
            same(adding.run(x, y), x + y + WEIGHTS)
            step = rng.integers(-9, 9, 2).astype(np.float32)
            total = total + step
            same(keeping.run(step), total)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_one_model_called_from_many_threads(sums: Path) -> None:
    model = load(sums)

    def work(seed: int) -> None:
        x = np.full((2, 3), seed, np.float32)
        for _ in range(200):
            same(model.run(x, Y), x + Y + WEIGHTS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_other_threads_run_meanwhile(slow: Path) -> None:
    """Threads are never switched by force here: the counting one goes on only when a run lets the lock go."""
    model = load(slow)
    x = np.ones(1, np.float32)
    model.run(x)
    count, done = 0, False
    counted = []

    def counting() -> None:
        nonlocal count
        while not done:
            count += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = threading.Thread(target=counting)
    try:
        thread.start()
        for _ in range(21):
            before = count
            model.run(x)
            counted.append(count - before)
    finally:
        done = True
        sys.setswitchinterval(interval)
        thread.join()
    # Half of the calls that hold the lock let the other thread count nothing, whatever else the machine does.
    assert np.median(counted) >= 20


def test_timed(sums: Path, rows: Path) -> None:
    context = load(sums).context()
    assert all(t > 0 for t in context.timed(X, Y, seconds=0.01))
    assert len(context.timed(X, Y, seconds=0)) == 1
    np.testing.assert_array_equal(context.run(X, Y)["total"], load(sums).run(X, Y)["total"])
    with pytest.raises(TypeError, match="missing input y"):
        context.timed(X)
    assert load(rows).context().timed(X, X, seconds=0)


def test_profile(sums: Path, rows: Path) -> None:
    model = load(sums)
    profile = model.profile(X, Y, repetitions=3)
    ops = model.ops()
    assert [(r.name, r.op, r.kernel) for r in profile.rows] == [(o.name, o.op, o.kernel) for o in ops]
    assert all(r.microseconds >= 0 for r in profile.rows)
    assert profile.microseconds > 0
    lines = str(profile).splitlines()
    assert lines[0].split() == ["name", "op", "kernel", "us", "share"]
    assert len(lines) == len(ops) + 2
    assert lines[-1].startswith("one run: ")
    assert len(load(rows).profile().rows) == 2
    assert len(load(rows).profile(x=X, y=X, repetitions=0).rows) == 2
    with pytest.raises(TypeError, match="missing input y"):
        model.profile(X)
    with pytest.raises(KeyError, match="no signature 'other'"):
        model.profile(signature="other")


def test_an_observer_sees_every_op(sums: Path) -> None:
    context = load(sums).context()
    seen: list[tuple[int, int]] = []
    tensors: list[Any] = []

    def observer(op: int, nanoseconds: int, signature: int) -> None:
        assert nanoseconds >= 0
        seen.append((op, signature))
        tensors.append(context.observed_tensor(signature, context.model.ops()[op].outputs[0]))

    outputs = context.observe(observer, X, Y)
    same(outputs)
    assert seen == [(i, 0) for i in range(len(context.model.ops()))]
    same(tensors[-1], np.maximum(TOTAL, 0))


def test_an_exception_of_an_observer_stops_the_run(sums: Path) -> None:
    context = load(sums).context()
    calls = []

    def observer(op: int, _nanoseconds: int, _signature: int) -> None:
        calls.append(op)
        raise LookupError("enough")

    for _ in range(2):
        with pytest.raises(LookupError, match="enough"):
            context.observe(observer, X, Y)
    assert calls == [0, 0]
    same(context.observe(lambda *_: None, X, Y))
    same(context.run(X, Y))

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        context.observe(interrupt, X, Y)


def test_a_tensor_that_is_not_there(sums: Path) -> None:
    context = load(sums).context()
    context.observe(lambda *_: None, X, Y)
    with pytest.raises(ArgumentStatusError, match="tensor 99 of") as caught:
        context.observed_tensor(0, 99)
    assert caught.value.status == 101
    assert isinstance(caught.value, RuntimeStatusError)


def test_loading_and_running_brings_in_little(sums: Path) -> None:
    """A process that only runs a file has neither the graph nor the exporter."""
    script = (
        "import sys, numpy as np, samara\n"
        "samara.load(sys.argv[1]).run(np.ones((2, 3), 'f4'), np.ones(3, 'f4'))\n"
        "print([m for m in sys.modules if m.startswith('samara.') or m == 'flatbuffers'])"
    )
    text = subprocess.run(
        [sys.executable, "-c", script, sums], text=True, capture_output=True, check=True
    ).stdout
    assert not re.search(r"samara\.(graph|exporter|quantize)|flatbuffers", text)
