/* Between real numbers and integers, and tables of bytes, with AVX-512. */
#include "quant_avx512.h"

#include "../vector/quant_convert.inc"
