/* Fixed-point rescaling of sums with NEON. */
#include "quant_neon.h"

#include "../vector/quant_rounding.inc"
