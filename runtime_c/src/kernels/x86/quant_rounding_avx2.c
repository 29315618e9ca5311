/* Fixed-point rescaling of sums with AVX2. */
#include "quant_avx2.h"

#include "../vector/quant_rounding.inc"
