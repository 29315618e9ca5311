/* The self-test: the file's golden inputs must give its golden outputs. */
#include <math.h>

#include "context.h"

static float half_to_float(uint16_t half) {
    const int exponent = half >> 10 & 31;
    const float fraction = (float)(half & 1023);
    float value;
    if (exponent == 31) {
        value = fraction == 0.0f ? INFINITY : NAN;
    } else if (exponent == 0) {
        value = ldexpf(fraction, -24);
    } else {
        value = ldexpf(fraction + 1024.0f, exponent - 25);
    }
    return (half & 0x8000) != 0 ? -value : value;
}

static float read_float(smr_dtype dtype, const uint8_t *data, size_t index) {
    return dtype == SMR_DTYPE_FLOAT16 ? half_to_float(smr_read_u16(data + 2 * index))
                                      : smr_read_f32(data + 4 * index);
}

static bool float_agrees(float found, float expected, float allowed) {
    if (isnan(expected) || isnan(found)) {
        return isnan(expected) && isnan(found);
    }
    if (isinf(expected) || isinf(found)) {
        return found == expected;
    }
    return fabsf(found - expected) <= allowed;
}

static smr_status compare_floats(const smr_tensor *found, const uint8_t *expected, float tolerance,
                                 smr_error *error) {
    const size_t count = found->bytes / smr_dtype_size(found->dtype);
    float largest = 0.0f;
    size_t i;
    for (i = 0; i < count; ++i) {
        const float magnitude = fabsf(read_float(found->dtype, expected, i));
        if (magnitude > largest && !isinf(magnitude)) {
            largest = magnitude;
        }
    }
    for (i = 0; i < count; ++i) {
        const float is = read_float(found->dtype, found->data, i);
        const float should = read_float(found->dtype, expected, i);
        if (!float_agrees(is, should, tolerance * largest)) {
            SMR_FAIL(error, SMR_ERROR_MISMATCH, "output \"%.64s\" has %g instead of %g at element %zu",
                     found->name, (double)is, (double)should, i);
        }
    }
    return SMR_OK;
}

static smr_status compare_output(const smr_tensor *found, smr_table blob, float tolerance, smr_error *error) {
    const smr_vector expected = smr_field_vector(blob, SMR_SLOT_BLOB_DATA);
    size_t i;
    if (found->bytes != expected.count) {
        SMR_FAIL(error, SMR_ERROR_MISMATCH, "output \"%.64s\" has %zu bytes instead of %u", found->name,
                 found->bytes, (unsigned)expected.count);
    }
    if (found->dtype == SMR_DTYPE_FLOAT32 || found->dtype == SMR_DTYPE_FLOAT16) {
        return compare_floats(found, expected.data, tolerance, error);
    }
    for (i = 0; i < found->bytes; ++i) {
        if (((const uint8_t *)found->data)[i] != expected.data[i]) {
            SMR_FAIL(error, SMR_ERROR_MISMATCH, "output \"%.64s\" differs at element %zu", found->name,
                     i / smr_dtype_size(found->dtype));
        }
    }
    return SMR_OK;
}

static smr_status run_golden(smr_context *context, int32_t signature, smr_table golden, float tolerance,
                             smr_error *error) {
    const smr_vector inputs = smr_field_vector(golden, SMR_SLOT_GOLDEN_INPUTS);
    const smr_vector outputs = smr_field_vector(golden, SMR_SLOT_GOLDEN_OUTPUTS);
    smr_tensor tensor;
    uint32_t i;
    smr_context_reset(context);
    for (i = 0; i < inputs.count; ++i) {
        const smr_vector bytes = smr_field_vector(smr_vector_table(inputs, i), SMR_SLOT_BLOB_DATA);
        SMR_TRY(smr_context_input(context, signature, (int32_t)i, &tensor, error));
        if (bytes.count > 0) {
            memcpy(tensor.data, bytes.data, bytes.count);
        }
    }
    SMR_TRY(smr_run(context, signature, error));
    for (i = 0; i < outputs.count; ++i) {
        SMR_TRY(smr_context_output(context, signature, (int32_t)i, &tensor, error));
        SMR_TRY(compare_output(&tensor, smr_vector_table(outputs, i), tolerance, error));
    }
    return SMR_OK;
}

static smr_status run_goldens(smr_context *context, int32_t signature, float tolerance, smr_error *error) {
    const smr_table table = smr_vector_table(context->model->signatures, (uint32_t)signature);
    const smr_vector golden = smr_field_vector(table, SMR_SLOT_SIGNATURE_GOLDEN);
    uint32_t i;
    for (i = 0; i < golden.count; ++i) {
        const smr_status status =
            run_golden(context, signature, smr_vector_table(golden, i), tolerance, error);
        if (status != SMR_OK) {
            smr_error_where(error, "signature \"%.64s\", golden case %u: ",
                            smr_field_string(table, SMR_SLOT_SIGNATURE_NAME), (unsigned)i);
            return status;
        }
    }
    return SMR_OK;
}

smr_status smr_self_test(smr_context *context, float tolerance, smr_error *error) {
    smr_status status = SMR_OK;
    uint32_t i;
    if (context == NULL || !(tolerance >= 0.0f)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` is null, or `tolerance` is %g", (double)tolerance);
    }
    SMR_TRY(smr_context_enlarge(context, error));
    tolerance = fmaxf(tolerance, smr_field_f32(context->model->root, SMR_SLOT_MODEL_GOLDEN_TOLERANCE, 0));
    for (i = 0; i < context->model->signatures.count && status == SMR_OK; ++i) {
        status = run_goldens(context, (int32_t)i, tolerance, error);
    }
    smr_context_reset(context);
    return status;
}
