/* Pooling of float32 with AVX-512. */
#include "../vector/pool.h"
#include "avx512.h"

#include "../vector/pool.inc"
