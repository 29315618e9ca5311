"""Single nodes in floating point, and those that only move or count, against the reference kernels of LiteRT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.frontends.tflite import handlers
from samara.exporter.frontends.tflite.handlers import _registry
from tests.exporter.frontends.tflite._reference import agree
from tests.exporter.frontends.tflite._writer import Node, T, constant, write

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(20)
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3, "tanh": 4}
SAME, VALID = 0, 1
TYPES = {"float32": 0, "int32": 2, "int64": 4, "bool": 6}


@dataclass(frozen=True)
class C:
    """A constant input."""

    value: Any
    dtype: str = "int32"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A node: arrays are inputs of the model; None is an absent input; outputs are element types."""

    op: str
    inputs: Sequence[Any]
    outputs: Sequence[str] = ("float32",)
    options: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-5
    version: int = 1
    reference: bool = True

    def model(self) -> tuple[bytes, list[Array]]:
        """The file, and what it is run on."""
        tensors: list[T] = []
        given: list[Array] = []
        places = []
        for value in self.inputs:
            if value is None:
                places.append(-1)
                continue
            places.append(len(tensors))
            if isinstance(value, C):
                tensors.append(constant(value.value, value.dtype))
            else:
                tensors.append(T(shape=value.shape, dtype=value.dtype.name))
                given.append(value)
        results = [len(tensors) + i for i in range(len(self.outputs))]
        # The reference works shapes out anew.
        tensors += [T(dtype=d) for d in self.outputs]
        node = Node(
            op=self.op,
            inputs=places,
            outputs=results,
            options=self.options,
            values=self.values,
            version=self.version,
        )
        ends = [p for p, v in zip(places, self.inputs, strict=True) if p >= 0 and not isinstance(v, C)]
        return write(tensors, [node], ends, results), given


def f(*shape: int) -> Array:
    """Normal random numbers."""
    return RANDOM.standard_normal(shape).astype(np.float32)


def w(*shape: int) -> C:
    """Constant weights."""
    return C(f(*shape), "float32")


def whole(low: int, high: int, *shape: int, dtype: str = "int32") -> Array:
    """Random integers."""
    return RANDOM.integers(low, high, shape).astype(dtype)


CASES: dict[str, Case] = {}


def case(name: str, op: str, *inputs: Any, **rest: Any) -> None:
    """Adds a case."""
    values = {k: rest.pop(k) for k in list(rest) if k[0].isupper()}
    assert name not in CASES
    CASES[name] = Case(op=op, inputs=inputs, values=values, **rest)


# Element by element ----------------------------------------------------------------------------------------------

for op in ("ABS", "COS", "EXP", "FLOOR", "HARD_SWISH", "LOGISTIC", "NEG", "RELU", "RELU6"):
    case(op.lower(), op, 3 * f(2, 3, 5))
for op in ("SIGN", "SIN", "SQUARE", "TANH", "RELU_N1_TO_1", "RELU_0_TO_1", "ZEROS_LIKE"):
    case(op.lower(), op, 3 * f(2, 3, 5))
for op in ("LOG", "SQRT", "RSQRT"):
    case(op.lower(), op, np.abs(f(4, 7)) + np.float32(0.01))
for op in ("CEIL", "ELU", "ROUND"):
    case(op.lower(), op, 3 * f(2, 3, 5), reference=False)
case("round_halves", "ROUND", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32), reference=False)
case("abs_int32", "ABS", whole(-9, 9, 5), outputs=("int32",))
case("logical_not", "LOGICAL_NOT", whole(0, 2, 7, dtype="bool"), outputs=("bool",))
for op in ("ADD", "SUB", "MUL", "DIV"):
    options = f"{op.capitalize()}Options"
    for activation, number in ACTIVATIONS.items():
        if activation != "tanh":
            case(
                f"{op.lower()}_{activation}", op, 4 * f(2, 3, 5), 4 * f(2, 3, 5), options=options,
                FusedActivationFunction=number,
            )  # fmt: skip
    case(f"{op.lower()}_scalar", op, f(2, 3), C(2.5, "float32"), options=options)
    case(f"{op.lower()}_broadcast", op, f(2, 1, 3, 4), f(3, 1), options=options)
    case(f"{op.lower()}_int32", op, whole(-99, 99, 6), whole(1, 9, 6), outputs=("int32",), options=options)
