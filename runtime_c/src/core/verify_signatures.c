/* Verifying signatures: their programs, endpoints and golden cases. */
#include "verify.h"

static smr_status verify_endpoints(smr_verify *verify, smr_vector endpoints, smr_vector tensors,
                                   const char *what) {
    uint32_t i;
    SMR_TRY(smr_verify_names(verify, endpoints, SMR_SLOT_ENDPOINT_NAME, what));
    for (i = 0; i < endpoints.count; ++i) {
        const uint32_t index = smr_endpoint_tensor(endpoints, i);
        const char *name = smr_field_string(smr_vector_table(endpoints, i), SMR_SLOT_ENDPOINT_NAME);
        smr_storage storage;
        if (index >= tensors.count) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s \"%.64s\" is tensor %u of %u", what, name,
                     (unsigned)index, (unsigned)tensors.count);
        }
        storage = smr_tensor_storage(smr_vector_table(tensors, index));
        if (storage == SMR_STORAGE_CONSTANT || (storage == SMR_STORAGE_STATE && what[0] == 'i')) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s \"%.64s\" is not in the arena", what, name);
        }
        if (smr_tensor_is_strided(smr_vector_table(tensors, index))) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s \"%.64s\" is strided", what, name);
        }
        if (storage == SMR_STORAGE_ARENA &&
            smr_field_u64(smr_vector_table(tensors, index), SMR_SLOT_TENSOR_OFFSET, 0) % SMR_ALIGNMENT != 0) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s \"%.64s\" has an offset that is not in steps of 64",
                     what, name);
        }
        if (what[0] == 'i' &&
            smr_shape_computed(verify->model,
                               smr_field_vector(smr_vector_table(tensors, index), SMR_SLOT_TENSOR_SHAPE),
                               0) >= 0) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%s \"%.64s\" has a size that the model computes", what,
                     name);
        }
    }
    return SMR_OK;
}

static smr_status verify_blobs(smr_verify *verify, smr_vector blobs, smr_vector endpoints,
                               smr_vector tensors) {
    uint32_t i;
    if (blobs.count != endpoints.count) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%u tensors for %u inputs or outputs", (unsigned)blobs.count,
                 (unsigned)endpoints.count);
    }
    for (i = 0; i < blobs.count; ++i) {
        const uint32_t found = smr_field_vector(smr_vector_table(blobs, i), SMR_SLOT_BLOB_DATA).count;
        const smr_table endpoint = smr_vector_table(endpoints, i);
        const smr_table tensor = smr_vector_table(tensors, smr_endpoint_tensor(endpoints, i));
        const bool computed =
            smr_shape_computed(verify->model, smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE), 0) >= 0;
        int32_t dims[SMR_MAX_RANK];
        smr_value value;
        size_t bytes;
        SMR_TRY(smr_value_fill(&verify->largest, tensor, dims, &value, verify->error));
        bytes = value.count * smr_dtype_size((smr_dtype)value.dtype);
        /* What a computed size was when the case was recorded is seen when it is run. */
        if (computed ? found > bytes : found != bytes) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL, "\"%.64s\" has %u bytes instead of %zu",
                     smr_field_string(endpoint, SMR_SLOT_ENDPOINT_NAME), (unsigned)found, bytes);
        }
    }
    return SMR_OK;
}

static smr_status verify_golden(smr_verify *verify, smr_table signature, smr_vector tensors) {
    const smr_vector golden = smr_field_vector(signature, SMR_SLOT_SIGNATURE_GOLDEN);
    const smr_vector inputs = smr_field_vector(signature, SMR_SLOT_SIGNATURE_INPUTS);
    const smr_vector outputs = smr_field_vector(signature, SMR_SLOT_SIGNATURE_OUTPUTS);
    uint32_t i;
    for (i = 0; i < golden.count; ++i) {
        const smr_table one = smr_vector_table(golden, i);
        smr_status status =
            verify_blobs(verify, smr_field_vector(one, SMR_SLOT_GOLDEN_INPUTS), inputs, tensors);
        if (status == SMR_OK) {
            status = verify_blobs(verify, smr_field_vector(one, SMR_SLOT_GOLDEN_OUTPUTS), outputs, tensors);
        }
        if (status != SMR_OK) {
            smr_error_where(verify->error, "golden case %u: ", (unsigned)i);
            return status;
        }
    }
    return SMR_OK;
}

static smr_status verify_signature(smr_verify *verify, smr_table signature) {
    const smr_table program =
        smr_vector_table(verify->model->programs, smr_field_u32(signature, SMR_SLOT_SIGNATURE_PROGRAM, 0));
    const smr_vector tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
    const smr_ends ends = {smr_field_vector(signature, SMR_SLOT_SIGNATURE_INPUTS),
                           smr_field_vector(signature, SMR_SLOT_SIGNATURE_OUTPUTS), NULL};
    SMR_TRY(verify_endpoints(verify, ends.inputs, tensors, "input"));
    SMR_TRY(verify_endpoints(verify, ends.outputs, tensors, "output"));
    SMR_TRY(smr_verify_plan(verify, &ends, program));
    return verify_golden(verify, signature, tensors);
}

static bool is_body(const smr_model *model, uint32_t program) {
    return smr_field_i32(smr_vector_table(model->programs, program), SMR_SLOT_PROGRAM_CALLER, -1) != -1;
}

/* A signature has a program of its own, and a program that is no body its signature. */
static smr_status verify_program_use(smr_verify *verify) {
    const smr_model *model = verify->model;
    uint32_t i, k, programs = 0;
    for (i = 0; i < model->programs.count; ++i) {
        programs += is_body(model, i) ? 0 : 1;
    }
    if (programs != model->signatures.count || programs == 0) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "%u signatures with %u programs",
                 (unsigned)model->signatures.count, (unsigned)programs);
    }
    for (i = 0; i < model->signatures.count; ++i) {
        const smr_table signature = smr_vector_table(model->signatures, i);
        const uint32_t program = smr_field_u32(signature, SMR_SLOT_SIGNATURE_PROGRAM, 0);
        bool alone = program < model->programs.count && !is_body(model, program);
        SMR_TRY(smr_verify_spend(verify, i));
        for (k = 0; k < i; ++k) {
            alone = alone && program != smr_field_u32(smr_vector_table(model->signatures, k),
                                                      SMR_SLOT_SIGNATURE_PROGRAM, 0);
        }
        if (!alone) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                     "signature \"%.64s\" has program %u, which is another's, a body's or not there",
                     smr_field_string(signature, SMR_SLOT_SIGNATURE_NAME), (unsigned)program);
        }
    }
    return SMR_OK;
}

smr_status smr_verify_signatures(smr_verify *verify) {
    const smr_vector signatures = verify->model->signatures;
    uint32_t i;
    SMR_TRY(smr_verify_names(verify, signatures, SMR_SLOT_SIGNATURE_NAME, "signature"));
    SMR_TRY(verify_program_use(verify));
    for (i = 0; i < signatures.count; ++i) {
        const smr_table signature = smr_vector_table(signatures, i);
        const smr_status status = verify_signature(verify, signature);
        if (status != SMR_OK) {
            smr_error_where(verify->error,
                            "signature \"%.64s\": ", smr_field_string(signature, SMR_SLOT_SIGNATURE_NAME));
            return status;
        }
    }
    return SMR_OK;
}
