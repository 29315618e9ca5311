/* Verifying the tensors of a program: element types, shapes, places, constants and quantization. */
#include "float_range.h"
#include "verify.h"

/* A constant's bytes are what its shape and layout say. */
static smr_status verify_constant(smr_verify *verify, smr_table tensor, const smr_value *value) {
    const uint32_t index = smr_field_u32(tensor, SMR_SLOT_TENSOR_CONSTANT, 0);
    const uint32_t found = smr_model_constant(verify->model, index).count;
    uint64_t bytes;
    if (!smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE))) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "constant %u has no fixed shape", (unsigned)index);
    }
    SMR_TRY(smr_value_constant_bytes(value, &bytes, verify->error));
    if (bytes != found) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "constant %u has %u bytes; its shape and layout say %llu",
                 (unsigned)index, (unsigned)found, (unsigned long long)bytes);
    }
    return SMR_OK;
}

/* A tensor in the state is one of the model's states. */
static smr_status verify_state_tensor(smr_verify *verify, smr_table tensor, const smr_value *value,
                                      uint64_t offset) {
    const smr_vector states = verify->model->states;
    smr_table state = NULL;
    smr_shape shape;
    uint32_t low = 0, high = states.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (smr_field_u64(smr_vector_table(states, middle), SMR_SLOT_STATE_OFFSET, 0) <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        state = smr_vector_table(states, low - 1);
    }
    if (state == NULL || smr_field_u64(state, SMR_SLOT_STATE_OFFSET, 0) != offset ||
        smr_field_u8(state, SMR_SLOT_STATE_DTYPE, SMR_DTYPE_NONE) != value->dtype ||
        !smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE))) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "there is no state of %s at offset %llu",
                 smr_dtype_name((smr_dtype)value->dtype), (unsigned long long)offset);
    }
    SMR_TRY(smr_shape_evaluate(&verify->largest, smr_field_vector(state, SMR_SLOT_STATE_SHAPE),
                               (smr_dtype)value->dtype, &shape, verify->error));
    if (shape.rank != value->rank ||
        memcmp(shape.dims, value->dims, value->rank * sizeof shape.dims[0]) != 0) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "the state at offset %llu has another shape",
                 (unsigned long long)offset);
    }
    return SMR_OK;
}

/* A strided tensor has rows that do not overlap, and of a fixed number. */
static smr_status verify_strided(smr_verify *verify, smr_table tensor, const smr_value *value,
                                 uint64_t bytes) {
    if (!smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE)) ||
        !smr_value_strided_fits(value, bytes)) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                 "rows that are %u elements apart in %llu bytes, of %zu elements in all",
                 (unsigned)value->row, (unsigned long long)bytes, value->count);
    }
    return SMR_OK;
}

static smr_status verify_place(smr_verify *verify, smr_table tensor, const smr_value *largest,
                               uint64_t arena_bytes, const smr_body *body) {
    const uint64_t offset = smr_field_u64(tensor, SMR_SLOT_TENSOR_OFFSET, 0);
    const uint64_t begin = body->role == SMR_BODY_NONE || largest->count == 0 ? 0 : body->op.scratch_begin;
    const size_t size = smr_dtype_size((smr_dtype)largest->dtype);
    const uint64_t bytes = (uint64_t)largest->count * size;
    if (largest->storage == SMR_STORAGE_CONSTANT) {
        return verify_constant(verify, tensor, largest);
    }
    if (largest->storage == SMR_STORAGE_STATE) {
        return verify_state_tensor(verify, tensor, largest, offset);
    }
    if (largest->storage == SMR_STORAGE_ARGUMENT || largest->storage == SMR_STORAGE_RESULT) {
        return smr_verify_outside_place(verify, body, largest, offset);
    }
    /* Kernels ask for no more than the alignment of an element: a tensor may lie in another one. */
    if (offset % size != 0 || offset > arena_bytes || bytes > arena_bytes - offset) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                 "%llu bytes at offset %llu of an arena of %llu, in steps of 64, or of %zu in another tensor",
                 (unsigned long long)bytes, (unsigned long long)offset, (unsigned long long)arena_bytes,
                 size);
    }
    if (largest->layout == SMR_LAYOUT_STRIDED) {
        SMR_TRY(verify_strided(verify, tensor, largest, arena_bytes - offset));
    }
    if (offset < begin) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "offset %llu is before %llu, where the body's bytes begin",
                 (unsigned long long)offset, (unsigned long long)begin);
    }
    return SMR_OK;
}

