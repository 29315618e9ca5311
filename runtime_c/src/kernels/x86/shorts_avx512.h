/* Vectors of int16 for AVX-512: see vector/quant_recurrent.inc. */
#ifndef SMR_X86_SHORTS_AVX512_H
#define SMR_X86_SHORTS_AVX512_H

#include <immintrin.h>

#define SHORTS                            __m512i
#define SHORTS_LANES                      32
#define SHORTS_LOAD(from, whole)          shorts_load(from, whole)
#define SHORTS_STORE(to, x, whole)        shorts_store(to, x, whole)
#define SHORTS_STORE_BYTES(to, x, whole)  shorts_store_bytes(to, x, whole)
#define SHORTS_ALL(x)                     _mm512_set1_epi16((short)(x))
#define SHORTS_ADD(a, b)                  _mm512_adds_epi16(a, b)
#define SHORTS_SUBTRACT(a, b)             _mm512_subs_epi16(a, b)
#define SHORTS_PRODUCT(a, b)              _mm512_mulhrs_epi16(a, b)
#define SHORTS_SMALLER(a, b)              _mm512_min_epi16(a, b)
#define SHORTS_LARGER(a, b)               _mm512_max_epi16(a, b)
#define SHORTS_AND(a, b)                  _mm512_and_si512(a, b)
#define SHORTS_FLIP(a, b)                 _mm512_xor_si512(a, b)
#define SHORTS_RIGHT(x, bits)             _mm512_srai_epi16(x, bits)
#define SHORTS_LEFT(x, bits)              _mm512_slli_epi16(x, bits)
#define CURVES                            __m512i
#define CURVES_LOAD(from)                 _mm512_castsi256_si512(_mm256_loadu_si256((const void *)(from)))
#define PLACES                            __m512i
#define PLACES_OF(x)                      (x)
#define CURVES_FIND(curves, places)       _mm512_permutexvar_epi16(places, curves)
#define SUMS_NARROW(sums, multiplier, to) shorts_narrow(sums, multiplier, to)

static inline __m512i shorts_load(const int16_t *from, bool whole) {
    return whole ? _mm512_loadu_si512(from) : _mm512_castsi256_si512(_mm256_loadu_si256((const void *)from));
}

static inline void shorts_store(int16_t *to, __m512i x, bool whole) {
    if (whole) {
        _mm512_storeu_si512(to, x);
    } else {
        _mm256_storeu_si256((void *)to, _mm512_castsi512_si256(x));
    }
}

static inline void shorts_store_bytes(int8_t *to, __m512i x, bool whole) {
    const __m256i bytes = _mm512_cvtsepi16_epi8(x);
    if (whole) {
        _mm256_storeu_si256((void *)to, bytes);
    } else {
        _mm_storeu_si128((void *)to, _mm256_castsi256_si128(bytes));
    }
}

/* What is less than an int32 becomes the least one. */
static inline void shorts_narrow(const int32_t *sums, const float *multiplier, int16_t *to) {
    const __m512 scaled =
        _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)), _mm512_loadu_ps(multiplier));
    const __m512i nearest = _mm512_cvtps_epi32(_mm512_min_ps(scaled, _mm512_set1_ps(INT16_MAX)));
    _mm256_storeu_si256((void *)to, _mm512_cvtsepi32_epi16(nearest));
}

#endif
