"""Cases of the ops that move elements, and of casts, shapes and ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases._case import Case, Input

MOVED = ("float32", "float16", "int8", "int64", "bool", "float64")
SHAPES = [(), (1,), (17,), (2, 3), (4, 5, 6), (2, 1, 3, 2), (1, 2, 1, 3, 2, 2), (0, 3)]


def _from(shape: Any, dtype: Any, pick: Any) -> Any:
    """An array of a shape whose element at each place is pick(place)."""
    y = np.zeros(shape, dtype=dtype)
    for place in np.ndindex(*shape):
        y[place] = pick(place)
    return y


def _flat(x: Any) -> list[Any]:
    return [x[place] for place in np.ndindex(*x.shape)]


def _refill(x: Any, shape: Any) -> Any:
    elements = iter(_flat(x))
    return _from(shape, x.dtype, lambda place: next(elements))


def _reshape(a: Any, x: Any, shape: Any) -> Any:
    sizes = [int(n) for n in shape]
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        sizes[sizes.index(-1)] = x.size // rest
    return _refill(x, sizes)


def _expand_dims(a: Any, x: Any) -> Any:
    shape = list(x.shape)
    shape.insert(a.axis if a.axis >= 0 else a.axis + x.ndim + 1, 1)
    return _refill(x, shape)


def _squeeze(a: Any, x: Any) -> Any:
    gone = [i % x.ndim for i in a.axes] or [i for i, n in enumerate(x.shape) if n == 1]
    return _refill(x, [n for i, n in enumerate(x.shape) if i not in gone])


def _transpose(a: Any, x: Any) -> Any:
    order = [i % x.ndim for i in a.permutation] or list(reversed(range(x.ndim)))
    y = np.zeros([x.shape[i] for i in order], dtype=x.dtype)
    for place in np.ndindex(*x.shape):
        y[tuple(place[i] for i in order)] = x[place]
    return y


def _concat(a: Any, values: Any) -> Any:
    axis = a.axis % values[0].ndim
    shape = list(values[0].shape)
    shape[axis] = sum(v.shape[axis] for v in values)
    y = np.zeros(shape, dtype=values[0].dtype)
    start = 0
    for value in values:
        for place in np.ndindex(*value.shape):
            y[(*place[:axis], start + place[axis], *place[axis + 1 :])] = value[place]
        start += value.shape[axis]
    return y


def _split(a: Any, x: Any) -> Any:
    axis = a.axis % x.ndim
    sizes = [n if isinstance(n, int) else None for n in a.sizes]
    rest = x.shape[axis] - sum(n for n in sizes if n is not None)
    parts, start = [], 0
    for n in (rest if n is None else n for n in sizes):
        shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])

        def pick(place: Any, start: int = start) -> Any:
            return x[(*place[:axis], place[axis] + start, *place[axis + 1 :])]

        parts.append(_from(shape, x.dtype, pick))
        start += n
    return parts


def _stack(a: Any, values: Any) -> Any:
    axis = a.axis % (values[0].ndim + 1)
    shape = (*values[0].shape[:axis], len(values), *values[0].shape[axis:])
    return _from(
        shape, values[0].dtype, lambda place: values[place[axis]][(*place[:axis], *place[axis + 1 :])]
    )


def _pad(a: Any, x: Any) -> Any:
    before = a.paddings[::2]
    shape = [n + p + q for n, p, q in zip(x.shape, before, a.paddings[1::2], strict=True)]
    order = {
        # The indices that follow each other for ever, from index 0 on.
        "reflect": lambda n: [*range(n), *range(n - 2, 0, -1)],
        "symmetric": lambda n: [*range(n), *range(n - 1, -1, -1)],
        "wrap": lambda n: list(range(n)),
    }

    def source(index: int, n: int) -> int | None:
        if a.mode == "constant":
            return index if 0 <= index < n else None
        if a.mode == "edge":
            return sorted((0, index, n - 1))[1]
        cycle = order[a.mode](n)
        return cycle[index % len(cycle)]

    def pick(place: Any) -> Any:
        found = [source(i - p, n) for i, p, n in zip(place, before, x.shape, strict=True)]
        if None not in found:
            return x[tuple(found)]
        return a.value if x.dtype.kind == "f" else bool(a.value) if x.dtype.kind == "b" else int(a.value)

    return _from(shape, x.dtype, pick)


def _tile(a: Any, x: Any) -> Any:
    shape = [n * m for n, m in zip(x.shape, a.multiples, strict=True)]
    return _from(shape, x.dtype, lambda place: x[tuple(i % n for i, n in zip(place, x.shape, strict=True))])


def _broadcast_to(a: Any, x: Any, shape: Any) -> Any:
    def pick(place: Any) -> Any:
        tail = place[len(place) - x.ndim :]
        return x[tuple(0 if n == 1 else i for i, n in zip(tail, x.shape, strict=True))]

    return _from([int(n) for n in shape], x.dtype, pick)


def _cast(a: Any, x: Any) -> Any:
    kind, type_ = a.dtype.numpy.kind, a.dtype.numpy

    def convert(value: Any) -> Any:
        if kind == "b":
            return value != 0
        if kind == "f":
            return value
        limits = np.iinfo(type_)
        if x.dtype.kind == "f":
            if math.isnan(value):
                return 0
            if math.isinf(value):
                return limits.max if value > 0 else limits.min
            return min(max(math.trunc(value), limits.min), limits.max)
        return (int(value) - limits.min) % 2 ** (8 * type_.itemsize) + limits.min

    with np.errstate(over="ignore"):
        return _from(x.shape, type_, lambda place: convert(x[place]))


def _range(a: Any, start: Any, limit: Any, delta: Any) -> Any:
    numbers: list[Any] = []
    start, limit, delta = (v.item() for v in (start, limit, delta))
    while (start + len(numbers) * delta < limit) if delta > 0 else (start + len(numbers) * delta > limit):
        numbers.append(start + len(numbers) * delta)
    return np.array(numbers)


ORACLES = {
    "identity": lambda a, x: x,
    "stop_gradient": lambda a, x: x,
    "reshape": _reshape,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "concat": _concat,
    "split": _split,
    "stack": _stack,
    "pad": _pad,
    "tile": _tile,
    "broadcast_to": _broadcast_to,
    "cast": _cast,
    "shape": lambda a, x: np.array([len(x) if i == 0 else x.shape[i] for i in range(x.ndim)], dtype=np.int64),
    "range": _range,
}


def _case(
    op: str,
    *shapes: Any,
    dtypes: Any = MOVED,
    label: str = "",
    gradient: bool = True,
    dynamic: bool = False,
    **attributes: Any,
) -> Case:
    inputs = tuple(
        tuple(Input(shape=s) for s in i) if isinstance(i, list) else Input(shape=i) for i in shapes
    )
    return Case(
        op=op,
        inputs=inputs,
        attributes=attributes,
        dtypes=dtypes,
        label=label,
        gradient=gradient,
        dynamic=dynamic,
    )


def _shaped(op: str, shape: Any, target: Any, type_: str = "int32", dtypes: Any = MOVED) -> Case:
    sizes = Input(shape=(len(target),), dtype=type_, values=target, constant=True)
    return Case(op=op, inputs=(Input(shape=shape), sizes), dtypes=dtypes, label=f"to{list(target)}-{type_}")


CASES: list[Case] = []

for _op in ("identity", "stop_gradient"):
    CASES += [_case(_op, s, dtypes=None) for s in SHAPES]

for _shape, _target in [
    ((), ()),
    ((), (1, 1)),
    ((1,), ()),
    ((12,), (3, 4)),
    ((3, 4), (-1,)),
    ((2, 3, 4), (4, -1, 2)),
    ((2, 3, 4), (1, 24, 1)),
    ((33,), (33, 1)),
    ((1, 2, 3, 1, 2, 2), (6, 4)),
    ((0, 3), (3, 0)),
    ((0, 3), (-1, 3)),
    ((0,), (2, 0, 5)),
]:
    CASES.append(_shaped("reshape", _shape, _target))
CASES.append(_shaped("reshape", (6,), (2, -1), "int64", dtypes=None))

for _shape, _axis in [
    ((), 0),
    ((), -1),
    ((5,), 0),
    ((5,), 1),
    ((2, 3), -2),
    ((2, 3), 2),
    ((0, 3), 1),
    ((2,) * 5, -6),
]:
    CASES.append(_case("expand_dims", _shape, axis=_axis))

for _shape, _axes in [
    ((1,), ()),
    ((1,), (0,)),
    ((3,), ()),
    ((2, 1, 3, 1), ()),
    ((2, 1, 3, 1), (1,)),
    ((2, 1, 3, 1), (-1, 1)),
    ((1, 0, 1), (0,)),
    ((1, 1, 1, 1, 1, 1), ()),
]:
    CASES.append(_case("squeeze", _shape, axes=_axes))

for _shape, _permutation in [
    ((), ()),
    ((17,), (0,)),
    ((3, 5), ()),
    ((16, 33), (1, 0)),
    ((3, 5), (0, 1)),
    ((2, 3, 4), (2, 0, 1)),
    ((2, 3, 4), (0, -1, 1)),
    ((2, 3, 4, 5), (0, 3, 1, 2)),
    ((2, 3, 4, 5), (0, 2, 3, 1)),
    ((2, 3, 4, 5), (2, 3, 0, 1)),
    ((1, 2, 1, 3, 2, 2), ()),
    ((2, 2, 1, 3, 1, 2), (3, 1, 0, 5, 2, 4)),
    ((0, 3), (1, 0)),
]:
    CASES.append(_case("transpose", _shape, permutation=_permutation))
CASES.append(_case("transpose", (3, 4), dtypes=None, permutation=(1, 0), label="every-dtype"))

for _shapes, _axis in [
    ([(3,)], 0),
    ([(3,), (17,)], 0),
    ([(1,), (2,), (3,), (0,), (4,)], -1),
    ([(2, 3), (4, 3)], 0),
    ([(2, 3), (2, 1), (2, 16)], 1),
    ([(2, 3, 2), (2, 1, 2)], -2),
    ([(2, 1, 2, 1, 1, 2), (2, 1, 2, 3, 1, 2)], 3),
    ([(0, 3), (0, 3)], 0),
    ([(0, 3), (0, 2)], 1),
]:
    CASES.append(_case("concat", _shapes, axis=_axis))
CASES.append(_case("concat", [(2, 3), (2, 4)], dtypes=None, axis=1, label="every-dtype"))
CASES.append(
    Case(
        op="concat",
        inputs=((Input(shape=(2, 3)), Input(shape=(2, 2), constant=True)),),
        attributes={"axis": 1},
        dtypes=MOVED,
        label="constant",
    )
)

for _shape, _axis, _sizes in [
    ((6,), 0, (6,)),
    ((6,), 0, (1, 2, 3)),
    ((4, 6), 1, (3, 3)),
    ((4, 6), -1, (1, 0, 5)),
    ((4, 6), 0, (1, 3)),
    ((4, 17), 1, (16, None)),
    ((2, 5, 3), 1, (2, None, 1)),
    ((0, 4), 1, (1, 3)),
    ((0, 4), 0, (0, 0)),
    ((1, 2, 2, 3, 1, 2), 3, (2, 1)),
]:
    CASES.append(_case("split", _shape, axis=_axis, sizes=_sizes))
CASES.append(_case("split", (3, 4), dtypes=None, axis=1, sizes=(1, 3), label="every-dtype"))

for _count, _shape, _axis in [
    (1, (), 0),
    (3, (), -1),
    (2, (5,), 0),
    (2, (5,), 1),
    (3, (2, 3), 1),
    (3, (2, 3), -1),
    (2, (0, 3), 0),
    (2, (2, 1, 2, 1, 2), -3),
    (17, (2,), 0),
]:
    CASES.append(_case("stack", [_shape] * _count, axis=_axis))
CASES.append(_case("stack", [(2, 3), (2, 3)], dtypes=None, label="every-dtype"))
CASES.append(_case("stack", [(5, 3), (5, 3)], axis=-1, dtypes=None, label="every-dtype-last"))

for _shape, _paddings in [
    ((), ()),
    ((5,), (2, 3)),
    ((5,), (0, 0)),
    ((3, 4), (1, 2, 3, 0)),
    ((2, 3, 4), (0, 0, 1, 1, 2, 3)),
    ((1, 2, 2, 1), (0, 0, 1, 1, 1, 1, 0, 0)),
    ((2, 3, 2, 3, 2, 2), (0, 1, 1, 0, 0, 0, 2, 1, 0, 0, 1, 1)),
]:
    for _mode in ("constant", "reflect", "symmetric", "edge", "wrap"):
        _room = {"reflect": 1, "symmetric": 0, "wrap": 0}.get(_mode, -9)
        _most = [max(_paddings[2 * i : 2 * i + 2]) for i in range(len(_shape))]
        if all(m == 0 or m + _room <= n for m, n in zip(_most, _shape, strict=True)):
            CASES.append(_case("pad", _shape, paddings=_paddings, mode=_mode))
CASES += [
    _case("pad", (0, 3), paddings=(1, 1, 0, 2), value=1.5),
    _case("pad", (0, 3), paddings=(0, 0, 1, 2), mode="edge"),
    _case("pad", (2, 0), paddings=(1, 0, 2, 1), value=-1.0, dtypes=("float32", "int8", "bool")),
    _case("pad", (3, 4), paddings=(1, 0, 0, 1), value=2.75, dtypes=None, label="every-dtype"),
    _case(
        "pad",
        (3,),
        paddings=(2, 1),
        value=float("inf"),
        dtypes=("float32", "float16"),
        gradient=False,
        label="infinity",
    ),
    _case("pad", (3, 4), paddings=(2, 2, 3, 3), mode="reflect", dtypes=None, label="every-dtype"),
    _case("pad", (3, 4), paddings=(3, 3, 4, 4), mode="symmetric"),
    _case("pad", (1, 17), paddings=(5, 5, 0, 3), mode="edge"),
    *(
        _case("pad", (3, 4, 5), paddings=paddings, mode=mode)
        for paddings in ((0, 0, 0, 0, 1, 2), (0, 0, 3, 1, 0, 0))
        for mode in ("constant", "edge", "reflect")
    ),
]

for _shape, _multiples in [
    ((), ()),
    ((5,), (3,)),
    ((5,), (1,)),
    ((5,), (0,)),
    ((2, 3), (2, 1)),
    ((2, 3), (1, 16)),
    ((2, 1, 3), (3, 4, 2)),
    ((0, 3), (2, 2)),
    ((1, 2, 1, 2, 1, 2), (2, 1, 2, 1, 2, 2)),
]:
    CASES.append(_case("tile", _shape, multiples=_multiples))
CASES.append(_case("tile", (2, 3), dtypes=None, multiples=(2, 2), label="every-dtype"))

for _shape, _target in [
    ((), ()),
    ((), (5,)),
    ((), (2, 3)),
    ((1,), (17,)),
    ((3,), (2, 3)),
    ((3, 1), (3, 16)),
    ((3, 1), (2, 3, 4)),
    ((1, 3, 1), (2, 3, 2)),
    ((2, 1, 3, 1), (2, 2, 3, 2)),
    ((1, 2, 1), (1, 2, 1, 3, 2, 2)),
    ((1, 3), (0, 3)),
    ((0, 1), (0, 4)),
]:
    CASES.append(_shaped("broadcast_to", _shape, _target))
CASES.append(_shaped("broadcast_to", (3, 1), (3, 4), "int64", dtypes=None))

_NUMBERS = (
    "0 -0 0.5 -0.5 1.5 -1.5 126.7 127.9 128 -128.9 -129.5 255.5 256 32767.5 32768 -32769 65504 65520 2147483520 "
    "2147483648 -2147483648 -2147484000 9.2e18 9.3e18 -9.3e18 1e30 -1e30 inf -inf nan 6e-8 2.9e-8 6.1e-5 1.0009765 "
    "2049 2051"
)
_EDGES = [float(number) for number in _NUMBERS.split()]
_POWERS = [
    sign * 2**n + more
    for n in (7, 8, 15, 16, 24, 25, 31, 32, 53, 63)
    for sign in (1, -1)
    for more in (-1, 0, 1)
]
_WHOLE = [0, 1, -1, 100, 65504, 65519, 65520, 2**62 + 2**9 + 1, *_POWERS]
_FLOATS = ("float32", "float16", "float64")
_INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
for _type in (*_FLOATS, *_INTEGERS, "bool"):
    _real = _type == "float64"
    CASES += [_case("cast", s, dtypes=None, gradient=_real, dtype=_type) for s in [(), (3, 5), (65,), (0, 2)]]
    for _source in ("float32", "float16"):
        if (_source, _type) == ("float32", "float64"):
            continue
        with np.errstate(over="ignore"):
            _values = np.array(_EDGES, dtype=_source).tolist()
        CASES.append(
            Case(
                op="cast",
                inputs=(Input(shape=(len(_values),), values=_values),),
                attributes={"dtype": _type},
                dtypes=(_source,),
                gradient=False,
                label="edges",
            )
        )
    for _source in _INTEGERS:
        _limits = np.iinfo(_source)
        _kept = [v for v in _WHOLE if _limits.min <= v <= _limits.max]
        if _type != "float16":
            CASES.append(
                Case(
                    op="cast",
                    inputs=(Input(shape=(len(_kept),), values=_kept),),
                    attributes={"dtype": _type},
                    dtypes=(_source,),
                    gradient=False,
                    label="edges",
                )
            )

for _shape in SHAPES:
    CASES.append(_case("shape", _shape))
    CASES.append(_case("shape", _shape, output_type="int64", dtypes=("float32",)))


def _numbers(start: Any, limit: Any, delta: Any, dtypes: Any) -> Case:
    inputs = tuple(Input(values=v, constant=True) for v in (start, limit, delta))
    return Case(op="range", inputs=inputs, dtypes=dtypes, label=f"{start}-{limit}-{delta}")


for _start, _limit, _delta in [
    (0, 5, 1),
    (3, 20, 4),
    (0, 33, 2),
    (10, 0, -3),
    (5, 5, 1),
    (5, 2, 1),
    (2, 3, 100),
    (-7, 8, 5),
    (0, 100, 7),
]:
    _types = tuple(t for t in (*_INTEGERS, "float32", "float16") if t != "uint8" or min(_start, _delta) >= 0)
    CASES.append(_numbers(_start, _limit, _delta, _types))
CASES += [
    _numbers(0.0, 1.0, 0.125, ("float32", "float16", "float64")),
    _numbers(1.0, -1.0, -0.25, ("float32", "float16")),
    _numbers(0.5, 4.2, 1.5, ("float32",)),
    _numbers(2**40, 2**40 + 9, 4, ("int64",)),
    _numbers(-(2**63), 2**63 - 1, 2**62, ("int64",)),
]

for _op, _shape, _attributes in [
    ("identity", (4, 3), {}),
    ("expand_dims", (4, 3), {"axis": 0}),
    ("squeeze", (4, 1, 3), {"axes": (1,)}),
    ("transpose", (4, 3, 2), {"permutation": (1, 2, 0)}),
    ("concat", [(4, 3), (4, 1)], {"axis": 1}),
    ("concat", [(4, 3), (4, 3)], {"axis": 0}),
    ("split", (4, 6), {"axis": 1, "sizes": (1, 2, 3)}),
    ("stack", [(4, 3), (4, 3)], {"axis": 1}),
    ("pad", (4, 3), {"paddings": (1, 2, 1, 1), "value": 3.0}),
    ("pad", (4, 3), {"paddings": (2, 1, 1, 1), "mode": "edge"}),
    ("tile", (4, 3), {"multiples": (2, 3)}),
    ("cast", (4, 3), {"dtype": "int16"}),
    ("shape", (4, 3), {}),
]:
    CASES.append(
        _case(_op, _shape, dtypes=("float32",), gradient=False, dynamic=True, label="dynamic", **_attributes)
    )
for _shape, _target in [((4, 3), (-1,)), ((4, 6), (-1, 2, 3)), ((4, 6), (3, -1))]:
    _sizes = Input(shape=(len(_target),), dtype="int32", values=_target, constant=True)
    CASES.append(
        Case(
            op="reshape",
            inputs=(Input(shape=_shape), _sizes),
            dtypes=("float32",),
            dynamic=True,
            label=f"to{list(_target)}-dynamic",
        )
    )
