/* The values of a context: where the tensors of its programs lie, and how large they are. Constants, of which
 * the file says all, have values where a run reads them. */
#include "context.h"

/* How many bits are set. */
static uint32_t count_bits(uint32_t bits) {
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    return ((bits + (bits >> 4)) & 0x0F0F0F0Fu) * 0x01010101u >> 24;
}

smr_value *smr_program_value(const smr_program *program, uint32_t tensor) {
    const smr_value_group group = program->groups[tensor / SMR_VALUE_GROUP];
    const uint32_t bit = 1u << tensor % SMR_VALUE_GROUP;
    return (group.valued & bit) == 0 ? NULL
                                     : program->values + group.before + count_bits(group.valued & (bit - 1));
}

smr_value smr_program_constant(const smr_model *model, const smr_program *program, uint32_t tensor) {
    const smr_dimensions largest = {model, NULL, false};
    smr_value value;
    memset(&value, 0, sizeof value);
    /* Its shape is fixed, and it has been verified. */
    (void)smr_value_fill(&largest, smr_vector_table(program->tensors, tensor), NULL, &value, NULL);
    return value;
}

smr_value smr_program_tensor(const smr_model *model, const smr_program *program, uint32_t tensor) {
    const smr_value *value = smr_program_value(program, tensor);
    return value == NULL ? smr_program_constant(model, program, tensor) : *value;
}

/* Where what a body has from its caller lies. */
static void *outside_data(const smr_context *context, const smr_body *body, smr_table tensor) {
    const uint32_t number = (uint32_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    return smr_program_tensor(context->model, &context->programs[body->caller],
                              smr_body_operand(body, smr_tensor_storage(tensor), number))
        .data;
}

/* Points a value at its bytes. Those that a body has from its caller were found before, since callers come
 * first. */
static void place_value(const smr_context *context, const smr_body *body, smr_table tensor,
                        smr_value *value) {
    const size_t offset = (size_t)smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    if (value->storage == SMR_STORAGE_ARENA) {
        value->data = context->arena + offset;
    } else if (value->storage == SMR_STORAGE_ARGUMENT || value->storage == SMR_STORAGE_RESULT) {
        value->data = outside_data(context, body, tensor);
    } else if (value->storage == SMR_STORAGE_STATE) {
        value->data = context->state + offset;
    }
}

static bool is_fixed(smr_table tensor) {
    return smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE));
}

/* Says where the value of each tensor is. */
static void group_values(smr_program *program, smr_context_rooms *rooms) {
    uint32_t i, values = 0;
    program->groups = rooms->groups;
    rooms->groups += smr_value_groups(program->tensors.count);
    for (i = 0; i < program->tensors.count; ++i) {
        smr_value_group *group = &program->groups[i / SMR_VALUE_GROUP];
        if (i % SMR_VALUE_GROUP == 0) {
            group->valued = 0;
            group->before = values;
        }
        if (smr_tensor_storage(smr_vector_table(program->tensors, i)) != SMR_STORAGE_CONSTANT) {
            group->valued |= 1u << i % SMR_VALUE_GROUP;
            ++values;
        }
    }
}

static smr_status fill_values(smr_context *context, smr_program *program, const smr_body *body,
                              smr_context_rooms *rooms, smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    uint32_t i;
    program->values = rooms->values;
    for (i = 0; i < program->tensors.count; ++i) {
        const smr_table tensor = smr_vector_table(program->tensors, i);
        if (smr_tensor_storage(tensor) != SMR_STORAGE_CONSTANT) {
            SMR_TRY(smr_value_fill(&largest, tensor, rooms->shapes, rooms->values, error));
            rooms->shapes += is_fixed(tensor) ? 0 : SMR_MAX_RANK;
            place_value(context, body, tensor, rooms->values++);
        }
    }
    return SMR_OK;
}

static smr_status check_shape(const char *what, uint32_t number, smr_value inner, smr_value outer,
                              smr_error *error) {
    if (!smr_value_same_shape(&inner, &outer)) {
        SMR_FAIL(
            error, SMR_ERROR_MODEL,
            "%s %u of a body has rank %d and %zu elements, or other dimensions than the op's rank %d and "
            "%zu elements",
            what, (unsigned)number, (int)inner.rank, inner.count, (int)outer.rank, outer.count);
    }
    return SMR_OK;
}

/* The body's inputs have the shapes of what the caller's op gives it; both programs have their values. */
static smr_status check_arguments(const smr_context *context, const smr_program *inner, const smr_body *body,
                                  smr_error *error) {
    const smr_program *outer = &context->programs[body->caller];
    const smr_model *model = context->model;
    uint32_t i;
    for (i = 0; i < body->arguments; ++i) {
        SMR_TRY(check_shape(
            "input", i, smr_program_tensor(model, inner, (uint32_t)smr_vector_i32(body->inputs, i)),
            smr_program_tensor(model, outer, smr_body_operand(body, SMR_STORAGE_ARGUMENT, i)), error));
    }
    return SMR_OK;
}

