/* Winograd convolutions of float32 with WebAssembly SIMD. */
#include "../prototypes.h"
#include "wasm.h"

#include "../tiled/winograd.inc"
