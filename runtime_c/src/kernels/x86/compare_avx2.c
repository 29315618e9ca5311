/* Comparison and logic with AVX2. */
#include "quant_avx2.h"

#include "../vector/compare.inc"
