/* Vectors of integers for WebAssembly: what the integer .inc files of vector/ are written with. */
#ifndef SMR_WASM_QUANT_WASM_H
#define SMR_WASM_QUANT_WASM_H

#include <stddef.h>
#include <stdint.h>

#include "wasm.h"

#define VECTOR_UNROLL     _Pragma("GCC unroll 16")
#define VECTOR_NAME(name) name##_wasm

#define VECTOR_INT                        v128_t
#define VECTOR_INT_LOAD(from)             wasm_v128_load(from)
#define VECTOR_INT_STORE(to, x)           wasm_v128_store(to, x)
#define VECTOR_INT_ALL(x)                 wasm_i32x4_splat(x)
#define VECTOR_INT_ADD(a, b)              wasm_i32x4_add(a, b)
#define VECTOR_INT_SUBTRACT(a, b)         wasm_i32x4_sub(a, b)
#define VECTOR_INT_MULTIPLY(a, b)         wasm_i32x4_mul(a, b)
#define VECTOR_INT_RIGHT(x, bits)         wasm_i32x4_shr(x, bits)
#define VECTOR_INT_AND(a, b)              wasm_v128_and(a, b)
#define VECTOR_INT_FLIP(a, b)             wasm_v128_xor(a, b)
#define VECTOR_INT_CLAMP(x, least, most)  wasm_i32x4_min(wasm_i32x4_max(x, least), most)
#define VECTOR_INT_SUM(x)                 wasm_int_sum(x)
#define VECTOR_INT_FROM_INT8(from, part)  wasm_int8(from, part)
#define VECTOR_INT_FROM_UINT8(from, part) wasm_uint8(from, part)
/* The nearest integer, half to even, of `x` that is no more than `high`. What is less than `low` may give any
 * number that is at most `low`. */
#define VECTOR_INT_NEAREST(x, low, high) wasm_nearest(x, low, high)
#define VECTOR_FROM_INT(x)               wasm_f32x4_convert_i32x4(x)
/* 0 where `a` is NaN. */
#define VECTOR_MULTIPLY_NUMBER(a, b) wasm_v128_and(wasm_f32x4_eq(a, a), wasm_f32x4_mul(a, b))

/* Comparisons of floats are false if one is NaN; those of integers give -1 for true. */
#define VECTOR_LESS_EQUAL(a, b)    wasm_f32x4_le(a, b)
#define VECTOR_EQUAL(a, b)         wasm_f32x4_eq(a, b)
#define VECTOR_INT_FROM_MASK(mask) (mask)
#define VECTOR_INT_LESS(a, b)      wasm_i32x4_lt(a, b)
#define VECTOR_INT_EQUAL(a, b)     wasm_i32x4_eq(a, b)

/* Part 0 to 3 of 16 numbers. */
static inline v128_t wasm_int8(const void *from, size_t part) {
    const v128_t all = wasm_v128_load(from);
    const v128_t half = part < 2 ? wasm_i16x8_extend_low_i8x16(all) : wasm_i16x8_extend_high_i8x16(all);
    return part % 2 == 0 ? wasm_i32x4_extend_low_i16x8(half) : wasm_i32x4_extend_high_i16x8(half);
}

static inline v128_t wasm_uint8(const void *from, size_t part) {
    const v128_t all = wasm_v128_load(from);
    const v128_t half = part < 2 ? wasm_u16x8_extend_low_u8x16(all) : wasm_u16x8_extend_high_u8x16(all);
    return part % 2 == 0 ? wasm_u32x4_extend_low_u16x8(half) : wasm_u32x4_extend_high_u16x8(half);
}

/* As quant_round: conversions take many instructions on some processors. */
static inline v128_t wasm_nearest(v128_t x, v128_t low, v128_t high) {
    const v128_t clamped = wasm_f32x4_pmin(wasm_f32x4_pmax(x, low), high);
    return wasm_i32x4_sub(wasm_f32x4_add(clamped, wasm_f32x4_splat(12582912.0f)),
                          wasm_i32x4_splat(0x4B400000));
}

