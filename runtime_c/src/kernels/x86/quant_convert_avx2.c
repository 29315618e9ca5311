/* Between real numbers and integers, and tables of bytes, with AVX2. */
#include "quant_avx2.h"

#include "../vector/quant_convert.inc"
