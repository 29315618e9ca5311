/* Products of float32 with AVX2 and FMA: up to 12 of the 16 registers hold sums. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "avx2.h"

/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) \
    TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
#define PRODUCT_NARROW_TILES(TILE) TILE(1, 4) TILE(1, 5) TILE(1, 6)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_avx2 = {.panels = 1,
                                                .panels_alone = 6,
                                                .pixels = {6, 1, 1, 1, 1, 1},
                                                .function = tile_table,
                                                .narrow = narrow_table};

SMR_PRODUCT_KERNELS(avx2, &smr_product_avx2)
