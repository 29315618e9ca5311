/* Sums and products of int8 tensors with SIMD128. */
#include "quant_wasm.h"

#include "../vector/quant_elementwise.inc"
