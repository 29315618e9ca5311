/* Recurrent layers of float32 with NEON. */
#include "../prototypes.h"
#include "../tiled/recurrent.h"
#include "neon.h"

#define RECURRENT_TILES smr_product_neon
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(lstm, neon)
RECURRENT_PREPARE(gru, neon)
RECURRENT_PREPARE(rnn, neon)
