/* Fixed-point rescaling of sums with AVX-512. */
#include "quant_avx512.h"

#include "../vector/quant_rounding.inc"
