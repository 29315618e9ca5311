/* Convolution, depthwise convolution and matrix multiplication of integers: exact int32 sums, then
 * requantization. */
#include "quant_conv.h"

#define QUANT_CHUNK 64 /* channels of a depthwise convolution that are summed side by side */

static int64_t quant_magnitude(int32_t value) {
    return value < 0 ? -(int64_t)value : value;
}

/* So many numbers go through a loop that compilers turn into vectors. */
#define QUANT_BLOCK 32

static uint32_t quant_magnitude_bits(int32_t value) {
    return (uint32_t)(value < 0 ? ~value : value);
}

/* A magnitude that is not exceeded, and less than twice the largest one unless that is 0. */
static int64_t quant_most_magnitude(const int32_t *values, size_t count) {
    uint32_t bits = 0;
    size_t i, k;
    for (i = 0; i + QUANT_BLOCK <= count; i += QUANT_BLOCK) {
        for (k = 0; k < QUANT_BLOCK; ++k) {
            bits |= quant_magnitude_bits(values[i + k]);
        }
    }
    for (; i < count; ++i) {
        bits |= quant_magnitude_bits(values[i]);
    }
    return (int64_t)bits + 1;
}

/* The sum of the magnitudes of the weights of one output. */
static int64_t quant_weight_sum(const quant_filter *filter, size_t output, size_t rows) {
    int64_t sum = 0;
    size_t i;
    if (filter->panel_bytes == 0) {
        for (i = 0; i < rows; ++i) {
            sum += quant_magnitude(filter->data[i * filter->outputs + output]);
        }
        return sum;
    }
    {
        const int8_t *weights =
            filter->data + output / QUANT_PANEL * filter->panel_bytes + output % QUANT_PANEL * 4;
        for (i = 0; i < filter->panel_bytes; i += QUANT_PANEL * 4) {
            sum += quant_magnitude(weights[i]) + quant_magnitude(weights[i + 1]) +
                   quant_magnitude(weights[i + 2]) + quant_magnitude(weights[i + 3]);
        }
    }
    return sum;
}

/* How large the sum of the magnitudes of the weights of an output may be, whose bias has this magnitude. */
static int64_t quant_room(int64_t bias) {
    return (INT32_MAX - (bias < INT32_MAX ? bias : INT32_MAX)) / 128;
}

smr_status smr_quant_check_sums(const quant_filter *filter, size_t rows, smr_error *error) {
    const size_t enough = (size_t)(quant_room(quant_most_magnitude(filter->bias, filter->outputs)) / 256);
    size_t i;
    for (i = 0; i < filter->outputs && rows > enough; ++i) {
        const int64_t room = quant_room(quant_magnitude(filter->bias[i]));
        if (rows <= (size_t)(room / 256)) {
            continue;
        }
        if (rows > INT32_MAX ||
            quant_weight_sum(filter, i, rows) + (int64_t)rows * quant_magnitude(filter->zero_point) > room) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "the sum for output %zu can leave 32 bits", i);
        }
    }
    return SMR_OK;
}

/* Finds the multipliers: float32 [O], or int32 for a rounding of TensorFlow Lite. */
static smr_status prepare_multipliers(const smr_node *node, size_t outputs, uint8_t rounding,
                                      quant_filter *filter, smr_error *error) {
    const smr_value *value = node->inputs[3];
    const bool fixed = value->dtype == SMR_DTYPE_INT32;
    filter->multiplier = fixed ? NULL : value->data;
    filter->fixed = fixed ? value->data : NULL;
    filter->rounding = rounding;
    if (fixed == (rounding == SMR_ROUNDING_NATIVE) || rounding == SMR_ROUNDING_TFLITE_WIDE) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "multipliers of type %s do not fit rounding %u",
                 smr_dtype_name((smr_dtype)value->dtype), (unsigned)rounding);
    }
    if (!fixed) {
        SMR_TRY(smr_quant_check_vector(node, 3, outputs, "multiplier", error));
        return smr_quant_check_multipliers(filter->multiplier, outputs, error);
    }
    return smr_fixed_check_multipliers(value, outputs, rounding, error);
}

