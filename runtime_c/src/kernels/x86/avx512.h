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

#define VECTOR_ADD(a, b)                      _mm512_add_ps(a, b)
#define VECTOR_SUBTRACT(a, b)                 _mm512_sub_ps(a, b)
#define VECTOR_MULTIPLY(a, b)                 _mm512_mul_ps(a, b)
#define VECTOR_DIVIDE(a, b)                   _mm512_div_ps(a, b)
#define VECTOR_NEGATIVE_MULTIPLY_ADD(a, b, c) _mm512_fnmadd_ps(a, b, c) /* c - a * b */

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

#define VECTOR_SCALE(x, power) \
    _mm512_scalef_ps(x, power) /* x * 2^power, where there is an instruction for it */

#endif
