/* Vectors of float32 that are float16 in memory, for AVX2 and F16C: read with 11 bits, rounded once when they
 * are written. */
#ifndef SMR_X86_AVX2_HALF_H
#define SMR_X86_AVX2_HALF_H

#include "avx2.h"

#undef VECTOR_LOAD
#undef VECTOR_STORE
#undef VECTOR_LOAD_PART
#undef VECTOR_STORE_PART
#undef VECTOR_NAME

#define VECTOR_ELEMENT    uint16_t
#define VECTOR_LOAD(from) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from)))
#define VECTOR_STORE(to, x) \
    _mm_storeu_si128((__m128i *)(void *)(to), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT))
#define VECTOR_NAME(name) name##_half_avx2

#endif
