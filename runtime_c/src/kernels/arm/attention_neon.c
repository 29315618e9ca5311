/* Attention with NEON. */
#include "../generic/attention.h"
#include "../prototypes.h"
#include "neon.h"

#define ATTENTION_ROWS    6
#define ATTENTION_LESS    2
#define ATTENTION_VECTORS 8
#include "../vector/attention.inc"

ATTENTION_PREPARE(neon)
