/* Powers of vectors of float32: included as transcendental.h is, whose rules hold here too. */
#ifndef SMR_VECTOR_POWER_H
#define SMR_VECTOR_POWER_H

#include "transcendental.h"

/* A number as the sum of two, of which the second is a rounding error of the first. */
typedef struct vector_pair {
    VECTOR most, rest;
} vector_pair;

/* What is rounded off of a product. */
static inline VECTOR vector_product_rest(VECTOR a, VECTOR b, VECTOR product) {
#if defined(VECTOR_UNFUSED)
    /* Halves of 12 bits have exact products. */
    const VECTOR mask = VECTOR_FROM_BITS(0xfffff000u);
    const VECTOR a_most = VECTOR_BITS_AND(a, mask), a_rest = VECTOR_SUBTRACT(a, a_most);
    const VECTOR b_most = VECTOR_BITS_AND(b, mask), b_rest = VECTOR_SUBTRACT(b, b_most);
    VECTOR rest = VECTOR_SUBTRACT(VECTOR_MULTIPLY(a_most, b_most), product);
    rest = VECTOR_ADD(rest, VECTOR_MULTIPLY(a_most, b_rest));
    rest = VECTOR_ADD(rest, VECTOR_MULTIPLY(a_rest, b_most));
    return VECTOR_ADD(rest, VECTOR_MULTIPLY(a_rest, b_rest));
#else
    return VECTOR_MULTIPLY_ADD(a, b, VECTOR_NEGATIVE(product));
#endif
}

/* The product of two pairs without that of their rests. */
static inline vector_pair vector_pair_multiply(vector_pair a, vector_pair b) {
    vector_pair product;
    product.most = VECTOR_MULTIPLY(a.most, b.most);
    product.rest = vector_product_rest(a.most, b.most, product.most);
    product.rest = VECTOR_MULTIPLY_ADD(a.most, b.rest, product.rest);
    product.rest = VECTOR_MULTIPLY_ADD(a.rest, b.most, product.rest);
    return product;
}

/* large + small, of which `large` has the greater magnitude or is 0; the pair's rest goes on. */
static inline vector_pair vector_pair_add(VECTOR large, vector_pair small) {
    vector_pair sum;
    sum.most = VECTOR_ADD(large, small.most);
    sum.rest = VECTOR_ADD(VECTOR_ADD(VECTOR_SUBTRACT(large, sum.most), small.most), small.rest);
    return sum;
}

/* log2(x) for a finite x from 2^-126 on, with some 35 bits. x = 2^power * m, and with s = (m - 1) / (m + 1)
 * log(m) is 2 * s + s^3 * (2/3 + s^2 * q), where q is a polynomial in s^2. */
static inline vector_pair vector_log2_pair(VECTOR x) {
    const VECTOR one = VECTOR_ALL(1.0f);
    const VECTOR shifted =
        VECTOR_BITS_RIGHT(VECTOR_BITS_ADD(x, VECTOR_FROM_BITS(0x3f800000u - 0x3f3504f3u)), 23);
    const VECTOR power =
        VECTOR_SUBTRACT(VECTOR_BITS_OR(shifted, VECTOR_ALL(0x1p23f)), VECTOR_ALL(0x1p23f + 127.0f));
    const VECTOR m = VECTOR_BITS_ADD(VECTOR_BITS_SUBTRACT(x, VECTOR_BITS_LEFT(shifted, 23)),
                                     VECTOR_FROM_BITS(0x3f800000u));
    const VECTOR over = VECTOR_SUBTRACT(m, one), under = VECTOR_ADD(m, one);
    const VECTOR under_rest = VECTOR_SUBTRACT(m, VECTOR_SUBTRACT(under, one));
    const VECTOR inverse = VECTOR_DIVIDE(one, under);
    const vector_pair third = {VECTOR_ALL(0x1.555556p-1f), VECTOR_ALL(-0x1.555556p-26f)};
    const vector_pair scale = {VECTOR_ALL(0x1.715476p+0f), VECTOR_ALL(0x1.4ae0c0p-26f)};
    vector_pair s, square, sum, result;
    VECTOR product, left;
    s.most = VECTOR_MULTIPLY(over, inverse);
    product = VECTOR_MULTIPLY(s.most, under);
    left = VECTOR_SUBTRACT(VECTOR_SUBTRACT(over, product), vector_product_rest(s.most, under, product));
    left = VECTOR_SUBTRACT(left, VECTOR_MULTIPLY(s.most, under_rest));
    s.rest = VECTOR_MULTIPLY(left, inverse);
    square = vector_pair_multiply(s, s);
    sum.most = VECTOR_MULTIPLY_ADD(square.most, VECTOR_ALL(0x1.dfa3bap-3f), VECTOR_ALL(0x1.245278p-2f));
    sum.most = VECTOR_MULTIPLY_ADD(square.most, sum.most, VECTOR_ALL(0x1.999a00p-2f));
    sum.most = VECTOR_MULTIPLY(square.most, sum.most);
    sum.rest = third.rest;
    sum = vector_pair_multiply(square, vector_pair_add(third.most, sum));
    result = vector_pair_multiply(s, sum);
    result.rest = VECTOR_MULTIPLY_ADD(s.rest, VECTOR_ALL(2.0f), result.rest);
    result = vector_pair_add(VECTOR_ADD(s.most, s.most), result);
    return vector_pair_add(power, vector_pair_multiply(result, scale));
}

