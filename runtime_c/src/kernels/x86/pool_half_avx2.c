/* Pooling of float16 with AVX2 and F16C, computed as float32. */
#include "../vector/pool.h"
#include "avx2_half.h"

#include "../vector/pool.inc"
