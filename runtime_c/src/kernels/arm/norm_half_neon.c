/* Normalizations of rows of float16 with NEON of 64-bit ARM, computed as float32. */
#include "../prototypes.h"

#if defined(SMR_KERNELS_ARM64)
#include "neon_half.h"

#include "../vector/norm.inc"

NORM_KERNELS(half_neon)
#endif
