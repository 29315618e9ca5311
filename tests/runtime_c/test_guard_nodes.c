/* test_guard_nodes FILE.smr...: every op of files with each of its tensors between guard pages of its own, by
 * every instruction set of this processor and in parts. Files of all ops' cases are made by
 * tests/ops/test_guard_pages.py.
 *
 * Then once more with every operand that the op table calls strided among the rows of a wider tensor, which
 * gives the same bits.
 *
 * What a kernel may touch is the contract: 64 bytes after what is in the arena or the state may be read,
 * nothing after a constant and nothing before anything; only outputs, state and scratch are written. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "core/context.h"
#include "guard.h"
#include "platform/platform.h"

#define SLACK 64

#define ROUNDS 8

/* The memory of one program's tensors; `values` are those of constants that lie there, and of others what the
 * program had before. */
typedef struct guards {
    smr_context *context;
    const smr_program *program;
    guarded *memory;
    guarded *dims;
    smr_value *values;
    uint32_t value_count;
} guards;

static size_t value_bytes(const smr_value *value) {
    uint64_t bytes = value->count * smr_dtype_size((smr_dtype)value->dtype);
    if (value->storage == SMR_STORAGE_CONSTANT) {
        smr_error error;
        CHECK_OK(smr_value_constant_bytes(value, &bytes, &error), error);
    }
    if (value->layout == SMR_LAYOUT_STRIDED) {
        const size_t width = (size_t)value->dims[value->rank - 1];
        bytes += (value->count / width - 1) * (value->row - width) * smr_dtype_size((smr_dtype)value->dtype);
    }
    return (size_t)bytes;
}

/* Whether nothing has been written between the rows of a value. */
static bool gaps_intact(const smr_value *value, const guarded *memory) {
    const size_t size = smr_dtype_size((smr_dtype)value->dtype);
    size_t i;
    for (i = 0; value->layout == SMR_LAYOUT_STRIDED && i < memory->bytes; ++i) {
        if (i / size % value->row >= (size_t)value->dims[value->rank - 1] &&
            memory->data[i] != GUARD_PATTERN) {
            return false;
        }
    }
    return true;
}

/* The value whose memory this one uses: an input that its op gives it the place of, or one of the same state.
 */
static uint32_t find_shared(const guards *g, uint32_t index) {
    const smr_program *program = g->program;
    const smr_value *value = &g->values[index];
    uint32_t n, i, k;
    for (n = 0; n < index && value->storage == SMR_STORAGE_STATE; ++n) {
        if (g->values[n].storage == SMR_STORAGE_STATE && g->values[n].data == value->data) {
            return n;
        }
    }
    for (n = 0; n < program->ops.count; ++n) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, n));
        for (i = 0; i < op.outputs.count; ++i) {
            for (k = 0; smr_vector_i32(op.outputs, i) == (int32_t)index && k < op.inputs.count; ++k) {
                const int32_t place = smr_vector_i32(op.inputs, k);
                const smr_value *input = place < 0 ? NULL : &g->values[place];
                if (input != NULL && input->data == value->data && input->layout == value->layout &&
                    value_bytes(input) == value_bytes(value)) {
                    return (uint32_t)place;
                }
            }
        }
    }
    return index;
}

static guarded place_value(const smr_value *value, int at_end) {
    const bool constant = value->storage == SMR_STORAGE_CONSTANT;
    const size_t bytes = value_bytes(value);
    const guarded memory = guard_place(bytes, constant ? 16 : 64, constant ? 0 : SLACK, at_end);
    if (bytes > 0 && (constant || value->storage == SMR_STORAGE_STATE)) {
        memcpy(memory.data, value->data, bytes);
    }
    if (constant) {
        guard_protect(&memory);
    }
    return memory;
}

