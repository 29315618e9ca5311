/* Element types in and out of the two types that generic kernels compute in: float for floating-point
 * numbers, int64_t for integers and truth values. */
#ifndef SMR_CONVERT_H
#define SMR_CONVERT_H

#include <string.h>

#include "../../core/kernel.h"

/* Elements that a kernel converts at a time, on the stack. */
#define SMR_BLOCK 64

typedef union smr_block {
    float floats[SMR_BLOCK];
    int64_t integers[SMR_BLOCK];
} smr_block;

static inline bool smr_is_float(int dtype) {
    return dtype == SMR_DTYPE_FLOAT32 || dtype == SMR_DTYPE_FLOAT16;
}

/* Whether elements of the type can be used in place, without conversion. */
static inline bool smr_is_direct(int dtype) {
    return dtype == SMR_DTYPE_FLOAT32 || dtype == SMR_DTYPE_INT64;
}

static inline float smr_half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t magnitude = half & 0x7fffu;
    uint32_t bits;
    float value;
    if (magnitude >= 0x7c00u) { /* infinity and NaN */
        bits = 0x7f800000u | (magnitude & 0x3ffu) << 13;
    } else if (magnitude >= 0x0400u) {
        bits = (magnitude << 13) + (112u << 23);
    } else { /* subnormal: a multiple of 2**-24 */
        value = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
    }
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds to nearest even. */
static inline uint16_t smr_float_to_half(float value) {
    uint32_t bits, sign, magnitude;
    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000u;
    magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        magnitude = 0x7e00u;
    } else if (magnitude >= 0x477ff000u) { /* 65520, halfway beyond the largest number, and what follows */
        magnitude = 0x7c00u;
    } else if (magnitude >= 0x38800000u) { /* 2**-14, the least normal number */
        magnitude = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    } else { /* the numbers from 0.5 to 1 are 2**-24 apart, so the addition rounds as it should */
        float shifted;
        memcpy(&shifted, &magnitude, sizeof shifted);
        shifted += 0.5f;
        memcpy(&magnitude, &shifted, sizeof magnitude);
        magnitude -= 0x3f000000u;
    }
    return (uint16_t)(sign | magnitude);
}

/* Elements [offset, offset + count) of an array of float32 or float16. */
void smr_load_floats(int dtype, const void *data, size_t offset, size_t count, float *out);
void smr_store_floats(int dtype, void *data, size_t offset, size_t count, const float *in);

/* The same of integers and bool; storing keeps the low bits, so that arithmetic wraps around. */
void smr_load_integers(int dtype, const void *data, size_t offset, size_t count, int64_t *out);
void smr_store_integers(int dtype, void *data, size_t offset, size_t count, const int64_t *in);

/* How `count` numbers of float16 that lie side by side are converted to float32, and back, to nearest, half
 * to even. */
typedef struct smr_halves {
    void (*widen)(const uint16_t *from, float *to, size_t count);
    void (*narrow)(const float *from, uint16_t *to, size_t count);
} smr_halves;

extern const smr_halves smr_halves_plain;

#endif
