/* Requantization of four sums with NEON. */
#ifndef SMR_ARM_QUANT_WRITE_H
#define SMR_ARM_QUANT_WRITE_H

#include <arm_neon.h>

#include "../generic/quant.h"

/* See quant_requantize. */
static inline void quant_write_four(int32x4_t sums, const float *multiplier, const quant_output *range,
                                    int8_t *to) {
    const float32x4_t scaled = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(multiplier));
    const float32x4_t value = vminq_f32(vmaxq_f32(scaled, vdupq_n_f32(range->low)), vdupq_n_f32(range->high));
    /* As quant_round: ARMv7 has no conversion to the nearest. */
    const int32x4_t bits = vreinterpretq_s32_f32(vaddq_f32(value, vdupq_n_f32(12582912.0f)));
    const int32x4_t number =
        vaddq_s32(vsubq_s32(bits, vdupq_n_s32(0x4B400000)), vdupq_n_s32(range->zero_point));
    const int16x4_t half = vqmovn_s32(number);
    const int8x8_t byte = vqmovn_s16(vcombine_s16(half, half));
    const int32_t four = vget_lane_s32(vreinterpret_s32_s8(byte), 0);
    memcpy(to, &four, sizeof four);
}

/* The same four numbers of a pixel for each output. */
static inline int8x16_t quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

#endif
