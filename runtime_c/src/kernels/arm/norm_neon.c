/* Normalizations of rows of float32 with NEON. */
#include "../prototypes.h"
#include "neon.h"

#include "../vector/norm.inc"

NORM_KERNELS(neon)
