/* The integer kernels for instruction sets that are no products, against the generic ones, bit for bit:
 * numbers over the whole range of their types, extreme multipliers and zero points, sizes around every edge,
 * every form of broadcasting, whatever the partition of the work. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <math.h>

#include "random_nodes.h"

#define CASES 200

/* Numbers over the whole range of their type. Floats are often near a multiple of 1/2, and sometimes no
 * number. */
static void fill(smr_value *value) {
    size_t i;
    for (i = 0; i < value->count; ++i) {
        if (value->dtype == SMR_DTYPE_FLOAT32) {
            static const float odd[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, 1e-42f, 3e38f, -3e38f};
            const int32_t form = next_random(0, 9);
            const float half = (float)next_random(-300, 300) * 0.5f;
            ((float *)value->data)[i] = form == 0  ? odd[next_random(0, 7)]
                                        : form < 4 ? half
                                        : form < 7 ? half * (1.0f + 1e-7f * (float)next_random(-4, 4))
                                                   : (float)next_random(-1000000, 1000000) * 1e-4f;
        } else if (smr_dtype_size((smr_dtype)value->dtype) == 1) {
            ((uint8_t *)value->data)[i] = (uint8_t)next_random(0, 255);
        }
    }
}

static void open_filled(smr_value *value, uint8_t dtype, int32_t rank, const int32_t *dims) {
    open_value(value, dtype, rank, dims, 0);
    fill(value);
}

static void connect(bench *b, int32_t inputs) {
    int32_t i;
    for (i = 0; i < inputs; ++i) {
        b->inputs[i] = &b->values[i];
    }
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = (uint8_t)inputs;
    b->node.output_count = 1;
    b->outputs[0] = &b->values[4];
}

/* Often beside a multiple of the 16, 32 or 64 bytes of a block. */
static int32_t next_count(void) {
    const int32_t block = 16 << next_random(0, 2);
    return next_random(0, 2) == 0 ? next_random(1, 700) : block * next_random(1, 5) + next_random(-1, 1);
}

/* Of any magnitude that makes a difference to numbers below 2^bits, or of none. */
static float next_multiplier(int32_t bits) {
    const int32_t form = next_random(0, 19);
    const float fraction = 1.0f + (float)next_random(0, 8388607) / 8388608.0f;
    return form == 0   ? 0.0f
           : form == 1 ? 3.4e38f
           : form == 2 ? 1e-42f
                       : ldexpf(fraction, next_random(-bits - 2, 8 - bits / 2));
}

static int32_t next_zero_point(uint8_t dtype) {
    const int32_t least = dtype == SMR_DTYPE_INT8 ? -128 : 0;
    const int32_t form = next_random(0, 3);
    return form == 0 ? least : form == 1 ? least + 255 : least + next_random(0, 255);
}

static void next_range(int32_t *zero_point, int32_t *least, int32_t *most) {
    *zero_point = next_zero_point(SMR_DTYPE_INT8);
    *least = next_random(0, 1) == 0 ? -128 : next_random(-128, 127);
    *most = next_random(0, 1) == 0 ? 127 : next_random(*least, 127);
}

static uint8_t next_bytes(void) {
    return next_random(0, 1) == 0 ? SMR_DTYPE_INT8 : SMR_DTYPE_UINT8;
}

static uint16_t open_conversion(bench *b, int32_t form) {
    const int32_t dims[] = {next_random(1, 3), next_count()};
    const uint8_t from = form == 0 ? (uint8_t)SMR_DTYPE_FLOAT32 : next_bytes();
    const uint8_t to = form == 1 ? (uint8_t)SMR_DTYPE_FLOAT32 : next_bytes();
    open_filled(&b->values[0], from, 2, dims);
    open_filled(&b->values[4], to, 2, dims);
    connect(b, 1);
    if (form == 0) {
        smr_quantize_attributes *a = &b->node.attributes.quantize;
        a->dtype = to;
        a->zero_point = next_zero_point(to);
        a->scale = next_random(0, 3) > 0
                       ? 1.0f
                       : ldexpf(1.0f + (float)next_random(0, 999) / 999.0f, next_random(-9, 3));
        a->rounding = next_random(0, 3) == 0 ? SMR_ROUNDING_TFLITE : SMR_ROUNDING_NATIVE;
        return SMR_OP_QUANTIZE;
    }
    if (form == 1) {
        smr_dequantize_attributes *a = &b->node.attributes.dequantize;
        a->dtype = to;
        a->zero_point = next_zero_point(from);
        a->scale = ldexpf(1.0f + (float)next_random(0, 999) / 999.0f, next_random(-98, 98));
        return SMR_OP_DEQUANTIZE;
    }
    {
        smr_requantize_attributes *a = &b->node.attributes.requantize;
        a->dtype = to;
        a->input_zero_point = next_zero_point(from);
        a->output_zero_point = next_zero_point(to);
        a->multiplier = next_multiplier(8);
        return SMR_OP_REQUANTIZE;
    }
}

