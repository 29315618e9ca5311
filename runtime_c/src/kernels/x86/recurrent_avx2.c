/* Recurrent layers of float32 with AVX2. */
#include "../prototypes.h"
#include "../tiled/recurrent.h"
#include "avx2.h"

#define RECURRENT_TILES smr_product_avx2
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(lstm, avx2)
RECURRENT_PREPARE(gru, avx2)
RECURRENT_PREPARE(rnn, avx2)
