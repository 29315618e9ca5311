/* Between real numbers and integers, and from one scale to another. */
#include "quant_convert.h"
#include "convert.h"

static smr_status prepare_conversion(smr_node *node, uint8_t dtype, smr_error *error) {
    if (node->outputs[0]->dtype != dtype) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output is %s and attribute dtype says %s",
                 smr_dtype_name((smr_dtype)node->outputs[0]->dtype), smr_dtype_name((smr_dtype)dtype));
    }
    SMR_TRY(smr_quant_check_same(node, error));
    node->work = node->outputs[0]->count;
    return SMR_OK;
}

/* The whole range of the output's type. */
static smr_status prepare_range(const smr_node *node, int32_t zero_point, uint8_t rounding,
                                quant_output *output, smr_error *error) {
    int32_t low = 0, high = 0;
    (void)smr_quant_limits(node->outputs[0]->dtype, &low, &high);
    return smr_quant_check_output(node, zero_point, low, high, rounding, output, error);
}

static void quant_store(const smr_value *value, size_t index, int32_t number) {
    if (value->dtype == SMR_DTYPE_INT16) {
        ((int16_t *)value->data)[index] = (int16_t)number;
    } else if (value->dtype == SMR_DTYPE_INT8) {
        ((int8_t *)value->data)[index] = (int8_t)number;
    } else {
        ((uint8_t *)value->data)[index] = (uint8_t)number;
    }
}

static int32_t quant_load(const smr_value *value, size_t index) {
    if (value->dtype == SMR_DTYPE_INT16) {
        return ((const int16_t *)value->data)[index];
    }
    if (value->dtype == SMR_DTYPE_INT8) {
        return ((const int8_t *)value->data)[index];
    }
    return ((const uint8_t *)value->data)[index];
}

/* zero point + value, clamped and rounded to the nearest, halves away from 0. */
static int32_t quant_finish_away(float value, const quant_output *output) {
    int32_t whole;
    float rest;
    value = value < output->low ? output->low : value;
    value = value > output->high ? output->high : value;
    whole = (int32_t)value;
    rest = value - (float)whole;
    whole += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
    return whole + output->zero_point;
}

static float quant_real(const smr_value *x, size_t i) {
    return x->dtype == SMR_DTYPE_FLOAT16 ? smr_half_to_float(((const uint16_t *)x->data)[i])
                                         : ((const float *)x->data)[i];
}

static smr_status run_quantize_away(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_conversion *parameters = SMR_CONST_PARAMETERS(node, quant_conversion);
    const smr_value *x = node->inputs[0];
    smr_span span;
    size_t i;
    (void)error;
    for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) {
        for (i = 0; i < span.count; ++i) {
            const float real = quant_real(x, span.x + i);
            const float scaled = real != real ? 0.0f : real / parameters->multiplier;
            quant_store(node->outputs[0], span.y + i, quant_finish_away(scaled, &parameters->output));
        }
    }
    return SMR_OK;
}

static smr_status run_quantize(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_conversion *parameters = SMR_CONST_PARAMETERS(node, quant_conversion);
    const smr_value *x = node->inputs[0];
    smr_span span;
    size_t i;
    (void)error;
    for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) {
        for (i = 0; i < span.count; ++i) {
            const float real = quant_real(x, span.x + i);
            const float scaled = real != real ? 0.0f : real * parameters->multiplier;
            quant_store(node->outputs[0], span.y + i, quant_finish(scaled, &parameters->output));
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_quantize(smr_node *node, smr_error *error) {
    const smr_quantize_attributes *attributes = &node->attributes.quantize;
    quant_conversion *parameters = SMR_PARAMETERS(node, quant_conversion);
    SMR_TRY(prepare_conversion(node, attributes->dtype, error));
    SMR_TRY(prepare_range(node, attributes->zero_point, SMR_ROUNDING_NATIVE, &parameters->output, error));
    SMR_TRY(smr_quant_check_scale(attributes->scale, error));
    if (attributes->rounding == SMR_ROUNDING_TFLITE) {
        parameters->multiplier = attributes->scale;
        node->run = run_quantize_away;
        return SMR_OK;
    }
    if (attributes->rounding != SMR_ROUNDING_NATIVE) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no rounding %u",
                 (unsigned)attributes->rounding);
    }
    parameters->multiplier = 1.0f / attributes->scale;
    node->run = run_quantize;
    node->elements = true;
    return SMR_OK;
}

