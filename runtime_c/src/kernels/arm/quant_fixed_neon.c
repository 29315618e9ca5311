/* Fixed-point sums, products and rescaling of bytes with NEON. */
#include "quant_neon.h"

#include "../vector/quant_fixed.inc"