case("add_rank_6", "ADD", f(1, 2, 1, 2, 1, 3), f(2, 1, 2, 1, 2, 1), options="AddOptions")
case("add_empty", "ADD", f(0, 3), f(1, 3), options="AddOptions")
case("add_int64", "ADD", whole(-9, 9, 6, dtype="int64"), whole(1, 9, 1, dtype="int64"), outputs=("int64",),
     options="AddOptions")  # fmt: skip
for op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"):
    case(op.lower(), op, 5 * f(3, 4), 5 * f(4))
case("atan2", "ATAN2", f(3, 4), f(3, 4))
case("pow", "POW", np.abs(f(3, 4)), f(4), options="PowOptions")
for op in ("FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "SQUARED_DIFFERENCE"):
    case(f"{op.lower()}_int32", op, whole(-20, 20, 40), C(whole(3, 7, 40)), outputs=("int32",))
case("pow_int32", "POW", whole(-4, 4, 9), C(whole(0, 5, 9)), outputs=("int32",), options="PowOptions")
for op in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
    case(
        op.lower(),
        op,
        whole(0, 3, 4, 5).astype(np.float32),
        whole(0, 3, 5).astype(np.float32),
        outputs=("bool",),
    )
    case(
        f"{op.lower()}_int64",
        op,
        whole(0, 3, 9, dtype="int64"),
        whole(0, 3, 9, dtype="int64"),
        outputs=("bool",),
    )
for op in ("LOGICAL_AND", "LOGICAL_OR"):
    case(op.lower(), op, whole(0, 2, 3, 4, dtype="bool"), whole(0, 2, 4, dtype="bool"), outputs=("bool",))
case("bitwise_xor", "BITWISE_XOR", whole(-99, 99, 8), whole(-99, 99, 8), outputs=("int32",))
case("right_shift", "RIGHT_SHIFT", whole(-999, 999, 8), whole(0, 9, 8), outputs=("int32",))
case("add_n", "ADD_N", f(3, 4), f(3, 4), f(3, 4))
case("leaky_relu", "LEAKY_RELU", f(3, 4), options="LeakyReluOptions", Alpha=0.3)
case("prelu", "PRELU", f(2, 3, 4, 5), w(1, 1, 5))
case("gelu", "GELU", 2 * f(30), options="GeluOptions", Approximate=False)
case("gelu_tanh", "GELU", 2 * f(30), options="GeluOptions", Approximate=True)
case("cast_down", "CAST", 9 * f(9), outputs=("int32",), options="CastOptions", InDataType=0, OutDataType=2)
case("cast_up", "CAST", whole(-9, 9, 9, dtype="int64"), options="CastOptions", InDataType=4, OutDataType=0)
case("cast_bool", "CAST", whole(0, 2, 9, dtype="bool"), options="CastOptions", InDataType=6, OutDataType=0)
case("select", "SELECT", whole(0, 2, 3, 4, dtype="bool"), f(3, 4), f(3, 4))
case("select_rows", "SELECT", whole(0, 2, 3, dtype="bool"), f(3, 4, 2), f(3, 4, 2))
case("select_v2", "SELECT_V2", whole(0, 2, 4, dtype="bool"), f(3, 1), f(1, 4))
case("fake_quant", "FAKE_QUANT", 3 * f(40), options="FakeQuantOptions", Min=-2.1, Max=3.3, NumBits=8)
case("bucketize", "BUCKETIZE", 4 * f(5, 3), outputs=("int32",), options="BucketizeOptions",
     Boundaries=np.array([-2, 0, 1.5], np.float32))  # fmt: skip
case("dequantize_half", "DEQUANTIZE", C(f(3, 4), "float16"))

# Convolutions, products and pools -------------------------------------------------------------------------------

for padding in (SAME, VALID):
    for stride in (1, 2, 3):
        for size in (7, 8):
            name = f"{'same' if padding == SAME else 'valid'}_{stride}_{size}"
            window = {"Padding": padding, "StrideW": stride, "StrideH": stride}
            case(f"conv_2d_{name}", "CONV_2D", f(2, size, size + 2, 3), w(4, 3, 3, 3), w(4), options="Conv2DOptions",
                 **window)  # fmt: skip
            case(f"depthwise_{name}", "DEPTHWISE_CONV_2D", f(2, size, size + 2, 3), w(1, 3, 2, 6), w(6),
                 options="DepthwiseConv2DOptions", DepthMultiplier=2, **window)  # fmt: skip
            pool = {**window, "FilterWidth": 2, "FilterHeight": 3}
            for kind in ("MAX", "AVERAGE", "L2"):
                case(f"{kind.lower()}_pool_{name}", f"{kind}_POOL_2D", f(2, size, size + 2, 3), options="Pool2DOptions",
                     **pool)  # fmt: skip
for activation, number in ACTIVATIONS.items():
    if activation == "tanh":
        continue
    after = {"FusedActivationFunction": number}
    case(f"conv_2d_{activation}", "CONV_2D", f(1, 5, 5, 2), w(3, 1, 1, 2), w(3), options="Conv2DOptions", StrideW=1,
         StrideH=1, **after)  # fmt: skip
    case(f"depthwise_{activation}", "DEPTHWISE_CONV_2D", f(1, 5, 5, 2), w(1, 3, 3, 2), w(2),
         options="DepthwiseConv2DOptions", StrideW=1, StrideH=1, DepthMultiplier=1, **after)  # fmt: skip
    case(f"fully_connected_{activation}", "FULLY_CONNECTED", f(3, 5), w(4, 5), w(4), options="FullyConnectedOptions",
         **after)  # fmt: skip
    case(f"max_pool_{activation}", "MAX_POOL_2D", 4 * f(1, 4, 4, 2), options="Pool2DOptions", StrideW=2, StrideH=2,
         FilterWidth=2, FilterHeight=2, Padding=VALID, **after)  # fmt: skip
case(
    "conv_2d_strides",
    "CONV_2D",
    f(1, 9, 8, 2),
    w(3, 3, 2, 2),
    w(3),
    options="Conv2DOptions",
    StrideW=1,
    StrideH=3,
)
case("conv_2d_dilated", "CONV_2D", f(1, 9, 10, 2), w(3, 3, 3, 2), w(3), options="Conv2DOptions", StrideW=1, StrideH=1,
     DilationWFactor=2, DilationHFactor=3)  # fmt: skip
case(
    "conv_2d_grouped",
    "CONV_2D",
    f(1, 6, 6, 4),
    w(6, 3, 3, 2),
    w(6),
    options="Conv2DOptions",
    StrideW=1,
    StrideH=1,
)
case("conv_2d_weights_computed", "CONV_2D", f(1, 6, 6, 4), f(6, 3, 3, 4), f(6), options="Conv2DOptions", StrideW=1,
     StrideH=1)  # fmt: skip
case("depthwise_dilated", "DEPTHWISE_CONV_2D", f(1, 9, 10, 2), w(1, 3, 3, 2), w(2), options="DepthwiseConv2DOptions",
     StrideW=1, StrideH=1, DepthMultiplier=1, DilationWFactor=2, DilationHFactor=2)  # fmt: skip
for padding, sizes in ((SAME, (1, 8, 6, 3)), (VALID, (1, 9, 7, 3))):
    case(f"transpose_conv_{padding}", "TRANSPOSE_CONV", C(sizes), w(3, 3, 3, 2), f(1, 4, 3, 2),
         options="TransposeConvOptions", Padding=padding, StrideW=2, StrideH=2)  # fmt: skip
case("transpose_conv_bias", "TRANSPOSE_CONV", C((2, 5, 5, 3)), w(3, 2, 4, 2), f(2, 5, 5, 2), w(3),
     options="TransposeConvOptions", Padding=SAME, StrideW=1, StrideH=1)  # fmt: skip
case("fully_connected_no_bias", "FULLY_CONNECTED", f(3, 5), w(4, 5), None, options="FullyConnectedOptions")
case(
    "fully_connected_flattens", "FULLY_CONNECTED", f(2, 3, 10), w(4, 5), w(4), options="FullyConnectedOptions"
)
case("fully_connected_keeps", "FULLY_CONNECTED", f(2, 3, 5), w(4, 5), w(4), options="FullyConnectedOptions",
     KeepNumDims=True)  # fmt: skip
case("fully_connected_computed", "FULLY_CONNECTED", f(3, 5), f(4, 5), options="FullyConnectedOptions")
for x, y in ((False, False), (True, False), (False, True), (True, True)):
    case(f"batch_matmul_{int(x)}{int(y)}", "BATCH_MATMUL", f(2, 4, 3) if x else f(2, 3, 4),
         f(2, 5, 4) if y else f(2, 4, 5), options="BatchMatMulOptions", AdjX=x, AdjY=y)  # fmt: skip
case("batch_matmul_broadcast", "BATCH_MATMUL", f(3, 1, 2, 4), w(5, 4, 3), options="BatchMatMulOptions")
for padding in (SAME, VALID):
    window = {"Padding": padding, "StrideD": 2, "StrideW": 1, "StrideH": 2}
    case(
        f"conv_3d_{padding}",
        "CONV_3D",
        f(2, 5, 6, 5, 3),
        w(2, 3, 3, 3, 4),
        w(4),
        options="Conv3DOptions",
        **window,
    )

    sizes = (1, 4, 6, 6, 2) if padding == SAME else (1, 5, 6, 7, 2)
    case(f"conv_3d_transpose_{padding}", "CONV_3D_TRANSPOSE", C(sizes),
         w(3, 2, 3, 2, 3), f(1, 2, 3, 3, 3), w(2), options="Conv3DOptions", Padding=padding, StrideD=2, StrideW=2,
         StrideH=2)  # fmt: skip

# Shapes and places -----------------------------------------------------------------------------------------------

case("reshape", "RESHAPE", f(2, 3, 4), C((4, -1)), options="ReshapeOptions", NewShape=[4, -1])
case("reshape_by_option", "RESHAPE", f(2, 3, 4), options="ReshapeOptions", NewShape=[6, 4])
case("reshape_to_scalar", "RESHAPE", f(1, 1), C(np.zeros(0)), options="ReshapeOptions", NewShape=[])
case("squeeze", "SQUEEZE", f(1, 3, 1, 2), options="SqueezeOptions", SqueezeDims=[0, -2])
case("squeeze_all", "SQUEEZE", f(1, 3, 1, 2), options="SqueezeOptions", SqueezeDims=[])
case("expand_dims", "EXPAND_DIMS", f(3, 2), C(-1), options="ExpandDimsOptions")
case("transpose", "TRANSPOSE", f(2, 3, 4, 5), C((2, 0, 3, 1)))
case("transpose_rank_6", "TRANSPOSE", f(2, 1, 3, 2, 1, 2), C((5, 3, 1, 0, 2, 4)))
for axis in (0, 1, -1):
    case(f"concatenation_{axis}", "CONCATENATION", f(2, 3, 4), f(2, 3, 4), w(2, 3, 4), options="ConcatenationOptions",
         Axis=axis)  # fmt: skip
    case(f"pack_{axis}", "PACK", f(2, 3), f(2, 3), options="PackOptions", ValuesCount=2, Axis=axis)
    case(
        f"unpack_{axis}",
        "UNPACK",
        f(2, 2, 2),
        outputs=("float32",) * 2,
        options="UnpackOptions",
        Num=2,
        Axis=axis,
    )
    case(
        f"split_{axis}",
        "SPLIT",
        C(axis),
        f(4, 6, 2),
        outputs=("float32",) * 2,
        options="SplitOptions",
        NumSplits=2,
    )
case(
    "split_v",
    "SPLIT_V",
    f(7, 2),
    C((1, -1, 2)),
    C(0),
    outputs=("float32",) * 3,
    options="SplitVOptions",
    NumSplits=3,
)
case("slice", "SLICE", f(5, 4, 3), C((1, 0, 2)), C((2, -1, 1)), options="SliceOptions")
case("slice_int64", "SLICE", f(5, 4), C((1, 0), "int64"), C((2, 4), "int64"), options="SliceOptions")
case("strided_slice", "STRIDED_SLICE", f(5, 6, 3), C((1, -1, 0)), C((4, 0, 2)), C((2, -2, 1)),
     options="StridedSliceOptions", BeginMask=4, EndMask=2)  # fmt: skip
case("strided_slice_shrinks", "STRIDED_SLICE", f(5, 6, 3), C((2, 0)), C((3, 3)), C((1, 1)),
     options="StridedSliceOptions", ShrinkAxisMask=1)  # fmt: skip
case("strided_slice_new_axis", "STRIDED_SLICE", f(5, 6), C((0, 0, 1)), C((5, 0, 4)), C((1, 1, 1)),
     options="StridedSliceOptions", NewAxisMask=2)  # fmt: skip
case("strided_slice_ellipsis", "STRIDED_SLICE", f(3, 4, 5, 2), C((1, 0, 1)), C((3, 0, 2)), C((1, 1, 1)),
     options="StridedSliceOptions", EllipsisMask=2)  # fmt: skip
case(
    "strided_slice_offset",
    "STRIDED_SLICE",
    f(7),
    C((2,)),
    C((3,)),
    C((1,)),
    options="StridedSliceOptions",
    Offset=True,
)
case("tile", "TILE", f(2, 3), C((2, 3)))
case("pad", "PAD", f(1, 3, 2, 2), C(((0, 0), (1, 2), (0, 1), (2, 0))), options="PadOptions")
case("pad_v2", "PADV2", f(3, 2), C(((1, 0), (2, 2))), C(-7.5, "float32"))
for mode in (0, 1):
    case(
        f"mirror_pad_{mode}",
        "MIRROR_PAD",
        f(4, 5),
        C(((2, 1), (3, 0))),
        options="MirrorPadOptions",
        Mode=mode,
    )
case("shape", "SHAPE", f(4, 5), outputs=("int32",), options="ShapeOptions", OutType=2)
case("rank", "RANK", f(4, 5), outputs=("int32",))
case("fill", "FILL", C((3, 2)), np.array(1.5, np.float32), options="FillOptions")
case("broadcast_to", "BROADCAST_TO", f(3, 1), C((2, 3, 4)), version=2)
case("broadcast_args", "BROADCAST_ARGS", C((3, 1)), C((2, 1, 4)), outputs=("int32",))
case("reverse", "REVERSE_V2", f(3, 4, 2), C((1,)))
case("matrix_diag", "MATRIX_DIAG", f(2, 3))
case("matrix_set_diag", "MATRIX_SET_DIAG", f(2, 3, 4), f(2, 3))
case("matrix_set_diag_tall", "MATRIX_SET_DIAG", f(2, 4, 3), f(2, 3))
case("space_to_depth", "SPACE_TO_DEPTH", f(2, 4, 6, 3), options="SpaceToDepthOptions", BlockSize=2)
case("depth_to_space", "DEPTH_TO_SPACE", f(2, 2, 3, 12), options="DepthToSpaceOptions", BlockSize=2)
case("space_to_batch", "SPACE_TO_BATCH_ND", f(2, 3, 4, 2), C((2, 3)), C(((1, 0), (1, 1))))
case("batch_to_space", "BATCH_TO_SPACE_ND", f(12, 2, 2, 3), C((2, 3)), C(((1, 0), (2, 1))))
case("one_hot", "ONE_HOT", whole(-1, 5, 3, 2), C(4), C(2.0, "float32"), C(-1.0, "float32"), options="OneHotOptions",
     Axis=-1)  # fmt: skip
case("one_hot_first", "ONE_HOT", whole(0, 4, 3), C(4), C(1.0, "float32"), C(0.0, "float32"), options="OneHotOptions",
     Axis=0)  # fmt: skip
case("dilate", "DILATE", f(3, 4), C((2, 3)), C(0.5, "float32"))

# Places that are data --------------------------------------------------------------------------------------------

case("gather", "GATHER", f(5, 3, 2), whole(0, 5, 2, 2), options="GatherOptions", Axis=0)
case("gather_axis", "GATHER", f(2, 3, 5), whole(0, 3, 4, dtype="int64"), options="GatherOptions", Axis=1)
case("gather_batch", "GATHER", f(2, 4, 3), whole(0, 4, 2, 2), options="GatherOptions", Axis=1, BatchDims=1)
case("embedding_lookup", "EMBEDDING_LOOKUP", whole(0, 6, 4), w(6, 3))
case("gather_nd", "GATHER_ND", f(4, 3, 2), C(((0, 1), (3, 2))))
case("scatter_nd", "SCATTER_ND", C(((1,), (4,), (1,))), f(3, 2), C((6, 2)))
case("sparse_to_dense", "SPARSE_TO_DENSE", C(((0, 1), (2, 3))), C((3, 4)), f(2), C(0.5, "float32"),
     options="SparseToDenseOptions")  # fmt: skip
case(
    "dynamic_update_slice",
    "DYNAMIC_UPDATE_SLICE",
    f(4, 5),
    f(2, 5),
    whole(1, 3, 2) * np.array([1, 0], np.int32),
)
case("dynamic_update_slice_beyond", "DYNAMIC_UPDATE_SLICE", f(4, 5), f(2, 3), np.array([3, 4], np.int32))
case("reverse_sequence", "REVERSE_SEQUENCE", f(3, 4, 2), np.array([4, 0, 2], np.int32),
     options="ReverseSequenceOptions", SeqDim=1, BatchDim=0)  # fmt: skip
case("segment_sum", "SEGMENT_SUM", f(5, 2), C((0, 0, 1, 2, 2)), reference=False)
for kind in ("SUM", "PROD", "MAX", "MIN"):
    case(f"unsorted_segment_{kind.lower()}", f"UNSORTED_SEGMENT_{kind}", f(5, 2), whole(0, 3, 5), C(4))
case("top_k", "TOPK_V2", f(3, 6), C(2), outputs=("float32", "int32"))
boxes = np.array([[0, 0, 2, 2], [0.2, 0, 2.2, 2], [3, 3, 4, 5], [2.2, 2, 0.1, 0.1], [6, 6, 7, 7]], np.float32)
confidence = np.array([0.7, 0.9, 0.6, 0.8, 0.05], np.float32)
thresholds = (C(0.5, "float32"), C(0.1, "float32"))
case("non_max_suppression_v4", "NON_MAX_SUPPRESSION_V4", boxes, confidence, C(4), *thresholds,
     outputs=("int32", "int32"))  # fmt: skip
case("non_max_suppression_v5", "NON_MAX_SUPPRESSION_V5", boxes, confidence, C(4), *thresholds, C(0.0, "float32"),
     outputs=("int32", "float32", "int32"))  # fmt: skip

case("where", "WHERE", whole(0, 2, 4, 3, dtype="bool"), outputs=("int64",))
case("unique", "UNIQUE", whole(0, 4, 12), outputs=("int32", "int32"), options="UniqueOptions", IdxOutType=2)
case("range", "RANGE", C(1), C(12), C(3), outputs=("int32",))
case("bitcast", "BITCAST", f(3, 2))
case("bitcast_int32", "BITCAST", f(3, 2), outputs=("int32",))
case("bitcast_split", "BITCAST", f(3, 2), outputs=("int16",))
case("bitcast_join", "BITCAST", whole(-9, 9, 3, 4, dtype="int8"), outputs=("int32",))

# Reductions and normalization ------------------------------------------------------------------------------------

for op in ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"):
    for axes, keep in (((1,), False), ((0, -1), True), ((0, 1, 2), False)):
        name = f"{op.lower()}_{len(axes)}{int(keep)}"
        case(name, op, f(3, 4, 5), C(axes), options="ReducerOptions", KeepDims=keep)
    case(f"{op.lower()}_int32", op, whole(-4, 5, 3, 4), C((1,)), outputs=("int32",), options="ReducerOptions")
for op in ("REDUCE_ANY", "REDUCE_ALL"):
    case(
        op.lower(), op, whole(0, 2, 9, 3, dtype="bool"), C((1,)), outputs=("bool",), options="ReducerOptions"
    )
for op in ("ARG_MAX", "ARG_MIN"):
    name = op.title().replace("_", "")
    case(op.lower(), op, f(3, 4, 5), C(1), outputs=("int32",), options=f"{name}Options", OutputType=2)
    case(
        f"{op.lower()}_int64", op, f(3, 4), C(-1), outputs=("int64",), options=f"{name}Options", OutputType=4
    )
for exclusive in (False, True):
    for reverse in (False, True):
        case(f"cumsum_{int(exclusive)}{int(reverse)}", "CUMSUM", f(3, 5), C(1), options="CumsumOptions",
             Exclusive=exclusive, Reverse=reverse)  # fmt: skip
case("softmax", "SOFTMAX", 3 * f(3, 5), options="SoftmaxOptions", Beta=1.0)
case("softmax_beta", "SOFTMAX", 3 * f(2, 3, 5), options="SoftmaxOptions", Beta=0.7)
case("log_softmax", "LOG_SOFTMAX", 3 * f(3, 5))
case("l2_normalization", "L2_NORMALIZATION", f(2, 3, 3, 5), options="L2NormOptions")
case("local_response", "LOCAL_RESPONSE_NORMALIZATION", f(2, 3, 3, 7), options="LocalResponseNormalizationOptions",
     Radius=2, Bias=1.5, Alpha=0.4, Beta=0.6, reference=False)  # fmt: skip

# Images ----------------------------------------------------------------------------------------------------------

for corners, half in ((False, False), (True, False), (False, True)):
    for sizes in ((7, 5), (2, 3), (4, 6), (8, 12)):
        name = f"{int(corners)}{int(half)}_{sizes[0]}x{sizes[1]}"
        values = {"AlignCorners": corners, "HalfPixelCenters": half}
        case(f"resize_bilinear_{name}", "RESIZE_BILINEAR", f(2, 4, 6, 3), C(sizes), options="ResizeBilinearOptions",
             **values)  # fmt: skip
        case(f"resize_nearest_{name}", "RESIZE_NEAREST_NEIGHBOR", f(2, 4, 6, 3), C(sizes),
             options="ResizeNearestNeighborOptions", **values)  # fmt: skip


# Nodes that other tests of this folder are about.
ELSEWHERE = {
    *(
        "ASSIGN_VARIABLE",
        "CALL",
        "CALL_ONCE",
        "IF",
        "READ_VARIABLE",
        "STABLEHLO_COMPOSITE",
        "VAR_HANDLE",
        "WHILE",
    ),
    *("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN", "LSTM", "RNN", "SVDF"),
    *("UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN"),
    *("DENSIFY", "custom:TFLite_Detection_PostProcess"),
}


def test_all_kinds_of_nodes_have_cases() -> None:
    assert {*_registry._HANDLERS, *handlers.CONTROL} - {c.op for c in CASES.values()} == ELSEWHERE


@pytest.mark.parametrize("name", CASES)
def test_a_node_agrees_with_the_reference(name: str, tmp_path: Path) -> None:
    chosen = CASES[name]
    data, given = chosen.model()
    agree(data, tmp_path, [given], tolerance=chosen.tolerance, reference=chosen.reference)
