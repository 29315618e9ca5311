/* Verifying what belongs to the whole model: versions, dimensions, expressions, states, and the order of it
 * all. */
#include "verify.h"

#include "../kernels/registry.h"
#include "context.h"
#include "version.h"

smr_status smr_verify_overspent(smr_verify *verify) {
    SMR_FAIL(verify->error, SMR_ERROR_FORMAT, "the file takes too long to verify");
}

smr_status smr_verify_spend_shape(smr_verify *verify, smr_table tensor) {
    const bool fixed = verify->model->expressions.count == 0 ||
                       smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE));
    return smr_verify_spend(verify, fixed ? 1 : SMR_MAX_EXPRESSION);
}

smr_status smr_verify_probe(smr_verify *verify, const smr_op_record *op, smr_vector tensors) {
    if (verify->probed == op->table && verify->probed_tensors == tensors.data) {
        return SMR_OK;
    }
    verify->probed = NULL;
    SMR_TRY(smr_node_probe_prepare(verify->probe, &verify->largest, verify->model->isas, op, tensors,
                                   verify->error));
    verify->probed = op->table;
    verify->probed_tensors = tensors.data;
    return SMR_OK;
}

smr_status smr_verify_names(smr_verify *verify, smr_vector tables, uint32_t slot, const char *what) {
    uint32_t i, k;
    for (i = 0; i < tables.count; ++i) {
        const smr_vector name = smr_field_vector(smr_vector_table(tables, i), slot);
        if (name.count == 0) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s %u has no name", what, (unsigned)i);
        }
        for (k = 0; k < i; ++k) {
            const smr_vector other = smr_field_vector(smr_vector_table(tables, k), slot);
            const bool same_size = other.count == name.count;
            SMR_TRY(smr_verify_spend(verify, 1 + (same_size ? name.count / 16 : 0)));
            if (same_size && memcmp(other.data, name.data, name.count) == 0) {
                SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%ss %u and %u are both called \"%.64s\"", what,
                         (unsigned)k, (unsigned)i, (const char *)name.data);
            }
        }
    }
    return SMR_OK;
}

static smr_status verify_versions(smr_verify *verify) {
    const smr_table root = verify->model->root;
    const smr_vector hash = smr_field_vector(root, SMR_SLOT_MODEL_CONTENT_HASH);
    const uint32_t least = smr_field_u32(root, SMR_SLOT_MODEL_LEAST_RUNTIME, 0);
    if (least > SMR_VERSION_NUMBER) {
        SMR_FAIL(verify->error, SMR_ERROR_VERSION, "the file needs runtime %u.%u.%u and this is %s",
                 (unsigned)(least / 1000000), (unsigned)(least / 1000 % 1000), (unsigned)(least % 1000),
                 smr_version_string());
    }
    if (hash.count != 32) {
        SMR_FAIL(verify->error, SMR_ERROR_FORMAT, "a content hash of %u bytes instead of 32",
                 (unsigned)hash.count);
    }
    return SMR_OK;
}

static smr_status verify_dimensions(smr_verify *verify) {
    const smr_model *model = verify->model;
    uint32_t i;
    SMR_TRY(smr_verify_names(verify, model->dimensions, SMR_SLOT_DIMENSION_NAME, "dimension"));
    for (i = 0; i < model->dimensions.count; ++i) {
        const int32_t minimum = smr_dimension_value(&verify->smallest, i);
        const int32_t maximum = smr_dimension_value(&verify->largest, i);
        if (minimum < 0 || maximum < minimum) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "dimension \"%.64s\" is bounded by %d and %d",
                     smr_field_string(smr_vector_table(model->dimensions, i), SMR_SLOT_DIMENSION_NAME),
                     (int)minimum, (int)maximum);
        }
    }
    for (i = 0; i < model->expressions.count; ++i) {
        int32_t value;
        SMR_TRY(smr_expression_evaluate(&verify->largest, i, &value, verify->error));
        SMR_TRY(smr_expression_evaluate(&verify->smallest, i, &value, verify->error));
    }
    return SMR_OK;
}

/* States lie one after the other, so that an offset says which one it is. */
static smr_status verify_states(smr_verify *verify) {
    const smr_model *model = verify->model;
    uint64_t end = 0;
    uint32_t i;
    if (smr_field_u64(model->root, SMR_SLOT_MODEL_STATE_BYTES, 0) > SMR_MAX_REGION) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "the state has more bytes than this machine can address");
    }
    SMR_TRY(smr_verify_names(verify, model->states, SMR_SLOT_STATE_NAME, "state"));
    for (i = 0; i < model->states.count; ++i) {
        const smr_table state = smr_vector_table(model->states, i);
        const char *name = smr_field_string(state, SMR_SLOT_STATE_NAME);
        const smr_vector dims = smr_field_vector(state, SMR_SLOT_STATE_SHAPE);
        const smr_dtype dtype = (smr_dtype)smr_field_u8(state, SMR_SLOT_STATE_DTYPE, SMR_DTYPE_NONE);
        const uint64_t offset = smr_field_u64(state, SMR_SLOT_STATE_OFFSET, 0);
        const int32_t initial = smr_field_i32(state, SMR_SLOT_STATE_INITIAL, -1);
        smr_shape shape;
        if (smr_dtype_size(dtype) == 0 || !smr_shape_is_fixed(dims)) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "state \"%.64s\" has element type %u, or no fixed shape",
                     name, (unsigned)dtype);
        }
        SMR_TRY(smr_shape_evaluate(&verify->largest, dims, dtype, &shape, verify->error));
        if (offset % SMR_ALIGNMENT != 0 || offset < end || offset > model->state_bytes ||
            shape.bytes > model->state_bytes - offset) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                     "state \"%.64s\": %zu bytes at offset %llu; %llu to %zu are free, in steps of 64", name,
                     shape.bytes, (unsigned long long)offset, (unsigned long long)end, model->state_bytes);
        }
        end = offset + shape.bytes;
        if (initial < -1 || (initial >= 0 && (uint32_t)initial >= model->constants.count) ||
            (initial >= 0 && smr_model_constant(model, (uint32_t)initial).count != shape.bytes)) {
            SMR_FAIL(
                verify->error, SMR_ERROR_MODEL,
                "state \"%.64s\" of %zu bytes starts as constant %d, which has another size or is not there",
                name, shape.bytes, (int)initial);
        }
    }
    return SMR_OK;
}

