/* Products of float32 numbers and float16 weights with NEON of 64-bit ARM, for recurrent layers: weights are
 * widened as they are loaded. */
#include "../tiled/product.h"

#if defined(SMR_KERNELS_ARM64)
#include "neon.h"

#define PRODUCT_WEIGHT             2
#define PRODUCT_LOAD_WEIGHTS(from) VECTOR_LOAD_HALF((const uint16_t *)(const void *)(from))
/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_mixed_neon = {
    .panels = 1, .panels_alone = 4, .pixels = {5, 1, 1, 1}, .function = tile_table};

#endif