/* Checks bias, multipliers and sums. `rows` is the number of weights of one output. */
static smr_status prepare_filter(const smr_node *node, size_t outputs, size_t rows, int32_t zero_point,
                                 uint8_t rounding, quant_filter *filter, smr_error *error) {
    int32_t k;
    for (k = 1; k < 4; ++k) {
        SMR_TRY(smr_quant_check_constant(node, k, error));
    }
    SMR_TRY(smr_quant_check_vector(node, 2, outputs, "bias", error));
    SMR_TRY(smr_quant_check_zero_point(node->inputs[1], zero_point, error));
    filter->data = node->inputs[1]->data;
    filter->bias = node->inputs[2]->data;
    filter->outputs = outputs;
    filter->zero_point = zero_point;
    SMR_TRY(prepare_multipliers(node, outputs, rounding, filter, error));
    return smr_quant_check_sums(filter, rows, error);
}

/* Adds to each of `count` accumulators the products of `depth` inputs, `step` (1, or 0 for a border) bytes
 * apart, with the weights from row `position` on. */
static void quant_dot_dense(int32_t *acc, int32_t count, const int8_t *x, size_t step, const int8_t *weights,
                            size_t outputs, size_t depth) {
    size_t k;
    for (k = 0; k < depth; ++k) {
        const int32_t value = x[k * step];
        int32_t n;
        for (n = 0; n < count; ++n) {
            acc[n] += value * weights[n];
        }
        weights += outputs;
    }
}

/* What a zero point of the filter takes away from each of the sums. */
static void quant_dot_zero_point(int32_t acc[QUANT_PANEL], const int8_t *x, size_t step, size_t depth,
                                 int32_t zero_point) {
    int32_t sum = 0, n;
    size_t k;
    for (k = 0; k < depth; ++k) {
        sum += x[k * step];
    }
    for (n = 0; n < QUANT_PANEL; ++n) {
        acc[n] -= sum * zero_point;
    }
}

static void quant_dot_panel(int32_t acc[QUANT_PANEL], const int8_t *x, size_t step, const int8_t *panel,
                            size_t position, size_t depth) {
    size_t k = 0;
    int32_t n;
    while (k < depth) {
        const int8_t *weights = panel + (position + k) / 4 * (QUANT_PANEL * 4);
        const size_t lane = (position + k) % 4;
        if (lane == 0 && depth - k >= 4) {
            const int32_t a = x[k * step], b = x[(k + 1) * step], c = x[(k + 2) * step],
                          d = x[(k + 3) * step];
            for (n = 0; n < QUANT_PANEL; ++n) {
                acc[n] += a * weights[4 * n] + b * weights[4 * n + 1] + c * weights[4 * n + 2] +
                          d * weights[4 * n + 3];
            }
            k += 4;
        } else {
            const int32_t value = x[k * step];
            for (n = 0; n < QUANT_PANEL; ++n) {
                acc[n] += value * weights[4 * (size_t)n + lane];
            }
            k += 1;
        }
    }
}

/* Up to 16 outputs from `first` on. */
static void quant_dot(const quant_filter *filter, size_t first, int32_t count, int32_t acc[QUANT_PANEL],
                      const int8_t *x, size_t step, size_t position, size_t depth) {
    if (filter->panel_bytes == 0) {
        quant_dot_dense(acc, count, x, step, filter->data + position * filter->outputs + first,
                        filter->outputs, depth);
    } else {
        quant_dot_panel(acc, x, step, filter->data + first / QUANT_PANEL * filter->panel_bytes, position,
                        depth);
    }
    if (filter->zero_point != 0) {
        quant_dot_zero_point(acc, x, step, depth, filter->zero_point);
    }
}

static void quant_begin(const quant_filter *filter, size_t first, int32_t count, int32_t acc[QUANT_PANEL]) {
    int32_t n;
    for (n = 0; n < QUANT_PANEL; ++n) {
        acc[n] = n < count ? filter->bias[first + (size_t)n] : 0;
    }
}

