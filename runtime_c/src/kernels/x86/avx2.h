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

#define VECTOR_ADD(a, b)                      _mm256_add_ps(a, b)
#define VECTOR_SUBTRACT(a, b)                 _mm256_sub_ps(a, b)
#define VECTOR_MULTIPLY(a, b)                 _mm256_mul_ps(a, b)
#define VECTOR_DIVIDE(a, b)                   _mm256_div_ps(a, b)
#define VECTOR_NEGATIVE_MULTIPLY_ADD(a, b, c) _mm256_fnmadd_ps(a, b, c) /* c - a * b */

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

#endif
