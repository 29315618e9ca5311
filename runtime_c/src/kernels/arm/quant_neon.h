/* Vectors of integers for NEON: what the integer .inc files of vector/ are written with. */
#ifndef SMR_ARM_QUANT_NEON_H
#define SMR_ARM_QUANT_NEON_H

#include <stddef.h>
#include <stdint.h>

#include "neon.h"

#define VECTOR_UNROLL     _Pragma("GCC unroll 16")
#define VECTOR_NAME(name) name##_neon

#define VECTOR_INT                        int32x4_t
#define VECTOR_INT_LOAD(from)             vld1q_s32(from)
#define VECTOR_INT_STORE(to, x)           vst1q_s32(to, x)
#define VECTOR_INT_ALL(x)                 vdupq_n_s32(x)
#define VECTOR_INT_ADD(a, b)              vaddq_s32(a, b)
#define VECTOR_INT_SUBTRACT(a, b)         vsubq_s32(a, b)
#define VECTOR_INT_MULTIPLY(a, b)         vmulq_s32(a, b)
#define VECTOR_INT_RIGHT(x, bits)         vshrq_n_s32(x, bits)
#define VECTOR_INT_AND(a, b)              vandq_s32(a, b)
#define VECTOR_INT_FLIP(a, b)             veorq_s32(a, b)
#define VECTOR_INT_SUM(x)                 neon_int_sum(x)
#define VECTOR_INT_FROM_INT8(from, part)  neon_int8((const int8_t *)(from), part)
#define VECTOR_INT_FROM_UINT8(from, part) neon_uint8((const uint8_t *)(from), part)
/* The nearest integer, half to even, of `x` that is no more than `high`. What is less than `low` may give any
 * number that is at most `low`. */
#define VECTOR_INT_NEAREST(x, low, high) neon_nearest(x, low, high)
#define VECTOR_FROM_INT(x)               vcvtq_f32_s32(x)
/* 0 where `a` is NaN. */
#define VECTOR_MULTIPLY_NUMBER(a, b) NEON_FLOATS(vandq_u32(vceqq_f32(a, a), NEON_BITS(vmulq_f32(a, b))))

/* Comparisons of floats are false if one is NaN; those of integers give -1 for true. */
#define VECTOR_LESS_EQUAL(a, b)    vcleq_f32(a, b)
#define VECTOR_EQUAL(a, b)         vceqq_f32(a, b)
#define VECTOR_INT_FROM_MASK(mask) vreinterpretq_s32_u32(mask)
#define VECTOR_INT_LESS(a, b)      vreinterpretq_s32_u32(vcltq_s32(a, b))
#define VECTOR_INT_EQUAL(a, b)     vreinterpretq_s32_u32(vceqq_s32(a, b))

/* Part 0 to 3 of 16 numbers. */
static inline int32x4_t neon_int8(const int8_t *from, size_t part) {
    const int8x16_t all = vld1q_s8(from);
    const int16x8_t half = vmovl_s8(part < 2 ? vget_low_s8(all) : vget_high_s8(all));
    return vmovl_s16(part % 2 == 0 ? vget_low_s16(half) : vget_high_s16(half));
}

static inline int32x4_t neon_uint8(const uint8_t *from, size_t part) {
    const uint8x16_t all = vld1q_u8(from);
    const uint16x8_t half = vmovl_u8(part < 2 ? vget_low_u8(all) : vget_high_u8(all));
    return vreinterpretq_s32_u32(vmovl_u16(part % 2 == 0 ? vget_low_u16(half) : vget_high_u16(half)));
}

static inline int32x4_t neon_nearest(float32x4_t x, float32x4_t low, float32x4_t high) {
#if defined(SMR_KERNELS_ARM64)
    (void)low;
    return vcvtnq_s32_f32(vminq_f32(x, high));
#else
    /* As quant_round: ARMv7 has no conversion to the nearest. */
    const float32x4_t sum = vaddq_f32(vminq_f32(vmaxq_f32(x, low), high), vdupq_n_f32(12582912.0f));
    return vsubq_s32(vreinterpretq_s32_f32(sum), vdupq_n_s32(0x4B400000));
#endif
}

#define VECTOR_SHORT        int16x8_t
#define VECTOR_SHORT_ALL(x) vdupq_n_s16(x)

#define VECTOR_BYTES               int8x16_t
#define VECTOR_BYTES_LOAD(from)    vld1q_s8((const int8_t *)(from))
#define VECTOR_BYTES_STORE(to, x)  vst1q_s8((int8_t *)(to), x)
#define VECTOR_BYTES_ALL(x)        vdupq_n_s8((int8_t)(x))
#define VECTOR_BYTES_FLIP(a, b)    veorq_s8(a, b)
#define VECTOR_BYTES_LARGER(a, b)  vmaxq_s8(a, b)
#define VECTOR_BYTES_SMALLER(a, b) vminq_s8(a, b)
#define VECTOR_BYTES_LESS(a, b)    vreinterpretq_s8_u8(vcltq_s8(a, b))
#define VECTOR_BYTES_EQUAL(a, b)   vreinterpretq_s8_u8(vceqq_s8(a, b))
#define VECTOR_BYTES_AND(a, b)     vandq_s8(a, b)
#define VECTOR_BYTES_OR(a, b)      vorrq_s8(a, b)
/* Four vectors as int16 with saturation, `added`, and as int8 with saturation. */
#define VECTOR_BYTES_NARROW(a, b, c, d, added)                                             \
    vcombine_s8(vqmovn_s16(vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), added)), \
                vqmovn_s16(vqaddq_s16(vcombine_s16(vqmovn_s32(c), vqmovn_s32(d)), added)))

