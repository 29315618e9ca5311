/* Winograd convolutions of float32 with AVX2. */
#include "../prototypes.h"
#include "avx2.h"

#include "../tiled/winograd.inc"
