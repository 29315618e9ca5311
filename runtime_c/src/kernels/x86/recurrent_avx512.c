/* Recurrent layers of float32 with AVX-512. */
#include "../prototypes.h"
#include "../tiled/recurrent.h"
#include "avx512.h"

#define RECURRENT_TILES smr_product_avx512
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(lstm, avx512)
RECURRENT_PREPARE(gru, avx512)
RECURRENT_PREPARE(rnn, avx512)
