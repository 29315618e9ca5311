/* Ops that make tensors of sizes and numbers, and sizes of numbers: shape, range, dimension. */
#include <math.h>

#include "array.h"
#include "convert.h"

/* Work items are elements. */
static smr_status run_shape(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *y = node->outputs[0];
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        if (y->dtype == SMR_DTYPE_INT64) {
            ((int64_t *)y->data)[i] = node->inputs[0]->dims[i];
        } else {
            ((int32_t *)y->data)[i] = node->inputs[0]->dims[i];
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_shape(smr_node *node, smr_error *error) {
    const smr_value *y = node->outputs[0];
    SMR_TRY(smr_array_check_dtype(y, node->attributes.shape.output_type, error));
    if (y->dtype != SMR_DTYPE_INT32 && y->dtype != SMR_DTYPE_INT64) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "sizes as %s", smr_dtype_name((smr_dtype)y->dtype));
    }
    SMR_TRY(smr_array_check_rank(y, 1, error));
    SMR_TRY(smr_array_check_dim(y, 0, node->inputs[0]->rank, error));
    node->run = run_shape;
    node->work = y->count;
    return SMR_OK;
}

static int64_t range_integer(const smr_value *value) {
    switch (value->dtype) {
        case SMR_DTYPE_INT8: return *(const int8_t *)value->data;
        case SMR_DTYPE_UINT8: return *(const uint8_t *)value->data;
        case SMR_DTYPE_INT16: return *(const int16_t *)value->data;
        default: return array_index(value, 0);
    }
}

static float range_float(const smr_value *value) {
    return value->dtype == SMR_DTYPE_FLOAT16 ? smr_half_to_float(*(const uint16_t *)value->data)
                                             : *(const float *)value->data;
}

static bool range_is_float(const smr_value *value) {
    return value->dtype == SMR_DTYPE_FLOAT32 || value->dtype == SMR_DTYPE_FLOAT16;
}

/* Whether the numbers from start to before limit are `count`; a step of 0 never gets there. */
static bool range_has_integers(int64_t start, int64_t limit, int64_t delta, size_t count) {
    /* As unsigned numbers a distance and a step are exact, whatever their direction. */
    const uint64_t distance =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    const uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    if (delta == 0) {
        return false;
    }
    if (delta > 0 ? limit <= start : limit >= start) {
        return count == 0;
    }
    return (distance - 1) / step + 1 == count;
}

static bool range_has_floats(double start, double limit, double delta, size_t count) {
    const double expected = ceil((limit - start) / delta);
    return delta != 0.0 && (expected > 0.0 ? expected : 0.0) == (double)count;
}

#define RANGE_WRITE(type, expression)              \
    for (i = begin; i < end; ++i) {                \
        ((type *)y->data)[i] = (type)(expression); \
    }                                              \
    break;

/* Work items are elements. */
static smr_status run_range(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *y = node->outputs[0];
    const bool real = range_is_float(y);
    const float start = real ? range_float(node->inputs[0]) : 0.0f;
    const float limit = real ? range_float(node->inputs[1]) : 0.0f;
    const float delta = real ? range_float(node->inputs[2]) : 0.0f;
    const int64_t first = real ? 0 : range_integer(node->inputs[0]);
    const int64_t last = real ? 0 : range_integer(node->inputs[1]);
    const int64_t step = real ? 0 : range_integer(node->inputs[2]);
    size_t i;
    if (real ? !range_has_floats((double)start, (double)limit, (double)delta, y->count)
             : !range_has_integers(first, last, step, y->count)) {
        SMR_FAIL(error, SMR_ERROR_DATA,
                 "range from %g to %g by %g has not the %zu elements that the model says",
                 real ? (double)start : (double)first, real ? (double)limit : (double)last,
                 real ? (double)delta : (double)step, y->count);
    }
    switch (y->dtype) {
        case SMR_DTYPE_FLOAT32: RANGE_WRITE(float, start + (float)i * delta)
        case SMR_DTYPE_FLOAT16: RANGE_WRITE(uint16_t, smr_float_to_half(start + (float)i * delta))
        case SMR_DTYPE_INT16: RANGE_WRITE(uint16_t, (uint64_t)first + i * (uint64_t)step)
        case SMR_DTYPE_INT32: RANGE_WRITE(uint32_t, (uint64_t)first + i * (uint64_t)step)
        case SMR_DTYPE_INT64: RANGE_WRITE(uint64_t, (uint64_t)first + i * (uint64_t)step)
        default: RANGE_WRITE(uint8_t, (uint64_t)first + i * (uint64_t)step)
    }
    return SMR_OK;
}

/* The core reads the number from the output, and sets the size that it is. */
static smr_status run_dimension(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)begin;
    (void)end;
    (void)error;
    memmove(node->outputs[0]->data, node->inputs[0]->data, array_element_size(node->outputs[0]));
    return SMR_OK;
}

smr_status smr_prepare_dimension(smr_node *node, smr_error *error) {
    SMR_TRY(smr_array_check_rank(node->inputs[0], 0, error));
    SMR_TRY(smr_array_check_rank(node->outputs[0], 0, error));
    node->run = run_dimension;
    node->whole = true;
    node->work = 1;
    return SMR_OK;
}

smr_status smr_prepare_range(smr_node *node, smr_error *error) {
    int32_t i;
    for (i = 0; i < 3; ++i) {
        SMR_TRY(smr_array_check_rank(node->inputs[i], 0, error));
    }
    SMR_TRY(smr_array_check_rank(node->outputs[0], 1, error));
    node->run = run_range;
    node->work = node->outputs[0]->count;
    return SMR_OK;
}
