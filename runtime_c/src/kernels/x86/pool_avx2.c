/* Pooling of float32 with AVX2 and FMA. */
#include "../vector/pool.h"
#include "avx2.h"

#include "../vector/pool.inc"
