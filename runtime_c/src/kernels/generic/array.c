/* What the array kernels share, in plain C. */
#include "array.h"

smr_status smr_array_check_rank(const smr_value *value, int64_t rank, smr_error *error) {
    if (value->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "rank %d instead of %lld", (int)value->rank, (long long)rank);
    }
    return SMR_OK;
}

smr_status smr_array_check_dim(const smr_value *value, int32_t axis, int64_t expected, smr_error *error) {
    if (value->dims[axis] != expected) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d is %d instead of %lld", (int)axis,
                 (int)value->dims[axis], (long long)expected);
    }
    return SMR_OK;
}

smr_status smr_array_check_same(const smr_value *output, const smr_value *input, smr_error *error) {
    int32_t i;
    SMR_TRY(smr_array_check_rank(output, input->rank, error));
    for (i = 0; i < output->rank; ++i) {
        SMR_TRY(smr_array_check_dim(output, i, input->dims[i], error));
    }
    return SMR_OK;
}

smr_status smr_array_axis(int32_t axis, int32_t rank, int32_t *counted, smr_error *error) {
    if (axis < -rank || axis >= rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d is outside %d to %d", (int)axis, (int)-rank,
                 (int)(rank - 1));
    }
    *counted = axis < 0 ? axis + rank : axis;
    return SMR_OK;
}

smr_status smr_array_check_dtype(const smr_value *output, uint8_t dtype, smr_error *error) {
    if (output->dtype != dtype) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output is %s instead of %s",
                 smr_dtype_name((smr_dtype)output->dtype), smr_dtype_name((smr_dtype)dtype));
    }
    return SMR_OK;
}

/* One element at a time, of a size that the compiler knows. */
#define ARRAY_COPY_EACH(bytes)                                         \
    for (i = 0; i < count; ++i) {                                      \
        memcpy(to + i * (bytes), from + (int64_t)i * stride, (bytes)); \
    }

void smr_array_copy(uint8_t *to, const uint8_t *from, size_t count, int64_t stride, size_t size) {
    size_t i;
    if (count == 0) {
        return;
    }
    if (stride == (int64_t)size) {
        memcpy(to, from, count * size);
    } else if (stride == 0) {
        smr_array_fill(to, from, count, size);
    } else if (size == 1) {
        ARRAY_COPY_EACH(1)
    } else if (size == 2) {
        ARRAY_COPY_EACH(2)
    } else if (size == 4) {
        ARRAY_COPY_EACH(4)
    } else {
        ARRAY_COPY_EACH(8)
    }
}

#define ARRAY_FILL_EACH(bytes)                      \
    for (i = 0; i < count; ++i) {                   \
        memcpy(to + i * (bytes), element, (bytes)); \
    }

void smr_array_fill(uint8_t *to, const uint8_t *element, size_t count, size_t size) {
    size_t i;
    if (size == 1) {
        memset(to, element[0], count);
    } else if (size == 2) {
        ARRAY_FILL_EACH(2)
    } else if (size == 4) {
        ARRAY_FILL_EACH(4)
    } else {
        ARRAY_FILL_EACH(8)
    }
}

array_strided *smr_array_strided_begin(smr_node *node) {
    array_strided *strided = SMR_PARAMETERS(node, array_strided);
    strided->size = (int32_t)array_element_size(node->outputs[0]);
    return strided;
}

void smr_array_strided_add(array_strided *strided, int32_t dim, int64_t stride) {
    const int32_t last = strided->rank - 1;
    if (dim == 1) {
        return;
    }
    if (last >= 0 && strided->strides[last] == stride * dim &&
        (int64_t)strided->dims[last] * dim <= INT32_MAX) {
        strided->dims[last] *= dim;
        strided->strides[last] = stride;
        return;
    }
    strided->dims[last + 1] = dim;
    strided->strides[last + 1] = stride;
    strided->rank = last + 2;
}

/* Copies the elements [begin, end) of the output, in runs along the last axis, to where they lie together. */
static void strided_copy(const array_strided *strided, const uint8_t *x, uint8_t *to, size_t begin,
                         size_t end) {
    const size_t size = (size_t)strided->size;
    const int32_t last = strided->rank - 1;
    int64_t from = strided->offset;
    int32_t place[2 * SMR_MAX_RANK];
    size_t rest = begin;
    int32_t d;
    if (strided->rank == 0 && begin < end) {
        memcpy(to, x + from, size);
        return;
    }
    for (d = last; d >= 0; --d) {
        const size_t dim = (size_t)strided->dims[d];
        place[d] = (int32_t)(rest % dim);
        rest /= dim;
        from += place[d] * strided->strides[d];
    }
    while (begin < end) {
        const size_t run = (size_t)(strided->dims[last] - place[last]);
        const size_t count = run < end - begin ? run : end - begin;
        smr_array_copy(to, x + from, count, strided->strides[last], size);
        to += count * size;
        begin += count;
        from -= place[last] * strided->strides[last];
        place[last] = 0;
        for (d = last - 1; d >= 0; --d) {
            from += strided->strides[d];
            if (++place[d] < strided->dims[d]) {
                break;
            }
            from -= strided->dims[d] * strided->strides[d];
            place[d] = 0;
        }
    }
}

/* Work items are elements of the output. */
static smr_status run_strided(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const array_strided *strided = SMR_CONST_PARAMETERS(node, array_strided);
    uint8_t *y = node->outputs[0]->data;
    (void)error;
    strided_copy(strided, node->inputs[0]->data, y + begin * (size_t)strided->size, begin, end);
    return SMR_OK;
}

/* The same where the rows of the output lie apart. */
static smr_status run_strided_rows(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const array_strided *strided = SMR_CONST_PARAMETERS(node, array_strided);
    const smr_value *y = node->outputs[0];
    const size_t width = (size_t)y->dims[y->rank - 1];
    (void)error;
    while (begin < end) {
        const size_t rest = width - begin % width, count = rest < end - begin ? rest : end - begin;
        uint8_t *to = (uint8_t *)y->data + smr_value_place(y, begin) * (size_t)strided->size;
        strided_copy(strided, node->inputs[0]->data, to, begin, begin + count);
        begin += count;
    }
    return SMR_OK;
}

/* Elements that always lie side by side are moved as one larger one. */
static size_t array_strided_widen(array_strided *strided, size_t count) {
    while (strided->rank > 0) {
        const int32_t last = strided->rank - 1, dim = strided->dims[last];
        if (strided->strides[last] != strided->size || (dim != 2 && dim != 4 && dim != 8) ||
            strided->size * dim > 8) {
            break;
        }
        strided->size *= dim;
        strided->rank = last;
        count /= (size_t)dim;
    }
    return count;
}

void smr_array_strided_end(smr_node *node) {
    const smr_value *y = node->outputs[0];
    const bool rows = y->layout == SMR_LAYOUT_STRIDED;
    node->run = rows ? run_strided_rows : run_strided;
    node->work = rows ? y->count : array_strided_widen(SMR_PARAMETERS(node, array_strided), y->count);
}