/* Moves all values of a program between guards; those that share memory go on sharing it. */
static void move_values(guards *g, int at_end) {
    uint32_t *shared = calloc(g->value_count + 1, sizeof *shared);
    uint32_t i;
    if (shared == NULL) {
        exit(EXIT_FAILURE);
    }
    for (i = 0; i < g->value_count; ++i) {
        shared[i] = find_shared(g, i);
    }
    for (i = 0; i < g->value_count; ++i) {
        if (shared[i] == i) {
            g->memory[i] = place_value(&g->values[i], at_end);
        }
    }
    for (i = 0; i < g->value_count; ++i) {
        uint32_t root = i;
        while (shared[root] != root) {
            root = shared[root];
        }
        g->values[i].data = g->memory[root].data;
    }
    free(shared);
}

/* Exchanges the values of a program for these. */
static void exchange_values(guards *g) {
    uint32_t i;
    for (i = 0; i < g->value_count; ++i) {
        smr_value *own = smr_program_value(g->program, i);
        if (own != NULL) {
            const smr_value other = *own;
            *own = g->values[i];
            g->values[i] = other;
        }
    }
}

static void make_guards(smr_context *context, const smr_program *program, guards *g, int at_end) {
    uint32_t i;
    g->context = context;
    g->program = program;
    g->value_count = program->tensors.count;
    g->memory = calloc(g->value_count + 1, sizeof *g->memory);
    g->dims = calloc(g->value_count + 1, sizeof *g->dims);
    g->values = calloc(g->value_count + 1, sizeof *g->values);
    if (g->memory == NULL || g->dims == NULL || g->values == NULL) {
        exit(EXIT_FAILURE);
    }
    for (i = 0; i < g->value_count; ++i) {
        smr_value *value = g->values + i;
        size_t bytes;
        *value = smr_program_tensor(context->model, program, i);
        bytes = value->rank * sizeof *value->dims;
        g->dims[i] = guard_place(bytes, sizeof *value->dims, 0, true);
        if (bytes > 0) {
            memcpy(g->dims[i].data, value->dims, bytes);
        }
        value->dims = (const int32_t *)(const void *)g->dims[i].data;
    }
    move_values(g, at_end);
    exchange_values(g);
}

static void release_guards(guards *g, const char *what) {
    uint32_t i;
    exchange_values(g);
    for (i = 0; i < g->value_count; ++i) {
        if (g->memory[i].base != NULL &&
            !CHECK(guard_intact(&g->memory[i]) && gaps_intact(&g->values[i], &g->memory[i]))) {
            fprintf(stderr, "    %s: tensor %u\n", what, (unsigned)i);
        }
        guard_release(&g->memory[i]);
        guard_release(&g->dims[i]);
    }
    free(g->memory);
    free(g->dims);
    free(g->values);
}

/* Lets a node find constants between guards. */
static void guard_constants(const guards *g, const smr_op_record *op, smr_whole_node *whole) {
    uint32_t i;
    for (i = 0; i < op->inputs.count; ++i) {
        const int32_t tensor = smr_vector_i32(op->inputs, i);
        if (tensor >= 0 && smr_program_value(g->program, (uint32_t)tensor) == NULL) {
            whole->inputs[i] = &g->values[tensor];
        }
    }
}

/* Programs that run others, and those whose sizes a run computes, are left to test_guard. */
static bool is_plain(const smr_program *program) {
    uint32_t i;
    for (i = 0; i < program->node_count; ++i) {
        const smr_node *node = program->nodes[i];
        if (node->late || node->kernel->opcode == SMR_OP_COND || node->kernel->opcode == SMR_OP_WHILE_LOOP) {
            return false;
        }
    }
    return true;
}

static void fill_inputs(const smr_model *model, smr_context *context, int32_t signature) {
    smr_signature_info info;
    smr_error error;
    int32_t i;
    CHECK_OK(smr_model_signature(model, signature, &info, &error), error);
    for (i = 0; i < info.input_count; ++i) {
        smr_tensor tensor;
        const void *data;
        size_t bytes;
        CHECK_OK(smr_context_input(context, signature, i, &tensor, &error), error);
        CHECK_OK(smr_model_golden(model, signature, 0, 0, i, &data, &bytes, &error), error);
        if (bytes > 0) {
            memcpy(tensor.data, data, bytes);
        }
    }
}

