/* Ops that follow another: which do, of nodes made by hand, and that nothing else is computed for it. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "core/context.h"
#include "follower.h"

#define CHANNELS 16
#define ELEMENTS 64 /* of a value made by hand */

/* ---- Which nodes follow */

/* A node that completes its output, and one after it; places are elements of an arena. */
typedef struct pair {
    size_t input, output; /* of the first */
    size_t read, written; /* of the second */
    size_t other, others; /* elements of another input of the second; 0 for none */
    uint32_t row;         /* of what the second reads and writes, if that is strided */
    uint16_t items, completes;
    bool elements, late, follows;
} pair;

static const pair pairs[] = {
    {0, 64, 64, 64, 0, 0, 0, 4, 1, true, false, true},     /* in place */
    {0, 64, 64, 128, 0, 0, 0, 4, 1, true, false, true},    /* elsewhere */
    {0, 64, 64, 128, 192, 64, 0, 4, 1, true, false, true}, /* with an operand from before */
    {0, 64, 64, 192, 192, 64, 0, 4, 1, true, false, true}, /* over it */
    {0, 64, 64, 128, 0, 64, 0, 4, 1, true, false, true},   /* which the first reads too */
    {0, 64, 64, 128, 192, 4, 0, 4, 1, true, false, true},  /* with one that is repeated */
    {0, 64, 64, 128, 64, 4, 0, 4, 1, true, false, false},  /* which the first writes */
    {0, 64, 64, 0, 0, 0, 0, 4, 1, true, false, false},     /* over what the first reads */
    {0, 64, 64, 32, 0, 0, 0, 4, 1, true, false, false},    /* over half of it */
    {0, 64, 64, 65, 0, 0, 0, 4, 1, true, false, false},    /* one element further on */
    {0, 64, 128, 192, 0, 0, 0, 4, 1, true, false, false},  /* reads something else */
    {0, 64, 64, 64, 0, 0, 16, 4, 1, true, false, false},   /* reads it as other rows */
    {0, 64, 64, 64, 0, 0, 0, 4, 1, false, false, false},   /* is not element-wise */
    {0, 64, 64, 64, 0, 0, 0, 4, 1, true, true, false},     /* has no size yet */
    {0, 64, 64, 64, 0, 0, 0, 4, 0, true, false, false},    /* the first does not complete it */
    {0, 64, 64, 64, 0, 0, 0, 12, 4, true, false, false},   /* three units are no work for two threads */
    {0, 64, 64, 64, 0, 0, 0, 28, 4, true, false, true},    /* seven are */
};

static smr_value value_at(float *arena, const int32_t *dims, size_t place, size_t count, uint32_t row) {
    smr_value value;
    memset(&value, 0, sizeof value);
    value.data = arena + place;
    value.count = count;
    value.dims = dims;
    value.rank = 2;
    value.dtype = SMR_DTYPE_FLOAT32;
    value.layout = row > 0 ? SMR_LAYOUT_STRIDED : SMR_LAYOUT_DENSE;
    value.row = row;
    return value;
}

static void test_pair(const pair *p, int number) {
    static const int32_t dims[] = {8, 8};
    float arena[8 * ELEMENTS];
    smr_value values[5] = {
        value_at(arena, dims, p->input, ELEMENTS, 0), value_at(arena, dims, p->output, ELEMENTS, 0),
        value_at(arena, dims, p->read, ELEMENTS, p->row), value_at(arena, dims, p->written, ELEMENTS, p->row),
        value_at(arena, dims, p->other, p->others, 0)};
    const smr_value *inputs[2][2] = {{&values[0], NULL}, {&values[2], p->others > 0 ? &values[4] : NULL}};
    smr_value *outputs[2] = {&values[1], &values[3]};
    smr_node nodes[2], *places[2] = {&nodes[0], &nodes[1]};
    smr_program program;
    int i;
    memset(nodes, 0, sizeof nodes);
    memset(&program, 0, sizeof program);
    for (i = 0; i < 2; ++i) {
        nodes[i].inputs = inputs[i];
        nodes[i].outputs = &outputs[i];
        nodes[i].input_count = 2;
        nodes[i].output_count = 1;
    }
    nodes[0].work = p->items;
    nodes[0].completes = p->completes;
    nodes[1].work = ELEMENTS;
    nodes[1].elements = p->elements;
    nodes[1].late = p->late;
    program.nodes = places;
    program.node_count = 2;
    smr_follow_plan(&program, 2);
    if (!CHECK((smr_follower(&nodes[0]) == &nodes[1]) == p->follows) || !CHECK(nodes[1].follower == 0)) {
        fprintf(stderr, "    pair %d\n", number);
    }
    smr_follow_plan(&program, 1);
    CHECK(nodes[0].follower == 0);
}

/* ---- Convolutions by minimal filtering, whose scratch nodes of test_tiles.c have no room for */

