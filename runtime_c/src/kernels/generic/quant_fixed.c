/* Integers of one scale as integers of another, and sums, differences and products of two, in fixed point. */
#include "broadcast.h"
#include "fixed.h"

smr_status smr_fixed_check(int32_t multiplier, int32_t shift, smr_error *error) {
    if (multiplier < 0 || shift < -31 || shift > 30) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a multiplier of %d with a shift of %d", (int)multiplier,
                 (int)shift);
    }
    return SMR_OK;
}

smr_status smr_fixed_check_multipliers(const smr_value *value, size_t outputs, uint8_t rounding,
                                       smr_error *error) {
    const int32_t rows = rounding == SMR_ROUNDING_TFLITE_REAL ? 3 : 2, *numbers = value->data;
    size_t i;
    if (rounding == SMR_ROUNDING_NATIVE || rounding > SMR_ROUNDING_TFLITE_REAL) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no rounding %u", (unsigned)rounding);
    }
    if (value->rank != 2 || value->dims[0] != rows || (size_t)value->dims[1] != outputs) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu outputs with %zu numbers for their multipliers in rank %d",
                 outputs, value->count, (int)value->rank);
    }
    for (i = 0; i < outputs; ++i) {
        const int32_t first = numbers[i], second = numbers[outputs + i];
        if (rows == 2) {
            SMR_TRY(smr_fixed_check(first, second, error));
            if (rounding == SMR_ROUNDING_TFLITE_WIDE && second > 14) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "a shift of %d for sums of 64 bits", (int)second);
            }
        } else if (first < 0 || first >= 1 << 26 || second < 0 || second >= 1 << 27 ||
                   numbers[2 * outputs + i] < -500 || numbers[2 * outputs + i] > 100) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a multiplier of (%d * 2^27 + %d) * 2^%d", (int)first,
                     (int)second, (int)numbers[2 * outputs + i]);
        }
    }
    return SMR_OK;
}

smr_status smr_fixed_check_left_shift(uint8_t dtype, int32_t left_shift, smr_error *error) {
    const int32_t most = 31 - 8 * (int32_t)smr_dtype_size((smr_dtype)dtype);
    if (left_shift < 0 || left_shift > (most > 0 ? most : 0)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a shift of %s to the left by %d", smr_dtype_name((smr_dtype)dtype),
                 (int)left_shift);
    }
    return SMR_OK;
}

smr_status smr_fixed_check_range(const smr_value *value, int32_t zero_point, int32_t activation_min,
                                 int32_t activation_max, smr_error *error) {
    int32_t low = INT32_MIN, high = INT32_MAX;
    if (value->dtype != SMR_DTYPE_INT32 && !smr_quant_limits(value->dtype, &low, &high)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%s stores no quantized numbers",
                 smr_dtype_name((smr_dtype)value->dtype));
    }
    if (zero_point < low || zero_point > high) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "zero point %d is outside %d..%d", (int)zero_point, (int)low,
                 (int)high);
    }
    if (activation_min < low || activation_min > activation_max || activation_max > high) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "activation range %d..%d is not within %d..%d", (int)activation_min,
                 (int)activation_max, (int)low, (int)high);
    }
    return SMR_OK;
}

/* The sums in int64 that the rounding of many bits can take: more of it would leave 64 bits. */
#define FIXED_LARGEST_WIDE (((int64_t)1 << 47) - 1)

static smr_status run_fixed_point_rescale_wide(const smr_node *node, size_t begin, size_t end,
                                               smr_error *error) {
    const smr_fixed_point_rescale_attributes *a = &node->attributes.fixed_point_rescale;
    const int64_t *x = node->inputs[0]->data;
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        int64_t sum = x[i] < FIXED_LARGEST_WIDE ? x[i] : FIXED_LARGEST_WIDE;
        sum = sum > -FIXED_LARGEST_WIDE ? sum : -FIXED_LARGEST_WIDE;
        fixed_store(
            node->outputs[0], i,
            fixed_clamp((int64_t)fixed_multiply_wide(sum, a->multiplier, a->shift) + a->output_zero_point,
                        a->activation_min, a->activation_max));
    }
    return SMR_OK;
}

static smr_status run_fixed_point_rescale(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_fixed_point_rescale_attributes *a = &node->attributes.fixed_point_rescale;
    const int64_t factor = (int64_t)1 << a->left_shift;
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        const int64_t offset = (int64_t)fixed_load(node->inputs[0], i) - a->input_zero_point;
        const int64_t value = fixed_multiply(fixed_wrap(offset * factor), a->multiplier, a->shift);
        fixed_store(node->outputs[0], i,
                    fixed_clamp(value + a->output_zero_point, a->activation_min, a->activation_max));
    }
    return SMR_OK;
}

