/* Arithmetic of two operands. Integers wrap around: they are computed modulo 2**64 and cut to their type. */
#include "elementwise.h"

#define BINARY_FLOATS(name, expression) \
    SMR_ELEMENTWISE_BINARY(elementwise_##name##_floats, float, float, expression)
#define BINARY_INTEGERS(name, expression) \
    SMR_ELEMENTWISE_BINARY(elementwise_##name##_integers, int64_t, int64_t, expression)
#define BINARY_KERNEL(name) \
    SMR_ELEMENTWISE_KERNEL(name, elementwise_##name##_floats, elementwise_##name##_integers)

BINARY_FLOATS(add, a + b)
BINARY_INTEGERS(add, (uint64_t)a + (uint64_t)b)
BINARY_KERNEL(add)

BINARY_FLOATS(subtract, a - b)
BINARY_INTEGERS(subtract, (uint64_t)a - (uint64_t)b)
BINARY_KERNEL(subtract)

BINARY_FLOATS(multiply, (a) * (b))
BINARY_INTEGERS(multiply, (uint64_t)(a) * (uint64_t)(b))
BINARY_KERNEL(multiply)

BINARY_FLOATS(divide, a / b)
SMR_ELEMENTWISE_KERNEL(divide, elementwise_divide_floats, NULL)

BINARY_FLOATS(maximum, a > b || a != a ? a : b)
BINARY_INTEGERS(maximum, a > b ? a : b)
BINARY_KERNEL(maximum)

BINARY_FLOATS(minimum, a < b || a != a ? a : b)
BINARY_INTEGERS(minimum, a < b ? a : b)
BINARY_KERNEL(minimum)

BINARY_FLOATS(squared_difference, (a - b) * (a - b))
BINARY_INTEGERS(squared_difference, ((uint64_t)a - (uint64_t)b) * ((uint64_t)a - (uint64_t)b))
BINARY_KERNEL(squared_difference)

BINARY_FLOATS(atan2, atan2f(smr_without_subnormal(a), smr_without_subnormal(b)))
SMR_ELEMENTWISE_KERNEL(atan2, elementwise_atan2_floats, NULL)

static float elementwise_float_rest(float a, float b) {
    return fmodf(smr_without_subnormal(a), smr_without_subnormal(b));
}

/* The rest of a division has the sign of the divisor, as in Python; a rest of zero too. */
static float elementwise_float_mod(float a, float b) {
    const float rest = elementwise_float_rest(a, b);
    if (b == 0.0f) {
        return rest;
    }
    if (rest == 0.0f) {
        return copysignf(0.0f, b);
    }
    return (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

/* Through the rest, because a / b may round up to an integer. */
static float elementwise_float_floor_divide(float a, float b) {
    const float rest = elementwise_float_rest(a, b);
    float quotient, whole;
    if (b == 0.0f) {
        return a / b;
    }
    quotient = (a - rest) / b;
    if (rest != 0.0f && (rest < 0.0f) != (b < 0.0f)) {
        quotient -= 1.0f;
    }
    if (quotient == 0.0f) {
        return copysignf(0.0f, a / b);
    }
    whole = floorf(quotient);
    return quotient - whole > 0.5f ? whole + 1.0f : whole;
}

/* -1 is apart, because the least integer divided by it is one more than the largest. */
static int64_t elementwise_integer_floor_divide(int64_t a, int64_t b) {
    if (b == -1) {
        return (int64_t)(0u - (uint64_t)a);
    }
    return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

static int64_t elementwise_integer_mod(int64_t a, int64_t b) {
    const int64_t rest = b == -1 ? 0 : a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t elementwise_integer_power(int64_t a, int64_t b) {
    uint64_t result = 1, factor = (uint64_t)a;
    for (; b > 0; b >>= 1) {
        result = (b & 1) != 0 ? result * factor : result;
        factor *= factor;
    }
    return (int64_t)result;
}

/* A loop over integers that stops where `refused` holds. */
#define BINARY_CHECKED(name, refused, refusal, expression)                                                  \
    static const char *elementwise_##name##_integers(const smr_elementwise_constants *constants,            \
                                                     size_t count, const void *x, const void *y, void *z) { \
        const int64_t *left = x;                                                                            \
        const int64_t *right = y;                                                                           \
        int64_t *out = z;                                                                                   \
        size_t i;                                                                                           \
        (void)constants;                                                                                    \
        for (i = 0; i < count; ++i) {                                                                       \
            const int64_t a = left[i], b = right[i];                                                        \
            if (refused) {                                                                                  \
                return refusal;                                                                             \
            }                                                                                               \
            out[i] = (expression);                                                                          \
        }                                                                                                   \
        return NULL;                                                                                        \
    }

BINARY_FLOATS(floor_divide, elementwise_float_floor_divide(a, b))
BINARY_CHECKED(floor_divide, b == 0, "an integer is divided by zero", elementwise_integer_floor_divide(a, b))
BINARY_KERNEL(floor_divide)

BINARY_FLOATS(floor_mod, elementwise_float_mod(a, b))
BINARY_CHECKED(floor_mod, b == 0, "an integer is divided by zero", elementwise_integer_mod(a, b))
BINARY_KERNEL(floor_mod)

BINARY_FLOATS(power, powf(smr_without_subnormal(a), smr_without_subnormal(b)))
BINARY_CHECKED(power, b < 0, "an integer is raised to a negative power", elementwise_integer_power(a, b))
BINARY_KERNEL(power)

BINARY_FLOATS(prelu, a > 0.0f ? a : (a) * (b))
SMR_ELEMENTWISE_KERNEL(prelu, elementwise_prelu_floats, NULL)

BINARY_FLOATS(truncate_divide, truncf(a / b))
BINARY_CHECKED(truncate_divide, b == 0, "an integer is divided by zero",
               b == -1 ? (int64_t)(0u - (uint64_t)a) : a / b)
BINARY_KERNEL(truncate_divide)

BINARY_FLOATS(truncate_mod, elementwise_float_rest(a, b))
BINARY_CHECKED(truncate_mod, b == 0, "an integer is divided by zero", b == -1 ? 0 : a % b)
BINARY_KERNEL(truncate_mod)

#define BINARY_BITS(name, expression) \
    BINARY_INTEGERS(name, expression) \
    SMR_ELEMENTWISE_KERNEL(name, NULL, elementwise_##name##_integers)

BINARY_BITS(bitwise_and, (uint64_t)(a) & (uint64_t)(b))
BINARY_BITS(bitwise_or, (uint64_t)a | (uint64_t)b)
BINARY_BITS(bitwise_xor, (uint64_t)a ^ (uint64_t)b)

/* Elements are stored with their low bits, so a shift by the width of a narrow type or more gives 0 there. */
BINARY_CHECKED(shift_left, b < 0, "a shift by a negative number of bits",
               b > 63 ? 0 : (int64_t)((uint64_t)a << b))
SMR_ELEMENTWISE_KERNEL(shift_left, NULL, elementwise_shift_left_integers)

static int64_t elementwise_shift_right(int64_t a, int64_t b) {
    const int64_t most = b > 63 ? 63 : b;
    return a < 0 ? ~(int64_t)(~(uint64_t)a >> most) : (int64_t)((uint64_t)a >> most);
}

BINARY_CHECKED(shift_right, b < 0, "a shift by a negative number of bits", elementwise_shift_right(a, b))
SMR_ELEMENTWISE_KERNEL(shift_right, NULL, elementwise_shift_right_integers)
