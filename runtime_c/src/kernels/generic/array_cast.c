/* cast: elements become float or int64, a block at a time, and from there what they shall be. */
#include <math.h>

#include "array.h"
#include "convert.h"

/* The numbers of an integer type: as integers, and as floats the least and the first one beyond. */
typedef struct cast_limits {
    int64_t least, most;
    float low, beyond;
} cast_limits;

static cast_limits cast_limits_of(int dtype) {
    switch (dtype) {
        case SMR_DTYPE_INT8: return (cast_limits){INT8_MIN, INT8_MAX, -128.0f, 128.0f};
        case SMR_DTYPE_UINT8: return (cast_limits){0, UINT8_MAX, 0.0f, 256.0f};
        case SMR_DTYPE_INT16: return (cast_limits){INT16_MIN, INT16_MAX, -32768.0f, 32768.0f};
        case SMR_DTYPE_INT32: return (cast_limits){INT32_MIN, INT32_MAX, -2147483648.0f, 2147483648.0f};
        default: return (cast_limits){INT64_MIN, INT64_MAX, -9223372036854775808.0f, 9223372036854775808.0f};
    }
}

/* Toward zero, cut to the limits; 0 for NaN. */
static int64_t cast_whole_number(float value, const cast_limits *limits) {
    const float whole = truncf(value);
    if (isnan(whole)) {
        return 0;
    }
    return whole < limits->low ? limits->least : whole >= limits->beyond ? limits->most : (int64_t)whole;
}

static void cast_from_floats(smr_block *block, int dtype, void *data, size_t offset, size_t count) {
    const cast_limits limits = cast_limits_of(dtype);
    smr_block integers;
    size_t i;
    if (smr_is_float(dtype)) {
        smr_store_floats(dtype, data, offset, count, block->floats);
        return;
    }
    for (i = 0; i < count; ++i) {
        const float value = block->floats[i];
        integers.integers[i] = dtype == SMR_DTYPE_BOOL ? value != 0.0f : cast_whole_number(value, &limits);
    }
    smr_store_integers(dtype, data, offset, count, integers.integers);
}

static void cast_from_integers(smr_block *block, int dtype, void *data, size_t offset, size_t count) {
    smr_block floats;
    size_t i;
    if (smr_is_float(dtype)) {
        for (i = 0; i < count; ++i) {
            floats.floats[i] = (float)block->integers[i];
        }
        smr_store_floats(dtype, data, offset, count, floats.floats);
        return;
    }
    for (i = 0; dtype == SMR_DTYPE_BOOL && i < count; ++i) {
        block->integers[i] = block->integers[i] != 0;
    }
    smr_store_integers(dtype, data, offset, count, block->integers);
}

void smr_array_store(uint8_t dtype, float value, uint8_t *to) {
    smr_block block;
    int64_t element = 0; /* of any type, aligned */
    block.floats[0] = value;
    cast_from_floats(&block, dtype, &element, 0, 1);
    memcpy(to, &element, smr_dtype_size((smr_dtype)dtype));
}

#define CAST_RUN 32 /* elements of loops of fixed length, of which a compiler makes vectors */

#define CAST_WIDEN(type)                                  \
    do {                                                  \
        const type *from = (const type *)x->data + begin; \
        if (end - begin >= CAST_RUN) {                    \
            for (i = 0; i < CAST_RUN; ++i) {              \
                wide[i] = from[i];                        \
            }                                             \
        } else {                                          \
            for (i = 0; i < end - begin; ++i) {           \
                wide[i] = from[i];                        \
            }                                             \
        }                                                 \
    } while (0)

/* Integers of up to 16 bits as float32. Work items are elements. */
static smr_status run_cast_short(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0];
    float *y = node->outputs[0]->data;
    (void)error;
    for (; begin < end; begin += CAST_RUN) {
        int32_t wide[CAST_RUN] = {0};
        float floats[CAST_RUN];
        size_t i;
        switch (x->dtype) {
            case SMR_DTYPE_INT8: CAST_WIDEN(int8_t); break;
            case SMR_DTYPE_INT16: CAST_WIDEN(int16_t); break;
            default: CAST_WIDEN(uint8_t); break;
        }
        for (i = 0; i < CAST_RUN; ++i) {
            floats[i] = (float)wide[i];
        }
        if (end - begin >= CAST_RUN) {
            memcpy(y + begin, floats, sizeof floats);
        } else {
            memcpy(y + begin, floats, (end - begin) * sizeof *floats);
            break;
        }
    }
    return SMR_OK;
}

/* Work items are elements. */
static smr_status run_cast(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    (void)error;
    while (begin < end) {
        const size_t count = end - begin < SMR_BLOCK ? end - begin : SMR_BLOCK;
        smr_block block;
        if (smr_is_float(x->dtype)) {
            smr_load_floats(x->dtype, x->data, begin, count, block.floats);
            cast_from_floats(&block, y->dtype, y->data, begin, count);
        } else {
            smr_load_integers(x->dtype, x->data, begin, count, block.integers);
            cast_from_integers(&block, y->dtype, y->data, begin, count);
        }
        begin += count;
    }
    return SMR_OK;
}

/* What makes float32 of a type. */
static smr_run_function cast_run_of(uint8_t dtype) {
    const bool is_short = dtype == SMR_DTYPE_INT8 || dtype == SMR_DTYPE_INT16 || dtype == SMR_DTYPE_UINT8;
    return is_short ? run_cast_short : run_cast;
}

smr_status smr_prepare_cast(smr_node *node, smr_error *error) {
    SMR_TRY(smr_array_check_dtype(node->outputs[0], node->attributes.cast.dtype, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], node->inputs[0], error));
    node->run = node->outputs[0]->dtype == SMR_DTYPE_FLOAT32 ? cast_run_of(node->inputs[0]->dtype) : run_cast;
    node->work = node->outputs[0]->count;
    return SMR_OK;
}
