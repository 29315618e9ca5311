"""Along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.exporter.frontends.onnx.corpus._case import FLOAT, FLOATS, WIDE, Case, arrays, case, ints, shapes

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
