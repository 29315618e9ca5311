/* A file that loads can be run, at any dimensions and on any inputs: each call gives SMR_OK or a status that
 * its documentation names. */
#include "core/context.h"
#include "fuzz_target.h"

/* Models beyond these are legitimate, and slow: they would only hold a fuzzer up. */
#define FUZZ_CONTEXT_LIMIT ((size_t)64 << 20)
#define FUZZ_WORK_LIMIT    ((uint64_t)1 << 24)
#define FUZZ_MOST_OPS      4096u

/* Repeatable numbers, from the bytes of the file. */
typedef struct fuzz_random {
    uint64_t state;
} fuzz_random;

static fuzz_random random_from(const uint8_t *data, size_t size) {
    fuzz_random random = {0xcbf29ce484222325u};
    size_t i;
    for (i = 0; i < size; ++i) {
        random.state = (random.state ^ data[i]) * 0x100000001b3u;
    }
    return random;
}

static uint32_t random_next(fuzz_random *random) {
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (uint32_t)(random->state >> 32);
}

/* A bound of the elements that an op touches: each element of an output may need all of the inputs. */
static uint64_t work_of_node(const smr_node *node) {
    uint64_t read = 1, written = 1;
    int32_t i;
    for (i = 0; i < node->input_count; ++i) {
        read += node->inputs[i] == NULL ? 0 : node->inputs[i]->count;
    }
    for (i = 0; i < node->output_count; ++i) {
        written += node->outputs[i]->count;
    }
    return read > FUZZ_WORK_LIMIT || written > FUZZ_WORK_LIMIT ? FUZZ_WORK_LIMIT : read * written;
}

/* A loop may take as many steps as the file says; without a callback nothing stops it before. */
static uint64_t steps_of_node(const smr_program *program, const smr_node *node) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, node->index));
    return op.opcode == SMR_OP_WHILE_LOOP ? (uint64_t)node->attributes.while_loop.maximum_trip_count : 0;
}

static bool takes_long(const smr_context *context) {
    uint64_t work = 0, steps = 1;
    uint32_t i, k;
    for (i = 0; i < context->model->programs.count; ++i) {
        const smr_program *program = &context->programs[i];
        for (k = 0; k < program->node_count && work < FUZZ_WORK_LIMIT; ++k) {
            const smr_node *node = program->nodes[k];
            work += work_of_node(node);
            steps = (steps > FUZZ_WORK_LIMIT ? FUZZ_WORK_LIMIT : steps) * (1 + steps_of_node(program, node));
        }
    }
    return work >= FUZZ_WORK_LIMIT || steps >= FUZZ_WORK_LIMIT;
}

/* Stops a run after so many ops that it must be in a loop. */
static int32_t count_op(void *user, const smr_op_event *event) {
    uint32_t *count = user;
    smr_tensor tensor;
    FUZZ_REQUIRE(event->program >= 0 && event->index >= 0);
    FUZZ_REQUIRE(smr_context_program_tensor(event->context, event->program, 0, &tensor, NULL) == SMR_OK);
    return ++*count % FUZZ_MOST_OPS == 0;
}

/* Random bytes are mostly indices out of range and not-a-numbers, so most inputs get small numbers. */
static void fill_input(const smr_tensor *tensor, fuzz_random *random) {
    const size_t size = smr_dtype_size(tensor->dtype);
    const uint32_t kind = random_next(random) % 4;
    uint8_t *data = tensor->data;
    size_t i;
    for (i = 0; i < tensor->bytes; ++i) {
        data[i] = (uint8_t)random_next(random);
    }
    for (i = 0; kind != 0 && i < tensor->bytes / size; ++i) {
        const int32_t small = (int32_t)(random_next(random) % 9) - (kind == 1 ? 0 : 4);
        const float real = (float)small * 0.75f;
        const int64_t whole = small;
        if (tensor->dtype == SMR_DTYPE_FLOAT32) {
            memcpy(data + i * size, &real, size);
        } else if (tensor->dtype == SMR_DTYPE_FLOAT16) {
            const uint16_t half = (uint16_t)(0x3c00 + small * 64);
            memcpy(data + i * size, &half, size);
        } else {
            memcpy(data + i * size, &whole, size);
        }
    }
}

