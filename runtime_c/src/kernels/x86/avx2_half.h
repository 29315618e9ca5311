/* Vectors of float32 that are float16 in memory, for AVX2 and F16C: read with 11 bits, rounded once when they
 * are written. */
#ifndef SMR_X86_AVX2_HALF_H
#define SMR_X86_AVX2_HALF_H

#include "../generic/convert.h"
#include "avx2.h"

#undef VECTOR_LOAD
#undef VECTOR_STORE
#undef VECTOR_LOAD_PART
#undef VECTOR_STORE_PART
#undef VECTOR_NAME

#define VECTOR_ELEMENT             uint16_t
#define VECTOR_NUMBER(x)           smr_half_to_float(x)
#define VECTOR_STORE_FLOATS(to, x) _mm256_storeu_ps(to, x)
#define VECTOR_LOAD(from)          VECTOR_LOAD_HALF(from)
#define VECTOR_STORE(to, x)        VECTOR_STORE_HALF(to, x)
#define VECTOR_NAME(name)          name##_half_avx2

#endif
