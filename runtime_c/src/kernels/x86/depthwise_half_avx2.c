/* Depthwise convolutions of float16 with AVX2, FMA and F16C, computed as float32. */
#include "../prototypes.h"
#include "../tiled/depthwise.h"
#include "avx2_half.h"

#define DEPTHWISE_SIZES(SIZE) SIZE(4)
#include "../tiled/depthwise.inc"

bool smr_half_depthwise_takes_avx2(const smr_node *node) {
    return smr_depthwise_takes(node, SMR_DTYPE_FLOAT16, VECTOR_LANES);
}

smr_status smr_prepare_half_depthwise_conv2d_avx2(smr_node *node, smr_error *error) {
    return depthwise_prepare(node, error);
}
