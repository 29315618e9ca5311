/* Vectors of float32 for AVX2 and FMA: what the templates of tiled/ and vector/ are written with. */
#ifndef SMR_X86_AVX2_H
#define SMR_X86_AVX2_H

#include <immintrin.h>

#define VECTOR                       __m256
#define VECTOR_LANES                 8
#define VECTOR_LOAD(from)            _mm256_loadu_ps(from)
#define VECTOR_STORE(to, x)          _mm256_storeu_ps(to, x)
#define VECTOR_ALL(x)                _mm256_set1_ps(x)
#define VECTOR_MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define VECTOR_CLAMP(x, least, most) \
    _mm256_min_ps(most, _mm256_max_ps(least, x)) /* the second if one is NaN */

#define VECTOR_ADD(a, b)      _mm256_add_ps(a, b)
#define VECTOR_SUBTRACT(a, b) _mm256_sub_ps(a, b)
#define VECTOR_MULTIPLY(a, b) _mm256_mul_ps(a, b)
#define VECTOR_DIVIDE(a, b)   _mm256_div_ps(a, b)

/* Operations on the bits of floats: as on vectors of uint32_t. */
#define VECTOR_FROM_BITS(bits) _mm256_castsi256_ps(_mm256_set1_epi32((int)(bits)))
#define VECTOR_BITS_AND(a, b)  _mm256_and_ps(a, b)
#define VECTOR_BITS_OR(a, b)   _mm256_or_ps(a, b)
#define VECTOR_BITS_XOR(a, b)  _mm256_xor_ps(a, b)
#define VECTOR_BITS_ADD(a, b) \
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)))
#define VECTOR_BITS_SUBTRACT(a, b) \
    _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)))
#define VECTOR_BITS_LEFT(x, by)  _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), by))
#define VECTOR_BITS_RIGHT(x, by) _mm256_castsi256_ps(_mm256_srli_epi32(_mm256_castps_si256(x), by))

#define VECTOR_MASK                  __m256
#define VECTOR_LESS(a, b)            _mm256_cmp_ps(a, b, _CMP_LT_OQ) /* false if one is NaN */
#define VECTOR_SELECT(mask, yes, no) _mm256_blendv_ps(no, yes, mask)
#define VECTOR_EVERY(mask)           (_mm256_movemask_ps(mask) == 0xff)

/* One number of a vector's lanes. */
static inline float avx2_sum(__m256 x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

static inline float avx2_greatest(__m256 x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

#define VECTOR_SUM(x)      avx2_sum(x)
#define VECTOR_GREATEST(x) avx2_greatest(x)

/* Rows become columns: of 4 by 4 numbers in each half, then of halves. */
static inline void avx2_transpose(__m256 x[8]) {
    __m256 t[8];
    int i;
    _Pragma("GCC unroll 2") for (i = 0; i < 8; i += 4) {
        const __m256 a = _mm256_unpacklo_ps(x[i], x[i + 1]), b = _mm256_unpackhi_ps(x[i], x[i + 1]);
        const __m256 c = _mm256_unpacklo_ps(x[i + 2], x[i + 3]), d = _mm256_unpackhi_ps(x[i + 2], x[i + 3]);
        t[i] = _mm256_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    _Pragma("GCC unroll 4") for (i = 0; i < 4; ++i) {
        x[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
        x[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
}

#define VECTOR_TRANSPOSE(x) avx2_transpose(x)

/* NaN if either is. */
#define AVX2_NAN(a)          _mm256_cmp_ps(a, a, _CMP_UNORD_Q) /* all bits, which are one, or none */
#define VECTOR_MAXIMUM(a, b) _mm256_or_ps(_mm256_max_ps(a, b), AVX2_NAN(a))
#define VECTOR_MINIMUM(a, b) _mm256_or_ps(_mm256_min_ps(a, b), AVX2_NAN(a))

#define VECTOR_AT_LEAST(x, least) _mm256_max_ps(least, x) /* x if one is NaN */
#define VECTOR_AT_MOST(x, most)   _mm256_min_ps(most, x)  /* x if one is NaN */
#define VECTOR_SQRT(x)            _mm256_sqrt_ps(x)

/* The lanes below `count`. */
static inline __m256i avx2_lanes(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Of a vector of which `count` lanes alone are in memory; the others are 0. */
#define VECTOR_LOAD_PART(from, count)   _mm256_maskload_ps(from, avx2_lanes(count))
#define VECTOR_STORE_PART(to, x, count) _mm256_maskstore_ps(to, avx2_lanes(count), x)

/* float16 in memory: widened, and rounded. */
#define VECTOR_LOAD_HALF(from) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from)))
#define VECTOR_STORE_HALF(to, x) \
    _mm_storeu_si128((__m128i *)(void *)(to), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT))

#define VECTOR_HALVES     smr_halves_avx2 /* vector/halves.h */
#define VECTOR_NAME(name) name##_avx2

#endif
