/* What a caller does with a context between runs: dimensions, tensors and state. */
#include "context.h"

/* Where a dimension of this name is; -1 when there is none. */
static int64_t find_dimension(const smr_model *model, const char *name) {
    uint32_t i;
    for (i = 0; i < model->dimensions.count; ++i) {
        if (strcmp(name, smr_field_string(smr_vector_table(model->dimensions, i), SMR_SLOT_DIMENSION_NAME)) ==
            0) {
            return i;
        }
    }
    return -1;
}

static smr_status check_dimension(const smr_context *context, uint32_t index, int32_t value,
                                  smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    const smr_dimensions smallest = {context->model, NULL, true};
    if (value < smr_dimension_value(&smallest, index) || value > smr_dimension_value(&largest, index)) {
        SMR_FAIL(
            error, SMR_ERROR_DIMENSION, "dimension \"%.64s\" is from %d to %d, not %d",
            smr_field_string(smr_vector_table(context->model->dimensions, index), SMR_SLOT_DIMENSION_NAME),
            (int)smr_dimension_value(&smallest, index), (int)smr_dimension_value(&largest, index),
            (int)value);
    }
    return SMR_OK;
}

/* Puts `count` values in the place of those from `first` on, but for computed ones, or leaves all as it was.
 */
static smr_status change_dimensions(smr_context *context, uint32_t first, uint32_t count,
                                    const int32_t *values, smr_error *error) {
    const size_t bytes = count * sizeof *values;
    bool changed = false;
    smr_status status;
    uint32_t i;
    if (count == 0) {
        return SMR_OK;
    }
    memcpy(context->previous + first, context->dimensions + first, bytes);
    for (i = 0; i < count; ++i) {
        if (values[i] != context->dimensions[first + i] &&
            !smr_dimension_is_computed(context->model, first + i)) {
            context->dimensions[first + i] = values[i];
            changed = true;
        }
    }
    if (!changed) {
        return SMR_OK;
    }
    status = smr_context_prepare(context, error);
    if (status != SMR_OK) {
        memcpy(context->dimensions + first, context->previous + first, bytes);
        (void)smr_context_prepare(context, NULL);
    }
    return status;
}

smr_status smr_context_set_dimension(smr_context *context, const char *name, int32_t value,
                                     smr_error *error) {
    int64_t index;
    if (context == NULL || name == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `name` is null");
    }
    index = find_dimension(context->model, name);
    if (index < 0) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "there is no dimension \"%.64s\"", name);
    }
    if (smr_dimension_is_computed(context->model, (uint32_t)index)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "dimension \"%.64s\" is computed by a run", name);
    }
    SMR_TRY(check_dimension(context, (uint32_t)index, value, error));
    return change_dimensions(context, (uint32_t)index, 1, &value, error);
}

smr_status smr_context_set_dimensions(smr_context *context, const int32_t *values, size_t count,
                                      smr_error *error) {
    uint32_t i;
    if (context == NULL || (values == NULL && count != 0)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `values` is null");
    }
    if (count != context->model->dimensions.count) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%zu values for %u dimensions", count,
                 (unsigned)context->model->dimensions.count);
    }
    for (i = 0; i < count; ++i) {
        if (!smr_dimension_is_computed(context->model, i)) {
            SMR_TRY(check_dimension(context, i, values[i], error));
        }
    }
    return change_dimensions(context, 0, (uint32_t)count, values, error);
}

smr_status smr_context_compute_dimension(smr_context *context, const smr_node *node, smr_error *error) {
    const int32_t index = node->attributes.dimension.symbol;
    const smr_dimensions largest = {context->model, NULL, false};
    const smr_dimensions smallest = {context->model, NULL, true};
    const smr_value *size = node->outputs[0];
    int64_t value;
    if (index < 0) {
        return SMR_OK;
    }
    value = size->dtype == SMR_DTYPE_INT64 ? *(const int64_t *)size->data : *(const int32_t *)size->data;
    if (value < smr_dimension_value(&smallest, (uint32_t)index) ||
        value > smr_dimension_value(&largest, (uint32_t)index)) {
        SMR_FAIL(error, SMR_ERROR_DATA, "dimension \"%.64s\" is from %d to %d, not %lld",
                 smr_field_string(smr_vector_table(context->model->dimensions, (uint32_t)index),
                                  SMR_SLOT_DIMENSION_NAME),
                 (int)smr_dimension_value(&smallest, (uint32_t)index),
                 (int)smr_dimension_value(&largest, (uint32_t)index), (long long)value);
    }
    context->dimensions[index] = (int32_t)value;
    return SMR_OK;
}

