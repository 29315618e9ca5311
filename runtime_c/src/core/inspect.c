/* Telling a caller what is in a model. */
#include "../kernels/registry.h"
#include "../platform/platform.h"
#include "context.h"
#include "isa.h"

smr_tensor smr_tensor_describe(smr_table tensor, const smr_value *value) {
    const smr_table quantization = smr_field_table(tensor, SMR_SLOT_TENSOR_QUANTIZATION);
    smr_tensor result;
    memset(&result, 0, sizeof result);
    result.name = smr_tensor_name(tensor);
    result.bytes = value->count * smr_dtype_size((smr_dtype)value->dtype);
    result.dtype = (smr_dtype)value->dtype;
    result.rank = value->rank;
    memcpy(result.dims, value->dims, value->rank * sizeof result.dims[0]);
    if (quantization != NULL && smr_field_i32(quantization, SMR_SLOT_QUANTIZATION_AXIS, -1) < 0) {
        result.scale = smr_vector_f32(smr_field_vector(quantization, SMR_SLOT_QUANTIZATION_SCALE), 0);
        result.zero_point =
            smr_vector_i32(smr_field_vector(quantization, SMR_SLOT_QUANTIZATION_ZERO_POINT), 0);
    }
    return result;
}

smr_tensor smr_state_describe(const smr_model *model, smr_table state) {
    const smr_dimensions largest = {model, NULL, false};
    smr_tensor result;
    smr_shape shape;
    memset(&result, 0, sizeof result);
    result.name = smr_field_string(state, SMR_SLOT_STATE_NAME);
    result.dtype = (smr_dtype)smr_field_u8(state, SMR_SLOT_STATE_DTYPE, SMR_DTYPE_NONE);
    (void)smr_shape_evaluate(&largest, smr_field_vector(state, SMR_SLOT_STATE_SHAPE), result.dtype, &shape,
                             NULL);
    result.bytes = shape.bytes;
    result.rank = shape.rank;
    memcpy(result.dims, shape.dims, sizeof result.dims);
    return result;
}

