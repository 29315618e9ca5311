/* Element-wise functions of many steps with AVX2 and FMA. */
#include "../vector/elementwise.h"
#include "avx2.h"

#include "../vector/elementwise_long.inc"
