/* Vectors of int16 for AVX2: see vector/quant_recurrent.inc. */
#ifndef SMR_X86_SHORTS_AVX2_H
#define SMR_X86_SHORTS_AVX2_H

#include <immintrin.h>

#define SHORTS                            __m256i
#define SHORTS_LANES                      16
#define SHORTS_LOAD(from, whole)          _mm256_loadu_si256((const void *)(from))
#define SHORTS_STORE(to, x, whole)        _mm256_storeu_si256((void *)(to), x)
#define SHORTS_STORE_BYTES(to, x, whole)  shorts_store_bytes(to, x)
#define SHORTS_ALL(x)                     _mm256_set1_epi16((short)(x))
#define SHORTS_ADD(a, b)                  _mm256_adds_epi16(a, b)
#define SHORTS_SUBTRACT(a, b)             _mm256_subs_epi16(a, b)
#define SHORTS_PRODUCT(a, b)              _mm256_mulhrs_epi16(a, b)
#define SHORTS_SMALLER(a, b)              _mm256_min_epi16(a, b)
#define SHORTS_LARGER(a, b)               _mm256_max_epi16(a, b)
#define SHORTS_AND(a, b)                  _mm256_and_si256(a, b)
#define SHORTS_FLIP(a, b)                 _mm256_xor_si256(a, b)
#define SHORTS_RIGHT(x, bits)             _mm256_srai_epi16(x, bits)
#define SHORTS_LEFT(x, bits)              _mm256_slli_epi16(x, bits)
#define CURVES                            shorts_curves
#define CURVES_LOAD(from)                 shorts_load_curves(from)
#define PLACES                            shorts_places
#define PLACES_OF(x)                      shorts_places_of(x)
#define CURVES_FIND(curves, places)       shorts_find(curves, places)
#define SUMS_NARROW(sums, multiplier, to) shorts_narrow(sums, multiplier, to)

/* The low and the high bytes of 16 numbers, and where each of both is looked for: a byte of 0x80 finds 0. */
typedef struct shorts_curves {
    __m256i low, high;
} shorts_curves;

typedef struct shorts_places {
    __m256i low, high;
} shorts_places;

static inline shorts_curves shorts_load_curves(const int16_t *from) {
    const __m128i first = _mm_loadu_si128((const void *)from),
                  second = _mm_loadu_si128((const void *)(from + 8));
    const __m128i byte = _mm_set1_epi16(0xff);
    const shorts_curves curves = {
        _mm256_broadcastsi128_si256(
            _mm_packus_epi16(_mm_and_si128(first, byte), _mm_and_si128(second, byte))),
        _mm256_broadcastsi128_si256(_mm_packus_epi16(_mm_srli_epi16(first, 8), _mm_srli_epi16(second, 8)))};
    return curves;
}

static inline shorts_places shorts_places_of(__m256i x) {
    const shorts_places places = {_mm256_or_si256(x, _mm256_set1_epi16((short)0x8000)),
                                  _mm256_or_si256(_mm256_slli_epi16(x, 8), _mm256_set1_epi16(0x80))};
    return places;
}

static inline __m256i shorts_find(shorts_curves curves, shorts_places places) {
    return _mm256_or_si256(_mm256_shuffle_epi8(curves.low, places.low),
                           _mm256_shuffle_epi8(curves.high, places.high));
}

static inline void shorts_store_bytes(int8_t *to, __m256i x) {
    _mm_storeu_si128((void *)to, _mm_packs_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}

/* What is less than an int32 becomes the least one. */
static inline __m256i shorts_nearest(const int32_t *sums, const float *multiplier) {
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_loadu_si256((const void *)sums)),
                                        _mm256_loadu_ps(multiplier));
    return _mm256_cvtps_epi32(_mm256_min_ps(scaled, _mm256_set1_ps(INT16_MAX)));
}

static inline void shorts_narrow(const int32_t *sums, const float *multiplier, int16_t *to) {
    const __m256i both =
        _mm256_packs_epi32(shorts_nearest(sums, multiplier), shorts_nearest(sums + 8, multiplier + 8));
    _mm256_storeu_si256((void *)to, _mm256_permute4x64_epi64(both, 0xd8));
}

#endif
