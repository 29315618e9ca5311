/* Checks that the integer kernels share. */
#include "quant.h"

bool smr_quant_limits(uint8_t dtype, int32_t *low, int32_t *high) {
    switch (dtype) {
        case SMR_DTYPE_INT8:
            *low = INT8_MIN;
            *high = INT8_MAX;
            return true;
        case SMR_DTYPE_UINT8:
            *low = 0;
            *high = UINT8_MAX;
            return true;
        case SMR_DTYPE_INT16:
            *low = INT16_MIN;
            *high = INT16_MAX;
            return true;
        default: return false;
    }
}

smr_status smr_quant_check_zero_point(const smr_value *value, int32_t zero_point, smr_error *error) {
    int32_t low, high;
    if (!smr_quant_limits(value->dtype, &low, &high)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%s stores no quantized numbers",
                 smr_dtype_name((smr_dtype)value->dtype));
    }
    if (zero_point < low || zero_point > high) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "zero point %d is outside %d..%d", (int)zero_point, (int)low,
                 (int)high);
    }
    return SMR_OK;
}

smr_status smr_quant_check_scale(float scale, smr_error *error) {
    if (!(scale >= 1e-30f && scale <= 1e30f)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "scale %g is outside 1e-30..1e30", (double)scale);
    }
    return SMR_OK;
}

smr_status smr_quant_check_multiplier(float multiplier, smr_error *error) {
    if (!(multiplier >= 0.0f && multiplier <= FLT_MAX)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "multiplier %g is negative or no number", (double)multiplier);
    }
    return SMR_OK;
}

smr_status smr_quant_check_multipliers(const float *multipliers, size_t count, smr_error *error) {
    const bool all = smr_floats_within(multipliers, count, SMR_FLOAT_ZERO, SMR_FLOAT_INFINITY);
    size_t i;
    for (i = 0; i < count && !all; ++i) {
        SMR_TRY(smr_quant_check_multiplier(multipliers[i], error));
    }
    return SMR_OK;
}

smr_status smr_quant_check_range(const smr_node *node, int32_t zero_point, int32_t activation_min,
                                 int32_t activation_max, quant_output *output, smr_error *error) {
    const smr_value *value = node->outputs[0];
    int32_t low = 0, high = 0;
    SMR_TRY(smr_quant_check_zero_point(value, zero_point, error));
    (void)smr_quant_limits(value->dtype, &low, &high);
    if (activation_min < low || activation_min > activation_max || activation_max > high) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "activation range %d..%d is not within %d..%d", (int)activation_min,
                 (int)activation_max, (int)low, (int)high);
    }
    output->low = (float)(activation_min - zero_point);
    output->high = (float)(activation_max - zero_point);
    output->zero_point = zero_point;
    output->least = activation_min;
    output->largest = activation_max;
    return SMR_OK;
}

smr_status smr_quant_check_output(const smr_node *node, int32_t zero_point, int32_t activation_min,
                                  int32_t activation_max, uint8_t rounding, quant_output *output,
                                  smr_error *error) {
    SMR_TRY(smr_quant_check_range(node, zero_point, activation_min, activation_max, output, error));
    if (rounding != SMR_ROUNDING_NATIVE) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no rounding %u", (unsigned)rounding);
    }
    return SMR_OK;
}

smr_status smr_quant_check_dims(const smr_value *output, const int64_t *dims, int32_t rank,
                                smr_error *error) {
    int32_t i;
    if (output->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)output->rank,
                 (int)rank);
    }
    for (i = 0; i < rank; ++i) {
        if (output->dims[i] != dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %lld", (int)i,
                     (int)output->dims[i], (long long)dims[i]);
        }
    }
    return SMR_OK;
}

smr_status smr_quant_check_same(const smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0];
    int64_t dims[SMR_MAX_RANK];
    int32_t i;
    for (i = 0; i < x->rank; ++i) {
        dims[i] = x->dims[i];
    }
    return smr_quant_check_dims(node->outputs[0], dims, x->rank, error);
}

smr_status smr_quant_check_constant(const smr_node *node, int32_t input, smr_error *error) {
    const smr_value *value = node->inputs[input];
    if (value->storage != SMR_STORAGE_CONSTANT || value->data == NULL) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "input %d must be a constant", (int)input);
    }
    return SMR_OK;
}

smr_status smr_quant_check_vector(const smr_node *node, int32_t input, size_t count, const char *what,
                                  smr_error *error) {
    const smr_value *value = node->inputs[input];
    if (value->rank != 1 || value->count != count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the %s has %zu elements in rank %d instead of %zu", what,
                 value->count, (int)value->rank, count);
    }
    return SMR_OK;
}

void smr_quant_window(const smr_node *node, int32_t rows, int32_t columns, smr_window *window) {
    int32_t axis;
    window->taps[0] = rows;
    window->taps[1] = columns;
    for (axis = 0; axis < 2; ++axis) {
        window->size[axis] = node->inputs[0]->dims[1 + axis];
        window->positions[axis] = node->outputs[0]->dims[1 + axis];
    }
}
