/* Resampling along an axis with WebAssembly SIMD. */
#include "quant_wasm.h"

#include "../vector/resample.inc"
