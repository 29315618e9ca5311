/* Products of float32 with SIMD128: up to 12 of the 16 registers that most processors have hold sums. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "wasm.h"

/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) \
    TILE(2, 1) TILE(3, 1)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_wasm = {
    .panels = 1, .panels_alone = 3, .pixels = {3, 1, 1}, .function = tile_table};

SMR_PRODUCT_KERNELS(wasm, &smr_product_wasm)
