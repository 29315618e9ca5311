/* Means of int8 numbers over windows and axes, and softmax by a table of exponentials. */
#include "quant_reduce.h"

#define QUANT_LANES 64 /* outputs that are summed side by side */

/* Work items are output pixels. */
static smr_status run_quantized_average(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_average *average = SMR_CONST_PARAMETERS(node, quant_average);
    const smr_window *window = &average->window;
    const size_t channels = average->channels;
    const size_t x_row = smr_value_row(node->inputs[0]), y_row = smr_value_row(node->outputs[0]);
    const int8_t *x = node->inputs[0]->data;
    int8_t *y = node->outputs[0]->data;
    size_t pixel, first, n;
    (void)error;
    for (pixel = begin; pixel < end; ++pixel) {
        const size_t line = pixel / (size_t)window->positions[1];
        const size_t image = line / (size_t)window->positions[0];
        const quant_span rows = quant_average_span(average, 0, line % (size_t)window->positions[0]);
        const quant_span columns = quant_average_span(average, 1, pixel % (size_t)window->positions[1]);
        const int32_t count = rows.count * columns.count;
        const float multiplier = average->multiplier / (float)(count > 0 ? count : 1);
        for (first = 0; first < channels; first += QUANT_LANES) {
            const size_t lanes = channels - first < QUANT_LANES ? channels - first : QUANT_LANES;
            int32_t acc[QUANT_LANES];
            int32_t row, column;
            memset(acc, 0, lanes * sizeof *acc);
            for (row = rows.begin; row < rows.end; ++row) {
                const size_t at = image * (size_t)window->size[0] + (size_t)(rows.first + row);
                for (column = columns.begin; column < columns.end; ++column) {
                    const size_t place = at * (size_t)window->size[1] + (size_t)(columns.first + column);
                    for (n = 0; n < lanes; ++n) {
                        acc[n] += x[place * x_row + first + n] - average->zero_point;
                    }
                }
            }
            for (n = 0; n < lanes; ++n) {
                y[pixel * y_row + first + n] = (int8_t)quant_requantize(acc[n], multiplier, &average->output);
            }
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_average_pool2d(smr_node *node, smr_error *error) {
    const smr_quantized_average_pool2d_attributes *attributes = &node->attributes.quantized_average_pool2d;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    quant_average *average = SMR_PARAMETERS(node, quant_average);
    if (x->rank != 4 || y->rank != 4 || y->dims[0] != x->dims[0] || y->dims[3] != x->dims[3]) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x of rank %d and y of rank %d do not fit, or their images or channels", (int)x->rank,
                 (int)y->rank);
    }
    if (attributes->pool_size.count != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a window of %d sizes", (int)attributes->pool_size.count);
    }
    smr_quant_window(node, attributes->pool_size.values[0], attributes->pool_size.values[1],
                     &average->window);
    SMR_TRY(smr_window_prepare(&average->window, &attributes->strides, NULL, attributes->padding,
                               &attributes->paddings, error));
    /* So that neither the count nor a sum of bytes leaves int32. */
    if ((int64_t)attributes->pool_size.values[0] * attributes->pool_size.values[1] > INT32_MAX / 255) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a window of %d x %d is too large",
                 (int)attributes->pool_size.values[0], (int)attributes->pool_size.values[1]);
    }
    SMR_TRY(smr_quant_check_zero_point(x, attributes->input_zero_point, error));
    SMR_TRY(smr_quant_check_multiplier(attributes->multiplier, error));
    SMR_TRY(smr_quant_check_output(node, attributes->output_zero_point, attributes->activation_min,
                                   attributes->activation_max, attributes->rounding, &average->output,
                                   error));
    if (y->count == 0) {
        return SMR_OK;
    }
    if (x->count == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the windows see nothing: the input has no elements");
    }
    average->multiplier = attributes->multiplier;
    average->zero_point = attributes->input_zero_point;
    average->channels = (size_t)y->dims[3];
    average->count_border = attributes->count_include_pad != 0;
    node->work = y->count / average->channels;
    node->run = run_quantized_average;
    return SMR_OK;
}

