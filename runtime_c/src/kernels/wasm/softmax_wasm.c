/* Softmax of float32 with WebAssembly. */
#include "../prototypes.h"
#include "wasm.h"

#include "../vector/softmax.inc"

SOFTMAX_KERNELS(wasm)
