/* Element-wise kernels and reductions on nodes made by hand: any partition of the work and any allowed
 * overlap of the output with an input give the same bytes, and shapes that contradict each other are refused.
 */
#include "check.h"
#include "kernels/registry.h"

#define MOST_BYTES 4096

/* Shapes end with -1. */
typedef struct sample {
    uint16_t opcode;
    uint8_t input_dtype;
    uint8_t output_dtype;
    int input_count;
    int32_t shapes[4][SMR_MAX_RANK + 1]; /* of the inputs, and then of the output */
    smr_ints8 axes;                      /* of reductions; the first is the axis of argmax */
} sample;

#define F32 SMR_DTYPE_FLOAT32
#define F16 SMR_DTYPE_FLOAT16
#define I8  SMR_DTYPE_INT8
#define U8  SMR_DTYPE_UINT8
#define I16 SMR_DTYPE_INT16
#define I32 SMR_DTYPE_INT32
#define I64 SMR_DTYPE_INT64
#define B   SMR_DTYPE_BOOL

static const sample samples[] = {
    {SMR_OP_ADD, F32, F32, 2, {{3, 70, -1}, {3, 70, -1}, {3, 70, -1}}, {0, {0}}},
    {SMR_OP_ADD, F16, F16, 2, {{3, 70, -1}, {70, -1}, {3, 70, -1}}, {0, {0}}},
    {SMR_OP_SUBTRACT, I8, I8, 2, {{3, 1, -1}, {2, 1, 70, -1}, {2, 3, 70, -1}}, {0, {0}}},
    {SMR_OP_MULTIPLY, I64, I64, 2, {{2, 1, 3, 1, 2, -1}, {1, 4, 1, 2, 1, -1}, {2, 4, 3, 2, 2, -1}}, {0, {0}}},
    {SMR_OP_MAXIMUM, U8, U8, 2, {{-1}, {130, -1}, {130, -1}}, {0, {0}}},
    {SMR_OP_EQUAL, I16, B, 2, {{5, 7, -1}, {7, -1}, {5, 7, -1}}, {0, {0}}},
    {SMR_OP_LESS, F32, B, 2, {{5, 1, -1}, {1, 7, -1}, {5, 7, -1}}, {0, {0}}},
    {SMR_OP_LOGICAL_XOR, B, B, 2, {{5, 7, -1}, {5, 7, -1}, {5, 7, -1}}, {0, {0}}},
    {SMR_OP_RELU, F32, F32, 1, {{2, 3, 33, -1}, {2, 3, 33, -1}}, {0, {0}}},
    {SMR_OP_SQUARE, I32, I32, 1, {{99, -1}, {99, -1}}, {0, {0}}},
    {SMR_OP_REDUCE_SUM, F32, F32, 1, {{4, 130, -1}, {130, -1}}, {1, {0}}},
    {SMR_OP_REDUCE_SUM, F32, F32, 1, {{4, 130, -1}, {4, -1}}, {1, {1}}},
    {SMR_OP_REDUCE_PROD, I8, I8, 1, {{2, 3, 4, 5, -1}, {3, 5, -1}}, {2, {0, -2}}},
    {SMR_OP_REDUCE_MAX, F16, F16, 1, {{2, 3, 4, 67, -1}, {2, 4, -1}}, {2, {1, 3}}},
    {SMR_OP_REDUCE_ANY, B, B, 1, {{3, 5, 7, -1}, {3, 7, -1}}, {1, {1}}},
    {SMR_OP_SUM_TO, I32, I32, 1, {{2, 3, 4, -1}, {3, 1, -1}}, {0, {0}}},
    {SMR_OP_ARGMAX, F32, I64, 1, {{3, 70, 2, -1}, {3, 2, -1}}, {1, {1}}},
    {SMR_OP_ARGMIN, U8, I32, 1, {{5, 70, -1}, {5, -1}}, {1, {-1}}},
};

#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

