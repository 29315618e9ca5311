/* Depthwise convolutions of float16 with NEON of 64-bit ARM, computed as float32. */
#include "../prototypes.h"
#include "../tiled/depthwise.h"

#if defined(SMR_KERNELS_ARM64)
#include "neon_half.h"

#define DEPTHWISE_SIZES(SIZE) SIZE(4)
#include "../tiled/depthwise.inc"

bool smr_half_depthwise_takes_neon(const smr_node *node) {
    return smr_depthwise_takes(node, SMR_DTYPE_FLOAT16, VECTOR_LANES);
}

smr_status smr_prepare_half_depthwise_conv2d_neon(smr_node *node, smr_error *error) {
    return depthwise_prepare(node, error);
}

#endif
