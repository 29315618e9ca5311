/* Vectors of float32 for AVX2 and FMA: what the .inc files of tiled/ are written with. */
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

#endif
