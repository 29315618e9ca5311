/* Transcendental functions of vectors of float32, for the templates of this folder and of tiled/: included
 * after the vectors of an instruction set. docs/arithmetic.md has their errors.
 *
 * NaN gives NaN, infinities give the limits. Results below 2^-126 in magnitude may be 0. Bounds of arguments
 * are where a function reaches its limit in float32. */
#ifndef SMR_VECTOR_TRANSCENDENTAL_H
#define SMR_VECTOR_TRANSCENDENTAL_H

#define VECTOR_NEGATIVE(x) VECTOR_BITS_XOR(x, VECTOR_ALL(-0.0f))
#define VECTOR_ABS(x)      VECTOR_BITS_AND(x, VECTOR_FROM_BITS(0x7fffffffu))
#define VECTOR_COPY_SIGN(x, sign) \
    VECTOR_BITS_OR(VECTOR_ABS(x), VECTOR_BITS_AND(sign, VECTOR_FROM_BITS(0x80000000u)))

/* sign * x = power * log(2) + sign * rest, where `power` is whole and |rest| is at most log(2) / 2; `sign` is
 * 1 or -1. The low bits of `shifted` are those of the integer power + bias: it is a sum with a number whose
 * last bit stands for 1. */
typedef struct vector_reduced {
    VECTOR rest, power, shifted;
} vector_reduced;

/* log(2) is cut so that the product of a power with its first part is exact. */
static inline vector_reduced vector_reduce(VECTOR x, float sign, float bias) {
    const VECTOR shifter = VECTOR_ALL(0x1.8p23f + bias);
    vector_reduced reduced;
    reduced.shifted = VECTOR_MULTIPLY_ADD(x, VECTOR_ALL(sign * 0x1.715476p+0f), shifter);
    reduced.power = VECTOR_SUBTRACT(reduced.shifted, shifter);
    x = VECTOR_MULTIPLY_ADD(reduced.power, VECTOR_ALL(-sign * 0x1.62e4p-1f), x);
    reduced.rest = VECTOR_MULTIPLY_ADD(reduced.power, VECTOR_ALL(-sign * 0x1.7f7d1cp-20f), x);
    return reduced;
}

/* 2^(power + bias - 127) for what was reduced with a bias; infinity where that is 2^128. */
static inline VECTOR vector_power_of_two(vector_reduced reduced) {
    return VECTOR_BITS_LEFT(reduced.shifted, 23);
}

#define VECTOR_SCALE_BIAS 254.0f

/* x * 2^power where either may be subnormal, for what was reduced with this bias: by two powers whose product
 * that is. */
static inline VECTOR vector_scale(VECTOR x, vector_reduced reduced) {
#if defined(VECTOR_SCALE)
    return VECTOR_SCALE(x, reduced.power);
#else
    const VECTOR half = VECTOR_BITS_RIGHT(reduced.shifted, 1);
    const VECTOR other = VECTOR_BITS_SUBTRACT(reduced.shifted, half);
    x = VECTOR_MULTIPLY(x, VECTOR_BITS_LEFT(half, 23));
    return VECTOR_MULTIPLY(x, VECTOR_BITS_LEFT(other, 23));
#endif
}

/* (exp(sign * x) - 1 - sign * x) / x^2 for |x| at most log(2) / 2: the polynomial of its degree whose error
 * is least, relative to exp(x) - 1, or to exp(x) where that is near 0. */
static inline VECTOR vector_exp_polynomial(VECTOR x, float sign) {
    VECTOR sum = VECTOR_ALL(0x1.6a9754p-10f);
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(sign * 0x1.123144p-7f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.55586ep-5f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(sign * 0x1.5554a0p-3f));
    return VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.fffffcp-2f));
}

/* exp(sign * rest) of a reduced argument. */
static inline VECTOR vector_exp_rest(VECTOR rest, float sign) {
    VECTOR sum = VECTOR_MULTIPLY_ADD(vector_exp_polynomial(rest, sign), rest, VECTOR_ALL(sign));
    return VECTOR_MULTIPLY_ADD(sum, rest, VECTOR_ALL(1.0f));
}

