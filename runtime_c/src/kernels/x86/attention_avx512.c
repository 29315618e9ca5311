/* Attention with AVX-512. */
#include "../generic/attention.h"
#include "../prototypes.h"
#include "avx512.h"

#define ATTENTION_ROWS    16
#define ATTENTION_LESS    4
#define ATTENTION_VECTORS 8
#include "../vector/attention.inc"

ATTENTION_PREPARE(avx512)