static inline int32_t wasm_int_sum(v128_t x) {
    const v128_t two = wasm_i32x4_add(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
    return wasm_i32x4_extract_lane(two, 0) + wasm_i32x4_extract_lane(two, 1);
}

#define VECTOR_SHORT        v128_t
#define VECTOR_SHORT_ALL(x) wasm_i16x8_splat(x)

#define VECTOR_BYTES               v128_t
#define VECTOR_BYTES_LOAD(from)    wasm_v128_load(from)
#define VECTOR_BYTES_STORE(to, x)  wasm_v128_store(to, x)
#define VECTOR_BYTES_ALL(x)        wasm_i8x16_splat((int8_t)(x))
#define VECTOR_BYTES_FLIP(a, b)    wasm_v128_xor(a, b)
#define VECTOR_BYTES_LARGER(a, b)  wasm_i8x16_max(a, b)
#define VECTOR_BYTES_SMALLER(a, b) wasm_i8x16_min(a, b)
#define VECTOR_BYTES_LESS(a, b)    wasm_i8x16_lt(a, b)
#define VECTOR_BYTES_EQUAL(a, b)   wasm_i8x16_eq(a, b)
#define VECTOR_BYTES_AND(a, b)     wasm_v128_and(a, b)
#define VECTOR_BYTES_OR(a, b)      wasm_v128_or(a, b)
/* Four vectors as int16 with saturation, `added`, and as int8 with saturation. */
#define VECTOR_BYTES_NARROW(a, b, c, d, added)                                        \
    wasm_i8x16_narrow_i16x8(wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(a, b), added), \
                            wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(c, d), added))

/* The entries of a table of 256 bytes. */
#define VECTOR_TABLE_FIND(table, x) vector_find(table, x)

typedef struct vector_table {
    v128_t rows[16]; /* entry i is in row i / 16 */
} vector_table;

static inline void vector_table_fill(vector_table *table, const uint8_t *entries) {
    size_t i;
    for (i = 0; i < 16; ++i) {
        table->rows[i] = wasm_v128_load(entries + 16 * i);
    }
}

/* An index outside of a row gives 0. */
static inline v128_t vector_find(const vector_table *table, v128_t x) {
    const v128_t row = wasm_i8x16_splat(16);
    v128_t found = wasm_i8x16_swizzle(table->rows[0], x);
    size_t i;
    VECTOR_UNROLL for (i = 1; i < 16; ++i) {
        x = wasm_i8x16_sub(x, row);
        found = wasm_v128_or(found, wasm_i8x16_swizzle(table->rows[i], x));
    }
    return found;
}

/* Fixed-point multipliers: see fixed_multiply. The shift is the same for all lanes. */
typedef struct vector_fixed {
    v128_t multiplier;
    v128_t mask; /* of the bits that are shifted out to the right */
    v128_t half; /* half of it */
    uint32_t left;
    uint32_t right;
} vector_fixed;

static inline vector_fixed wasm_fixed_fill(v128_t multiplier, int32_t shift) {
    vector_fixed fixed;
    fixed.multiplier = multiplier;
    fixed.left = shift > 0 ? (uint32_t)shift : 0;
    fixed.right = shift > 0 ? 0 : (uint32_t)-shift;
    fixed.mask = wasm_i32x4_splat((int32_t)(((uint32_t)1 << fixed.right) - 1));
    fixed.half = wasm_u32x4_shr(fixed.mask, 1);
    return fixed;
}

static inline v128_t vector_fixed_multiply(v128_t x, const vector_fixed *fixed) {
    const v128_t nudge = wasm_i64x2_splat(1 << 30), shifted = wasm_i32x4_shl(x, fixed->left);
    const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(shifted, fixed->multiplier), nudge);
    const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(shifted, fixed->multiplier), nudge);
    const v128_t product = wasm_i32x4_shuffle(wasm_u64x2_shr(low, 31), wasm_u64x2_shr(high, 31), 0, 2, 4, 6);
    const v128_t rest = wasm_v128_and(product, fixed->mask);
    const v128_t most = wasm_i32x4_sub(fixed->half, wasm_i32x4_shr(product, 31));
    return wasm_i32x4_sub(wasm_i32x4_shr(product, fixed->right), wasm_i32x4_gt(rest, most));
}
#define VECTOR_FIXED_ALL(multiplier, shift) wasm_fixed_fill(wasm_i32x4_splat(multiplier), shift)

#include "../vector/quant.h"

#endif
