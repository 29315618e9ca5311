/* Element-wise functions of float32 with AVX-512. */
#include "../vector/elementwise.h"
#include "avx512.h"

#include "../vector/elementwise.inc"
