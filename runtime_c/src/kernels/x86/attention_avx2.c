/* Attention with AVX2. */
#include "../generic/attention.h"
#include "../prototypes.h"
#include "avx2.h"

#define ATTENTION_ROWS    6
#define ATTENTION_LESS    2
#define ATTENTION_VECTORS 8
#include "../vector/attention.inc"

ATTENTION_PREPARE(avx2)
