/* Resampling along an axis with AVX-512. */
#include "quant_avx512.h"

#include "../vector/resample.inc"
