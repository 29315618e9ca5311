/* Element-wise functions of float32 with WebAssembly SIMD. */
#include "../vector/elementwise.h"
#include "wasm.h"

#include "../vector/elementwise.inc"
