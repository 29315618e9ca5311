/* Making contexts: the one layout of their memory. */
#include "context.h"

#include "../platform/platform.h"
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
    size_t constants;
    size_t groups;
    size_t shapes;
    size_t nodes;
    size_t node_bytes;
    size_t operands;
    size_t part_errors;
    size_t phase_parts;
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

/* `most_parts` of an op, and `most_phased` of a phase; 1 for a context whose runs have one thread. */
static bool context_lay_out(const smr_model *model, const smr_kept *kept, int32_t most_parts,
                            int32_t most_phased, context_layout *layout) {
    const size_t errors = most_parts > 1 ? (size_t)most_parts : 0;
    const size_t phased = most_phased > 1 ? (size_t)most_phased : 0;
    const size_t shape_bytes = SMR_MAX_RANK * sizeof(int32_t);
    memset(layout, 0, sizeof *layout);
    layout->bytes = sizeof(smr_context);
    return context_append(layout, model->programs.count, sizeof(smr_program), 16, &layout->programs) &&
           context_append(layout, model->dimensions.count, sizeof(int32_t), 16, &layout->dimensions) &&
           context_append(layout, model->dimensions.count, sizeof(int32_t), 16, &layout->previous) &&
           context_append(layout, model->dimensions.count, sizeof(int32_t), 16, &layout->wanted) &&
           context_append(layout, model->value_count, sizeof(smr_value), 16, &layout->values) &&
           context_append(layout, kept->constants, sizeof(smr_value), 16, &layout->constants) &&
           context_append(layout, model->group_count, sizeof(smr_value_group), 16, &layout->groups) &&
           context_append(layout, model->shape_count, shape_bytes, 16, &layout->shapes) &&
           context_append(layout, kept->nodes, sizeof(smr_node *), 16, &layout->nodes) &&
           context_append(layout, kept->node_bytes, 1, 16, &layout->node_bytes) &&
           context_append(layout, kept->operands, sizeof(void *), 16, &layout->operands) &&
           context_append(layout, errors, sizeof(smr_error), 16, &layout->part_errors) &&
           context_append(layout, phased, SMR_PHASE_PART_BYTES, SMR_ALIGNMENT, &layout->phase_parts) &&
           context_append(layout, model->state_bytes, 1, SMR_ALIGNMENT, &layout->state) &&
           context_append(layout, model->arena_bytes + CONTEXT_SLACK, 1, SMR_ALIGNMENT, &layout->arena);
}

smr_status smr_context_check_size(const smr_model *model, smr_error *error) {
    context_layout layout;
    if (!context_lay_out(model, &model->kept, SMR_MAX_THREADS, SMR_MAX_THREADS, &layout)) {
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

/* What a context that may use these instruction sets keeps of ops. */
static smr_status count_kept(const smr_model *model, uint32_t isas, smr_kept *kept, smr_error *error) {
    const smr_dimensions largest = {model, NULL, false};
    smr_kept_count count;
    uint32_t i, k;
    *kept = model->kept;
    if (isas == model->isas) {
        return SMR_OK;
    }
    memset(&count, 0, sizeof count);
    for (i = 0; i < model->programs.count; ++i) {
        const smr_table program = smr_vector_table(model->programs, i);
        const smr_vector tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
        const smr_vector ops = smr_field_vector(program, SMR_SLOT_PROGRAM_OPS);
        smr_kept_begin(&count, ops, tensors);
        for (k = 0; k < ops.count; ++k) {
            const smr_op_record op = smr_op_read(smr_vector_table(ops, k));
            smr_node_probe probe;
            SMR_TRY(smr_node_probe_prepare(&probe, &largest, isas, &op, tensors, error));
            if (!smr_kept_add(&count, &probe.node, &op, k)) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "more ops than this machine can address");
            }
        }
    }
    *kept = count.kept;
    return SMR_OK;
}

/* Reads a config, and lays out a context that is made with it. */
static smr_status plan_context(const smr_model *model, const smr_context_config *given,
                               smr_context_config *config, smr_kept *kept, context_layout *layout,
                               smr_error *error) {
    uint32_t isas;
    SMR_TRY(read_config(given, config, error));
    if (!smr_model_limit(model, config->isa, &isas)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT,
                 "instruction set \"%.32s\": this build or this processor has none of the name", config->isa);
    }
    SMR_TRY(count_kept(model, isas, kept, error));
    if (!context_lay_out(model, kept, smr_parallel_most_parts(config), smr_parallel_most_phased(config),
                         layout)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a context has more bytes than this machine can address");
    }
    return SMR_OK;
}

