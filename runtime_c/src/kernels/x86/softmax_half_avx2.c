/* Softmax and its logarithm of float16 with AVX2 and F16C, computed as float32. */
#include "../prototypes.h"
#include "avx2_half.h"

#include "../vector/softmax.inc"

SOFTMAX_KERNELS(half_avx2)
