/* Depthwise convolutions of float16 with the arithmetic of float16 of ARMv8.2, for files that permit it: of
 * each output all sums are float16. */
#include "../prototypes.h"
#include "../tiled/depthwise.h"

#if defined(SMR_KERNELS_ARM64)
#include <arm_neon.h>

#define VECTOR                       float16x8_t
#define VECTOR_LANES                 8
#define VECTOR_ELEMENT               float16_t
#define VECTOR_LOAD(from)            vld1q_f16(from)
#define VECTOR_STORE(to, x)          vst1q_f16(to, x)
#define VECTOR_ALL(x)                vdupq_n_f16((float16_t)(x))
#define VECTOR_MULTIPLY_ADD(a, b, c) vfmaq_f16(c, a, b)
#define VECTOR_CLAMP(x, least, most) vminq_f16(vmaxq_f16(x, least), most) /* both give NaN for NaN */

#define DEPTHWISE_SIZES(SIZE) SIZE(4)
#include "../tiled/depthwise.inc"

bool smr_half_depthwise_takes_neonfp16(const smr_node *node) {
    return smr_depthwise_takes(node, SMR_DTYPE_FLOAT16, VECTOR_LANES);
}

smr_status smr_prepare_half_depthwise_conv2d_neonfp16(smr_node *node, smr_error *error) {
    return depthwise_prepare(node, error);
}

#endif
