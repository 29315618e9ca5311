"""Cases of the fixed-point ops. The oracles compute with Python integers and fractions, one number at a time."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def away(value: Fraction) -> int:
    """The nearest integer, halves away from 0."""
    return math.floor(value + Fraction(1, 2)) if value >= 0 else -math.floor(-value + Fraction(1, 2))


def up(value: Fraction) -> int:
    """The nearest integer, halves up."""
    return math.floor(value + Fraction(1, 2))


def wrapped(value: int) -> int:
    """The low 32 bits, as a signed number."""
    return int.from_bytes((value % 2**32).to_bytes(4, "little"), "little", signed=True)


def scaled(value: int, multiplier: int, shift: int) -> int:
    """Value * multiplier * 2^(shift - 31), rounded after the multiplication and after the shift to the right."""
    product = up(Fraction(wrapped(value << max(shift, 0)) * multiplier, 2**31))
    return away(Fraction(product, 2 ** max(-shift, 0)))


def _clamped(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def finished(a: Any, value: int) -> int:
    """What is written for a rescaled number."""
    return _clamped(value + a.output_zero_point, a.activation_min, a.activation_max)


def _rescale(a: Any, x: Any) -> Any:
    if x.dtype == np.int64:
        reduced = min(up(Fraction(a.multiplier, 2**16)), 2**15 - 1)
        bounded = (_clamped(int(v), 1 - 2**47, 2**47 - 1) for v in x.ravel())
        sums = [finished(a, wrapped(up(Fraction(v * reduced, 2 ** (15 - a.shift))))) for v in bounded]
        return np.array(sums, a.dtype.numpy).reshape(x.shape)
    flat = [
        finished(a, scaled(wrapped((int(v) - a.input_zero_point) << a.left_shift), a.multiplier, a.shift))
        for v in x.ravel()
    ]
    return np.array(flat, a.dtype.numpy).reshape(x.shape)


def _binary(a: Any, x: Any, y: Any) -> Any:
    def one(p: int, q: int) -> int:
        p, q = p - a.x_zero_point, q - a.y_zero_point
        if a.kind == "multiply":
            acc = p * q
        else:
            p = scaled(p << a.left_shift, a.x_multiplier, a.x_shift)
            q = scaled(q << a.left_shift, a.y_multiplier, a.y_shift)
            acc = p + q if a.kind == "add" else p - q
            acc = wrapped(acc) ** 2 if a.kind == "squared_difference" else acc
        return finished(a, scaled(wrapped(acc), a.multiplier, a.shift))

    left, right = np.broadcast_arrays(x, y)
    flat = [one(int(p), int(q)) for p, q in zip(left.ravel(), right.ravel(), strict=True)]
    return np.array(flat, x.dtype).reshape(left.shape)


def _average_pool(a: Any, x: Any) -> Any:
    def axis(k: int) -> list[range]:
        size, taps, stride = x.shape[1 + k], a.pool_size[k], a.strides[k]
        if a.padding == "same":
            count = -(-size // stride)
            before = max((count - 1) * stride + taps - size, 0) // 2
        else:
            before, after = a.paddings[2 * k : 2 * k + 2] if a.padding == "explicit" else (0, 0)
            count = (size + before + after - taps) // stride + 1
        starts = [p * stride - before for p in range(count)]
        return [range(max(s, 0), min(s + taps, size)) for s in starts]

    rows, columns = axis(0), axis(1)
    result = np.zeros((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    for n, r, c, k in itertools.product(*map(range, result.shape)):
        seen = [int(x[n, i, j, k]) for i in rows[r] for j in columns[c]]
        result[n, r, c, k] = _clamped(
            away(Fraction(sum(seen), max(len(seen), 1))), a.activation_min, a.activation_max
        )
    return result


def _sum(a: Any, x: Any) -> Any:
    axes = {v % x.ndim for v in a.axes} if a.axes else set(range(x.ndim))
    shape = tuple(1 if i in axes else d for i, d in enumerate(x.shape))
    result = np.zeros(shape, np.int32)
    for place in np.ndindex(*x.shape):
        result[tuple(0 if i in axes else p for i, p in enumerate(place))] += int(x[place])
    if not a.keepdims:
        result = result.reshape([d for i, d in enumerate(x.shape) if i not in axes])
    return result


def _product(x: int, y: int) -> int:
    return _clamped(up(Fraction(x * y, 2**31)), -(2**31), 2**31 - 1)


def _softmax(a: Any, x: Any, table: Any) -> Any:
    bits = 8 * a.dtype.numpy.itemsize
    low = -(2 ** (bits - 1))

    def row(values: Any) -> list[int]:
        terms = [int(table[int(max(values)) - int(v)]) for v in values]
        total = min(sum(away(Fraction(t, 2**12)) for t in terms), 2**31 - 1)
        headroom = 32 - total.bit_length()
        half = (total * 2**headroom) // 2
        x = 1515870810 + _product(half, -1010580540)
        for _ in range(3):
            x += _clamped(4 * _product(x, 2**29 - _product(half, x)), -(2**31), 2**31 - 1)
        scale = _clamped(2 * x, -(2**31), 2**31 - 1)
        shares = [away(Fraction(_product(scale, t), 2 ** (12 - headroom + 31 - bits))) for t in terms]
        return [_clamped(s + low, low, -low - 1) for s in shares]

    if x.size == 0:
        return x.astype(a.dtype.numpy)
    rows = [row(r) for r in x.reshape(-1, x.shape[-1])]
    return np.array(rows, a.dtype.numpy).reshape(x.shape)


def _inverse_root(value: int) -> tuple[int, int]:
    """A multiplier and a shift for 1 / sqrt(value)."""
    if value <= 1:
        return 2**31 - 1, 0
    right = 11
    while value >= 2**29:
        value, right = value // 4, right + 1
    while value < 2**27:
        value, right = 4 * value, right - 1
    value, x = value // 2, 2**28
    for _ in range(5):
        cube = _clamped(64 * _product(_product(x, x), x), -(2**31), 2**31 - 1)
        change = _product(3 * 2**27, x) - _product(away(Fraction(value, 2)), cube)
        x = _clamped(8 * change, -(2**31), 2**31 - 1)
    x = _product(x, 1518500250)
    return (x << -right, 0) if right < 0 else (x, -right)


def _normalize(a: Any, x: Any) -> Any:
    def row(values: Any) -> list[int]:
        offsets = [int(v) - a.input_zero_point for v in values]
        multiplier, shift = _inverse_root(sum(v * v for v in offsets))
        found = [scaled(v << a.left_shift, multiplier, shift + 7 - a.left_shift) for v in offsets]
        return [_clamped(v, -128, 127) for v in found]

    if x.size == 0:
        return x
    return np.array([row(r) for r in x.reshape(-1, x.shape[-1])], x.dtype).reshape(x.shape)


ORACLES = {
    "fixed_point_l2_normalize": _normalize,
    "fixed_point_rescale": _rescale,
    "fixed_point_binary": _binary,
    "integer_average_pool2d": _average_pool,
    "integer_sum": _sum,
    "fixed_point_softmax": _softmax,
}


def _integers(*shape: int, dtype: str = "T", low: int = -(2**15), high: int = 2**15 - 1) -> Input:
    limits = np.iinfo(dtype if dtype != "T" else "int16")
    return Input(shape=shape, dtype=dtype, low=max(low, limits.min), high=min(high, limits.max))


def given(dtype: str, array: Any, *, constant: bool = True) -> Input:
    """Values of their own."""
    array = np.asarray(array)
    return Input(
        shape=array.shape, dtype=dtype, values=array.tolist() if array.size else None, constant=constant
    )


def _of(dtype: str, *shape: int) -> Input:
    limits = np.iinfo(dtype)
    return Input(shape=shape, dtype=dtype, low=limits.min, high=limits.max)


def _case(op: str, inputs: tuple[Any, ...], *, dtypes: tuple[str, ...] = ("int8",), **keywords: Any) -> Case:
    return Case(op=op, inputs=inputs, dtypes=dtypes, gradient=False, **keywords)


def _rescales() -> list[Case]:
    found = []
    for source, into in itertools.product(("int8", "uint8", "int16", "int32"), repeat=2):
        limits = np.iinfo(into)
        attributes = {
            "input_zero_point": 3 if source != "int32" else 0,
            "output_zero_point": 9 if into != "int32" else 0,
            "activation_min": limits.min,
            "activation_max": limits.max,
            "dtype": into,
        }
        for multiplier, shift in ((1518500250, 0), (2**30, 3), (2**30, -4), (2**31 - 1, 30), (1 << 30, -31)):
            found.append(
                _case(
                    "fixed_point_rescale",
                    (_of(source, 67),),
                    attributes={**attributes, "multiplier": multiplier, "shift": shift},
                    dtypes=(source,),
                )
            )
    sums = [0, 1, -1, 2**40, -(2**40), 2**47, -(2**47), 2**63 - 1, -(2**63), 12345678, -7654321, 3 * 2**20]
    for multiplier, shift in ((1518500250, 0), (2**30, 3), (2**30, -14), (2**31 - 1, 14), (1 << 30, -31)):
        found.append(
            _case(
                "fixed_point_rescale",
                (given("int64", sums, constant=False),),
                attributes={
                    "multiplier": multiplier,
                    "shift": shift,
                    "output_zero_point": 5,
                    "activation_min": -(2**15),
                    "activation_max": 2**15 - 1,
                    "dtype": "int16",
                },
                dtypes=("int64",),
            )
        )
    attributes = {"multiplier": 1 << 30, "shift": 0, "left_shift": 5, "activation_min": -9}
    found += [
        _case("fixed_point_rescale", (_of("int8", *s),), attributes=attributes) for s in ((), (0, 3), (2, 5))
    ]
    # Halves at both roundings.
    every = given("int8", np.arange(-128, 128), constant=False)
    for shift in (-1, -3, 0):
        found.append(
            _case(
                "fixed_point_rescale",
                (every,),
                attributes={"multiplier": 1 << 30, "shift": shift},
                label="halves",
            )
        )
    found.append(
        _case(
            "fixed_point_rescale",
            (_of("int32", 40),),
            attributes={
                "multiplier": 0,
                "shift": 0,
                "dtype": "int32",
                "activation_min": -(2**31),
                "activation_max": 2**31 - 1,
            },
            dtypes=("int32",),
        )
    )
    return found


def _binaries() -> list[Case]:
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()),
        ((5,), ()),
        ((17,), (17,)),
        ((2, 3, 4), (4,)),
        ((3, 1), (2, 3, 4)),
        ((2, 1, 4), (1, 3, 1)),
        ((1, 2, 1, 3, 2, 2), (3, 1, 2)),
        ((0, 3), (1, 3)),
    ]
    rescaled = {"x_multiplier": 1 << 30, "y_multiplier": 1_234_567_890, "y_shift": -1}
    kinds: dict[str, dict[str, Any]] = {
        "add": {**rescaled, "left_shift": 20, "multiplier": 1_300_000_000, "shift": -18},
        "subtract": {**rescaled, "left_shift": 20, "multiplier": 1_300_000_000, "shift": -18},
        "multiply": {"multiplier": 1_400_000_000, "shift": -6},
        "squared_difference": {**rescaled, "left_shift": 7, "multiplier": 1_400_000_000, "shift": -19},
    }
    zero_points = {"x_zero_point": 3, "y_zero_point": -20, "output_zero_point": 7}
    found = []
    for kind, attributes in kinds.items():
        for left, right in pairs:
            found.append(
                _case(
                    "fixed_point_binary",
                    (_of("int8", *left), _of("int8", *right)),
                    attributes={"kind": kind, **zero_points, **attributes},
                )
            )
        wide = {
            "left_shift": min(attributes.get("left_shift", 0), 15),
            "shift": -13,
            "activation_min": -(2**15),
            "activation_max": 30000,
        }
        found.append(
            _case(
                "fixed_point_binary",
                (_of("int16", 40), _of("int16", 40)),
                attributes={"kind": kind, **attributes, **wide},
                dtypes=("int16",),
            )
        )
    clamped = {"activation_min": 7, "activation_max": 50}
    constant = Input(shape=(5,), dtype="int8", low=-128, high=127, constant=True)
    found.append(
        _case(
            "fixed_point_binary",
            (_of("int8", 3, 5), constant),
            attributes={"kind": "add", **zero_points, **kinds["add"], **clamped},
            label="constant",
        )
    )
    return found


def _pools() -> list[Case]:
    shapes: list[tuple[tuple[int, ...], dict[str, Any]]] = [
        ((1, 4, 4, 1), {"pool_size": (2, 2), "strides": (2, 2)}),
        ((2, 5, 6, 3), {"pool_size": (3, 2), "padding": "same"}),
        ((1, 7, 7, 17), {"pool_size": (3, 3), "strides": (2, 2), "padding": "same"}),
        ((1, 7, 7, 5), {"pool_size": (7, 7)}),
        ((2, 3, 5, 32), {"pool_size": (2, 3)}),
        ((1, 6, 5, 70), {"pool_size": (5, 5), "padding": "same"}),
        ((1, 3, 4, 2), {"pool_size": (2, 3), "padding": "explicit", "paddings": (1, 0, 2, 1)}),
        ((1, 4, 4, 3), {"pool_size": (2, 2), "activation_min": 0, "activation_max": 60}),
        (
            (1, 2, 2, 2),
            {"pool_size": (2, 2), "padding": "explicit", "paddings": (3, 3, 3, 3), "strides": (2, 3)},
        ),
        ((0, 4, 4, 2), {"pool_size": (2, 2)}),
    ]
    found = []
    for dtype in ("int8", "uint8", "int16"):
        limits = np.iinfo(dtype)
        whole = {"activation_min": limits.min, "activation_max": limits.max}
        found += [
            _case(
                "integer_average_pool2d",
                (_of(dtype, *s),),
                attributes={**whole, **a},
                dynamic=s[0] > 0 and dtype == "int8",
                dtypes=(dtype,),
            )
            for s, a in shapes
        ]
    return found


def _sums() -> list[Case]:
    reductions: list[tuple[tuple[int, ...], tuple[int, ...], bool]] = [
        ((7,), (), False),
        ((2, 5, 4, 3), (1, 2), False),
        ((2, 5, 4, 3), (-3, 2), True),
        ((3, 17), (1,), False),
        ((3, 70), (0,), True),
        ((2, 3, 2, 3, 2, 2), (0, 2, 5), False),
        ((0, 3), (1,), False),
        ((3, 0), (1,), False),
        ((), (), False),
    ]
    return [
        _case("integer_sum", (_of(d, *s),), attributes={"axes": axes, "keepdims": keep}, dtypes=(d,))
        for d in ("int8", "uint8", "int16")
        for s, axes, keep in reductions
    ]


def _softmaxes() -> list[Case]:
    found = []
    for name, slope in (("slow", 0.003), ("table", 0.04), ("steep", 1.5)):
        table = np.minimum(np.round(np.exp(-slope * np.arange(256)) * 2**31), 2**31 - 1).astype(np.int64)
        for into in ("int8", "int16"):
            for shape in ((1,), (10,), (3, 17), (2, 3, 4), (2, 0), (0, 2), (1, 300)):
                found.append(
                    _case(
                        "fixed_point_softmax",
                        (_of("int8", *shape), given("int32", table)),
                        attributes={"dtype": into},
                        label=name,
                    )
                )
    return found


def _normalizations() -> list[Case]:
    found = [
        _case(
            "fixed_point_l2_normalize",
            (_of("int8", *shape),),
            attributes={"input_zero_point": zero_point, "left_shift": left_shift},
        )
        for shape in ((1,), (5,), (3, 17), (2, 3, 4), (2, 0), (0, 2), (1, 300), (1, 9000))
        for zero_point, left_shift in ((0, 0), (-7, 7), (-128, 3))
    ]
    # A sum of squares of 0, of 1, and the largest.
    rows = [[5] * 6, [5] * 5 + [6], [-128] * 6]
    found += [
        _case(
            "fixed_point_l2_normalize",
            (given("int8", rows, constant=False),),
            attributes={"input_zero_point": 5, "left_shift": left_shift},
            label="small",
        )
        for left_shift in (0, 7)
    ]
    found.append(
        _case(
            "fixed_point_l2_normalize",
            (given("int8", [[-128] * 33025], constant=False),),
            attributes={"input_zero_point": 127},
            label="largest",
        )
    )
    return found


CASES = [*_normalizations(), *_rescales(), *_binaries(), *_pools(), *_sums(), *_softmaxes()]
