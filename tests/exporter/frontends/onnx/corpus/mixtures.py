"""Sums of products, normalization, quantized and recurrent nodes, and chains of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import helper

from tests.exporter.frontends.onnx.corpus._case import (
    FLOAT,
    FLOATS,
    Array,
    Case,
    arrays,
    broadcast_pair,
    case,
    shapes,
    some,
)
from tests.exporter.frontends.onnx.corpus.places import moves
from tests.exporter.frontends.onnx.corpus.windows import convolutions, pools, transposed_convolutions, windows


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
