/* Sums and products of int8 tensors with NEON. */
#include "quant_neon.h"

#include "../vector/quant_elementwise.inc"
