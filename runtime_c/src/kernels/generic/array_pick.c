/* Ops that know elements by index operands: gather, unsorted_segment_sum, one_hot. */
#include "array.h"
#include "convert.h"

typedef struct gather_parameters {
    size_t outer, count, picked; /* x is [batch, outer, count, inner], indices are [batch, picked] */
    size_t bytes;                /* of the inner part */
    bool from_end;               /* an index below 0 counts from the end */
} gather_parameters;

/* Work items are the slices that are taken. */
static smr_status run_gather(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const gather_parameters *p = SMR_CONST_PARAMETERS(node, gather_parameters);
    const uint8_t *x = node->inputs[0]->data;
    uint8_t *y = node->outputs[0]->data;
    size_t i;
    for (i = begin; i < end; ++i) {
        const size_t row = i / p->picked; /* of batch and outer together */
        int64_t index = array_index(node->inputs[1], row / p->outer * p->picked + i % p->picked);
        if (index < 0 && p->from_end) {
            index += (int64_t)p->count;
        }
        if (index < 0 || (uint64_t)index >= p->count) {
            SMR_FAIL(error, SMR_ERROR_DATA, "index %lld is outside 0 to %lld", (long long)index,
                     (long long)p->count - 1);
        }
        memcpy(y + i * p->bytes, x + (row * p->count + (size_t)index) * p->bytes, p->bytes);
    }
    return SMR_OK;
}

smr_status smr_prepare_gather(smr_node *node, smr_error *error) {
    gather_parameters *p = SMR_PARAMETERS(node, gather_parameters);
    const smr_value *x = node->inputs[0], *indices = node->inputs[1], *y = node->outputs[0];
    const int32_t batch = node->attributes.gather.batch_dims;
    int32_t axis, inner, i;
    SMR_TRY(smr_array_axis(node->attributes.gather.axis, x->rank, &axis, error));
    if (batch < 0 || batch > axis || batch > indices->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "batch_dims %d with axis %d and indices of rank %d", (int)batch,
                 (int)axis, (int)indices->rank);
    }
    for (i = 0; i < batch; ++i) {
        SMR_TRY(smr_array_check_dim(indices, i, x->dims[i], error));
    }
    SMR_TRY(smr_array_check_rank(y, (int64_t)x->rank - 1 + indices->rank - batch, error));
    for (i = 0; i < axis; ++i) {
        SMR_TRY(smr_array_check_dim(y, i, x->dims[i], error));
    }
    inner = axis + indices->rank - batch;
    for (i = axis; i < inner; ++i) {
        SMR_TRY(smr_array_check_dim(y, i, indices->dims[batch + i - axis], error));
    }
    for (i = axis + 1; i < x->rank; ++i) {
        SMR_TRY(smr_array_check_dim(y, inner + i - axis - 1, x->dims[i], error));
    }
    p->outer = array_product(y, batch, axis);
    p->count = (size_t)x->dims[axis];
    p->picked = array_product(y, axis, inner);
    p->bytes = array_product(y, inner, y->rank) * array_element_size(y);
    p->from_end = node->attributes.gather.from_end != 0;
    node->run = run_gather;
    node->work = array_product(y, 0, inner);
    return SMR_OK;
}

typedef struct segment_parameters {
    size_t rows, segments, inner;
} segment_parameters;

/* Adds the slices of segments `begin` to before `end`. Integers wrap around, so they are added as unsigned
 * ones. */
#define SEGMENT_SUM(name, type)                                                       \
    static void segment_sum_##name(const smr_node *node, size_t begin, size_t end) {  \
        const segment_parameters *p = SMR_CONST_PARAMETERS(node, segment_parameters); \
        const type *data = node->inputs[0]->data;                                     \
        type *sums = node->outputs[0]->data;                                          \
        size_t i, k;                                                                  \
        memset(sums + begin * p->inner, 0, (end - begin) * p->inner * sizeof(type));  \
        for (i = 0; i < p->rows; ++i) {                                               \
            const size_t segment = (size_t)array_index(node->inputs[1], i);           \
            if (segment >= begin && segment < end) {                                  \
                for (k = 0; k < p->inner; ++k) {                                      \
                    type *sum = &sums[segment * p->inner + k];                        \
                    *sum = (type)(*sum + data[i * p->inner + k]);                     \
                }                                                                     \
            }                                                                         \
        }                                                                             \
    }

SEGMENT_SUM(f32, float)
SEGMENT_SUM(i8, uint8_t)
SEGMENT_SUM(i16, uint16_t)
SEGMENT_SUM(i32, uint32_t)
SEGMENT_SUM(i64, uint64_t)

/* Columns of float16 that are summed together, in float. */
#define SEGMENT_COLUMNS 64

static void segment_sum_f16(const smr_node *node, size_t begin, size_t end) {
    const segment_parameters *p = SMR_CONST_PARAMETERS(node, segment_parameters);
    const uint16_t *data = node->inputs[0]->data;
    uint16_t *sums = node->outputs[0]->data;
    size_t segment, column, i, k;
    for (segment = begin; segment < end; ++segment) {
        for (column = 0; column < p->inner; column += SEGMENT_COLUMNS) {
            const size_t left = p->inner - column;
            const size_t count = left < SEGMENT_COLUMNS ? left : SEGMENT_COLUMNS;
            float total[SEGMENT_COLUMNS] = {0};
            for (i = 0; i < p->rows; ++i) {
                if ((size_t)array_index(node->inputs[1], i) == segment) {
                    for (k = 0; k < count; ++k) {
                        total[k] += smr_half_to_float(data[i * p->inner + column + k]);
                    }
                }
            }
            for (k = 0; k < count; ++k) {
                sums[segment * p->inner + column + k] = smr_float_to_half(total[k]);
            }
        }
    }
}