/* How a filter of `rows` rows in runs of `run` is stored in panels. */
static smr_status prepare_panels(const smr_value *value, size_t rows, quant_filter *filter,
                                 smr_error *error) {
    filter->panel_bytes = 0;
    if (value->layout == SMR_LAYOUT_PANEL16X4) {
        const size_t run = value->run;
        filter->panel_bytes = rows / run * ((run + 3) / 4 * 4) * QUANT_PANEL;
    } else if (value->layout != SMR_LAYOUT_DENSE) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter of layout %u", (unsigned)value->layout);
    }
    return SMR_OK;
}

/* Adds the taps that meet row `y` of the image; null for a row of the border. */
static void quant_conv_row(const quant_conv *conv, const int8_t *row, int64_t left, size_t channel,
                           size_t position, size_t first, int32_t count, int32_t acc[QUANT_PANEL]) {
    const smr_window *window = &conv->window;
    const int64_t last = left + (int64_t)(window->taps[1] - 1) * window->dilations[1];
    int32_t tap;
    if (row != NULL && conv->runs && left >= 0 && last < window->size[1]) {
        quant_dot(&conv->filter, first, count, acc, row + (size_t)left * conv->pixel, 1, position,
                  (size_t)window->taps[1] * conv->depth);
        return;
    }
    for (tap = 0; tap < window->taps[1]; ++tap) {
        const int64_t column = left + (int64_t)tap * window->dilations[1];
        const bool inside = row != NULL && column >= 0 && column < window->size[1];
        const int8_t *x = inside ? row + (size_t)column * conv->pixel + channel : &conv->border;
        quant_dot(&conv->filter, first, count, acc, x, inside, position + (size_t)tap * conv->column_step,
                  conv->depth);
    }
}

/* Work items are blocks of up to 16 outputs of a pixel, all pixels for one block after the other, so that the
 * weights of a block stay in cache. */
static smr_status run_quantized_conv2d(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_conv *conv = SMR_CONST_PARAMETERS(node, quant_conv);
    const smr_window *window = &conv->window;
    const size_t row_bytes = (size_t)window->size[1] * conv->pixel;
    const int8_t *x = node->inputs[0]->data;
    int8_t *y = node->outputs[0]->data;
    const size_t y_row = smr_value_row(node->outputs[0]);
    size_t item;
    (void)error;
    for (item = begin; item < end; ++item) {
        const size_t block = item / conv->pixels, pixel = item % conv->pixels;
        const size_t group = block / conv->blocks, start = block % conv->blocks * QUANT_PANEL;
        const size_t first = group * conv->per_group + start;
        const size_t rest = conv->per_group - start;
        const int32_t count = rest < QUANT_PANEL ? (int32_t)rest : QUANT_PANEL;
        const size_t line = pixel / (size_t)window->positions[1];
        const size_t image = line / (size_t)window->positions[0];
        const int64_t top =
            (int64_t)(line % (size_t)window->positions[0]) * window->strides[0] - window->before[0];
        const int64_t left =
            (int64_t)(pixel % (size_t)window->positions[1]) * window->strides[1] - window->before[1];
        int32_t acc[QUANT_PANEL];
        int32_t tap;
        quant_begin(&conv->filter, first, count, acc);
        for (tap = 0; tap < window->taps[0]; ++tap) {
            const int64_t at = top + (int64_t)tap * window->dilations[0];
            const bool inside = at >= 0 && at < window->size[0];
            const int8_t *row =
                inside ? x + (image * (size_t)window->size[0] + (size_t)at) * row_bytes : NULL;
            quant_conv_row(conv, row, left, group * conv->depth, (size_t)tap * conv->row_step, first, count,
                           acc);
        }
        quant_write(&conv->filter, first, (size_t)count, acc, &conv->output, y + pixel * y_row + first);
    }
    return SMR_OK;
}

