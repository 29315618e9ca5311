/* Depthwise convolutions of float32 with AVX-512. */
#include "../prototypes.h"
#include "../tiled/depthwise.h"
#include "avx512.h"

#define DEPTHWISE_SIZES(SIZE) SIZE(5) SIZE(7)
#include "../tiled/depthwise.inc"

bool smr_depthwise_takes_avx512(const smr_node *node) {
    return smr_depthwise_takes(node, SMR_DTYPE_FLOAT32, VECTOR_LANES);
}

smr_status smr_prepare_depthwise_conv2d_avx512(smr_node *node, smr_error *error) {
    return depthwise_prepare(node, error);
}