smr_status smr_context_enlarge(smr_context *context, smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    uint32_t i;
    for (i = 0; i < context->model->dimensions.count; ++i) {
        context->dimensions[i] = smr_dimension_value(&largest, i);
    }
    return smr_context_prepare(context, error);
}

const smr_program *smr_context_program_of(const smr_context *context, int32_t signature) {
    const smr_table table = smr_vector_table(context->model->signatures, (uint32_t)signature);
    return &context->programs[smr_field_u32(table, SMR_SLOT_SIGNATURE_PROGRAM, 0)];
}

static smr_status describe_tensor(const smr_model *model, const smr_program *program, int32_t index,
                                  smr_tensor *tensor, smr_error *error) {
    smr_value value;
    if (index < 0 || (uint32_t)index >= program->tensors.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "tensor %d of %u", (int)index, (unsigned)program->tensors.count);
    }
    value = smr_program_tensor(model, program, (uint32_t)index);
    *tensor = smr_tensor_describe(smr_vector_table(program->tensors, (uint32_t)index), &value);
    tensor->data = value.layout == SMR_LAYOUT_DENSE ? value.data : NULL;
    return SMR_OK;
}

smr_status smr_context_program_tensor(const smr_context *context, int32_t program, int32_t index,
                                      smr_tensor *tensor, smr_error *error) {
    if (context == NULL || tensor == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `tensor` is null");
    }
    if (program < 0 || (uint32_t)program >= context->model->programs.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "program %d of %u", (int)program,
                 (unsigned)context->model->programs.count);
    }
    return describe_tensor(context->model, &context->programs[program], index, tensor, error);
}

smr_status smr_context_read_tensor(const smr_context *context, int32_t program, int32_t index, void *data,
                                   size_t size, smr_error *error) {
    smr_tensor tensor;
    smr_value value;
    size_t width, row, at;
    SMR_TRY(smr_context_program_tensor(context, program, index, &tensor, error));
    value = smr_program_tensor(context->model, &context->programs[program], (uint32_t)index);
    if ((data == NULL && size != 0) || size != tensor.bytes ||
        (value.layout != SMR_LAYOUT_DENSE && value.layout != SMR_LAYOUT_STRIDED)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%zu bytes for the %zu of \"%.64s\", or it is in panels", size,
                 tensor.bytes, tensor.name);
    }
    width = value.layout == SMR_LAYOUT_STRIDED
                ? (size_t)value.dims[value.rank - 1] * smr_dtype_size((smr_dtype)value.dtype)
                : size;
    row = value.layout == SMR_LAYOUT_STRIDED ? value.row * smr_dtype_size((smr_dtype)value.dtype) : size;
    for (at = 0; at < size; at += width) {
        memcpy((uint8_t *)data + at, (const uint8_t *)value.data + at / width * row, width);
    }
    return SMR_OK;
}

/* The kernel that has found nothing to do for an op. */
static smr_status idle_kernel(const smr_context *context, const smr_program *program, uint32_t index,
                              const char **isa, smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    const smr_op_record op = smr_op_read(smr_vector_table(program->ops, index));
    smr_node_probe probe;
    SMR_TRY(smr_node_probe_prepare(&probe, &largest, context->isas, &op, program->tensors, error));
    *isa = probe.node.kernel->name;
    return SMR_OK;
}

smr_status smr_context_kernel(const smr_context *context, int32_t program, int32_t index, const char **isa,
                              smr_error *error) {
    const smr_node *node;
    if (context == NULL || isa == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `isa` is null");
    }
    if (program < 0 || (uint32_t)program >= context->model->programs.count || index < 0 ||
        (uint32_t)index >= context->programs[program].ops.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "op %d of program %d", (int)index, (int)program);
    }
    node = smr_program_node(&context->programs[program], (uint32_t)index);
    if (node == NULL) {
        return idle_kernel(context, &context->programs[program], (uint32_t)index, isa, error);
    }
    *isa = node->kernel == NULL ? "" : node->kernel->name;
    return SMR_OK;
}

smr_status smr_context_tensor(const smr_context *context, int32_t signature, int32_t index,
                              smr_tensor *tensor, smr_error *error) {
    if (context == NULL || tensor == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `tensor` is null");
    }
    if (signature < 0 || (uint32_t)signature >= context->model->signatures.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "signature %d of %u", (int)signature,
                 (unsigned)context->model->signatures.count);
    }
    return describe_tensor(context->model, smr_context_program_of(context, signature), index, tensor, error);
}