typedef struct bench {
    smr_node node;
    smr_value values[4];
    int32_t dims[4][SMR_MAX_RANK];
    const smr_value *inputs[3];
    smr_value *outputs[1];
    uint8_t *memory[4]; /* of exactly the tensors' bytes, so that a sanitizer sees what lies outside */
    size_t bytes[4];
} bench;

static void fill_value(smr_value *value, int32_t *dims, const int32_t *shape, uint8_t dtype) {
    memset(value, 0, sizeof *value);
    value->dtype = dtype;
    value->count = 1;
    value->dims = dims;
    for (; shape[value->rank] >= 0; ++value->rank) {
        dims[value->rank] = shape[value->rank];
        value->count *= (size_t)shape[value->rank];
    }
}

/* Numbers of a small range; floating-point ones with a fraction. */
static void fill_data(uint8_t *data, const smr_value *value, uint32_t seed) {
    const size_t size = smr_dtype_size((smr_dtype)value->dtype);
    size_t i;
    for (i = 0; i < value->count; ++i) {
        const uint32_t random = (seed = seed * 1664525u + 1013904223u) >> 16;
        const float number = ((float)(random % 2001u) - 1000.0f) / 300.0f;
        const uint16_t half = (uint16_t)((random % 2u << 15) | (0x3800u + random % 0x800u));
        const int64_t integer = value->dtype == B ? random % 2u : random % 100u;
        const void *source = value->dtype == F32   ? (const void *)&number
                             : value->dtype == F16 ? (const void *)&half
                                                   : (const void *)&integer;
        memcpy(data + i * size, source, size); /* the low bytes of an integer; hosts are little-endian */
    }
}

static void open_bench(bench *b, const sample *s) {
    int i;
    memset(b, 0, sizeof *b);
    for (i = 0; i <= s->input_count; ++i) {
        const bool output = i == s->input_count;
        smr_value *value = &b->values[i];
        fill_value(value, b->dims[i], s->shapes[i], output ? s->output_dtype : s->input_dtype);
        b->bytes[i] = value->count * smr_dtype_size((smr_dtype)value->dtype);
        b->memory[i] = malloc(b->bytes[i] > 0 ? b->bytes[i] : 1);
        if (b->memory[i] == NULL) {
            exit(EXIT_FAILURE);
        }
        value->data = b->memory[i];
        if (output) {
            b->outputs[0] = value;
        } else {
            fill_data(b->memory[i], value, (uint32_t)i + 7u);
            b->inputs[i] = value;
        }
    }
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = (uint8_t)s->input_count;
    b->node.output_count = 1;
    if (s->opcode == SMR_OP_ARGMAX || s->opcode == SMR_OP_ARGMIN) {
        b->node.attributes.argmax.axis = s->axes.values[0];
        b->node.attributes.argmax.output_type = s->output_dtype;
    } else if (s->axes.count > 0) {
        b->node.attributes.reduce_sum.axes = s->axes;
    }
    b->node.kernel = smr_kernel_select(s->opcode, &b->node);
}

static void close_bench(bench *b) {
    int i;
    for (i = 0; i < 4; ++i) {
        free(b->memory[i]);
    }
}

static smr_status prepare(bench *b, smr_error *error) {
    memset(&b->node.room, 0, sizeof b->node.room);
    b->node.parameters = b->node.room.bytes;
    return b->node.kernel->prepare(&b->node, error);
}

static void check_partitions(const sample *s) {
    uint8_t expected[MOST_BYTES];
    smr_error error;
    size_t split, work;
    bench b;
    open_bench(&b, s);
    if (!CHECK(b.node.kernel != NULL) || !CHECK(b.bytes[s->input_count] <= sizeof expected)) {
        close_bench(&b);
        return;
    }
    CHECK_OK(prepare(&b, &error), error);
    work = b.node.work;
    CHECK(work == b.outputs[0]->count);
    CHECK_OK(b.node.run(&b.node, 0, work, &error), error);
    memcpy(expected, b.memory[s->input_count], b.bytes[s->input_count]);
    for (split = 0; split <= work; ++split) {
        memset(b.memory[s->input_count], 0xa5, b.bytes[s->input_count]);
        if (split < work) {
            CHECK_OK(b.node.run(&b.node, split, work, &error), error);
        }
        if (split > 0) {
            CHECK_OK(b.node.run(&b.node, 0, split, &error), error);
        }
        CHECK(memcmp(expected, b.memory[s->input_count], b.bytes[s->input_count]) == 0);
    }
    close_bench(&b);
}

