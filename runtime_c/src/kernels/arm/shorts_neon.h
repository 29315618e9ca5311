/* Vectors of int16 for NEON: see vector/quant_recurrent.inc. */
#ifndef SMR_ARM_SHORTS_NEON_H
#define SMR_ARM_SHORTS_NEON_H

#include <arm_neon.h>

#define SHORTS                            int16x8_t
#define SHORTS_LANES                      8
#define SHORTS_LOAD(from, whole)          vld1q_s16(from)
#define SHORTS_STORE(to, x, whole)        vst1q_s16(to, x)
#define SHORTS_STORE_BYTES(to, x, whole)  vst1_s8(to, vqmovn_s16(x))
#define SHORTS_ALL(x)                     vdupq_n_s16((int16_t)(x))
#define SHORTS_ADD(a, b)                  vqaddq_s16(a, b)
#define SHORTS_SUBTRACT(a, b)             vqsubq_s16(a, b)
#define SHORTS_PRODUCT(a, b)              vqrdmulhq_s16(a, b)
#define SHORTS_SMALLER(a, b)              vminq_s16(a, b)
#define SHORTS_LARGER(a, b)               vmaxq_s16(a, b)
#define SHORTS_AND(a, b)                  vandq_s16(a, b)
#define SHORTS_FLIP(a, b)                 veorq_s16(a, b)
#define SHORTS_RIGHT(x, bits)             vshrq_n_s16(x, bits)
#define SHORTS_LEFT(x, bits)              vshlq_n_s16(x, bits)
#define CURVES                            shorts_curves
#define CURVES_LOAD(from)                 shorts_load_curves(from)
#define PLACES                            shorts_places
#define PLACES_OF(x)                      shorts_places_of(x)
#define CURVES_FIND(curves, places)       shorts_find(curves, places)
#define SUMS_NARROW(sums, multiplier, to) shorts_narrow(sums, multiplier, to)

/* The low and the high bytes of 16 numbers, and where each of both is looked for: a byte of 0x80 finds 0. */
typedef struct shorts_curves {
    uint8x16_t low, high;
} shorts_curves;

typedef struct shorts_places {
    uint8x16_t low, high;
} shorts_places;

static inline shorts_curves shorts_load_curves(const int16_t *from) {
    const uint16x8_t first = vreinterpretq_u16_s16(vld1q_s16(from));
    const uint16x8_t second = vreinterpretq_u16_s16(vld1q_s16(from + 8));
    const shorts_curves curves = {vcombine_u8(vmovn_u16(first), vmovn_u16(second)),
                                  vcombine_u8(vshrn_n_u16(first, 8), vshrn_n_u16(second, 8))};
    return curves;
}

static inline shorts_places shorts_places_of(int16x8_t x) {
    const shorts_places places = {vreinterpretq_u8_s16(vorrq_s16(x, vdupq_n_s16(INT16_MIN))),
                                  vreinterpretq_u8_s16(vorrq_s16(vshlq_n_s16(x, 8), vdupq_n_s16(0x80)))};
    return places;
}

static inline uint8x16_t shorts_find_bytes(uint8x16_t table, uint8x16_t places) {
#if defined(SMR_KERNELS_ARM64)
    return vqtbl1q_u8(table, places);
#else
    const uint8x8x2_t both = {{vget_low_u8(table), vget_high_u8(table)}};
    return vcombine_u8(vtbl2_u8(both, vget_low_u8(places)), vtbl2_u8(both, vget_high_u8(places)));
#endif
}

static inline int16x8_t shorts_find(shorts_curves curves, shorts_places places) {
    return vreinterpretq_s16_u8(
        vorrq_u8(shorts_find_bytes(curves.low, places.low), shorts_find_bytes(curves.high, places.high)));
}

/* As quant_round: ARMv7 has no conversion to the nearest. */
static inline int16x4_t shorts_nearest(const int32_t *sums, const float *multiplier) {
    const float32x4_t scaled = vmulq_f32(vcvtq_f32_s32(vld1q_s32(sums)), vld1q_f32(multiplier));
    const float32x4_t value = vminq_f32(vmaxq_f32(scaled, vdupq_n_f32(INT16_MIN)), vdupq_n_f32(INT16_MAX));
    const int32x4_t bits = vreinterpretq_s32_f32(vaddq_f32(value, vdupq_n_f32(12582912.0f)));
    return vmovn_s32(vsubq_s32(bits, vdupq_n_s32(0x4B400000)));
}

static inline void shorts_narrow(const int32_t *sums, const float *multiplier, int16_t *to) {
    size_t i;
    for (i = 0; i < 16; i += 4) {
        vst1_s16(to + i, shorts_nearest(sums + i, multiplier + i));
    }
}

#endif