static uint16_t open_table(bench *b) {
    const int32_t dims[] = {next_random(1, 3), next_count()}, entries[] = {256};
    open_filled(&b->values[0], next_bytes(), 2, dims);
    open_filled(&b->values[1], next_bytes(), 1, entries);
    open_filled(&b->values[4], b->values[1].dtype, 2, dims);
    b->values[1].storage = SMR_STORAGE_CONSTANT;
    connect(b, 2);
    return SMR_OP_LOOKUP_TABLE;
}

/* Two shapes and the one that they make: equal; a number; a row; one number for each channel of an image;
 * any. */
static void open_pair(bench *b) {
    const int32_t form = next_random(0, 5), turned = next_random(0, 1);
    int32_t dims[3][4], rank = 4, i;
    for (i = 0; i < 4; ++i) {
        const int32_t most = form == 5 ? 9 : 5;
        dims[2][i] =
            i == 3 ? (next_random(0, 3) == 0 ? next_random(1, 5) : next_size(140)) : next_random(1, most);
        dims[0][i] = form == 5 && next_random(0, 2) == 0 ? 1 : dims[2][i];
        dims[1][i] = form == 0                                        ? dims[2][i]
                     : form == 1 || (form <= 3 && i < 3 && form != 3) ? 1
                     : form == 3 && (i == 1 || i == 2)                ? 1
                     : form == 4 && i == 3                            ? 1
                     : form == 5 && next_random(0, 2) == 0            ? 1
                                                                      : dims[2][i];
        dims[2][i] = dims[0][i] == 1 ? dims[1][i] : dims[0][i];
    }
    if (next_random(0, 30) == 0) {
        dims[2][3] = dims[0][3] = next_random(0, 1) == 0 ? 1100 : 2100;
        dims[1][3] = dims[1][3] == 1 ? 1 : dims[0][3];
    }
    open_filled(&b->values[turned], SMR_DTYPE_INT8, rank, dims[0]);
    open_filled(&b->values[1 - turned], SMR_DTYPE_INT8, rank, dims[1]);
    open_filled(&b->values[4], SMR_DTYPE_INT8, rank, dims[2]);
    connect(b, 2);
}

static uint16_t open_sum(bench *b) {
    smr_quantized_add_attributes *a = &b->node.attributes.quantized_add;
    open_pair(b);
    a->x_zero_point = next_zero_point(SMR_DTYPE_INT8);
    a->y_zero_point = next_zero_point(SMR_DTYPE_INT8);
    a->x_multiplier = next_random(0, 1) == 0 ? 1 << 22 : next_random(-(1 << 22), 1 << 22);
    a->y_multiplier = next_random(0, 3) == 0 ? -(1 << 22) : next_random(-(1 << 22), 1 << 22);
    a->multiplier = next_multiplier(31);
    next_range(&a->output_zero_point, &a->activation_min, &a->activation_max);
    return SMR_OP_QUANTIZED_ADD;
}

static uint16_t open_product(bench *b) {
    smr_quantized_multiply_attributes *a = &b->node.attributes.quantized_multiply;
    open_pair(b);
    a->x_zero_point = next_zero_point(SMR_DTYPE_INT8);
    a->y_zero_point = next_zero_point(SMR_DTYPE_INT8);
    a->multiplier = next_multiplier(16);
    next_range(&a->output_zero_point, &a->activation_min, &a->activation_max);
    return SMR_OP_QUANTIZED_MULTIPLY;
}

