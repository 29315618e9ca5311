/* Choice between two operands with AVX2. */
#include "quant_avx2.h"

#include "../vector/where.inc"
