/* Depthwise convolutions of float32 with SIMD128. */
#include "../prototypes.h"
#include "../tiled/depthwise.h"
#include "wasm.h"

#define DEPTHWISE_SIZES(SIZE) SIZE(4)
#include "../tiled/depthwise.inc"

bool smr_depthwise_takes_wasm(const smr_node *node) {
    return smr_depthwise_takes(node, SMR_DTYPE_FLOAT32, VECTOR_LANES);
}

smr_status smr_prepare_depthwise_conv2d_wasm(smr_node *node, smr_error *error) {
    return depthwise_prepare(node, error);
}
