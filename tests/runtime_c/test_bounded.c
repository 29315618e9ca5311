/* Kernels on nodes whose windows are far larger than their tensors: each must be refused, or be done in time
 * that follows from the sizes of the tensors. A kernel that walks through padding would run for days here. */
#include "check.h"
#include "kernels/registry.h"
#include "platform/platform.h"

#define LARGE INT32_MAX

/* A bench of one node. Tensors without elements have memory all the same, so that no pointer is null. */
typedef struct bench {
    smr_node node;
    smr_value values[4];
    int32_t dims[4][4];
    const smr_value *inputs[3];
    smr_value *output;
    float memory[4][4096];
} bench;

static bench the_bench;

static void set_value(bench *b, int index, int32_t n, int32_t h, int32_t w, int32_t c) {
    smr_value *value = &b->values[index];
    int32_t *dims = b->dims[index];
    size_t count = 1;
    int i;
    memset(value, 0, sizeof *value);
    value->dims = dims;
    dims[0] = n;
    dims[1] = h;
    dims[2] = w;
    dims[3] = c;
    for (i = 0; i < 4; ++i) {
        count = dims[i] == 0 ? 0 : count;
    }
    for (i = 0; i < 4 && count > 0; ++i) {
        count *= (size_t)dims[i];
    }
    value->rank = 4;
    value->count = count;
    value->dtype = SMR_DTYPE_FLOAT32;
    value->storage = SMR_STORAGE_ARENA;
    value->data = b->memory[index];
}

static bench *begin(uint16_t opcode, int input_count) {
    bench *b = &the_bench;
    int i;
    memset(b, 0, sizeof *b);
    b->node.parameters = b->node.room.bytes;
    b->node.inputs = b->inputs;
    b->node.outputs = &b->output;
    b->node.input_count = (uint8_t)input_count;
    b->node.output_count = 1;
    b->output = &b->values[3];
    for (i = 0; i < 4096; ++i) {
        b->memory[0][i] = b->memory[1][i] = b->memory[2][i] = 1.0f;
    }
    for (i = 0; i < input_count; ++i) {
        b->inputs[i] = &b->values[i];
    }
    b->node.kernel = smr_kernel_select(opcode, &b->node);
    CHECK(b->node.kernel != NULL);
    return b;
}

/* Prepares and runs; whether it was not refused. */
static bool finish(bench *b, const char *what) {
    const uint64_t start = smr_platform_clock();
    smr_error error;
    memset(&error, 0, sizeof error);
    if (b->node.kernel->prepare(&b->node, &error) != SMR_OK) {
        return false;
    }
    if (b->node.work > 0) {
        CHECK(b->node.run(&b->node, 0, b->node.work, &error) == SMR_OK);
    }
    if (!CHECK(smr_platform_clock() - start < 20000000000u)) {
        fprintf(stderr, "    %s\n", what);
    }
    return true;
}

static const smr_ints2 one_by_one = {2, {1, 1}};

static void set_conv(bench *b, int32_t top, int32_t bottom) {
    smr_conv2d_attributes *a = &b->node.attributes.conv2d;
    a->strides = one_by_one;
    a->dilations = one_by_one;
    a->padding = SMR_PADDING_EXPLICIT;
    a->paddings.count = 4;
    a->paddings.values[0] = top;
    a->paddings.values[1] = bottom;
    a->groups = 1;
}

/* A filter of no channels may have any number of taps. */
static void test_empty_filter(void) {
    bench *b = begin(SMR_OP_CONV2D, 3);
    b->inputs[2] = NULL;
    set_value(b, 0, 1, LARGE, 1, 0);
    set_value(b, 1, LARGE - 1, 1, 0, 1);
    set_value(b, 3, 1, 2, 1, 1);
    set_conv(b, 0, 0);
    CHECK(finish(b, "conv2d without channels"));
    CHECK(b->memory[3][0] == 0.0f && b->memory[3][1] == 0.0f);
    set_value(b, 0, 1, 1, 1, 0);
    set_conv(b, LARGE - 2, 1);
    CHECK(finish(b, "conv2d without channels, in padding"));
}

