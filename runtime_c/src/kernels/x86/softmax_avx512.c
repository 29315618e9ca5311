/* Softmax of float32 with AVX-512. */
#include "../prototypes.h"
#include "avx512.h"

#include "../vector/softmax.inc"

SOFTMAX_KERNELS(avx512)
