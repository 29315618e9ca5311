/* Resampling along an axis with NEON. */
#include "quant_neon.h"

#include "../vector/resample.inc"