/* exp(rest) - 1 of a reduced argument. */
static inline VECTOR vector_expm1_rest(VECTOR rest) {
    return VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(rest, rest), vector_exp_polynomial(rest, 1.0f), rest);
}

static inline VECTOR vector_exp(VECTOR x) {
    const vector_reduced reduced =
        vector_reduce(VECTOR_CLAMP(x, VECTOR_ALL(-104.0f), VECTOR_ALL(89.0f)), 1.0f, VECTOR_SCALE_BIAS);
    return vector_scale(vector_exp_rest(reduced.rest, 1.0f), reduced);
}

/* As vector_exp, with fewer steps: 0 for x below -87.68, infinity above 88.37. */
static inline VECTOR vector_exp_normal(VECTOR x) {
    const vector_reduced reduced =
        vector_reduce(VECTOR_CLAMP(x, VECTOR_ALL(-88.0f), VECTOR_ALL(88.5f)), 1.0f, 127.0f);
    return VECTOR_MULTIPLY(vector_exp_rest(reduced.rest, 1.0f), vector_power_of_two(reduced));
}

/* Where the reciprocal of exp is subnormal, and as much as vector_reciprocal takes. */
#if defined(VECTOR_RECIPROCAL_START)
#define VECTOR_EXP_MOST 88.3f
#else
#define VECTOR_EXP_MOST 88.5f
#endif

/* vector_exp_normal(-x), or at most exp(VECTOR_EXP_MOST). */
static inline VECTOR vector_exp_of_negative(VECTOR x) {
    const vector_reduced reduced =
        vector_reduce(VECTOR_CLAMP(x, VECTOR_ALL(-VECTOR_EXP_MOST), VECTOR_ALL(88.0f)), -1.0f, 127.0f);
    return VECTOR_MULTIPLY(vector_exp_rest(reduced.rest, -1.0f), vector_power_of_two(reduced));
}

/* exp(x) - 1 without the cancellation. */
static inline VECTOR vector_expm1(VECTOR x) {
    const vector_reduced reduced =
        vector_reduce(VECTOR_CLAMP(x, VECTOR_ALL(-18.0f), VECTOR_ALL(89.0f)), 1.0f, 126.0f);
    const VECTOR half = vector_power_of_two(reduced);
    VECTOR result = VECTOR_SUBTRACT(half, VECTOR_ALL(0.5f));
    result = VECTOR_MULTIPLY_ADD(vector_expm1_rest(reduced.rest), half, result);
    return VECTOR_COPY_SIGN(VECTOR_ADD(result, result), x);
}

/* As vector_expm1, for x at most 0 and with fewer steps; 0 for -0. */
static inline VECTOR vector_expm1_to_zero(VECTOR x) {
    const vector_reduced reduced =
        vector_reduce(VECTOR_CLAMP(x, VECTOR_ALL(-18.0f), VECTOR_ALL(0.0f)), 1.0f, 127.0f);
    const VECTOR power = vector_power_of_two(reduced);
    return VECTOR_MULTIPLY_ADD(vector_expm1_rest(reduced.rest), power,
                               VECTOR_SUBTRACT(power, VECTOR_ALL(1.0f)));
}

/* 1 / x for x from 1 up to 2^127.5 or, without VECTOR_RECIPROCAL_START, infinity. 0 where that is subnormal.
 */
static inline VECTOR vector_reciprocal(VECTOR x) {
#if defined(VECTOR_RECIPROCAL_START)
    const VECTOR start = VECTOR_RECIPROCAL_START(x);
    return VECTOR_MULTIPLY_ADD(VECTOR_SUBTRACT_PRODUCT(VECTOR_ALL(1.0f), x, start), start, start);
#else
    return VECTOR_DIVIDE(VECTOR_ALL(1.0f), x);
#endif
}

static inline VECTOR vector_sigmoid(VECTOR x) {
    return vector_reciprocal(VECTOR_ADD(VECTOR_ALL(1.0f), vector_exp_of_negative(x)));
}

