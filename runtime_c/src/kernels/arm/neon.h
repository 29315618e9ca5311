/* Vectors of float32 for NEON: what the templates of tiled/ and vector/ are written with. */
#ifndef SMR_ARM_NEON_H
#define SMR_ARM_NEON_H

#include <arm_neon.h>
#include <stdbool.h>

#define VECTOR                       float32x4_t
#define VECTOR_LANES                 4
#define VECTOR_LOAD(from)            vld1q_f32(from)
#define VECTOR_STORE(to, x)          vst1q_f32(to, x)
#define VECTOR_ALL(x)                vdupq_n_f32(x)
#define VECTOR_MULTIPLY_ADD(a, b, c) vfmaq_f32(c, a, b)
#if defined(SMR_KERNELS_ARM64)
#define VECTOR_MULTIPLY_ADD_LANE(a, lane, b, c) vfmaq_laneq_f32(c, b, a, lane)
#endif
#define VECTOR_CLAMP(x, least, most) vminq_f32(vmaxq_f32(x, least), most) /* both give NaN for NaN */

#define VECTOR_ADD(a, b)      vaddq_f32(a, b)
#define VECTOR_SUBTRACT(a, b) vsubq_f32(a, b)
#define VECTOR_MULTIPLY(a, b) vmulq_f32(a, b)
#if defined(SMR_KERNELS_ARM64)
#define VECTOR_DIVIDE(a, b) vdivq_f32(a, b)
#else
#define VECTOR_DIVIDE(a, b) ((a) / (b)) /* lane by lane, there is no instruction for vectors */
#endif

/* Operations on the bits of floats: as on vectors of uint32_t. */
#define NEON_BITS(x)               vreinterpretq_u32_f32(x)
#define NEON_FLOATS(x)             vreinterpretq_f32_u32(x)
#define VECTOR_FROM_BITS(bits)     NEON_FLOATS(vdupq_n_u32(bits))
#define VECTOR_BITS_AND(a, b)      NEON_FLOATS(vandq_u32(NEON_BITS(a), NEON_BITS(b)))
#define VECTOR_BITS_OR(a, b)       NEON_FLOATS(vorrq_u32(NEON_BITS(a), NEON_BITS(b)))
#define VECTOR_BITS_XOR(a, b)      NEON_FLOATS(veorq_u32(NEON_BITS(a), NEON_BITS(b)))
#define VECTOR_BITS_ADD(a, b)      NEON_FLOATS(vaddq_u32(NEON_BITS(a), NEON_BITS(b)))
#define VECTOR_BITS_SUBTRACT(a, b) NEON_FLOATS(vsubq_u32(NEON_BITS(a), NEON_BITS(b)))
#define VECTOR_BITS_LEFT(x, by)    NEON_FLOATS(vshlq_n_u32(NEON_BITS(x), by))
#define VECTOR_BITS_RIGHT(x, by)   NEON_FLOATS(vshrq_n_u32(NEON_BITS(x), by))

#define VECTOR_MASK                  uint32x4_t
#define VECTOR_LESS(a, b)            vcltq_f32(a, b) /* false if one is NaN */
#define VECTOR_SELECT(mask, yes, no) vbslq_f32(mask, yes, no)

static inline bool neon_every(uint32x4_t mask) {
    const uint32x2_t half = vand_u32(vget_low_u32(mask), vget_high_u32(mask));
    return vget_lane_u64(vreinterpret_u64_u32(half), 0) == UINT64_MAX;
}

#define VECTOR_EVERY(mask) neon_every(mask)

/* One number of a vector's lanes. */
static inline float neon_sum(float32x4_t x) {
    const float32x2_t half = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(vpadd_f32(half, half), 0);
}

static inline float neon_greatest(float32x4_t x) {
    const float32x2_t half = vmax_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(vpmax_f32(half, half), 0);
}

#define VECTOR_SUM(x)      neon_sum(x)
#define VECTOR_GREATEST(x) neon_greatest(x)

/* Rows become columns. */
static inline void neon_transpose(float32x4_t x[4]) {
    const float32x4x2_t a = vtrnq_f32(x[0], x[1]), b = vtrnq_f32(x[2], x[3]);
    x[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    x[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    x[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    x[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}

#define VECTOR_TRANSPOSE(x) neon_transpose(x)

/* NaN if either is. */
#define VECTOR_MAXIMUM(a, b) vmaxq_f32(a, b)
#define VECTOR_MINIMUM(a, b) vminq_f32(a, b)

#define VECTOR_AT_LEAST(x, least) vmaxq_f32(x, least) /* NaN if one is */
#define VECTOR_AT_MOST(x, most)   vminq_f32(x, most)  /* NaN if one is */
#if defined(SMR_KERNELS_ARM64)
#define VECTOR_SQRT(x) vsqrtq_f32(x)
#else
static inline float32x4_t neon_sqrt(float32x4_t x) {
    float lanes[4];
    vst1q_f32(lanes, x);
    lanes[0] = __builtin_sqrtf(lanes[0]);
    lanes[1] = __builtin_sqrtf(lanes[1]);
    lanes[2] = __builtin_sqrtf(lanes[2]);
    lanes[3] = __builtin_sqrtf(lanes[3]);
    return vld1q_f32(lanes);
}

#define VECTOR_SQRT(x) neon_sqrt(x)
#endif

#if !defined(SMR_KERNELS_ARM64)
/* For x from 1 on: 1 / x with 15 bits, 0 where that is subnormal; division is lane by lane. */
static inline float32x4_t neon_reciprocal_start(float32x4_t x) {
    const float32x4_t estimate = vrecpeq_f32(x);
    return vmulq_f32(estimate, vrecpsq_f32(x, estimate));
}

#define VECTOR_RECIPROCAL_START(x)       neon_reciprocal_start(x)
#define VECTOR_SUBTRACT_PRODUCT(c, a, b) vfmsq_f32(c, a, b) /* c - a * b */
#endif

#if defined(SMR_KERNELS_ARM64)
/* float16 in memory: widened, and rounded. */
#define VECTOR_LOAD_HALF(from)   vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from)))
#define VECTOR_STORE_HALF(to, x) vst1_u16(to, vreinterpret_u16_f16(vcvt_f16_f32(x)))

#define VECTOR_HALVES smr_halves_neon /* vector/halves.h */
#endif
#define VECTOR_NAME(name) name##_neon

#endif
