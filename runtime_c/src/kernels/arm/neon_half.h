/* Vectors of float32 that are float16 in memory, for NEON of 64-bit ARM: read with 11 bits, rounded once when
 * they are written. */
#ifndef SMR_ARM_NEON_HALF_H
#define SMR_ARM_NEON_HALF_H

#include "../generic/convert.h"
#include "neon.h"

#undef VECTOR_LOAD
#undef VECTOR_STORE
#undef VECTOR_NAME

#define VECTOR_ELEMENT             uint16_t
#define VECTOR_NUMBER(x)           smr_half_to_float(x)
#define VECTOR_STORE_FLOATS(to, x) vst1q_f32(to, x)
#define VECTOR_LOAD(from)          VECTOR_LOAD_HALF(from)
#define VECTOR_STORE(to, x)        VECTOR_STORE_HALF(to, x)
#define VECTOR_NAME(name)          name##_half_neon

#endif
