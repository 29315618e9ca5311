/* Means, largest numbers and softmax of int8 with SIMD128. */
#include "quant_wasm.h"

#include "../vector/quant_reduce.inc"