/* The tensor that an endpoint of a signature stands for. */
static smr_status find_endpoint(const smr_context *context, int32_t signature, int32_t index, uint32_t slot,
                                int32_t *tensor, smr_error *error) {
    smr_vector endpoints;
    if (context == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` is null");
    }
    if (signature < 0 || (uint32_t)signature >= context->model->signatures.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "signature %d of %u", (int)signature,
                 (unsigned)context->model->signatures.count);
    }
    endpoints = smr_field_vector(smr_vector_table(context->model->signatures, (uint32_t)signature), slot);
    if (index < 0 || (uint32_t)index >= endpoints.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "%s %d of %u",
                 slot == SMR_SLOT_SIGNATURE_INPUTS ? "input" : "output", (int)index,
                 (unsigned)endpoints.count);
    }
    *tensor = (int32_t)smr_endpoint_tensor(endpoints, (uint32_t)index);
    return SMR_OK;
}

/* An endpoint goes by its own name, not by that of its tensor. */
static smr_status describe_endpoint(const smr_context *context, int32_t signature, int32_t index,
                                    uint32_t slot, smr_tensor *result, smr_error *error) {
    int32_t tensor;
    SMR_TRY(find_endpoint(context, signature, index, slot, &tensor, error));
    SMR_TRY(smr_context_tensor(context, signature, tensor, result, error));
    result->name = smr_field_string(
        smr_vector_table(
            smr_field_vector(smr_vector_table(context->model->signatures, (uint32_t)signature), slot),
            (uint32_t)index),
        SMR_SLOT_ENDPOINT_NAME);
    return SMR_OK;
}

smr_status smr_context_input(smr_context *context, int32_t signature, int32_t index, smr_tensor *tensor,
                             smr_error *error) {
    return describe_endpoint(context, signature, index, SMR_SLOT_SIGNATURE_INPUTS, tensor, error);
}

smr_status smr_context_output(smr_context *context, int32_t signature, int32_t index, smr_tensor *tensor,
                              smr_error *error) {
    return describe_endpoint(context, signature, index, SMR_SLOT_SIGNATURE_OUTPUTS, tensor, error);
}

smr_status smr_context_state(smr_context *context, int32_t index, smr_tensor *tensor, smr_error *error) {
    smr_table state;
    if (context == NULL || tensor == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `tensor` is null");
    }
    if (index < 0 || (uint32_t)index >= context->model->states.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "state %d of %u", (int)index,
                 (unsigned)context->model->states.count);
    }
    state = smr_vector_table(context->model->states, (uint32_t)index);
    *tensor = smr_state_describe(context->model, state);
    tensor->data = context->state + (size_t)smr_field_u64(state, SMR_SLOT_STATE_OFFSET, 0);
    return SMR_OK;
}

static smr_status check_saved(const smr_context *context, const void *data, size_t size, smr_error *error) {
    if (context == NULL || (data == NULL && size != 0)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `data` is null");
    }
    if (size != context->model->state_bytes) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%zu bytes for the %zu bytes of state", size,
                 context->model->state_bytes);
    }
    return SMR_OK;
}

smr_status smr_context_save_state(const smr_context *context, void *data, size_t size, smr_error *error) {
    SMR_TRY(check_saved(context, data, size, error));
    if (size != 0) {
        memcpy(data, context->state, size);
    }
    return SMR_OK;
}

smr_status smr_context_load_state(smr_context *context, const void *data, size_t size, smr_error *error) {
    SMR_TRY(check_saved(context, data, size, error));
    if (size != 0) {
        memcpy(context->state, data, size);
    }
    return SMR_OK;
}

void smr_context_reset(smr_context *context) {
    uint32_t i;
    if (context == NULL) {
        return;
    }
    memset(context->state, 0, context->model->state_bytes);
    for (i = 0; i < context->model->states.count; ++i) {
        const smr_table state = smr_vector_table(context->model->states, i);
        const int32_t initial = smr_field_i32(state, SMR_SLOT_STATE_INITIAL, -1);
        if (initial >= 0) {
            const smr_vector bytes = smr_model_constant(context->model, (uint32_t)initial);
            memcpy(context->state + (size_t)smr_field_u64(state, SMR_SLOT_STATE_OFFSET, 0), bytes.data,
                   bytes.count);
        }
    }
}
