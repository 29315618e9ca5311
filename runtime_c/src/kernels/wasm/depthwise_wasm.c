/* Depthwise convolutions of float32 with SIMD128. */
#include "../prototypes.h"
#include "../tiled/depthwise.h"
#include "wasm.h"

#include "../tiled/depthwise.inc"

bool smr_depthwise_takes_wasm(const smr_node *node) {
    return smr_depthwise_takes(node, VECTOR_LANES);
}

smr_status smr_prepare_depthwise_conv2d_wasm(smr_node *node, smr_error *error) {
    return smr_depthwise_prepare(node, VECTOR_LANES, depthwise_line, error);
}
