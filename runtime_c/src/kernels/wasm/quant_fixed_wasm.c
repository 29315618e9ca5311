/* Fixed-point sums, products and rescaling of bytes with SIMD128. */
#include "quant_wasm.h"

#include "../vector/quant_fixed.inc"