/* Where the rows of taps of a filter [KH, KW, C, O] begin. */
static smr_status prepare_conv_layout(const smr_value *filter, int32_t groups, quant_conv *conv,
                                      smr_error *error) {
    const size_t columns = (size_t)filter->dims[1], depth = (size_t)filter->dims[2];
    conv->column_step = depth;
    conv->row_step = columns * depth;
    if (filter->layout == SMR_LAYOUT_PANEL16X4) {
        if ((groups != 1 && filter->dims[3] / groups % QUANT_PANEL != 0) ||
            (filter->run != columns * depth && filter->run != depth)) {
            SMR_FAIL(error, SMR_ERROR_MODEL,
                     "a filter in panels of 16 for %d outputs in %d groups with runs of %u",
                     (int)filter->dims[3], (int)groups, (unsigned)filter->run);
        }
        if (filter->run == columns * depth) {
            conv->row_step = (columns * depth + 3) / 4 * 4;
        } else {
            conv->column_step = (depth + 3) / 4 * 4;
            conv->row_step = columns * conv->column_step;
        }
    }
    conv->runs =
        groups == 1 && conv->window.dilations[1] == 1 && conv->column_step == depth && conv->pixel == depth;
    return SMR_OK;
}

smr_status smr_prepare_quantized_conv2d(smr_node *node, smr_error *error) {
    const smr_quantized_conv2d_attributes *attributes = &node->attributes.quantized_conv2d;
    const smr_value *x = node->inputs[0], *filter = node->inputs[1], *y = node->outputs[0];
    quant_conv *conv = SMR_PARAMETERS(node, quant_conv);
    const int32_t groups = attributes->groups;
    size_t outputs, rows;
    if (x->rank != 4 || filter->rank != 4 || y->rank != 4) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x, filter and y have ranks %d, %d and %d instead of 4",
                 (int)x->rank, (int)filter->rank, (int)y->rank);
    }
    SMR_TRY(smr_quant_check_constant(node, 1, error));
    if (groups < 1 || (int64_t)filter->dims[2] * groups != x->dims[3] || filter->dims[3] % groups != 0 ||
        y->dims[3] != filter->dims[3] || y->dims[0] != x->dims[0]) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x [%d ... %d], filter [... %d, %d] in %d groups and y [%d ... %d] do not fit",
                 (int)x->dims[0], (int)x->dims[3], (int)filter->dims[2], (int)filter->dims[3], (int)groups,
                 (int)y->dims[0], (int)y->dims[3]);
    }
    smr_quant_window(node, filter->dims[0], filter->dims[1], &conv->window);
    SMR_TRY(smr_window_prepare(&conv->window, &attributes->strides, &attributes->dilations,
                               attributes->padding, &attributes->paddings, error));
    SMR_TRY(smr_quant_check_zero_point(x, attributes->input_zero_point, error));
    SMR_TRY(smr_quant_check_range(node, attributes->output_zero_point, attributes->activation_min,
                                  attributes->activation_max, &conv->output, error));
    outputs = (size_t)filter->dims[3];
    rows = outputs > 0 ? filter->count / outputs : 0;
    conv->pixel = smr_value_row(x);
    SMR_TRY(prepare_conv_layout(filter, groups, conv, error));
    SMR_TRY(prepare_panels(filter, rows, &conv->filter, error));
    SMR_TRY(prepare_filter(node, outputs, rows, attributes->filter_zero_point, attributes->rounding,
                           &conv->filter, error));
    if (y->count == 0) {
        return SMR_OK;
    }
    conv->pixels = y->count / outputs;
    conv->channels = (size_t)x->dims[3];
    conv->depth = (size_t)filter->dims[2];
    conv->per_group = outputs / (size_t)groups;
    conv->blocks = (conv->per_group + QUANT_PANEL - 1) / QUANT_PANEL;
    conv->border = (int8_t)attributes->input_zero_point;
    if (filter->count == 0) { /* its sizes may be large nevertheless */
        conv->window.taps[0] = 0;
    }
    node->work = conv->pixels * conv->blocks * (size_t)groups;
    node->run = run_quantized_conv2d;
    return SMR_OK;
}

