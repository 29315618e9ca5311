/* Ops that read and write at places that indices name: gather_elements, gather_nd and their reverse. */
#include "array.h"
#include "convert.h"

/* An index counted from the begin of an axis; an index below 0 counts from its end. */
static smr_status scatter_index(const smr_value *indices, size_t i, size_t size, size_t *counted,
                                smr_error *error) {
    const int64_t index = array_index(indices, i);
    const int64_t from_begin = index < 0 ? index + (int64_t)size : index;
    if (from_begin < 0 || (uint64_t)from_begin >= size) {
        SMR_FAIL(error, SMR_ERROR_DATA, "index %lld is outside -%zu to %lld", (long long)index, size,
                 (long long)size - 1);
    }
    *counted = (size_t)from_begin;
    return SMR_OK;
}

/* Puts `count` updates into y, where they begin at elements `from` and `at`. Arithmetic is that of the
 * element-wise ops of the same names. */
static void scatter_put(const smr_value *y, size_t at, const smr_value *updates, size_t from, size_t count,
                        uint8_t reduction) {
    const size_t size = array_element_size(y);
    size_t done, n, i;
    if (reduction == SMR_SCATTER_REDUCTION_NONE) {
        memcpy((uint8_t *)y->data + at * size, (const uint8_t *)updates->data + from * size, count * size);
        return;
    }
    for (done = 0; done < count; done += n) {
        smr_block old, added;
        n = count - done < SMR_BLOCK ? count - done : SMR_BLOCK;
        if (smr_is_float(y->dtype)) {
            smr_load_floats(y->dtype, y->data, at + done, n, old.floats);
            smr_load_floats(y->dtype, updates->data, from + done, n, added.floats);
            for (i = 0; i < n; ++i) {
                const float a = old.floats[i], b = added.floats[i];
                old.floats[i] = reduction == SMR_SCATTER_REDUCTION_ADD        ? a + b
                                : reduction == SMR_SCATTER_REDUCTION_MULTIPLY ? a * b
                                : reduction == SMR_SCATTER_REDUCTION_MAXIMUM  ? (a > b || a != a ? a : b)
                                                                              : (a < b || a != a ? a : b);
            }
            smr_store_floats(y->dtype, y->data, at + done, n, old.floats);
        } else {
            smr_load_integers(y->dtype, y->data, at + done, n, old.integers);
            smr_load_integers(y->dtype, updates->data, from + done, n, added.integers);
            for (i = 0; i < n; ++i) {
                const int64_t a = old.integers[i], b = added.integers[i];
                old.integers[i] =
                    reduction == SMR_SCATTER_REDUCTION_ADD        ? (int64_t)((uint64_t)a + (uint64_t)b)
                    : reduction == SMR_SCATTER_REDUCTION_MULTIPLY ? (int64_t)((uint64_t)a * (uint64_t)b)
                    : reduction == SMR_SCATTER_REDUCTION_MAXIMUM  ? (a > b ? a : b)
                                                                  : (a < b ? a : b);
            }
            smr_store_integers(y->dtype, y->data, at + done, n, old.integers);
        }
    }
}

static smr_status scatter_check_reduction(const smr_value *y, uint8_t reduction, smr_error *error) {
    if (reduction != SMR_SCATTER_REDUCTION_NONE && y->dtype == SMR_DTYPE_BOOL) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "reduction %u of bool", (unsigned)reduction);
    }
    return SMR_OK;
}

/* Along an axis --------------------------------------------------------------------------------------------
 */

typedef struct lines_parameters {
    int32_t axis;
    size_t length;                /* of the axis of x */
    size_t strides[SMR_MAX_RANK]; /* of x, in elements */
} lines_parameters;

/* Both ops have indices of the rank of x; along the other axes they are at most as long. */
static smr_status lines_prepare(smr_node *node, int32_t axis, smr_error *error) {
    lines_parameters *p = SMR_PARAMETERS(node, lines_parameters);
    const smr_value *x = node->inputs[0], *indices = node->inputs[1];
    size_t stride = 1;
    int32_t i;
    SMR_TRY(smr_array_axis(axis, x->rank, &p->axis, error));
    SMR_TRY(smr_array_check_rank(indices, x->rank, error));
    for (i = x->rank - 1; i >= 0; --i) {
        if (i != p->axis && indices->dims[i] > x->dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d of the indices is %d, more than %d", (int)i,
                     (int)indices->dims[i], (int)x->dims[i]);
        }
        p->strides[i] = stride;
        stride *= x->count == 0 ? 1 : (size_t)x->dims[i];
    }
    p->length = (size_t)x->dims[p->axis];
    return SMR_OK;
}

