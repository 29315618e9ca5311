/* Between real numbers and integers, and tables of bytes, with SIMD128. */
#include "quant_wasm.h"

#include "../vector/quant_convert.inc"
