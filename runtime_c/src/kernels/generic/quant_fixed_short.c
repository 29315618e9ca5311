/* Fixed-point arithmetic on int16: convolution with int8 filters, and functions by tables. */
#include "fixed.h"
#include "fixed_short.h"

#define SHORT_LANES    16 /* outputs that are summed side by side */
#define SHORT_KNOTS    513
#define SHORT_SIGMOIDS 256

typedef struct short_conv {
    smr_window window;
    size_t channels;
    size_t outputs;
    size_t depth;     /* channels that an output sees */
    size_t per_group; /* outputs of a group */
    size_t blocks;    /* of up to 16 outputs, in a group */
} short_conv;
_Static_assert(sizeof(short_conv) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* Adds one pixel under one tap to `count` sums. */
static void short_conv_tap(const short_conv *conv, const int16_t *x, const int8_t *weights, size_t count,
                           int64_t acc[SHORT_LANES]) {
    size_t k, n;
    for (k = 0; k < conv->depth; ++k) {
        for (n = 0; n < count; ++n) {
            acc[n] += x[k] * weights[k * conv->outputs + n];
        }
    }
}

static void short_conv_write(const smr_node *node, size_t first, size_t count, const int64_t *acc,
                             int16_t *y) {
    const smr_quantized_conv2d_int16_attributes *a = &node->attributes.quantized_conv2d_int16;
    const smr_value *value = node->inputs[3];
    size_t n;
    for (n = 0; n < count; ++n) {
        const int32_t scaled =
            fixed_rescale(acc[n], value->data, (size_t)value->dims[1], first + n, a->rounding);
        y[n] = (int16_t)fixed_clamp(scaled, a->activation_min, a->activation_max);
    }
}

/* Work items are blocks of up to 16 outputs of a pixel. */
static smr_status run_quantized_conv2d_int16(const smr_node *node, size_t begin, size_t end,
                                             smr_error *error) {
    const short_conv *conv = SMR_CONST_PARAMETERS(node, short_conv);
    const smr_window *window = &conv->window;
    const size_t groups = conv->channels / conv->depth, blocks = conv->blocks * groups;
    const int64_t *bias = node->inputs[2]->data;
    size_t item, n;
    (void)error;
    for (item = begin; item < end; ++item) {
        const size_t pixel = item / blocks, group = item % blocks / conv->blocks;
        const size_t start = item % conv->blocks * SHORT_LANES, first = group * conv->per_group + start;
        const size_t rest = conv->per_group - start, count = rest < SHORT_LANES ? rest : SHORT_LANES;
        const size_t line = pixel / (size_t)window->positions[1];
        const size_t image = line / (size_t)window->positions[0];
        const int8_t *weights = (const int8_t *)node->inputs[1]->data + first;
        int64_t acc[SHORT_LANES];
        int32_t ky, kx;
        for (n = 0; n < count; ++n) {
            acc[n] = bias[first + n];
        }
        for (ky = 0; ky < window->taps[0]; ++ky) {
            const int64_t row = smr_window_at(window, 0, (int64_t)(line % (size_t)window->positions[0]), ky);
            for (kx = 0; kx < window->taps[1]; ++kx) {
                const int64_t column =
                    smr_window_at(window, 1, (int64_t)(pixel % (size_t)window->positions[1]), kx);
                if (row >= 0 && row < window->size[0] && column >= 0 && column < window->size[1]) {
                    const size_t place =
                        (image * (size_t)window->size[0] + (size_t)row) * (size_t)window->size[1] +
                        (size_t)column;
                    short_conv_tap(
                        conv,
                        (const int16_t *)node->inputs[0]->data + place * conv->channels + group * conv->depth,
                        weights +
                            ((size_t)ky * (size_t)window->taps[1] + (size_t)kx) * conv->depth * conv->outputs,
                        count, acc);
                }
            }
        }
        short_conv_write(node, first, count, acc,
                         (int16_t *)node->outputs[0]->data + pixel * conv->outputs + first);
    }
    return SMR_OK;
}

/* So that a sum and its product with 16 bits fit 64. */
static smr_status short_check_bias(const smr_node *node, size_t outputs, smr_error *error) {
    const int64_t *bias = node->inputs[2]->data;
    size_t i;
    for (i = 0; i < outputs; ++i) {
        if (node->inputs[1]->count / outputs > 1u << 24 || bias[i] > (int64_t)1 << 46 ||
            bias[i] < -((int64_t)1 << 46)) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "the sum for output %zu, with %zu weights, can leave 47 bits", i,
                     node->inputs[1]->count / outputs);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_quantized_conv2d_int16(smr_node *node, smr_error *error) {
    const smr_quantized_conv2d_int16_attributes *a = &node->attributes.quantized_conv2d_int16;
    const smr_value *x = node->inputs[0], *filter = node->inputs[1], *y = node->outputs[0];
    short_conv *conv = SMR_PARAMETERS(node, short_conv);
    int32_t k;
    if (x->rank != 4 || filter->rank != 4 || y->rank != 4) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x, filter and y have ranks %d, %d and %d instead of 4",
                 (int)x->rank, (int)filter->rank, (int)y->rank);
    }
    if (a->groups < 1 || (int64_t)filter->dims[2] * a->groups != x->dims[3] ||
        filter->dims[3] % a->groups != 0 || y->dims[3] != filter->dims[3] || y->dims[0] != x->dims[0]) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x [%d ... %d], filter [... %d, %d] in %d groups and y [%d ... %d] do not fit",
                 (int)x->dims[0], (int)x->dims[3], (int)filter->dims[2], (int)filter->dims[3], (int)a->groups,
                 (int)y->dims[0], (int)y->dims[3]);
    }
    for (k = 1; k < 4; ++k) {
        SMR_TRY(smr_quant_check_constant(node, k, error));
    }
    smr_quant_window(node, filter->dims[0], filter->dims[1], &conv->window);
    SMR_TRY(smr_window_prepare(&conv->window, &a->strides, &a->dilations, a->padding, &a->paddings, error));
    SMR_TRY(smr_fixed_check_range(y, 0, a->activation_min, a->activation_max, error));
    conv->outputs = (size_t)filter->dims[3];
    SMR_TRY(smr_quant_check_vector(node, 2, conv->outputs, "bias", error));
    SMR_TRY(short_check_bias(node, conv->outputs, error));
    SMR_TRY(smr_fixed_check_multipliers(node->inputs[3], conv->outputs, a->rounding, error));
    if (filter->layout != SMR_LAYOUT_DENSE) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter of layout %u", (unsigned)filter->layout);
    }
    if (y->count == 0) {
        return SMR_OK;
    }
    conv->channels = (size_t)x->dims[3];
    conv->depth = (size_t)filter->dims[2];
    if (conv->depth == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter without channels");
    }
    conv->per_group = conv->outputs / (size_t)a->groups;
    conv->blocks = (conv->per_group + SHORT_LANES - 1) / SHORT_LANES;
    node->work = y->count / conv->outputs * conv->blocks * (size_t)a->groups;
    node->run = run_quantized_conv2d_int16;
    node->whole = true;
    return SMR_OK;
}