/* Work items are elements of the output. */
static smr_status run_gather_elements(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const lines_parameters *p = SMR_CONST_PARAMETERS(node, lines_parameters);
    const smr_value *y = node->outputs[0];
    const size_t size = array_element_size(y);
    const uint8_t *x = node->inputs[0]->data;
    uint8_t *to = y->data;
    size_t i;
    for (i = begin; i < end; ++i) {
        size_t rest = i, at = 0, index;
        int32_t d;
        SMR_TRY(scatter_index(node->inputs[1], i, p->length, &index, error));
        for (d = y->rank - 1; d >= 0; --d) {
            const size_t place = rest % (size_t)y->dims[d];
            at += (d == p->axis ? index : place) * p->strides[d];
            rest /= (size_t)y->dims[d];
        }
        memcpy(to + i * size, x + at * size, size);
    }
    return SMR_OK;
}

smr_status smr_prepare_gather_elements(smr_node *node, smr_error *error) {
    SMR_TRY(lines_prepare(node, node->attributes.gather_elements.axis, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], node->inputs[1], error));
    node->run = run_gather_elements;
    node->work = node->outputs[0]->count;
    return SMR_OK;
}

/* The place of a line in the indices, and the distance of its elements there; false when the indices are too
 * short for it. `line` counts the lines of x along the axis. */
static bool lines_find(const smr_node *node, size_t line, size_t *in_x, size_t *in_indices, size_t *step) {
    const lines_parameters *p = SMR_CONST_PARAMETERS(node, lines_parameters);
    const smr_value *x = node->inputs[0], *indices = node->inputs[1];
    size_t stride = 1;
    bool inside = indices->count != 0;
    int32_t d;
    *in_x = *in_indices = 0;
    *step = 1;
    for (d = x->rank - 1; d >= 0; --d) {
        if (d == p->axis) {
            *step = stride;
        } else {
            const size_t place = line % (size_t)x->dims[d];
            line /= (size_t)x->dims[d];
            *in_x += place * p->strides[d];
            *in_indices += place * stride;
            inside = inside && place < (size_t)indices->dims[d];
        }
        stride *= (size_t)indices->dims[d];
    }
    return inside;
}

/* Work items are lines of x along the axis. */
static smr_status run_scatter_elements(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const lines_parameters *p = SMR_CONST_PARAMETERS(node, lines_parameters);
    const uint8_t reduction = node->attributes.scatter_elements.reduction;
    const smr_value *indices = node->inputs[1], *updates = node->inputs[2], *y = node->outputs[0];
    const size_t size = array_element_size(y), step = p->strides[p->axis];
    const uint8_t *from = node->inputs[0]->data;
    uint8_t *to = y->data;
    size_t line, i;
    for (line = begin; line < end; ++line) {
        size_t at, first, distance, index;
        const bool inside = lines_find(node, line, &at, &first, &distance);
        for (i = 0; i < p->length; ++i) {
            memcpy(to + (at + i * step) * size, from + (at + i * step) * size, size);
        }
        for (i = 0; inside && i < (size_t)indices->dims[p->axis]; ++i) {
            SMR_TRY(scatter_index(indices, first + i * distance, p->length, &index, error));
            scatter_put(y, at + index * step, updates, first + i * distance, 1, reduction);
        }
    }
    return SMR_OK;
}

/* Without elements there is nothing to write, but an index to refuse. */
static smr_status run_scatter_nowhere(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)begin;
    (void)end;
    SMR_FAIL(error, SMR_ERROR_DATA, "index %lld of a tensor without elements",
             (long long)array_index(node->inputs[1], 0));
}

smr_status smr_prepare_scatter_elements(smr_node *node, smr_error *error) {
    const lines_parameters *p = SMR_CONST_PARAMETERS(node, lines_parameters);
    const smr_value *x = node->inputs[0], *indices = node->inputs[1];
    SMR_TRY(lines_prepare(node, node->attributes.scatter_elements.axis, error));
    SMR_TRY(scatter_check_reduction(x, node->attributes.scatter_elements.reduction, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], x, error));
    SMR_TRY(smr_array_check_same(node->inputs[2], indices, error));
    if (x->count == 0) {
        node->run = run_scatter_nowhere;
        node->work = indices->count == 0 ? 0 : 1;
        return SMR_OK;
    }
    node->run = run_scatter_elements;
    node->whole = true;
    node->work = x->count / p->length;
    return SMR_OK;
}

/* By tuples of indices -------------------------------------------------------------------------------------
 */

