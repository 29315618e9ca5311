/* Means, largest numbers and softmax of int8 with NEON. */
#include "quant_neon.h"

#include "../vector/quant_reduce.inc"