/* Runs the work of a node in `parts` parts, which are not of one size. */
static smr_status run_parts(const smr_node *node, size_t parts, smr_error *error) {
    size_t begin = 0, part;
    for (part = 0; part < parts; ++part) {
        const size_t end = part + 1 == parts ? node->work : node->work * (2 * part + 1) / (2 * parts);
        if (end > begin) {
            SMR_TRY(node->run(node, begin, end, error));
        }
        begin = end;
    }
    return SMR_OK;
}

/* Prepares the nodes for where their operands are now, and runs them: what a context keeps of a node, with
 * what it has left out in memory that faults when it is touched. */
static void run_nodes(const guards *g, size_t parts, int at_end, const char *what) {
    const smr_program *program = g->program;
    const uint64_t floats = smr_platform_set_floats();
    uint32_t i;
    for (i = 0; i < program->ops.count; ++i) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, i));
        guarded scratch, node, parameters, inputs;
        smr_error error;
        smr_whole_node whole;
        smr_kept_node kept;
        CHECK_OK(smr_whole_node_fill(g->context, program, i, &op, NULL, &whole, &error), error);
        guard_constants(g, &op, &whole);
        CHECK_OK(smr_node_prepare(&whole.node, &op, &error), error);
        kept = smr_node_kept(&whole.node);
        if (kept.bytes == 0) {
            continue;
        }
        scratch = guard_place(whole.node.scratch_bytes, 64, SLACK, at_end);
        parameters = guard_place((whole.node.parameter_bytes + 7u) / 8 * 8, 1, 0, true); /* as contexts do */
        node = guard_place(kept.bytes, 8, 0, true);
        inputs = guard_place(kept.inputs * sizeof(void *), sizeof(void *), 0, true);
        whole.node.scratch = scratch.data;
        memcpy(parameters.data, whole.node.parameters, whole.node.parameter_bytes);
        whole.node.parameters = parameters.data;
        memcpy(inputs.data, (const void *)whole.inputs, kept.inputs * sizeof(void *));
        whole.node.inputs = (const smr_value **)(void *)inputs.data;
        memcpy(node.data, &whole.node, kept.bytes);
        if (!CHECK(run_parts((const smr_node *)(const void *)node.data, parts, &error) == SMR_OK)) {
            fprintf(stderr, "    %s, op %u: %s\n", what, (unsigned)i, error.message);
        }
        CHECK(guard_intact(&scratch) && guard_intact(&node) && guard_intact(&parameters) &&
              guard_intact(&inputs));
        guard_release(&scratch);
        guard_release(&parameters);
        guard_release(&node);
        guard_release(&inputs);
    }
    smr_platform_restore_floats(floats);
}

/* Whether every op of the program can take or give this value when its rows lie apart. */
static bool may_be_strided(const smr_program *program, uint32_t index) {
    const smr_value *value = smr_program_value(program, index);
    bool may = value != NULL && value->storage != SMR_STORAGE_CONSTANT &&
               value->storage != SMR_STORAGE_STATE && value->layout == SMR_LAYOUT_DENSE && value->rank > 0 &&
               value->count > 0;
    uint32_t n, i;
    for (n = 0; n < program->ops.count && may; ++n) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, n));
        for (i = 0; i < op.inputs.count + op.outputs.count; ++i) {
            const bool input = i < op.inputs.count;
            const uint32_t place = input ? i : i - op.inputs.count;
            const uint32_t last = (input ? op.def->input_count : op.def->output_count) - 1u;
            const smr_operand_def *operand =
                (input ? op.def->inputs : op.def->outputs) + (place < last ? place : last);
            if (smr_vector_i32(input ? op.inputs : op.outputs, place) == (int32_t)index) {
                may = may && (operand->flags & SMR_OPERAND_STRIDED) != 0;
            }
        }
    }
    return may;
}

