/* dynamic_update_slice: a tensor with a part replaced, whose place is data. Where the output lies on the
 * tensor only that part is written. */
#include "array.h"

typedef struct update_place {
    size_t begin[SMR_MAX_RANK];
} update_place;

static smr_status read_place(const smr_node *node, update_place *place, smr_error *error) {
    const smr_value *x = node->inputs[0], *update = node->inputs[1];
    int32_t d;
    for (d = 0; d < x->rank; ++d) {
        const int64_t from = array_index(node->inputs[2], (size_t)d);
        if (from < 0 || from > x->dims[d] - update->dims[d]) {
            SMR_FAIL(error, SMR_ERROR_DATA, "%d elements from %lld on of axis %d of size %d",
                     (int)update->dims[d], (long long)from, (int)d, (int)x->dims[d]);
        }
        place->begin[d] = (size_t)from;
    }
    return SMR_OK;
}

/* Work items are rows of the update. */
static smr_status run_update(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *update = node->inputs[1], *y = node->outputs[0];
    const int32_t last = y->rank - 1;
    const size_t size = array_element_size(y), count = (size_t)update->dims[last] * size;
    update_place place = {{0}};
    size_t row;
    int32_t d;
    SMR_TRY(read_place(node, &place, error));
    for (row = begin; row < end && y->data != update->data; ++row) {
        size_t rest = row, at = place.begin[last], span = (size_t)y->dims[last];
        for (d = last - 1; d >= 0; --d) {
            at += (place.begin[d] + rest % (size_t)update->dims[d]) * span;
            rest /= (size_t)update->dims[d];
            span *= (size_t)y->dims[d];
        }
        memcpy((uint8_t *)y->data + at * size, (const uint8_t *)update->data + row * count, count);
    }
    return SMR_OK;
}

/* The row of the update that goes into a row of the output; false when there is none. */
static bool find_row(const smr_node *node, const update_place *place, size_t row, size_t *found) {
    const smr_value *update = node->inputs[1], *y = node->outputs[0];
    size_t span = 1;
    int32_t d;
    *found = 0;
    for (d = y->rank - 2; d >= 0; --d) {
        const size_t at = row % (size_t)y->dims[d];
        row /= (size_t)y->dims[d];
        if (at < place->begin[d] || at - place->begin[d] >= (size_t)update->dims[d]) {
            return false;
        }
        *found += (at - place->begin[d]) * span;
        span *= (size_t)update->dims[d];
    }
    return update->count > 0;
}

/* Work items are rows of the output, which lies elsewhere. */
static smr_status run_copy_and_update(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0], *update = node->inputs[1], *y = node->outputs[0];
    const int32_t last = y->rank - 1;
    const size_t size = array_element_size(y);
    const size_t width = (size_t)y->dims[last] * size, count = (size_t)update->dims[last] * size;
    update_place place = {{0}};
    size_t row, from;
    SMR_TRY(read_place(node, &place, error));
    for (row = begin; row < end; ++row) {
        uint8_t *to = (uint8_t *)y->data + row * width;
        memcpy(to, (const uint8_t *)x->data + row * width, width);
        if (find_row(node, &place, row, &from)) {
            memcpy(to + place.begin[last] * size, (const uint8_t *)update->data + from * count, count);
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_dynamic_update_slice(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *update = node->inputs[1], *begin = node->inputs[2];
    const smr_value *y = node->outputs[0];
    bool fits = true;
    int32_t d;
    SMR_TRY(smr_array_check_same(y, x, error));
    SMR_TRY(smr_array_check_rank(update, x->rank, error));
    SMR_TRY(smr_array_check_rank(begin, 1, error));
    SMR_TRY(smr_array_check_dim(begin, 0, x->rank, error));
    if (x->rank == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a scalar has no slices");
    }
    for (d = 0; d < x->rank; ++d) {
        fits = fits && update->dims[d] <= x->dims[d];
    }
    if (!fits) {
        /* An error of the run: a loop over nothing does not come here. */
        node->run = run_update;
        node->work = 1;
    } else if (y->data == x->data || y->data == update->data || update->count == y->count) {
        node->run = run_update;
        node->work = update->count == 0 ? 0 : array_product(update, 0, update->rank - 1);
    } else {
        node->run = run_copy_and_update;
        node->work = y->count == 0 ? 0 : array_product(y, 0, y->rank - 1);
    }
    return SMR_OK;
}
