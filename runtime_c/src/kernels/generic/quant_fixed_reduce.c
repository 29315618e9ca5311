/* Means of stored integers over windows, softmax and L2 normalization in fixed point. */
#include "fixed.h"

typedef struct fixed_average {
    smr_window window;
    size_t channels;
} fixed_average;
_Static_assert(sizeof(fixed_average) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* The taps of a window along an axis that meet the input. */
typedef struct fixed_span {
    int64_t begin; /* in the input */
    int64_t end;
} fixed_span;

static fixed_span fixed_average_span(const smr_window *window, int32_t axis, size_t position) {
    const int64_t first = smr_window_at(window, axis, (int64_t)position, 0);
    const int64_t last = first + window->taps[axis];
    fixed_span span;
    span.begin = first > 0 ? first : 0;
    span.end = last < window->size[axis] ? last : window->size[axis];
    span.end = span.end > span.begin ? span.end : span.begin;
    return span;
}

/* The nearest integer to total / count, halves away from 0. */
static int32_t fixed_mean(int64_t total, int64_t count) {
    return (int32_t)((total < 0 ? total - count / 2 : total + count / 2) / count);
}

#define FIXED_AVERAGED 32    /* channels that are summed at once */
#define FIXED_PIXELS   65536 /* of at most 16 bits, whose sums fit int32 */

/* Adds `count` numbers of one type to their sums: a compiler makes vectors of the loop of fixed length. */
#define FIXED_ADD(type)                                \
    do {                                               \
        const type *from = (const type *)x->data + at; \
        size_t i;                                      \
        if (count == FIXED_AVERAGED) {                 \
            for (i = 0; i < FIXED_AVERAGED; ++i) {     \
                sums[i] += from[i];                    \
            }                                          \
        } else {                                       \
            for (i = 0; i < count; ++i) {              \
                sums[i] += from[i];                    \
            }                                          \
        }                                              \
    } while (0)

static inline void fixed_average_add(const smr_value *x, size_t at, size_t count, int32_t *restrict sums) {
    switch (x->dtype) {
        case SMR_DTYPE_INT8: FIXED_ADD(int8_t); break;
        case SMR_DTYPE_UINT8: FIXED_ADD(uint8_t); break;
        default: FIXED_ADD(int16_t); break;
    }
}

/* The sums of some channels over rows and columns of an image, whose first pixel is `at`. */
static void fixed_average_sum(const smr_node *node, const fixed_average *average, size_t at, size_t count,
                              const fixed_span *rows, const fixed_span *columns, int64_t *total) {
    int32_t sums[FIXED_AVERAGED] = {0};
    size_t pixels = 0, i;
    int64_t row, column;
    memset(total, 0, FIXED_AVERAGED * sizeof *total);
    for (row = rows->begin; row < rows->end; ++row) {
        for (column = columns->begin; column < columns->end; ++column) {
            const size_t pixel = (size_t)row * (size_t)average->window.size[1] + (size_t)column;
            fixed_average_add(node->inputs[0], at + pixel * average->channels, count, sums);
            if (++pixels % FIXED_PIXELS == 0) {
                for (i = 0; i < FIXED_AVERAGED; ++i) {
                    total[i] += sums[i];
                    sums[i] = 0;
                }
            }
        }
    }
    for (i = 0; i < FIXED_AVERAGED; ++i) {
        total[i] += sums[i];
    }
}

/* Work items are output pixels. */
static smr_status run_integer_average_pool2d(const smr_node *node, size_t begin, size_t end,
                                             smr_error *error) {
    const smr_integer_average_pool2d_attributes *a = &node->attributes.integer_average_pool2d;
    const fixed_average *average = SMR_CONST_PARAMETERS(node, fixed_average);
    const smr_window *window = &average->window;
    const size_t channels = average->channels;
    const size_t size = (size_t)window->size[0] * (size_t)window->size[1] * channels; /* of an image */
    int64_t total[FIXED_AVERAGED];
    size_t pixel, channel, i;
    (void)error;
    for (pixel = begin; pixel < end; ++pixel) {
        const size_t line = pixel / (size_t)window->positions[1];
        const size_t first = line / (size_t)window->positions[0] * size;
        const fixed_span rows = fixed_average_span(window, 0, line % (size_t)window->positions[0]);
        const fixed_span columns = fixed_average_span(window, 1, pixel % (size_t)window->positions[1]);
        const int64_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
        for (channel = 0; channel < channels; channel += FIXED_AVERAGED) {
            const size_t most = channels - channel < FIXED_AVERAGED ? channels - channel : FIXED_AVERAGED;
            fixed_average_sum(node, average, first + channel, most, &rows, &columns, total);
            for (i = 0; i < most; ++i) {
                const int32_t mean = fixed_mean(total[i], count > 0 ? count : 1);
                fixed_store(node->outputs[0], pixel * channels + channel + i,
                            fixed_clamp(mean, a->activation_min, a->activation_max));
            }
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_integer_average_pool2d(smr_node *node, smr_error *error) {
    const smr_integer_average_pool2d_attributes *a = &node->attributes.integer_average_pool2d;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    fixed_average *average = SMR_PARAMETERS(node, fixed_average);
    if (x->rank != 4 || y->rank != 4 || y->dims[0] != x->dims[0] || y->dims[3] != x->dims[3]) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x of rank %d and y of rank %d do not fit, or their images or channels", (int)x->rank,
                 (int)y->rank);
    }
    if (a->pool_size.count != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a window of %d sizes", (int)a->pool_size.count);
    }
    smr_quant_window(node, a->pool_size.values[0], a->pool_size.values[1], &average->window);
    SMR_TRY(smr_window_prepare(&average->window, &a->strides, NULL, a->padding, &a->paddings, error));
    SMR_TRY(smr_fixed_check_range(y, 0, a->activation_min, a->activation_max, error));
    if (y->count == 0) {
        return SMR_OK;
    }
    if (x->count == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the windows see nothing: the input has no elements");
    }
    average->channels = (size_t)y->dims[3];
    node->work = y->count / average->channels;
    node->run = run_integer_average_pool2d;
    node->whole = true;
    return SMR_OK;
}

#define FIXED_ACCUMULATED_BITS 12 /* integer bits of a sum of exponentials */

/* 1 / (1 + value) for a value in 0..1, both with 31 fraction bits: three steps of Newton's method. */
static int32_t fixed_reciprocal(int32_t value) {
    const int32_t half = (int32_t)(((int64_t)value + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + fixed_high(half, -1010580540); /* 48/17 - 32/17 * half, 29 fraction bits */
    int32_t step;
    for (step = 0; step < 3; ++step) {
        const int32_t rest = (1 << 29) - fixed_high(half, x);
        x = fixed_wrap((int64_t)x + fixed_clamp((int64_t)fixed_high(x, rest) * 4, INT32_MIN, INT32_MAX));
    }
    return fixed_clamp((int64_t)x * 2, INT32_MIN, INT32_MAX);
}

static int32_t fixed_leading_zeros(uint32_t value) {
    int32_t count = 0;
    while (count < 32 && (value >> (31 - count) & 1u) == 0) {
        ++count;
    }
    return count;
}

/* Work items are rows along the last axis. */
static smr_status run_fixed_point_softmax(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *value = node->inputs[0], *output = node->outputs[0];
    const int32_t *table = node->inputs[1]->data;
    const size_t size = (size_t)value->dims[value->rank - 1];
    const int32_t bits = output->dtype == SMR_DTYPE_INT8 ? 8 : 16;
    const int32_t least = -(1 << (bits - 1));
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        const int8_t *x = (const int8_t *)value->data + row * size;
        int32_t largest = INT8_MIN, headroom, scale, exponent;
        int64_t total = 0;
        for (i = 0; i < size; ++i) {
            largest = x[i] > largest ? x[i] : largest;
        }
        for (i = 0; i < size; ++i) {
            total += fixed_round_shift(table[largest - x[i]], FIXED_ACCUMULATED_BITS);
        }
        total = total < INT32_MAX ? total : INT32_MAX;
        headroom = fixed_leading_zeros((uint32_t)total);
        scale = fixed_reciprocal((int32_t)(total * ((int64_t)1 << headroom) - ((int64_t)1 << 31)));
        exponent = FIXED_ACCUMULATED_BITS - headroom + 31 - bits;
        for (i = 0; i < size; ++i) {
            const int64_t share = fixed_round_shift(fixed_high(scale, table[largest - x[i]]), exponent);
            fixed_store(output, row * size + i, fixed_clamp(share + least, least, -least - 1));
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_fixed_point_softmax(smr_node *node, smr_error *error) {
    const smr_fixed_point_softmax_attributes *a = &node->attributes.fixed_point_softmax;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const int32_t *table = node->inputs[1]->data;
    size_t i;
    if (y->dtype != a->dtype || (y->dtype != SMR_DTYPE_INT8 && y->dtype != SMR_DTYPE_INT16)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output is %s instead of int8 or int16, or not what dtype says",
                 smr_dtype_name((smr_dtype)y->dtype));
    }
    if (x->rank < 1) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x has rank 0");
    }
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_quant_check_constant(node, 1, error));
    SMR_TRY(smr_quant_check_vector(node, 1, 256, "table", error));
    /* The largest element of a row adds table[0], so that the sum has at most 13 leading zeros. */
    for (i = 0; i < 256; ++i) {
        if (table[i] < (i == 0 ? 1 << 30 : 0)) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "table element %zu is %d", i, (int)table[i]);
        }
    }
    node->work = x->count == 0 ? 0 : x->count / (size_t)x->dims[x->rank - 1];
    node->run = run_fixed_point_softmax;
    return SMR_OK;
}

/* How many squares of differences of bytes can be summed in 32 bits. */
#define FIXED_LARGEST_NORM 33025

typedef struct fixed_multiplier {
    int32_t multiplier;
    int32_t shift;
} fixed_multiplier;

/* 1 / sqrt(value): five steps of Newton's method from 1, with 3 integer bits. */
static fixed_multiplier fixed_inverse_root(int32_t value) {
    fixed_multiplier root = {INT32_MAX, 0};
    int32_t right = 11, half, x = 1 << 28, step;
    if (value <= 1) {
        return root;
    }
    if (value >= 1 << 29) {
        value /= 4;
        ++right;
    }
    while (value < 1 << 27) {
        value *= 4;
        --right;
    }
    half = (int32_t)fixed_round_shift(value / 2, 1);
    for (step = 0; step < 5; ++step) {
        const int64_t cube = (int64_t)fixed_high(fixed_high(x, x), x) * 64;
        const int64_t change =
            (int64_t)fixed_high(3 << 27, x) - fixed_high(half, fixed_clamp(cube, INT32_MIN, INT32_MAX));
        x = fixed_clamp((int64_t)fixed_wrap(change) * 8, INT32_MIN, INT32_MAX);
    }
    x = fixed_high(x, 1518500250); /* sqrt(1/2) */
    root.multiplier = right < 0 ? fixed_wrap((int64_t)x * ((int64_t)1 << -right)) : x;
    root.shift = right < 0 ? 0 : -right;
    return root;
}

/* Work items are rows along the last axis. */
static smr_status run_fixed_point_l2_normalize(const smr_node *node, size_t begin, size_t end,
                                               smr_error *error) {
    const smr_fixed_point_l2_normalize_attributes *a = &node->attributes.fixed_point_l2_normalize;
    const smr_value *value = node->inputs[0];
    const size_t size = (size_t)value->dims[value->rank - 1];
    const int32_t factor = 1 << a->left_shift;
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        const int8_t *x = (const int8_t *)value->data + row * size;
        int8_t *y = (int8_t *)node->outputs[0]->data + row * size;
        fixed_multiplier root;
        int32_t total = 0;
        for (i = 0; i < size; ++i) {
            const int32_t offset = x[i] - a->input_zero_point;
            total += offset * offset;
        }
        root = fixed_inverse_root(total);
        root.shift += 7 - a->left_shift;
        for (i = 0; i < size; ++i) {
            const int32_t offset = (x[i] - a->input_zero_point) * factor;
            y[i] =
                (int8_t)fixed_clamp(fixed_multiply(offset, root.multiplier, root.shift), INT8_MIN, INT8_MAX);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_fixed_point_l2_normalize(smr_node *node, smr_error *error) {
    const smr_fixed_point_l2_normalize_attributes *a = &node->attributes.fixed_point_l2_normalize;
    const smr_value *x = node->inputs[0];
    if (x->rank < 1 || x->dims[x->rank - 1] > FIXED_LARGEST_NORM) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x has rank 0, or rows of more than %d numbers", FIXED_LARGEST_NORM);
    }
    if (a->left_shift < 0 || a->left_shift > 7) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a shift to the left by %d", (int)a->left_shift);
    }
    SMR_TRY(smr_quant_check_same(node, error));
    SMR_TRY(smr_fixed_check_range(x, a->input_zero_point, 0, 0, error));
    node->work = x->count == 0 ? 0 : x->count / (size_t)x->dims[x->rank - 1];
    node->run = run_fixed_point_l2_normalize;
    node->whole = true;
    return SMR_OK;
}
