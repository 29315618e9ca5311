/* Recurrent layers of float32 with WebAssembly. */
#include "../prototypes.h"
#include "../tiled/recurrent_alone.h"
#include "wasm.h"

#define RECURRENT_TILES smr_product_wasm
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(wasm)
