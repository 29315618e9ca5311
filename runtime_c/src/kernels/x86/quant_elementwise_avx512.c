/* Sums and products of int8 tensors with AVX-512. */
#include "quant_avx512.h"

#include "../vector/quant_elementwise.inc"
