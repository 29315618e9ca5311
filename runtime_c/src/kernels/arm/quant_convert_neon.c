/* Between real numbers and integers, and tables of bytes, with NEON. */
#include "quant_neon.h"

#include "../vector/quant_convert.inc"
