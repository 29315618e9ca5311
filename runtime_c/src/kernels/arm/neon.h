/* Vectors of float32 for NEON: what the .inc files of tiled/ are written with. */
#ifndef SMR_ARM_NEON_H
#define SMR_ARM_NEON_H

#include <arm_neon.h>

#define VECTOR                       float32x4_t
#define VECTOR_LANES                 4
#define VECTOR_LOAD(from)            vld1q_f32(from)
#define VECTOR_STORE(to, x)          vst1q_f32(to, x)
#define VECTOR_ALL(x)                vdupq_n_f32(x)
#define VECTOR_MULTIPLY_ADD(a, b, c) vfmaq_f32(c, a, b)
#define VECTOR_CLAMP(x, least, most) vminq_f32(vmaxq_f32(x, least), most) /* both give NaN for NaN */

#endif
