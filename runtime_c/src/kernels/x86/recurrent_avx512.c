/* Recurrent layers with AVX-512. */
#include "../prototypes.h"
#include "../tiled/recurrent_alone.h"
#include "avx512.h"

#define RECURRENT_TILES      smr_product_avx512
#define RECURRENT_HALF_TILES smr_product_mixed_avx512
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(avx512)
RECURRENT_PREPARE_HALVES(avx512)
