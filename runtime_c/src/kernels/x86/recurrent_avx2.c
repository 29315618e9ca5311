/* Recurrent layers with AVX2. */
#include "../prototypes.h"
#include "../tiled/recurrent_alone.h"
#include "avx2.h"

#define RECURRENT_TILES      smr_product_avx2
#define RECURRENT_HALF_TILES smr_product_mixed_avx2
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(avx2)
RECURRENT_PREPARE_HALVES(avx2)
