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
    .panels = 1, .panels_alone = 3, .pixels = {3, 1, 1}, .function = product_table};

smr_status smr_prepare_conv2d_wasm(smr_node *node, smr_error *error) {
    return smr_product_prepare_conv2d(node, &smr_product_wasm, error);
}

smr_status smr_prepare_matmul_wasm(smr_node *node, smr_error *error) {
    return smr_product_prepare_matmul(node, &smr_product_wasm, error);
}
