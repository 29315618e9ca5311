"""Tests of programs, by Python's unittest: `tf.test`."""

from __future__ import annotations

import contextlib
import os
import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import numpy as np

from samara.graph.execution.session import Session
from samara.graph.gradients import gradients
from samara.graph.graph import Graph, _defaults, get_default_graph, reset_default_graph


def _value(value: Any) -> Any:
    """An array of a value; of a tensor, its value in the default session."""
    return np.asarray(value.eval() if hasattr(value, "eval") else value)


class TestCase(unittest.TestCase):
    """A test that begins with an empty default graph."""

    def setUp(self) -> None:
        """Empties the default graph."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._cached: Session | None = None
        if not _defaults.stack:
            reset_default_graph()

    def tearDown(self) -> None:
        """Closes what the test left open."""
        if self._cached is not None:
            self._cached.close()
        if self._folder is not None:
            self._folder.cleanup()

    def get_temp_dir(self) -> str:
        """A folder that goes away after the test."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory()
        return self._folder.name

    @contextlib.contextmanager
    def session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A new session, the default one within."""
        with (graph or get_default_graph()).as_default(), Session(graph=graph, config=config) as made:
            yield made

    @contextlib.contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """The same session each time in one test, the default one within."""
        if self._cached is None:
            self._cached = Session(graph=graph, config=config)
        with self._cached.graph.as_default(), self._cached.as_default():
            yield self._cached

    def test_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Any:
        """The older name of `cached_session`; no test, which its own name would make it."""
        if self.id().endswith(".test_session"):
            self.skipTest("test_session is no test")
        return self.cached_session(graph, config)

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors in the default session."""
        from samara.graph.execution.session import default_session

        return default_session().run(tensors)

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:  # noqa: N802
        """Both have the same shape and elements."""
        np.testing.assert_array_equal(_value(a), _value(b), msg or "")

    def assertAllClose(  # noqa: N802
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None
    ) -> None:
        """|a - b| <= atol + rtol |b| for all elements; of lists and dicts of arrays, for each."""
        if isinstance(a, dict):
            self.assertEqual(sorted(a), sorted(b), msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, msg or key)
            return
        if isinstance(a, (list, tuple)) and any(np.ndim(v) or hasattr(v, "eval") for v in a):
            self.assertEqual(len(a), len(b), msg)
            for one, other in zip(a, b, strict=True):
                self.assertAllClose(one, other, rtol, atol, msg)
            return
        np.testing.assert_allclose(_value(a), _value(b), rtol, atol, err_msg=msg or "")

    def assertAllCloseAccordingToType(  # noqa: N802
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        msg: Any = None,
    ) -> None:
        """`assertAllClose` with the tolerances of the less exact element type."""
        kinds = {_value(a).dtype, _value(b).dtype}
        if np.dtype(np.float32) in kinds:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if np.dtype(np.float16) in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:  # noqa: N802
        """The opposite of `assertAllClose`."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("the two are close to each other in all elements")

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:  # noqa: N802
        """|f1 - f2| <= err."""
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, f"{f1} and {f2} differ by more than {err}: {msg}")

    def assertArrayNear(  # noqa: N802
        self, farray1: Any, farray2: Any, err: float, msg: str | None = None
    ) -> None:
        """`assertNear` for each of two lists."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for one, other in zip(farray1, farray2, strict=True):
            self.assertNear(float(one), float(other), err, msg)

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """All elements are greater."""
        self.assertGreater(_value(a).min(), comparison_target)

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """All elements are less."""
        self.assertLess(_value(a).max(), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """All elements are at least so much."""
        self.assertGreaterEqual(_value(a).min(), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """All elements are at most so much."""
        self.assertLessEqual(_value(a).max(), comparison_target)

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:  # noqa: N802
        """All elements are among some values."""
        self.assertEqual(set(_value(target).reshape(-1).tolist()) - set(expected_set), set())

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: Any = None) -> None:  # noqa: N802
        """A tensor is known to have the shape of an array."""
        self.assertEqual(list(np.shape(np_array)), tf_tensor.get_shape().as_list(), msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:  # noqa: N802
        """The elements are of a type."""
        from samara.graph.dtypes import as_dtype

        self.assertEqual(as_dtype(target.dtype), as_dtype(expected_dtype))

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:  # noqa: N802
        """Within, a run fails, with a message that a regular expression or a function fits."""
        from samara.errors import GraphError

        return self._raises(GraphError, expected_err_re_or_predicate)

    def assertRaisesWithPredicateMatch(  # noqa: N802
        self, exception_type: Any, expected_err_re_or_predicate: Any
    ) -> Any:
        """Within, an exception is raised that a regular expression or a function fits."""
        return self._raises(exception_type, expected_err_re_or_predicate)

    @contextlib.contextmanager
    def _raises(self, kind: Any, fits: Any) -> Iterator[None]:
        with self.assertRaises(kind) as caught:
            yield
        if callable(fits):
            self.assertTrue(fits(caught.exception), f"the exception is another one: {caught.exception}")
        else:
            self.assertRegex(str(caught.exception), fits)


def main(argv: Any = None) -> None:
    """Runs the tests of the program."""
    unittest.main(argv=argv)


def get_temp_dir() -> str:
    """A folder for files of tests."""
    return os.environ.get("TEST_TMPDIR") or tempfile.mkdtemp()


def gpu_device_name() -> str:
    """The name of a GPU, "/device:GPU:0", or "" when there is none that a session computes on."""
    from samara.graph import backends
    from samara.graph.execution.config import ConfigProto

    try:
        backend = backends.find("torch")
        found = [d for d in backend.devices(ConfigProto(backend="torch")) if d.kind == "gpu"]
    except Exception:
        # Without the library there is none.
        return ""
    return f"/device:GPU:{found[0].index}" if found else ""


def is_gpu_available(
    cuda_only: bool = False, min_cuda_compute_capability: tuple[int, int] | None = None
) -> bool:
    """Whether there is a GPU that a session of the backend torch computes on."""
    return gpu_device_name() != ""


def is_built_with_cuda() -> bool:
    """The same: nothing of CUDA is part of this package."""
    return is_gpu_available()


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> Any:
    """The derivatives of y by x, [x, y], by gradients and by differences, in the default session.

    Args:
        x: a tensor or a list of them.
        x_shape: its shape, or a list.
        y: a tensor.
        y_shape: its shape.
        x_init_value: where; drawn when None.
        delta: half the distance of the differences.
        init_targets: what runs first.
        extra_feed_dict: what each run is fed besides x.

    Returns:
        A pair of matrices, or a list of pairs.
    """
    from samara.graph.execution.session import default_session

    session = default_session()
    if init_targets is not None:
        session.run(init_targets)
    several = isinstance(x, (list, tuple))
    xs, shapes = (list(x), list(x_shape)) if several else ([x], [x_shape])
    starts = list(x_init_value) if several and x_init_value is not None else [x_init_value] * len(xs)
    drawn = np.random.default_rng(0)
    values = [
        np.asarray(drawn.random(s) if v is None else v, t.dtype.numpy)
        for t, s, v in zip(xs, shapes, starts, strict=True)
    ]
    feeds = {**(extra_feed_dict or {}), **dict(zip(xs, values, strict=True))}
    start = get_default_graph().b.constant(np.zeros(y_shape, y.dtype.numpy))
    found = []
    for tensor, value in zip(xs, values, strict=True):
        (slope,) = gradients(y, tensor, grad_ys=start)
        count = int(np.prod(y_shape))
        by_gradient = np.zeros((value.size, count))
        for column in range(count):
            one = np.zeros(count, y.dtype.numpy)
            one[column] = 1
            if slope is not None:
                fed = {**feeds, start: one.reshape(y_shape)}
                by_gradient[:, column] = session.run(slope, fed).reshape(-1)
        by_difference = np.zeros_like(by_gradient)
        for row in range(value.size):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved.reshape(-1)[row] += sign * delta
                sides.append(session.run(y, {**feeds, tensor: moved}).reshape(-1).astype(float))
            by_difference[row] = (sides[0] - sides[1]) / (2 * delta)
        found.append((by_gradient, by_difference))
    return found if several else found[0]


def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> float:
    """The largest difference between derivatives by gradients and by differences; see `compute_gradient`."""
    made = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = made if isinstance(made, list) else [made]
    return float(max(np.abs(a - b).max(initial=0.0) for a, b in pairs))


__all__ = [
    "TestCase",
    "compute_gradient",
    "compute_gradient_error",
    "get_temp_dir",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_gpu_available",
    "main",
]
