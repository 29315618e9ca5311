/* Element-wise functions of many steps with NEON. */
#include "../vector/elementwise.h"
#include "neon.h"

#include "../vector/elementwise_long.inc"
