/* Pooling of float16 with NEON of 64-bit ARM, computed as float32. */
#include "../vector/pool.h"

#if defined(SMR_KERNELS_ARM64)
#include "neon_half.h"

#include "../vector/pool.inc"

#endif
