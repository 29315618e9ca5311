/* Recurrent layers of float32 with WebAssembly. */
#include "../prototypes.h"
#include "../tiled/recurrent.h"
#include "wasm.h"

#define RECURRENT_TILES smr_product_wasm
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(lstm, wasm)
RECURRENT_PREPARE(gru, wasm)
RECURRENT_PREPARE(rnn, wasm)
