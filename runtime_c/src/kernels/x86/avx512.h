/* Vectors of float32 for AVX-512: what the .inc files of tiled/ are written with. */
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

#endif
