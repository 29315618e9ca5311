/* Pooling of float32 with WebAssembly SIMD. */
#include "../vector/pool.h"
#include "wasm.h"

#include "../vector/pool.inc"
