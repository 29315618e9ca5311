/* Trigonometric and hyperbolic functions of vectors of float32, and their inverses: included as
 * transcendental.h is, whose rules hold here too. */
#ifndef SMR_VECTOR_TRIGONOMETRIC_H
#define SMR_VECTOR_TRIGONOMETRIC_H

#include <math.h>

#include "part.h"
#include "transcendental.h"

/* Numbers that no float32 is near enough: what is left is in the second part. */
#define VECTOR_HALF_PI      0x1.921fb6p+0f
#define VECTOR_HALF_PI_REST -0x1.777a5cp-25f
#define VECTOR_LOG_2        0x1.62e430p-1f

/* x = quarters * pi / 2 + rest + less, where `quarters` is whole, |rest| is hardly more than pi / 4 and
 * `less` what a float32 cannot hold of it. The low bits of `shifted` are those of the integer. */
typedef struct vector_angle {
    VECTOR rest, less, shifted;
} vector_angle;

/* From here on the number of quarters has more than 13 bits. */
#define VECTOR_ANGLE_MOST 8192.0f

/* pi / 2 is cut into parts of 11 bits, so that their products with a number of 13 bits are exact. So are the
 * first two differences; what is rounded off in the next two is kept. An x so near to a multiple of pi / 2
 * that the rest is tiny has no such errors. */
static inline vector_angle vector_reduce_angle(VECTOR x) {
    const VECTOR shifter = VECTOR_ALL(0x1.8p23f);
    vector_angle angle;
    VECTOR quarters, part, first, second, less;
    angle.shifted = VECTOR_MULTIPLY_ADD(x, VECTOR_ALL(0x1.45f306p-1f), shifter);
    quarters = VECTOR_SUBTRACT(angle.shifted, shifter);
    x = VECTOR_MULTIPLY_ADD(quarters, VECTOR_ALL(-0x1.92p+0f), x);
    x = VECTOR_MULTIPLY_ADD(quarters, VECTOR_ALL(-0x1.fb4p-12f), x);
    part = VECTOR_MULTIPLY(quarters, VECTOR_ALL(0x1.444p-24f));
    first = VECTOR_SUBTRACT(x, part);
    less = VECTOR_SUBTRACT(VECTOR_SUBTRACT(x, first), part);
    part = VECTOR_MULTIPLY(quarters, VECTOR_ALL(0x1.68cp-39f));
    second = VECTOR_SUBTRACT(first, part);
    less = VECTOR_ADD(less, VECTOR_SUBTRACT(VECTOR_SUBTRACT(first, second), part));
    angle.rest = second;
    angle.less = VECTOR_MULTIPLY_ADD(quarters, VECTOR_ALL(-0x1.1a6264p-54f), less);
    return angle;
}

/* The function of those lanes of x that vector_reduce_angle cannot take, by the C library. */
static __attribute__((noinline)) VECTOR vector_large_angles(VECTOR x, VECTOR result,
                                                            float (*function)(float)) {
    VECTOR_ELEMENT lanes[VECTOR_LANES], results[VECTOR_LANES];
    int i;
    VECTOR_STORE(lanes, x);
    VECTOR_STORE(results, result);
    for (i = 0; i < VECTOR_LANES; ++i) {
        if (!(fabsf(lanes[i]) < VECTOR_ANGLE_MOST)) {
            results[i] = function(lanes[i]);
        }
    }
    return VECTOR_LOAD(results);
}

static inline VECTOR vector_any_angle(VECTOR x, VECTOR result, float (*function)(float)) {
    const VECTOR_MASK small = VECTOR_LESS(VECTOR_ABS(x), VECTOR_ALL(VECTOR_ANGLE_MOST));
    return VECTOR_EVERY(small) ? result : vector_large_angles(x, result, function);
}

/* sin(rest + less): the polynomial of its degree whose relative error is least. */
static inline VECTOR vector_sin_rest(vector_angle angle) {
    const VECTOR x = angle.rest, square = VECTOR_MULTIPLY(x, x);
    VECTOR sum = VECTOR_ALL(-0x1.9952fap-13f);
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.110776p-7f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(-0x1.555546p-3f));
    return VECTOR_ADD(x, VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(x, square), sum, angle.less));
}

