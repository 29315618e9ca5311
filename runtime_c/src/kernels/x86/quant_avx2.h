/* Vectors of integers for AVX2: what the integer .inc files of vector/ are written with. */
#ifndef SMR_X86_QUANT_AVX2_H
#define SMR_X86_QUANT_AVX2_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "avx2.h"

#define VECTOR_UNROLL     _Pragma("GCC unroll 16")
#define VECTOR_NAME(name) name##_avx2

#define VECTOR_INT                        __m256i
#define VECTOR_INT_LOAD(from)             _mm256_loadu_si256((const void *)(from))
#define VECTOR_INT_STORE(to, x)           _mm256_storeu_si256((void *)(to), x)
#define VECTOR_INT_ALL(x)                 _mm256_set1_epi32(x)
#define VECTOR_INT_ADD(a, b)              _mm256_add_epi32(a, b)
#define VECTOR_INT_SUBTRACT(a, b)         _mm256_sub_epi32(a, b)
#define VECTOR_INT_MULTIPLY(a, b)         _mm256_mullo_epi32(a, b)
#define VECTOR_INT_RIGHT(x, bits)         _mm256_srai_epi32(x, bits)
#define VECTOR_INT_AND(a, b)              _mm256_and_si256(a, b)
#define VECTOR_INT_FLIP(a, b)             _mm256_xor_si256(a, b)
#define VECTOR_INT_SUM(x)                 avx2_int_sum(x)
#define VECTOR_INT_FROM_INT8(from, part)  _mm256_cvtepi8_epi32(_mm_loadu_si64((from) + 8 * (part)))
#define VECTOR_INT_FROM_UINT8(from, part) _mm256_cvtepu8_epi32(_mm_loadu_si64((from) + 8 * (part)))
/* The nearest integer, half to even, of `x` that is no more than `high`. What is less than `low` may give any
 * number that is at most `low`. */
#define VECTOR_INT_NEAREST(x, low, high) _mm256_cvtps_epi32(_mm256_min_ps(x, high))
#define VECTOR_FROM_INT(x)               _mm256_cvtepi32_ps(x)
/* 0 where `a` is NaN. */
#define VECTOR_MULTIPLY_NUMBER(a, b) _mm256_and_ps(_mm256_cmp_ps(a, a, _CMP_ORD_Q), _mm256_mul_ps(a, b))

/* Comparisons of floats are false if one is NaN; those of integers give -1 for true. */
#define VECTOR_LESS_EQUAL(a, b)    _mm256_cmp_ps(a, b, _CMP_LE_OQ)
#define VECTOR_EQUAL(a, b)         _mm256_cmp_ps(a, b, _CMP_EQ_OQ)
#define VECTOR_INT_FROM_MASK(mask) _mm256_castps_si256(mask)
#define VECTOR_INT_LESS(a, b)      _mm256_cmpgt_epi32(b, a)
#define VECTOR_INT_EQUAL(a, b)     _mm256_cmpeq_epi32(a, b)

#define VECTOR_SHORT        __m256i
#define VECTOR_SHORT_ALL(x) _mm256_set1_epi16(x)

#define VECTOR_BYTES                          __m256i
#define VECTOR_BYTES_LOAD(from)               _mm256_loadu_si256((const void *)(from))
#define VECTOR_BYTES_STORE(to, x)             _mm256_storeu_si256((void *)(to), x)
#define VECTOR_BYTES_LOAD_SOME(from, count)   vector_load_some(from, count)
#define VECTOR_BYTES_STORE_SOME(to, x, count) vector_store_some(to, x, count)
#define VECTOR_BYTES_ALL(x)                   _mm256_set1_epi8(x)
#define VECTOR_BYTES_FLIP(a, b)               _mm256_xor_si256(a, b)
#define VECTOR_BYTES_LARGER(a, b)             _mm256_max_epi8(a, b)
#define VECTOR_BYTES_SMALLER(a, b)            _mm256_min_epi8(a, b)
#define VECTOR_BYTES_LESS(a, b)               _mm256_cmpgt_epi8(b, a)
#define VECTOR_BYTES_EQUAL(a, b)              _mm256_cmpeq_epi8(a, b)
#define VECTOR_BYTES_AND(a, b)                _mm256_and_si256(a, b)
#define VECTOR_BYTES_OR(a, b)                 _mm256_or_si256(a, b)
/* Four vectors as int16 with saturation, `added`, and as int8 with saturation. */
#define VECTOR_BYTES_NARROW(a, b, c, d, added) vector_narrow(a, b, c, d, added)

/* The lanes of the first `count` bytes of fewer than 32, which are whole lanes. */
static inline __m256i vector_mask(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)(count / 4)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __m256i vector_load_some(const void *from, size_t count) {
    uint8_t some[32] = {0};
    if (count % 4 == 0) {
        return _mm256_maskload_epi32(from, vector_mask(count));
    }
    memcpy(some, from, count);
    return VECTOR_BYTES_LOAD(some);
}

