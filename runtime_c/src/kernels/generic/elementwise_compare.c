/* Comparison, logic and tests: results are bool. */
#include <float.h>

#include "elementwise.h"

#define COMPARE(name, expression)                                                       \
    SMR_ELEMENTWISE_BINARY(elementwise_##name##_floats, float, uint8_t, expression)     \
    SMR_ELEMENTWISE_BINARY(elementwise_##name##_integers, int64_t, uint8_t, expression) \
    SMR_ELEMENTWISE_KERNEL(name, elementwise_##name##_floats, elementwise_##name##_integers)

COMPARE(equal, a == b)
COMPARE(not_equal, a != b)
COMPARE(less, a < b)
COMPARE(less_equal, a <= b)
COMPARE(greater, a > b)
COMPARE(greater_equal, a >= b)

#define LOGICAL(name, expression)                                                       \
    SMR_ELEMENTWISE_BINARY(elementwise_##name##_integers, int64_t, uint8_t, expression) \
    SMR_ELEMENTWISE_KERNEL(name, NULL, elementwise_##name##_integers)

LOGICAL(logical_and, a != 0 && b != 0)
LOGICAL(logical_or, a != 0 || b != 0)
LOGICAL(logical_xor, (a != 0) != (b != 0))

SMR_ELEMENTWISE_UNARY(elementwise_logical_not_integers, int64_t, uint8_t, a == 0)
SMR_ELEMENTWISE_KERNEL(logical_not, NULL, elementwise_logical_not_integers)

#define FLOAT_TEST(name, expression)                                               \
    SMR_ELEMENTWISE_UNARY(elementwise_##name##_floats, float, uint8_t, expression) \
    SMR_ELEMENTWISE_KERNEL(name, elementwise_##name##_floats, NULL)

FLOAT_TEST(is_nan, a != a)
FLOAT_TEST(is_inf, fabsf(a) > FLT_MAX)
FLOAT_TEST(is_finite, fabsf(a) <= FLT_MAX)
