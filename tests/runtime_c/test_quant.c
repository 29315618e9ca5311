/* Integer kernels on nodes made by hand: any partition of the work gives the same bytes, dense filters and
 * those in panels give the same bytes, and what could make a sum leave 32 bits, or is no constant, is
 * refused.
 */
#include <math.h>

#include "check.h"
#include "kernels/registry.h"

#define MOST_BYTES 4096

typedef struct bench {
    smr_node node;
    smr_value values[5]; /* up to four inputs, and the output last */
    int32_t dims[5][SMR_MAX_RANK];
    const smr_value *inputs[4];
    smr_value *outputs[1];
    uint8_t *memory[5]; /* of exactly the tensors' bytes, so that a sanitizer sees what lies outside */
    uint16_t opcode;
} bench;

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static size_t open_value(bench *b, int index, uint8_t dtype, const int32_t *shape) {
    smr_value *value = &b->values[index];
    size_t bytes;
    value->dtype = dtype;
    value->count = 1;
    value->dims = b->dims[index];
    for (; shape[value->rank] >= 0; ++value->rank) {
        b->dims[index][value->rank] = shape[value->rank];
        value->count *= (size_t)shape[value->rank];
    }
    bytes = value->count * smr_dtype_size((smr_dtype)dtype);
    b->memory[index] = malloc(bytes > 0 ? bytes : 1);
    if (b->memory[index] == NULL) {
        exit(EXIT_FAILURE);
    }
    value->data = b->memory[index];
    return bytes;
}

static void open_input(bench *b, uint8_t dtype, const int32_t *shape) {
    const int index = b->node.input_count++;
    const size_t bytes = open_value(b, index, dtype, shape);
    uint32_t seed = (uint32_t)index + 3u;
    size_t i;
    for (i = 0; i < bytes; ++i) {
        b->memory[index][i] = (uint8_t)next_random(&seed);
    }
    b->inputs[index] = &b->values[index];
}

static void open_bench(bench *b, uint16_t opcode) {
    memset(b, 0, sizeof *b);
    b->opcode = opcode;
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.output_count = 1;
}

static void open_output(bench *b, const int32_t *shape) {
    (void)open_value(b, 4, SMR_DTYPE_INT8, shape);
    b->outputs[0] = &b->values[4];
    b->node.kernel = smr_kernel_select(b->opcode, &b->node);
}

static void close_bench(bench *b) {
    int i;
    for (i = 0; i < 5; ++i) {
        free(b->memory[i]);
    }
}

static smr_status prepare(bench *b, smr_error *error) {
    memset(&b->node.room, 0, sizeof b->node.room);
    b->node.parameters = b->node.room.bytes;
    b->node.work = 0;
    return b->node.kernel->prepare(&b->node, error);
}

/* Input 1 is a filter; adds bias and multiplier for `outputs` outputs. */
static void open_linear(bench *b, int32_t outputs) {
    const int32_t shape[] = {outputs, -1};
    int32_t i;
    open_input(b, SMR_DTYPE_INT32, shape);
    open_input(b, SMR_DTYPE_FLOAT32, shape);
    for (i = 0; i < outputs; ++i) {
        ((int32_t *)b->values[2].data)[i] = 1000 * (i % 7) - 3000;
        ((float *)b->values[3].data)[i] = 0.0005f * (float)(i % 5 + 1);
    }
    for (i = 1; i < 4; ++i) {
        b->values[i].storage = SMR_STORAGE_CONSTANT;
    }
}

static void open_conv2d(bench *b) {
    static const int32_t x[] = {2, 5, 6, 3, -1}, filter[] = {3, 3, 3, 19, -1}, y[] = {2, 3, 3, 19, -1};
    smr_quantized_conv2d_attributes *attributes = &b->node.attributes.quantized_conv2d;
    open_bench(b, SMR_OP_QUANTIZED_CONV2D);
    open_input(b, SMR_DTYPE_INT8, x);
    open_input(b, SMR_DTYPE_INT8, filter);
    open_linear(b, 19);
    attributes->strides.count = attributes->dilations.count = 2;
    attributes->strides.values[0] = attributes->strides.values[1] = 2;
    attributes->dilations.values[0] = attributes->dilations.values[1] = 1;
    attributes->paddings.count = 4;
    attributes->padding = SMR_PADDING_SAME;
    attributes->groups = 1;
    attributes->input_zero_point = -5;
    attributes->activation_min = -128;
    attributes->activation_max = 127;
    open_output(b, y);
}