/* cos(rest + less), where what 1 - square / 2 loses is kept. */
static inline VECTOR vector_cos_rest(vector_angle angle) {
    const VECTOR x = angle.rest, square = VECTOR_MULTIPLY(x, x), one = VECTOR_ALL(1.0f);
    const VECTOR half = VECTOR_MULTIPLY(square, VECTOR_ALL(0.5f)), most = VECTOR_SUBTRACT(one, half);
    const VECTOR lost = VECTOR_SUBTRACT(VECTOR_SUBTRACT(one, most), half);
    VECTOR sum = VECTOR_ALL(0x1.99e80cp-16f);
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(-0x1.6c0c28p-10f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.55554ap-5f));
    sum = VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(square, square), sum,
                              VECTOR_SUBTRACT(lost, VECTOR_MULTIPLY(x, angle.less)));
    return VECTOR_ADD(most, sum);
}

/* Whether the number of quarters is odd. */
static inline VECTOR_MASK vector_odd_quarters(VECTOR shifted) {
    return VECTOR_LESS(VECTOR_ALL(0.0f),
                       VECTOR_BITS_LEFT(VECTOR_BITS_AND(shifted, VECTOR_FROM_BITS(1u)), 30));
}

/* The sine of angle + quarters * pi / 2. */
static inline VECTOR vector_sin_quarters(vector_angle angle, VECTOR quarters) {
    const VECTOR sum =
        VECTOR_SELECT(vector_odd_quarters(quarters), vector_cos_rest(angle), vector_sin_rest(angle));
    return VECTOR_BITS_XOR(sum, VECTOR_BITS_LEFT(VECTOR_BITS_AND(quarters, VECTOR_FROM_BITS(2u)), 30));
}

/* x where it is so small that this is its function, zeros of both signs among them. */
static inline VECTOR vector_or_small(VECTOR x, VECTOR result) {
    return VECTOR_SELECT(VECTOR_LESS(VECTOR_ABS(x), VECTOR_ALL(0x1p-13f)), x, result);
}

static inline VECTOR vector_sin(VECTOR x) {
    const vector_angle angle = vector_reduce_angle(x);
    return vector_any_angle(x, vector_or_small(x, vector_sin_quarters(angle, angle.shifted)), sinf);
}

static inline VECTOR vector_cos(VECTOR x) {
    const vector_angle angle = vector_reduce_angle(x);
    const VECTOR next = VECTOR_BITS_ADD(angle.shifted, VECTOR_FROM_BITS(1u));
    return vector_any_angle(x, vector_sin_quarters(angle, next), cosf);
}

/* sin / cos, or -cos / sin of what is left of an odd number of quarters. */
static inline VECTOR vector_tan(VECTOR x) {
    const vector_angle angle = vector_reduce_angle(x);
    const VECTOR_MASK odd = vector_odd_quarters(angle.shifted);
    const VECTOR sine = vector_sin_rest(angle), cosine = vector_cos_rest(angle);
    const VECTOR over = VECTOR_SELECT(odd, VECTOR_NEGATIVE(cosine), sine);
    const VECTOR under = VECTOR_SELECT(odd, sine, cosine);
    return vector_any_angle(x, vector_or_small(x, VECTOR_DIVIDE(over, under)), tanf);
}

