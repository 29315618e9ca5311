/* Choice between two operands with NEON. */
#include "quant_neon.h"

#include "../vector/where.inc"