/* Fills the attributes that both poolings have, and opens their tensors. */
#define OPEN_POOL(a, dtype)                                                                                 \
    do {                                                                                                    \
        const int32_t stride = next_random(1, 3), taps = next_random(1, 4);                                 \
        const int32_t x[] = {next_random(1, 2), next_random(4, 9), next_random(4, 9), next_size(140)};      \
        const int32_t before = next_random(0, taps - 1), form = next_random(0, 2);                          \
        const int32_t around = form == 2 ? before : 0;                                                      \
        int32_t y[] = {x[0], 0, 0, x[3]}, axis;                                                             \
        (a)->pool_size.count = (a)->strides.count = 2;                                                      \
        (a)->paddings.count = 4;                                                                            \
        (a)->padding = form == 0 ? SMR_PADDING_SAME : form == 1 ? SMR_PADDING_VALID : SMR_PADDING_EXPLICIT; \
        for (axis = 0; axis < 2; ++axis) {                                                                  \
            (a)->pool_size.values[axis] = taps;                                                             \
            (a)->strides.values[axis] = stride;                                                             \
            (a)->paddings.values[2 * axis] = around;                                                        \
            y[1 + axis] = form == 0 ? (x[1 + axis] + stride - 1) / stride                                   \
                                    : (x[1 + axis] + around - taps) / stride + 1;                           \
        }                                                                                                   \
        open_filled(&b->values[0], dtype, 4, x);                                                            \
        open_filled(&b->values[4], dtype, 4, y);                                                            \
        connect(b, 1);                                                                                      \
    } while (0)

static uint16_t open_pool(bench *b, bool largest) {
    if (largest) {
        smr_max_pool2d_attributes *a = &b->node.attributes.max_pool2d;
        const uint8_t dtype = next_bytes();
        OPEN_POOL(a, dtype);
        return SMR_OP_MAX_POOL2D;
    }
    {
        smr_quantized_average_pool2d_attributes *a = &b->node.attributes.quantized_average_pool2d;
        OPEN_POOL(a, SMR_DTYPE_INT8);
        a->count_include_pad = (uint8_t)next_random(0, 1);
        a->input_zero_point = next_zero_point(SMR_DTYPE_INT8);
        a->multiplier = next_multiplier(12);
        next_range(&a->output_zero_point, &a->activation_min, &a->activation_max);
        return SMR_OP_QUANTIZED_AVERAGE_POOL2D;
    }
}

static uint16_t open_mean(bench *b) {
    smr_quantized_mean_attributes *a = &b->node.attributes.quantized_mean;
    const int32_t x[] = {next_random(1, 3), next_random(1, 12), next_random(1, 12), next_size(200)};
    const int32_t first = next_random(0, 3) == 0 ? 0 : 1, last = next_random(0, 5) == 0 ? 3 : 2;
    int32_t y[4], i;
    for (i = 0; i < 4; ++i) {
        y[i] = i >= first && i <= last ? 1 : x[i];
    }
    open_filled(&b->values[0], SMR_DTYPE_INT8, 4, x);
    open_filled(&b->values[4], SMR_DTYPE_INT8, 4, y);
    connect(b, 1);
    a->axes.count = last - first + 1;
    for (i = first; i <= last; ++i) {
        a->axes.values[i - first] = i;
    }
    a->keepdims = 1;
    a->input_zero_point = next_zero_point(SMR_DTYPE_INT8);
    a->multiplier = next_multiplier(16);
    next_range(&a->output_zero_point, &a->activation_min, &a->activation_max);
    return SMR_OP_QUANTIZED_MEAN;
}

static uint16_t open_softmax(bench *b) {
    smr_quantized_softmax_attributes *a = &b->node.attributes.quantized_softmax;
    const int32_t dims[] = {next_random(1, 5), next_count(), 1}, entries[] = {256};
    const int32_t inner[] = {dims[0], dims[1], next_random(1, 3)};
    int32_t i;
    a->axis = next_random(0, 3) == 0 ? 1 : 2;
    open_filled(&b->values[0], SMR_DTYPE_INT8, a->axis == 1 ? 3 : 2, a->axis == 1 ? inner : dims);
    open_filled(&b->values[4], SMR_DTYPE_INT8, a->axis == 1 ? 3 : 2, a->axis == 1 ? inner : dims);
    a->axis = 1;
    open_value(&b->values[1], SMR_DTYPE_INT32, 1, entries, 0);
    for (i = 0; i < 256; ++i) {
        ((int32_t *)b->values[1].data)[i] = (int32_t)(1000000.0 * exp(-0.05 * i));
    }
    b->values[1].storage = SMR_STORAGE_CONSTANT;
    connect(b, 2);
    a->multiplier = next_random(0, 3) > 0 ? 256.0f : next_multiplier(8);
    a->output_zero_point = -128;
    a->activation_min = -128;
    a->activation_max = 127;
    return SMR_OP_QUANTIZED_SOFTMAX;
}

/* A multiplier of 2^30 to 2^31 - 1, or of no use, and a shift to the right or, seldom, to the left. */
static void next_fixed(int32_t *multiplier, int32_t *shift) {
    const int32_t form = next_random(0, 9);
    *multiplier = form == 0   ? 0
                  : form == 1 ? INT32_MAX
                  : form == 2 ? 1 << 30
                              : (1 << 30) + next_random(0, (1 << 24) - 1) * 64 + next_random(0, 63);
    *shift = next_random(0, 4) == 0 ? next_random(-31, 30) : next_random(-12, 2);
}