/* Thousands of taps and positions: each position sees the only pixel by one tap. */
static void test_padding(void) {
    bench *b = begin(SMR_OP_CONV2D, 3);
    b->inputs[2] = NULL;
    set_value(b, 0, 1, 1, 1, 1);
    set_value(b, 1, 2048, 1, 1, 1);
    set_value(b, 3, 1, 4096, 1, 1);
    set_conv(b, 3071, 3071);
    CHECK(finish(b, "conv2d in padding"));
    CHECK(b->memory[3][1023] == 0.0f && b->memory[3][1024] == 1.0f && b->memory[3][3071] == 1.0f);
    set_value(b, 1, 1, 1, 1, 1);
    set_conv(b, 2000, 2095);
    CHECK(finish(b, "conv2d whose positions lie in padding"));
    CHECK(b->memory[3][1999] == 0.0f && b->memory[3][2000] == 1.0f && b->memory[3][2001] == 0.0f);
}

static void test_gradients(void) {
    bench *b = begin(SMR_OP_CONV2D_BACKPROP_INPUT, 3);
    smr_conv2d_backprop_input_attributes *a = &b->node.attributes.conv2d_backprop_input;
    smr_conv2d_backprop_filter_attributes *c;
    a->strides = one_by_one;
    a->dilations = one_by_one;
    a->padding = SMR_PADDING_EXPLICIT;
    a->paddings.count = 4;
    a->paddings.values[0] = LARGE - 2;
    a->paddings.values[1] = 1;
    a->groups = 1;
    b->inputs[0] = NULL;
    set_value(b, 1, LARGE - 1, 1, 1, 0);
    set_value(b, 2, 1, 1, 1, 0);
    set_value(b, 3, 1, 1, 1, 1);
    CHECK(!finish(b, "conv2d_backprop_input of wrong positions"));
    set_value(b, 2, 1, 2, 1, 0);
    CHECK(finish(b, "conv2d_backprop_input without outputs"));
    CHECK(b->memory[3][0] == 0.0f);

    b = begin(SMR_OP_CONV2D_BACKPROP_FILTER, 3);
    c = &b->node.attributes.conv2d_backprop_filter;
    c->strides = one_by_one;
    c->dilations = one_by_one;
    c->padding = SMR_PADDING_SAME;
    c->paddings.count = 4;
    c->groups = 1;
    b->inputs[1] = NULL;
    set_value(b, 0, LARGE, 0, 1, 1);
    set_value(b, 2, LARGE, 0, 1, 1);
    set_value(b, 3, 1, 1, 1, 1);
    CHECK(finish(b, "conv2d_backprop_filter of many empty images"));
    CHECK(b->memory[3][0] == 0.0f);
}

/* A window larger than the padded input is refused; with padding "same" only its pixels are looked at. */
static void test_pools(void) {
    bench *b = begin(SMR_OP_MAX_POOL2D, 1);
    smr_max_pool2d_attributes *a = &b->node.attributes.max_pool2d;
    a->pool_size.count = 2;
    a->pool_size.values[0] = LARGE;
    a->pool_size.values[1] = LARGE;
    a->strides = one_by_one;
    a->paddings.count = 4;
    set_value(b, 0, 1, 3, 3, 1);
    set_value(b, 3, 1, 1, 1, 1);
    CHECK(!finish(b, "max_pool2d with a window beyond the input"));
    a->padding = SMR_PADDING_EXPLICIT;
    a->paddings.values[0] = a->paddings.values[2] = LARGE;
    CHECK(!finish(b, "max_pool2d with padding as large as the window"));
    a->padding = SMR_PADDING_SAME;
    set_value(b, 3, 1, 3, 3, 1);
    CHECK(finish(b, "max_pool2d with a large window"));
    CHECK(b->memory[3][0] == 1.0f);
}

int main(void) {
    test_empty_filter();
    test_padding();
    test_gradients();
    test_pools();
    return check_result();
}