smr_status smr_context_memory(const smr_model *model, const smr_context_config *config, size_t *bytes,
                              size_t *alignment, smr_error *error) {
    smr_context_config read;
    context_layout layout;
    smr_kept kept;
    if (model == NULL || bytes == NULL || alignment == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model`, `bytes` or `alignment` is null");
    }
    SMR_TRY(plan_context(model, config, &read, &kept, &layout, error));
    *bytes = layout.bytes;
    *alignment = SMR_ALIGNMENT;
    return SMR_OK;
}

static smr_status build_context(const smr_model *model, const smr_context_config *config,
                                const smr_kept *kept, uint8_t *memory, const context_layout *layout,
                                smr_error *error) {
    const smr_dimensions largest = {model, NULL, false};
    smr_context *context = (smr_context *)(void *)memory;
    smr_context_rooms rooms;
    uint32_t i;
    memset(memory, 0, layout->arena);
    context->model = model;
    context->op_callback = config->op_callback;
    context->op_callback_user = config->op_callback_user;
    (void)smr_model_limit(model, config->isa, &context->isas);
    context->programs = (smr_program *)(void *)(memory + layout->programs);
    context->dimensions = (int32_t *)(void *)(memory + layout->dimensions);
    context->previous = (int32_t *)(void *)(memory + layout->previous);
    context->wanted = (int32_t *)(void *)(memory + layout->wanted);
    context->state = memory + layout->state;
    context->arena = memory + layout->arena;
    for (i = 0; i < model->dimensions.count; ++i) {
        context->dimensions[i] = smr_dimension_value(&largest, i);
    }
    smr_parallel_configure(context, config, (smr_error *)(void *)(memory + layout->part_errors));
    context->phase_parts = memory + layout->phase_parts;
    rooms.values = (smr_value *)(void *)(memory + layout->values);
    rooms.constants = (smr_value *)(void *)(memory + layout->constants);
    rooms.groups = (smr_value_group *)(void *)(memory + layout->groups);
    rooms.shapes = (int32_t *)(void *)(memory + layout->shapes);
    rooms.nodes = (smr_node **)(void *)(memory + layout->nodes);
    rooms.node_bytes = memory + layout->node_bytes;
    rooms.operands = (void **)(void *)(memory + layout->operands);
    rooms.left = *kept;
    SMR_TRY(smr_context_build(context, &rooms, error));
    smr_context_reset(context);
    return SMR_OK;
}

smr_status smr_context_create(const smr_model *model, const smr_context_config *config, void *memory,
                              size_t memory_size, smr_context **context, smr_error *error) {
    smr_context_config read;
    smr_allocator source;
    context_layout layout;
    smr_kept kept;
    smr_status status;
    void *place = memory;
    if (model == NULL || context == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model` or `context` is null");
    }
    *context = NULL;
    SMR_TRY(plan_context(model, config, &read, &kept, &layout, error));
    source = smr_allocator_or_default(read.allocator);
    if (memory == NULL) {
        place = source.allocate(source.user, layout.bytes, SMR_ALIGNMENT);
        if (place == NULL) {
            SMR_FAIL(error, SMR_ERROR_MEMORY, "no memory for the %zu bytes of a context", layout.bytes);
        }
        /* Smaller sizes than the largest need less of an arena. */
        if (read.allocator == NULL && model->dimensions.count == 0) {
            smr_platform_touch(place, layout.bytes);
        }
    } else if (memory_size < layout.bytes || (uintptr_t)memory % SMR_ALIGNMENT != 0) {
        SMR_FAIL(error, (uintptr_t)memory % SMR_ALIGNMENT != 0 ? SMR_ERROR_ARGUMENT : SMR_ERROR_MEMORY,
                 "%zu bytes of memory for a context instead of %zu, or not %u-byte aligned", memory_size,
                 layout.bytes, SMR_ALIGNMENT);
    }
    status = build_context(model, &read, &kept, place, &layout, error);
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
