/* Functions of one operand. */
#include "elementwise.h"

#define UNARY_FLOATS(name, expression) \
    SMR_ELEMENTWISE_UNARY(elementwise_##name##_floats, float, float, expression)
#define UNARY_INTEGERS(name, expression) \
    SMR_ELEMENTWISE_UNARY(elementwise_##name##_integers, int64_t, int64_t, expression)

/* A function that integers have too, and one that they do not. */
#define UNARY_NUMBERS(name, floats, integers) \
    UNARY_FLOATS(name, floats)                \
    UNARY_INTEGERS(name, integers)            \
    SMR_ELEMENTWISE_KERNEL(name, elementwise_##name##_floats, elementwise_##name##_integers)
#define UNARY(name, floats)    \
    UNARY_FLOATS(name, floats) \
    SMR_ELEMENTWISE_KERNEL(name, elementwise_##name##_floats, NULL)

UNARY_NUMBERS(negative, -a, 0u - (uint64_t)a)
UNARY_NUMBERS(abs, fabsf(a), a < 0 ? 0u - (uint64_t)a : (uint64_t)a)
UNARY_NUMBERS(sign, a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a == 0.0f ? 0.0f : a, (a > 0) - (a < 0))
UNARY_NUMBERS(square, (a) * (a), (uint64_t)(a) * (uint64_t)(a))
UNARY(reciprocal, 1.0f / a)
UNARY(sqrt, sqrtf(a))
UNARY(rsqrt, 1.0f / sqrtf(a))
UNARY(exp, expf(a))
UNARY(expm1, expm1f(a))
UNARY(log, logf(smr_without_subnormal(a)))
UNARY(log1p, log1pf(a))
UNARY(floor, floorf(smr_without_subnormal(a)))
UNARY(ceil, ceilf(smr_without_subnormal(a)))
UNARY(round, rintf(a))
UNARY(sin, sinf(a))
UNARY(cos, cosf(a))
UNARY(tan, tanf(a))
UNARY(asin, asinf(a))
UNARY(acos, acosf(a))
UNARY(atan, atanf(a))
UNARY(sinh, sinhf(a))
UNARY(cosh, coshf(a))
UNARY(tanh, tanhf(a))
UNARY(erf, erff(a))
UNARY(asinh, asinhf(a))
UNARY(acosh, acoshf(a))
UNARY(atanh, atanhf(a))

UNARY_INTEGERS(bitwise_not, ~(uint64_t)a)
SMR_ELEMENTWISE_KERNEL(bitwise_not, NULL, elementwise_bitwise_not_integers)
