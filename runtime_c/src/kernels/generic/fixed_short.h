/* Functions of 16 bits in fixed point: exponential, logistic and tanh. Inputs have the integer bits that are
 * given, 0 to 6; results have 15 fraction bits. */
#ifndef SMR_GENERIC_FIXED_SHORT_H
#define SMR_GENERIC_FIXED_SHORT_H

#include "fixed.h"

static inline int16_t fixed_saturate16(int64_t value) {
    return (int16_t)fixed_clamp(value, INT16_MIN, INT16_MAX);
}

/* x * y / 2^15, rounded to the nearest, halves up; saturated. */
static inline int32_t fixed_high16(int32_t x, int32_t y) {
    return fixed_saturate16(fixed_floor_shift((int64_t)x * y + (1 << 14), 15));
}

/* exp(a) for a <= 0: four terms around -1/8, then a factor for each power of two in what is left. */
static inline int32_t fixed_exponential16(int32_t a, int32_t integer_bits) {
    static const int16_t factors[7] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* of -1/4, -1/2, ... -16 */
    const int32_t fraction_bits = 15 - integer_bits, quarter = 1 << (fraction_bits - 2);
    const int32_t rest = (int32_t)((uint32_t)a & (uint32_t)(quarter - 1)) - quarter;
    const int32_t x = rest * (1 << integer_bits) + (1 << 12);
    const int32_t x2 = fixed_high16(x, x), x3 = fixed_high16(x2, x), x4 = fixed_high16(x2, x2);
    const int32_t sum = fixed_high16((int32_t)fixed_round_shift(x4, 2) + x3, 10923) + x2;
    int32_t result = fixed_saturate16(28918 + fixed_high16(28918, x + (int32_t)fixed_round_shift(sum, 1)));
    int32_t exponent;
    if (a == 0) {
        return INT16_MAX;
    }
    if (integer_bits > 5 && a < -(1 << (fraction_bits + 5))) {
        return 0;
    }
    for (exponent = -2; exponent < 5 && exponent < integer_bits; ++exponent) {
        if (((rest - a) >> (fraction_bits + exponent) & 1) != 0) {
            result = fixed_high16(result, factors[exponent + 2]);
        }
    }
    return result;
}

/* 2 / (1 + a) for a in 0..1, with 13 fraction bits: three steps of Newton's method. */
static inline int32_t fixed_newton16(int32_t a) {
    const int32_t half = (a + INT16_MAX + 1) / 2;
    int32_t x = 23130 + fixed_high16(half, -15420); /* 48/17 - 32/17 * half */
    int32_t step;
    for (step = 0; step < 3; ++step) {
        x += fixed_saturate16((int64_t)fixed_high16(x, (1 << 13) - fixed_high16(half, x)) * 4);
    }
    return x;
}

static inline int32_t fixed_logistic16(int32_t a, int32_t integer_bits) {
    const int32_t result =
        fixed_saturate16((int64_t)fixed_newton16(fixed_exponential16(a > 0 ? -a : a, integer_bits)) * 2);
    return a == 0 ? 1 << 14 : a > 0 ? result : INT16_MAX - result;
}

static inline int32_t fixed_tanh16(int32_t a, int32_t integer_bits) {
    const int32_t twice = fixed_exponential16(a > 0 ? -a : a, integer_bits + 1);
    const int32_t result = fixed_saturate16((int64_t)(fixed_newton16(twice) - (1 << 13)) * 4);
    return a == 0 ? 0 : a < 0 ? -result : result;
}

#endif
