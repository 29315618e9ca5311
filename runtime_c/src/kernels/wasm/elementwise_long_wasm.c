/* Element-wise functions of many steps with WebAssembly SIMD. */
#include "../vector/elementwise.h"
#include "wasm.h"

#include "../vector/elementwise_long.inc"
