/* Activation functions, and clip. Comparisons are written so that NaN passes through. */
#include "elementwise.h"

#define ACTIVATION_FLOATS(name, expression) \
    SMR_ELEMENTWISE_UNARY(elementwise_##name##_floats, float, float, expression)
#define ACTIVATION_INTEGERS(name, expression) \
    SMR_ELEMENTWISE_UNARY(elementwise_##name##_integers, int64_t, int64_t, expression)
#define ACTIVATION(name, expression)    \
    ACTIVATION_FLOATS(name, expression) \
    SMR_ELEMENTWISE_KERNEL(name, elementwise_##name##_floats, NULL)

#define SELU_ALPHA       1.67326324f
#define SELU_SCALE       1.05070099f
#define ROOT_HALF        0.70710678f
#define ROOT_TWO_OVER_PI 0.79788456f

static float elementwise_relu6(float a) {
    return a < 0.0f ? 0.0f : a > 6.0f ? 6.0f : a;
}

ACTIVATION_FLOATS(relu, a < 0.0f ? 0.0f : a)
ACTIVATION_INTEGERS(relu, a < 0 ? 0 : a)
SMR_ELEMENTWISE_KERNEL(relu, elementwise_relu_floats, elementwise_relu_integers)

ACTIVATION_FLOATS(relu6, elementwise_relu6(a))
ACTIVATION_INTEGERS(relu6, a < 0 ? 0 : a > 6 ? 6 : a)
SMR_ELEMENTWISE_KERNEL(relu6, elementwise_relu6_floats, elementwise_relu6_integers)

ACTIVATION(sigmoid, 1.0f / (1.0f + expf(-a)))
ACTIVATION(softplus, (a > 0.0f ? a : 0.0f) + log1pf(expf(-fabsf(a))))
ACTIVATION(softsign, a / (1.0f + fabsf(a)))
ACTIVATION(selu, (a > 0.0f ? a : SELU_ALPHA * expm1f(a)) * SELU_SCALE)
ACTIVATION(silu, a * (1.0f / (1.0f + expf(-a))))
ACTIVATION(hard_sigmoid, elementwise_relu6(a + 3.0f) / 6.0f)
ACTIVATION(hard_swish, elementwise_relu6(a + 3.0f) / 6.0f * a)
ACTIVATION(mish, a *tanhf((a > 0.0f ? a : 0.0f) + log1pf(expf(-fabsf(a)))))

#define MINIMUM  constants->floats[0]
#define MAXIMUM  constants->floats[1]
#define LEAST    constants->integers[0]
#define GREATEST constants->integers[1]
#define ALPHA    constants->floats[0]

ACTIVATION_FLOATS(clip, (a < MINIMUM) ? MINIMUM : (a > MAXIMUM) ? MAXIMUM : a)
ACTIVATION_INTEGERS(clip, (a < LEAST) ? LEAST : (a > GREATEST) ? GREATEST : a)
ACTIVATION_FLOATS(leaky_relu, a > 0.0f ? a : ALPHA * a)
ACTIVATION_FLOATS(elu, a > 0.0f ? a : ALPHA * expm1f(a))
ACTIVATION_FLOATS(gelu, 0.5f * a * (1.0f + erff(a * ROOT_HALF)))
/* (1 + tanh(u)) / 2 is sigmoid(2 u), which keeps its accuracy where it is small. */
ACTIVATION_FLOATS(gelu_tanh, a / (1.0f + expf(-2.0f * ROOT_TWO_OVER_PI * (a + 0.044715f * a * a * a))))

/* Whole numbers within a float32 bound, cut to int64_t; `bound` has been rounded and is not NaN. */
static int64_t elementwise_integer_bound(float bound) {
    if (bound < -0x1p63f) {
        return INT64_MIN;
    }
    return bound >= 0x1p63f ? INT64_MAX : (int64_t)bound;
}

/* A bound outside the range of a type must not wrap around when it is stored as the output. */
static int64_t elementwise_to_range(int64_t bound, int dtype) {
    const int64_t bits = (int64_t)smr_dtype_size((smr_dtype)dtype) * 8;
    const int64_t half = (int64_t)(((uint64_t)1 << (bits - 1)) - 1);
    const int64_t least = dtype == SMR_DTYPE_UINT8 ? 0 : -half - 1;
    const int64_t greatest = dtype == SMR_DTYPE_UINT8 ? 255 : half;
    return bound < least ? least : bound > greatest ? greatest : bound;
}

smr_status smr_prepare_clip(smr_node *node, smr_error *error) {
    const smr_clip_attributes *attributes = &node->attributes.clip;
    smr_elementwise_constants *constants = &SMR_PARAMETERS(node, smr_elementwise)->constants;
    const int dtype = node->inputs[0]->dtype;
    if (!(attributes->minimum <= attributes->maximum)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "minimum %g is not at most maximum %g", (double)attributes->minimum,
                 (double)attributes->maximum);
    }
    if (smr_is_float(dtype)) {
        constants->floats[0] = attributes->minimum;
        constants->floats[1] = attributes->maximum;
    } else {
        const int64_t least = elementwise_integer_bound(ceilf(attributes->minimum));
        const int64_t greatest = elementwise_integer_bound(floorf(attributes->maximum));
        constants->integers[0] = elementwise_to_range(least, dtype);
        constants->integers[1] = elementwise_to_range(greatest, dtype);
    }
    return smr_elementwise_prepare(node, elementwise_clip_floats, elementwise_clip_integers, error);
}

smr_status smr_prepare_leaky_relu(smr_node *node, smr_error *error) {
    SMR_PARAMETERS(node, smr_elementwise)->constants.floats[0] = node->attributes.leaky_relu.alpha;
    return smr_elementwise_prepare(node, elementwise_leaky_relu_floats, NULL, error);
}

smr_status smr_prepare_elu(smr_node *node, smr_error *error) {
    SMR_PARAMETERS(node, smr_elementwise)->constants.floats[0] = node->attributes.elu.alpha;
    return smr_elementwise_prepare(node, elementwise_elu_floats, NULL, error);
}

smr_status smr_prepare_gelu(smr_node *node, smr_error *error) {
    const bool approximate = node->attributes.gelu.approximate == SMR_APPROXIMATE_TANH;
    return smr_elementwise_prepare(node, approximate ? elementwise_gelu_tanh_floats : elementwise_gelu_floats,
                                   NULL, error);
}
