/* Products of float32 with NEON: up to 24 of the 32 registers hold sums. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "neon.h"

/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) \
    TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_neon = {
    .panels = 1, .panels_alone = 4, .pixels = {6, 1, 1, 1}, .function = product_table};

smr_status smr_prepare_conv2d_neon(smr_node *node, smr_error *error) {
    return smr_product_prepare_conv2d(node, &smr_product_neon, error);
}

smr_status smr_prepare_matmul_neon(smr_node *node, smr_error *error) {
    return smr_product_prepare_matmul(node, &smr_product_neon, error);
}
