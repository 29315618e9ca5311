"""Checking and printing values while a graph runs, and calling Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import DType, as_dtype
from samara.graph.graph import Operation, Tensor
from samara.graph.variables import group


def Assert(  # noqa: N802
    condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None
) -> Operation:
    """An operation that fails with the values of `data` when the condition does not hold.

    Let what relies on it run after it: `with tf.control_dependencies([tf.Assert(...)])`.
    """
    words = [str(v) for v in data if isinstance(v, str)]
    shown = [v for v in data if not isinstance(v, str)]
    message = " ".join(["assertion failed", *words])
    b = builder(condition, shown)
    held = b.constant(condition)
    checked = b.check_all(held, held, shown, message=message, summarize=3 if summarize is None else summarize)
    return group(checked, name=name or "Assert")


def _assertion(word: str, compare: Callable[[Any, Any, Any], Any]) -> Callable[..., Operation]:
    def function(
        x: Any,
        y: Any,
        data: Any = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Operation:
        b = builder(x, y)
        left = (
            x
            if hasattr(x, "as_graph_tensor") or not hasattr(y, "as_graph_tensor")
            else b.constant(x, y.dtype)
        )
        left = b.constant(left)
        right = b.constant(y, left.dtype)
        held = compare(b, left, right)
        text = f"{message + ': ' if message else ''}x {word} y does not hold for all elements"
        return Assert(b.reduce_all(held), [text, left, right, *(data or [])], summarize, name)

    function.__name__ = function.__qualname__ = "assertion"
    function.__doc__ = f"An operation that fails unless x {word} y holds for all elements."
    return function


assert_equal = _assertion("==", lambda b, x, y: b.equal(x, y))
assert_none_equal = _assertion("!=", lambda b, x, y: b.not_equal(x, y))
assert_less = _assertion("<", lambda b, x, y: b.less(x, y))
assert_less_equal = _assertion("<=", lambda b, x, y: b.less_equal(x, y))
assert_greater = _assertion(">", lambda b, x, y: b.greater(x, y))
assert_greater_equal = _assertion(">=", lambda b, x, y: b.greater_equal(x, y))


def _sign_assertion(word: str, compare: Callable[[Any, Any, Any], Any]) -> Callable[..., Operation]:
    def function(
        x: Any,
        data: Any = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Operation:
        tensor = convert_to_tensor(x)
        b = tensor.graph.b
        text = f"{message + ': ' if message else ''}x {word} 0 does not hold for all elements"
        held = compare(b, tensor, b.like(0, tensor))
        return Assert(b.reduce_all(held), [text, tensor, *(data or [])], summarize, name)

    function.__name__ = function.__qualname__ = "assertion"
    function.__doc__ = f"An operation that fails unless x {word} 0 holds for all elements."
    return function


assert_positive = _sign_assertion(">", lambda b, x, y: b.greater(x, y))
assert_negative = _sign_assertion("<", lambda b, x, y: b.less(x, y))
assert_non_negative = _sign_assertion(">=", lambda b, x, y: b.greater_equal(x, y))
assert_non_positive = _sign_assertion("<=", lambda b, x, y: b.less_equal(x, y))


def assert_rank(
    x: Any,
    rank: int,
    data: Any = None,
    summarize: Any = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless a tensor has a rank; where the rank is known, at once.

    Raises:
        ValueError: the rank is known and is another.
    """
    return _rank(
        x, lambda n: n == rank, lambda b, n: b.equal(n, np.int32(rank)), f"rank {rank}", message, name
    )