smr_status smr_prepare_fixed_point_rescale(smr_node *node, smr_error *error) {
    const smr_fixed_point_rescale_attributes *a = &node->attributes.fixed_point_rescale;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const bool wide = x->dtype == SMR_DTYPE_INT64;
    if (y->dtype != a->dtype) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output is %s and attribute dtype says %s",
                 smr_dtype_name((smr_dtype)y->dtype), smr_dtype_name((smr_dtype)a->dtype));
    }
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_fixed_check_range(y, a->output_zero_point, a->activation_min, a->activation_max, error));
    SMR_TRY(smr_fixed_check(a->multiplier, a->shift, error));
    if (wide && (a->input_zero_point != 0 || a->left_shift != 0 || a->shift > 14)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "sums of 64 bits with the zero point %d and shifts of %d and %d",
                 (int)a->input_zero_point, (int)a->left_shift, (int)a->shift);
    }
    if (!wide) {
        SMR_TRY(smr_fixed_check_range(x, a->input_zero_point, 0, 0, error));
        SMR_TRY(smr_fixed_check_left_shift(x->dtype, a->left_shift, error));
    }
    node->work = y->count;
    node->run = wide ? run_fixed_point_rescale_wide : run_fixed_point_rescale;
    node->elements = true;
    node->whole = true;
    return SMR_OK;
}

/* The exact or once rescaled result, before the last multiplier. */
static int32_t fixed_combine(const smr_fixed_point_binary_attributes *a, int32_t x, int32_t y) {
    const int64_t factor = (int64_t)1 << a->left_shift;
    int64_t difference;
    x -= a->x_zero_point;
    y -= a->y_zero_point;
    if (a->kind == SMR_FIXED_POINT_BINARY_MULTIPLY) {
        return fixed_wrap((int64_t)x * y);
    }
    x = fixed_multiply((int32_t)(x * factor), a->x_multiplier, a->x_shift);
    y = fixed_multiply((int32_t)(y * factor), a->y_multiplier, a->y_shift);
    if (a->kind == SMR_FIXED_POINT_BINARY_ADD) {
        return fixed_wrap((int64_t)x + y);
    }
    difference = fixed_wrap((int64_t)x - y);
    return fixed_wrap(a->kind == SMR_FIXED_POINT_BINARY_SUBTRACT ? difference : difference * difference);
}

static smr_status run_fixed_point_binary(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_fixed_point_binary_attributes *a = &node->attributes.fixed_point_binary;
    const smr_broadcast *broadcast = SMR_CONST_PARAMETERS(node, smr_broadcast);
    smr_broadcast_row row;
    (void)error;
    smr_broadcast_start(broadcast, begin, &row);
    while (begin < end) {
        const size_t length = row.length < end - begin ? row.length : end - begin;
        size_t i;
        for (i = 0; i < length; ++i) {
            const int32_t x = fixed_load(node->inputs[0], row.offsets[0] + i * row.steps[0]);
            const int32_t y = fixed_load(node->inputs[1], row.offsets[1] + i * row.steps[1]);
            const int64_t value = fixed_multiply(fixed_combine(a, x, y), a->multiplier, a->shift);
            fixed_store(node->outputs[0], begin + i,
                        fixed_clamp(value + a->output_zero_point, a->activation_min, a->activation_max));
        }
        begin += length;
        smr_broadcast_next(broadcast, &row);
    }
    return SMR_OK;
}

smr_status smr_prepare_fixed_point_binary(smr_node *node, smr_error *error) {
    const smr_fixed_point_binary_attributes *a = &node->attributes.fixed_point_binary;
    smr_broadcast *broadcast = SMR_PARAMETERS(node, smr_broadcast);
    if (a->kind > SMR_FIXED_POINT_BINARY_SQUARED_DIFFERENCE) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no operation %u", (unsigned)a->kind);
    }
    SMR_TRY(smr_fixed_check_range(node->inputs[0], a->x_zero_point, 0, 0, error));
    SMR_TRY(smr_fixed_check_range(node->inputs[1], a->y_zero_point, 0, 0, error));
    SMR_TRY(smr_fixed_check_range(node->outputs[0], a->output_zero_point, a->activation_min,
                                  a->activation_max, error));
    SMR_TRY(smr_fixed_check_left_shift(node->inputs[0]->dtype, a->left_shift, error));
    SMR_TRY(smr_fixed_check(a->x_multiplier, a->x_shift, error));
    SMR_TRY(smr_fixed_check(a->y_multiplier, a->y_shift, error));
    SMR_TRY(smr_fixed_check(a->multiplier, a->shift, error));
    SMR_TRY(smr_broadcast_prepare(node, broadcast, error));
    node->run = run_fixed_point_binary;
    node->elements = true;
    node->whole = true;
    return SMR_OK;
}