static void open_depthwise(bench *b) {
    static const int32_t x[] = {2, 5, 6, 33, -1}, filter[] = {3, 2, 33, 2, -1}, y[] = {2, 3, 5, 66, -1};
    smr_quantized_depthwise_conv2d_attributes *attributes = &b->node.attributes.quantized_depthwise_conv2d;
    open_bench(b, SMR_OP_QUANTIZED_DEPTHWISE_CONV2D);
    open_input(b, SMR_DTYPE_INT8, x);
    open_input(b, SMR_DTYPE_INT8, filter);
    open_linear(b, 66);
    attributes->strides.count = attributes->dilations.count = 2;
    attributes->strides.values[0] = attributes->strides.values[1] = 1;
    attributes->dilations.values[0] = attributes->dilations.values[1] = 1;
    attributes->paddings.count = 4;
    attributes->padding = SMR_PADDING_VALID;
    attributes->activation_min = -100;
    attributes->activation_max = 90;
    open_output(b, y);
}

static void open_matmul(bench *b, int32_t depth) {
    const int32_t x[] = {7, depth, -1}, filter[] = {depth, 21, -1};
    static const int32_t y[] = {7, 21, -1};
    smr_quantized_matmul_attributes *attributes = &b->node.attributes.quantized_matmul;
    open_bench(b, SMR_OP_QUANTIZED_MATMUL);
    open_input(b, SMR_DTYPE_INT8, x);
    open_input(b, SMR_DTYPE_INT8, filter);
    open_linear(b, 21);
    attributes->output_zero_point = 3;
    attributes->activation_min = -128;
    attributes->activation_max = 127;
    open_output(b, y);
}

static void open_small_matmul(bench *b) {
    open_matmul(b, 37);
}

static void open_add(bench *b) {
    static const int32_t x[] = {3, 1, 17, -1}, y[] = {5, 1, -1}, z[] = {3, 5, 17, -1};
    smr_quantized_add_attributes *attributes = &b->node.attributes.quantized_add;
    open_bench(b, SMR_OP_QUANTIZED_ADD);
    open_input(b, SMR_DTYPE_INT8, x);
    open_input(b, SMR_DTYPE_INT8, y);
    attributes->x_multiplier = 1 << 22;
    attributes->y_multiplier = -(1 << 22);
    attributes->multiplier = 1e-7f;
    attributes->activation_min = -128;
    attributes->activation_max = 127;
    open_output(b, z);
}

static void open_average_pool(bench *b) {
    static const int32_t x[] = {1, 7, 6, 70, -1}, y[] = {1, 4, 3, 70, -1};
    smr_quantized_average_pool2d_attributes *attributes = &b->node.attributes.quantized_average_pool2d;
    open_bench(b, SMR_OP_QUANTIZED_AVERAGE_POOL2D);
    open_input(b, SMR_DTYPE_INT8, x);
    attributes->pool_size.count = attributes->strides.count = 2;
    attributes->pool_size.values[0] = attributes->pool_size.values[1] = 3;
    attributes->strides.values[0] = attributes->strides.values[1] = 2;
    attributes->paddings.count = 4;
    attributes->padding = SMR_PADDING_SAME;
    attributes->multiplier = 1.5f;
    attributes->activation_min = -128;
    attributes->activation_max = 127;
    open_output(b, y);
}

static void open_mean(bench *b) {
    static const int32_t x[] = {2, 5, 3, 70, -1}, y[] = {2, 3, 70, -1};
    smr_quantized_mean_attributes *attributes = &b->node.attributes.quantized_mean;
    open_bench(b, SMR_OP_QUANTIZED_MEAN);
    open_input(b, SMR_DTYPE_INT8, x);
    attributes->axes.count = 1;
    attributes->axes.values[0] = 1;
    attributes->multiplier = 1.5f;
    attributes->activation_min = -128;
    attributes->activation_max = 127;
    open_output(b, y);
}

static void open_softmax(bench *b) {
    static const int32_t x[] = {5, 9, 4, -1}, table[] = {256, -1};
    smr_quantized_softmax_attributes *attributes = &b->node.attributes.quantized_softmax;
    int32_t i;
    open_bench(b, SMR_OP_QUANTIZED_SOFTMAX);
    open_input(b, SMR_DTYPE_INT8, x);
    open_input(b, SMR_DTYPE_INT32, table);
    b->values[1].storage = SMR_STORAGE_CONSTANT;
    for (i = 0; i < 256; ++i) {
        ((int32_t *)b->values[1].data)[i] = (1 << 23) >> (i / 8 < 24 ? i / 8 : 24);
    }
    attributes->axis = 1;
    attributes->multiplier = 256.0f;
    attributes->output_zero_point = -128;
    attributes->activation_min = -128;
    attributes->activation_max = 127;
    open_output(b, x);
}

