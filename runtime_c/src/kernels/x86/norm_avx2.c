/* Normalizations of rows of float32 with AVX2. */
#include "../prototypes.h"
#include "avx2.h"

#include "../vector/norm.inc"

NORM_KERNELS(avx2)
