/* Winograd convolutions of float32 with AVX-512. */
#include "../prototypes.h"
#include "../tiled/winograd.h"
#include "avx512.h"

#include "../generic/winograd.inc"

static void winograd_multiply(const smr_winograd_product *product) {
    smr_winograd_multiply(&smr_product_avx512, product);
}

bool smr_winograd_takes_avx512(const smr_node *node) {
    return smr_winograd_takes(node, VECTOR_LANES);
}

smr_status smr_prepare_winograd_conv2d_avx512(smr_node *node, smr_error *error) {
    static const smr_winograd_functions functions = {winograd_spread, winograd_multiply, winograd_gather};
    return smr_winograd_prepare(node, &functions, error);
}
