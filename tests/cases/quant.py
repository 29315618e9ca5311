"""Cases of the integer ops. The oracles compute with Python integers and with float32 one operation at a time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.fixed_point import away, finished
from tests.cases.fixed_point import scaled as fixed_scaled

F = np.float32


def _rounded(value: Any) -> int:
    """Half to even, by integers: value is a float32 of moderate size."""
    numerator, denominator = float(value).as_integer_ratio()
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2 == 1))


def _finish(scaled: Any, zero_point: int, low: int, high: int) -> int:
    if scaled >= F(1e9):
        return high
    if scaled <= F(-1e9):
        return low
    return min(max(_rounded(scaled) + zero_point, low), high)


def _written(a: Any, acc: int, multiplier: Any) -> int:
    assert -(2**31) <= acc < 2**31
    if a.rounding == "tflite_real":
        high, low, exponent = map(int, multiplier)
        return finished(a, away(Fraction(float(acc) * ((high * 2.0**27 + low) * 2.0**exponent))))
    if a.rounding == "tflite":
        return finished(a, fixed_scaled(acc, *map(int, multiplier)))
    with np.errstate(over="ignore"):
        scaled = F(acc) * F(multiplier)
    return _finish(scaled, a.output_zero_point, a.activation_min, a.activation_max)


def _each(function: Any, array: Any, dtype: Any = np.int8) -> Any:
    flat = [function(v) for v in np.asarray(array).ravel().tolist()]
    return np.array(flat, dtype=dtype).reshape(np.asarray(array).shape)


def _quantize(a: Any, x: Any) -> Any:
    limits = np.iinfo(a.dtype.numpy)
    inverse = F(1) / F(a.scale)

    def one(value: float) -> int:
        with np.errstate(over="ignore"):
            scaled = F(value) * inverse if a.rounding == "native" else F(value) / F(a.scale)
        if np.isnan(scaled):
            return int(a.zero_point)
        if a.rounding == "tflite" and abs(scaled) < 1e9:
            return min(max(away(Fraction(float(scaled))) + a.zero_point, limits.min), limits.max)
        return _finish(scaled, a.zero_point, limits.min, limits.max)

    return _each(one, x, a.dtype.numpy)


def _dequantize(a: Any, x: Any) -> Any:
    return _each(lambda q: F(q - a.zero_point) * F(a.scale), x, a.dtype.numpy)


def _requantize(a: Any, x: Any) -> Any:
    limits = np.iinfo(a.dtype.numpy)
    return _each(
        lambda q: _finish(
            F(q - a.input_zero_point) * F(a.multiplier), a.output_zero_point, limits.min, limits.max
        ),
        x,
        a.dtype.numpy,
    )


def _taps(a: Any, x: Any, window: tuple[int, int], row: int, column: int) -> Any:
    """The (tap row, tap column, place) of a window whose output is at (row, column); place None in the border."""
    dilations = getattr(a, "dilations", (1, 1))
    before = []
    for axis in (0, 1):
        size, stride = x.shape[1 + axis], a.strides[axis]
        reach = (window[axis] - 1) * dilations[axis] + 1
        missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
        explicit = a.paddings[2 * axis] if a.padding == "explicit" else 0
        before.append(missing // 2 if a.padding == "same" else explicit)
    for ky, kx in itertools.product(range(window[0]), range(window[1])):
        y = row * a.strides[0] - before[0] + ky * dilations[0]
        z = column * a.strides[1] - before[1] + kx * dilations[1]
        inside = 0 <= y < x.shape[1] and 0 <= z < x.shape[2]
        yield ky, kx, (y, z) if inside else None


def _output_shape(a: Any, x: Any, window: tuple[int, int]) -> tuple[int, int]:
    dilations = getattr(a, "dilations", (1, 1))
    sizes = []
    for axis in (0, 1):
        size = x.shape[1 + axis]
        if a.padding == "same":
            sizes.append(-(-size // a.strides[axis]))
        else:
            border = sum(a.paddings[2 * axis : 2 * axis + 2]) if a.padding == "explicit" else 0
            sizes.append((size + border - (window[axis] - 1) * dilations[axis] - 1) // a.strides[axis] + 1)
    return sizes[0], sizes[1]


def _conv2d(a: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    rows, columns, depth, outputs = w.shape
    height, width = _output_shape(a, x, (rows, columns))
    result = np.zeros((x.shape[0], height, width, outputs), np.int8)
    wide, weights = x.astype(int), w.astype(int) - a.filter_zero_point
    for n, r, c in itertools.product(range(x.shape[0]), range(height), range(width)):
        for o in range(outputs):
            first = o // (outputs // a.groups) * depth
            acc = int(bias[o])
            for ky, kx, place in _taps(a, x, (rows, columns), r, c):
                seen = (
                    np.full(depth, a.input_zero_point)
                    if place is None
                    else wide[n, place[0], place[1]][first : first + depth]
                )
                acc += int(seen @ weights[ky, kx, :, o])
            result[n, r, c, o] = _written(a, acc, multiplier[..., o])
    return result


def _depthwise(a: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    rows, columns, channels, per_channel = w.shape
    height, width = _output_shape(a, x, (rows, columns))
    result = np.zeros((x.shape[0], height, width, channels * per_channel), np.int8)
    for n, r, c in itertools.product(range(x.shape[0]), range(height), range(width)):
        for o in range(channels * per_channel):
            channel, m = divmod(o, per_channel)
            acc = int(bias[o])
            for ky, kx, place in _taps(a, x, (rows, columns), r, c):
                value = a.input_zero_point if place is None else int(x[n, place[0], place[1], channel])
                acc += value * (int(w[ky, kx, channel, m]) - a.filter_zero_point)
            result[n, r, c, o] = _written(a, acc, multiplier[..., o])
    return result


def _matmul(a: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    flat = x.reshape(-1, x.shape[-1]) if x.shape[-1] else np.zeros((int(np.prod(x.shape[:-1])), 0), np.int8)
    result = np.zeros((flat.shape[0], w.shape[1]), np.int8)
    for r in range(flat.shape[0]):
        for o in range(w.shape[1]):
            acc = int(bias[o]) + sum(
                int(p) * (int(q) - a.filter_zero_point) for p, q in zip(flat[r], w[:, o], strict=True)
            )
            result[r, o] = _written(a, acc, multiplier[..., o])
    return result.reshape(*x.shape[:-1], w.shape[1])


def _binary(combine: Any) -> Any:
    def oracle(a: Any, x: Any, y: Any) -> Any:
        left, right = np.broadcast_arrays(x.astype(int) - a.x_zero_point, y.astype(int) - a.y_zero_point)
        flat = [
            _written(a, combine(a, int(p), int(q)), a.multiplier)
            for p, q in zip(left.ravel(), right.ravel(), strict=True)
        ]
        return np.array(flat, np.int8).reshape(left.shape)

    return oracle


def _average_pool(a: Any, x: Any) -> Any:
    height, width = _output_shape(a, x, a.pool_size)
    result = np.zeros((x.shape[0], height, width, x.shape[3]), np.int8)
    for n, r, c, k in itertools.product(*map(range, result.shape)):
        places = [p for _, _, p in _taps(a, x, a.pool_size, r, c)]
        inside = [p for p in places if p is not None]
        count = max(len(places) if a.count_include_pad else len(inside), 1)
        acc = sum(int(x[n, p[0], p[1], k]) - a.input_zero_point for p in inside)
        result[n, r, c, k] = _written(a, acc, F(a.multiplier) / F(count))
    return result


def _mean(a: Any, x: Any) -> Any:
    axes = {v % x.ndim for v in a.axes} if a.axes else set(range(x.ndim))
    kept = [i for i in range(x.ndim) if i not in axes]
    moved = np.transpose(x.astype(int), [*kept, *sorted(axes)])
    shape = tuple(x.shape[i] for i in kept)
    count = int(np.prod([x.shape[i] for i in axes], dtype=int))
    rows = moved.reshape(int(np.prod(shape, dtype=int)), count)
    flat = [
        _written(a, sum(int(v) - a.input_zero_point for v in row), F(a.multiplier) / F(max(count, 1)))
        for row in rows
    ]
    result = np.array(flat, np.int8).reshape(shape)
    return np.expand_dims(result, tuple(sorted(axes))) if a.keepdims else result


def _softmax(a: Any, x: Any, table: Any) -> Any:
    moved = np.moveaxis(x.astype(int), a.axis, -1)
    result = np.zeros(moved.shape, np.int8)
    for place in itertools.product(*map(range, moved.shape[:-1])):
        row = moved[place]
        if row.size:
            terms = [int(table[row.max() - v]) for v in row]
            multiplier = F(a.multiplier) / F(sum(terms))
            result[place] = [_written(a, t, multiplier) for t in terms]
    return np.moveaxis(result, -1, a.axis)


def _lookup(a: Any, x: Any, table: Any) -> Any:
    least = np.iinfo(x.dtype).min
    return _each(lambda v: table[v - least], x, table.dtype)


ORACLES = {
    "quantize": _quantize,
    "dequantize": _dequantize,
    "requantize": _requantize,
    "quantized_conv2d": _conv2d,
    "quantized_depthwise_conv2d": _depthwise,
    "quantized_matmul": _matmul,
    "quantized_add": _binary(lambda a, p, q: p * a.x_multiplier + q * a.y_multiplier),
    "quantized_multiply": _binary(lambda a, p, q: p * q),
    "quantized_average_pool2d": _average_pool,
    "quantized_mean": _mean,
    "quantized_softmax": _softmax,
    "lookup_table": _lookup,
}


def _given(dtype: str, array: Any, *, constant: bool = True) -> Input:
    array = np.asarray(array)
    return Input(
        shape=array.shape, dtype=dtype, values=array.tolist() if array.size else None, constant=constant
    )


def _bytes(*shape: int, constant: bool = False) -> Input:
    return Input(shape=shape, dtype="int8", low=-128, high=127, constant=constant)


def _case(op: str, inputs: tuple[Any, ...], *, dtypes: tuple[str, ...] = ("int8",), **keywords: Any) -> Case:
    return Case(op=op, inputs=inputs, dtypes=dtypes, gradient=False, **keywords)


# Halves, where rounding half to even shows, and what lies beside them; numbers that must be clamped; no numbers.
_EDGES = [
    -1e38,
    -200.0,
    -64.25,
    -64.0,
    -2.5,
    -1.75,
    -1.5,
    -1.25,
    -0.75,
    -0.5,
    -0.25,
    -0.0,
    0.0,
    0.25,
    0.5,
    0.75,
]
_EDGES += [
    1.25,
    1.5,
    1.75,
    2.5,
    62.75,
    63.0,
    63.25,
    64.0,
    200.0,
    1e38,
    float("inf"),
    float("-inf"),
    float("nan"),
]


def _conversions() -> list[Case]:
    found = []
    for shape in ((), (1,), (15,), (16,), (17,), (33,), (2, 3, 5), (0, 3)):
        real = Input(shape=shape, low=-3.0, high=3.0)
        attributes = {"scale": 0.0173, "zero_point": 11}
        found += [
            _case("quantize", (real,), attributes=attributes, dtypes=("float32", "float16")),
            _case("dequantize", (_bytes(*shape),), attributes=attributes),
            _case(
                "requantize",
                (_bytes(*shape),),
                attributes={"input_zero_point": -7, "multiplier": 0.73, "output_zero_point": 19},
            ),
        ]
    edges = Input(shape=(len(_EDGES),), values=_EDGES)
    for dtype, zero_points in (
        ("int8", (-128, 0, 127)),
        ("uint8", (0, 127, 255)),
        ("int16", (-32768, 1, 32767)),
    ):
        limits = np.iinfo(dtype)
        stored = Input(shape=(9,), low=limits.min, high=limits.max)
        for zero_point in zero_points:
            attributes = {"scale": 0.5, "zero_point": zero_point}
            found += [
                _case(
                    "quantize",
                    (edges,),
                    attributes={**attributes, "dtype": dtype, "rounding": rounding},
                    dtypes=("float32",),
                )
                for rounding in ("native", "tflite")
            ]
            found.append(_case("dequantize", (stored,), attributes=attributes, dtypes=(dtype,)))
            found += [
                _case(
                    "requantize",
                    (stored,),
                    attributes={
                        "input_zero_point": zero_point,
                        "multiplier": multiplier,
                        "output_zero_point": other,
                        "dtype": into,
                    },
                    dtypes=(dtype,),
                )
                for into, other, multiplier in (("int8", -128, 0.5), ("uint8", 128, 1.0), ("int16", 0, 1e30))
            ]
    found.append(
        _case("dequantize", (_bytes(5),), attributes={"scale": 0.1, "zero_point": 3, "dtype": "float16"})
    )
    found.append(
        _case("quantize", (edges,), attributes={"scale": 1e-30, "zero_point": 0}, dtypes=("float32",))
    )
    found.append(_case("requantize", (_bytes(7),), attributes={"multiplier": 0.0, "output_zero_point": 5}))
    return found


def _lookups() -> list[Case]:
    generator = np.random.default_rng(3)
    found = []
    for into in (np.int8, np.uint8):
        limits = np.iinfo(into)
        table = _given(np.dtype(into).name, generator.integers(limits.min, limits.max, 256, endpoint=True))
        for dtype in ("int8", "uint8"):
            every = np.arange(256) + np.iinfo(dtype).min
            found.append(
                _case(
                    "lookup_table",
                    (_given("T", every, constant=False), table),
                    dtypes=(dtype,),
                    label=table.dtype,
                )
            )
        shapes: tuple[tuple[int, ...], ...] = ((), (3, 5), (0,))
        found += [_case("lookup_table", (_bytes(*shape), table), label=table.dtype) for shape in shapes]
    return found


def _filter(
    seed: int, shape: tuple[int, ...], outputs: int, *, extreme: bool = False
) -> tuple[Input, Input, Input]:
    """Constant filter, bias and multiplier that make results of all sizes."""
    generator = np.random.default_rng(seed)
    weights = generator.integers(-128 if extreme else -127, 127, shape, endpoint=True)
    if extreme:
        weights = np.where(weights < 0, -128, 127)
    rows = max(int(np.prod(shape)) // max(outputs, 1), 1)
    bias = generator.integers(-3000, 3000, (outputs,))
    multiplier = generator.uniform(0.2, 1.5, (outputs,)) / (60.0 * np.sqrt(rows))
    return _given("int8", weights), _given("int32", bias), _given("float32", multiplier)


def _conv(
    x: tuple[int, ...],
    w: tuple[int, ...],
    label: str = "",
    *,
    extreme: bool = False,
    values: Any = None,
    **attributes: Any,
) -> Case:
    filled = {"input_zero_point": 5, "output_zero_point": -9, **attributes}
    image = _bytes(*x) if values is None else _given("int8", values, constant=False)
    return _case(
        "quantized_conv2d",
        (image, *_filter(len(label) + sum(w), w, w[3], extreme=extreme)),
        attributes=filled,
        dynamic=not label and x[0] > 0,
        label=label,
    )


def _depthwise_case(
    x: tuple[int, ...], w: tuple[int, ...], label: str = "", *, extreme: bool = False, **attributes: Any
) -> Case:
    filled = {"input_zero_point": -3, "output_zero_point": 21, **attributes}
    return _case(
        "quantized_depthwise_conv2d",
        (_bytes(*x), *_filter(len(label) + sum(w), w, w[2] * w[3], extreme=extreme)),
        attributes=filled,
        dynamic=not label and x[0] > 0,
        label=label,
    )


_ALL_SAME = np.full((1, 4, 4, 3), -128)

CONVOLUTIONS = [
    _conv((1, 4, 5, 3), (3, 3, 3, 1)),
    _conv((2, 5, 4, 3), (3, 3, 3, 15), padding="same"),
    _conv((1, 5, 5, 1), (3, 3, 1, 16), padding="same", strides=(2, 2)),
    _conv((1, 6, 5, 4), (3, 2, 4, 17), strides=(1, 2)),
    _conv((1, 3, 3, 5), (1, 1, 5, 33)),
    _conv((2, 4, 4, 8), (1, 1, 8, 16), strides=(2, 2)),
    _conv((1, 7, 8, 3), (3, 3, 3, 5), padding="same", dilations=(2, 2)),
    _conv((1, 7, 8, 2), (2, 3, 2, 5), dilations=(1, 3)),
    _conv((1, 7, 4, 2), (3, 3, 2, 5), dilations=(2, 1), padding="same"),
    _conv((1, 4, 3, 2), (3, 3, 2, 4), padding="explicit", paddings=(2, 1, 0, 3)),
    _conv((1, 2, 2, 3), (2, 2, 3, 4), padding="explicit", paddings=(4, 4, 4, 4), strides=(3, 3)),
    _conv((1, 5, 5, 6), (3, 3, 3, 8), groups=2, padding="same"),
    _conv((1, 4, 4, 6), (3, 3, 2, 51), groups=3),
    _conv((1, 4, 4, 4), (3, 3, 1, 4), groups=4, padding="same", dilations=(2, 2)),
    _conv((1, 4, 4, 3), (3, 3, 3, 6), "relu", padding="same", activation_min=-9, activation_max=60),
    _conv((1, 4, 4, 3), (3, 3, 3, 6), "low", padding="same", input_zero_point=-128, output_zero_point=-128),
    _conv((1, 4, 4, 3), (3, 3, 3, 6), "high", padding="same", input_zero_point=127, output_zero_point=127),
    _conv(
        (1, 4, 4, 3),
        (3, 3, 3, 18),
        "extreme",
        extreme=True,
        values=_ALL_SAME,
        padding="same",
        input_zero_point=-128,
    ),
    _conv((0, 4, 4, 3), (3, 3, 3, 6)),
    _conv((1, 4, 4, 0), (3, 3, 0, 6)),
    _conv((1, 4, 4, 3), (3, 3, 3, 0)),
    _depthwise_case((1, 4, 5, 1), (3, 3, 1, 1)),
    _depthwise_case((2, 5, 5, 15), (3, 3, 15, 1), padding="same"),
    _depthwise_case((1, 5, 6, 16), (3, 3, 16, 1), padding="same", strides=(2, 2)),
    _depthwise_case((1, 3, 3, 65), (2, 3, 65, 1)),
    _depthwise_case((1, 5, 4, 7), (3, 3, 7, 3), padding="same"),
    _depthwise_case((1, 3, 3, 33), (1, 1, 33, 2)),
    _depthwise_case((1, 8, 7, 4), (3, 2, 4, 1), padding="same", dilations=(2, 3)),
    _depthwise_case((1, 3, 4, 3), (3, 3, 3, 2), padding="explicit", paddings=(0, 3, 2, 1), strides=(1, 2)),
    _depthwise_case(
        (1, 5, 5, 8), (5, 5, 8, 1), "relu", padding="same", activation_min=21, activation_max=100
    ),
    _depthwise_case(
        (1, 4, 4, 9), (3, 3, 9, 1), "extreme", extreme=True, padding="same", input_zero_point=127
    ),
    _depthwise_case((0, 4, 4, 3), (3, 3, 3, 1)),
]


def _product(
    x: tuple[int, ...], outputs: int, label: str = "", *, extreme: bool = False, **attributes: Any
) -> Case:
    return _case(
        "quantized_matmul",
        (_bytes(*x), *_filter(x[-1] + outputs, (x[-1], outputs), outputs, extreme=extreme)),
        attributes={"output_zero_point": 4, **attributes},
        dynamic=not label and len(x) > 1 and x[0] > 0,
        label=label,
    )


def _products() -> list[Case]:
    found = [
        _product((3, depth), outputs) for depth in (1, 15, 16, 17, 33) for outputs in (1, 15, 16, 17, 33)
    ]
    found += [
        _product((7,), 5),
        _product((2, 3, 4), 6),
        _product((0, 4), 3),
        _product((2, 0), 3),
        _product((2, 3), 0),
    ]
    found.append(_product((2, 70), 18, "extreme", extreme=True))
    found.append(_product((4, 9), 20, "relu", activation_min=4, activation_max=90, output_zero_point=-128))
    largest = 2**31 - 1 - 2 * 127 * 128
    constants = (
        _given("int8", [[127, -127, 127], [127, -127, -127]]),
        _given("int32", [largest, -largest, 1]),
        _given("float32", [3e38, 1e-8, 0.5]),
    )
    x = _given("int8", [[127, 127], [-128, -128], [1, 0]], constant=False)
    found.append(
        _case("quantized_matmul", (x, *constants), attributes={"output_zero_point": 1}, label="limits")
    )
    return found


def _binaries() -> list[Case]:
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()),
        ((5,), ()),
        ((), (7,)),
        ((17,), (17,)),
        ((2, 3, 4), (4,)),
        ((2, 3, 4), (3, 1)),
        ((3, 1), (2, 3, 4)),
        ((2, 1, 4), (1, 3, 1)),
        ((1, 2, 1, 3, 2, 2), (3, 1, 2)),
        ((0, 3), (1, 3)),
    ]
    product = {"x_zero_point": 3, "y_zero_point": -20, "output_zero_point": 7}
    total = {**product, "x_multiplier": 1 << 22, "y_multiplier": 1_234_567, "multiplier": 1.1e-7}
    found = []
    for left, right in pairs:
        inputs = (_bytes(*left), _bytes(*right))
        found.append(_case("quantized_add", inputs, attributes=total))
        found.append(_case("quantized_multiply", inputs, attributes={**product, "multiplier": 0.011}))
    every = np.arange(-128, 128)
    grid = (_given("int8", every[:, None], constant=False), _given("int8", every[None, :], constant=False))
    for x, y, z in ((-128, -128, -128), (127, 127, 127), (-128, 127, 0)):
        zero_points = {"x_zero_point": x, "y_zero_point": y, "output_zero_point": z}
        largest = {"x_multiplier": -(1 << 22), "y_multiplier": 1 << 22, "multiplier": 1.3e-7}
        found.append(_case("quantized_add", grid, attributes={**zero_points, **largest}))
        found.append(_case("quantized_multiply", grid, attributes={**zero_points, "multiplier": 0.002}))
    clamped = {"activation_min": 7, "activation_max": 50}
    constant = (_bytes(3, 5), _bytes(5, constant=True))
    found.append(_case("quantized_add", constant, attributes={**total, **clamped}, label="constant"))
    found.append(
        _case("quantized_multiply", constant, attributes={**product, "multiplier": 0.011}, label="constant")
    )
    return found


def _pools() -> list[Case]:
    scales = {"input_zero_point": 6, "multiplier": 1.1, "output_zero_point": -4}
    shapes: list[tuple[tuple[int, ...], dict[str, Any]]] = [
        ((1, 4, 4, 1), {"pool_size": (2, 2), "strides": (2, 2)}),
        ((2, 5, 6, 3), {"pool_size": (3, 2), "padding": "same"}),
        ((1, 7, 7, 17), {"pool_size": (3, 3), "strides": (2, 2), "padding": "same"}),
        (
            (1, 7, 7, 17),
            {"pool_size": (3, 3), "strides": (2, 2), "padding": "same", "count_include_pad": True},
        ),
        ((1, 7, 7, 65), {"pool_size": (7, 7)}),
        ((1, 3, 4, 2), {"pool_size": (2, 3), "padding": "explicit", "paddings": (1, 0, 2, 1)}),
        (
            (1, 2, 2, 2),
            {"pool_size": (2, 2), "padding": "explicit", "paddings": (3, 3, 3, 3), "strides": (2, 3)},
        ),
        ((0, 4, 4, 2), {"pool_size": (2, 2)}),
    ]
    found = [
        _case("quantized_average_pool2d", (_bytes(*s),), attributes={**a, **scales}, dynamic=s[0] > 0)
        for s, a in shapes
    ]
    reductions: list[tuple[tuple[int, ...], tuple[int, ...], bool]] = [
        ((7,), (), False),
        ((2, 5, 4, 3), (1, 2), False),
        ((2, 5, 4, 3), (-3, 2), True),
        ((2, 5, 4, 33), (1, 2), False),
        ((3, 17), (1,), False),
        ((3, 17), (-1,), True),
        ((3, 70), (0,), True),
        ((2, 3, 2, 3, 2, 2), (0, 2, 5), False),
        ((2, 3), (), True),
        ((0, 3), (1,), False),
        ((3, 0), (1,), False),
        ((), (), False),
    ]
    found += [
        _case("quantized_mean", (_bytes(*s),), attributes={"axes": axes, "keepdims": keep, **scales})
        for s, axes, keep in reductions
    ]
    full = {"input_zero_point": 127, "multiplier": 1.0, "output_zero_point": 127}
    found.append(
        _case(
            "quantized_mean",
            (_given("int8", [-128] * 300, constant=False),),
            attributes=full,
            label="extreme",
        )
    )
    return found


def _softmaxes() -> list[Case]:
    table = np.round(np.exp(-0.04 * np.arange(256)) * (1 << 23)).astype(np.int32)
    steep = np.maximum(np.round(np.exp(-1.5 * np.arange(256)) * (1 << 24)), 0).astype(np.int32)
    found = []
    for name, values in (("table", table), ("steep", steep)):
        given = _given("int32", values)
        attributes = {"multiplier": 256.0, "output_zero_point": -128}
        for shape, axis in (
            ((10,), -1),
            ((3, 17), 1),
            ((3, 17), 0),
            ((2, 3, 4), 1),
            ((2, 0), 1),
            ((0, 2), -1),
        ):
            found.append(
                _case(
                    "quantized_softmax",
                    (_bytes(*shape), given),
                    attributes={**attributes, "axis": axis},
                    label=name,
                )
            )
    return found


def _fixed_multipliers(seed: int, outputs: int) -> Input:
    """Multipliers and shifts that make results of all sizes, some of them above 1."""
    generator = np.random.default_rng(seed)
    return _given(
        "int32",
        [generator.integers(2**30, 2**31, outputs), generator.integers(-9, 2, outputs, endpoint=True)],
    )


def _in_fixed_point(case: Case, **attributes: Any) -> Case:
    """The same sums of products, rounded as TensorFlow Lite does."""
    x, w, bias, multiplier = case.inputs
    fixed = _fixed_multipliers(sum(w.shape), multiplier.shape[0])
    return replace(
        case,
        inputs=(x, w, bias, fixed),
        attributes={**case.attributes, "rounding": "tflite", **attributes},
        label=f"{case.label}tflite",
    )


def _in_reals(case: Case) -> Case:
    """The same with multipliers of float64, some of which make ties."""
    x, w, bias, multiplier = case.inputs
    count = multiplier.shape[0]
    generator = np.random.default_rng(count)
    reals = generator.uniform(0.001, 0.1, count)
    reals[::2] = 2.0**-7
    fractions, exponents = np.frexp(reals)
    high, low = np.divmod((fractions * 2.0**53).astype(np.int64), 2**27)
    return replace(
        case,
        inputs=(x, w, bias, _given("int32", [high, low, exponents - 53])),
        attributes={**case.attributes, "rounding": "tflite_real"},
        label=f"{case.label}real",
    )


_IN_FIXED_POINT = [
    *(_in_reals(c) for c in (*CONVOLUTIONS[::6], *_products()[::2])),
    *(_in_fixed_point(c) for c in CONVOLUTIONS[::2]),
    *(_in_fixed_point(c, filter_zero_point=z) for c, z in zip(CONVOLUTIONS, itertools.cycle((-128, 5, 127)))),
    *(_in_fixed_point(c) for c in _products()[::3]),
    *(_in_fixed_point(c, filter_zero_point=-77) for c in _products()[1:-2:3]),
    *(
        replace(c, attributes={**c.attributes, "filter_zero_point": 9}, label="zp")
        for c in CONVOLUTIONS[1:20:4]
    ),
]

CASES = [
    *_IN_FIXED_POINT,
    *_conversions(),
    *_lookups(),
    *CONVOLUTIONS,
    *_products(),
    *_binaries(),
    *_pools(),
    *_softmaxes(),
]
