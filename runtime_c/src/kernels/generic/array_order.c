/* Ops that go along an axis in order: running sums and products, and the largest or smallest elements. */
#include "array.h"
#include "convert.h"
#include "places.h"

/* The lines of a tensor along an axis. */
typedef struct order_lines {
    size_t length; /* of a line */
    size_t inner;  /* the distance of neighbours along it */
    size_t picked; /* of top_k: how many elements of the output a line has */
} order_lines;

static smr_status order_prepare(smr_node *node, int32_t axis, int32_t *counted, smr_error *error) {
    order_lines *lines = SMR_PARAMETERS(node, order_lines);
    const smr_value *x = node->inputs[0];
    int32_t i;
    SMR_TRY(smr_array_axis(axis, x->rank, counted, error));
    lines->length = (size_t)x->dims[*counted];
    lines->inner = 1;
    for (i = *counted + 1; i < x->rank && x->count != 0; ++i) {
        lines->inner *= (size_t)x->dims[i];
    }
    return SMR_OK;
}

/* Running sums and products ---------------------------------------------------------------------------------
 */

/* One line, whose first element is `first`; `product` or else sum. */
static void running_line(const smr_node *node, size_t first, bool product) {
    const order_lines *lines = SMR_CONST_PARAMETERS(node, order_lines);
    const smr_cumulative_sum_attributes *a =
        &node->attributes.cumulative_sum; /* those of prod are the same */
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    double total = product ? 1.0 : 0.0;
    uint64_t wrapping = product ? 1 : 0;
    size_t i;
    for (i = 0; i < lines->length; ++i) {
        const size_t at = first + (a->reverse != 0 ? lines->length - 1 - i : i) * lines->inner;
        if (smr_is_float(x->dtype)) {
            float element, result;
            smr_load_floats(x->dtype, x->data, at, 1, &element);
            result = (float)total;
            total = product ? total * (double)element : total + (double)element;
            result = a->exclusive != 0 ? result : (float)total;
            smr_store_floats(y->dtype, y->data, at, 1, &result);
        } else {
            int64_t element, result;
            smr_load_integers(x->dtype, x->data, at, 1, &element);
            result = (int64_t)wrapping;
            wrapping = product ? wrapping * (uint64_t)element : wrapping + (uint64_t)element;
            result = a->exclusive != 0 ? result : (int64_t)wrapping;
            smr_store_integers(y->dtype, y->data, at, 1, &result);
        }
    }
}

/* Work items are lines. */
static smr_status run_cumulative_sum(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const order_lines *lines = SMR_CONST_PARAMETERS(node, order_lines);
    (void)error;
    for (; begin < end; ++begin) {
        running_line(node, begin / lines->inner * lines->length * lines->inner + begin % lines->inner, false);
    }
    return SMR_OK;
}

static smr_status run_cumulative_prod(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const order_lines *lines = SMR_CONST_PARAMETERS(node, order_lines);
    (void)error;
    for (; begin < end; ++begin) {
        running_line(node, begin / lines->inner * lines->length * lines->inner + begin % lines->inner, true);
    }
    return SMR_OK;
}

static smr_status running_prepare(smr_node *node, smr_run_function run, smr_error *error) {
    const order_lines *lines = SMR_CONST_PARAMETERS(node, order_lines);
    int32_t axis;
    SMR_TRY(order_prepare(node, node->attributes.cumulative_sum.axis, &axis, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], node->inputs[0], error));
    node->run = run;
    node->whole = true;
    node->work = node->inputs[0]->count == 0 ? 0 : node->inputs[0]->count / lines->length;
    return SMR_OK;
}

smr_status smr_prepare_cumulative_sum(smr_node *node, smr_error *error) {
    return running_prepare(node, run_cumulative_sum, error);
}

smr_status smr_prepare_cumulative_prod(smr_node *node, smr_error *error) {
    return running_prepare(node, run_cumulative_prod, error);
}

/* Largest and smallest --------------------------------------------------------------------------------------
 */

/* Elements of one line, by their places along it. */
typedef struct order_line {
    const smr_value *x;
    size_t first, step;
    bool largest;
} order_line;

static bool line_before(const void *context, int64_t a, int64_t b) {
    const order_line *line = context;
    const int64_t left = smr_order_key(line->x, line->first + (size_t)a * line->step);
    const int64_t right = smr_order_key(line->x, line->first + (size_t)b * line->step);
    if (left != right) {
        return line->largest ? left > right : left < right;
    }
    return a < b;
}

/* Work items are lines. */
static smr_status run_top_k(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const order_lines *lines = SMR_CONST_PARAMETERS(node, order_lines);
    const smr_value *x = node->inputs[0], *values = node->outputs[0];
    const size_t size = array_element_size(x);
    size_t i;
    (void)error;
    for (; begin < end; ++begin) {
        const size_t outer = begin / lines->inner, inner = begin % lines->inner;
        const order_line line = {x, outer * lines->length * lines->inner + inner, lines->inner,
                                 node->attributes.top_k.largest != 0};
        const smr_places places = {node->outputs[1], outer * lines->picked * lines->inner + inner,
                                   lines->inner, line_before, &line};
        smr_places_choose(&places, lines->picked, lines->length);
        for (i = 0; i < lines->picked; ++i) {
            const size_t from = line.first + (size_t)smr_places_get(&places, i) * line.step;
            memcpy((uint8_t *)values->data + (places.first + i * places.step) * size,
                   (const uint8_t *)x->data + from * size, size);
        }
    }
    return SMR_OK;
}

/* k is what the outputs say, or more than there is, while the axis is small. */
static smr_status run_top_k_too_many(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const order_lines *lines = SMR_CONST_PARAMETERS(node, order_lines);
    (void)begin;
    (void)end;
    SMR_FAIL(error, SMR_ERROR_DATA, "k is %zu, of an axis of size %zu", lines->picked, lines->length);
}

smr_status smr_prepare_top_k(smr_node *node, smr_error *error) {
    order_lines *lines = SMR_PARAMETERS(node, order_lines);
    const smr_value *x = node->inputs[0], *values = node->outputs[0], *indices = node->outputs[1];
    int32_t axis, i;
    SMR_TRY(order_prepare(node, node->attributes.top_k.axis, &axis, error));
    SMR_TRY(smr_array_check_rank(values, x->rank, error));
    SMR_TRY(smr_array_check_same(indices, values, error));
    if (indices->dtype != SMR_DTYPE_INT32 && indices->dtype != SMR_DTYPE_INT64) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "indices of type %s", smr_dtype_name((smr_dtype)indices->dtype));
    }
    SMR_TRY(smr_array_check_dtype(indices, node->attributes.top_k.output_type, error));
    for (i = 0; i < x->rank; ++i) {
        if (i != axis) {
            SMR_TRY(smr_array_check_dim(values, i, x->dims[i], error));
        }
    }
    lines->picked = (size_t)values->dims[axis];
    node->run = lines->picked > lines->length ? run_top_k_too_many : run_top_k;
    node->whole = true;
    node->work = values->count == 0 ? 0 : values->count / lines->picked;
    return SMR_OK;
}
