/* Comparison and logic with NEON. */
#include "quant_neon.h"

#include "../vector/compare.inc"
