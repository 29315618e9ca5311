/* Blocks of elements to and from float and int64_t. */
#include "convert.h"

void smr_load_floats(int dtype, const void *data, size_t offset, size_t count, float *out) {
    size_t i;
    if (dtype == SMR_DTYPE_FLOAT32) {
        memcpy(out, (const float *)data + offset, count * sizeof *out);
    } else {
        const uint16_t *in = (const uint16_t *)data + offset;
        for (i = 0; i < count; ++i) {
            out[i] = smr_half_to_float(in[i]);
        }
    }
}

void smr_store_floats(int dtype, void *data, size_t offset, size_t count, const float *in) {
    size_t i;
    if (dtype == SMR_DTYPE_FLOAT32) {
        memcpy((float *)data + offset, in, count * sizeof *in);
    } else {
        uint16_t *out = (uint16_t *)data + offset;
        for (i = 0; i < count; ++i) {
            out[i] = smr_float_to_half(in[i]);
        }
    }
}

static void convert_widen(const uint16_t *from, float *to, size_t count) {
    smr_load_floats(SMR_DTYPE_FLOAT16, from, 0, count, to);
}

static void convert_narrow(const float *from, uint16_t *to, size_t count) {
    smr_store_floats(SMR_DTYPE_FLOAT16, to, 0, count, from);
}

const smr_halves smr_halves_plain = {convert_widen, convert_narrow};

#define CONVERT_LOAD(type)                            \
    do {                                              \
        const type *in = (const type *)data + offset; \
        for (i = 0; i < count; ++i) {                 \
            out[i] = in[i];                           \
        }                                             \
    } while (0)

void smr_load_integers(int dtype, const void *data, size_t offset, size_t count, int64_t *out) {
    size_t i;
    switch (dtype) {
        case SMR_DTYPE_INT8: CONVERT_LOAD(int8_t); break;
        case SMR_DTYPE_INT16: CONVERT_LOAD(int16_t); break;
        case SMR_DTYPE_INT32: CONVERT_LOAD(int32_t); break;
        case SMR_DTYPE_INT64: memcpy(out, (const int64_t *)data + offset, count * sizeof *out); break;
        default: CONVERT_LOAD(uint8_t); break;
    }
}

#undef CONVERT_LOAD

/* Unsigned types of the same width hold the same bits, and conversion to them is defined for all values. */
#define CONVERT_STORE(type)                \
    do {                                   \
        type *out = (type *)data + offset; \
        for (i = 0; i < count; ++i) {      \
            out[i] = (type)in[i];          \
        }                                  \
    } while (0)

void smr_store_integers(int dtype, void *data, size_t offset, size_t count, const int64_t *in) {
    size_t i;
    switch (dtype) {
        case SMR_DTYPE_INT16: CONVERT_STORE(uint16_t); break;
        case SMR_DTYPE_INT32: CONVERT_STORE(uint32_t); break;
        case SMR_DTYPE_INT64: memcpy((int64_t *)data + offset, in, count * sizeof *in); break;
        default: CONVERT_STORE(uint8_t); break;
    }
}

#undef CONVERT_STORE