/* x * sigmoid(argument). */
static inline VECTOR vector_gated(VECTOR x, VECTOR argument) {
#if defined(VECTOR_RECIPROCAL_START)
    return VECTOR_MULTIPLY(x, vector_sigmoid(argument));
#else
    return VECTOR_DIVIDE(x, VECTOR_ADD(VECTOR_ALL(1.0f), vector_exp_of_negative(argument)));
#endif
}

/* x * sigmoid(x). */
static inline VECTOR vector_silu(VECTOR x) {
    return vector_gated(x, x);
}

static inline VECTOR vector_tanh(VECTOR x) {
    const VECTOR less = vector_expm1_to_zero(VECTOR_MULTIPLY(VECTOR_ABS(x), VECTOR_ALL(-2.0f)));
    return VECTOR_COPY_SIGN(VECTOR_DIVIDE(less, VECTOR_ADD(less, VECTOR_ALL(2.0f))), x);
}

/* log(erfc(x)) for x within 0..4: x times a polynomial whose error in erf(x) is the least of its degree, and
 * whose first coefficient, -2 / sqrt(pi), is in two parts. */
static inline VECTOR vector_log_erfc(VECTOR x) {
    VECTOR sum = VECTOR_ALL(0x1.36daf6p-17f);
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.edba5ep-14f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.4bed84p-11f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.b52196p-10f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.516facp-13f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.39cc9cp-6f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.a4fa4ap-4f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.45f2fap-1f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.d0de40p-25f));
    return VECTOR_MULTIPLY_ADD(x, VECTOR_ALL(-0x1.20dd76p+0f), VECTOR_MULTIPLY(sum, x));
}

/* 1 - exp(log(erfc(x))). */
static inline VECTOR vector_erf(VECTOR x) {
    const VECTOR size = VECTOR_ABS(VECTOR_CLAMP(x, VECTOR_ALL(-4.0f), VECTOR_ALL(4.0f)));
    return VECTOR_COPY_SIGN(vector_expm1_to_zero(vector_log_erfc(size)), x);
}

/* x * (1 + erf(x / sqrt(2))) / 2. */
static inline VECTOR vector_gelu(VECTOR x) {
    const VECTOR half = VECTOR_MULTIPLY(x, VECTOR_ALL(0.5f));
    const VECTOR erf = vector_erf(VECTOR_MULTIPLY(x, VECTOR_ALL(0.70710678f)));
    return VECTOR_MULTIPLY(half, VECTOR_ADD(erf, VECTOR_ALL(1.0f)));
}

/* x * (1 + tanh(u)) / 2 with u = sqrt(2 / pi) * (x + 0.044715 * x^3), which is x * sigmoid(2 * u). */
static inline VECTOR vector_gelu_tanh(VECTOR x) {
    const VECTOR factor =
        VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(x, x), VECTOR_ALL(0.0713548163f), VECTOR_ALL(1.59576912f));
    return vector_gated(x, VECTOR_MULTIPLY(x, factor));
}

/* log(1 + x) for 1 + x within sqrt(1/2)..sqrt(2): the polynomial of its degree whose relative error is least.
 */
static inline VECTOR vector_log1p_reduced(VECTOR x) {
    VECTOR sum = VECTOR_ALL(-0x1.38b4ccp-4f);
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.055b46p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.0d8552p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.22da22p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.547244p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.99a008p-3f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0x1.000228p-2f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(0x1.555554p-2f));
    sum = VECTOR_MULTIPLY_ADD(sum, x, VECTOR_ALL(-0.5f));
    return VECTOR_MULTIPLY_ADD(VECTOR_MULTIPLY(x, x), sum, x);
}