/* 2^x for x within -1/2..1/2: the polynomial of its degree whose relative error is least. */
static inline VECTOR vector_exp2_rest(VECTOR x) {
    VECTOR sum = VECTOR_ALL(0x1.416b78p-13f);
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.5f0838p-10f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.3b2de0p-7f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.c6af7cp-5f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.ebfbdcp-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.62e430p-1f));
    return VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(1.0f));
}

/* 2^(most + rest). */
static inline VECTOR vector_exp2_pair(vector_pair x) {
    const VECTOR shifter = VECTOR_ALL(0x1.8p23f + VECTOR_SCALE_BIAS);
    const VECTOR most = VECTOR_CLAMP(x.most, VECTOR_ALL(-151.0f), VECTOR_ALL(129.0f));
    const VECTOR_MASK inside = VECTOR_LESS(VECTOR_ABS(x.most), VECTOR_ALL(256.0f));
    vector_reduced reduced;
    reduced.shifted = VECTOR_ADD(most, shifter);
    reduced.power = VECTOR_SUBTRACT(reduced.shifted, shifter);
    reduced.rest = VECTOR_SUBTRACT(most, reduced.power);
    reduced.rest = VECTOR_ADD(reduced.rest, VECTOR_SELECT(inside, x.rest, VECTOR_ALL(0.0f)));
    return vector_scale(vector_exp2_rest(reduced.rest), reduced);
}

/* The distance to the nearest whole number; NaN for infinities. */
static inline VECTOR vector_from_whole(VECTOR x) {
    const VECTOR large = VECTOR_ALL(0x1p23f), size = VECTOR_ABS(x);
    const VECTOR rest = VECTOR_SUBTRACT(VECTOR_SUBTRACT(VECTOR_ADD(size, large), large), size);
    return VECTOR_SELECT(VECTOR_LESS(size, large), VECTOR_ABS(rest), VECTOR_SUBTRACT(size, size));
}

/* What IEEE 754 gives: of 1, and by 0, 1 whatever the other is; of a negative number NaN by what is not whole
 * and the sign of the number by what is odd. */
static inline VECTOR vector_power_limits(VECTOR x, VECTOR y, VECTOR result) {
    const VECTOR zero = VECTOR_ALL(0.0f), one = VECTOR_ALL(1.0f);
    const VECTOR_MASK broken = VECTOR_LESS(zero, vector_from_whole(y));
    const VECTOR_MASK odd = VECTOR_LESS(zero, vector_from_whole(VECTOR_MULTIPLY(y, VECTOR_ALL(0.5f))));
    const VECTOR sign = VECTOR_SELECT(odd, VECTOR_BITS_AND(x, VECTOR_ALL(-0.0f)), zero);
    const VECTOR finite =
        VECTOR_SELECT(VECTOR_LESS(VECTOR_FROM_BITS(0xff800000u), x), VECTOR_FROM_BITS(0x7fc00000u), result);
    const VECTOR none = VECTOR_SELECT(VECTOR_LESS(x, zero), finite, result);
    result = VECTOR_SELECT(broken, none, VECTOR_BITS_OR(result, sign));
    result =
        VECTOR_SELECT(VECTOR_LESS(VECTOR_ABS(VECTOR_SUBTRACT(x, one)), VECTOR_ALL(0x1p-30f)), one, result);
    return VECTOR_SELECT(VECTOR_LESS(VECTOR_ABS(y), VECTOR_ALL(0x1p-126f)), one, result);
}

/* x^y as 2^(y * log2(|x|)). An infinite y counts as the largest number, for |x| = 1. */
static inline VECTOR vector_power(VECTOR x, VECTOR y) {
    const VECTOR size = VECTOR_ABS(x), infinity = VECTOR_FROM_BITS(0x7f800000u);
    const VECTOR most = VECTOR_ALL(0x1.fffffep127f);
    const VECTOR factor = VECTOR_CLAMP(y, VECTOR_NEGATIVE(most), most);
    vector_pair log2 = vector_log2_pair(size), product;
    log2.most = VECTOR_SELECT(VECTOR_LESS(size, infinity), log2.most, size);
    log2.most = VECTOR_SELECT(VECTOR_LESS(size, VECTOR_ALL(0x1p-126f)), VECTOR_NEGATIVE(infinity), log2.most);
    product.most = VECTOR_MULTIPLY(factor, log2.most);
    product.rest = vector_product_rest(factor, log2.most, product.most);
    product.rest = VECTOR_MULTIPLY_ADD(factor, log2.rest, product.rest);
    return vector_power_limits(x, y, vector_exp2_pair(product));
}

#endif
