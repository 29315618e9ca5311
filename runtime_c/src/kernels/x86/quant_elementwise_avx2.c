/* Sums and products of int8 tensors with AVX2. */
#include "quant_avx2.h"

#include "../vector/quant_elementwise.inc"
