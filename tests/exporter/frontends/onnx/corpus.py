"""Random ONNX nodes with all their options, and a few chains of nodes, for the corpus.

A case is one or more nodes, the arrays that are fed, and those that are constants of the model. Only what onnxruntime
computes as the specification has it is drawn; where the two differ, a comment says what the specification says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import helper, numpy_helper

Array = np.ndarray[Any, Any]

OPSET = 21
FLOATS = ("float32", "float32", "float32", "float16")
FLOAT = ("float32",)
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
WIDE = ("int32", "int64")
NUMBERS = (*FLOATS, *INTEGERS)
ANY = (*NUMBERS, "bool")


@dataclass(frozen=True)
class Case:
    """Nodes, and what they are given.

    Attributes:
        nodes: in order.
        inputs: arrays that are fed, by name.
        constants: arrays that the model has, by name.
        outputs: what is compared, with its dtype.
        moving: axes of the inputs whose sizes may be others at each run.
    """

    nodes: tuple[Any, ...]
    inputs: Mapping[str, Array]
    constants: Mapping[str, Array]
    outputs: Mapping[str, str]
    moving: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        def text(kind: str, arrays: Mapping[str, Array]) -> str:
            short = [
                f"{n}: {a.dtype}{list(a.shape)}"
                + (f"={a.tolist()}" if a.size < 9 and kind == "constants" else "")
                for n, a in arrays.items()
            ]
            return f"{kind} {', '.join(short)}"

        nodes = [
            f"{n.op_type}({', '.join(n.input)}; "
            + ", ".join(f"{a.name}={helper.get_attribute_value(a)!r}" for a in n.attribute)
            + ")"
            for n in self.nodes
        ]
        return f"{' -> '.join(nodes)} of {text('inputs', self.inputs)}, {text('constants', self.constants)}"


def case(
    op: str,
    inputs: Sequence[Array | None],
    constants: Sequence[int] = (),
    outputs: Sequence[str] = (),
    **attributes: Any,
) -> Case:
    """One node: `constants` are the places of inputs that the model has, `outputs` the dtypes (of the first input)."""
    names = ["" if a is None else f"x{i}" for i, a in enumerate(inputs)]
    while names and not names[-1]:
        names.pop()
    given = {n: np.asarray(a) for n, a in zip(names, inputs, strict=False) if a is not None}
    kept = {f"x{i}" for i in constants}
    first = next(iter(given.values()))
    results = {f"y{i}": d for i, d in enumerate(outputs or [first.dtype.name])}
    node = helper.make_node(
        op, names, list(results), **{k: v for k, v in attributes.items() if v is not None}
    )
    return Case(
        (node,),
        {n: a for n, a in given.items() if n not in kept},
        {n: a for n, a in given.items() if n in kept},
        results,
    )


def model_of(cases: Sequence[Case]) -> tuple[Any, dict[str, Array]]:
    """Several cases as one model, and what it is fed."""
    nodes, info, constants, results = [], [], [], []
    fed: dict[str, Array] = {}
    for number, one in enumerate(cases):

        def rename(name: str, number: int = number) -> str:
            return f"{name}_{number}" if name else name

        for given in one.nodes:
            node = helper.make_node(given.op_type, [], [], name=rename(given.output[0] + "_node"))
            node.CopyFrom(given)
            node.name = rename(f"{given.op_type}_{given.output[0]}")
            del node.input[:], node.output[:]
            node.input.extend(map(rename, given.input))
            node.output.extend(map(rename, given.output))
            nodes.append(node)
        for name, array in one.inputs.items():
            shape: list[Any] = list(array.shape)
            for axis in one.moving.get(name, ()):
                shape[axis] = f"{rename(name)}_{axis}"
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            info.append(helper.make_tensor_value_info(rename(name), kind, shape))
            fed[rename(name)] = array
        constants += [numpy_helper.from_array(a, rename(n)) for n, a in one.constants.items()]
        for name, dtype in one.outputs.items():
            value = helper.make_empty_tensor_value_info(rename(name))
            value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            results.append(value)
    graph = helper.make_graph(nodes, "corpus", info, results, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10), fed


# Arrays -----------------------------------------------------------------------------------------------------------


@st.composite
def arrays(draw: Any, shape: Sequence[int], types: Sequence[str] = FLOATS, low: float = -4) -> Array:
    """An array of a shape: floats between `low` and 4, integers small or of all their range where `low` allows."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    if dtype.kind == "b":
        return np.asarray(random.random(tuple(shape)) < 0.5)
    if dtype.kind == "f":
        return np.asarray(random.uniform(low, 4, tuple(shape)), dtype)
    if low == -4 and draw(st.integers(0, 3)) == 0:
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, tuple(shape), dtype, endpoint=True)
    least = 0 if dtype.kind == "u" or low >= 0 else -9
    return np.asarray(random.integers(least + (low > 0), 10, tuple(shape)), dtype)


SPECIAL = (
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    0.0,
    1e-3,
    65504.0,
    -65504.0,
    0.5,
    -1.5,
    2.5,
    1e-6,
    -20.0,
    90.0,
)


@st.composite
def with_special(draw: Any, array: Array) -> Array:
    """An array, now and then with numbers that are none, infinite, halves, or at the ends."""
    if array.dtype.kind != "f" or not array.size or draw(st.integers(0, 4)):
        return array
    random = np.random.default_rng(draw(st.integers(0, 99)))
    chosen = random.choice(np.asarray(SPECIAL), array.shape)
    return np.asarray(np.where(random.random(array.shape) < 0.5, chosen, array), array.dtype)


def shapes(least: int = 0, most: int = 4, smallest: int = 1) -> Any:
    return st.lists(st.integers(smallest, 5), min_size=least, max_size=most).map(tuple)


def some(draw: Any, places: Sequence[int]) -> list[int]:
    """Some of the inputs, which become constants."""
    return [p for p in places if draw(st.booleans())]


def ints(*values: int) -> Array:
    return np.asarray(values, np.int64)


