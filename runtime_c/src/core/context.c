/* Making contexts: the one layout of their memory, and the values and nodes in it. */
#include "context.h"

#include "isa.h"
#include "parallel.h"

/* Kernels may read, though not use, this many bytes after any tensor of the arena or the state. */
#define CONTEXT_SLACK 64u

/* Where each part of a context lies in its memory. */
typedef struct context_layout {
    size_t programs;
    size_t dimensions;
    size_t previous;
    size_t wanted;
    size_t values;
    size_t nodes;
    size_t operands;
    size_t part_errors;
    size_t state;
    size_t arena;
    size_t bytes;
} context_layout;

/* Appends `count` things of `size` bytes; false when the sum overflows. */
static bool context_append(context_layout *layout, size_t count, size_t size, size_t alignment,
                           size_t *offset) {
    const size_t begin = (layout->bytes + alignment - 1) / alignment * alignment;
    if (size != 0 && count > ((size_t)PTRDIFF_MAX - begin) / size) {
        return false;
    }
    *offset = begin;
    layout->bytes = begin + count * size;
    return layout->bytes <= (size_t)PTRDIFF_MAX - SMR_ALIGNMENT;
}

/* `most_parts` of an op; 1 for a context whose runs have one thread. */
static bool context_lay_out(const smr_model *model, int32_t most_parts, context_layout *layout) {
    const size_t errors = most_parts > 1 ? (size_t)most_parts : 0;
    memset(layout, 0, sizeof *layout);
    layout->bytes = sizeof(smr_context);
    return context_append(layout, model->programs.count, sizeof(smr_program), 16, &layout->programs) &&
           context_append(layout, model->dimensions.count, sizeof(int32_t), 16, &layout->dimensions) &&
           context_append(layout, model->dimensions.count, sizeof(int32_t), 16, &layout->previous) &&
           context_append(layout, model->dimensions.count, sizeof(int32_t), 16, &layout->wanted) &&
           context_append(layout, model->tensor_count, sizeof(smr_value), 16, &layout->values) &&
           context_append(layout, model->op_count, sizeof(smr_node), 16, &layout->nodes) &&
           context_append(layout, model->operand_count, sizeof(void *), 16, &layout->operands) &&
           context_append(layout, errors, sizeof(smr_error), 16, &layout->part_errors) &&
           context_append(layout, model->state_bytes, 1, SMR_ALIGNMENT, &layout->state) &&
           context_append(layout, model->arena_bytes + CONTEXT_SLACK, 1, SMR_ALIGNMENT, &layout->arena);
}

smr_status smr_context_check_size(const smr_model *model, smr_error *error) {
    context_layout layout;
    if (!context_lay_out(model, SMR_MAX_THREADS, &layout)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a context has more bytes than this machine can address");
    }
    return SMR_OK;
}

void smr_context_config_init(smr_context_config *config) {
    if (config != NULL) {
        memset(config, 0, sizeof *config);
        config->struct_size = sizeof *config;
    }
}

/* The struct as it was first. */
#define CONFIG_LEAST_BYTES offsetof(smr_context_config, pool)

/* What the caller's config says, as far as its version of the struct goes. */
static smr_status read_config(const smr_context_config *given, smr_context_config *config, smr_error *error) {
    smr_context_config_init(config);
    if (given != NULL) {
        if (given->struct_size < CONFIG_LEAST_BYTES) {
            SMR_FAIL(error, SMR_ERROR_ARGUMENT, "the config was not filled by smr_context_config_init");
        }
        memcpy(config, given, given->struct_size < sizeof *config ? given->struct_size : sizeof *config);
    }
    SMR_TRY(smr_allocator_check(config->allocator, error));
    return smr_parallel_check(config, error);
}

static smr_status check_isa(const smr_model *model, const char *isa, smr_error *error) {
    if (smr_isa_limit(model->isas, isa) == UINT32_MAX) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT,
                 "instruction set \"%.32s\": this build or this processor has none of the name", isa);
    }
    return SMR_OK;
}

