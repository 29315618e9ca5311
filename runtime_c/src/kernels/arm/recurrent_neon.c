/* Recurrent layers of float32 with NEON. */
#include "../prototypes.h"
#include "../tiled/recurrent_alone.h"
#include "neon.h"

#define RECURRENT_TILES smr_product_neon
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(neon)