/* A model and somewhere to put the answer. */
static smr_status inspect_check(const smr_model *model, const void *result, smr_error *error) {
    if (model == NULL || result == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model` or where the answer goes is null");
    }
    return SMR_OK;
}

/* The table at `index` of a vector, which is `what` in messages. */
static smr_status inspect_at(smr_vector vector, int32_t index, const char *what, smr_table *table,
                             smr_error *error) {
    if (index < 0 || (uint32_t)index >= vector.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "%s %d of %u", what, (int)index, (unsigned)vector.count);
    }
    *table = smr_vector_table(vector, (uint32_t)index);
    return SMR_OK;
}

static smr_status inspect_signature(const smr_model *model, int32_t signature, const void *result,
                                    smr_table *table, smr_table *program, smr_error *error) {
    SMR_TRY(inspect_check(model, result, error));
    SMR_TRY(inspect_at(model->signatures, signature, "signature", table, error));
    *program = smr_model_program_of(model, (uint32_t)signature);
    return SMR_OK;
}

smr_status smr_model_get_info(const smr_model *model, smr_model_info *info, smr_error *error) {
    SMR_TRY(inspect_check(model, info, error));
    memset(info, 0, sizeof *info);
    info->format_version = smr_field_u32(model->root, SMR_SLOT_MODEL_FORMAT_VERSION, 0);
    info->least_runtime = smr_field_u32(model->root, SMR_SLOT_MODEL_LEAST_RUNTIME, 0);
    memcpy(info->content_hash, smr_field_vector(model->root, SMR_SLOT_MODEL_CONTENT_HASH).data,
           sizeof info->content_hash);
    info->file_bytes = model->file.size;
    info->constant_bytes = model->constant_bytes;
    info->arena_bytes = model->arena_bytes;
    info->state_bytes = model->state_bytes;
    info->signature_count = (int32_t)model->signatures.count;
    info->dimension_count = (int32_t)model->dimensions.count;
    info->state_count = (int32_t)model->states.count;
    info->constant_count = (int32_t)model->constants.count;
    info->metadata_count = (int32_t)smr_field_vector(model->root, SMR_SLOT_MODEL_METADATA).count;
    info->program_count = (int32_t)model->programs.count;
    return SMR_OK;
}

smr_status smr_model_signature(const smr_model *model, int32_t signature, smr_signature_info *info,
                               smr_error *error) {
    smr_table table, program;
    SMR_TRY(inspect_signature(model, signature, info, &table, &program, error));
    memset(info, 0, sizeof *info);
    info->name = smr_field_string(table, SMR_SLOT_SIGNATURE_NAME);
    info->input_count = (int32_t)smr_field_vector(table, SMR_SLOT_SIGNATURE_INPUTS).count;
    info->output_count = (int32_t)smr_field_vector(table, SMR_SLOT_SIGNATURE_OUTPUTS).count;
    info->op_count = (int32_t)smr_field_vector(program, SMR_SLOT_PROGRAM_OPS).count;
    info->tensor_count = (int32_t)smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS).count;
    info->arena_bytes = (size_t)smr_field_u64(program, SMR_SLOT_PROGRAM_ARENA_BYTES, 0);
    info->program = smr_field_i32(table, SMR_SLOT_SIGNATURE_PROGRAM, 0);
    return SMR_OK;
}

smr_status smr_model_program(const smr_model *model, int32_t program, smr_program_info *info,
                             smr_error *error) {
    smr_table table;
    SMR_TRY(inspect_check(model, info, error));
    SMR_TRY(inspect_at(model->programs, program, "program", &table, error));
    memset(info, 0, sizeof *info);
    info->name = smr_field_string(table, SMR_SLOT_PROGRAM_NAME);
    info->op_count = (int32_t)smr_field_vector(table, SMR_SLOT_PROGRAM_OPS).count;
    info->tensor_count = (int32_t)smr_field_vector(table, SMR_SLOT_PROGRAM_TENSORS).count;
    info->caller = smr_field_i32(table, SMR_SLOT_PROGRAM_CALLER, -1);
    info->caller_op = smr_field_i32(table, SMR_SLOT_PROGRAM_CALLER_OP, 0);
    return SMR_OK;
}

smr_status smr_model_find_signature(const smr_model *model, const char *name, int32_t *signature,
                                    smr_error *error) {
    uint32_t i;
    SMR_TRY(inspect_check(model, name, error));
    SMR_TRY(inspect_check(model, signature, error));
    for (i = 0; i < model->signatures.count; ++i) {
        if (strcmp(name, smr_field_string(smr_vector_table(model->signatures, i), SMR_SLOT_SIGNATURE_NAME)) ==
            0) {
            *signature = (int32_t)i;
            return SMR_OK;
        }
    }
    SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "there is no signature \"%.64s\"", name);
}

/* A tensor of a program at its largest dimensions. */
static smr_status inspect_tensor(const smr_model *model, smr_table tensor, smr_tensor *result,
                                 smr_error *error) {
    const smr_dimensions largest = {model, NULL, false};
    int32_t dims[SMR_MAX_RANK];
    smr_value value;
    SMR_TRY(smr_value_fill(&largest, tensor, dims, &value, error));
    *result = smr_tensor_describe(tensor, &value);
    return SMR_OK;
}

static smr_status inspect_endpoint(const smr_model *model, int32_t signature, uint32_t slot, const char *what,
                                   int32_t index, smr_tensor *tensor, smr_error *error) {
    smr_table table, program, endpoint;
    SMR_TRY(inspect_signature(model, signature, tensor, &table, &program, error));
    SMR_TRY(inspect_at(smr_field_vector(table, slot), index, what, &endpoint, error));
    SMR_TRY(inspect_tensor(model,
                           smr_vector_table(smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS),
                                            smr_field_u32(endpoint, SMR_SLOT_ENDPOINT_TENSOR, 0)),
                           tensor, error));
    tensor->name = smr_field_string(endpoint, SMR_SLOT_ENDPOINT_NAME);
    return SMR_OK;
}

smr_status smr_model_input(const smr_model *model, int32_t signature, int32_t index, smr_tensor *tensor,
                           smr_error *error) {
    return inspect_endpoint(model, signature, SMR_SLOT_SIGNATURE_INPUTS, "input", index, tensor, error);
}

smr_status smr_model_output(const smr_model *model, int32_t signature, int32_t index, smr_tensor *tensor,
                            smr_error *error) {
    return inspect_endpoint(model, signature, SMR_SLOT_SIGNATURE_OUTPUTS, "output", index, tensor, error);
}

static smr_placement inspect_place(const smr_model *model, smr_table tensor) {
    const smr_dimensions largest = {model, NULL, false};
    smr_placement place;
    place.storage = smr_tensor_storage(tensor);
    if (place.storage == SMR_STORAGE_CONSTANT) {
        const smr_vector bytes =
            smr_model_constant(model, smr_field_u32(tensor, SMR_SLOT_TENSOR_CONSTANT, 0));
        place.offset = (size_t)(bytes.data - model->file.data);
        place.bytes = bytes.count;
    } else {
        const smr_extent extent = smr_tensor_extent(&largest, tensor);
        place.offset = extent.begin; /* of an argument or result its number */
        place.bytes = extent.end - extent.begin;
    }
    return place;
}

static smr_status inspect_program_tensor(const smr_model *model, smr_table program, int32_t index,
                                         smr_tensor *tensor, smr_placement *placement, smr_error *error) {
    smr_table found;
    SMR_TRY(inspect_at(smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS), index, "tensor", &found, error));
    if (placement != NULL) {
        *placement = inspect_place(model, found);
    }
    return inspect_tensor(model, found, tensor, error);
}

smr_status smr_model_tensor(const smr_model *model, int32_t signature, int32_t index, smr_tensor *tensor,
                            smr_placement *placement, smr_error *error) {
    smr_table table, program;
    SMR_TRY(inspect_signature(model, signature, tensor, &table, &program, error));
    return inspect_program_tensor(model, program, index, tensor, placement, error);
}

smr_status smr_model_program_tensor(const smr_model *model, int32_t program, int32_t index,
                                    smr_tensor *tensor, smr_placement *placement, smr_error *error) {
    smr_table table;
    SMR_TRY(inspect_check(model, tensor, error));
    SMR_TRY(inspect_at(model->programs, program, "program", &table, error));
    return inspect_program_tensor(model, table, index, tensor, placement, error);
}

static smr_status inspect_program_op(const smr_model *model, smr_table program, int32_t index,
                                     smr_op_info *info, smr_error *error) {
    const smr_dimensions largest = {model, NULL, false};
    smr_table found;
    smr_vector tensors;
    smr_op_record op;
    smr_node_probe probe;
    SMR_TRY(inspect_at(smr_field_vector(program, SMR_SLOT_PROGRAM_OPS), index, "op", &found, error));
    tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
    op = smr_op_read(found);
    SMR_TRY(smr_node_probe_prepare(&probe, &largest, model->isas, &op, tensors, error));
    info->op = op.def->name;
    info->kernel = probe.node.kernel->name;
    info->name = smr_op_name(&op, tensors);
    info->input_count = (int32_t)op.inputs.count;
    info->output_count = (int32_t)op.outputs.count;
    info->inputs = (const int32_t *)(const void *)op.inputs.data;
    info->outputs = (const int32_t *)(const void *)op.outputs.data;
    return SMR_OK;
}

smr_status smr_model_op(const smr_model *model, int32_t signature, int32_t index, smr_op_info *info,
                        smr_error *error) {
    smr_table table, program;
    SMR_TRY(inspect_signature(model, signature, info, &table, &program, error));
    return inspect_program_op(model, program, index, info, error);
}

smr_status smr_model_program_op(const smr_model *model, int32_t program, int32_t index, smr_op_info *info,
                                smr_error *error) {
    smr_table table;
    SMR_TRY(inspect_check(model, info, error));
    SMR_TRY(inspect_at(model->programs, program, "program", &table, error));
    return inspect_program_op(model, table, index, info, error);
}

smr_status smr_model_dimension(const smr_model *model, int32_t index, smr_dimension_info *info,
                               smr_error *error) {
    smr_table table;
    SMR_TRY(inspect_check(model, info, error));
    SMR_TRY(inspect_at(model->dimensions, index, "dimension", &table, error));
    info->name = smr_field_string(table, SMR_SLOT_DIMENSION_NAME);
    info->minimum = smr_field_i32(table, SMR_SLOT_DIMENSION_MINIMUM, 0);
    info->maximum = smr_field_i32(table, SMR_SLOT_DIMENSION_MAXIMUM, 0);
    info->computed = smr_field_u8(table, SMR_SLOT_DIMENSION_COMPUTED, 0) != 0;
    return SMR_OK;
}

smr_status smr_model_input_dimension(const smr_model *model, int32_t signature, int32_t index, int32_t axis,
                                     int32_t *dimension, smr_error *error) {
    smr_table table, program, endpoint, tensor;
    smr_vector shape;
    int32_t size;
    SMR_TRY(inspect_signature(model, signature, dimension, &table, &program, error));
    SMR_TRY(inspect_at(smr_field_vector(table, SMR_SLOT_SIGNATURE_INPUTS), index, "input", &endpoint, error));
    tensor = smr_vector_table(smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS),
                              smr_field_u32(endpoint, SMR_SLOT_ENDPOINT_TENSOR, 0));
    shape = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
    if (axis < 0 || (uint32_t)axis >= shape.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "axis %d of %u", (int)axis, (unsigned)shape.count);
    }
    *dimension = -1;
    size = smr_vector_i32(shape, (uint32_t)axis);
    if (size < 0 && smr_expression_is_dimension(model, (uint32_t)(-1 - size))) {
        *dimension = smr_expression_operand(model, (uint32_t)(-1 - size), 0);
    }
    return SMR_OK;
}

smr_status smr_model_state(const smr_model *model, int32_t index, smr_tensor *tensor, smr_error *error) {
    smr_table table;
    SMR_TRY(inspect_check(model, tensor, error));
    SMR_TRY(inspect_at(model->states, index, "state", &table, error));
    *tensor = smr_state_describe(model, table);
    return SMR_OK;
}

smr_status smr_model_metadata(const smr_model *model, int32_t index, const char **key, const char **value,
                              smr_error *error) {
    smr_table table;
    SMR_TRY(inspect_check(model, (const void *)key, error));
    SMR_TRY(inspect_check(model, (const void *)value, error));
    SMR_TRY(inspect_at(smr_field_vector(model->root, SMR_SLOT_MODEL_METADATA), index, "metadata entry",
                       &table, error));
    *key = smr_field_string(table, SMR_SLOT_METADATA_KEY);
    *value = smr_field_string(table, SMR_SLOT_METADATA_VALUE);
    return SMR_OK;
}

smr_status smr_model_golden_count(const smr_model *model, int32_t signature, int32_t *count,
                                  smr_error *error) {
    smr_table table, program;
    SMR_TRY(inspect_signature(model, signature, count, &table, &program, error));
    *count = (int32_t)smr_field_vector(table, SMR_SLOT_SIGNATURE_GOLDEN).count;
    return SMR_OK;
}

smr_status smr_model_golden(const smr_model *model, int32_t signature, int32_t index, int32_t output,
                            int32_t tensor, const void **data, size_t *bytes, smr_error *error) {
    smr_table table, program, golden, blob;
    smr_vector found;
    SMR_TRY(inspect_check(model, bytes, error));
    SMR_TRY(inspect_signature(model, signature, (const void *)data, &table, &program, error));
    SMR_TRY(
        inspect_at(smr_field_vector(table, SMR_SLOT_SIGNATURE_GOLDEN), index, "golden case", &golden, error));
    SMR_TRY(
        inspect_at(smr_field_vector(golden, output != 0 ? SMR_SLOT_GOLDEN_OUTPUTS : SMR_SLOT_GOLDEN_INPUTS),
                   tensor, output != 0 ? "output" : "input", &blob, error));
    found = smr_field_vector(blob, SMR_SLOT_BLOB_DATA);
    *data = found.data;
    *bytes = found.count;
    return SMR_OK;
}

int32_t smr_isa_count(void) {
    uint32_t count = 0, isa;
    while (smr_isa_at(count, &isa) != NULL) {
        ++count;
    }
    return (int32_t)count;
}

smr_status smr_isa_info(int32_t index, const char **isa, int32_t *offered, smr_error *error) {
    uint32_t bit;
    const char *name = index < 0 ? NULL : smr_isa_at((uint32_t)index, &bit);
    if (isa == NULL || offered == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`isa` or `offered` is null");
    }
    if (name == NULL) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "instruction set %d of %d", (int)index, (int)smr_isa_count());
    }
    *isa = name;
    *offered = (smr_platform_isas() & bit) == bit;
    return SMR_OK;
}

int32_t smr_kernel_count(void) {
    int32_t count = 0;
    while (smr_kernel_at((size_t)count) != NULL) {
        ++count;
    }
    return count;
}

smr_status smr_kernel(int32_t index, const char **op, const char **kernel, smr_error *error) {
    const smr_kernel_row *row = index < 0 ? NULL : smr_kernel_at((size_t)index);
    if (op == NULL || kernel == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`op` or `kernel` is null");
    }
    if (row == NULL) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "kernel %d of %d", (int)index, (int)smr_kernel_count());
    }
    *op = smr_op_find(row->opcode)->name;
    *kernel = row->name;
    return SMR_OK;
}
