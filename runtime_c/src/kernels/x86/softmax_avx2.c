/* Softmax of float32 with AVX2. */
#include "../prototypes.h"
#include "avx2.h"

#include "../vector/softmax.inc"

SOFTMAX_KERNELS(avx2)
