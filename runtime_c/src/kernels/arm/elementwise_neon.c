/* Element-wise functions of float32 with NEON. */
#include "../vector/elementwise.h"
#include "neon.h"

#include "../vector/elementwise.inc"
