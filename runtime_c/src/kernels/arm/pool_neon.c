/* Pooling of float32 with NEON. */
#include "../vector/pool.h"
#include "neon.h"

#include "../vector/pool.inc"