/* A table of 513 knots, 128 apart, between which it is a line. */
static int32_t short_interpolate(int32_t x, const int16_t *table) {
    const int32_t place = x + 32768, low = table[place / 128], high = table[place / 128 + 1];
    return low + (int32_t)fixed_floor_shift((int64_t)(high - low) * (place % 128) + 64, 7);
}

static smr_status run_interpolated_lookup_table(const smr_node *node, size_t begin, size_t end,
                                                smr_error *error) {
    const int16_t *x = node->inputs[0]->data, *table = node->inputs[1]->data;
    int16_t *y = node->outputs[0]->data;
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        y[i] = fixed_saturate16(short_interpolate(x[i], table));
    }
    return SMR_OK;
}

smr_status smr_prepare_interpolated_lookup_table(smr_node *node, smr_error *error) {
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_quant_check_vector(node, 1, SHORT_KNOTS, "table", error));
    node->work = node->outputs[0]->count;
    node->run = run_interpolated_lookup_table;
    return SMR_OK;
}

static int32_t short_sigmoid(int32_t x, const int32_t *table, const smr_fixed_point_sigmoid_attributes *a) {
    const int32_t bits = a->tanh != 0 ? 8 : 9; /* of a place between two entries */
    const int64_t scaled =
        fixed_floor_shift(fixed_wrap((int64_t)x * a->multiplier + ((int64_t)1 << a->shift) / 2), a->shift);
    const int64_t magnitude = scaled < 0 ? -scaled : scaled, place = magnitude >> bits;
    int64_t line = a->tanh != 0 ? 0xFFFF << 8 : 0x7FFF << 10;
    if (place < SHORT_SIGMOIDS - 1) {
        const int64_t low = table[place], high = table[place + 1];
        line = low * (1 << bits) + (magnitude & ((1 << bits) - 1)) * (high - low);
    }
    if (a->tanh != 0) {
        line = scaled >= 0 ? line - (1 << 23) + (1 << 7) : (1 << 23) - line + (1 << 7) - 1;
        return fixed_saturate16(fixed_floor_shift(line, 8));
    }
    line = scaled >= 0 ? line + (1 << 9) : (1 << 25) - line + (1 << 9) - 1;
    return fixed_saturate16(fixed_floor_shift(line, 10));
}