static void open_lookup_table(bench *b) {
    static const int32_t x[] = {3, 37, -1}, table[] = {256, -1};
    open_bench(b, SMR_OP_LOOKUP_TABLE);
    open_input(b, SMR_DTYPE_INT8, x);
    open_input(b, SMR_DTYPE_INT8, table);
    b->values[1].storage = SMR_STORAGE_CONSTANT;
    open_output(b, x);
}

typedef void (*opener)(bench *b);

static const opener openers[] = {open_conv2d,       open_depthwise, open_small_matmul, open_add,
                                 open_average_pool, open_mean,      open_softmax,      open_lookup_table};

static void check_partitions(opener open) {
    uint8_t expected[MOST_BYTES];
    smr_error error;
    size_t split, work;
    bench b;
    open(&b);
    if (!CHECK(b.node.kernel != NULL) || !CHECK(b.values[4].count <= sizeof expected)) {
        close_bench(&b);
        return;
    }
    CHECK_OK(prepare(&b, &error), error);
    work = b.node.work;
    CHECK(work > 0);
    CHECK_OK(b.node.run(&b.node, 0, work, &error), error);
    memcpy(expected, b.memory[4], b.values[4].count);
    for (split = 0; split <= work; ++split) {
        memset(b.memory[4], 0xa5, b.values[4].count);
        if (split < work) {
            CHECK_OK(b.node.run(&b.node, split, work, &error), error);
        }
        if (split > 0) {
            CHECK_OK(b.node.run(&b.node, 0, split, &error), error);
        }
        CHECK(memcmp(expected, b.memory[4], b.values[4].count) == 0);
    }
    close_bench(&b);
}

/* One dimension, or the rank, of the output is not what the inputs give. */
static void check_shapes_are_refused(opener open) {
    smr_error error;
    int32_t i;
    bench b;
    open(&b);
    for (i = 0; i < b.outputs[0]->rank; ++i) {
        b.dims[4][i] += 1;
        CHECK(prepare(&b, &error) == SMR_ERROR_MODEL);
        b.dims[4][i] -= 1;
    }
    b.dims[4][b.outputs[0]->rank++] = 1;
    CHECK(prepare(&b, &error) == SMR_ERROR_MODEL);
    close_bench(&b);
}

/* Constants that kernels rely on may not be tensors that a run could write. */
static void check_constants(opener open, int first, int last) {
    smr_error error;
    bench b;
    open(&b);
    for (; first <= last; ++first) {
        b.values[first].storage = SMR_STORAGE_ARENA;
        CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "must be a constant", error);
        b.values[first].storage = SMR_STORAGE_CONSTANT;
    }
    CHECK_OK(prepare(&b, &error), error);
    close_bench(&b);
}

static void check_multipliers(opener open) {
    static const float bad[] = {-1.0f, INFINITY, NAN};
    smr_error error;
    size_t i;
    bench b;
    open(&b);
    for (i = 0; i < b.values[3].count * (sizeof bad / sizeof bad[0]); ++i) {
        float *multiplier = (float *)b.values[3].data + i % b.values[3].count;
        const float before = *multiplier;
        *multiplier = bad[i / b.values[3].count];
        CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "multiplier", error);
        *multiplier = before;
    }
    ((float *)b.values[3].data)[5] = -0.0f;
    CHECK(prepare(&b, &error) == SMR_OK);
    close_bench(&b);
}

/* 128 * sum of |weights| + |bias| may be 2^31 - 1, and no more. */
static void check_sums(void) {
    smr_error error;
    bench b;
    open_matmul(&b, 4);
    memset(b.memory[1], 0x80, b.values[1].count); /* -128 */
    ((int32_t *)b.values[2].data)[20] = INT32_MAX - 4 * 128 * 128;
    CHECK_OK(prepare(&b, &error), error);
    ((int32_t *)b.values[2].data)[20] += 1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "output 20 can leave 32 bits", error);
    memset(b.memory[1], 0, b.values[1].count);
    CHECK_OK(prepare(&b, &error), error);
    ((int32_t *)b.values[2].data)[20] = INT32_MIN;
    CHECK_OK(prepare(&b, &error), error);
    CHECK_OK(b.node.run(&b.node, 0, b.node.work, &error), error);
    b.memory[1][20] = 1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "output 20 can leave 32 bits", error);
    close_bench(&b);
    open_matmul(&b, 131080);
    memset(b.memory[1], 0x01, b.values[1].count);
    CHECK_OK(prepare(&b, &error), error);
    memset(b.memory[1], 0x80, b.values[1].count);
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "can leave 32 bits", error);
    close_bench(&b);
}

