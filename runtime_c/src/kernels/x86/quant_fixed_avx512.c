/* Fixed-point sums, products and rescaling of bytes with AVX-512. */
#include "quant_avx512.h"

#include "../vector/quant_fixed.inc"