/* Its outputs have the shapes of the op's outputs. */
static smr_status check_results(const smr_context *context, const smr_program *inner, const smr_body *body,
                                smr_error *error) {
    const smr_program *outer = &context->programs[body->caller];
    const smr_model *model = context->model;
    uint32_t i;
    for (i = 0; i < body->results; ++i) {
        SMR_TRY(check_shape(
            "output", i, smr_program_tensor(model, inner, (uint32_t)smr_vector_i32(body->outputs, i)),
            smr_program_tensor(model, outer, smr_body_operand(body, SMR_STORAGE_RESULT, i)), error));
    }
    if (body->role == SMR_BODY_CONDITION &&
        smr_program_tensor(model, inner, (uint32_t)smr_vector_i32(body->outputs, 0)).rank != 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a condition that is no scalar");
    }
    return SMR_OK;
}

static smr_status check_body(const smr_context *context, const smr_program *program, const smr_body *body,
                             smr_error *error) {
    if (body->role != SMR_BODY_NONE) {
        SMR_TRY(check_arguments(context, program, body, error));
        SMR_TRY(check_results(context, program, body, error));
    }
    return SMR_OK;
}

smr_status smr_context_build_values(smr_context *context, smr_program *program, smr_context_rooms *rooms,
                                    smr_error *error) {
    smr_body body;
    SMR_TRY(smr_body_read(context->model, program->index, &body, error));
    group_values(program, rooms);
    SMR_TRY(fill_values(context, program, &body, rooms, error));
    return check_body(context, program, &body, error);
}

/* Evaluates a shape that can change, and sees that its bytes are no more than the file keeps for it. */
static smr_status resize_value(const smr_dimensions *dimensions, smr_table tensor, smr_value *value,
                               smr_error *error) {
    const smr_dimensions largest = {dimensions->model, NULL, false};
    const smr_vector entries = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
    smr_extent extent;
    smr_shape shape;
    const smr_status status = smr_shape_evaluate(dimensions, entries, (smr_dtype)value->dtype, &shape, error);
    if (status != SMR_OK) {
        smr_error_where(error, "tensor \"%.64s\": ", smr_tensor_name(tensor));
        return status;
    }
    extent = smr_tensor_extent(&largest, tensor);
    if (shape.bytes > extent.end - extent.begin) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "tensor \"%.64s\" takes %zu bytes, more than its %zu at the largest dimensions",
                 smr_tensor_name(tensor), shape.bytes, extent.end - extent.begin);
    }
    memcpy((void *)(uintptr_t)value->dims, shape.dims, sizeof shape.dims);
    value->count = shape.count;
    return SMR_OK;
}

smr_status smr_context_change_values(const smr_context *context, const smr_program *program,
                                     smr_error *error) {
    const smr_dimensions current = {context->model, context->dimensions, false};
    const smr_dimensions largest = {context->model, NULL, false};
    smr_body body;
    uint32_t i;
    SMR_TRY(smr_body_read(context->model, program->index, &body, error));
    for (i = 0; i < program->tensors.count; ++i) {
        const smr_table tensor = smr_vector_table(program->tensors, i);
        const smr_vector entries = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
        if (!smr_shape_is_fixed(entries)) {
            const bool computed = smr_shape_computed(context->model, entries, 0) >= 0;
            SMR_TRY(
                resize_value(computed ? &largest : &current, tensor, smr_program_value(program, i), error));
        }
    }
    return check_body(context, program, &body, error);
}

smr_status smr_context_refresh_value(const smr_context *context, const smr_program *program, uint32_t index,
                                     smr_error *error) {
    const smr_dimensions current = {context->model, context->dimensions, false};
    const smr_table tensor = smr_vector_table(program->tensors, index);
    return is_fixed(tensor) ? SMR_OK
                            : resize_value(&current, tensor, smr_program_value(program, index), error);
}

smr_status smr_context_prepare_body(smr_context *context, uint32_t index, smr_error *error) {
    const smr_program *program = &context->programs[index];
    smr_body body;
    uint32_t i;
    SMR_TRY(smr_body_read(context->model, index, &body, error));
    for (i = 0; i < body.arguments; ++i) {
        SMR_TRY(smr_context_refresh_value(context, program, (uint32_t)smr_vector_i32(body.inputs, i), error));
    }
    return check_arguments(context, program, &body, error);
}

smr_status smr_context_check_results(const smr_context *context, uint32_t index, smr_error *error) {
    smr_body body;
    SMR_TRY(smr_body_read(context->model, index, &body, error));
    return check_results(context, &context->programs[index], &body, error);
}
