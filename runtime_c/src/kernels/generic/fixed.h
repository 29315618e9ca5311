/* Fixed-point arithmetic: real multipliers as an integer below 2^31 and a power of two. docs/arithmetic.md
 * holds the formulas. Nothing here overflows or shifts a negative number, whatever it is given, as long as
 * multipliers and shifts have been checked. */
#ifndef SMR_GENERIC_FIXED_H
#define SMR_GENERIC_FIXED_H

#include "quant.h"

/* floor(value / 2^bits), for 0 <= bits <= 62. */
static inline int64_t fixed_floor_shift(int64_t value, int32_t bits) {
    return value >= 0 ? value >> bits : ~(~value >> bits);
}

/* The low 32 bits of a number, as a signed one. */
static inline int32_t fixed_wrap(int64_t value) {
    const uint32_t bits = (uint32_t)(uint64_t)value;
    int32_t wrapped;
    memcpy(&wrapped, &bits, sizeof wrapped);
    return wrapped;
}

static inline int32_t fixed_clamp(int64_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : (int32_t)value;
}

/* value / 2^bits, rounded to the nearest, halves away from 0; 0 <= bits <= 62. */
static inline int64_t fixed_round_shift(int64_t value, int32_t bits) {
    if (bits == 0) {
        return value;
    }
    return fixed_floor_shift(value + ((int64_t)1 << (bits - 1)) - (value < 0), bits);
}

/* x * y / 2^31, rounded to the nearest, halves up; saturated. */
static inline int32_t fixed_high(int32_t x, int32_t y) {
    return fixed_clamp(fixed_floor_shift((int64_t)x * y + (1 << 30), 31), INT32_MIN, INT32_MAX);
}

/* x * multiplier * 2^(shift - 31), rounded twice: after the multiplication and after a shift to the right. */
static inline int32_t fixed_multiply(int32_t x, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    const int32_t shifted = fixed_wrap((int64_t)x * ((int64_t)1 << left));
    const int64_t high = fixed_floor_shift((int64_t)shifted * multiplier + (1 << 30), 31);
    return (int32_t)fixed_round_shift(high, right);
}

/* The same for sums of 64 bits, with 16 bits of the multiplier. */
static inline int32_t fixed_multiply_wide(int64_t x, int32_t multiplier, int32_t shift) {
    const int64_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int32_t total = 15 - shift;
    return fixed_wrap(fixed_floor_shift(x * reduced + ((int64_t)1 << (total - 1)), total));
}

/* (high * 2^27 + low) * 2^exponent, for exponents that smr_fixed_check_multipliers lets through: a float64 in
 * the file. */
static inline double fixed_real(int32_t high, int32_t low, int32_t exponent) {
    const uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return ((double)high * 134217728.0 + (double)low) * power;
}

/* x * real in float64, rounded to the nearest, halves away from 0. */
static inline int32_t fixed_multiply_real(int64_t x, double real) {
    double value = (double)x * real, rest;
    int32_t whole;
    value = value < -2147483000.0 ? -2147483000.0 : value > 2147483000.0 ? 2147483000.0 : value;
    whole = (int32_t)value;
    rest = value - (double)whole;
    return whole + (rest >= 0.5 ? 1 : rest <= -0.5 ? -1 : 0);
}

/* An exact sum times the multiplier of output `output`, in a rounding of TensorFlow Lite. `multipliers` has
 * the rows that smr_fixed_check_multipliers has checked. */
static inline int32_t fixed_rescale(int64_t acc, const int32_t *multipliers, size_t outputs, size_t output,
                                    uint8_t rounding) {
    const int32_t multiplier = multipliers[output], second = multipliers[outputs + output];
    if (rounding == SMR_ROUNDING_TFLITE_REAL) {
        return fixed_multiply_real(acc, fixed_real(multiplier, second, multipliers[2 * outputs + output]));
    }
    return rounding == SMR_ROUNDING_TFLITE_WIDE ? fixed_multiply_wide(acc, multiplier, second)
                                                : fixed_multiply(fixed_wrap(acc), multiplier, second);
}

/* zero point + value, clamped. */
static inline int32_t fixed_finish(int32_t value, const quant_output *output) {
    return fixed_clamp((int64_t)value + output->zero_point, output->least, output->largest);
}

/* A stored integer of any type that fixed-point ops read and write, and back. */
static inline int32_t fixed_load(const smr_value *value, size_t index) {
    switch (value->dtype) {
        case SMR_DTYPE_INT8: return ((const int8_t *)value->data)[index];
        case SMR_DTYPE_UINT8: return ((const uint8_t *)value->data)[index];
        case SMR_DTYPE_INT16: return ((const int16_t *)value->data)[index];
        default: return ((const int32_t *)value->data)[index];
    }
}

static inline void fixed_store(const smr_value *value, size_t index, int32_t number) {
    switch (value->dtype) {
        case SMR_DTYPE_INT8: ((int8_t *)value->data)[index] = (int8_t)number; break;
        case SMR_DTYPE_UINT8: ((uint8_t *)value->data)[index] = (uint8_t)number; break;
        case SMR_DTYPE_INT16: ((int16_t *)value->data)[index] = (int16_t)number; break;
        default: ((int32_t *)value->data)[index] = number; break;
    }
}

/* Refuses a multiplier that is negative, or a shift outside -31..30. */
smr_status smr_fixed_check(int32_t multiplier, int32_t shift, smr_error *error);

/* Refuses multipliers that are not as many as the outputs, or that `rounding` cannot compute with. */
smr_status smr_fixed_check_multipliers(const smr_value *value, size_t outputs, uint8_t rounding,
                                       smr_error *error);

/* Refuses a shift to the left that can take a difference of two numbers of this type out of 32 bits. */
smr_status smr_fixed_check_left_shift(uint8_t dtype, int32_t left_shift, smr_error *error);

/* Refuses a zero point or an activation range that is outside what the type of `value` stores, int32
 * included. */
smr_status smr_fixed_check_range(const smr_value *value, int32_t zero_point, int32_t activation_min,
                                 int32_t activation_max, smr_error *error);

#endif