/* The place in the input of an output element, its reduced axes at 0. */
static size_t quant_mean_place(const smr_value *x, uint32_t reduced, size_t output) {
    size_t place = 0, stride = 1;
    int32_t i;
    for (i = x->rank - 1; i >= 0; --i) {
        const size_t dim = (size_t)x->dims[i];
        if ((reduced >> i & 1u) == 0) {
            place += output % dim * stride;
            output /= dim;
        }
        stride *= dim;
    }
    return place;
}

/* Steps to the next element along the reduced axes; false after the last one. */
static bool quant_mean_next(const smr_value *x, uint32_t reduced, int32_t index[SMR_MAX_RANK],
                            size_t *place) {
    size_t stride = 1;
    int32_t i;
    for (i = x->rank - 1; i >= 0; --i) {
        const int32_t dim = x->dims[i];
        if ((reduced >> i & 1u) != 0) {
            if (index[i] + 1 < dim) {
                index[i] += 1;
                *place += stride;
                return true;
            }
            *place -= (size_t)index[i] * stride;
            index[i] = 0;
        }
        stride *= (size_t)dim;
    }
    return false;
}

/* Work items are output elements. */
static smr_status run_quantized_mean(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_mean *mean = SMR_CONST_PARAMETERS(node, quant_mean);
    const smr_value *input = node->inputs[0];
    const int8_t *x = input->data;
    int8_t *y = node->outputs[0]->data;
    (void)error;
    while (begin < end) {
        const size_t side = mean->inner - begin % mean->inner;
        size_t count = side < end - begin ? side : end - begin;
        int32_t index[SMR_MAX_RANK] = {0};
        int32_t acc[QUANT_LANES] = {0};
        size_t n;
        count = count < QUANT_LANES ? count : QUANT_LANES;
        if (input->count != 0) {
            size_t place = quant_mean_place(input, mean->reduced, begin);
            do {
                for (n = 0; n < count; ++n) {
                    acc[n] += x[place + n] - mean->zero_point;
                }
            } while (quant_mean_next(input, mean->reduced, index, &place));
        }
        for (n = 0; n < count; ++n) {
            y[begin + n] = (int8_t)quant_requantize(acc[n], mean->multiplier, &mean->output);
        }
        begin += count;
    }
    return SMR_OK;
}

/* Which axes are reduced, and the output's dimensions. */
static smr_status prepare_mean_axes(const smr_node *node, uint32_t *reduced, smr_error *error) {
    const smr_quantized_mean_attributes *attributes = &node->attributes.quantized_mean;
    const smr_value *x = node->inputs[0];
    int64_t dims[SMR_MAX_RANK];
    int32_t rank = 0, i;
    *reduced = attributes->axes.count == 0 ? (1u << x->rank) - 1u : 0;
    for (i = 0; i < attributes->axes.count; ++i) {
        const int32_t given = attributes->axes.values[i];
        const int32_t axis = given < 0 ? given + x->rank : given;
        if (axis < 0 || axis >= x->rank || (*reduced >> axis & 1u) != 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d of rank %d, or twice", (int)given, (int)x->rank);
        }
        *reduced |= 1u << axis;
    }
    for (i = 0; i < x->rank; ++i) {
        if ((*reduced >> i & 1u) == 0) {
            dims[rank++] = x->dims[i];
        } else if (attributes->keepdims != 0) {
            dims[rank++] = 1;
        }
    }
    return smr_quant_check_dims(node->outputs[0], dims, rank, error);
}

