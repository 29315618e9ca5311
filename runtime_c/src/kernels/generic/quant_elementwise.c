/* Sums and products of two int8 tensors of different scales, with broadcasting. */
#include "quant_elementwise.h"

/* `rows`: the innermost axis is alone, because rows do not lie side by side. */
static void quant_add_axis(quant_binary *binary, size_t dim, const size_t strides[2], bool rows) {
    const int32_t last = binary->rank - 1;
    if (dim == 1 && !(rows && last < 0)) {
        return;
    }
    if (last >= (rows ? 1 : 0) && strides[0] == binary->axes[last].strides[0] * binary->axes[last].size &&
        strides[1] == binary->axes[last].strides[1] * binary->axes[last].size) {
        binary->axes[last].size *= dim;
        return;
    }
    binary->axes[last + 1].size = dim;
    binary->axes[last + 1].strides[0] = strides[0];
    binary->axes[last + 1].strides[1] = strides[1];
    binary->rank = last + 2;
}

/* Checks the shapes and fills the axes, the innermost first. */
static smr_status prepare_axes(const smr_node *node, quant_binary *binary, smr_error *error) {
    const smr_value *operands[3] = {node->inputs[0], node->inputs[1], node->outputs[0]};
    const smr_value *output = operands[2];
    const int32_t rank = operands[0]->rank > operands[1]->rank ? operands[0]->rank : operands[1]->rank;
    const bool strided = operands[0]->layout == SMR_LAYOUT_STRIDED ||
                         operands[1]->layout == SMR_LAYOUT_STRIDED || output->layout == SMR_LAYOUT_STRIDED;
    size_t spans[2] = {1, 1};
    int32_t i, k;
    if (output->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)output->rank,
                 (int)rank);
    }
    for (i = 0; i < rank; ++i) {
        int32_t dims[3], dim;
        size_t strides[2];
        for (k = 0; k < 3; ++k) {
            dims[k] = i < operands[k]->rank ? operands[k]->dims[operands[k]->rank - 1 - i] : 1;
        }
        dim = dims[0] == 1 ? dims[1] : dims[0];
        if ((dims[1] != 1 && dims[1] != dim) || dims[2] != dim) {
            SMR_FAIL(error, SMR_ERROR_MODEL,
                     "dimension %d of the output is %d, those of the inputs %d and %d", (int)(rank - 1 - i),
                     (int)dims[2], (int)dims[0], (int)dims[1]);
        }
        if (output->count == 0) {
            continue;
        }
        for (k = 0; k < 2; ++k) {
            strides[k] = dims[k] == 1 ? 0 : spans[k];
            spans[k] =
                i == 0 && operands[k]->rank > 0 ? smr_value_row(operands[k]) : spans[k] * (size_t)dims[k];
        }
        quant_add_axis(binary, (size_t)dim, strides, strided);
    }
    binary->row = strided ? smr_value_row(output) : binary->axes[0].size;
    return SMR_OK;
}

static smr_status prepare_quant_binary(smr_node *node, int32_t x_zero_point, int32_t y_zero_point,
                                       float multiplier, smr_error *error) {
    quant_binary *binary = SMR_PARAMETERS(node, quant_binary);
    SMR_TRY(prepare_axes(node, binary, error));
    SMR_TRY(smr_quant_check_zero_point(node->inputs[0], x_zero_point, error));
    SMR_TRY(smr_quant_check_zero_point(node->inputs[1], y_zero_point, error));
    SMR_TRY(smr_quant_check_multiplier(multiplier, error));
    binary->zero_points[0] = x_zero_point;
    binary->zero_points[1] = y_zero_point;
    binary->multiplier = multiplier;
    node->work = node->outputs[0]->count;
    node->parameter_bytes = (uint16_t)(offsetof(quant_binary, axes) +
                                       sizeof(quant_axis) * (size_t)(binary->rank > 1 ? binary->rank : 1));
    return SMR_OK;
}

static smr_status run_quantized_add(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_binary *binary = SMR_CONST_PARAMETERS(node, quant_binary);
    const int8_t *x = node->inputs[0]->data, *y = node->inputs[1]->data;
    int8_t *z = node->outputs[0]->data;
    (void)error;
    while (begin < end) {
        size_t places[3], i;
        const size_t run = quant_binary_at(binary, begin, places);
        const size_t count = run < end - begin ? run : end - begin;
        for (i = 0; i < count; ++i) {
            const int32_t a = x[places[0] + i * binary->axes[0].strides[0]] - binary->zero_points[0];
            const int32_t b = y[places[1] + i * binary->axes[0].strides[1]] - binary->zero_points[1];
            const int32_t acc = a * binary->multipliers[0] + b * binary->multipliers[1];
            z[places[2] + i] = (int8_t)quant_requantize(acc, binary->multiplier, &binary->output);
        }
        begin += count;
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_add(smr_node *node, smr_error *error) {
    const smr_quantized_add_attributes *attributes = &node->attributes.quantized_add;
    quant_binary *binary = SMR_PARAMETERS(node, quant_binary);
    int32_t k;
    SMR_TRY(prepare_quant_binary(node, attributes->x_zero_point, attributes->y_zero_point,
                                 attributes->multiplier, error));
    SMR_TRY(smr_quant_check_output(node, attributes->output_zero_point, attributes->activation_min,
                                   attributes->activation_max, attributes->rounding, &binary->output, error));
    binary->multipliers[0] = attributes->x_multiplier;
    binary->multipliers[1] = attributes->y_multiplier;
    for (k = 0; k < 2; ++k) {
        /* Twice 255 times this fits int32. */
        if (binary->multipliers[k] < -(1 << 22) || binary->multipliers[k] > 1 << 22) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "an integer multiplier of %d", (int)binary->multipliers[k]);
        }
    }
    node->run = run_quantized_add;
    node->elements = true;
    return SMR_OK;
}

static smr_status run_quantized_multiply(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_binary *binary = SMR_CONST_PARAMETERS(node, quant_binary);
    const int8_t *x = node->inputs[0]->data, *y = node->inputs[1]->data;
    int8_t *z = node->outputs[0]->data;
    (void)error;
    while (begin < end) {
        size_t places[3], i;
        const size_t run = quant_binary_at(binary, begin, places);
        const size_t count = run < end - begin ? run : end - begin;
        for (i = 0; i < count; ++i) {
            const int32_t a = x[places[0] + i * binary->axes[0].strides[0]] - binary->zero_points[0];
            const int32_t b = y[places[1] + i * binary->axes[0].strides[1]] - binary->zero_points[1];
            z[places[2] + i] = (int8_t)quant_requantize(a * b, binary->multiplier, &binary->output);
        }
        begin += count;
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_multiply(smr_node *node, smr_error *error) {
    const smr_quantized_multiply_attributes *attributes = &node->attributes.quantized_multiply;
    quant_binary *binary = SMR_PARAMETERS(node, quant_binary);
    SMR_TRY(prepare_quant_binary(node, attributes->x_zero_point, attributes->y_zero_point,
                                 attributes->multiplier, error));
    SMR_TRY(smr_quant_check_output(node, attributes->output_zero_point, attributes->activation_min,
                                   attributes->activation_max, attributes->rounding, &binary->output, error));
    node->run = run_quantized_multiply;
    node->elements = true;
    return SMR_OK;
}