/* Work items are segments: each range goes through all ids, so that slices are always added in their order.
 */
static smr_status run_unsorted_segment_sum(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const segment_parameters *p = SMR_CONST_PARAMETERS(node, segment_parameters);
    size_t i;
    for (i = 0; i < p->rows; ++i) {
        const int64_t id = array_index(node->inputs[1], i);
        if (id < 0 || (uint64_t)id >= p->segments) {
            SMR_FAIL(error, SMR_ERROR_DATA, "segment %lld is outside 0 to %lld", (long long)id,
                     (long long)p->segments - 1);
        }
    }
    switch (node->outputs[0]->dtype) {
        case SMR_DTYPE_FLOAT32: segment_sum_f32(node, begin, end); break;
        case SMR_DTYPE_FLOAT16: segment_sum_f16(node, begin, end); break;
        case SMR_DTYPE_INT16: segment_sum_i16(node, begin, end); break;
        case SMR_DTYPE_INT32: segment_sum_i32(node, begin, end); break;
        case SMR_DTYPE_INT64: segment_sum_i64(node, begin, end); break;
        default: segment_sum_i8(node, begin, end); break;
    }
    return SMR_OK;
}

smr_status smr_prepare_unsorted_segment_sum(smr_node *node, smr_error *error) {
    segment_parameters *p = SMR_PARAMETERS(node, segment_parameters);
    const smr_value *data = node->inputs[0], *ids = node->inputs[1], *y = node->outputs[0];
    int32_t i;
    if (ids->rank > data->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "ids of rank %d for data of rank %d", (int)ids->rank,
                 (int)data->rank);
    }
    for (i = 0; i < ids->rank; ++i) {
        SMR_TRY(smr_array_check_dim(ids, i, data->dims[i], error));
    }
    SMR_TRY(smr_array_check_rank(y, (int64_t)data->rank - ids->rank + 1, error));
    for (i = 1; i < y->rank; ++i) {
        SMR_TRY(smr_array_check_dim(y, i, data->dims[ids->rank + i - 1], error));
    }
    p->rows = ids->count;
    p->segments = (size_t)y->dims[0];
    p->inner = array_product(y, 1, y->rank);
    node->run = run_unsorted_segment_sum;
    node->work = y->count == 0 ? 0 : p->segments;
    return SMR_OK;
}

typedef struct one_hot_parameters {
    size_t inner; /* indices are [outer, inner], the output is [outer, depth, inner] */
    uint8_t on[8];
    uint8_t off[8];
} one_hot_parameters;

static int64_t one_hot_index(const smr_value *indices, size_t i) {
    switch (indices->dtype) {
        case SMR_DTYPE_INT8: return ((const int8_t *)indices->data)[i];
        case SMR_DTYPE_UINT8: return ((const uint8_t *)indices->data)[i];
        case SMR_DTYPE_INT16: return ((const int16_t *)indices->data)[i];
        default: return array_index(indices, i);
    }
}

/* Work items are rows of `inner` elements. */
static smr_status run_one_hot(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const one_hot_parameters *p = SMR_CONST_PARAMETERS(node, one_hot_parameters);
    const size_t depth = (size_t)node->attributes.one_hot.depth;
    const size_t size = array_element_size(node->outputs[0]);
    uint8_t *y = node->outputs[0]->data;
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        uint8_t *to = y + row * p->inner * size;
        smr_array_fill(to, p->off, p->inner, size);
        for (i = 0; i < p->inner; ++i) {
            if (one_hot_index(node->inputs[0], row / depth * p->inner + i) == (int64_t)(row % depth)) {
                memcpy(to + i * size, p->on, size);
            }
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_one_hot(smr_node *node, smr_error *error) {
    const smr_one_hot_attributes *a = &node->attributes.one_hot;
    one_hot_parameters *p = SMR_PARAMETERS(node, one_hot_parameters);
    const smr_value *indices = node->inputs[0], *y = node->outputs[0];
    int32_t axis, i;
    SMR_TRY(smr_array_check_dtype(y, a->dtype, error));
    SMR_TRY(smr_array_check_rank(y, (int64_t)indices->rank + 1, error));
    SMR_TRY(smr_array_axis(a->axis, y->rank, &axis, error));
    for (i = 0; i < y->rank; ++i) {
        SMR_TRY(smr_array_check_dim(y, i,
                                    i < axis    ? indices->dims[i]
                                    : i == axis ? a->depth
                                                : indices->dims[i - 1],
                                    error));
    }
    p->inner = array_product(y, axis + 1, y->rank);
    smr_array_store(y->dtype, a->on_value, p->on);
    smr_array_store(y->dtype, a->off_value, p->off);
    node->run = run_one_hot;
    node->whole = true;
    node->work = array_product(y, 0, axis + 1);
    return SMR_OK;
}
