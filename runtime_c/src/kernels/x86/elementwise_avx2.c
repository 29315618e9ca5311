/* Element-wise functions of float32 with AVX2 and FMA. */
#include "../vector/elementwise.h"
#include "avx2.h"

#include "../vector/elementwise.inc"