/* The list of kernels lets a file be refused with one clear sentence. */
static smr_status verify_kernel_uses(smr_verify *verify) {
    const smr_vector uses = smr_field_vector(verify->model->root, SMR_SLOT_MODEL_KERNELS);
    uint32_t i;
    for (i = 0; i < uses.count; ++i) {
        const smr_table use = smr_vector_table(uses, i);
        const uint16_t opcode = smr_field_u16(use, SMR_SLOT_KERNEL_USE_OPCODE, 0);
        const smr_dtype dtype = (smr_dtype)smr_field_u8(use, SMR_SLOT_KERNEL_USE_DTYPE, SMR_DTYPE_NONE);
        const smr_op_def *def = smr_op_find(opcode);
        if (def == NULL) {
            SMR_FAIL(verify->error, SMR_ERROR_UNSUPPORTED,
                     "the file needs op number %u, which runtime %s does not know", (unsigned)opcode,
                     smr_version_string());
        }
        if (!smr_kernel_exists(opcode)) {
            SMR_FAIL(verify->error, SMR_ERROR_UNSUPPORTED,
                     "the file needs %s for %s, which this build leaves out", def->name,
                     smr_dtype_name(dtype));
        }
    }
    return SMR_OK;
}

static smr_status verify_body_ends(smr_verify *verify, smr_table program, const smr_body *body) {
    const smr_ends ends = {body->inputs, body->outputs, body};
    SMR_TRY(smr_verify_body_endpoints(verify, smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS), body));
    return smr_verify_plan(verify, &ends, program);
}

/* In their order: what is said of a body's caller has been verified before the body is. */
static smr_status verify_programs(smr_verify *verify) {
    const smr_vector programs = verify->model->programs;
    uint32_t i;
    for (i = 0; i < programs.count; ++i) {
        const smr_table program = smr_vector_table(programs, i);
        smr_body body;
        smr_status status = smr_verify_body(verify, i, &body);
        if (status == SMR_OK) {
            status = smr_verify_tensors(verify, program, &body);
        }
        if (status == SMR_OK) {
            status = smr_verify_ops(verify, i, &body);
        }
        if (status == SMR_OK && body.role != SMR_BODY_NONE) {
            status = verify_body_ends(verify, program, &body);
        }
        if (status == SMR_OK) {
            status = smr_verify_computed(verify, i);
        }
        if (status != SMR_OK) {
            smr_error_where(verify->error,
                            "program \"%.64s\": ", smr_field_string(program, SMR_SLOT_PROGRAM_NAME));
            return status;
        }
    }
    return SMR_OK;
}

static void count_parts(smr_model *model) {
    uint32_t i, k;
    for (i = 0; i < model->constants.count; ++i) {
        model->constant_bytes += smr_model_constant(model, i).count;
    }
    for (i = 0; i < model->programs.count; ++i) {
        const smr_table program = smr_vector_table(model->programs, i);
        const smr_vector tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
        const size_t arena = (size_t)smr_field_u64(program, SMR_SLOT_PROGRAM_ARENA_BYTES, 0);
        model->arena_bytes = arena > model->arena_bytes ? arena : model->arena_bytes;
        model->group_count += smr_value_groups(tensors.count);
        for (k = 0; k < tensors.count; ++k) {
            const smr_table tensor = smr_vector_table(tensors, k);
            model->value_count += smr_tensor_storage(tensor) != SMR_STORAGE_CONSTANT;
            model->shape_count += !smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE));
        }
    }
}

smr_status smr_model_verify(smr_model *model, smr_error *error) {
    smr_node_probe probe;
    smr_verify verify;
    memset(&verify, 0, sizeof verify);
    verify.probe = &probe;
    verify.model = model;
    verify.largest.model = model;
    verify.smallest.model = model;
    verify.smallest.smallest = true;
    verify.budget = 64 * (uint64_t)model->file.size + (1u << 24);
    verify.error = error;
    SMR_TRY(verify_versions(&verify));
    SMR_TRY(verify_kernel_uses(&verify));
    SMR_TRY(verify_dimensions(&verify));
    model->state_bytes = (size_t)smr_field_u64(model->root, SMR_SLOT_MODEL_STATE_BYTES, 0);
    SMR_TRY(verify_states(&verify));
    SMR_TRY(verify_programs(&verify));
    SMR_TRY(smr_verify_signatures(&verify));
    count_parts(model);
    model->kept = verify.kept.kept;
    return smr_context_check_size(model, error);
}
