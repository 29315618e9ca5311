/* Fixed-point sums, products and rescaling of bytes with AVX2. */
#include "quant_avx2.h"

#include "../vector/quant_fixed.inc"
