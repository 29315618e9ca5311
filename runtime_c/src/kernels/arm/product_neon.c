/* Products of float32 with NEON: 20 of the 32 registers hold sums, and numbers of five pixels are in others;
 * 12 of 16 on 32-bit ARM. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "neon.h"

#if defined(SMR_KERNELS_ARM64)
#define PRODUCT_PIXELS             5
#define PRODUCT_WIDER(TILE)        TILE(1, 4) TILE(1, 5)
#define PRODUCT_NARROW_TILES(TILE) TILE(1, 4) TILE(1, 5)
#else
#define PRODUCT_PIXELS 3
#define PRODUCT_WIDER(TILE)
#define PRODUCT_NARROW_TILES(TILE) TILE(1, 3)
#endif

/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) PRODUCT_WIDER(TILE) TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_neon = {.panels = 1,
                                                .panels_alone = 4,
                                                .pixels = {PRODUCT_PIXELS, 1, 1, 1},
                                                .function = tile_table,
                                                .narrow = narrow_table};

SMR_PRODUCT_KERNELS(neon, &smr_product_neon)
