/* Winograd convolutions of float32 with NEON. */
#include "../prototypes.h"
#include "neon.h"

#include "../tiled/winograd.inc"
