"""Models of one node that moves integers, or tells about them, with random shapes and options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.exporter.frontends.tflite._integer_models import (
    Generator,
    Made,
    integer,
    model,
    numbers,
    quantized,
)
from tests.exporter.frontends.tflite._writer import Node, T, constant, write

_DTYPES = ("int8", "uint8", "int16")
_BYTES = ("int8", "uint8")


def several(
    rng: Generator,
    op: str,
    inputs: Sequence[T],
    outputs: Sequence[T],
    options: str = "",
    *,
    version: int = 1,
    **values: Any,
) -> Made:
    """A model of one node with several outputs."""
    count = len(inputs)
    fed = [i for i, t in enumerate(inputs) if t.data is None]
    made = list(range(count, count + len(outputs)))
    node = Node(op=op, inputs=range(count), outputs=made, options=options, values=values, version=version)
    return write([*inputs, *outputs], [node], fed, made), [numbers(rng, inputs[i]) for i in fed]


def _moved(
    rng: Generator, op: str, x: T, shape: Any, *constants: Any, options: str = "", **values: Any
) -> Made:
    """A node whose one output has the scale of its first input; constants are int32."""
    given = [c if isinstance(c, T) else constant(c, "int32") for c in constants]
    return several(rng, op, [x, *given], [replace(x, shape=tuple(shape))], options, **values)


def moving(name: str, kinds: Sequence[str] = _DTYPES) -> Any:
    """Registers a model for each type of integers; `kinds` are those that the reference kernels know."""

    def register(function: Any) -> Any:
        for dtype in kinds:
            model(f"{name}-{dtype}", dtype)(function)
        return function

    return register


@moving("reshape")
def _reshape(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "RESHAPE", quantized(rng, dtype, (2, 3, 4)), (4, 6), [4, -1], options="ReshapeOptions")


@moving("transpose")
def _transpose(rng: Generator, dtype: str) -> Made:
    shape = tuple(integer(rng, 1, 4) for _ in range(integer(rng, 2, 5)))
    order = rng.permutation(len(shape)).tolist()
    return _moved(rng, "TRANSPOSE", quantized(rng, dtype, shape), [shape[i] for i in order], order)


@moving("squeeze")
def _squeeze(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (1, 3, 1, 2))
    return _moved(rng, "SQUEEZE", x, (1, 3, 2), options="SqueezeOptions", SqueezeDims=[2])


@moving("expand-dims")
def _expand_dims(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "EXPAND_DIMS", quantized(rng, dtype, (3, 2)), (3, 1, 2), [1])


@moving("strided-slice")
def _strided_slice(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (6, 5, 4))
    values = {"BeginMask": integer(rng, 0, 7), "EndMask": integer(rng, 0, 7), "ShrinkAxisMask": 0}
    steps = [1, 2, 1]
    if rng.random() < 0.5:
        steps, values["ShrinkAxisMask"] = [-1, 1, 1], 4
    begin, end = ([5, 1, 1], [0, 4, 3]) if steps[0] < 0 else ([1, 0, 1], [5, 4, 3])
    rows = len(range(6)[slice(*_bounds(values, 0, begin, end), steps[0])])
    columns = len(range(5)[slice(*_bounds(values, 1, begin, end), steps[1])])
    depth = len(range(4)[slice(*_bounds(values, 2, begin, end), steps[2])])
    shape = (rows, columns) if values["ShrinkAxisMask"] else (rows, columns, depth)
    return _moved(rng, "STRIDED_SLICE", x, shape, begin, end, steps, options="StridedSliceOptions", **values)


def _bounds(values: Any, axis: int, begin: Any, end: Any) -> tuple[Any, Any]:
    return (
        None if values["BeginMask"] >> axis & 1 else begin[axis],
        None if values["EndMask"] >> axis & 1 else end[axis],
    )


@moving("slice")
def _slice(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "SLICE", quantized(rng, dtype, (4, 5, 3)), (2, 4, 3), [1, 1, 0], [2, -1, 3])


@moving("split")
def _split(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 6, 3))
    parts = [replace(x, shape=(2, 2, 3))] * 3
    return several(rng, "SPLIT", [constant([1], "int32"), x], parts, "SplitOptions", NumSplits=3)


@moving("split-v")
def _split_v(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 6, 3))
    parts = [replace(x, shape=(2, n, 3)) for n in (1, 3, 2)]
    given = [x, constant([1, -1, 2], "int32"), constant(1, "int32")]
    return several(rng, "SPLIT_V", given, parts, "SplitVOptions", NumSplits=3)


@moving("pack")
def _pack(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 3))
    y = replace(x, shape=(2, 2, 3))
    return several(rng, "PACK", [x, x], [y], "PackOptions", ValuesCount=2, Axis=integer(rng, 0, 1))


@moving("unpack")
def _unpack(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 3, 4))
    return several(rng, "UNPACK", [x], [replace(x, shape=(2, 4))] * 3, "UnpackOptions", Num=3, Axis=1)


@moving("gather")
def _gather(rng: Generator, dtype: str) -> Made:
    x, places = quantized(rng, dtype, (5, 4)), rng.integers(0, 4, (2, 3))
    return _moved(rng, "GATHER", x, (5, 2, 3), places, options="GatherOptions", Axis=1)


@moving("gather-nd")
def _gather_nd(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "GATHER_ND", quantized(rng, dtype, (5, 4)), (3,), [[4, 3], [0, 1], [2, 2]])


@moving("tile")
def _tile(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "TILE", quantized(rng, dtype, (2, 3)), (4, 9), [2, 3])


@moving("depth-to-space", _BYTES)
def _depth_to_space(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 2, 3, 8))
    return _moved(rng, "DEPTH_TO_SPACE", x, (2, 4, 6, 2), options="DepthToSpaceOptions", BlockSize=2)


@moving("space-to-depth", _BYTES)
def _space_to_depth(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 4, 6, 2))
    return _moved(rng, "SPACE_TO_DEPTH", x, (2, 2, 3, 8), options="SpaceToDepthOptions", BlockSize=2)


@moving("batch-to-space")
def _batch_to_space(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (8, 2, 3, 2))
    return _moved(rng, "BATCH_TO_SPACE_ND", x, (2, 3, 5, 2), [2, 2], [[1, 0], [0, 1]])


@moving("mirror-pad")
def _mirror_pad(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 4))
    mode = integer(rng, 0, 1)
    return _moved(rng, "MIRROR_PAD", x, (6, 6), [[1, 2], [2, 0]], options="MirrorPadOptions", Mode=mode)


@moving("reverse")
def _reverse(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "REVERSE_V2", quantized(rng, dtype, (3, 4)), (3, 4), [integer(rng, 0, 1)])


@moving("reverse-sequence", ("uint8", "int16"))
def _reverse_sequence(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 5, 3))
    options = {"options": "ReverseSequenceOptions", "SeqDim": 1, "BatchDim": 0}
    return _moved(rng, "REVERSE_SEQUENCE", x, x.shape, [3, 5], **options)


@moving("resize-nearest")
def _resize_nearest(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, integer(rng, 1, 5), integer(rng, 1, 5), 3))
    size, where = [integer(rng, 1, 9), integer(rng, 1, 9)], integer(rng, 0, 2)
    values = {"AlignCorners": where == 1, "HalfPixelCenters": where == 2}
    name = "ResizeNearestNeighborOptions"
    return _moved(rng, "RESIZE_NEAREST_NEIGHBOR", x, (2, *size, 3), size, options=name, **values)


@moving("broadcast-to")
def _broadcast_to(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "BROADCAST_TO", quantized(rng, dtype, (3, 1)), (2, 3, 4), [2, 3, 4], version=3)


@moving("dynamic-update-slice")
def _dynamic_update_slice(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (4, 5))
    part = replace(x, shape=(2, 3))
    return _moved(rng, "DYNAMIC_UPDATE_SLICE", x, x.shape, part, [integer(rng, 0, 3), 1])


@moving("select-v2")
def _select_v2(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 4))
    where = constant(rng.random((3, 1)) < 0.5, "bool")
    y = replace(x, shape=(4,))
    return several(rng, "SELECT_V2", [where, x, y], [x], "SelectV2Options")


@moving("select")
def _select(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 4))
    return several(rng, "SELECT", [constant(rng.random((3, 4)) < 0.5, "bool"), x, x], [x], "SelectOptions")


@moving("scatter-nd", _BYTES)
def _scatter_nd(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 3))
    given = [constant([[3], [1]], "int32"), x, constant([4, 3], "int32")]
    return several(rng, "SCATTER_ND", given, [replace(x, shape=(4, 3))], "ScatterNdOptions")


@moving("matrix-diag")
def _matrix_diag(rng: Generator, dtype: str) -> Made:
    return _moved(rng, "MATRIX_DIAG", quantized(rng, dtype, (2, 3)), (2, 3, 3), options="MatrixDiagOptions")


@moving("matrix-set-diag")
def _matrix_set_diag(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 3, 3))
    return _moved(
        rng, "MATRIX_SET_DIAG", x, x.shape, replace(x, shape=(2, 3)), options="MatrixSetDiagOptions"
    )


@moving("pad-v2")
def _pad_v2(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (2, 3))
    value = replace(x, shape=(1,), data=np.asarray([integer(rng, 0, 127)], dtype))
    return _moved(rng, "PADV2", x, (4, 4), [[1, 1], [0, 1]], value, options="PadV2Options")


@moving("arg-max", _BYTES)
def _arg_max(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 7))
    y = T(shape=(3,), dtype="int32")
    given = [replace(x), constant(-1, "int32")]
    kind = "ARG_MAX" if rng.random() < 0.5 else "ARG_MIN"
    return several(
        rng, kind, given, [y], "ArgMaxOptions" if kind == "ARG_MAX" else "ArgMinOptions", OutputType=2
    )


@moving("top-k")
def _top_k(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 20))
    outputs = [replace(x, shape=(3, 4)), T(shape=(3, 4), dtype="int32")]
    return several(rng, "TOPK_V2", [x, constant(4, "int32")], outputs, "TopKV2Options")


@moving("cast-to-float")
def _cast_to_float(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 7))
    return several(rng, "CAST", [x], [T(shape=(3, 7), dtype="float32")], "CastOptions")


@moving("cast-to-int32")
def _cast_to_int32(rng: Generator, dtype: str) -> Made:
    return several(
        rng, "CAST", [quantized(rng, dtype, (3, 7))], [T(shape=(3, 7), dtype="int32")], "CastOptions"
    )


@moving("shape")
def _shape(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (3, 7))
    return several(rng, "SHAPE", [x], [T(shape=(2,), dtype="int32")], "ShapeOptions", OutType=2)


@moving("rank")
def _rank(rng: Generator, dtype: str) -> Made:
    return several(rng, "RANK", [quantized(rng, dtype, (3, 7))], [T(dtype="int32")], "RankOptions")


@moving("one-hot", _BYTES)
def _one_hot(rng: Generator, dtype: str) -> Made:
    on = quantized(rng, dtype, ())
    given = [
        constant(rng.integers(0, 4, (3,)), "int32"),
        constant(4, "int32"),
        replace(on, data=np.asarray(7, dtype)),
        replace(on, data=np.asarray(3, dtype)),
    ]
    given[0] = T(shape=(3,), dtype="int32")
    content, _ = several(rng, "ONE_HOT", given, [replace(on, shape=(3, 4))], "OneHotOptions", Axis=-1)
    return content, [rng.integers(0, 4, (3,)).astype("int32")]


@moving("fill")
def _fill(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, ())
    return several(rng, "FILL", [constant([2, 3], "int32"), x], [replace(x, shape=(2, 3))], "FillOptions")


@moving("embedding-lookup")
def _embedding_lookup(rng: Generator, dtype: str) -> Made:
    x = quantized(rng, dtype, (5, 4))
    table = replace(x, data=numbers(rng, x))
    content, _ = several(
        rng, "EMBEDDING_LOOKUP", [T(shape=(3,), dtype="int32"), table], [replace(x, shape=(3, 4))]
    )
    return content, [rng.integers(0, 5, (3,)).astype("int32")]
