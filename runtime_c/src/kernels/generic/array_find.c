/* Ops that find things of which there may be many or few: non_zero, unique. */
#include "convert.h"
#include "places.h"

static int64_t *find_longs(const smr_node *node, int32_t output) {
    return node->outputs[output]->data;
}

/* Not zero --------------------------------------------------------------------------------------------------
 */

static bool find_is_zero(const smr_value *x, size_t at) {
    smr_block block;
    if (smr_is_float(x->dtype)) {
        smr_load_floats(x->dtype, x->data, at, 1, block.floats);
        return block.floats[0] == 0.0f;
    }
    smr_load_integers(x->dtype, x->data, at, 1, block.integers);
    return block.integers[0] == 0;
}

/* One work item: what is found lies together. */
static smr_status run_non_zero(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0];
    int64_t *indices = find_longs(node, 0);
    size_t found = 0, i;
    int32_t d;
    (void)begin;
    (void)end;
    (void)error;
    if (x->count > 0) {
        memset(indices, 0, node->outputs[0]->count * sizeof *indices);
    }
    for (i = 0; i < x->count; ++i) {
        size_t rest = i;
        if (find_is_zero(x, i)) {
            continue;
        }
        for (d = x->rank - 1; d >= 0; --d) {
            indices[(size_t)d * x->count + found] = (int64_t)(rest % (size_t)x->dims[d]);
            rest /= (size_t)x->dims[d];
        }
        ++found;
    }
    *find_longs(node, 1) = (int64_t)found;
    return SMR_OK;
}

smr_status smr_prepare_non_zero(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *indices = node->outputs[0];
    if (x->rank == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a scalar has no indices");
    }
    SMR_TRY(smr_array_check_rank(indices, 2, error));
    SMR_TRY(smr_array_check_dim(indices, 0, x->rank, error));
    SMR_TRY(smr_array_check_dim(indices, 1, (int64_t)x->count, error));
    SMR_TRY(smr_array_check_rank(node->outputs[1], 0, error));
    node->run = run_non_zero;
    node->work = 1;
    return SMR_OK;
}

/* Different slices ------------------------------------------------------------------------------------------
 */

typedef struct find_slices {
    const smr_value *x;
    size_t inner; /* elements of a slice */
} find_slices;

/* Below, at or above 0 as slice a comes before b, is equal, or comes after. */
static int find_compare(const find_slices *slices, int64_t a, int64_t b) {
    size_t i;
    for (i = 0; i < slices->inner; ++i) {
        const int64_t left = smr_order_key(slices->x, (size_t)a * slices->inner + i);
        const int64_t right = smr_order_key(slices->x, (size_t)b * slices->inner + i);
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return 0;
}

static bool find_before(const void *context, int64_t a, int64_t b) {
    const int order = find_compare(context, a, b);
    return order != 0 ? order < 0 : a < b;
}

/* Numbers the different slices in their order. `counts` holds the sorted places at first; group g is written
 * over them when those up to its end, which is beyond g, have been read. */
static size_t find_groups(const smr_node *node, const find_slices *slices, size_t length) {
    int64_t *first = find_longs(node, 0), *inverse = find_longs(node, 1), *counts = find_longs(node, 2);
    const smr_places places = {node->outputs[2], 0, 1, find_before, slices};
    size_t groups = 0, begin, end;
    smr_places_choose(&places, length, length);
    for (begin = 0; begin < length; begin = end, ++groups) {
        const int64_t place = counts[begin];
        for (end = begin; end < length && find_compare(slices, place, counts[end]) == 0; ++end) {
            inverse[counts[end]] = (int64_t)groups;
        }
        first[groups] = place;
        counts[groups] = (int64_t)(end - begin);
    }
    return groups;
}

/* Numbers the groups anew, as their first slices come. `first` holds -1 - the new number of those seen. */
static void find_renumber(const smr_node *node, size_t length) {
    int64_t *first = find_longs(node, 0), *inverse = find_longs(node, 1), *counts = find_longs(node, 2);
    int64_t seen = 0;
    size_t i;
    for (i = 0; i < length; ++i) {
        const int64_t group = inverse[i];
        if (first[group] >= 0) {
            first[group] = -1 - seen++;
        }
        inverse[i] = -1 - first[group];
    }
    for (seen = 0, i = 0; i < length; ++i) {
        if (inverse[i] == seen) {
            first[seen] = (int64_t)i;
            counts[seen++] = 1;
        } else {
            ++counts[inverse[i]];
        }
    }
}

/* One work item. */
static smr_status run_unique(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0];
    const size_t length = (size_t)x->dims[0];
    const find_slices slices = {x, array_product(x, 1, x->rank)};
    size_t groups = 0, i;
    (void)begin;
    (void)end;
    (void)error;
    if (length > 0) {
        groups = find_groups(node, &slices, length);
        if (node->attributes.unique.sorted == 0) {
            find_renumber(node, length);
        }
        for (i = groups; i < length; ++i) {
            find_longs(node, 0)[i] = 0;
            find_longs(node, 2)[i] = 0;
        }
    }
    *find_longs(node, 3) = (int64_t)groups;
    return SMR_OK;
}

smr_status smr_prepare_unique(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0];
    int32_t i;
    if (x->rank == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a scalar has no slices");
    }
    for (i = 0; i < 3; ++i) {
        SMR_TRY(smr_array_check_rank(node->outputs[i], 1, error));
        SMR_TRY(smr_array_check_dim(node->outputs[i], 0, x->dims[0], error));
    }
    SMR_TRY(smr_array_check_rank(node->outputs[3], 0, error));
    node->run = run_unique;
    node->whole = true;
    node->work = 1;
    return SMR_OK;
}