/* Over each input of the size and dtype of the output. */
static void check_in_place(const sample *s) {
    uint8_t expected[MOST_BYTES];
    smr_error error;
    int i;
    if (s->opcode >= SMR_OP_REDUCE_SUM && s->opcode < SMR_OP_ADD) {
        return;
    }
    for (i = 0; i < s->input_count; ++i) {
        bench b;
        open_bench(&b, s);
        if (b.values[i].dtype == s->output_dtype && b.bytes[i] == b.bytes[s->input_count]) {
            CHECK_OK(prepare(&b, &error), error);
            CHECK_OK(b.node.run(&b.node, 0, b.node.work, &error), error);
            memcpy(expected, b.memory[s->input_count], b.bytes[s->input_count]);
            b.outputs[0]->data = b.memory[i];
            CHECK_OK(b.node.run(&b.node, 0, b.node.work, &error), error);
            CHECK(memcmp(expected, b.memory[i], b.bytes[i]) == 0);
        }
        close_bench(&b);
    }
}

/* One dimension, or the rank, of the output is not what the inputs give. */
static void check_shapes_are_refused(const sample *s) {
    smr_error error;
    int32_t i;
    bench b;
    open_bench(&b, s);
    for (i = 0; i < b.outputs[0]->rank; ++i) {
        int32_t *dims = b.dims[s->input_count];
        dims[i] += 1;
        CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "dimension", error);
        dims[i] -= 1;
    }
    b.dims[s->input_count][b.outputs[0]->rank++] = 1;
    memset(&error, 0, sizeof error);
    CHECK(prepare(&b, &error) == SMR_ERROR_MODEL);
    CHECK(strstr(error.message, "rank") != NULL || strstr(error.message, "dimension") != NULL);
    close_bench(&b);
}

static void check_attributes_are_refused(void) {
    static const int32_t bad[] = {2, -3, INT32_MAX, INT32_MIN};
    const sample sum = {SMR_OP_REDUCE_SUM, F32, F32, 1, {{4, 5, -1}, {5, -1}}, {1, {0}}};
    const sample place = {SMR_OP_ARGMAX, F32, I64, 1, {{4, 5, -1}, {5, -1}}, {1, {0}}};
    const sample clip = {SMR_OP_CLIP, F32, F32, 1, {{4, -1}, {4, -1}}, {0, {0}}};
    smr_error error;
    size_t i;
    bench b;
    for (i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        open_bench(&b, &sum);
        b.node.attributes.reduce_sum.axes.values[0] = bad[i];
        CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "axis", error);
        close_bench(&b);
        open_bench(&b, &place);
        b.node.attributes.argmax.axis = bad[i];
        CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "axis", error);
        close_bench(&b);
    }
    open_bench(&b, &sum);
    b.node.attributes.reduce_sum.axes.count = 2;
    b.node.attributes.reduce_sum.axes.values[1] = -2;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "twice", error);
    close_bench(&b);
    open_bench(&b, &place);
    b.node.attributes.argmax.output_type = I32;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "output_type", error);
    close_bench(&b);
    open_bench(&b, &clip);
    b.node.attributes.clip.minimum = 1.0f;
    CHECK_FAILS(prepare(&b, &error), SMR_ERROR_MODEL, "minimum", error);
    close_bench(&b);
}

int main(void) {
    size_t i;
    for (i = 0; i < SAMPLE_COUNT; ++i) {
        check_partitions(&samples[i]);
        check_in_place(&samples[i]);
        check_shapes_are_refused(&samples[i]);
    }
    check_attributes_are_refused();
    return check_result();
}
