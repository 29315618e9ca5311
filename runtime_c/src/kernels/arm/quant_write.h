/* Requantization of four sums with NEON. */
#ifndef SMR_ARM_QUANT_WRITE_H
#define SMR_ARM_QUANT_WRITE_H

#include <arm_neon.h>

#include "../generic/quant.h"

typedef struct quant_limits {
    float32x4_t low, high;
    int16x8_t zero_point;
    int8x16_t least, largest;
} quant_limits;

static inline quant_limits quant_limits_of(const quant_output *range) {
    const quant_limits limits = {vdupq_n_f32(range->low), vdupq_n_f32(range->high),
                                 vdupq_n_s16((int16_t)range->zero_point), vdupq_n_s8((int8_t)range->least),
                                 vdupq_n_s8((int8_t)range->largest)};
    return limits;
}

/* As quant_round: ARMv7 has no conversion to the nearest. */
static inline int16x4_t quant_scale(int32x4_t sums, const float *multiplier, const quant_limits *limits) {
    const float32x4_t scaled = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(multiplier));
    const float32x4_t value = vminq_f32(vmaxq_f32(scaled, limits->low), limits->high);
    const int32x4_t bits = vreinterpretq_s32_f32(vaddq_f32(value, vdupq_n_f32(12582912.0f)));
    return vqmovn_s32(vsubq_s32(bits, vdupq_n_s32(0x4B400000)));
}

/* Requantizes the sums of 8 outputs and of 8 more: see quant_requantize. */
static inline int8x16_t quant_narrow_four(int32x4_t first, int32x4_t second, const float *multiplier,
                                          int32x4_t third, int32x4_t fourth, const float *more,
                                          quant_limits limits) {
    const int16x8_t low =
        vcombine_s16(quant_scale(first, multiplier, &limits), quant_scale(second, multiplier + 4, &limits));
    const int16x8_t high =
        vcombine_s16(quant_scale(third, more, &limits), quant_scale(fourth, more + 4, &limits));
    const int8x16_t bytes = vcombine_s8(vqmovn_s16(vqaddq_s16(low, limits.zero_point)),
                                        vqmovn_s16(vqaddq_s16(high, limits.zero_point)));
    return vmaxq_s8(vminq_s8(bytes, limits.largest), limits.least);
}

/* Of 16 outputs that lie side by side. */
static inline void quant_write_four(int32x4_t first, int32x4_t second, int32x4_t third, int32x4_t fourth,
                                    const float *multiplier, quant_limits limits, int8_t *to) {
    vst1q_s8(to, quant_narrow_four(first, second, multiplier, third, fourth, multiplier + 8, limits));
}

/* The same four numbers of a pixel for each output. */
static inline int8x16_t quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

#endif