/* The entries of a table of 256 bytes. */
#define VECTOR_TABLE_FIND(table, x) vector_find(table, x)

#if defined(SMR_KERNELS_ARM64)
typedef struct vector_table {
    uint8x16x4_t quarters[4];
} vector_table;

static inline void vector_table_fill(vector_table *table, const uint8_t *entries) {
    size_t i, k;
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        VECTOR_UNROLL for (k = 0; k < 4; ++k) {
            table->quarters[i].val[k] = vld1q_u8(entries + 64 * i + 16 * k);
        }
    }
}

/* An index outside of a quarter gives 0, or leaves what is there. */
static inline int8x16_t vector_find(const vector_table *table, int8x16_t x) {
    const uint8x16_t index = vreinterpretq_u8_s8(x), quarter = vdupq_n_u8(64);
    uint8x16_t found = vqtbl4q_u8(table->quarters[0], index);
    const uint8x16_t second = vsubq_u8(index, quarter), third = vsubq_u8(second, quarter);
    found = vqtbx4q_u8(found, table->quarters[1], second);
    found = vqtbx4q_u8(found, table->quarters[2], third);
    found = vqtbx4q_u8(found, table->quarters[3], vsubq_u8(third, quarter));
    return vreinterpretq_s8_u8(found);
}
#else
typedef struct vector_table {
    uint8x8x4_t eighths[8];
} vector_table;

static inline void vector_table_fill(vector_table *table, const uint8_t *entries) {
    size_t i, k;
    VECTOR_UNROLL for (i = 0; i < 8; ++i) {
        VECTOR_UNROLL for (k = 0; k < 4; ++k) {
            table->eighths[i].val[k] = vld1_u8(entries + 32 * i + 8 * k);
        }
    }
}

/* An index outside of an eighth gives 0, or leaves what is there. */
static inline uint8x8_t neon_find(const vector_table *table, uint8x8_t index) {
    uint8x8_t found = vtbl4_u8(table->eighths[0], index);
    size_t i;
    VECTOR_UNROLL for (i = 1; i < 8; ++i) {
        index = vsub_u8(index, vdup_n_u8(32));
        found = vtbx4_u8(found, table->eighths[i], index);
    }
    return found;
}

static inline int8x16_t vector_find(const vector_table *table, int8x16_t x) {
    const uint8x16_t index = vreinterpretq_u8_s8(x);
    return vreinterpretq_s8_u8(
        vcombine_u8(neon_find(table, vget_low_u8(index)), neon_find(table, vget_high_u8(index))));
}
#endif

/* Fixed-point multipliers: see fixed_multiply. One for each lane. */
typedef struct vector_fixed {
    int32x4_t multiplier;
    int32x4_t left;
    int32x4_t right; /* negative */
} vector_fixed;

static inline vector_fixed vector_fixed_fill(int32x4_t multiplier, int32x4_t shift) {
    const int32x4_t zero = vdupq_n_s32(0);
    const vector_fixed fixed = {multiplier, vmaxq_s32(shift, zero), vminq_s32(shift, zero)};
    return fixed;
}

/* The shift rounds halves up, so that negative numbers become one less before, if they are shifted at all. */
static inline int32x4_t vector_fixed_multiply(int32x4_t x, const vector_fixed *fixed) {
    const int32x4_t product = vqrdmulhq_s32(vshlq_s32(x, fixed->left), fixed->multiplier);
    const int32x4_t less = vshrq_n_s32(vandq_s32(product, fixed->right), 31);
    return vrshlq_s32(vaddq_s32(product, less), fixed->right);
}

static inline int32_t neon_int_sum(int32x4_t x) {
    const int32x2_t two = vadd_s32(vget_low_s32(x), vget_high_s32(x));
    return vget_lane_s32(vpadd_s32(two, two), 0);
}

static inline void neon_store_int8(int8_t *to, int32x4_t x) {
    const int16x4_t half = vmovn_s32(x);
    vst1_lane_s32((void *)to, vreinterpret_s32_s8(vmovn_s16(vcombine_s16(half, half))), 0);
}

#define VECTOR_FIXED_FILL(multiplier, shift) vector_fixed_fill(multiplier, shift)
#define VECTOR_INT_CLAMP(x, least, most)     vminq_s32(vmaxq_s32(x, least), most)
#define VECTOR_INT_STORE_INT8(to, x)         neon_store_int8(to, x)
#define VECTOR_FIXED_ALL(multiplier, shift) \
    vector_fixed_fill(VECTOR_INT_ALL(multiplier), VECTOR_INT_ALL(shift))

#include "../vector/quant.h"

#endif