static smr_status run_quantized_matmul(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_matmul *matmul = SMR_CONST_PARAMETERS(node, quant_matmul);
    const int8_t *x = node->inputs[0]->data;
    int8_t *y = node->outputs[0]->data;
    size_t item;
    (void)error;
    for (item = begin; item < end; ++item) {
        const size_t first = item / matmul->rows * QUANT_PANEL, row = item % matmul->rows;
        const size_t rest = matmul->filter.outputs - first;
        const int32_t count = rest < QUANT_PANEL ? (int32_t)rest : QUANT_PANEL;
        int32_t acc[QUANT_PANEL];
        quant_begin(&matmul->filter, first, count, acc);
        quant_dot(&matmul->filter, first, count, acc, x + row * matmul->depth, 1, 0, matmul->depth);
        quant_write(&matmul->filter, first, (size_t)count, acc, &matmul->output,
                    y + row * matmul->filter.outputs + first);
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_matmul(smr_node *node, smr_error *error) {
    const smr_quantized_matmul_attributes *attributes = &node->attributes.quantized_matmul;
    const smr_value *x = node->inputs[0], *filter = node->inputs[1], *y = node->outputs[0];
    quant_matmul *matmul = SMR_PARAMETERS(node, quant_matmul);
    int64_t dims[SMR_MAX_RANK];
    size_t outputs;
    int32_t i;
    if (x->rank < 1 || filter->rank != 2 || x->dims[x->rank - 1] != filter->dims[0]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x of rank %d and filter of rank %d do not fit, or their dimensions",
                 (int)x->rank, (int)filter->rank);
    }
    for (i = 0; i < x->rank; ++i) {
        dims[i] = i + 1 < x->rank ? x->dims[i] : filter->dims[1];
    }
    SMR_TRY(smr_quant_check_dims(y, dims, x->rank, error));
    SMR_TRY(smr_quant_check_constant(node, 1, error));
    SMR_TRY(smr_quant_check_range(node, attributes->output_zero_point, attributes->activation_min,
                                  attributes->activation_max, &matmul->output, error));
    outputs = (size_t)filter->dims[1];
    matmul->depth = (size_t)filter->dims[0];
    if (filter->layout == SMR_LAYOUT_PANEL16X4 && filter->run != matmul->depth) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter of %zu rows with runs of %u", matmul->depth,
                 (unsigned)filter->run);
    }
    SMR_TRY(prepare_panels(filter, matmul->depth, &matmul->filter, error));
    SMR_TRY(prepare_filter(node, outputs, matmul->depth, attributes->filter_zero_point, attributes->rounding,
                           &matmul->filter, error));
    if (y->count == 0) {
        return SMR_OK;
    }
    matmul->rows = y->count / outputs;
    node->work = matmul->rows * ((outputs + QUANT_PANEL - 1) / QUANT_PANEL);
    node->run = run_quantized_matmul;
    return SMR_OK;
}

/* Adds one tap for `count` outputs from `first` on; `x` is null in the border. */
static void quant_depthwise_tap(const quant_depthwise *depthwise, const int8_t *x, size_t tap, size_t first,
                                size_t count, int32_t acc[QUANT_CHUNK]) {
    const int8_t *weights = depthwise->filter.data + tap * depthwise->filter.outputs + first;
    const size_t per_channel = depthwise->per_channel;
    const int32_t zero_point = depthwise->filter.zero_point;
    size_t n;
    if (x == NULL) {
        for (n = 0; n < count; ++n) {
            acc[n] += depthwise->border * (weights[n] - zero_point);
        }
    } else if (per_channel == 1) {
        for (n = 0; n < count; ++n) {
            acc[n] += x[first + n] * (weights[n] - zero_point);
        }
    } else {
        for (n = 0; n < count; ++n) {
            acc[n] += x[(first + n) / per_channel] * (weights[n] - zero_point);
        }
    }
}