smr_status smr_prepare_quantized_mean(smr_node *node, smr_error *error) {
    const smr_quantized_mean_attributes *attributes = &node->attributes.quantized_mean;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    quant_mean *mean = SMR_PARAMETERS(node, quant_mean);
    size_t count = 1;
    SMR_TRY(prepare_mean_axes(node, &mean->reduced, error));
    SMR_TRY(smr_quant_check_zero_point(x, attributes->input_zero_point, error));
    SMR_TRY(smr_quant_check_multiplier(attributes->multiplier, error));
    SMR_TRY(smr_quant_check_output(node, attributes->output_zero_point, attributes->activation_min,
                                   attributes->activation_max, attributes->rounding, &mean->output, error));
    if (y->count == 0) {
        return SMR_OK;
    }
    if (x->count > 0) {
        count = x->count / y->count;
    }
    if (count > INT32_MAX / 255) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the sum of %zu elements can leave 32 bits", count);
    }
    mean->multiplier = attributes->multiplier / (float)count;
    mean->zero_point = attributes->input_zero_point;
    mean->inner = 1;
    if (x->rank > 0 && (mean->reduced >> (x->rank - 1) & 1u) == 0) {
        mean->inner = (size_t)x->dims[x->rank - 1];
    }
    node->work = y->count;
    node->run = run_quantized_mean;
    return SMR_OK;
}

/* Work items are rows along the axis. */
static smr_status run_quantized_softmax(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_softmax *softmax = SMR_CONST_PARAMETERS(node, quant_softmax);
    const int32_t *table = node->inputs[1]->data;
    const size_t step = softmax->inner;
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        const size_t place = row / step * step * softmax->size + row % step;
        const int8_t *x = (const int8_t *)node->inputs[0]->data + place;
        int8_t *y = (int8_t *)node->outputs[0]->data + place;
        int32_t largest = INT8_MIN, total = 0;
        float multiplier;
        for (i = 0; i < softmax->size; ++i) {
            largest = x[i * step] > largest ? x[i * step] : largest;
        }
        for (i = 0; i < softmax->size; ++i) {
            total += table[largest - x[i * step]];
        }
        multiplier = softmax->multiplier / (float)total;
        for (i = 0; i < softmax->size; ++i) {
            y[i * step] =
                (int8_t)quant_requantize(table[largest - x[i * step]], multiplier, &softmax->output);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_softmax(smr_node *node, smr_error *error) {
    const smr_quantized_softmax_attributes *attributes = &node->attributes.quantized_softmax;
    const smr_value *x = node->inputs[0], *table = node->inputs[1];
    quant_softmax *softmax = SMR_PARAMETERS(node, quant_softmax);
    const int32_t axis = attributes->axis < 0 ? attributes->axis + x->rank : attributes->axis;
    const int32_t *exponentials = table->data;
    int32_t i;
    if (axis < 0 || axis >= x->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d of rank %d", (int)attributes->axis, (int)x->rank);
    }
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_quant_check_constant(node, 1, error));
    SMR_TRY(smr_quant_check_multiplier(attributes->multiplier, error));
    SMR_TRY(smr_quant_check_output(node, attributes->output_zero_point, attributes->activation_min,
                                   attributes->activation_max, attributes->rounding, &softmax->output,
                                   error));
    if (table->rank != 1 || table->count != 256) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the table has %zu elements in rank %d instead of 256", table->count,
                 (int)table->rank);
    }
    softmax->size = (size_t)x->dims[axis];
    /* The largest element of a row adds table[0], so no total is 0, and none leaves int32. */
    for (i = 0; i < 256; ++i) {
        if (exponentials[i] < (i == 0 ? 1 : 0) || exponentials[i] > 1 << 24 ||
            (softmax->size > 0 && (size_t)exponentials[i] > INT32_MAX / softmax->size)) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "table element %d is %d, for rows of %zu", (int)i,
                     (int)exponentials[i], softmax->size);
        }
    }
    if (x->count == 0) {
        return SMR_OK;
    }
    softmax->multiplier = attributes->multiplier;
    softmax->inner = 1;
    for (i = axis + 1; i < x->rank; ++i) {
        softmax->inner *= (size_t)x->dims[i];
    }
    node->work = x->count / softmax->size;
    node->run = run_quantized_softmax;
    return SMR_OK;
}
