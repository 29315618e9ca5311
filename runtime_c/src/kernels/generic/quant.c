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
    default:
        return false;
    }
}

smr_status smr_quant_check_zero_point(const smr_value *value, int32_t zero_point, smr_error *error) {
    int32_t low, high;
    if (!smr_quant_limits(value->dtype, &low, &high)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%s stores no quantized numbers", smr_dtype_name((smr_dtype)value->dtype));
    }
    if (zero_point < low || zero_point > high) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "zero point %d is outside %d..%d", (int)zero_point, (int)low, (int)high);
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

smr_status smr_quant_check_output(const smr_node *node, int32_t zero_point, int32_t activation_min,
                                  int32_t activation_max, uint8_t rounding, quant_output *output,
                                  smr_error *error) {
    const smr_value *value = node->outputs[0];
    int32_t low, high;
    SMR_TRY(smr_quant_check_zero_point(value, zero_point, error));
    (void)smr_quant_limits(value->dtype, &low, &high);
    if (activation_min < low || activation_min > activation_max || activation_max > high) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "activation range %d..%d is not within %d..%d", (int)activation_min,
                 (int)activation_max, (int)low, (int)high);
    }
    if (rounding != SMR_ROUNDING_NATIVE) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no rounding %u", (unsigned)rounding);
    }
    output->low = (float)(activation_min - zero_point);
    output->high = (float)(activation_max - zero_point);
    output->zero_point = zero_point;
    return SMR_OK;
}

smr_status smr_quant_check_dims(const smr_value *output, const int64_t *dims, int32_t rank, smr_error *error) {
    int32_t i;
    if (output->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)output->rank, (int)rank);
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

smr_status smr_quant_window(const smr_node *node, const int32_t taps[2], const smr_ints2 *strides,
                            const smr_ints2 *dilations, uint8_t padding, const smr_ints4 *paddings,
                            quant_axis axes[2], smr_error *error) {
    const smr_value *x = node->inputs[0];
    const smr_value *y = node->outputs[0];
    int32_t i;
    if (strides->count != 2 || (dilations != NULL && dilations->count != 2) ||
        (padding == SMR_PADDING_EXPLICIT && paddings->count != 4)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "strides, dilations or paddings have the wrong number of values");
    }
    for (i = 0; i < 2; ++i) {
        quant_axis *axis = &axes[i];
        int64_t reach, room, output;
        axis->input = x->dims[1 + i];
        axis->taps = taps[i];
        axis->stride = strides->values[i];
        axis->dilation = dilations == NULL ? 1 : dilations->values[i];
        axis->before = 0;
        if (axis->taps < 1 || axis->stride < 1 || axis->dilation < 1) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a window of %d taps, stride %d and dilation %d", (int)axis->taps,
                     (int)axis->stride, (int)axis->dilation);
        }
        reach = (int64_t)(axis->taps - 1) * axis->dilation + 1;
        if (reach > INT32_MAX) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a window that reaches over %lld elements", (long long)reach);
        }
        if (padding == SMR_PADDING_SAME) {
            output = ((int64_t)axis->input + axis->stride - 1) / axis->stride;
            room = (output - 1) * axis->stride + reach - axis->input;
            axis->before = output > 0 && room > 0 ? (int32_t)(room / 2) : 0;
        } else {
            room = axis->input - reach;
            if (padding == SMR_PADDING_EXPLICIT) {
                const int32_t before = paddings->values[2 * i];
                const int32_t after = paddings->values[2 * i + 1];
                if (before < 0 || after < 0) {
                    SMR_FAIL(error, SMR_ERROR_MODEL, "padding of %d and %d", (int)before, (int)after);
                }
                axis->before = before;
                room += (int64_t)before + after;
            }
            if (room < 0) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "a window that reaches over %lld elements does not fit %d",
                         (long long)reach, (int)axis->input);
            }
            output = room / axis->stride + 1;
        }
        if (y->dims[1 + i] != output) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %lld", (int)(1 + i),
                     (int)y->dims[1 + i], (long long)output);
        }
        axis->output = (int32_t)output;
    }
    return SMR_OK;
}