/* Work items are output pixels. */
static smr_status run_quantized_depthwise(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_depthwise *depthwise = SMR_CONST_PARAMETERS(node, quant_depthwise);
    const smr_window *window = &depthwise->window;
    const size_t outputs = depthwise->filter.outputs;
    const size_t x_row = smr_value_row(node->inputs[0]), y_row = smr_value_row(node->outputs[0]);
    const int8_t *x = node->inputs[0]->data;
    int8_t *y = node->outputs[0]->data;
    size_t pixel, first;
    (void)error;
    for (pixel = begin; pixel < end; ++pixel) {
        const size_t line = pixel / (size_t)window->positions[1];
        const size_t image = line / (size_t)window->positions[0];
        const int64_t top =
            (int64_t)(line % (size_t)window->positions[0]) * window->strides[0] - window->before[0];
        const int64_t left =
            (int64_t)(pixel % (size_t)window->positions[1]) * window->strides[1] - window->before[1];
        for (first = 0; first < outputs; first += QUANT_CHUNK) {
            const size_t count = outputs - first < QUANT_CHUNK ? outputs - first : QUANT_CHUNK;
            int32_t acc[QUANT_CHUNK];
            int32_t row, column;
            memcpy(acc, depthwise->filter.bias + first, count * sizeof *acc);
            for (row = 0; row < window->taps[0]; ++row) {
                const int64_t at = top + (int64_t)row * window->dilations[0];
                for (column = 0; column < window->taps[1]; ++column) {
                    const int64_t beside = left + (int64_t)column * window->dilations[1];
                    const bool inside =
                        at >= 0 && at < window->size[0] && beside >= 0 && beside < window->size[1];
                    const size_t place =
                        (image * (size_t)window->size[0] + (size_t)at) * (size_t)window->size[1];
                    quant_depthwise_tap(depthwise, inside ? x + (place + (size_t)beside) * x_row : NULL,
                                        (size_t)row * (size_t)window->taps[1] + (size_t)column, first, count,
                                        acc);
                }
            }
            quant_write(&depthwise->filter, first, count, acc, &depthwise->output, y + pixel * y_row + first);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_depthwise_conv2d(smr_node *node, smr_error *error) {
    const smr_quantized_depthwise_conv2d_attributes *attributes =
        &node->attributes.quantized_depthwise_conv2d;
    const smr_value *x = node->inputs[0], *filter = node->inputs[1], *y = node->outputs[0];
    quant_depthwise *depthwise = SMR_PARAMETERS(node, quant_depthwise);
    size_t outputs;
    if (x->rank != 4 || filter->rank != 4 || y->rank != 4) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x, filter and y have ranks %d, %d and %d instead of 4",
                 (int)x->rank, (int)filter->rank, (int)y->rank);
    }
    if (filter->dims[2] != x->dims[3] || (int64_t)filter->dims[2] * filter->dims[3] != y->dims[3] ||
        y->dims[0] != x->dims[0]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x [%d ... %d], filter [... %d, %d] and y [%d ... %d] do not fit",
                 (int)x->dims[0], (int)x->dims[3], (int)filter->dims[2], (int)filter->dims[3],
                 (int)y->dims[0], (int)y->dims[3]);
    }
    smr_quant_window(node, filter->dims[0], filter->dims[1], &depthwise->window);
    SMR_TRY(smr_window_prepare(&depthwise->window, &attributes->strides, &attributes->dilations,
                               attributes->padding, &attributes->paddings, error));
    SMR_TRY(smr_quant_check_zero_point(x, attributes->input_zero_point, error));
    SMR_TRY(smr_quant_check_range(node, attributes->output_zero_point, attributes->activation_min,
                                  attributes->activation_max, &depthwise->output, error));
    outputs = (size_t)y->dims[3];
    SMR_TRY(prepare_filter(node, outputs, outputs > 0 ? filter->count / outputs : 0,
                           attributes->filter_zero_point, attributes->rounding, &depthwise->filter, error));
    if (y->count == 0) {
        return SMR_OK;
    }
    depthwise->channels = (size_t)x->dims[3];
    depthwise->per_channel = (size_t)filter->dims[3];
    depthwise->border = (int8_t)attributes->input_zero_point;
    if (filter->count == 0) { /* its sizes may be large nevertheless */
        depthwise->window.taps[0] = 0;
    }
    node->work = y->count / outputs;
    node->run = run_quantized_depthwise;
    return SMR_OK;
}
