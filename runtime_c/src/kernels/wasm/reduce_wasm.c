/* Sums, means and extremes of float32 along axes with WebAssembly SIMD. */
#include <math.h>

#include "../vector/reduce.h"
#include "wasm.h"

#include "../vector/reduce.inc"
