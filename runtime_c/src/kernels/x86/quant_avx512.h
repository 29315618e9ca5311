/* Vectors of integers for AVX-512: what the integer .inc files of vector/ are written with. */
#ifndef SMR_X86_QUANT_AVX512_H
#define SMR_X86_QUANT_AVX512_H

#include <stddef.h>
#include <stdint.h>

#include "avx512.h"

#define VECTOR_UNROLL     _Pragma("GCC unroll 16")
#define VECTOR_NAME(name) name##_avx512

#define VECTOR_INT                __m512i
#define VECTOR_INT_LOAD(from)     _mm512_loadu_si512(from)
#define VECTOR_INT_STORE(to, x)   _mm512_storeu_si512(to, x)
#define VECTOR_INT_ALL(x)         _mm512_set1_epi32(x)
#define VECTOR_INT_ADD(a, b)      _mm512_add_epi32(a, b)
#define VECTOR_INT_SUBTRACT(a, b) _mm512_sub_epi32(a, b)
#define VECTOR_INT_MULTIPLY(a, b) _mm512_mullo_epi32(a, b)
#define VECTOR_INT_FROM_INT8(from, part) \
    _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)((from) + 16 * (part))))
#define VECTOR_INT_FROM_UINT8(from, part) \
    _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)((from) + 16 * (part))))
/* The nearest integer, half to even, of `x` that is no more than `high`. What is less than `low` may give any
 * number that is at most `low`. */
#define VECTOR_INT_NEAREST(x, low, high) _mm512_cvtps_epi32(_mm512_min_ps(x, high))
#define VECTOR_FROM_INT(x)               _mm512_cvtepi32_ps(x)
/* 0 where `a` is NaN. */
#define VECTOR_MULTIPLY_NUMBER(a, b) _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b)

#define VECTOR_SHORT        __m512i
#define VECTOR_SHORT_ALL(x) _mm512_set1_epi16(x)

#define VECTOR_BYTES                          __m512i
#define VECTOR_BYTES_LOAD(from)               _mm512_loadu_si512(from)
#define VECTOR_BYTES_LOAD_SOME(from, count)   _mm512_maskz_loadu_epi8(vector_mask(count), from)
#define VECTOR_BYTES_STORE(to, x)             _mm512_storeu_si512(to, x)
#define VECTOR_BYTES_STORE_SOME(to, x, count) _mm512_mask_storeu_epi8(to, vector_mask(count), x)
#define VECTOR_BYTES_ALL(x)                   _mm512_set1_epi8(x)
#define VECTOR_BYTES_FLIP(a, b)               _mm512_xor_si512(a, b)
#define VECTOR_BYTES_LARGER(a, b)             _mm512_max_epi8(a, b)
#define VECTOR_BYTES_SMALLER(a, b)            _mm512_min_epi8(a, b)
/* Four vectors as int16 with saturation, `added`, and as int8 with saturation. */
#define VECTOR_BYTES_NARROW(a, b, c, d, added) vector_narrow(a, b, c, d, added)

/* The lanes of the first `count` bytes of fewer than 64. */
static inline __mmask64 vector_mask(size_t count) {
    return ((__mmask64)1 << count) - 1;
}

static inline __m512i vector_narrow(__m512i a, __m512i b, __m512i c, __m512i d, __m512i added) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), added);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), added);
    return _mm512_permutexvar_epi32(order, _mm512_packs_epi16(ab, cd));
}

#define VECTOR_TABLE_FIND(table, x) vector_find(table, x)

typedef struct vector_table {
    __m512i rows[16]; /* entry i is in row i / 16 */
} vector_table;

static inline void vector_table_fill(vector_table *table, const uint8_t *entries) {
    size_t i;
    for (i = 0; i < 16; ++i) {
        table->rows[i] = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(entries + 16 * i)));
    }
}

/* Entries by their lower four bits in each row, then those of the right row. */
static inline __m512i vector_find(const vector_table *table, __m512i x) {
    const __m512i low = _mm512_and_si512(x, _mm512_set1_epi8(15));
    const __mmask64 bit4 = _mm512_test_epi8_mask(x, _mm512_set1_epi8(16));
    const __mmask64 bit5 = _mm512_test_epi8_mask(x, _mm512_set1_epi8(32));
    const __mmask64 bit6 = _mm512_test_epi8_mask(x, _mm512_set1_epi8(64));
    const __mmask64 bit7 = _mm512_movepi8_mask(x);
    __m512i found[8];
    size_t i;
    VECTOR_UNROLL for (i = 0; i < 8; ++i) {
        found[i] = _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(table->rows[2 * i], low), bit4,
                                            table->rows[2 * i + 1], low);
    }
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        found[i] = _mm512_mask_blend_epi8(bit5, found[2 * i], found[2 * i + 1]);
    }
    found[0] = _mm512_mask_blend_epi8(bit6, found[0], found[1]);
    found[2] = _mm512_mask_blend_epi8(bit6, found[2], found[3]);
    return _mm512_mask_blend_epi8(bit7, found[0], found[2]);
}

/* Fixed-point multipliers: see fixed_multiply. One for each lane. */
typedef struct vector_fixed {
    VECTOR_INT multiplier;
    VECTOR_INT left;
    VECTOR_INT right;
    VECTOR_INT mask; /* of the bits that are shifted out to the right */
    VECTOR_INT half; /* half of it */
} vector_fixed;

static inline vector_fixed vector_fixed_fill(__m512i multiplier, __m512i shift) {
    const __m512i zero = _mm512_setzero_si512(), ones = _mm512_set1_epi32(-1);
    vector_fixed fixed;
    fixed.multiplier = multiplier;
    fixed.left = _mm512_max_epi32(shift, zero);
    fixed.right = _mm512_sub_epi32(zero, _mm512_min_epi32(shift, zero));
    fixed.mask = _mm512_andnot_si512(_mm512_sllv_epi32(ones, fixed.right), ones);
    fixed.half = _mm512_srli_epi32(fixed.mask, 1);
    return fixed;
}

static inline __m512i vector_fixed_multiply(__m512i x, const vector_fixed *fixed) {
    const __m512i nudge = _mm512_set1_epi64(1 << 30), one = _mm512_set1_epi32(1);
    const __m512i shifted = _mm512_sllv_epi32(x, fixed->left);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(shifted, fixed->multiplier), nudge);
    const __m512i odd = _mm512_add_epi64(
        _mm512_mul_epi32(_mm512_srli_epi64(shifted, 32), _mm512_srli_epi64(fixed->multiplier, 32)), nudge);
    const __m512i product =
        _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 31), 0xaaaa, _mm512_slli_epi64(odd, 1));
    const __m512i rest = _mm512_and_si512(product, fixed->mask);
    const __m512i most = _mm512_sub_epi32(fixed->half, _mm512_srai_epi32(product, 31));
    const __m512i floor = _mm512_srav_epi32(product, fixed->right);
    return _mm512_mask_add_epi32(floor, _mm512_cmpgt_epi32_mask(rest, most), floor, one);
}

#define VECTOR_FIXED_FILL(multiplier, shift) vector_fixed_fill(multiplier, shift)
#define VECTOR_INT_CLAMP(x, least, most)     _mm512_min_epi32(_mm512_max_epi32(x, least), most)
#define VECTOR_INT_STORE_INT8(to, x)         _mm_storeu_si128((void *)(to), _mm512_cvtepi32_epi8(x))
#define VECTOR_FIXED_ALL(multiplier, shift) \
    vector_fixed_fill(VECTOR_INT_ALL(multiplier), VECTOR_INT_ALL(shift))

#include "../vector/quant.h"

#endif