def assert_rank_at_least(
    x: Any,
    rank: int,
    data: Any = None,
    summarize: Any = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless a tensor has at least a rank; where the rank is known, at once.

    Raises:
        ValueError: the rank is known and is less.
    """
    return _rank(
        x,
        lambda n: n >= rank,
        lambda b, n: b.greater_equal(n, np.int32(rank)),
        f"rank {rank} at least",
        message,
        name,
    )


def _rank(
    x: Any,
    known: Callable[[int], bool],
    holds: Callable[[Any, Any], Any],
    words: str,
    message: str | None,
    name: str | None,
) -> Operation:
    tensor = convert_to_tensor(x)
    text = f"{message + ': ' if message else ''}{tensor.name} must have {words}"
    if tensor.shape is not None:
        if not known(len(tensor.shape)):
            raise ValueError(f"{text}, not {len(tensor.shape)}")
        return group(name=name)
    b = tensor.graph.b
    found = b.shape(b.shape(tensor))[0]
    return Assert(holds(b, found), [text, found], name=name)


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Refuses a tensor of another element type, at once.

    Raises:
        TypeError: it has another one.
    """
    found = convert_to_tensor(tensor)
    if found.dtype is not as_dtype(tf_type):
        raise TypeError(
            f"{message + ': ' if message else ''}{found.name} is {found.dtype.name}, not {as_dtype(tf_type).name}"
        )
    return group(name=name)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """The tensor itself, when it holds neither infinities nor NaN; else an error of the run with the message."""
    x = convert_to_tensor(tensor)
    b = x.graph.b
    text = f"{message}: {x.name} has infinities or NaN"
    checked: Tensor = b.check_all(x, b.is_finite(x), [x], message=text, name=name)
    return checked


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Tensor:
    """The tensor itself, when it holds neither infinities nor NaN; else an error of the run with the message."""
    return check_numerics(t if t is not None else x, (msg if msg is not None else message) or "", name)


def add_check_numerics_ops() -> Operation:
    """An operation that fails when any floating-point tensor of the default graph holds infinities or NaN."""
    from samara.graph.graph import get_default_graph

    graph = get_default_graph()
    found = [
        t for op in graph.operations for t in op.outputs if t.dtype.is_floating and op.type != "placeholder"
    ]
    return group(*[check_numerics(t, "add_check_numerics_ops") for t in found if t.op.type != "variable"])


def Print(  # noqa: N802
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """The tensor itself; when it is computed, the values of `data` are printed to the standard error stream.

    Args:
        input_: what is passed on.
        data: what is printed.
        message: what stands before.
        first_n: how many times a session prints; None for always.
        summarize: how many elements of each tensor are printed; None for 3.
        name: the operation's.
    """
    b = builder(input_, list(data))
    words = "".join(v for v in data if isinstance(v, str))
    made: Tensor = b.print(
        input_,
        [v for v in data if not isinstance(v, str)],
        message=(message or "") + words,
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name,
    )
    return made


def py_func(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """What a Python function gives for the arrays of the inputs, when the graph runs.

    Args:
        func: called with numpy arrays; gives an array, or a list of them where Tout is a list.
        inp: tensors.
        Tout: the element type of what it gives, or a list of element types.
        stateful: has no meaning here: it is called whenever it is needed.
        name: the operation's.

    Returns:
        A tensor of unknown shape, or a list of them. Gradients do not go through.
    """
    several = isinstance(Tout, (list, tuple))
    kinds = [as_dtype(t) for t in (Tout if several else [Tout])]
    b = builder(list(inp))
    tensors = [b.constant(v) for v in inp]
    found = b.python_function(tensors, function=_adapted(func, kinds), output_types=tuple(kinds), name=name)
    return list(found) if several else found[0]


def _adapted(func: Callable[..., Any], kinds: Sequence[DType]) -> Callable[..., Any]:
    """The function on the arrays of any backend."""

    def call(xp: Any, dtypes: Any, *arrays: Any) -> list[Any]:
        given = [np.array(a.cpu().numpy() if hasattr(a, "cpu") else a) for a in arrays]
        found = func(*given)
        listed = list(found) if isinstance(found, (list, tuple)) else [found]
        if len(listed) != len(kinds):
            raise ValueError(f"the function gave {len(listed)} values, Tout names {len(kinds)}")
        made = []
        for value, kind in zip(listed, kinds, strict=True):
            array = np.asarray(value)
            if array.dtype != kind.numpy:
                raise TypeError(f"the function gave {array.dtype}, Tout says {kind.name}")
            made.append(xp.asarray(np.array(array, order="C")))
        return made

    return call


numpy_function = py_func


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers."""
    return hasattr(tensor, "as_graph_tensor") and tensor.as_graph_tensor().dtype.name != "bool"


__all__ = [
    "Assert",
    "Print",
    "add_check_numerics_ops",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_less",
    "assert_less_equal",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_rank",
    "assert_rank_at_least",
    "assert_type",
    "check_numerics",
    "is_numeric_tensor",
    "numpy_function",
    "py_func",
    "verify_tensor_all_finite",
]
