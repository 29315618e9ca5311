/* cast: elements are loaded to float, or to int64 from integers and bool, a few at a time, and stored from
 * there. */
#include <math.h>

#include "array.h"
#include "convert.h"

#define CAST_COUNT 64

/* The integer nearest to a float, toward zero, from `low` to `high`, which are whole numbers of float but for
 * high, given as the first one beyond; 0 for NaN. */
static int64_t whole_number(float value, float low, float beyond, int64_t least, int64_t most) {
    const float whole = truncf(value);
    if (isnan(value)) {
        return 0;
    }
    return whole < low ? least : whole >= beyond ? most : (int64_t)whole;
}

static void load_floats(float *to, const smr_value *x, size_t at, size_t count) {
    size_t i;
    if (x->dtype == SMR_DTYPE_FLOAT32) {
        memcpy(to, (const float *)x->data + at, count * sizeof *to);
        return;
    }
    for (i = 0; i < count; ++i) {
        to[i] = smr_half_to_float(((const uint16_t *)x->data)[at + i]);
    }
}

#define CAST_LOAD(type)                          \
    for (i = 0; i < count; ++i) {                \
        to[i] = ((const type *)x->data)[at + i]; \
    }                                            \
    break;

static void load_integers(int64_t *to, const smr_value *x, size_t at, size_t count) {
    size_t i;
    switch (x->dtype) {
        case SMR_DTYPE_INT8: CAST_LOAD(int8_t)
        case SMR_DTYPE_UINT8: CAST_LOAD(uint8_t)
        case SMR_DTYPE_INT16: CAST_LOAD(int16_t)
        case SMR_DTYPE_INT32: CAST_LOAD(int32_t)
        case SMR_DTYPE_INT64: CAST_LOAD(int64_t)
        default:
            for (i = 0; i < count; ++i) {
                to[i] = ((const uint8_t *)x->data)[at + i] != 0;
            }
    }
}

#define CAST_STORE(type, expression)          \
    for (i = 0; i < count; ++i) {             \
        ((type *)to)[i] = (type)(expression); \
    }                                         \
    break;

static void store_floats(uint8_t dtype, void *to, const float *from, size_t count) {
    size_t i;
    switch (dtype) {
        case SMR_DTYPE_FLOAT32: CAST_STORE(float, from[i])
        case SMR_DTYPE_FLOAT16: CAST_STORE(uint16_t, smr_float_to_half(from[i]))
        case SMR_DTYPE_INT8: CAST_STORE(int8_t, whole_number(from[i], -128.0f, 128.0f, INT8_MIN, INT8_MAX))
        case SMR_DTYPE_UINT8: CAST_STORE(uint8_t, whole_number(from[i], 0.0f, 256.0f, 0, UINT8_MAX))
        case SMR_DTYPE_INT16:
            CAST_STORE(int16_t, whole_number(from[i], -32768.0f, 32768.0f, INT16_MIN, INT16_MAX))
        case SMR_DTYPE_INT32:
            CAST_STORE(int32_t, whole_number(from[i], -2147483648.0f, 2147483648.0f, INT32_MIN, INT32_MAX))
        case SMR_DTYPE_INT64:
            CAST_STORE(int64_t, whole_number(from[i], -9223372036854775808.0f, 9223372036854775808.0f,
                                             INT64_MIN, INT64_MAX))
        default: CAST_STORE(uint8_t, from[i] != 0.0f)
    }
}

/* Integers wrap around: an unsigned type of the same size has the same bytes. */
static void store_integers(uint8_t dtype, void *to, const int64_t *from, size_t count) {
    size_t i;
    switch (dtype) {
        case SMR_DTYPE_FLOAT32: CAST_STORE(float, from[i])
        case SMR_DTYPE_FLOAT16: CAST_STORE(uint16_t, smr_float_to_half((float)from[i]))
        case SMR_DTYPE_INT8:
        case SMR_DTYPE_UINT8: CAST_STORE(uint8_t, from[i])
        case SMR_DTYPE_INT16: CAST_STORE(uint16_t, from[i])
        case SMR_DTYPE_INT32: CAST_STORE(uint32_t, from[i])
        case SMR_DTYPE_INT64: CAST_STORE(int64_t, from[i])
        default: CAST_STORE(uint8_t, from[i] != 0)
    }
}

void smr_array_store(uint8_t dtype, float value, uint8_t *to) {
    union {
        uint8_t bytes[8];
        uint64_t align;
    } element;
    element.align = 0;
    store_floats(dtype, element.bytes, &value, 1);
    memcpy(to, element.bytes, smr_dtype_size((smr_dtype)dtype));
}

static bool is_float(uint8_t dtype) {
    return dtype == SMR_DTYPE_FLOAT32 || dtype == SMR_DTYPE_FLOAT16;
}

/* Work items are elements. */
static smr_status run_cast(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const size_t size = array_element_size(y);
    (void)error;
    while (begin < end) {
        const size_t count = end - begin < CAST_COUNT ? end - begin : CAST_COUNT;
        uint8_t *to = (uint8_t *)y->data + begin * size;
        if (x->dtype == y->dtype) {
            memmove(to, (const uint8_t *)x->data + begin * size, count * size);
        } else if (is_float(x->dtype)) {
            float values[CAST_COUNT];
            load_floats(values, x, begin, count);
            store_floats(y->dtype, to, values, count);
        } else {
            int64_t values[CAST_COUNT];
            load_integers(values, x, begin, count);
            store_integers(y->dtype, to, values, count);
        }
        begin += count;
    }
    return SMR_OK;
}

smr_status smr_prepare_cast(smr_node *node, smr_error *error) {
    SMR_TRY(smr_array_check_dtype(node->outputs[0], node->attributes.cast.dtype, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], node->inputs[0], error));
    node->run = run_cast;
    node->work = node->outputs[0]->count;
    return SMR_OK;
}