/* Copies the rows of a value from where they are `from` bytes apart to where they are `to` bytes apart. */
static void copy_rows(const smr_value *value, const uint8_t *source, size_t from, uint8_t *target,
                      size_t to) {
    const size_t width = (size_t)value->dims[value->rank - 1] * smr_dtype_size((smr_dtype)value->dtype);
    const size_t rows = value->count / (size_t)value->dims[value->rank - 1];
    size_t row;
    for (row = 0; row < rows; ++row) {
        memcpy(target + row * to, source + row * from, width);
    }
}

/* The values whose rows have been put apart: what they were before, where `strided`. */
typedef struct spread_values {
    guarded *dense;
    bool *strided;
    uint32_t count; /* of those */
} spread_values;

/* Puts the rows of all values apart that may lie so, but for those whose memory others share, and for some by
 * chance where there are several. */
static void spread_rows(guards *g, spread_values *spread, uint32_t seed, int at_end) {
    uint32_t i, k;
    spread->dense = calloc(g->value_count + 1, sizeof *spread->dense);
    spread->strided = calloc(g->value_count + 1, sizeof *spread->strided);
    spread->count = 0;
    if (spread->dense == NULL || spread->strided == NULL) {
        exit(EXIT_FAILURE);
    }
    for (i = 0; i < g->value_count; ++i) {
        smr_value *value = smr_program_value(g->program, i);
        bool alone = value != NULL && g->memory[i].base != NULL;
        for (k = 0; k < g->value_count && alone; ++k) {
            const smr_value *other = smr_program_value(g->program, k);
            alone = k == i || other == NULL || other->data != value->data;
        }
        spread->strided[i] = alone && (seed >> i % 3 & 1u) != 0 && may_be_strided(g->program, i);
        if (spread->strided[i]) {
            const size_t size = smr_dtype_size((smr_dtype)value->dtype);
            const size_t width = (size_t)value->dims[value->rank - 1];
            spread->dense[i] = g->memory[i];
            value->layout = SMR_LAYOUT_STRIDED;
            value->row = (uint32_t)(width + 1 + (i + seed) % 5 * 7);
            g->memory[i] = guard_place(value_bytes(value), 64, SLACK, at_end);
            copy_rows(value, value->data, width * size, g->memory[i].data, value->row * size);
            value->data = g->memory[i].data;
            ++spread->count;
        }
    }
}

/* Puts them together again. */
static void gather_rows(guards *g, spread_values *spread, const char *what) {
    uint32_t i;
    for (i = 0; i < g->value_count; ++i) {
        smr_value *value = smr_program_value(g->program, i);
        if (spread->strided[i]) {
            const size_t size = smr_dtype_size((smr_dtype)value->dtype);
            const size_t width = (size_t)value->dims[value->rank - 1];
            if (!CHECK(guard_intact(&g->memory[i]) && gaps_intact(value, &g->memory[i]))) {
                fprintf(stderr, "    %s: tensor %u in rows\n", what, (unsigned)i);
            }
            copy_rows(value, value->data, value->row * size, spread->dense[i].data, width * size);
            guard_release(&g->memory[i]);
            g->memory[i] = spread->dense[i];
            value->layout = SMR_LAYOUT_DENSE;
            value->row = 0;
            value->data = g->memory[i].data;
        }
    }
    free(spread->dense);
    free(spread->strided);
}

static uint8_t *copy_outputs(const smr_model *model, smr_context *context, int32_t signature, size_t *bytes) {
    smr_signature_info info;
    smr_error error;
    uint8_t *copy = malloc(1);
    int32_t i;
    *bytes = 0;
    CHECK_OK(smr_model_signature(model, signature, &info, &error), error);
    for (i = 0; i < info.output_count && copy != NULL; ++i) {
        smr_tensor tensor;
        CHECK_OK(smr_context_output(context, signature, i, &tensor, &error), error);
        copy = realloc(copy, *bytes + tensor.bytes + 1);
        if (copy != NULL && tensor.bytes > 0) {
            memcpy(copy + *bytes, tensor.data, tensor.bytes);
        }
        *bytes += tensor.bytes;
    }
    if (copy == NULL) {
        exit(EXIT_FAILURE);
    }
    return copy;
}

