/* float16 to and from float32 with NEON of 64-bit ARM. */
#include "../vector/halves.h"

#include "../prototypes.h"

#if defined(SMR_KERNELS_ARM64)
#include <arm_neon.h>

static inline void halves_widen_vector(const uint16_t *from, float *to) {
    const float16x8_t x = vreinterpretq_f16_u16(vld1q_u16(from));
    vst1q_f32(to, vcvt_f32_f16(vget_low_f16(x)));
    vst1q_f32(to + 4, vcvt_high_f32_f16(x));
}

static inline void halves_narrow_vector(const float *from, uint16_t *to) {
    const float16x4_t low = vcvt_f16_f32(vld1q_f32(from));
    vst1q_u16(to, vreinterpretq_u16_f16(vcvt_high_f16_f32(low, vld1q_f32(from + 4))));
}

#include "../vector/halves.inc"

const smr_halves smr_halves_neon = {halves_widen, halves_narrow};

smr_status smr_prepare_cast_neon(smr_node *node, smr_error *error) {
    return smr_vector_prepare_cast(node, &smr_halves_neon, error);
}

#endif