/* The filter of a bench as the exporter packs it, with `run` elements of K together. */
static void pack_filter(bench *b, size_t run) {
    smr_value *filter = &b->values[1];
    const size_t outputs = (size_t)filter->dims[filter->rank - 1], rows = filter->count / outputs;
    const size_t padded = (run + 3) / 4 * 4, panels = (outputs + 15) / 16;
    const size_t panel = rows / run * padded * 16;
    uint8_t *packed = calloc(panels * panel, 1);
    size_t k, n;
    if (packed == NULL) {
        exit(EXIT_FAILURE);
    }
    for (k = 0; k < rows; ++k) {
        const size_t place = k / run * padded + k % run;
        for (n = 0; n < outputs; ++n) {
            packed[n / 16 * panel + place / 4 * 64 + n % 16 * 4 + place % 4] = b->memory[1][k * outputs + n];
        }
    }
    free(b->memory[1]);
    b->memory[1] = packed;
    filter->data = packed;
    filter->layout = SMR_LAYOUT_PANEL16X4;
    filter->run = (uint32_t)run;
}

static void check_panels(opener open, size_t run) {
    uint8_t expected[MOST_BYTES];
    smr_error error;
    bench b;
    open(&b);
    CHECK_OK(prepare(&b, &error), error);
    CHECK_OK(b.node.run(&b.node, 0, b.node.work, &error), error);
    memcpy(expected, b.memory[4], b.values[4].count);
    pack_filter(&b, run);
    CHECK_OK(prepare(&b, &error), error);
    memset(b.memory[4], 0xa5, b.values[4].count);
    CHECK_OK(b.node.run(&b.node, 0, b.node.work, &error), error);
    CHECK(memcmp(expected, b.memory[4], b.values[4].count) == 0);
    b.values[1].run = 1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "runs of 1", error);
    close_bench(&b);
}

static void check_softmax_tables(void) {
    smr_error error;
    int32_t *table;
    bench b;
    open_softmax(&b);
    table = b.values[1].data;
    table[0] = 0;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "table element 0", error);
    table[0] = 1 << 23;
    table[200] = -1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "table element 200", error);
    table[200] = (1 << 24) + 1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "table element 200", error);
    close_bench(&b);
}

static void check_attributes(void) {
    smr_error error;
    bench b;
    open_add(&b);
    b.node.attributes.quantized_add.x_multiplier = (1 << 22) + 1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "integer multiplier", error);
    b.node.attributes.quantized_add.x_multiplier = INT32_MIN;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "integer multiplier", error);
    b.node.attributes.quantized_add.x_multiplier = 0;
    b.node.attributes.quantized_add.y_zero_point = 128;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "zero point 128", error);
    b.node.attributes.quantized_add.y_zero_point = 0;
    b.node.attributes.quantized_add.activation_min = 5;
    b.node.attributes.quantized_add.activation_max = 4;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "activation range 5..4", error);
    b.node.attributes.quantized_add.activation_max = 5;
    b.node.attributes.quantized_add.rounding = 1;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_UNSUPPORTED, "rounding 1", error);
    close_bench(&b);
    open_average_pool(&b);
    b.node.attributes.quantized_average_pool2d.pool_size.values[0] = INT32_MAX;
    CHECK(prepare(&b, &error) == SMR_ERROR_MODEL);
    close_bench(&b);
    open_mean(&b);
    b.node.attributes.quantized_mean.axes.values[0] = INT32_MIN;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "axis", error);
    close_bench(&b);
}

int main(void) {
    size_t i;
    for (i = 0; i < sizeof openers / sizeof openers[0]; ++i) {
        check_partitions(openers[i]);
        check_shapes_are_refused(openers[i]);
    }
    check_constants(open_conv2d, 1, 3);
    check_constants(open_depthwise, 1, 3);
    check_constants(open_small_matmul, 1, 3);
    check_constants(open_softmax, 1, 1);
    check_constants(open_lookup_table, 1, 1);
    check_multipliers(open_conv2d);
    check_multipliers(open_depthwise);
    check_sums();
    check_panels(open_conv2d, 9);
    check_panels(open_conv2d, 3);
    check_panels(open_small_matmul, 37);
    check_softmax_tables();
    check_attributes();
    return check_result();
}
