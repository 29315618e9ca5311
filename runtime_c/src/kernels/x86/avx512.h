/* Vectors of float32 for AVX-512: what the templates of tiled/ and vector/ are written with. */
#ifndef SMR_X86_AVX512_H
#define SMR_X86_AVX512_H

#include <immintrin.h>

#define VECTOR                       __m512
#define VECTOR_LANES                 16
#define VECTOR_LOAD(from)            _mm512_loadu_ps(from)
#define VECTOR_STORE(to, x)          _mm512_storeu_ps(to, x)
#define VECTOR_ALL(x)                _mm512_set1_ps(x)
#define VECTOR_MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define VECTOR_CLAMP(x, least, most) \
    _mm512_min_ps(most, _mm512_max_ps(least, x)) /* the second if one is NaN */

#define VECTOR_ADD(a, b)      _mm512_add_ps(a, b)
#define VECTOR_SUBTRACT(a, b) _mm512_sub_ps(a, b)
#define VECTOR_MULTIPLY(a, b) _mm512_mul_ps(a, b)
#define VECTOR_DIVIDE(a, b)   _mm512_div_ps(a, b)

/* Operations on the bits of floats: as on vectors of uint32_t. */
#define VECTOR_FROM_BITS(bits) _mm512_castsi512_ps(_mm512_set1_epi32((int)(bits)))
#define VECTOR_BITS_AND(a, b)  _mm512_and_ps(a, b)
#define VECTOR_BITS_OR(a, b)   _mm512_or_ps(a, b)
#define VECTOR_BITS_XOR(a, b)  _mm512_xor_ps(a, b)
#define VECTOR_BITS_ADD(a, b) \
    _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)))
#define VECTOR_BITS_SUBTRACT(a, b) \
    _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)))
#define VECTOR_BITS_LEFT(x, by)  _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), by))
#define VECTOR_BITS_RIGHT(x, by) _mm512_castsi512_ps(_mm512_srli_epi32(_mm512_castps_si512(x), by))

#define VECTOR_MASK                  __mmask16
#define VECTOR_LESS(a, b)            _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) /* false if one is NaN */
#define VECTOR_SELECT(mask, yes, no) _mm512_mask_blend_ps(mask, no, yes)
#define VECTOR_EVERY(mask)           ((mask) == 0xffff)

#define VECTOR_SCALE(x, power) \
    _mm512_scalef_ps(x, power) /* x * 2^power, where there is an instruction for it */

/* One number of a vector's lanes. */
#define VECTOR_SUM(x)      _mm512_reduce_add_ps(x)
#define VECTOR_GREATEST(x) _mm512_reduce_max_ps(x)

/* Of a vector of which `count` lanes alone are in memory; the others are 0. */
#define AVX512_LANES(count)             ((__mmask16)((1u << (count)) - 1u))
#define VECTOR_LOAD_PART(from, count)   _mm512_maskz_loadu_ps(AVX512_LANES(count), from)
#define VECTOR_STORE_PART(to, x, count) _mm512_mask_storeu_ps(to, AVX512_LANES(count), x)

/* Rows become columns: of 4 by 4 numbers in each quarter, then of quarters. */
static inline void avx512_transpose(__m512 x[16]) {
    __m512 t[16];
    int i;
    for (i = 0; i < 16; i += 4) {
        const __m512 a = _mm512_unpacklo_ps(x[i], x[i + 1]), b = _mm512_unpackhi_ps(x[i], x[i + 1]);
        const __m512 c = _mm512_unpacklo_ps(x[i + 2], x[i + 3]), d = _mm512_unpackhi_ps(x[i + 2], x[i + 3]);
        t[i] = _mm512_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    for (i = 0; i < 4; ++i) {
        const __m512 a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88);
        const __m512 b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
        const __m512 c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88);
        const __m512 d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
        x[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        x[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        x[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        x[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

#define VECTOR_TRANSPOSE(x) avx512_transpose(x)

/* NaN if either is. */
#define VECTOR_MAXIMUM(a, b) _mm512_mask_max_ps(a, _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b)
#define VECTOR_MINIMUM(a, b) _mm512_mask_min_ps(a, _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, b)

#define VECTOR_AT_LEAST(x, least) _mm512_max_ps(least, x) /* x if one is NaN */
#define VECTOR_AT_MOST(x, most)   _mm512_min_ps(most, x)  /* x if one is NaN */
#define VECTOR_SQRT(x)            _mm512_sqrt_ps(x)

/* float16 in memory: widened, and rounded; with a mask of all lanes, because without one gcc's macro for
 * builds that are not optimized has a -1 that it warns of. */
#define VECTOR_LOAD_HALF(from) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(from)))
#define VECTOR_STORE_HALF(to, x)                 \
    _mm256_storeu_si256((__m256i *)(void *)(to), \
                        _mm512_maskz_cvtps_ph((__mmask16)0xffff, x, _MM_FROUND_TO_NEAREST_INT))

#define VECTOR_HALVES     smr_halves_avx2 /* vector/halves.h */
#define VECTOR_NAME(name) name##_avx512

#endif
