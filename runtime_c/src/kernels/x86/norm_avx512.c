/* Normalizations of rows of float32 with AVX-512. */
#include "../prototypes.h"
#include "avx512.h"

#include "../vector/norm.inc"

NORM_KERNELS(avx512)