@st.composite
def broadcast_pair(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = draw(shapes())
    other = tuple(draw(st.sampled_from([1, n])) for n in shape)[draw(st.integers(0, len(shape))) :]
    first = tuple(draw(st.sampled_from([1, n, n])) for n in shape)
    return draw(st.permutations([first, other]))


# Element by element -----------------------------------------------------------------------------------------------

UNARY: dict[str, Sequence[str]] = {
    **dict.fromkeys(("Abs", "Sign"), NUMBERS),
    "Neg": (*FLOATS, "int8", "int32", "int64"),
    "Relu": (*FLOATS, "int8", "int32"),
    **dict.fromkeys(("Identity",), ANY),
    **dict.fromkeys(("Ceil", "Floor", "Round", "Sin", "Cos", "Tan", "Atan", "Asinh", "Sinh", "Cosh"), FLOATS),
    **dict.fromkeys(("Tanh", "Sigmoid", "Erf", "Exp", "Softplus", "Softsign", "HardSwish", "Mish"), FLOATS),
    "Not": ("bool",),
    "BitwiseNot": INTEGERS,
    **dict.fromkeys(("IsNaN",), FLOATS),
}
POSITIVE = ("Sqrt", "Log", "Reciprocal", "Acosh")
WITHIN_ONE = ("Asin", "Acos", "Atanh")
# Each attribute with some values, and None for its default.
ACTIVATIONS: dict[str, dict[str, Sequence[Any]]] = {
    "LeakyRelu": {"alpha": (None, 0.3, 0.0, 2.0, -0.5)},
    "Elu": {"alpha": (None, 0.3, 2.0)},
    "Celu": {"alpha": (None, 0.3, 2.0)},
    "Selu": {"alpha": (None, 0.7), "gamma": (None, 2.0)},
    "HardSigmoid": {"alpha": (None, 1 / 6, 0.4), "beta": (None, 0.1)},
    "ThresholdedRelu": {"alpha": (None, 0.5, -1.0)},
    "Shrink": {"lambd": (None, 1.5), "bias": (None, 0.3, -0.2)},
    "Gelu": {"approximate": (None, "tanh", "none")},
    "IsInf": {"detect_negative": (None, 0, 1), "detect_positive": (None, 0, 1)},
}


@st.composite
def unary(draw: Any) -> Case:
    kind = draw(st.sampled_from(["plain", "plain", "positive", "one", "activation"]))
    shape = draw(shapes(smallest=0))
    if kind == "plain":
        op = draw(st.sampled_from(sorted(UNARY)))
        x = draw(with_special(draw(arrays(shape, UNARY[op]))))
        return case(op, [x], outputs=["bool"] if op == "IsNaN" else ())
    if kind == "positive":
        op = draw(st.sampled_from(POSITIVE))
        return case(op, [draw(arrays(shape, FLOATS, 1.1 if op == "Acosh" else 0.1))])
    if kind == "one":
        return case(draw(st.sampled_from(WITHIN_ONE)), [draw(arrays(shape, FLOAT)) / np.float32(4.1)])
    op = draw(st.sampled_from(sorted(ACTIVATIONS)))
    options = {name: draw(st.sampled_from(values)) for name, values in ACTIVATIONS[op].items()}
    x = draw(with_special(draw(arrays(shape, FLOATS))))
    return case(op, [x], outputs=["bool"] if op == "IsInf" else (), **options)


BINARY: dict[str, Sequence[str]] = {
    **dict.fromkeys(("Add", "Sub", "Mul"), NUMBERS),
    **dict.fromkeys(("Equal",), ANY),
    **dict.fromkeys(("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), NUMBERS),
    **dict.fromkeys(("And", "Or", "Xor"), ("bool",)),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor"), INTEGERS),
    **dict.fromkeys(("Max", "Min"), (*FLOATS, "int8", "uint8", "int32", "int64")),
    **dict.fromkeys(("Sum", "Mean"), FLOATS),
    "PRelu": (*FLOATS, "int32", "int64"),
}
TO_BOOL = ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor", "IsNaN", "IsInf")


@st.composite
def binary(draw: Any) -> Case:
    one, other = draw(broadcast_pair())
    kind = draw(st.sampled_from(["plain", "plain", "plain", "div", "mod", "pow", "shift"]))
    if kind == "plain":
        op = draw(st.sampled_from(sorted(BINARY)))
        types = (draw(st.sampled_from(BINARY[op])),)
        if op == "PRelu":
            # The slope broadcasts to x, and not the other way round.
            one = np.broadcast_shapes(one, other)
        given = [draw(arrays(one, types)), draw(arrays(other, types))]
        if op in ("Max", "Min", "Sum", "Mean"):
            given = draw(st.sampled_from([given, given[:1], [*given, draw(arrays(one, types))]]))
        return case(op, given, some(draw, range(1, len(given))), ["bool"] if op in TO_BOOL else ())
    if kind == "div":
        types = (draw(st.sampled_from(NUMBERS)),)
        y = draw(arrays(other, types, 1))
        if draw(st.booleans()) and y.dtype.kind != "u":
            y = -y
        return case("Div", [draw(arrays(one, types)), y], some(draw, [1]))
    if kind == "mod":
        types = (draw(st.sampled_from(NUMBERS)),)
        y = draw(arrays(other, types, 1))
        if draw(st.booleans()) and y.dtype.kind != "u":
            y = -y
        # Without fmod the operands are integers.
        fmod = 1 if types[0].startswith("float") else draw(st.sampled_from([None, 0, 1]))
        return case("Mod", [draw(arrays(one, types)), y], some(draw, [1]), fmod=fmod)
    if kind == "pow":
        x = draw(arrays(one, ("float32", "float16", "int32", "int64"), 0.1))
        if draw(st.booleans()):
            y = np.asarray(
                draw(st.sampled_from([2, 0.5, 3, 1, 0])), draw(st.sampled_from(["float32", "int64"]))
            )
        else:
            y = draw(arrays(other, ("float32", "int32", "int64"), 0))
        if x.dtype.kind == "i":
            # A power with a fraction of an integer is rounded as the implementation has it.
            x, y = np.minimum(x, 4).astype(x.dtype), np.floor(np.minimum(y, 5)).astype(y.dtype)
        if x.dtype == np.float16:
            y = np.minimum(y, 5).astype(y.dtype)
        return case("Pow", [x, y], some(draw, [1]))
    types = (draw(st.sampled_from(["uint8"])),)
    x, y = draw(arrays(one, types)), draw(arrays(other, types, 0))
    return case(
        "BitShift",
        [x, (y % 8).astype(y.dtype)],
        some(draw, [1]),
        direction=draw(st.sampled_from(["LEFT", "RIGHT"])),
    )


@st.composite
def choices(draw: Any) -> Case:
    one, other = draw(broadcast_pair())
    types = (draw(st.sampled_from(("float32", "float16", "uint8", "int32", "int64"))),)
    where = draw(arrays(draw(st.sampled_from([one, other])), ("bool",)))
    return case(
        "Where",
        [where, draw(arrays(one, types)), draw(arrays(other, types))],
        some(draw, [0, 1, 2]),
        [types[0]],
    )


@st.composite
def clamps(draw: Any) -> Case:
    dtype = draw(st.sampled_from(("float32", "float16", "int8", "uint8", "int32", "int64")))
    x = draw(with_special(draw(arrays(draw(shapes()), (dtype,)))))
    low, high = (np.asarray(draw(st.integers(0, 6)), dtype) for _ in range(2))
    if low.dtype.kind != "u":
        low = np.asarray(low - 3, dtype)
    bounds = [draw(st.sampled_from([None, b, b])) for b in (low, high)]
    present = [i for i, b in enumerate(bounds, 1) if b is not None]
    return case("Clip", [x, *bounds], some(draw, present))


@st.composite
def casts(draw: Any) -> Case:
    target = draw(st.sampled_from(ANY))
    source = draw(st.sampled_from(ANY))
    # What is out of the range of an integer type that floats become is not defined.
    x = draw(arrays(draw(shapes()), (source,), 0 if target == "uint8" and source.startswith("float") else -4))
    if source in ("int32", "int64", "int16") and target == "float16":
        x = np.clip(x, -2000, 2000).astype(source)
    return case("Cast", [x], outputs=[target], to=int(helper.np_dtype_to_tensor_dtype(np.dtype(target))))


# Along axes -------------------------------------------------------------------------------------------------------

REDUCTIONS: dict[str, Sequence[str]] = {
    "ReduceSum": (*FLOATS, *WIDE),
    "ReduceMean": (*FLOATS, "int32"),
    "ReduceProd": (*FLOATS, *WIDE),
    **dict.fromkeys(("ReduceMax", "ReduceMin"), (*FLOATS, "int8", "uint8", *WIDE)),
    **dict.fromkeys(("ReduceL1", "ReduceSumSquare"), (*FLOATS, "int32")),
    **dict.fromkeys(("ReduceL2", "ReduceLogSum", "ReduceLogSumExp"), FLOATS),
}


@st.composite
def reductions(draw: Any) -> Case:
    op = draw(st.sampled_from(sorted(REDUCTIONS)))
    shape = draw(shapes())
    axes = draw(st.lists(st.integers(0, len(shape) - 1), unique=True)) if shape else []
    axes = [a - len(shape) * draw(st.booleans()) for a in axes]
    kept = draw(st.sampled_from([None, 0, 1]))
    noop = draw(st.sampled_from([None, None, 0, 1]))
    x = draw(arrays(shape, REDUCTIONS[op], 0.5 if op in ("ReduceLogSum", "ReduceProd") else -4))
    if x.dtype.kind in "iu":
        x = np.clip(x, -9, 9).astype(x.dtype)
    given = [x, ints(*axes) if axes or draw(st.booleans()) else None]
    return case(op, given, [1], keepdims=kept, noop_with_empty_axes=noop)


@st.composite
def along(draw: Any) -> Case:
    shape = draw(shapes(1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    kind = draw(st.sampled_from(["softmax", "cumulative", "top", "norm", "arg"]))
    chosen = draw(st.sampled_from([None, axis]))
    if kind == "softmax":
        op = draw(st.sampled_from(["Softmax", "LogSoftmax", "Hardmax"]))
        return case(op, [draw(arrays(shape, FLOATS))], axis=chosen)
    if kind == "cumulative":
        x = draw(arrays(shape, ("float32", "int32", "int64")))
        place = np.asarray(axis, draw(st.sampled_from(WIDE)))
        options = {n: draw(st.sampled_from([None, 0, 1])) for n in ("exclusive", "reverse")}
        return case("CumSum", [x, draw(st.sampled_from([place, place.reshape(1)]))], [1], **options)
    if kind == "top":
        x = draw(arrays(shape, ("float32", "int32", "int64", "float32")))
        axis = len(shape) - 1 if chosen is None else axis
        k = ints(draw(st.integers(1, shape[axis])))
        largest = draw(st.sampled_from([None, 0, 1]))
        return case("TopK", [x, k], [1], [x.dtype.name, "int64"], axis=chosen, largest=largest)
    if kind == "norm":
        return case(
            "LpNormalization",
            [draw(arrays(shape, FLOAT))],
            axis=chosen,
            p=draw(st.sampled_from([None, 1, 2])),
        )
    x = draw(arrays(shape, ("float32", "float16", "int8", "uint8", "int32", "float32")))
    options = {n: draw(st.sampled_from([None, 0, 1])) for n in ("keepdims", "select_last_index")}
    return case(draw(st.sampled_from(["ArgMax", "ArgMin"])), [x], (), ["int64"], axis=chosen, **options)


# Places -----------------------------------------------------------------------------------------------------------


@st.composite
def moves(draw: Any) -> Case:
    shape = draw(shapes(1))
    rank = len(shape)
    axis = draw(st.integers(-rank, rank - 1))
    x = draw(arrays(shape, ANY))
    kind = draw(
        st.sampled_from(["Transpose", "Reshape", "Expand", "Slice", "Concat", "Split", "Tile", "Squeeze"])
        | st.sampled_from(["Unsqueeze", "Flatten", "Pad", "Pad", "Slice", "Trilu", "Shape", "CenterCropPad"])
    )
    if kind == "Transpose":
        return case(kind, [x], perm=draw(st.sampled_from([None, draw(st.permutations(range(rank)))])))
    if kind == "Reshape":
        return _reshape(draw, x)
    if kind == "Expand":
        x = draw(arrays([draw(st.sampled_from([1, n])) for n in shape], ANY))
        wanted = [*(1, 3)[: draw(st.integers(0, 2))], *(draw(st.sampled_from([1, n])) for n in shape)]
        # Fewer axes than the array has, or more.
        return case(kind, [x, ints(*wanted[draw(st.integers(0, 1)) :])], [1])
    if kind == "Slice":
        return _slice(draw, x)
    if kind == "Concat":
        parts = [x]
        for _ in range(draw(st.integers(0, 2))):
            size = list(shape)
            size[axis] = draw(st.integers(0, 4))
            parts.append(draw(arrays(size, (x.dtype.name,))))
        return case(kind, draw(st.permutations(parts)), some(draw, range(1, len(parts))), axis=axis)
    if kind == "Split":
        size = shape[axis]
        if draw(st.booleans()):
            number = draw(st.integers(1, size))
            each = -(-size // number)
            if (number - 1) * each >= size:
                number = 1
            return case(kind, [x], outputs=[x.dtype.name] * number, axis=axis, num_outputs=number)
        cuts = sorted(draw(st.lists(st.integers(0, size), max_size=2)))
        sizes = np.diff([0, *cuts, size])
        return case(kind, [x, ints(*sizes)], [1], [x.dtype.name] * len(sizes), axis=axis)
    if kind == "Tile":
        x = draw(arrays(shape, ("float32", "int8", "uint8", "int32", "int64", "bool")))
        return case(kind, [x, ints(*(draw(st.integers(0, 3)) for _ in shape))], [1])
    if kind in ("Squeeze", "Unsqueeze"):
        axes = sorted(set(draw(st.lists(st.integers(0, rank), min_size=1, max_size=2))))
        if kind == "Unsqueeze":
            whole = rank + len(axes)
            return case(kind, [x, ints(*(a - whole * draw(st.booleans()) for a in axes))], [1])
        for a in axes:
            x = np.expand_dims(x, a)
        return case(
            kind,
            [x, draw(st.sampled_from([None, ints(*(a - x.ndim * draw(st.booleans()) for a in axes))]))],
            [1],
        )
    if kind == "Flatten":
        return case(kind, [x], axis=draw(st.sampled_from([None, 0, rank, axis])))
    if kind == "Pad":
        return _pad(draw)
    if kind == "Trilu":
        x = draw(arrays((*shape, draw(st.integers(1, 4))), ("float32", "int64", "bool")))
        k = draw(st.sampled_from([None, np.asarray(draw(st.integers(-4, 4)), np.int64)]))
        return case(kind, [x, k], [1], upper=draw(st.sampled_from([None, 0, 1])))
    if kind == "Shape":
        begin, end = (draw(st.sampled_from([None, draw(st.integers(-5, 5))])) for _ in range(2))
        return case(kind, [x], (), ["int64"], start=begin, end=end)
    x = draw(arrays(shape, FLOAT))
    axes = draw(st.lists(st.integers(0, rank - 1), min_size=1, unique=True))
    sizes = ints(*(draw(st.integers(1, 7)) for _ in axes))
    return case(kind, [x, sizes], [1], axes=[a - rank * draw(st.booleans()) for a in axes])


def _reshape(draw: Any, x: Array) -> Case:
    if draw(st.booleans()):
        # 0 keeps the size of that axis.
        wanted = [draw(st.sampled_from([0, n])) for n in x.shape]
        wanted[draw(st.integers(0, x.ndim - 1))] = -1
    else:
        wanted = [p for n in x.shape for p in draw(st.sampled_from([(n,), (1, n), (n, 1)]))]
        wanted = [*draw(st.permutations(wanted))]
        if draw(st.booleans()):
            wanted[draw(st.integers(0, len(wanted) - 1))] = -1
    allow = draw(st.sampled_from([None, 0, 1])) if 0 not in wanted else None
    return case("Reshape", [x, ints(*wanted)], [1], allowzero=allow)


def _slice(draw: Any, x: Array) -> Case:
    axes = draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
    far = draw(st.sampled_from([7, 7, 7, 2**62]))
    begin, end = ([draw(st.integers(-7, 7)) for _ in axes] for _ in range(2))
    end = [draw(st.sampled_from([e, e, far, -far])) for e in end]
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in axes]
    places = ints(*(a - x.ndim * draw(st.booleans()) for a in axes))
    if len(axes) == x.ndim and draw(st.booleans()):
        return case("Slice", [x, ints(*begin), ints(*end)], [1, 2])
    kind = np.int32 if max(abs(e) for e in end) < 100 and draw(st.booleans()) else np.int64
    given = [x, *(a.astype(kind) for a in (ints(*begin), ints(*end), places))]
    return case("Slice", [*given, draw(st.sampled_from([None, ints(*steps).astype(kind)]))], [1, 2, 3, 4])


def _pad(draw: Any) -> Case:
    shape = draw(shapes(1, 4, 2))
    rank = len(shape)
    mode = draw(st.sampled_from([None, "constant", "reflect", "edge", "wrap"]))
    x = draw(arrays(shape, ("float32", "float16", "int8", "uint8", "int32", "int64", "bool")))
    axes = sorted(draw(st.lists(st.integers(0, rank - 1), min_size=1, unique=True)))
    pads = [draw(st.integers(-1 if shape[a] > 2 else 0, 3)) for _ in range(2) for a in axes]
    if mode in ("reflect", "wrap"):
        # Within what is there, once.
        pads = [max(0, min(p, shape[a] - 1)) for p, a in zip(pads, axes * 2, strict=True)]
    elif mode == "edge":
        pads = [max(0, p) for p in pads]
    value = (
        np.asarray(draw(arrays((), (x.dtype.name,))))
        if mode in (None, "constant") and draw(st.booleans())
        else None
    )
    where = (
        ints(*(a - rank * draw(st.booleans()) for a in axes))
        if len(axes) < rank or draw(st.booleans())
        else None
    )
    return case("Pad", [x, ints(*pads), value, where], [1, 2, 3], mode=mode)


def _places(draw: Any, shape: Sequence[int], size: int) -> Array:
    """Indices, counted from either end."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(WIDE))
    return np.asarray(random.integers(-size, size, tuple(shape)), kind)


@st.composite
def indices(draw: Any) -> Case:
    shape = draw(shapes(1, 3))
    rank = len(shape)
    axis = draw(st.integers(-rank, rank - 1))
    x = draw(arrays(shape, ANY))
    kind = draw(
        st.sampled_from(["Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND", "OneHot"])
        | st.sampled_from(
            ["ReverseSequence", "Compress", "NonZero", "DepthToSpace", "SpaceToDepth", "EyeLike"]
        )
    )
    if kind == "Gather":
        found = _places(draw, draw(shapes(0, 2)), shape[axis])
        return case(kind, [x, found], some(draw, [0, 1]) if x.size else [], [x.dtype.name], axis=axis)
    if kind == "GatherElements":
        size = [n if i == axis % rank else draw(st.integers(1, n)) for i, n in enumerate(shape)]
        size[axis] = draw(st.integers(1, 6))
        return case(kind, [x, _places(draw, size, shape[axis])], some(draw, [1]), axis=axis)
    if kind == "GatherND":
        batch = draw(st.integers(0, rank - 1))
        depth = draw(st.integers(1, rank - batch))
        outer = (*shape[:batch], *draw(shapes(0, 2)))
        columns = [_places(draw, outer, n).astype(np.int64) for n in shape[batch : batch + depth]]
        return case(kind, [x, np.stack(columns, -1)], some(draw, [1]), batch_dims=batch)
    reduction = draw(st.sampled_from([None, "none", "add", "mul", "max", "min"]))
    if kind in ("ScatterElements", "ScatterND"):
        x = draw(
            arrays(
                shape, ("float32", "float32", "int32", "int64") if reduction not in (None, "none") else ANY
            )
        )
        random = np.random.default_rng(draw(st.integers(0, 99)))
        # An element that is written twice keeps whichever came last, which the specification leaves open.
        twice = reduction not in (None, "none") and draw(st.booleans())
        if kind == "ScatterElements":
            size = [draw(st.integers(1, n)) for n in shape]
            places = np.argsort(
                random.random([shape[axis] if i == axis % rank else s for i, s in enumerate(size)]), axis
            )
            places = np.take(places, np.arange(size[axis]), axis)
            places = (
                _places(draw, size, shape[axis])
                if twice
                else (places - shape[axis] * random.integers(0, 2, size))
            )
            updates = draw(arrays(size, (x.dtype.name,)))
            return case(
                kind,
                [x, places.astype(np.int64), updates],
                some(draw, [0, 1, 2][1:]),
                axis=axis,
                reduction=reduction,
            )
        depth = draw(st.integers(1, rank))
        count = math.prod(shape[:depth])
        number = draw(st.integers(1, 4)) if twice else draw(st.integers(1, count))
        flat = random.integers(0, count, number) if twice else random.permutation(count)[:number]
        rows = np.stack(np.unravel_index(flat, shape[:depth]), -1).astype(np.int64)
        return case(
            kind,
            [x, rows, draw(arrays((number, *shape[depth:]), (x.dtype.name,)))],
            some(draw, [1, 2]),
            reduction=reduction,
        )
    if kind == "OneHot":
        depth = draw(st.integers(1, 6))
        found = _places(draw, draw(shapes(1, 2)), depth)
        where = draw(st.sampled_from([None, draw(st.integers(-found.ndim - 1, found.ndim))]))
        values = draw(arrays((2,), FLOAT))
        return case(
            kind,
            [found.astype(np.int64), ints(depth), values],
            [1, *some(draw, [2])],
            ["float32"],
            axis=where,
        )
    if kind == "ReverseSequence":
        shape = draw(shapes(2, 4))
        x = draw(arrays(shape, FLOAT))
        time = draw(st.integers(0, 1))
        lengths = np.asarray([draw(st.integers(0, shape[time])) for _ in range(shape[1 - time])], np.int64)
        return case(kind, [x, lengths], some(draw, [1]), time_axis=time, batch_axis=1 - time)
    if kind == "Compress":
        chosen = draw(st.sampled_from([None, axis]))
        count = x.size if chosen is None else shape[axis]
        keep = draw(arrays((draw(st.integers(1, count)),), ("bool",)))
        return case(kind, [x, keep], some(draw, [1]), axis=chosen)
    if kind == "NonZero":
        x = draw(arrays(shape, ("float32", "int32", "int64", "bool", "uint8"), 0))
        return case(kind, [x], (), ["int64"])
    if kind == "EyeLike":
        x = draw(arrays((draw(st.integers(1, 4)), draw(st.integers(1, 4))), ("float32", "int32", "int64")))
        return case(kind, [x], k=draw(st.sampled_from([None, -2, 0, 1, 3])))
    block = draw(st.integers(1, 3))
    n, c, h, w = (draw(st.integers(1, 3)) for _ in range(4))
    if kind == "DepthToSpace":
        x = draw(arrays((n, c * block**2, h, w), ("float32", "uint8")))
        return case(kind, [x], blocksize=block, mode=draw(st.sampled_from([None, "DCR", "CRD"])))
    return case(kind, [draw(arrays((n, c, h * block, w * block), FLOAT))], blocksize=block)


# Windows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """A window over spatial axes that fits."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: list[int]
    auto: str | None
    sizes: list[int]

    def undilated(self) -> Window:
        return replace(self, dilations=[1] * len(self.kernel))

    def attributes(self, draw: Any, dilated: bool = True) -> dict[str, Any]:
        """As attributes of a node; those that are the default may be left out."""
        rank = len(self.kernel)
        found: dict[str, Any] = {"strides": self.strides, "dilations": self.dilations, "pads": self.pads}
        if self.auto not in (None, "NOTSET"):
            found["pads"] = None
        for name in ("strides", "dilations"):
            if found[name] == [1] * rank and draw(st.booleans()):
                found[name] = None
        if found["pads"] == [0] * (2 * rank) and draw(st.booleans()):
            found["pads"] = None
        if not dilated:
            del found["dilations"]
        return {**found, "auto_pad": self.auto}


@st.composite
def windows(draw: Any, rank: int, dilated: bool = True, narrow: bool = False) -> Window:
    """`narrow`: padding is less than the window."""

    def each(low: int, high: int) -> list[int]:
        return [draw(st.integers(low, high)) for _ in range(rank)]

    kernel, strides = each(1, 4), each(1, 3)
    dilations = each(1, 2) if dilated and draw(st.booleans()) else [1] * rank
    auto = draw(st.sampled_from([None, None, None, "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    begins, ends = each(0, 2), each(0, 2)
    if narrow:
        begins, ends = ([min(p, k - 1) for p, k in zip(side, kernel, strict=True)] for side in (begins, ends))
    if auto == "NOTSET" and draw(st.booleans()):
        begins, ends = [0] * rank, [0] * rank
    explicit = auto in (None, "NOTSET")
    if not explicit:
        begins, ends = [0] * rank, [0] * rank
    rows = zip(kernel, dilations, begins, ends, each(0, 6), strict=True)
    sizes = [max(d * (k - 1) + 1 - (b + e), 1) + m for k, d, b, e, m in rows]
    return Window(
        kernel, strides, dilations, begins + ends, None if explicit and auto is None else auto, sizes
    )


@st.composite
def convolutions(draw: Any) -> Case:
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    w = draw(windows(rank))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        # onnxruntime refuses dilations with them.
        w = w.undilated()
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    x = draw(arrays((draw(st.integers(1, 2)), groups * each_in, *w.sizes), types))
    filters = draw(arrays((groups * each_out, each_in, *w.kernel), types))
    bias = draw(arrays((groups * each_out,), types)) if draw(st.booleans()) else None
    kernel = draw(st.sampled_from([None, w.kernel]))
    options = w.attributes(draw)
    constants = draw(st.sampled_from([[1, 2], [1, 2], [1], []]))
    return case(
        "Conv",
        [x, filters, bias],
        constants,
        kernel_shape=kernel,
        group=groups if groups > 1 else None,
        **options,
    )


@st.composite
def transposed_convolutions(draw: Any) -> Case:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    w = draw(windows(rank))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        # The specification has output = input * stride; onnxruntime makes less of a kernel below the stride.
        w = replace(w, kernel=[max(k, s) for k, s in zip(w.kernel, w.strides, strict=True)])
    groups = draw(st.sampled_from([1, 1, 2]))
    each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    sizes = [draw(st.integers(1, 5)) for _ in range(rank)]
    options = w.attributes(draw)
    rows = list(zip(w.kernel, w.dilations, w.strides, sizes, strict=True))
    # The specification allows as much as the larger of stride and dilation; onnxruntime, below the stride.
    extra = [draw(st.integers(0, s - 1)) for _, _, s, _ in rows]
    whole = [(n - 1) * s + d * (k - 1) + 1 + e for (k, d, s, n), e in zip(rows, extra, strict=True)]
    if w.auto in (None, "NOTSET"):
        # At least one element is left.
        begins = [min(p, (n - 1) // 2) for p, n in zip(w.pads[:rank], whole, strict=True)]
        ends = [min(p, (n - 1) // 2) for p, n in zip(w.pads[rank:], whole, strict=True)]
        options["pads"] = begins + ends
    given = draw(st.integers(0, 3)) == 0
    if given:
        options["pads"] = None
        options["output_shape"] = [max(n - draw(st.integers(0, 2)), 1) for n in whole]
    elif w.auto in ("SAME_UPPER", "SAME_LOWER"):
        extra = [0] * rank
    options["output_padding"] = extra if any(extra) or draw(st.booleans()) else None
    x = draw(arrays((draw(st.integers(1, 2)), groups * each_in, *sizes), types))
    filters = draw(arrays((groups * each_in, each_out, *w.kernel), types))
    bias = draw(arrays((groups * each_out,), types)) if draw(st.booleans()) else None
    kernel = draw(st.sampled_from([None, w.kernel]))
    constants = draw(st.sampled_from([[1, 2], [1, 2], [1], []]))
    return case(
        "ConvTranspose",
        [x, filters, bias],
        constants,
        kernel_shape=kernel,
        group=groups if groups > 1 else None,
        **options,
    )


@st.composite
def pools(draw: Any) -> Case:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    op = draw(st.sampled_from(["MaxPool", "AveragePool", "LpPool", "Global"]))
    if op == "Global":
        op = draw(st.sampled_from(["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]))
        shape = draw(shapes(2 + rank, 2 + rank))
        p = draw(st.sampled_from([None, 1, 3])) if op == "GlobalLpPool" else None
        return case(op, [draw(arrays(shape, FLOATS))], p=p)
    w = draw(windows(rank, narrow=True))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        # The specification pads for what the dilated window reaches; onnxruntime forgets the dilation. Where a window
        # is less than its stride, onnxruntime cuts off elements in front; padding is never below 0.
        kernel = [max(k, s) for k, s in zip(w.kernel, w.strides, strict=True)]
        w = replace(w.undilated(), kernel=kernel)
    options = {
        "kernel_shape": w.kernel,
        "ceil_mode": draw(st.sampled_from([None, 0, 1])),
        **w.attributes(draw),
    }
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *w.sizes)
    if op == "MaxPool":
        x = draw(arrays(shape, (*FLOATS, "int8", "uint8")))
        indices_too = draw(st.integers(0, 3)) == 0 and x.dtype.kind == "f"
        return case(op, [x], (), [x.dtype.name, "int64"] if indices_too else (), **options)
    x = draw(arrays(shape, FLOATS))
    if op == "LpPool":
        return case(op, [x], p=draw(st.sampled_from([None, 1, 2, 3])), **options)
    return case(op, [x], count_include_pad=draw(st.sampled_from([None, 0, 1])), **options)


@st.composite
def resizes(draw: Any) -> Case:
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    coordinates = draw(
        st.sampled_from([None, "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel"])
        | st.sampled_from(["align_corners", "asymmetric", "tf_crop_and_resize"])
    )
    spatial = 2 if mode == "cubic" else draw(st.sampled_from([1, 2, 2, 3]))
    sizes = [draw(st.integers(1, 7)) for _ in range(spatial)]
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *sizes)
    # Of integers, what lies between them is cut off: that is drawn where no rounding decides.
    whole = mode != "cubic" and draw(st.integers(0, 2)) == 0
    x = draw(arrays(shape, ("uint8", "int8", "int32") if whole else FLOAT))
    whole = whole and mode == "linear"
    if whole:
        coordinates = draw(st.sampled_from([None, "half_pixel", "asymmetric"]))
    options: dict[str, Any] = {"mode": draw(st.sampled_from([None, mode])) if mode == "nearest" else mode}
    options["coordinate_transformation_mode"] = coordinates
    if mode == "nearest":
        modes = [None, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
        options["nearest_mode"] = draw(st.sampled_from(modes))
    if mode == "cubic":
        options["cubic_coeff_a"] = draw(st.sampled_from([None, -0.5]))
        options["exclude_outside"] = draw(st.sampled_from([None, 1]))
    if (
        mode != "nearest"
        and coordinates != "tf_crop_and_resize"
        and not whole
        and draw(st.integers(0, 2)) == 0
    ):
        options["antialias"] = 1
    if coordinates == "tf_crop_and_resize":
        options["extrapolation_value"] = draw(st.sampled_from([None, 0.5]))
    axes = list(range(2, 2 + spatial)) if draw(st.booleans()) else None
    lead = 0 if axes else 2
    options["axes"] = axes
    roi = None
    if coordinates == "tf_crop_and_resize":
        begins = [draw(st.sampled_from([0.0, 0.13, 0.29, -0.17])) for _ in sizes]
        ends = [draw(st.sampled_from([1.0, 0.83, 0.61, 1.31])) for _ in sizes]
        # Not at the middle between two elements, which is rounding's to decide.
        roi = np.asarray([*[0.0] * lead, *begins, *[1.0] * lead, *ends], np.float32)
    if whole or draw(st.booleans()):
        factors = [0.5, 1.0, 2.0] if whole else [0.5, 0.6, 0.75, 1.0, 1.5, 2.0, 2.3, 3.0]
        scales = [draw(st.sampled_from(factors)) for _ in sizes]
        # At least one element is left.
        scales = [s if int(n * s) >= 1 else 1.0 for n, s in zip(sizes, scales, strict=True)]
        if coordinates in ("align_corners", "tf_crop_and_resize"):
            # The specification (its test resize_downsample_scales_linear_align_corners) has length_resized = length *
            # scale with its fraction, onnxruntime without.
            scales = [s if (n * s).is_integer() else 2.0 for n, s in zip(sizes, scales, strict=True)]
        if coordinates == "tf_crop_and_resize":
            # Of an axis that keeps its size, onnxruntime takes no region; the specification does.
            scales = [2.0 if s == 1.0 else s for s in scales]
        return case("Resize", [x, roi, np.asarray([*[1.0] * lead, *scales], np.float32)], [1, 2], **options)
    wanted = [draw(st.integers(1, 9)) for _ in sizes]
    if coordinates == "tf_crop_and_resize":
        wanted = [m + (m == n) for m, n in zip(wanted, sizes, strict=True)]
    policy = draw(st.sampled_from([None, "stretch", "not_larger", "not_smaller"])) if axes else None
    if policy in ("not_larger", "not_smaller") and coordinates == "tf_crop_and_resize":
        policy = None
    given = ints(*shape[:2][: 2 if lead else 0], *wanted)
    return case("Resize", [x, roi, None, given], [1, 3], keep_aspect_ratio_policy=policy, **options)


@st.composite
def samples(draw: Any) -> Case:
    kind = draw(
        st.sampled_from(["GridSample", "GridSample", "RoiAlign", "MaxRoiPool", "AffineGrid", "Col2Im"])
    )
    n, c, h, w = (draw(st.integers(1, k)) for k in (2, 3, 6, 6))
    if kind == "GridSample":
        spatial = draw(st.sampled_from([2, 2, 3]))
        sizes = [draw(st.integers(1, 5)) for _ in range(spatial)]
        out = [draw(st.integers(1, 4)) for _ in range(spatial)]
        modes = [None, "linear", "nearest"] + (["cubic"] if spatial == 2 else [])
        # Not the same places over and over: a random grid lies within the image and beyond.
        grid = draw(arrays((n, *out, spatial), FLOAT)) * np.float32(draw(st.sampled_from([0.25, 0.4])))
        return case(
            kind,
            [draw(arrays((n, c, *sizes), FLOAT)), grid],
            mode=draw(st.sampled_from(modes)),
            padding_mode=draw(st.sampled_from([None, "zeros", "border", "reflection"])),
            align_corners=draw(st.sampled_from([None, 0, 1])),
        )
    if kind in ("RoiAlign", "MaxRoiPool"):
        count = draw(st.integers(1, 3))
        random = np.random.default_rng(draw(st.integers(0, 99)))
        corner = random.uniform(-1, 8, (count, 2))
        rois = np.concatenate([corner, corner + random.uniform(0.2, 9, (count, 2))], 1).astype(np.float32)
        batch = random.integers(0, n, count)
        x = draw(arrays((n, c, h + 2, w + 2), FLOAT))
        scale = draw(st.sampled_from([None, 0.5, 1.0, 0.3]))
        if kind == "MaxRoiPool":
            rows = np.concatenate([batch[:, None], np.clip(rois, 0, None)], 1).astype(np.float32)
            return case(
                kind,
                [x, rows],
                pooled_shape=[draw(st.integers(1, 3)), draw(st.integers(1, 3))],
                spatial_scale=scale,
            )
        return case(
            kind,
            [x, rois, batch],
            some(draw, [1, 2]),
            output_height=draw(st.sampled_from([None, 2, 3])),
            output_width=draw(st.sampled_from([None, 2, 3])),
            sampling_ratio=draw(st.sampled_from([1, 2, 3])),
            spatial_scale=scale,
            mode=draw(st.sampled_from([None, "avg", "max"])),
            coordinate_transformation_mode=draw(st.sampled_from([None, "half_pixel", "output_half_pixel"])),
        )
    if kind == "AffineGrid":
        spatial = draw(st.sampled_from([2, 3]))
        size = ints(n, c, *(draw(st.integers(1, 5)) for _ in range(spatial)))
        theta = draw(arrays((n, spatial, spatial + 1), FLOAT))
        return case(kind, [theta, size], [1], align_corners=draw(st.sampled_from([None, 0, 1])))
    k = draw(windows(2))
    pads = [min(p, 1) for p in k.pads]
    sizes = [max(s, d * (q - 1) + 1) for s, d, q in zip(k.sizes, k.dilations, k.kernel, strict=True)]
    counts = [
        (s + pads[i] + pads[i + 2] - d * (q - 1) - 1) // t + 1
        for i, (s, d, q, t) in enumerate(zip(sizes, k.dilations, k.kernel, k.strides, strict=True))
    ]
    x = draw(arrays((n, c * math.prod(k.kernel), math.prod(counts)), FLOAT))
    return case(
        kind, [x, ints(*sizes), ints(*k.kernel)], [1, 2], strides=k.strides, pads=pads, dilations=k.dilations
    )


# Sums of products -------------------------------------------------------------------------------------------------


@st.composite
def products(draw: Any) -> Case:
    n, m, k = (draw(st.integers(1, 5)) for _ in range(3))
    kind = draw(st.sampled_from(["MatMul", "MatMul", "Gemm", "Gemm", "Einsum"]))
    if kind == "Gemm":
        types = (draw(st.sampled_from(FLOATS)),)
        flip_x, flip_y = (draw(st.sampled_from([None, 0, 1])) for _ in range(2))
        x = draw(arrays((k, n) if flip_x else (n, k), types))
        y = draw(arrays((m, k) if flip_y else (k, m), types))
        shape = draw(st.sampled_from([None, (n, m), (1, m), (n, 1), (m,), (1,), ()]))
        c = None if shape is None else draw(arrays(shape, types))
        return case(
            kind,
            [x, y, c],
            some(draw, [1, 2]),
            transA=flip_x,
            transB=flip_y,
            alpha=draw(st.sampled_from([None, 0.5, 2.0])),
            beta=draw(st.sampled_from([None, 0.5, 0.0])),
        )
    if kind == "Einsum":
        names = {"a": n, "b": m, "c": k, "d": 2}
        one, other = (draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True)) for _ in range(2))
        result = draw(st.lists(st.sampled_from(sorted({*one, *other})), unique=True))
        x, y = (draw(arrays([names[c] for c in term], FLOAT)) for term in (one, other))
        return case(
            kind, [x, y], some(draw, [1]), equation=f"{''.join(one)},{''.join(other)}->{''.join(result)}"
        )
    one, other = draw(broadcast_pair())
    types = (draw(st.sampled_from((*FLOATS, "int32", "int64"))),)
    x = draw(st.sampled_from([(*one, n, k), (n, k), (k,)]))
    y = draw(st.sampled_from([(*other, k, m), (k, m), (k,)]))
    return case(kind, [draw(arrays(x, types, -3)), draw(arrays(y, types, -3))], some(draw, [1]))


@st.composite
def normalizations(draw: Any) -> Case:
    ops = ["BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization"]
    op = draw(st.sampled_from([*ops, "LRN", "MeanVarianceNormalization"]))
    epsilon = draw(st.sampled_from([None, 1e-3]))
    inner = draw(shapes(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    if op == "LayerNormalization":
        # What is left of one element less its mean is rounding alone.
        shape = (*draw(shapes(0, 2)), *inner, draw(st.integers(2, 5)))
        axis = draw(st.integers(0, len(shape) - 1))
        weights = [draw(arrays(shape[axis:], types)) for _ in range(2)]
        given = [draw(arrays(shape, types)), weights[0], draw(st.sampled_from([None, weights[1]]))]
        outputs = (
            [types[0], "float32", "float32"][: draw(st.sampled_from([1, 1, 3]))]
            if types[0] == "float32"
            else ()
        )
        place = draw(st.sampled_from([axis, axis - len(shape)]))
        return case(op, given, [1, 2], outputs, axis=None if place == -1 else place, epsilon=epsilon)
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    x = draw(arrays((draw(st.integers(1, 3)), channels, *inner, 2), types))
    scale, bias = draw(arrays((channels,), types)), draw(arrays((channels,), types))
    constants = draw(st.sampled_from([[1, 2, 3, 4], [1, 2, 3, 4], []]))
    if op == "GroupNormalization":
        return case(op, [x, scale, bias], constants, num_groups=groups, epsilon=epsilon)
    if op == "InstanceNormalization":
        return case(op, [x, scale, bias], constants, epsilon=epsilon)
    if op == "LRN":
        x = draw(arrays((*x.shape[:2], 2, 3), FLOAT))
        size = draw(st.sampled_from([1, 3, 5]))
        return case(
            op,
            [x],
            size=size,
            alpha=draw(st.sampled_from([None, 0.5])),
            bias=draw(st.sampled_from([None, 2.0])),
        )
    if op == "MeanVarianceNormalization":
        x = draw(arrays((*x.shape[:2], 2, 3), FLOAT))
        return case(op, [x], axes=draw(st.sampled_from([None, [0, 2, 3], [2, 3], [1, 2], [-1]])))
    mean, variance = draw(arrays((channels,), types)), draw(arrays((channels,), types, 0.2))
    return case(op, [x, scale, bias, mean, variance], constants, epsilon=epsilon)


def _zero_point(draw: Any, dtype: str) -> Array | None:
    return draw(st.sampled_from([None, np.asarray(draw(st.integers(0, 9)), dtype)]))


@st.composite
def quantized(draw: Any) -> Case:
    kind = draw(
        st.sampled_from(["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger"])
        | st.sampled_from(["ConvInteger", "QLinearConv", "QLinearMatMul"])
    )
    small = ("int8", "uint8")
    scale = np.float32(draw(st.sampled_from([0.05, 0.1, 0.37, 1.0])))
    if kind == "DynamicQuantizeLinear":
        return case(kind, [draw(arrays(draw(shapes(1)), FLOAT))], (), ["uint8", "float32", "uint8"])
    if kind in ("QuantizeLinear", "DequantizeLinear"):
        shape = draw(shapes(1))
        dtype = draw(st.sampled_from(small))
        axis = None
        zero = np.asarray(draw(st.integers(0, 9)), dtype)
        if draw(st.booleans()):
            axis = draw(st.integers(-len(shape), len(shape) - 1))
            scale = np.asarray(draw(arrays((shape[axis],), FLOAT, 0.05)))
            zero = draw(arrays((shape[axis],), (dtype,)))
        if kind == "QuantizeLinear":
            return case(
                kind, [draw(arrays(shape, FLOAT)), np.asarray(scale), zero], [1, 2], [dtype], axis=axis
            )
        return case(
            kind, [draw(arrays(shape, (dtype,))), np.asarray(scale), zero], [1, 2], ["float32"], axis=axis
        )
    n, m, k = (draw(st.integers(1, 5)) for _ in range(3))
    left, right = draw(st.sampled_from([("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")]))
    if kind in ("MatMulInteger", "QLinearMatMul"):
        lead = draw(shapes(0, 1))
        x, y = draw(arrays((*lead, n, k), (left,))), draw(arrays((k, m), (right,)))
        if kind == "MatMulInteger":
            return case(kind, [x, y, _zero_point(draw, left), _zero_point(draw, right)], [1, 2, 3], ["int32"])
        zeros = [np.asarray(draw(st.integers(0, 9)), d) for d in (left, right, left)]
        # No product lies in the middle between two steps, which is rounding's to decide.
        scales = [np.asarray(s, np.float32) for s in (0.1013, 0.0517, 1.3171)]
        given = [x, scales[0], zeros[0], y, scales[1], zeros[1], scales[2], zeros[2]]
        return case(kind, given, [1, 2, 3, 4, 5, 6, 7], [left])
    w = draw(windows(2))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        w = w.undilated()
    channels, outs = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x = draw(arrays((1, channels, *w.sizes), (left,)))
    filters = draw(arrays((outs, channels, *w.kernel), (right,)))
    options = w.attributes(draw)
    if kind == "ConvInteger":
        x = x.astype(np.uint8)
        filters = filters.astype(np.uint8)
        given = [x, filters, _zero_point(draw, "uint8"), _zero_point(draw, "uint8")]
        return case(kind, given, [1, 2, 3], ["int32"], **options)
    per = draw(st.booleans())
    weight_scale = draw(arrays((outs,), FLOAT, 0.05)) if per else np.asarray(0.0713, np.float32)
    weight_zero = np.zeros((outs,) if per else (), right)
    given = [
        x,
        np.asarray(scale),
        np.asarray(draw(st.integers(0, 9)), left),
        filters,
        weight_scale,
        weight_zero,
    ]
    given += [np.asarray(2.9173, np.float32), np.asarray(draw(st.integers(0, 9)), left)]
    bias = draw(arrays((outs,), ("int32",), -3)) if draw(st.booleans()) else None
    return case(kind, [*given, bias], range(1, 9), [left], **options)


@st.composite
def recurrent(draw: Any) -> Case:
    op, gates = draw(st.sampled_from([("LSTM", 4), ("GRU", 3), ("RNN", 1)]))
    steps, batch, size, hidden = (draw(st.integers(1, k)) for k in (5, 3, 4, 4))
    direction = draw(st.sampled_from([None, "forward", "reverse", "bidirectional"]))
    both = 2 if direction == "bidirectional" else 1
    x = draw(arrays((steps, batch, size), FLOAT))
    w = draw(arrays((both, gates * hidden, size), FLOAT)) / np.float32(2)
    r = draw(arrays((both, gates * hidden, hidden), FLOAT)) / np.float32(2)
    bias = draw(arrays((both, 2 * gates * hidden), FLOAT)) if draw(st.booleans()) else None
    lengths = None
    if draw(st.booleans()):
        lengths = np.asarray([draw(st.integers(0, steps)) for _ in range(batch)], np.int32)
    first = draw(arrays((both, batch, hidden), FLOAT)) if draw(st.booleans()) else None
    given: list[Any] = [x, w, r, bias, lengths, first]
    outputs = ["float32"] * (3 if op == "LSTM" else 2)
    options: dict[str, Any] = {"hidden_size": hidden, "direction": direction}
    if op == "LSTM" and draw(st.booleans()):
        given.append(draw(arrays((both, batch, hidden), FLOAT)))
        if draw(st.booleans()):
            given.append(draw(arrays((both, 3 * hidden), FLOAT)))
    if op == "GRU":
        options["linear_before_reset"] = draw(st.sampled_from([None, 0, 1]))
    if draw(st.integers(0, 3)) == 0:
        options["clip"] = 1.5
    return case(op, given, [1, 2, 3, 7, *some(draw, [4])], outputs, **options)


# Chains -----------------------------------------------------------------------------------------------------------


def then(first: Case, op: str, others: Sequence[Array] = (), front: bool = False, **attributes: Any) -> Case:
    """Another node after a case's first output; `front`: it is the last operand, not the first."""
    number = len(first.nodes)
    names = [f"c{number}_{i}" for i in range(len(others))]
    old = next(iter(first.outputs))
    inner = f"{old}_{number}"
    nodes = []
    for node in first.nodes:
        copy = type(node)()
        copy.CopyFrom(node)
        for i, name in enumerate(copy.output):
            copy.output[i] = inner if name == old else name
        for i, name in enumerate(copy.input):
            copy.input[i] = inner if name == old else name
        nodes.append(copy)
    inputs = [*names, inner] if front else [inner, *names]
    nodes.append(helper.make_node(op, inputs, [old], **attributes))
    return Case(
        tuple(nodes),
        first.inputs,
        {**first.constants, **dict(zip(names, others, strict=True))},
        first.outputs,
    )


@st.composite
def chains(draw: Any) -> Case:
    made = draw(
        st.one_of(convolutions(), transposed_convolutions(), products(), pools(), moves(), normalizations())
    )
    (dtype, *more) = made.outputs.values()
    if more or dtype != "float32":
        made = draw(convolutions().filter(lambda c: list(c.outputs.values()) == ["float32"]))
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(
            st.sampled_from(["Relu", "scale", "shift", "Clip", "Sigmoid", "Neg", "flip", "HardSwish", "Pad"])
        )
        number = draw(arrays((), FLOAT))
        if kind in ("scale", "shift"):
            op = "Mul" if kind == "scale" else draw(st.sampled_from(["Add", "Sub"]))
            made = then(made, op, [number], draw(st.booleans()))
        elif kind == "Clip":
            made = then(made, kind, [np.float32(0).reshape(()), np.float32(6).reshape(())])
        elif kind == "flip":
            # It knows its rank without being told.
            made = then(made, "Transpose")
        elif kind == "Pad":
            made = then(made, "Mul", [np.asarray([number], np.float32)])
        else:
            made = then(made, kind)
    return made


# Sizes that move ---------------------------------------------------------------------------------------------------


def _spatial(draw: Any, made: Case) -> dict[str, tuple[int, ...]]:
    """Axes of the inputs of a node on images that may have any size."""
    if made.nodes[0].op_type == "GridSample":
        # Each grid is of one image.
        rank = made.inputs["x1"].ndim
        return {"x0": tuple(range(2, rank)), "x1": tuple(range(1, rank - 1))}
    return {"x0": tuple(a for a in range(made.inputs["x0"].ndim) if a != 1 and draw(st.integers(0, 4)))}


def _whole(made: Case) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in made.nodes[0].attribute}


def _moves(made: Case) -> bool:
    """Whether a node's sizes may move."""
    op, options = made.nodes[0].op_type, _whole(made)
    strides = options.get("strides", [1])
    if max(strides) > 1 and op in ("Conv", "MaxPool", "AveragePool", "LpPool"):
        # How much is padded in front depends on the size, which is known to the ops on images alone.
        auto = options.get("auto_pad")
        plain = len(strides) < 3 and (op == "Conv" or max(options.get("dilations", [1])) == 1)
        return auto != b"SAME_LOWER" and (auto != b"SAME_UPPER" or (plain and op != "LpPool"))
    if op == "ConvTranspose":
        # The output has one size.
        return "output_shape" not in options
    if op == "Resize":
        # By scales; those that depend on the fraction of a size, only without one (see resizes).
        if len(made.nodes[0].input) != 3:
            return False
        exact = options.get("coordinate_transformation_mode") not in (b"align_corners", b"tf_crop_and_resize")
        return exact or all(float(s).is_integer() for s in made.constants["x2"])
    return op in ("GridSample", "RoiAlign", "MaxRoiPool", "DepthToSpace", "SpaceToDepth") or op.startswith(
        "Global"
    )


@st.composite
def moving(draw: Any) -> tuple[Case, Case, Case]:
    """A case with axes whose size moves, at its least and at two others."""
    images = st.one_of(
        convolutions(), transposed_convolutions(), pools(), pools(), resizes(), samples(), indices()
    )
    made = draw(images.filter(_moves))
    axes = _spatial(draw, made)
    step = _whole(made).get("blocksize", 1) if made.nodes[0].op_type == "SpaceToDepth" else 1
    found = [replace(made, moving=axes)]
    for _ in range(2):
        inputs = dict(made.inputs)
        for name, places in axes.items():
            shape = list(inputs[name].shape)
            for axis in places:
                shape[axis] += draw(st.integers(0, MORE)) * (step if axis else 1)
            array = inputs[name]
            random = np.random.default_rng(draw(st.integers(0, 99)))
            inputs[name] = random.choice(array.reshape(-1), shape)
        found.append(replace(found[0], inputs=inputs))
    return found[0], found[1], found[2]


# How much more than at its least a size may be, in steps.
MORE = 3

WINDOWS = st.one_of(convolutions(), transposed_convolutions(), pools(), resizes(), samples())
POINTWISE = st.one_of(unary(), binary(), binary(), choices(), clamps(), casts())
AXES = st.one_of(reductions(), along())
PLACES = st.one_of(moves(), moves(), indices())
MIXTURES = st.one_of(products(), normalizations(), quantized(), recurrent(), chains())
MOVING = moving()
