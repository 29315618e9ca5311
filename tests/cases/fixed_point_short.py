"""Cases of the fixed-point ops on int16. The oracles compute with Python integers and fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from tests.cases._case import Case, Input
from tests.cases.fixed_point import away, given, scaled, up, wrapped

_LOW, _HIGH = -(2**15), 2**15 - 1


def _clamped(value: int, low: int = _LOW, high: int = _HIGH) -> int:
    return min(max(value, low), high)


def _scaled_wide(value: int, multiplier: int, shift: int) -> int:
    """With the multiplier in 16 bits and one rounding."""
    short = min(up(Fraction(multiplier, 2**16)), 2**15 - 1)
    return wrapped(up(Fraction(value * short, 2 ** (15 - shift))))


def _conv(a: Any, x: Any, w: Any, bias: Any, multiplier: Any) -> Any:
    rows, columns, depth, outputs = w.shape
    places = []
    for axis, taps in ((0, rows), (1, columns)):
        size, stride, dilation = x.shape[1 + axis], a.strides[axis], a.dilations[axis]
        reach = (taps - 1) * dilation + 1
        if a.padding == "same":
            count = -(-size // stride)
            before = max((count - 1) * stride + reach - size, 0) // 2
        else:
            before, after = a.paddings[2 * axis : 2 * axis + 2] if a.padding == "explicit" else (0, 0)
            count = (size + before + after - reach) // stride + 1
        places.append([[p * stride + t * dilation - before for t in range(taps)] for p in range(count)])
    result = np.zeros((x.shape[0], len(places[0]), len(places[1]), outputs), np.int16)
    for n, r, c, o in itertools.product(*map(range, result.shape)):
        first = o // (outputs // a.groups) * depth
        acc = int(bias[o])
        for (ky, y), (kx, z) in itertools.product(enumerate(places[0][r]), enumerate(places[1][c])):
            if 0 <= y < x.shape[1] and 0 <= z < x.shape[2]:
                acc += sum(int(x[n, y, z, first + k]) * int(w[ky, kx, k, o]) for k in range(depth))
        by = [int(v) for v in multiplier[:, o]]
        if a.rounding == "tflite_real":
            value = away(Fraction(float(acc) * ((by[0] * 2.0**27 + by[1]) * 2.0 ** by[2])))
        else:
            value = _scaled_wide(acc, *by) if a.rounding == "tflite_wide" else scaled(wrapped(acc), *by)
        result[n, r, c, o] = _clamped(value, a.activation_min, a.activation_max)
    return result


def _line(x: int, table: Any) -> int:
    place, rest = divmod(x + 2**15, 128)
    low, high = int(table[place]), int(table[place + 1])
    return low + up(Fraction((high - low) * rest, 128))


def _lookup(a: Any, x: Any, table: Any) -> Any:
    return np.array([_clamped(_line(int(v), table)) for v in x.ravel()], np.int16).reshape(x.shape)


def _sigmoid(a: Any, x: Any, table: Any) -> Any:
    step = 256 if a.tanh else 512

    def one(value: int) -> int:
        argument = up(Fraction(wrapped(value * a.multiplier + 2**a.shift // 2) - 2**a.shift // 2, 2**a.shift))
        place, rest = divmod(abs(argument), step)
        line = int(table[min(place, 254)]) * step + rest * int(
            table[min(place, 254) + 1] - table[min(place, 254)]
        )
        if place >= 255:
            line = 0xFFFF * 256 if a.tanh else 0x7FFF * 1024
        if a.tanh:
            line, bits = line - 2**23, 8
        else:
            line, bits = line if argument >= 0 else 2**25 - line, 10
        if a.tanh and argument < 0:
            line = -line
        # The last bit goes down where the argument is negative.
        return _clamped(math.floor(Fraction(line + 2 ** (bits - 1) - (argument < 0), 2**bits)))

    return np.array([one(int(v)) for v in x.ravel()], np.int16).reshape(x.shape)


def _softmax(a: Any, x: Any, exponentials: Any, reciprocals: Any) -> Any:
    def row(values: list[int]) -> list[int]:
        top = max(values)
        terms = [
            _line(_clamped(scaled(v - top, a.multiplier, a.shift) + _HIGH), exponentials) for v in values
        ]
        total = sum(terms)
        bits = total.bit_length() - 1
        place = up(Fraction(total * 2 ** (30 - bits), 2**14)) - 2**15 - 2**16
        scale = _line(_clamped(place), reciprocals)
        return [_clamped(up(Fraction(t * scale, 2**bits)) if bits else t * scale, 0) for t in terms]

    if x.size == 0:
        return x
    rows = [row(r.tolist()) for r in x.reshape(-1, x.shape[-1])]
    return np.array(rows, np.int16).reshape(x.shape)


ORACLES = {
    "quantized_conv2d_int16": _conv,
    "interpolated_lookup_table": _lookup,
    "fixed_point_sigmoid": _sigmoid,
    "fixed_point_softmax_int16": _softmax,
}


def _short(*shape: int, low: int = _LOW, high: int = _HIGH) -> Input:
    return Input(shape=shape, dtype="int16", low=low, high=high)


def _case(op: str, inputs: tuple[Any, ...], **keywords: Any) -> Case:
    return Case(op=op, inputs=inputs, dtypes=("int16",), gradient=False, **keywords)


def _convolution(x: tuple[int, ...], w: tuple[int, ...], label: str = "", **attributes: Any) -> Case:
    generator = np.random.default_rng(sum(w))
    outputs = w[3]
    multipliers = [generator.integers(2**30, 2**31, outputs), generator.integers(-11, -6, outputs)]
    if attributes.get("rounding") == "tflite_real":
        multipliers = [generator.integers(2**25, 2**26, outputs), generator.integers(0, 2**27, outputs)]
        multipliers.append(np.full(outputs, -62))
    return _case(
        "quantized_conv2d_int16",
        (
            _short(*x),
            given("int8", generator.integers(-128, 127, w, endpoint=True)),
            given("int64", generator.integers(-(2**20), 2**20, outputs)),
            given("int32", multipliers),
        ),
        attributes=attributes,
        dynamic=not label and x[0] > 0,
        label=label,
    )


_CONVOLUTIONS = [
    _convolution((1, 4, 5, 3), (3, 3, 3, 1)),
    _convolution((2, 5, 4, 3), (3, 2, 3, 15), padding="same"),
    _convolution((1, 6, 5, 4), (3, 2, 4, 17), strides=(1, 2), activation_min=0, activation_max=9000),
    _convolution((1, 7, 8, 3), (3, 3, 3, 5), padding="same", dilations=(2, 2), rounding="tflite"),
    _convolution((1, 4, 3, 2), (3, 3, 2, 4), padding="explicit", paddings=(2, 1, 0, 3)),
    _convolution((1, 4, 4, 6), (3, 3, 2, 51), groups=3),
    _convolution((1, 4, 4, 4), (3, 3, 1, 8), groups=4, padding="same", rounding="tflite"),
    _convolution((5, 1, 1, 33), (1, 1, 33, 18)),
    _convolution((5, 1, 1, 33), (1, 1, 33, 18), rounding="tflite_real"),
    _convolution((0, 4, 4, 3), (3, 3, 3, 6)),
    _convolution((1, 4, 4, 3), (3, 3, 3, 0)),
]

_KNOTS = np.linspace(-32768, 32768, 513)
_WAVE = given("int16", np.round(np.sin(_KNOTS / 5000.0) * 32767.0).astype(int))
_EXPONENTIALS = given(
    "int16", np.minimum(np.round(np.exp((_KNOTS - 32768) / 6553.5) * 32768), 32767).astype(int)
)
_RECIPROCALS = given("int16", np.minimum(np.round(32768 / (1 + (_KNOTS + 32768) / 65536)), 32767).astype(int))
_SIGMOIDS = given(
    "int32", np.minimum(np.round(2**16 / (1 + np.exp(-np.arange(256) / 24))), 65535).astype(int)
)
_SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (300,), (3, 17), (0, 2))
_EDGES = given(
    "int16",
    [
        -32768,
        -32767,
        -129,
        -128,
        -127,
        -65,
        -64,
        -63,
        -1,
        0,
        1,
        63,
        64,
        65,
        127,
        128,
        129,
        32639,
        32640,
        32767,
    ],
    constant=False,
)


def _functions() -> list[Case]:
    found = []
    for x in (*(_short(*s) for s in _SHAPES), _EDGES):
        found.append(_case("interpolated_lookup_table", (x, _WAVE)))
        for tanh in (False, True):
            for multiplier, shift in ((3, 0), (31000, 13), (17000, 10), (6, 0)):
                found.append(
                    _case(
                        "fixed_point_sigmoid",
                        (x, _SIGMOIDS),
                        attributes={"multiplier": multiplier, "shift": shift, "tanh": tanh},
                    )
                )
    for shape in ((1,), (10,), (3, 17), (2, 3, 4), (2, 0), (0, 2), (1, 300)):
        for multiplier, shift in ((1_500_000_000, 0), (1_200_000_000, -6), (1_200_000_000, -20)):
            found.append(
                _case(
                    "fixed_point_softmax_int16",
                    (_short(*shape), _EXPONENTIALS, _RECIPROCALS),
                    attributes={"multiplier": multiplier, "shift": shift},
                )
            )
    return found


CASES = [*_CONVOLUTIONS, *_functions()]