static smr_status run_fixed_point_sigmoid(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const int16_t *x = node->inputs[0]->data;
    int16_t *y = node->outputs[0]->data;
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        y[i] = (int16_t)short_sigmoid(x[i], node->inputs[1]->data, &node->attributes.fixed_point_sigmoid);
    }
    return SMR_OK;
}

smr_status smr_prepare_fixed_point_sigmoid(smr_node *node, smr_error *error) {
    const smr_fixed_point_sigmoid_attributes *a = &node->attributes.fixed_point_sigmoid;
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_quant_check_vector(node, 1, SHORT_SIGMOIDS, "table", error));
    SMR_TRY(smr_fixed_check(a->multiplier, a->shift, error));
    if (a->shift < 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a shift of %d", (int)a->shift);
    }
    node->work = node->outputs[0]->count;
    node->run = run_fixed_point_sigmoid;
    node->whole = true;
    return SMR_OK;
}

static int32_t short_exponential(const smr_node *node, int32_t difference) {
    const smr_fixed_point_softmax_int16_attributes *a = &node->attributes.fixed_point_softmax_int16;
    const int64_t scaled = fixed_multiply(difference, a->multiplier, a->shift);
    return short_interpolate(fixed_saturate16(scaled + INT16_MAX), node->inputs[1]->data);
}

/* Work items are rows along the last axis. */
static smr_status run_fixed_point_softmax_int16(const smr_node *node, size_t begin, size_t end,
                                                smr_error *error) {
    const smr_value *value = node->inputs[0];
    const size_t size = (size_t)value->dims[value->rank - 1];
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        const int16_t *x = (const int16_t *)value->data + row * size;
        int16_t *y = (int16_t *)node->outputs[0]->data + row * size;
        int32_t largest = INT16_MIN, bits = 0, scale;
        int64_t total = 0, place;
        for (i = 0; i < size; ++i) {
            largest = x[i] > largest ? x[i] : largest;
        }
        for (i = 0; i < size; ++i) {
            total += short_exponential(node, x[i] - largest);
        }
        total = fixed_clamp(total, 1, INT32_MAX);
        while (total >> bits > 1) {
            ++bits;
        }
        /* The leading one at bit 30, then the 17 highest bits: 1 to 2 with 16 fraction bits. */
        place =
            fixed_floor_shift(total * ((int64_t)1 << (30 - bits)) + (1 << 13), 14) - (1 << 15) - (1 << 16);
        scale = short_interpolate(fixed_saturate16(place), node->inputs[2]->data);
        for (i = 0; i < size; ++i) {
            const int64_t product = (int64_t)short_exponential(node, x[i] - largest) * scale;
            y[i] = (int16_t)fixed_clamp(fixed_floor_shift(product + ((int64_t)1 << bits) / 2, bits), 0,
                                        INT16_MAX);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_fixed_point_softmax_int16(smr_node *node, smr_error *error) {
    const smr_fixed_point_softmax_int16_attributes *a = &node->attributes.fixed_point_softmax_int16;
    const smr_value *x = node->inputs[0];
    if (x->rank < 1) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x has rank 0");
    }
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_quant_check_vector(node, 1, SHORT_KNOTS, "exponentials", error));
    SMR_TRY(smr_quant_check_vector(node, 2, SHORT_KNOTS, "reciprocals", error));
    SMR_TRY(smr_fixed_check(a->multiplier, a->shift, error));
    node->work = x->count == 0 ? 0 : x->count / (size_t)x->dims[x->rank - 1];
    node->run = run_fixed_point_softmax_int16;
    node->whole = true;
    return SMR_OK;
}
