/* Means, largest numbers and softmax of int8 with AVX-512. */
#include "quant_avx512.h"

#include "../vector/quant_reduce.inc"
