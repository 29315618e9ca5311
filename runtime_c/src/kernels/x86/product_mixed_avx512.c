/* Products of float32 numbers and float16 weights with AVX-512, for recurrent layers: weights are widened as
 * they are loaded. */
#include "../tiled/product.h"
#include "avx512.h"

#define PRODUCT_WEIGHT             2
#define PRODUCT_LOAD_WEIGHTS(from) VECTOR_LOAD_HALF((const uint16_t *)(const void *)(from))
/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) TILE(1, 13) TILE(1, 14) \
    TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_mixed_avx512 = {
    .panels = 1, .panels_alone = 4, .pixels = {14, 1, 1, 1}, .function = tile_table};
