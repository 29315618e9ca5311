/* Resampling along an axis with AVX2. */
#include "quant_avx2.h"

#include "../vector/resample.inc"
