/* Normalizations of rows of float32 with WebAssembly. */
#include "../prototypes.h"
#include "wasm.h"

#include "../vector/norm.inc"

NORM_KERNELS(wasm)