/* atan(x) for |x| at most 1: the polynomial of its degree whose relative error is least. */
static inline VECTOR vector_atan_reduced(VECTOR x) {
    const VECTOR square = VECTOR_MULTIPLY(x, x);
    VECTOR sum = VECTOR_ALL(-0x1.d36c1cp-10f);
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.642f1ep-7f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(-0x1.fd872ep-6f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.da2e08p-5f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(-0x1.580a02p-4f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.c08c80p-4f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(-0x1.242088p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.9991e4p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(-0x1.55553ep-2f));
    return VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(x, square), sum, x);
}

/* halves * pi / 2 + x. */
static inline VECTOR vector_add_half_pi(VECTOR halves, VECTOR x) {
    x = VECTOR_MULTIPLY_ADD(halves, VECTOR_ALL(VECTOR_HALF_PI_REST), x);
    return VECTOR_MULTIPLY_ADD(halves, VECTOR_ALL(VECTOR_HALF_PI), x);
}

/* Above 1, pi / 2 - atan(1 / x). */
static inline VECTOR vector_atan(VECTOR x) {
    const VECTOR size = VECTOR_ABS(x), one = VECTOR_ALL(1.0f);
    const VECTOR_MASK large = VECTOR_LESS(one, size);
    const VECTOR quotient =
        VECTOR_DIVIDE(VECTOR_SELECT(large, VECTOR_ALL(-1.0f), size), VECTOR_SELECT(large, size, one));
    const VECTOR halves = VECTOR_SELECT(large, one, VECTOR_ALL(0.0f));
    return VECTOR_COPY_SIGN(vector_add_half_pi(halves, vector_atan_reduced(quotient)), x);
}

/* The angle of the point (x, y), by the quotient of the smaller coordinate by the larger one: of two zeros 0,
 * of two infinities 1. */
static inline VECTOR vector_atan2(VECTOR y, VECTOR x) {
    const VECTOR width = VECTOR_ABS(x), height = VECTOR_ABS(y), zero = VECTOR_ALL(0.0f),
                 one = VECTOR_ALL(1.0f);
    const VECTOR_MASK steep = VECTOR_LESS(width, height);
    const VECTOR_MASK left = VECTOR_LESS(VECTOR_COPY_SIGN(one, x), zero);
    const VECTOR smaller = VECTOR_SELECT(steep, width, height), larger = VECTOR_SELECT(steep, height, width);
    const VECTOR side = VECTOR_SELECT(left, VECTOR_ALL(2.0f), zero);
    VECTOR angle = VECTOR_DIVIDE(smaller, larger);
    angle = VECTOR_SELECT(VECTOR_LESS(larger, VECTOR_ALL(0x1p-126f)), smaller, angle);
    angle =
        VECTOR_SELECT(VECTOR_LESS(VECTOR_ALL(0x1.fffffep127f), smaller), VECTOR_AT_MOST(larger, one), angle);
    angle = vector_atan_reduced(angle);
    angle = VECTOR_SELECT(steep, VECTOR_NEGATIVE(angle), angle);
    angle = VECTOR_SELECT(left, VECTOR_NEGATIVE(angle), angle);
    return VECTOR_COPY_SIGN(vector_add_half_pi(VECTOR_SELECT(steep, one, side), angle), y);
}

/* asin(x) for |x| up to 1/2, whose square is given: the polynomial of its degree whose relative error is
 * least.
 */
static inline VECTOR vector_asin_reduced(VECTOR x, VECTOR square) {
    VECTOR sum = VECTOR_ALL(0x1.595c5cp-5f);
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.8c3e52p-6f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.747bb8p-5f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.330204p-4f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.5555c8p-3f));
    return VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(x, square), sum, x);
}

/* asin(|x|) for |x| below 1/2, else half of acos(|x|), which is the arc sine of sqrt((1 - |x|) / 2). */
static inline VECTOR vector_asin_or_acos(VECTOR size, VECTOR_MASK small) {
    const VECTOR half = VECTOR_ALL(0.5f);
    const VECTOR other = VECTOR_MULTIPLY(VECTOR_SUBTRACT(VECTOR_ALL(1.0f), size), half);
    const VECTOR square = VECTOR_SELECT(small, VECTOR_MULTIPLY(size, size), other);
    return vector_asin_reduced(VECTOR_SELECT(small, size, VECTOR_SQRT(other)), square);
}

static inline VECTOR vector_asin(VECTOR x) {
    const VECTOR size = VECTOR_ABS(x);
    const VECTOR_MASK small = VECTOR_LESS(size, VECTOR_ALL(0.5f));
    const VECTOR part = vector_asin_or_acos(size, small);
    const VECTOR angle = VECTOR_MULTIPLY(part, VECTOR_SELECT(small, VECTOR_ALL(1.0f), VECTOR_ALL(-2.0f)));
    const VECTOR halves = VECTOR_SELECT(small, VECTOR_ALL(0.0f), VECTOR_ALL(1.0f));
    return VECTOR_COPY_SIGN(vector_add_half_pi(halves, angle), x);
}

static inline VECTOR vector_acos(VECTOR x) {
    const VECTOR size = VECTOR_ABS(x), zero = VECTOR_ALL(0.0f);
    const VECTOR_MASK small = VECTOR_LESS(size, VECTOR_ALL(0.5f));
    const VECTOR part = VECTOR_COPY_SIGN(vector_asin_or_acos(size, small), x);
    const VECTOR angle = VECTOR_MULTIPLY(part, VECTOR_SELECT(small, VECTOR_ALL(-1.0f), VECTOR_ALL(2.0f)));
    const VECTOR side = VECTOR_SELECT(VECTOR_LESS(x, zero), VECTOR_ALL(2.0f), zero);
    return vector_add_half_pi(VECTOR_SELECT(small, VECTOR_ALL(1.0f), side), angle);
}