typedef struct tuples_parameters {
    size_t rows, picked; /* x is [batch, rows, inner], there are `picked` tuples for each batch */
    size_t inner;
    int32_t batch, depth;
} tuples_parameters;

/* `sliced` has an element of x's inner axes for each tuple. */
static smr_status tuples_prepare(smr_node *node, const smr_value *sliced, int32_t batch, smr_error *error) {
    tuples_parameters *p = SMR_PARAMETERS(node, tuples_parameters);
    const smr_value *x = node->inputs[0], *indices = node->inputs[1];
    const int32_t last = indices->rank - 1;
    int32_t i;
    if (last < 0 || batch < 0 || batch > last || indices->dims[last] < 1 ||
        indices->dims[last] > x->rank - batch) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "indices of rank %d for x of rank %d with batch_dims %d",
                 (int)indices->rank, (int)x->rank, (int)batch);
    }
    p->batch = batch;
    p->depth = indices->dims[last];
    SMR_TRY(smr_array_check_rank(sliced, (int64_t)last + x->rank - batch - p->depth, error));
    for (i = 0; i < batch; ++i) {
        SMR_TRY(smr_array_check_dim(indices, i, x->dims[i], error));
    }
    for (i = 0; i < sliced->rank; ++i) {
        SMR_TRY(smr_array_check_dim(
            sliced, i, i < last ? indices->dims[i] : x->dims[batch + p->depth + i - last], error));
    }
    p->rows = array_product(x, batch, batch + p->depth);
    p->inner = array_product(x, batch + p->depth, x->rank);
    p->picked = array_product(sliced, batch, last);
    return SMR_OK;
}

/* The row of x that tuple `i` names. */
static smr_status tuples_row(const smr_node *node, size_t i, size_t *row, smr_error *error) {
    const tuples_parameters *p = SMR_CONST_PARAMETERS(node, tuples_parameters);
    const int32_t *dims = node->inputs[0]->dims + p->batch;
    int32_t d;
    *row = 0;
    for (d = 0; d < p->depth; ++d) {
        size_t index;
        SMR_TRY(
            scatter_index(node->inputs[1], i * (size_t)p->depth + (size_t)d, (size_t)dims[d], &index, error));
        *row = *row * (size_t)dims[d] + index;
    }
    return SMR_OK;
}

/* Work items are the slices that are taken. */
static smr_status run_gather_nd(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const tuples_parameters *p = SMR_CONST_PARAMETERS(node, tuples_parameters);
    const size_t bytes = p->inner * array_element_size(node->outputs[0]);
    const uint8_t *x = node->inputs[0]->data;
    uint8_t *y = node->outputs[0]->data;
    size_t i, row;
    for (i = begin; i < end; ++i) {
        SMR_TRY(tuples_row(node, i, &row, error));
        memcpy(y + i * bytes, x + (i / p->picked * p->rows + row) * bytes, bytes);
    }
    return SMR_OK;
}

smr_status smr_prepare_gather_nd(smr_node *node, smr_error *error) {
    const smr_value *y = node->outputs[0];
    SMR_TRY(tuples_prepare(node, y, node->attributes.gather_nd.batch_dims, error));
    node->run = run_gather_nd;
    node->work = array_product(y, 0, node->inputs[1]->rank - 1);
    return SMR_OK;
}

/* Work items are rows: each range goes through all tuples, so that updates are always put in in their order.
 */
static smr_status run_scatter_nd(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const tuples_parameters *p = SMR_CONST_PARAMETERS(node, tuples_parameters);
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const size_t bytes = p->inner * array_element_size(y);
    size_t i, row;
    memcpy((uint8_t *)y->data + begin * bytes, (const uint8_t *)x->data + begin * bytes,
           (end - begin) * bytes);
    for (i = 0; i < p->picked; ++i) {
        SMR_TRY(tuples_row(node, i, &row, error));
        if (row >= begin && row < end) {
            scatter_put(y, row * p->inner, node->inputs[2], i * p->inner, p->inner,
                        node->attributes.scatter_nd.reduction);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_scatter_nd(smr_node *node, smr_error *error) {
    const tuples_parameters *p = SMR_CONST_PARAMETERS(node, tuples_parameters);
    const smr_value *x = node->inputs[0];
    SMR_TRY(tuples_prepare(node, node->inputs[2], 0, error));
    SMR_TRY(scatter_check_reduction(x, node->attributes.scatter_nd.reduction, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], x, error));
    node->run = x->count == 0 ? run_scatter_nowhere : run_scatter_nd;
    node->whole = true;
    node->work = x->count == 0 ? (node->inputs[2]->count == 0 ? 0 : 1) : p->rows;
    return SMR_OK;
}
