/* Requantization of four vectors of 16 sums with AVX-512. */
#ifndef SMR_X86_QUANT_WRITE_AVX512_H
#define SMR_X86_QUANT_WRITE_AVX512_H

#include <immintrin.h>

#include "../generic/quant.h"

typedef struct quant_limits {
    __m512i zero_point; /* 16 bits each */
    __m512i least, largest;
} quant_limits;

static inline quant_limits quant_limits_of(const quant_output *range) {
    const quant_limits limits = {_mm512_set1_epi16((short)range->zero_point),
                                 _mm512_set1_epi8((char)range->least),
                                 _mm512_set1_epi8((char)range->largest)};
    return limits;
}

/* By multipliers less than 1, so that what was an int32 still is. */
static inline __m512i quant_scale(__m512i sums, const float *multiplier) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(multiplier)));
}

/* The bytes of four vectors of sums. Packing takes 4 numbers of each vector in turn. */
static inline __m512i quant_narrow(const __m512i sum[4], const float *const multiplier[4],
                                   quant_limits limits) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i low =
        _mm512_packs_epi32(quant_scale(sum[0], multiplier[0]), quant_scale(sum[1], multiplier[1]));
    const __m512i high =
        _mm512_packs_epi32(quant_scale(sum[2], multiplier[2]), quant_scale(sum[3], multiplier[3]));
    const __m512i bytes = _mm512_packs_epi16(_mm512_adds_epi16(low, limits.zero_point),
                                             _mm512_adds_epi16(high, limits.zero_point));
    return _mm512_permutexvar_epi32(order,
                                    _mm512_max_epi8(_mm512_min_epi8(bytes, limits.largest), limits.least));
}

static inline void quant_write_sums(const __m512i sum[4], const float *const multiplier[4],
                                    quant_limits limits, int8_t *const to[4]) {
    const __m512i bytes = quant_narrow(sum, multiplier, limits);
    _mm_storeu_si128((__m128i *)(void *)to[0], _mm512_castsi512_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)to[1], _mm512_extracti32x4_epi32(bytes, 1));
    _mm_storeu_si128((__m128i *)(void *)to[2], _mm512_extracti32x4_epi32(bytes, 2));
    _mm_storeu_si128((__m128i *)(void *)to[3], _mm512_extracti32x4_epi32(bytes, 3));
}

/* The first 8 of each of four vectors of sums, all by the same multipliers. */
static inline __m256i quant_scale_low(__m512i sums, __m256 multiplier) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(_mm512_castsi512_si256(sums)), multiplier));
}

static inline void quant_write_low(const __m512i sum[4], const float *multiplier, quant_limits limits,
                                   int8_t *const to[4]) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i zero_point = _mm512_castsi512_si256(limits.zero_point);
    const __m256 by = _mm256_loadu_ps(multiplier);
    const __m256i low = _mm256_packs_epi32(quant_scale_low(sum[0], by), quant_scale_low(sum[1], by));
    const __m256i high = _mm256_packs_epi32(quant_scale_low(sum[2], by), quant_scale_low(sum[3], by));
    __m256i bytes =
        _mm256_packs_epi16(_mm256_adds_epi16(low, zero_point), _mm256_adds_epi16(high, zero_point));
    __m128i half;
    bytes = _mm256_min_epi8(bytes, _mm512_castsi512_si256(limits.largest));
    bytes = _mm256_max_epi8(bytes, _mm512_castsi512_si256(limits.least));
    bytes = _mm256_permutevar8x32_epi32(bytes, order);
    half = _mm256_castsi256_si128(bytes);
    _mm_storel_epi64((__m128i *)(void *)to[0], half);
    _mm_storel_epi64((__m128i *)(void *)to[1], _mm_unpackhi_epi64(half, half));
    half = _mm256_extracti128_si256(bytes, 1);
    _mm_storel_epi64((__m128i *)(void *)to[2], half);
    _mm_storel_epi64((__m128i *)(void *)to[3], _mm_unpackhi_epi64(half, half));
}

static inline void quant_write_pairs(const __m512i sum[4], const float *const multiplier[4],
                                     quant_limits limits, int8_t *const to[4]) {
    const __m512i bytes = quant_narrow(sum, multiplier, limits);
    _mm256_storeu_si256((__m256i *)(void *)to[0], _mm512_castsi512_si256(bytes));
    _mm256_storeu_si256((__m256i *)(void *)to[2], _mm512_extracti64x4_epi64(bytes, 1));
}

#endif