static void next_bytes_range(uint8_t dtype, int32_t *zero_point, int32_t *least, int32_t *most) {
    next_range(zero_point, least, most);
    *zero_point += dtype == SMR_DTYPE_UINT8 ? 128 : 0;
    *least += dtype == SMR_DTYPE_UINT8 ? 128 : 0;
    *most += dtype == SMR_DTYPE_UINT8 ? 128 : 0;
}

static uint16_t open_fixed_rescale(bench *b) {
    smr_fixed_point_rescale_attributes *a = &b->node.attributes.fixed_point_rescale;
    const int32_t dims[] = {next_count()};
    open_filled(&b->values[0], next_bytes(), 1, dims);
    open_filled(&b->values[4], next_bytes(), 1, dims);
    connect(b, 1);
    a->dtype = b->values[4].dtype;
    a->left_shift = next_random(0, 23);
    a->input_zero_point = next_zero_point(b->values[0].dtype);
    next_fixed(&a->multiplier, &a->shift);
    next_bytes_range(a->dtype, &a->output_zero_point, &a->activation_min, &a->activation_max);
    return SMR_OP_FIXED_POINT_RESCALE;
}

static uint16_t open_fixed_binary(bench *b) {
    smr_fixed_point_binary_attributes *a = &b->node.attributes.fixed_point_binary;
    open_pair(b);
    a->kind = (uint8_t)next_random(0, 3);
    a->left_shift = next_random(0, 1) == 0 ? 20 : next_random(0, 23);
    a->x_zero_point = next_zero_point(SMR_DTYPE_INT8);
    a->y_zero_point = next_zero_point(SMR_DTYPE_INT8);
    next_fixed(&a->x_multiplier, &a->x_shift);
    next_fixed(&a->y_multiplier, &a->y_shift);
    next_fixed(&a->multiplier, &a->shift);
    next_bytes_range(SMR_DTYPE_INT8, &a->output_zero_point, &a->activation_min, &a->activation_max);
    return SMR_OP_FIXED_POINT_BINARY;
}

static uint16_t open_node(bench *b, int32_t form) {
    memset(b, 0, sizeof *b);
    switch (form) {
        case 0:
        case 1:
        case 2: return open_conversion(b, form);
        case 3: return open_table(b);
        case 4: return open_sum(b);
        case 5: return open_product(b);
        case 6: return open_pool(b, true);
        case 7: return open_pool(b, false);
        case 8: return open_mean(b);
        case 9: return open_softmax(b);
        case 10: return open_fixed_rescale(b);
        default: return open_fixed_binary(b);
    }
}

#define FORMS 12

static void check_case(int number, size_t used[FORMS]) {
    bench b;
    const int32_t form = number % FORMS;
    const uint16_t opcode = open_node(&b, form);
    const size_t bytes = b.values[4].count * smr_dtype_size((smr_dtype)b.values[4].dtype);
    void *expected = malloc(bytes);
    const char *name;
    uint32_t index, isa;
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    (void)run_with(&b, opcode, 0);
    memcpy(expected, b.values[4].data, bytes);
    CHECK(same_in_rows(&b, opcode, 0));
    for (index = 1; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        if (allowed == UINT32_MAX) {
            continue;
        }
        used[form] += strcmp(run_with(&b, opcode, allowed), "generic") != 0;
        if (!CHECK(same_in_rows(&b, opcode, allowed))) {
            fprintf(stderr, "    case %d: opcode %d with %s and strided operands\n", number, opcode, name);
        }
        if (!CHECK(memcmp(b.values[4].data, expected, bytes) == 0)) {
            size_t i = 0;
            while (((uint8_t *)b.values[4].data)[i] == ((uint8_t *)expected)[i]) {
                ++i;
            }
            fprintf(stderr, "    case %d: opcode %d with %s, byte %zu of %zu is %d instead of %d\n", number,
                    opcode, name, i, bytes, ((uint8_t *)b.values[4].data)[i], ((uint8_t *)expected)[i]);
        }
    }
    free(expected);
    close_bench(&b);
}

int main(int argc, char **argv) {
    const int cases = count_cases(argc, argv, CASES * FORMS);
    size_t used[FORMS] = {0};
    int i;
    for (i = 0; i < cases; ++i) {
        check_case(i, used);
    }
    for (i = 0; i < FORMS && smr_platform_isas() != 0; ++i) {
        CHECK(used[i] > 0);
    }
    return check_result();
}