static smr_status run_dequantize(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_conversion *parameters = SMR_CONST_PARAMETERS(node, quant_conversion);
    const smr_value *y = node->outputs[0];
    smr_span span;
    size_t i;
    (void)error;
    for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) {
        for (i = 0; i < span.count; ++i) {
            const int32_t offset = quant_load(node->inputs[0], span.x + i) - parameters->input_zero_point;
            const float real = (float)offset * parameters->multiplier;
            if (y->dtype == SMR_DTYPE_FLOAT16) {
                ((uint16_t *)y->data)[span.y + i] = smr_float_to_half(real);
            } else {
                ((float *)y->data)[span.y + i] = real;
            }
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_dequantize(smr_node *node, smr_error *error) {
    const smr_dequantize_attributes *attributes = &node->attributes.dequantize;
    quant_conversion *parameters = SMR_PARAMETERS(node, quant_conversion);
    SMR_TRY(prepare_conversion(node, attributes->dtype, error));
    if (attributes->dtype != SMR_DTYPE_FLOAT32 && attributes->dtype != SMR_DTYPE_FLOAT16) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output is %s instead of float32 or float16",
                 smr_dtype_name((smr_dtype)attributes->dtype));
    }
    SMR_TRY(smr_quant_check_zero_point(node->inputs[0], attributes->zero_point, error));
    SMR_TRY(smr_quant_check_scale(attributes->scale, error));
    parameters->input_zero_point = attributes->zero_point;
    parameters->multiplier = attributes->scale;
    node->run = run_dequantize;
    node->elements = true;
    return SMR_OK;
}

static smr_status run_requantize(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_conversion *parameters = SMR_CONST_PARAMETERS(node, quant_conversion);
    smr_span span;
    size_t i;
    (void)error;
    for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) {
        for (i = 0; i < span.count; ++i) {
            const int32_t acc = quant_load(node->inputs[0], span.x + i) - parameters->input_zero_point;
            quant_store(node->outputs[0], span.y + i,
                        quant_requantize(acc, parameters->multiplier, &parameters->output));
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_requantize(smr_node *node, smr_error *error) {
    const smr_requantize_attributes *attributes = &node->attributes.requantize;
    quant_conversion *parameters = SMR_PARAMETERS(node, quant_conversion);
    SMR_TRY(prepare_conversion(node, attributes->dtype, error));
    SMR_TRY(
        prepare_range(node, attributes->output_zero_point, attributes->rounding, &parameters->output, error));
    SMR_TRY(smr_quant_check_zero_point(node->inputs[0], attributes->input_zero_point, error));
    SMR_TRY(smr_quant_check_multiplier(attributes->multiplier, error));
    parameters->input_zero_point = attributes->input_zero_point;
    parameters->multiplier = attributes->multiplier;
    node->run = run_requantize;
    node->elements = true;
    return SMR_OK;
}

/* Bytes of either sign are looked up by their bits: the least int8 has those of 128. */
static smr_status run_lookup_table(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const uint8_t *x = node->inputs[0]->data;
    const uint8_t *table = node->inputs[1]->data;
    const uint8_t flip = node->inputs[0]->dtype == SMR_DTYPE_INT8 ? 0x80 : 0;
    uint8_t *y = node->outputs[0]->data;
    smr_span span;
    size_t i;
    (void)error;
    for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) {
        for (i = 0; i < span.count; ++i) {
            y[span.y + i] = table[x[span.x + i] ^ flip];
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_lookup_table(smr_node *node, smr_error *error) {
    const smr_value *table = node->inputs[1];
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_quant_check_constant(node, 1, error));
    if (table->rank != 1 || table->count != 256) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the table has %zu elements in rank %d instead of 256", table->count,
                 (int)table->rank);
    }
    node->work = node->outputs[0]->count;
    node->run = run_lookup_table;
    node->elements = true;
    return SMR_OK;
}
