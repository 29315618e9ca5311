/* Requantization of four vectors of eight sums with AVX2. */
#ifndef SMR_X86_QUANT_WRITE_H
#define SMR_X86_QUANT_WRITE_H

#include <immintrin.h>

#include "../generic/quant.h"

typedef struct quant_limits {
    __m256 high;
    __m256i zero_point; /* 16 bits each */
    __m256i least, largest;
} quant_limits;

static inline quant_limits quant_limits_of(const quant_output *range) {
    const quant_limits limits = {_mm256_set1_ps(range->high), _mm256_set1_epi16((short)range->zero_point),
                                 _mm256_set1_epi8((char)range->least),
                                 _mm256_set1_epi8((char)range->largest)};
    return limits;
}

/* What is too low to be converted becomes the least number there is, and remains the least. */
static inline __m256i quant_scale(__m256i sums, const float *multiplier, __m256 high) {
    const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(multiplier));
    return _mm256_cvtps_epi32(_mm256_min_ps(value, high));
}

/* Packing takes 4 numbers of each vector in turn. */
static inline void quant_write_eights(const __m256i sum[4], const float *const multiplier[4],
                                      quant_limits limits, int8_t *const to[4]) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i low = _mm256_packs_epi32(quant_scale(sum[0], multiplier[0], limits.high),
                                           quant_scale(sum[1], multiplier[1], limits.high));
    const __m256i high = _mm256_packs_epi32(quant_scale(sum[2], multiplier[2], limits.high),
                                            quant_scale(sum[3], multiplier[3], limits.high));
    __m256i bytes = _mm256_packs_epi16(_mm256_adds_epi16(low, limits.zero_point),
                                       _mm256_adds_epi16(high, limits.zero_point));
    __m128i half;
    bytes = _mm256_max_epi8(_mm256_min_epi8(bytes, limits.largest), limits.least);
    bytes = _mm256_permutevar8x32_epi32(bytes, order);
    half = _mm256_castsi256_si128(bytes);
    _mm_storel_epi64((__m128i *)(void *)to[0], half);
    _mm_storel_epi64((__m128i *)(void *)to[1], _mm_unpackhi_epi64(half, half));
    half = _mm256_extracti128_si256(bytes, 1);
    _mm_storel_epi64((__m128i *)(void *)to[2], half);
    _mm_storel_epi64((__m128i *)(void *)to[3], _mm_unpackhi_epi64(half, half));
}

#endif
