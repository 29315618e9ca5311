/* Winograd convolutions of float32 with AVX-512. */
#include "../prototypes.h"
#include "avx512.h"

#include "../tiled/winograd.inc"
