/* float16 as the kernels see it: loaded to float, stored rounded to the nearest, ties to even. */
#ifndef SMR_GENERIC_CONVERT_H
#define SMR_GENERIC_CONVERT_H

#include <stdint.h>
#include <string.h>

static inline float smr_half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t exponent = half >> 10 & 0x1fu;
    const uint32_t fraction = half & 0x3ffu;
    uint32_t bits;
    float value;
    if (exponent == 0) {
        /* A subnormal is its fraction in units of 2^-24. */
        value = (float)fraction * (1.0f / 16777216.0f);
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    } else if (exponent == 31) {
        bits = sign | 0x7f800000u | fraction << 13;
    } else {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint16_t smr_float_to_half(float value) {
    uint32_t bits, sign, magnitude, shift, kept, rest, middle;
    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000u;
    magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u);
    }
    if (magnitude >= 0x477ff000u) {
        return (uint16_t)(sign | 0x7c00u); /* 65520 and more round to infinity */
    }
    if (magnitude >= 0x38800000u) {
        kept = (magnitude - 0x38000000u) >> 13; /* 2^-14 and more: the exponent's bias is 112 less */
        rest = magnitude & 0x1fffu;
        middle = 0x1000u;
    } else if (magnitude < 0x33000000u) {
        return (uint16_t)sign; /* less than half of 2^-24 */
    } else {
        const uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
        shift = 126 - (magnitude >> 23); /* to units of 2^-24 */
        kept = fraction >> shift;
        rest = fraction & ((1u << shift) - 1);
        middle = 1u << (shift - 1);
    }
    kept += rest > middle || (rest == middle && (kept & 1u) != 0);
    return (uint16_t)(sign | kept);
}

#endif
