/* Recurrent layers with NEON. */
#include "../prototypes.h"
#include "../tiled/recurrent_alone.h"
#include "neon.h"

#define RECURRENT_TILES smr_product_neon
#if defined(SMR_KERNELS_ARM64)
#define RECURRENT_HALF_TILES smr_product_mixed_neon
#endif
#include "../vector/recurrent.inc"

RECURRENT_PREPARE(neon)
#if defined(SMR_KERNELS_ARM64)
RECURRENT_PREPARE_HALVES(neon)
#endif
