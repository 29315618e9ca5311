/* Element-wise functions of many steps with AVX-512: those that networks have, of which AVX2 has all. */
#include "../vector/elementwise.h"
#include "avx512.h"

#define ELEMENTWISE_LONG_COMMON
#include "../vector/elementwise_long.inc"
