/* Attention with WebAssembly. */
#include "../generic/attention.h"
#include "../prototypes.h"
#include "wasm.h"

#define ATTENTION_ROWS    2
#define ATTENTION_LESS    2
#define ATTENTION_VECTORS 4
#include "../vector/attention.inc"

ATTENTION_PREPARE(wasm)
