"""What the tables of a `.tflite` file hold, as far as they are read.

A table is a line: its fields in the order of the schema, `name:type` or `name:type=default`. Types are numbers by
their numpy names, `string`, names of tables, enumerations (a name from `ENUMERATIONS`), `union`, which the number
before it decides, and vectors, `[type]`. `-` is a field that nothing here reads.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLES = {
    "Model": "version:uint32 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string buffers:[Buffer] - "
    "metadata:[Metadata] signature_defs:[SignatureDef]",
    "OperatorCode": "deprecated_builtin_code:int8 custom_code:string version:int32=1 builtin_code:int32",
    "SubGraph": "tensors:[Tensor] inputs:[int32] outputs:[int32] operators:[Operator] name:string",
    "Tensor": "shape:[int32] type:int8 buffer:uint32 name:string quantization:QuantizationParameters is_variable:bool "
    "sparsity:SparsityParameters shape_signature:[int32] has_rank:bool - external_buffer:uint32",
    "QuantizationParameters": "- - scale:[float32] zero_point:[int64] details_type:uint8 - quantized_dimension:int32",
    "SparsityParameters": "traversal_order:[int32] block_map:[int32] dim_metadata:[DimensionMetadata]",
    "DimensionMetadata": "format:int8 dense_size:int32 array_segments_type:uint8 array_segments:union "
    "array_indices_type:uint8 array_indices:union",
    "Int32Vector": "values:[int32]",
    "Uint16Vector": "values:[uint16]",
    "Uint8Vector": "values:[uint8]",
    "Operator": "opcode_index:uint32 inputs:[int32] outputs:[int32] builtin_options_type:uint8 builtin_options:union "
    "custom_options:[uint8] custom_options_format:int8 mutating_variable_inputs:[bool] intermediates:[int32] - - "
    "builtin_options2_type:uint8 builtin_options2:union",
    "Buffer": "data:[uint8] offset:uint64 size:uint64",
    "Metadata": "name:string buffer:uint32",
    "SignatureDef": "inputs:[TensorMap] outputs:[TensorMap] signature_key:string - subgraph_index:uint32",
    "TensorMap": "name:string tensor_index:uint32",
    # Options of nodes.
    "AddOptions": "fused_activation_function:Activation",
    "ArgMaxOptions": "output_type:int8",
    "ArgMinOptions": "output_type:int8",
    "BatchMatMulOptions": "adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool",
    "BidirectionalSequenceLSTMOptions": "fused_activation_function:Activation cell_clip:float32 proj_clip:float32 "
    "merge_outputs:bool time_major:bool=1 asymmetric_quantize_inputs:bool",
    "BidirectionalSequenceRNNOptions": "time_major:bool fused_activation_function:Activation merge_outputs:bool "
    "asymmetric_quantize_inputs:bool",
    "BucketizeOptions": "boundaries:[float32]",
    "CallOnceOptions": "init_subgraph_index:int32",
    "CallOptions": "subgraph:uint32",
    "CastOptions": "in_data_type:int8 out_data_type:int8",
    "ConcatenationOptions": "axis:int32 fused_activation_function:Activation",
    "Conv2DOptions": "padding:Padding stride_w:int32 stride_h:int32 fused_activation_function:Activation "
    "dilation_w_factor:int32=1 dilation_h_factor:int32=1",
    "Conv3DOptions": "padding:Padding stride_d:int32 stride_w:int32 stride_h:int32 "
    "fused_activation_function:Activation dilation_d_factor:int32=1 dilation_w_factor:int32=1 "
    "dilation_h_factor:int32=1",
    "CumsumOptions": "exclusive:bool reverse:bool",
    "DepthToSpaceOptions": "block_size:int32",
    "DepthwiseConv2DOptions": "padding:Padding stride_w:int32 stride_h:int32 depth_multiplier:int32 "
    "fused_activation_function:Activation dilation_w_factor:int32=1 dilation_h_factor:int32=1",
    "DivOptions": "fused_activation_function:Activation",
    "EmbeddingLookupSparseOptions": "combiner:int8",
    "FakeQuantOptions": "min:float32 max:float32 num_bits:int32 narrow_range:bool",
    "FullyConnectedOptions": "fused_activation_function:Activation weights_format:WeightsFormat keep_num_dims:bool "
    "asymmetric_quantize_inputs:bool",
    "GatherOptions": "axis:int32 batch_dims:int32",
    "GeluOptions": "approximate:bool",
    "IfOptions": "then_subgraph_index:int32 else_subgraph_index:int32",
    "L2NormOptions": "fused_activation_function:Activation",
    "LSTMOptions": "fused_activation_function:Activation cell_clip:float32 proj_clip:float32 kernel_type:LSTMKernel "
    "asymmetric_quantize_inputs:bool",
    "LeakyReluOptions": "alpha:float32",
    "LocalResponseNormalizationOptions": "radius:int32 bias:float32 alpha:float32 beta:float32",
    "MirrorPadOptions": "mode:MirrorPadMode",
    "MulOptions": "fused_activation_function:Activation",
    "OneHotOptions": "axis:int32",
    "PackOptions": "values_count:int32 axis:int32",
    "Pool2DOptions": "padding:Padding stride_w:int32 stride_h:int32 filter_width:int32 filter_height:int32 "
    "fused_activation_function:Activation",
    "RNNOptions": "fused_activation_function:Activation asymmetric_quantize_inputs:bool",
    "ReducerOptions": "keep_dims:bool",
    "ReshapeOptions": "new_shape:[int32]",
    "ResizeBilinearOptions": "- - align_corners:bool half_pixel_centers:bool",
    "ResizeNearestNeighborOptions": "align_corners:bool half_pixel_centers:bool",
    "ReverseSequenceOptions": "seq_dim:int32 batch_dim:int32",
    "SVDFOptions": "rank:int32 fused_activation_function:Activation asymmetric_quantize_inputs:bool",
    "SequenceRNNOptions": "time_major:bool fused_activation_function:Activation asymmetric_quantize_inputs:bool",
    "ShapeOptions": "out_type:int8",
    "SoftmaxOptions": "beta:float32",
    "SpaceToDepthOptions": "block_size:int32",
    "SparseToDenseOptions": "validate_indices:bool",
    "SplitOptions": "num_splits:int32",
    "SplitVOptions": "num_splits:int32",
    "SqueezeOptions": "squeeze_dims:[int32]",
    "StableHLOCompositeOptions": "name:string decomposition_subgraph_index:int32",
    "StridedSliceOptions": "begin_mask:int32 end_mask:int32 ellipsis_mask:int32 new_axis_mask:int32 "
    "shrink_axis_mask:int32 offset:bool",
    "SubOptions": "fused_activation_function:Activation",
    "TransposeConvOptions": "padding:Padding stride_w:int32 stride_h:int32 fused_activation_function:Activation",
    "UnidirectionalSequenceLSTMOptions": "fused_activation_function:Activation cell_clip:float32 proj_clip:float32 "
    "time_major:bool asymmetric_quantize_inputs:bool diagonal_recurrent_tensors:bool",
    "UniqueOptions": "idx_out_type:int8=2",
    "UnpackOptions": "num:int32 axis:int32",
    "VarHandleOptions": "container:string shared_name:string",
    "WhileOptions": "cond_subgraph_index:int32 body_subgraph_index:int32",
}

ENUMERATIONS = {
    "Activation": ("none", "relu", "relu_n1_to_1", "relu6", "tanh", "sign_bit"),
    "Padding": ("same", "valid"),
    "WeightsFormat": ("default", "shuffled4x16int8"),
    "LSTMKernel": ("full", "basic"),
    "MirrorPadMode": ("reflect", "symmetric"),
}

# Members of the unions of sparse dimensions, in order from 1.
INDEX_VECTORS = ("Int32Vector", "Uint16Vector", "Uint8Vector")

# The options of each kind of node that has any.
_KINDS = {
    "AddOptions": "ADD",
    "ArgMaxOptions": "ARG_MAX",
    "ArgMinOptions": "ARG_MIN",
    "BatchMatMulOptions": "BATCH_MATMUL",
    "BidirectionalSequenceLSTMOptions": "BIDIRECTIONAL_SEQUENCE_LSTM",
    "BidirectionalSequenceRNNOptions": "BIDIRECTIONAL_SEQUENCE_RNN",
    "BucketizeOptions": "BUCKETIZE",
    "CallOnceOptions": "CALL_ONCE",
    "CallOptions": "CALL",
    "CastOptions": "CAST",
    "ConcatenationOptions": "CONCATENATION",
    "Conv2DOptions": "CONV_2D",
    "Conv3DOptions": "CONV_3D CONV_3D_TRANSPOSE",
    "CumsumOptions": "CUMSUM",
    "DepthToSpaceOptions": "DEPTH_TO_SPACE",
    "DepthwiseConv2DOptions": "DEPTHWISE_CONV_2D",
    "DivOptions": "DIV",
    "EmbeddingLookupSparseOptions": "EMBEDDING_LOOKUP_SPARSE",
    "FakeQuantOptions": "FAKE_QUANT",
    "FullyConnectedOptions": "FULLY_CONNECTED",
    "GatherOptions": "GATHER",
    "GeluOptions": "GELU",
    "IfOptions": "IF",
    "L2NormOptions": "L2_NORMALIZATION",
    "LSTMOptions": "LSTM",
    "LeakyReluOptions": "LEAKY_RELU",
    "LocalResponseNormalizationOptions": "LOCAL_RESPONSE_NORMALIZATION",
    "MirrorPadOptions": "MIRROR_PAD",
    "MulOptions": "MUL",
    "OneHotOptions": "ONE_HOT",
    "PackOptions": "PACK",
    "Pool2DOptions": "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D",
    "RNNOptions": "RNN",
    "ReducerOptions": "MEAN SUM REDUCE_PROD REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL",
    "ReshapeOptions": "RESHAPE",
    "ResizeBilinearOptions": "RESIZE_BILINEAR",
    "ResizeNearestNeighborOptions": "RESIZE_NEAREST_NEIGHBOR",
    "ReverseSequenceOptions": "REVERSE_SEQUENCE",
    "SVDFOptions": "SVDF",
    "SequenceRNNOptions": "UNIDIRECTIONAL_SEQUENCE_RNN",
    "ShapeOptions": "SHAPE",
    "SoftmaxOptions": "SOFTMAX",
    "SpaceToDepthOptions": "SPACE_TO_DEPTH",
    "SparseToDenseOptions": "SPARSE_TO_DENSE",
    "SplitOptions": "SPLIT",
    "SplitVOptions": "SPLIT_V",
    "SqueezeOptions": "SQUEEZE",
    "StableHLOCompositeOptions": "STABLEHLO_COMPOSITE",
    "StridedSliceOptions": "STRIDED_SLICE",
    "SubOptions": "SUB",
    "TransposeConvOptions": "TRANSPOSE_CONV",
    "UnidirectionalSequenceLSTMOptions": "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "UniqueOptions": "UNIQUE",
    "UnpackOptions": "UNPACK",
    "VarHandleOptions": "VAR_HANDLE",
    "WhileOptions": "WHILE",
}
OPTIONS = {kind: table for table, kinds in _KINDS.items() for kind in kinds.split()}


@dataclass(frozen=True)
class Field:
    """A field of a table: its name, its type without brackets, whether it is a vector, its default."""

    name: str
    type: str
    vector: bool
    default: float


def _field(text: str) -> Field | None:
    if text == "-":
        return None
    name, _, rest = text.partition(":")
    kind, _, default = rest.partition("=")
    vector = kind.startswith("[")
    return Field(name, kind.strip("[]"), vector, float(default or 0))


FIELDS = {table: tuple(_field(f) for f in text.split()) for table, text in TABLES.items()}

__all__ = ["ENUMERATIONS", "FIELDS", "INDEX_VECTORS", "OPTIONS", "TABLES", "Field"]
