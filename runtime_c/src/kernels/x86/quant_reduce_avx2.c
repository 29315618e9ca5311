/* Means, largest numbers and softmax of int8 with AVX2. */
#include "quant_avx2.h"

#include "../vector/quant_reduce.inc"