static inline void vector_store_some(void *to, __m256i x, size_t count) {
    uint8_t some[32];
    if (count % 4 == 0) {
        _mm256_maskstore_epi32(to, vector_mask(count), x);
        return;
    }
    VECTOR_BYTES_STORE(some, x);
    memcpy(to, some, count);
}

static inline __m256i vector_narrow(__m256i a, __m256i b, __m256i c, __m256i d, __m256i added) {
    const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), added);
    const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), added);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

#define VECTOR_TABLE_FIND(table, x) vector_find(table, x)

/* Rows 0 to 7 are for entries of index 0 to 127, the others for the rest; each is the exclusive or of 16
 * entries and the 16 before them, so that those of all rows up to the right one are the entry. */
typedef struct vector_table {
    __m256i rows[16];
} vector_table;

static inline void vector_table_fill(vector_table *table, const uint8_t *entries) {
    size_t i;
    for (i = 0; i < 16; ++i) {
        const __m256i row = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(entries + 16 * i)));
        const __m256i before = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const void *)(entries + 16 * (i % 8 == 0 ? i : i - 1))));
        table->rows[i] = i % 8 == 0 ? row : _mm256_xor_si256(row, before);
    }
}

/* A shuffle gives 0 where the highest bit of an index is set, and else looks at its lower four bits. */
static inline __m256i vector_find(const vector_table *table, __m256i x) {
    const __m256i sixteen = _mm256_set1_epi8(16);
    __m256i other = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
    __m256i found =
        _mm256_xor_si256(_mm256_shuffle_epi8(table->rows[0], x), _mm256_shuffle_epi8(table->rows[8], other));
    size_t i;
    VECTOR_UNROLL for (i = 1; i < 8; ++i) {
        x = _mm256_subs_epi8(x, sixteen);
        other = _mm256_subs_epi8(other, sixteen);
        found = _mm256_xor_si256(found, _mm256_shuffle_epi8(table->rows[i], x));
        found = _mm256_xor_si256(found, _mm256_shuffle_epi8(table->rows[8 + i], other));
    }
    return found;
}

/* Fixed-point multipliers: see fixed_multiply. One for each lane. */
typedef struct vector_fixed {
    VECTOR_INT multiplier;
    VECTOR_INT left;
    VECTOR_INT right;
    VECTOR_INT mask; /* of the bits that are shifted out to the right */
    VECTOR_INT half; /* half of it */
} vector_fixed;

static inline vector_fixed vector_fixed_fill(__m256i multiplier, __m256i shift) {
    const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi32(-1);
    vector_fixed fixed;
    fixed.multiplier = multiplier;
    fixed.left = _mm256_max_epi32(shift, zero);
    fixed.right = _mm256_sub_epi32(zero, _mm256_min_epi32(shift, zero));
    fixed.mask = _mm256_andnot_si256(_mm256_sllv_epi32(ones, fixed.right), ones);
    fixed.half = _mm256_srli_epi32(fixed.mask, 1);
    return fixed;
}

static inline __m256i vector_fixed_multiply(__m256i x, const vector_fixed *fixed) {
    const __m256i nudge = _mm256_set1_epi64x(1 << 30);
    const __m256i shifted = _mm256_sllv_epi32(x, fixed->left);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(shifted, fixed->multiplier), nudge);
    const __m256i odd = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_srli_epi64(shifted, 32), _mm256_srli_epi64(fixed->multiplier, 32)), nudge);
    const __m256i product = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
    const __m256i rest = _mm256_and_si256(product, fixed->mask);
    const __m256i most = _mm256_sub_epi32(fixed->half, _mm256_srai_epi32(product, 31));
    return _mm256_sub_epi32(_mm256_srav_epi32(product, fixed->right), _mm256_cmpgt_epi32(rest, most));
}

static inline int32_t avx2_int_sum(__m256i x) {
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

static inline void avx2_store_int8(int8_t *to, __m256i x) {
    const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    _mm_storel_epi64((void *)to, _mm_packs_epi16(half, half));
}

#define VECTOR_FIXED_FILL(multiplier, shift) vector_fixed_fill(multiplier, shift)
#define VECTOR_INT_CLAMP(x, least, most)     _mm256_min_epi32(_mm256_max_epi32(x, least), most)
#define VECTOR_INT_STORE_INT8(to, x)         avx2_store_int8(to, x)
#define VECTOR_FIXED_ALL(multiplier, shift) \
    vector_fixed_fill(VECTOR_INT_ALL(multiplier), VECTOR_INT_ALL(shift))

#include "../vector/quant.h"

#endif
