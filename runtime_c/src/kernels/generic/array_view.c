/* Ops that give the same bytes another shape or element type: nothing to do where the output lies on the
 * input, as the exporter places it when it can, and a copy where it does not. */
#include "array.h"

static smr_status run_view(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const uint8_t *from = node->inputs[0]->data;
    uint8_t *to = node->outputs[0]->data;
    (void)error;
    if (from != to) {
        memcpy(to + begin, from + begin, end - begin);
    }
    return SMR_OK;
}

/* Work items are bytes. */
static smr_status prepare_view(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const bool in_place = x->data != NULL && x->data == y->data;
    if (x->count != y->count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu elements instead of %zu", y->count, x->count);
    }
    node->run = run_view;
    node->work = in_place ? 0 : y->count * array_element_size(y);
    return SMR_OK;
}

smr_status smr_prepare_identity(smr_node *node, smr_error *error) {
    SMR_TRY(smr_array_check_same(node->outputs[0], node->inputs[0], error));
    return prepare_view(node, error);
}

smr_status smr_prepare_stop_gradient(smr_node *node, smr_error *error) {
    return smr_prepare_identity(node, error);
}

smr_status smr_prepare_reshape(smr_node *node, smr_error *error) {
    return prepare_view(node, error);
}

smr_status smr_prepare_expand_dims(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    int32_t axis, i;
    SMR_TRY(smr_array_check_rank(y, (int64_t)x->rank + 1, error));
    SMR_TRY(smr_array_axis(node->attributes.expand_dims.axis, y->rank, &axis, error));
    for (i = 0; i < y->rank; ++i) {
        SMR_TRY(smr_array_check_dim(y, i, i < axis ? x->dims[i] : i == axis ? 1 : x->dims[i - 1], error));
    }
    return prepare_view(node, error);
}

smr_status smr_prepare_squeeze(smr_node *node, smr_error *error) {
    const smr_squeeze_attributes *a = &node->attributes.squeeze;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    bool gone[SMR_MAX_RANK] = {false};
    int32_t i, kept = 0;
    for (i = 0; i < a->axes.count; ++i) {
        int32_t axis;
        SMR_TRY(smr_array_axis(a->axes.values[i], x->rank, &axis, error));
        if (x->dims[axis] != 1 || gone[axis]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d of size %d cannot be squeezed, or is named twice",
                     (int)axis, (int)x->dims[axis]);
        }
        gone[axis] = true;
    }
    for (i = 0; i < x->rank; ++i) {
        if (gone[i] || (a->axes.count == 0 && x->dims[i] == 1)) {
            continue;
        }
        if (kept >= y->rank) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "rank %d, with more axes left", (int)y->rank);
        }
        SMR_TRY(smr_array_check_dim(y, kept++, x->dims[i], error));
    }
    SMR_TRY(smr_array_check_rank(y, kept, error));
    return prepare_view(node, error);
}

/* The same bytes: one element for one, several of a smaller type in a last axis, or one for a last axis. */
smr_status smr_prepare_bitcast(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const size_t old_size = array_element_size(x), new_size = array_element_size(y);
    const bool splits = new_size<old_size, joins = new_size> old_size;
    const int64_t ratio = (int64_t)(splits ? old_size / new_size : new_size / old_size);
    const int32_t shared = joins ? x->rank - 1 : x->rank;
    int32_t i;
    SMR_TRY(smr_array_check_dtype(y, node->attributes.bitcast.dtype, error));
    if (y->dtype == SMR_DTYPE_BOOL && x->dtype != SMR_DTYPE_BOOL) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "bytes of %s that are no bool", smr_dtype_name((smr_dtype)x->dtype));
    }
    SMR_TRY(smr_array_check_rank(y, (int64_t)shared + (splits ? 1 : 0), error));
    for (i = 0; i < shared; ++i) {
        SMR_TRY(smr_array_check_dim(y, i, x->dims[i], error));
    }
    if (splits) {
        SMR_TRY(smr_array_check_dim(y, shared, ratio, error));
    }
    if (joins) {
        SMR_TRY(smr_array_check_dim(x, shared, ratio, error));
    }
    node->run = run_view;
    node->work = x->data != NULL && x->data == y->data ? 0 : y->count * new_size;
    return SMR_OK;
}