/* log(x) + more, for a finite x from 2^-126 on: x = 2^power * (1 + rest). */
static inline VECTOR vector_log_of_normal(VECTOR x, VECTOR more) {
    const VECTOR one = VECTOR_FROM_BITS(0x3f800000u);
    const VECTOR shifted =
        VECTOR_BITS_RIGHT(VECTOR_BITS_ADD(x, VECTOR_FROM_BITS(0x3f800000u - 0x3f3504f3u)), 23);
    const VECTOR power =
        VECTOR_SUBTRACT(VECTOR_BITS_OR(shifted, VECTOR_ALL(0x1p23f)), VECTOR_ALL(0x1p23f + 127.0f));
    const VECTOR rest = VECTOR_SUBTRACT(
        VECTOR_BITS_ADD(VECTOR_BITS_SUBTRACT(x, VECTOR_BITS_LEFT(shifted, 23)), one), VECTOR_ALL(1.0f));
    more = VECTOR_MULTIPLY_ADD(power, VECTOR_ALL(0x1.7f7d1cp-20f), more);
    return VECTOR_MULTIPLY_ADD(power, VECTOR_ALL(0x1.62e4p-1f), VECTOR_ADD(vector_log1p_reduced(rest), more));
}

/* The limits of a logarithm of x, where it has one, in place of `result`. */
static inline VECTOR vector_log_limits(VECTOR x, VECTOR result) {
    const VECTOR limit = VECTOR_SELECT(VECTOR_LESS(x, VECTOR_ALL(0.0f)), VECTOR_FROM_BITS(0x7fc00000u),
                                       VECTOR_FROM_BITS(0xff800000u));
    result = VECTOR_SELECT(VECTOR_LESS(x, VECTOR_FROM_BITS(0x7f800000u)), result, x);
    return VECTOR_SELECT(VECTOR_LESS(x, VECTOR_ALL(0x1p-126f)), limit, result);
}

static inline VECTOR vector_log(VECTOR x) {
    return vector_log_limits(x, vector_log_of_normal(x, VECTOR_ALL(0.0f)));
}

/* log(1 + x): what is lost when 1 is added is, to first order, added to the logarithm. */
static inline VECTOR vector_log1p(VECTOR x) {
    const VECTOR one = VECTOR_ALL(1.0f), sum = VECTOR_ADD(one, x);
    const VECTOR lost = VECTOR_SUBTRACT(x, VECTOR_SUBTRACT(sum, one));
    const VECTOR result = vector_log_limits(sum, vector_log_of_normal(sum, VECTOR_DIVIDE(lost, sum)));
    return VECTOR_SELECT(VECTOR_LESS(VECTOR_ABS(x), VECTOR_ALL(0x1p-24f)), x, result);
}

/* log(1 + exp(x)). */
static inline VECTOR vector_softplus(VECTOR x) {
    const VECTOR power = vector_exp_normal(VECTOR_NEGATIVE(VECTOR_ABS(x)));
    const VECTOR_MASK small = VECTOR_LESS(power, VECTOR_ALL(0.41421357f));
    const VECTOR half = VECTOR_MULTIPLY(VECTOR_SUBTRACT(power, VECTOR_ALL(1.0f)), VECTOR_ALL(0.5f));
    const VECTOR rest = vector_log1p_reduced(VECTOR_SELECT(small, power, half));
    const VECTOR sum = VECTOR_ADD(rest, VECTOR_SELECT(small, VECTOR_ALL(0.0f), VECTOR_ALL(0x1.62e43p-1f)));
    return VECTOR_ADD(sum, VECTOR_AT_LEAST(x, VECTOR_ALL(0.0f)));
}

/* x * tanh(softplus(x)), where tanh(log(1 + y)) is n / (n + 2) with n = y * (y + 2). */
static inline VECTOR vector_mish(VECTOR x) {
    const VECTOR two = VECTOR_ALL(2.0f);
    const VECTOR power = vector_exp_normal(VECTOR_AT_MOST(x, VECTOR_ALL(30.0f)));
    const VECTOR part = VECTOR_MULTIPLY(power, VECTOR_ADD(power, two));
#if defined(VECTOR_RECIPROCAL_START)
    return VECTOR_MULTIPLY(x, VECTOR_MULTIPLY(part, vector_reciprocal(VECTOR_ADD(part, two))));
#else
    return VECTOR_MULTIPLY(x, VECTOR_DIVIDE(part, VECTOR_ADD(part, two)));
#endif
}

#endif
