/* Choice between two operands with WebAssembly SIMD. */
#include "quant_wasm.h"

#include "../vector/where.inc"
