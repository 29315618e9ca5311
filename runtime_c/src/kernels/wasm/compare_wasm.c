/* Comparison and logic with WebAssembly SIMD. */
#include "quant_wasm.h"

#include "../vector/compare.inc"