static void run_signature(smr_context *context, int32_t signature, fuzz_random *random) {
    smr_signature_info info;
    smr_tensor tensor;
    smr_status status;
    volatile uint8_t sink = 0;
    int32_t i;
    size_t k;
    FUZZ_REQUIRE(smr_model_signature(context->model, signature, &info, NULL) == SMR_OK);
    for (i = 0; i < info.input_count; ++i) {
        FUZZ_REQUIRE(smr_context_input(context, signature, i, &tensor, NULL) == SMR_OK);
        fill_input(&tensor, random);
    }
    status = smr_run(context, signature, NULL);
    FUZZ_REQUIRE(status == SMR_OK || status == SMR_ERROR_DATA || status == SMR_ERROR_CANCELLED);
    for (i = 0; i < info.output_count; ++i) {
        FUZZ_REQUIRE(smr_context_output(context, signature, i, &tensor, NULL) == SMR_OK);
        for (k = 0; k < tensor.bytes; ++k) {
            sink = (uint8_t)(sink ^ ((const uint8_t *)tensor.data)[k]);
        }
    }
}

static void run_all(smr_context *context, const smr_model_info *info, fuzz_random *random) {
    int32_t i;
    for (i = 0; i < info->signature_count && i < 4; ++i) {
        run_signature(context, i, random);
    }
}

/* One dimension, to a value within or just outside its bounds. */
static void change_dimension(smr_context *context, int32_t index, fuzz_random *random) {
    smr_dimension_info dimension;
    int32_t value;
    smr_status status;
    FUZZ_REQUIRE(smr_model_dimension(context->model, index, &dimension, NULL) == SMR_OK);
    switch (random_next(random) % 4) {
        case 0: value = dimension.minimum; break;
        case 1: value = dimension.minimum - 1; break;
        default:
            value =
                (int32_t)(dimension.minimum + (int64_t)(random_next(random) % ((int64_t)dimension.maximum -
                                                                               dimension.minimum + 1)));
            break;
    }
    status = smr_context_set_dimension(context, dimension.name, value, NULL);
    if (dimension.computed) {
        FUZZ_REQUIRE(status == SMR_ERROR_ARGUMENT);
        return;
    }
    FUZZ_REQUIRE(status == SMR_OK || status == SMR_ERROR_DIMENSION || status == SMR_ERROR_MODEL ||
                 status == SMR_ERROR_UNSUPPORTED);
    FUZZ_REQUIRE((value >= dimension.minimum) == (status != SMR_ERROR_DIMENSION));
}

/* Parts one after the other, the last one first: several threads without their chance. */
static void run_reversed(void *user, smr_task task, void *argument, int32_t parts) {
    (void)user;
    while (parts-- > 0) {
        task(argument, parts);
    }
}

/* A config with a callback, one that cuts whatever can be cut, or none. */
static const smr_context_config *choose_config(smr_context_config *config, uint32_t *count,
                                               fuzz_random *random) {
    const uint32_t kind = random_next(random) % 3;
    smr_context_config_init(config);
    if (kind == 1) {
        config->op_callback = count_op;
        config->op_callback_user = count;
    } else {
        config->parallel_for = run_reversed;
        config->threads = 2 + (int32_t)(random_next(random) % 3);
        config->least_parallel_ns = 1;
    }
    return kind == 0 ? NULL : config;
}

static void run_model(const smr_model *model, fuzz_random *random) {
    const smr_context_config *chosen;
    smr_context *context = NULL;
    smr_model_info info;
    smr_context_config config;
    size_t bytes, alignment;
    uint32_t count = 0;
    int32_t i, k;
    FUZZ_REQUIRE(smr_model_get_info(model, &info, NULL) == SMR_OK);
    chosen = choose_config(&config, &count, random);
    FUZZ_REQUIRE(smr_context_memory(model, chosen, &bytes, &alignment, NULL) == SMR_OK);
    if (bytes > FUZZ_CONTEXT_LIMIT) {
        return;
    }
    FUZZ_REQUIRE(smr_context_create(model, chosen, NULL, 0, &context, NULL) == SMR_OK);
    if (!takes_long(context)) {
        const smr_status status = smr_self_test(context, 0.001f, NULL);
        FUZZ_REQUIRE(status == SMR_OK || status == SMR_ERROR_MISMATCH || status == SMR_ERROR_DATA ||
                     status == SMR_ERROR_CANCELLED);
        run_all(context, &info, random);
        for (k = 0; k < 3 && info.dimension_count > 0; ++k) {
            for (i = 0; i < info.dimension_count && i < 4; ++i) {
                change_dimension(context, i, random);
            }
            run_all(context, &info, random);
        }
        smr_context_reset(context);
    }
    smr_context_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *block;
    const uint8_t *bytes = fuzz_copy(data, size, &block);
    fuzz_random random = random_from(data, size);
    smr_model *model = NULL;
    if (smr_model_load(bytes, size, NULL, &model, NULL) == SMR_OK) {
        run_model(model, &random);
        smr_model_free(model);
    }
    free(block);
    return 0;
}