static smr_context *make_context(const smr_model *model, const char *isa) {
    smr_context_config config;
    smr_context *context = NULL;
    smr_error error;
    smr_context_config_init(&config);
    config.isa = isa;
    CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
    if (context == NULL) {
        exit(EXIT_FAILURE);
    }
    return context;
}

/* The outputs with guards at either end, of whole nodes or of parts, are those of a run without. */
static void check_signature(const smr_model *model, smr_context *context, int32_t signature,
                            const char *what) {
    const smr_program *program = smr_context_program_of(context, signature);
    uint8_t *expected;
    size_t expected_bytes;
    smr_error error;
    int round;
    smr_context_reset(context);
    fill_inputs(model, context, signature);
    CHECK_OK(smr_run(context, signature, &error), error);
    expected = copy_outputs(model, context, signature, &expected_bytes);
    for (round = 0; round < ROUNDS; ++round) {
        const int parts = round % 4 < 2 ? 1 : 3;
        spread_values spread;
        uint8_t *found;
        size_t bytes;
        guards g;
        smr_context_reset(context);
        make_guards(context, program, &g, round % 2);
        fill_inputs(model, context, signature);
        /* No values in the first four rounds, all of them in the next, then others each time. */
        spread_rows(&g, &spread, round < 4 ? 0 : round == 4 ? 7 : (uint32_t)round, round % 2);
        run_nodes(&g, (size_t)parts, round % 2, what);
        gather_rows(&g, &spread, what);
        found = copy_outputs(model, context, signature, &bytes);
        if (!CHECK(bytes == expected_bytes && memcmp(found, expected, bytes) == 0)) {
            fprintf(stderr, "    %s, round %d: %s guard, %d parts, %u values in rows\n", what, round,
                    round % 2 ? "last" : "first", parts, (unsigned)spread.count);
        }
        free(found);
        release_guards(&g, what);
    }
    free(expected);
}

/* Whether the instruction set is that of a kernel of the program, or plain C; of others there is a lower one
 * with the same kernels. */
static bool is_used(const smr_program *program, const char *isa) {
    bool used = strcmp(isa, "generic") == 0;
    uint32_t i;
    for (i = 0; i < program->node_count; ++i) {
        used |= strcmp(program->nodes[i]->kernel->name, isa) == 0;
    }
    return used;
}

static void check_instruction_set(const smr_model *model, const char *isa, const char *path) {
    smr_context *context = make_context(model, isa);
    smr_model_info info;
    smr_error error;
    int32_t i;
    CHECK_OK(smr_model_get_info(model, &info, &error), error);
    for (i = 0; i < info.signature_count; ++i) {
        const smr_program *program = smr_context_program_of(context, i);
        smr_signature_info signature;
        char what[512];
        CHECK_OK(smr_model_signature(model, i, &signature, &error), error);
        (void)snprintf(what, sizeof what, "%s: %s with %s", path, signature.name, isa);
        if (is_plain(program) && is_used(program, isa)) {
            check_signature(model, context, i, what);
        }
    }
    smr_context_free(context);
}

static void check_model(const char *path) {
    const check_file file = check_read_file(path);
    smr_model *model = NULL;
    smr_error error;
    int32_t isa;
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    if (model == NULL) {
        exit(EXIT_FAILURE);
    }
    for (isa = 0; isa < smr_isa_count(); ++isa) {
        const char *name;
        int32_t offered;
        CHECK_OK(smr_isa_info(isa, &name, &offered, &error), error);
        if (offered) {
            check_instruction_set(model, name, path);
        }
    }
    smr_model_free(model);
    free(file.block);
}

int main(int argc, char **argv) {
    int i;
    CHECK(argc > 1);
    for (i = 1; i < argc; ++i) {
        check_model(argv[i]);
    }
    return check_result();
}