static smr_status verify_quantization(smr_verify *verify, smr_table tensor, const smr_value *largest) {
    const smr_table quantization = smr_field_table(tensor, SMR_SLOT_TENSOR_QUANTIZATION);
    smr_vector scale, zero_point;
    int32_t axis;
    uint32_t count = 1, i;
    if (quantization == NULL) {
        return SMR_OK;
    }
    scale = smr_field_vector(quantization, SMR_SLOT_QUANTIZATION_SCALE);
    zero_point = smr_field_vector(quantization, SMR_SLOT_QUANTIZATION_ZERO_POINT);
    axis = smr_field_i32(quantization, SMR_SLOT_QUANTIZATION_AXIS, -1);
    if (axis < -1 || axis >= largest->rank) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "is quantized along axis %d of %d", (int)axis,
                 (int)largest->rank);
    }
    if (axis >= 0) {
        count = (uint32_t)largest->dims[axis];
    }
    if (scale.count != count || zero_point.count != count) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "has %u scales and %u zero points instead of %u",
                 (unsigned)scale.count, (unsigned)zero_point.count, (unsigned)count);
    }
    SMR_TRY(smr_verify_spend(verify, count));
    if (smr_floats_within(scale.data, count, SMR_FLOAT_LEAST, SMR_FLOAT_INFINITY)) {
        return SMR_OK;
    }
    for (i = 0; smr_floats_within(scale.data + 4 * (size_t)i, 1, SMR_FLOAT_LEAST, SMR_FLOAT_INFINITY); ++i) {
    }
    SMR_FAIL(verify->error, SMR_ERROR_MODEL, "has scale %g at index %u", (double)smr_vector_f32(scale, i),
             (unsigned)i);
}

static smr_status verify_tensor(smr_verify *verify, smr_table tensor, uint64_t arena_bytes,
                                const smr_body *body) {
    int32_t dims[2][SMR_MAX_RANK];
    smr_value largest, smallest;
    if (smr_tensor_name(tensor)[0] == '\0') {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "has no name");
    }
    SMR_TRY(smr_value_fill(&verify->largest, tensor, dims[0], &largest, verify->error));
    if (!smr_shape_is_fixed(smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE))) {
        SMR_TRY(smr_value_fill(&verify->smallest, tensor, dims[1], &smallest, verify->error));
        if (smallest.count > largest.count) {
            SMR_FAIL(verify->error, SMR_ERROR_MODEL,
                     "has %zu elements at the smallest dimensions and %zu at the largest", smallest.count,
                     largest.count);
        }
    }
    SMR_TRY(verify_place(verify, tensor, &largest, arena_bytes, body));
    return verify_quantization(verify, tensor, &largest);
}

smr_status smr_verify_tensors(smr_verify *verify, smr_table program, const smr_body *body) {
    const smr_vector tensors = smr_field_vector(program, SMR_SLOT_PROGRAM_TENSORS);
    const uint64_t arena_bytes = smr_field_u64(program, SMR_SLOT_PROGRAM_ARENA_BYTES, 0);
    uint32_t i;
    if (arena_bytes > SMR_MAX_REGION) {
        SMR_FAIL(verify->error, SMR_ERROR_MODEL, "the arena has more bytes than this machine can address");
    }
    for (i = 0; i < tensors.count; ++i) {
        const smr_table tensor = smr_vector_table(tensors, i);
        const smr_status status = verify_tensor(verify, tensor, arena_bytes, body);
        if (status != SMR_OK) {
            smr_error_where(verify->error, "tensor %u \"%.64s\": ", (unsigned)i, smr_tensor_name(tensor));
            return status;
        }
    }
    return SMR_OK;
}