/* exp(|x|) / 4, which is finite wherever sinh and cosh are. */
static inline VECTOR vector_quarter_exp(VECTOR x) {
    const VECTOR size = VECTOR_CLAMP(VECTOR_ABS(x), VECTOR_ALL(0.0f), VECTOR_ALL(90.0f));
    const vector_reduced reduced = vector_reduce(size, 1.0f, 125.0f);
    return VECTOR_MULTIPLY(vector_exp_rest(reduced.rest, 1.0f), vector_power_of_two(reduced));
}

static inline VECTOR vector_cosh(VECTOR x) {
    const VECTOR quarter = vector_quarter_exp(x);
    return VECTOR_MULTIPLY_ADD(quarter, VECTOR_ALL(2.0f), VECTOR_DIVIDE(VECTOR_ALL(0.125f), quarter));
}

/* Below 1 the polynomial of its degree whose relative error is least. */
static inline VECTOR vector_sinh(VECTOR x) {
    const VECTOR square = VECTOR_MULTIPLY(x, x), quarter = vector_quarter_exp(x);
    const VECTOR large =
        VECTOR_MULTIPLY_ADD(quarter, VECTOR_ALL(2.0f), VECTOR_DIVIDE(VECTOR_ALL(-0.125f), quarter));
    VECTOR sum = VECTOR_ALL(0x1.756c1ep-19f);
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.a022bcp-13f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.1110e0p-7f));
    sum = VECTOR_MULTIPLY_ADD(sum, square, VECTOR_ALL(0x1.555556p-3f));
    sum = VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(x, square), sum, x);
    return VECTOR_SELECT(VECTOR_LESS(VECTOR_ABS(x), VECTOR_ALL(1.0f)), sum, VECTOR_COPY_SIGN(large, x));
}

/* log(1 + x), or log(2 * other) where `other` is large: x is then of no account. */
static inline VECTOR vector_log1p_or_double(VECTOR x, VECTOR other) {
    const VECTOR_MASK large = VECTOR_LESS(VECTOR_ALL(0x1p13f), other);
    const VECTOR one = VECTOR_ALL(1.0f), sum = VECTOR_ADD(one, x);
    const VECTOR lost = VECTOR_SUBTRACT(x, VECTOR_SUBTRACT(sum, one));
    const VECTOR more = VECTOR_SELECT(large, VECTOR_ALL(VECTOR_LOG_2), VECTOR_DIVIDE(lost, sum));
    const VECTOR of = VECTOR_SELECT(large, other, sum);
    return vector_log_limits(of, vector_log_of_normal(of, more));
}

/* log(1 + (|x| + x^2 / (1 + sqrt(1 + x^2)))). */
static inline VECTOR vector_asinh(VECTOR x) {
    const VECTOR size = VECTOR_ABS(x), square = VECTOR_MULTIPLY(x, x), one = VECTOR_ALL(1.0f);
    const VECTOR root = VECTOR_ADD(one, VECTOR_SQRT(VECTOR_ADD(one, square)));
    const VECTOR result = vector_log1p_or_double(VECTOR_ADD(size, VECTOR_DIVIDE(square, root)), size);
    return VECTOR_COPY_SIGN(vector_or_small(size, result), x);
}

/* log(1 + (x - 1 + sqrt((x - 1) * (x + 1)))); below 1 there is none. */
static inline VECTOR vector_acosh(VECTOR x) {
    const VECTOR rest = VECTOR_SUBTRACT(x, VECTOR_ALL(1.0f));
    const VECTOR root = VECTOR_SQRT(VECTOR_MULTIPLY(rest, VECTOR_ADD(rest, VECTOR_ALL(2.0f))));
    return VECTOR_SELECT(VECTOR_LESS(x, VECTOR_ALL(1.0f)), VECTOR_FROM_BITS(0x7fc00000u),
                         vector_log1p_or_double(VECTOR_ADD(rest, root), x));
}

/* log(1 + 2 * |x| / (1 - |x|)) / 2. */
static inline VECTOR vector_atanh(VECTOR x) {
    const VECTOR size = VECTOR_ABS(x);
    const VECTOR quotient = VECTOR_DIVIDE(VECTOR_ADD(size, size), VECTOR_SUBTRACT(VECTOR_ALL(1.0f), size));
    const VECTOR result = VECTOR_MULTIPLY(vector_log1p(quotient), VECTOR_ALL(0.5f));
    return VECTOR_COPY_SIGN(vector_or_small(size, result), x);
}

#endif
