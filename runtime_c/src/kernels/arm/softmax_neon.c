/* Softmax of float32 with NEON. */
#include "../prototypes.h"
#include "neon.h"

#include "../vector/softmax.inc"

SOFTMAX_KERNELS(neon)