static void open_winograd(bench *b) {
    const int32_t x[] = {next_random(1, 2), next_random(3, 20), next_random(3, 20), CHANNELS};
    const int32_t filter[] = {6, 6, CHANNELS, CHANNELS};
    const int32_t y[] = {x[0], x[1] - 2, x[2] - 2, CHANNELS};
    smr_winograd_conv2d_attributes *a = &b->node.attributes.winograd_conv2d;
    memset(b, 0, sizeof *b);
    open_value(&b->values[0], SMR_DTYPE_FLOAT32, 4, x, 0);
    open_value(&b->values[1], SMR_DTYPE_FLOAT32, 4, filter, 0);
    open_value(&b->values[4], SMR_DTYPE_FLOAT32, 4, y, 0);
    b->values[1].layout = SMR_LAYOUT_PANEL16;
    b->values[1].storage = SMR_STORAGE_CONSTANT;
    b->inputs[0] = &b->values[0];
    b->inputs[1] = &b->values[1];
    b->outputs[0] = &b->values[4];
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = 3;
    b->node.output_count = 1;
    b->node.parameters = b->node.room.bytes;
    a->paddings.count = 4;
}

static void test_winograd(uint32_t isas) {
    smr_error error;
    bench b;
    open_winograd(&b);
    b.node.isas = isas;
    b.node.kernel = smr_kernel_select(SMR_OP_WINOGRAD_CONV2D, &b.node);
    CHECK_OK(b.node.kernel->prepare(&b.node, &error), error);
    b.node.scratch = guard_allocate(b.node.scratch_bytes, SMR_ALIGNMENT, false);
    CHECK_OK(b.node.run(&b.node, 0, b.node.work, &error), error);
    if (!CHECK(b.node.completes > 0) || !CHECK(followed_once(&b))) {
        fprintf(stderr, "    %s, %d by %d\n", b.node.kernel->name, (int)b.values[4].dims[1],
                (int)b.values[4].dims[2]);
    }
    guard_free(b.node.scratch);
    close_bench(&b);
}

/* ---- Contexts of a model */

static int32_t count_op(void *user, const smr_op_event *event) {
    (void)event;
    ++*(int *)user;
    return 0;
}

/* All parts on this thread, the last one first. */
static void run_backwards(void *user, smr_task task, void *argument, int32_t parts) {
    ++*(int *)user;
    while (parts-- > 0) {
        task(argument, parts);
    }
}

static void run_model(const smr_model *model, const smr_context_config *config, int times, float *result,
                      smr_context **context) {
    smr_error error;
    smr_tensor tensor;
    int32_t i;
    size_t k;
    CHECK_OK(smr_context_create(model, config, NULL, 0, context, &error), error);
    while (times-- > 0) {
        for (i = 0; i < 2; ++i) {
            CHECK_OK(smr_context_input(*context, 0, i, &tensor, &error), error);
            for (k = 0; k < tensor.bytes / sizeof(float); ++k) {
                ((float *)tensor.data)[k] = (float)(k * 37 % 101) / 50.0f - 1.0f;
            }
        }
        CHECK_OK(smr_run(*context, 0, &error), error);
        CHECK_OK(smr_context_output(*context, 0, 0, &tensor, &error), error);
        memcpy(result, tensor.data, tensor.bytes);
    }
}

static void test_model(void) {
    enum { COUNT = 8 * 8 * CHANNELS };
    float apart[COUNT], followed[COUNT];
    check_file file;
    smr_model *model = check_load("follow.smr", &file);
    smr_context_config config;
    smr_context *context;
    smr_error error;
    smr_pool *pool = NULL;
    int told = 0, calls = 0;
    smr_context_config_init(&config);
    config.op_callback = count_op;
    config.op_callback_user = &told;
    run_model(model, &config, 1, apart, &context);
    CHECK(told == 7);
    smr_context_free(context);
    smr_context_config_init(&config);
    config.threads = 2;
    config.parallel_for = run_backwards;
    config.parallel_for_user = &calls;
    config.least_parallel_ns = 1;
    run_model(model, &config, 1, followed, &context);
    CHECK(memcmp(apart, followed, sizeof apart) == 0);
    if (smr_platform_isas() != 0) {
        smr_node *const *nodes = context->programs[0].nodes;
        CHECK(context->programs[0].node_count == 7);
        CHECK(smr_follow_count(nodes[0]) == 2 && smr_follow_count(nodes[3]) == 0 &&
              smr_follow_count(nodes[5]) == 1);
        CHECK(calls == 4);
    }
    smr_context_free(context);
    CHECK_OK(smr_pool_create(3, NULL, NULL, 0, &pool, &error), error);
    smr_context_config_init(&config);
    config.pool = pool;
    config.threads = 2;
    config.least_parallel_ns = 1;
    memset(followed, 0, sizeof followed);
    run_model(model, &config, 100, followed, &context);
    CHECK(memcmp(apart, followed, sizeof apart) == 0);
    smr_context_free(context);
    smr_pool_free(pool);
    smr_model_free(model);
    free(file.block);
}

int main(int argc, char **argv) {
    const int cases = count_cases(argc, argv, 20);
    const char *name;
    uint32_t index, isa;
    size_t i;
    int number;
    for (i = 0; i < sizeof pairs / sizeof pairs[0]; ++i) {
        test_pair(&pairs[i], (int)i);
    }
    for (number = 0; number < cases; ++number) {
        for (index = 0; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
            const uint32_t allowed = index == 0 ? 0 : smr_isa_limit(smr_platform_isas(), name);
            if (allowed != UINT32_MAX) {
                test_winograd(allowed);
            }
        }
    }
    test_model();
    return check_result();
}