smr_status smr_context_memory(const smr_model *model, const smr_context_config *config, size_t *bytes,
                              size_t *alignment, smr_error *error) {
    smr_context_config read;
    context_layout layout;
    if (model == NULL || bytes == NULL || alignment == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model`, `bytes` or `alignment` is null");
    }
    SMR_TRY(read_config(config, &read, error));
    (void)context_lay_out(model, smr_parallel_most_parts(&read), &layout);
    *bytes = layout.bytes;
    *alignment = SMR_ALIGNMENT;
    return SMR_OK;
}

/* Where what a body has from its caller lies. */
static void *outside_data(const smr_context *context, const smr_body *body, smr_table tensor) {
    const uint32_t number = (uint32_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    return context->programs[body->caller]
        .values[smr_body_operand(body, smr_tensor_storage(tensor), number)]
        .data;
}

/* Points a value at its bytes, and sees that they are no more than the file keeps for them. Those that a body
 * has from its caller were found before, since callers come first; `body` null leaves them where they are. */
static smr_status fill_value(smr_context *context, const smr_body *body, smr_table tensor, smr_value *value,
                             smr_error *error) {
    const smr_dimensions current = {context->model, context->dimensions, false};
    const smr_dimensions largest = {context->model, NULL, false};
    const size_t offset = (size_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    void *before = value->data;
    SMR_TRY(smr_value_fill(&current, tensor, value, error));
    if (value->storage != SMR_STORAGE_CONSTANT && value->storage != SMR_STORAGE_STATE) {
        const smr_extent extent = smr_tensor_extent(&largest, tensor);
        const size_t bytes = value->count * smr_dtype_size((smr_dtype)value->dtype);
        if (bytes > extent.end - extent.begin) {
            SMR_FAIL(error, SMR_ERROR_MODEL,
                     "tensor \"%.64s\" takes %zu bytes, more than its %zu at the largest dimensions",
                     smr_tensor_name(tensor), bytes, extent.end - extent.begin);
        }
    }
    if (value->storage == SMR_STORAGE_ARENA) {
        value->data = context->arena + offset;
    } else if (value->storage == SMR_STORAGE_ARGUMENT || value->storage == SMR_STORAGE_RESULT) {
        value->data = body == NULL ? before : outside_data(context, body, tensor);
    } else if (value->storage == SMR_STORAGE_STATE) {
        value->data = context->state + offset;
    }
    return SMR_OK;
}

/* The size of a tensor that depends on what a run computes is the largest until then. */
static smr_status fill_first_value(smr_context *context, const smr_body *body, smr_table tensor,
                                   smr_value *value, smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    const size_t offset = (size_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    if (smr_shape_computed(context->model, smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE), 0) < 0) {
        return fill_value(context, body, tensor, value, error);
    }
    SMR_TRY(smr_value_fill(&largest, tensor, value, error));
    /* The loader has seen that it is not a constant and no state. */
    value->data = value->storage == SMR_STORAGE_ARENA ? (void *)(context->arena + offset)
                                                      : outside_data(context, body, tensor);
    return SMR_OK;
}

static smr_status prepare_node(const smr_program *program, uint32_t index, smr_error *error) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, index));
    const smr_status status = smr_node_prepare(&program->nodes[index], &op, error);
    if (status != SMR_OK) {
        smr_error_where_op(error, index, &op, program->tensors);
    }
    return status;
}

static smr_status prepare_program(smr_context *context, smr_program *program, smr_error *error) {
    smr_body body;
    uint32_t i;
    SMR_TRY(smr_body_read(context->model, program->index, &body, error));
    for (i = 0; i < program->tensors.count; ++i) {
        SMR_TRY(fill_first_value(context, &body, smr_vector_table(program->tensors, i), &program->values[i],
                                 error));
    }
    if (body.role != SMR_BODY_NONE) {
        const smr_value *outer = context->programs[body.caller].values;
        SMR_TRY(smr_body_check_arguments(&body, program->values, outer, error));
        SMR_TRY(smr_body_check_results(&body, program->values, outer, error));
    }
    for (i = 0; i < program->ops.count; ++i) {
        if (!program->nodes[i].late) {
            SMR_TRY(prepare_node(program, i, error));
        }
    }
    return SMR_OK;
}

smr_status smr_context_prepare_node(smr_context *context, const smr_program *program, uint32_t index,
                                    smr_error *error) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, index));
    uint32_t i;
    for (i = 0; i < op.outputs.count; ++i) {
        const uint32_t tensor = (uint32_t)smr_vector_i32(op.outputs, i);
        SMR_TRY(fill_value(context, NULL, smr_vector_table(program->tensors, tensor),
                           &program->values[tensor], error));
    }
    SMR_TRY(prepare_node(program, index, error));
    smr_parallel_plan_late(context, program, &program->nodes[index]);
    return SMR_OK;
}

smr_status smr_context_prepare_body(smr_context *context, uint32_t index, smr_error *error) {
    const smr_program *program = &context->programs[index];
    smr_body body;
    uint32_t i;
    SMR_TRY(smr_body_read(context->model, index, &body, error));
    for (i = 0; i < body.arguments; ++i) {
        const uint32_t tensor = (uint32_t)smr_vector_i32(body.inputs, i);
        SMR_TRY(fill_value(context, NULL, smr_vector_table(program->tensors, tensor),
                           &program->values[tensor], error));
    }
    return smr_body_check_arguments(&body, program->values, context->programs[body.caller].values, error);
}

smr_status smr_context_check_results(const smr_context *context, uint32_t index, smr_error *error) {
    smr_body body;
    SMR_TRY(smr_body_read(context->model, index, &body, error));
    return smr_body_check_results(&body, context->programs[index].values,
                                  context->programs[body.caller].values, error);
}

smr_status smr_context_prepare(smr_context *context, smr_error *error) {
    uint32_t i;
    for (i = 0; i < context->model->programs.count; ++i) {
        SMR_TRY(prepare_program(context, &context->programs[i], error));
    }
    smr_parallel_plan(context);
    return SMR_OK;
}

/* Gives a node its operands, attributes and scratch. */
static smr_status build_node(smr_context *context, const smr_program *program, uint32_t index,
                             void **operands, smr_error *error) {
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, index));
    smr_node *node = &program->nodes[index];
    uint32_t i;
    node->isas = context->isas;
    node->input_count = (int32_t)op.inputs.count;
    node->output_count = (int32_t)op.outputs.count;
    node->inputs = (const smr_value **)operands;
    node->outputs = (smr_value **)operands + op.inputs.count;
    node->scratch = op.scratch_end > op.scratch_begin ? context->arena + op.scratch_begin : NULL;
    node->late = smr_op_is_late(context->model, &op, program->tensors);
    for (i = 0; i < op.inputs.count; ++i) {
        const int32_t tensor = smr_vector_i32(op.inputs, i);
        node->inputs[i] = tensor < 0 ? NULL : &program->values[tensor];
    }
    for (i = 0; i < op.outputs.count; ++i) {
        node->outputs[i] = &program->values[smr_vector_i32(op.outputs, i)];
    }
    return smr_attributes_decode(op.def, op.table, &node->attributes, error);
}

static smr_status build_programs(smr_context *context, const context_layout *layout, smr_error *error) {
    uint8_t *memory = (uint8_t *)context;
    smr_value *values = (smr_value *)(void *)(memory + layout->values);
    smr_node *nodes = (smr_node *)(void *)(memory + layout->nodes);
    void **operands = (void **)(void *)(memory + layout->operands);
    uint32_t i, k;
    for (i = 0; i < context->model->programs.count; ++i) {
        const smr_table table = smr_vector_table(context->model->programs, i);
        smr_program *program = &context->programs[i];
        program->index = i;
        program->outputs = smr_field_vector(table, SMR_SLOT_PROGRAM_OUTPUTS);
        program->tensors = smr_field_vector(table, SMR_SLOT_PROGRAM_TENSORS);
        program->ops = smr_field_vector(table, SMR_SLOT_PROGRAM_OPS);
        program->values = values;
        program->nodes = nodes;
        for (k = 0; k < program->ops.count; ++k) {
            SMR_TRY(build_node(context, program, k, operands, error));
            operands += program->nodes[k].input_count + program->nodes[k].output_count;
        }
        values += program->tensors.count;
        nodes += program->ops.count;
    }
    return SMR_OK;
}

static smr_status build_context(const smr_model *model, const smr_context_config *config, void *memory,
                                const context_layout *layout, smr_error *error) {
    smr_context *context = memory;
    memset(memory, 0, layout->bytes);
    context->model = model;
    context->op_callback = config->op_callback;
    context->op_callback_user = config->op_callback_user;
    context->isas = smr_isa_limit(model->isas, config->isa);
    context->programs = (smr_program *)(void *)((uint8_t *)memory + layout->programs);
    context->dimensions = (int32_t *)(void *)((uint8_t *)memory + layout->dimensions);
    context->previous = (int32_t *)(void *)((uint8_t *)memory + layout->previous);
    context->wanted = (int32_t *)(void *)((uint8_t *)memory + layout->wanted);
    context->state = (uint8_t *)memory + layout->state;
    context->arena = (uint8_t *)memory + layout->arena;
    smr_parallel_configure(context, config, (smr_error *)(void *)((uint8_t *)memory + layout->part_errors));
    SMR_TRY(build_programs(context, layout, error));
    SMR_TRY(smr_context_enlarge(context, error));
    smr_context_reset(context);
    return SMR_OK;
}

smr_status smr_context_create(const smr_model *model, const smr_context_config *config, void *memory,
                              size_t memory_size, smr_context **context, smr_error *error) {
    smr_context_config read;
    smr_allocator source;
    context_layout layout;
    smr_status status;
    void *place = memory;
    if (model == NULL || context == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model` or `context` is null");
    }
    *context = NULL;
    SMR_TRY(read_config(config, &read, error));
    SMR_TRY(check_isa(model, read.isa, error));
    (void)context_lay_out(model, smr_parallel_most_parts(&read), &layout);
    source = smr_allocator_or_default(read.allocator);
    if (memory == NULL) {
        place = source.allocate(source.user, layout.bytes, SMR_ALIGNMENT);
        if (place == NULL) {
            SMR_FAIL(error, SMR_ERROR_MEMORY, "no memory for the %zu bytes of a context", layout.bytes);
        }
    } else if (memory_size < layout.bytes || (uintptr_t)memory % SMR_ALIGNMENT != 0) {
        SMR_FAIL(error, (uintptr_t)memory % SMR_ALIGNMENT != 0 ? SMR_ERROR_ARGUMENT : SMR_ERROR_MEMORY,
                 "%zu bytes of memory for a context instead of %zu, or not %u-byte aligned", memory_size,
                 layout.bytes, SMR_ALIGNMENT);
    }
    status = build_context(model, &read, place, &layout, error);
    if (status != SMR_OK) {
        if (memory == NULL) {
            source.release(source.user, place);
        }
        return status;
    }
    *context = place;
    (*context)->allocator = source;
    (*context)->owned = memory == NULL;
    return SMR_OK;
}

void smr_context_free(smr_context *context) {
    if (context != NULL && context->owned) {
        const smr_allocator source = context->allocator;
        source.release(source.user, context);
    }
}
