/* test_dispatch [--tell] FILE.smr...: a run calls the kernels of a program's nodes, in their order, and does
 * nothing else that shows: what it computes is what they compute when they are called one after the other.
 *
 * With --tell it says how long either takes, of which the difference is what a run adds to its ops. */
#include "check.h"
#include "core/context.h"
#include "platform/platform.h"

#define ROUNDS 2000 /* of which the least is told */

/* Whether a run of a program is nothing but calls of kernels. */
static bool is_plain(const smr_program *program) {
    uint32_t i;
    for (i = 0; i < program->node_count; ++i) {
        const uint16_t opcode = program->nodes[i]->kernel->opcode;
        if (program->nodes[i]->late || opcode == SMR_OP_COND || opcode == SMR_OP_WHILE_LOOP ||
            opcode == SMR_OP_DIMENSION) {
            return false;
        }
    }
    return true;
}

static smr_status call_kernels(const smr_program *program, smr_error *error) {
    uint32_t i;
    for (i = 0; i < program->node_count; ++i) {
        const smr_node *node = program->nodes[i];
        if (node->work > 0) {
            SMR_TRY(node->run(node, 0, node->work, error));
        }
    }
    return SMR_OK;
}

static smr_status run_alone(const smr_program *program, smr_error *error) {
    const uint64_t floats = smr_platform_set_floats();
    const smr_status status = call_kernels(program, error);
    smr_platform_restore_floats(floats);
    return status;
}

/* State, inputs and all else of the arena as before the first run. */
static void begin(smr_context *context) {
    smr_context_reset(context);
    if (context->model->arena_bytes > 0) {
        memset(context->arena, 0, context->model->arena_bytes);
    }
}

/* A node has as many inputs as it says it has: its outputs come after them. */
static void check_operands(const smr_program *program) {
    uint32_t i;
    for (i = 0; i < program->node_count; ++i) {
        const smr_node *node = program->nodes[i];
        CHECK((const void *)(node->inputs + node->input_count) == (const void *)node->outputs);
    }
}

/* Everything in the arena after a signature has been run with zeros for inputs. */
static void check_signature(smr_context *context, int32_t signature, const char *path) {
    const smr_program *program = smr_context_program_of(context, signature);
    const size_t bytes = context->model->arena_bytes;
    uint8_t *expected = malloc(bytes + 1);
    smr_status status;
    smr_error error;
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    check_operands(program);
    begin(context);
    status = smr_run(context, signature, &error);
    memcpy(expected, context->arena, bytes);
    begin(context);
    CHECK(run_alone(program, &error) == status); /* zeros may be refused */
    if (!CHECK(memcmp(expected, context->arena, bytes) == 0)) {
        fprintf(stderr, "    %s: signature %d\n", path, (int)signature);
    }
    free(expected);
}

static void tell(smr_context *context, const char *path) {
    const smr_program *program = smr_context_program_of(context, 0);
    uint64_t least[2] = {UINT64_MAX, UINT64_MAX};
    smr_error error;
    int32_t i, k;
    begin(context);
    for (i = 0; i < 2 * ROUNDS; ++i) {
        const uint64_t start = smr_platform_clock();
        uint64_t taken;
        k = i % 2;
        CHECK((k == 0 ? smr_run(context, 0, &error) : run_alone(program, &error)) == SMR_OK);
        taken = smr_platform_clock() - start;
        least[k] = taken < least[k] ? taken : least[k];
    }
    printf("%s: %u ops, %.1f ns each, of which %.1f are their kernels'\n", path,
           (unsigned)program->node_count, (double)least[0] / program->node_count,
           (double)least[1] / program->node_count);
}

static void check_model(const char *path, bool told) {
    const check_file file = check_read_file(path);
    smr_model *model = NULL;
    smr_context *context = NULL;
    smr_model_info info;
    smr_error error;
    int32_t i;
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    CHECK_OK(smr_model_get_info(model, &info, &error), error);
    CHECK_OK(smr_context_create(model, NULL, NULL, 0, &context, &error), error);
    for (i = 0; context != NULL && i < info.signature_count; ++i) {
        if (is_plain(smr_context_program_of(context, i))) {
            check_signature(context, i, path);
        }
    }
    if (told && context != NULL) {
        tell(context, path);
    }
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

int main(int argc, char **argv) {
    const bool told = argc > 1 && strcmp(argv[1], "--tell") == 0;
    int i;
    CHECK(argc > 1 + told);
    for (i = 1 + told; i < argc; ++i) {
        check_model(argv[i], told);
    }
    return check_result();
}
