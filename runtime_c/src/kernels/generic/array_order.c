/* Ops that go along an axis in order: running sums and products, and the largest or smallest elements. */
#include "array.h"
#include "convert.h"

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

/* A number in whose order elements come: NaN after all others, and -0 with 0. */
static int64_t order_key(const smr_value *x, size_t at) {
    int64_t key;
    if (smr_is_float(x->dtype)) {
        uint32_t bits;
        float value;
        smr_load_floats(x->dtype, x->data, at, 1, &value);
        if (value != value) {
            return INT64_MAX;
        }
        memcpy(&bits, &value, sizeof bits);
        key = (int64_t)(bits & 0x7fffffffu);
        return (bits >> 31) != 0 ? -key : key;
    }
    smr_load_integers(x->dtype, x->data, at, 1, &key);
    return key;
}

/* The chosen places of one line, kept in the output of indices, `inner` apart. */
typedef struct order_heap {
    const smr_value *x;
    const smr_value *indices;
    size_t from, to, inner; /* the line's first element in x and in the output */
    bool largest;
} order_heap;

static int64_t heap_place(const order_heap *heap, size_t i) {
    return array_index(heap->indices, heap->to + i * heap->inner);
}

static void heap_set(const order_heap *heap, size_t i, int64_t place) {
    smr_store_integers(heap->indices->dtype, heap->indices->data, heap->to + i * heap->inner, 1, &place);
}

/* Whether the element at place a comes before that at place b. */
static bool heap_before(const order_heap *heap, int64_t a, int64_t b) {
    const int64_t left = order_key(heap->x, heap->from + (size_t)a * heap->inner);
    const int64_t right = order_key(heap->x, heap->from + (size_t)b * heap->inner);
    if (left != right) {
        return heap->largest ? left > right : left < right;
    }
    return a < b;
}

/* Puts a place in at `i` or below, so that each comes after both that are below it. */
static void heap_sift(const order_heap *heap, size_t i, size_t count, int64_t place) {
    size_t below = 2 * i + 1;
    while (below < count) {
        if (below + 1 < count && heap_before(heap, heap_place(heap, below), heap_place(heap, below + 1))) {
            ++below;
        }
        if (!heap_before(heap, place, heap_place(heap, below))) {
            break;
        }
        heap_set(heap, i, heap_place(heap, below));
        i = below;
        below = 2 * i + 1;
    }
    heap_set(heap, i, place);
}

static void heap_fill(const order_heap *heap, size_t count, size_t length) {
    size_t i;
    for (i = 0; i < count; ++i) {
        heap_set(heap, i, (int64_t)i);
    }
    for (i = count / 2; i > 0; --i) {
        heap_sift(heap, i - 1, count, heap_place(heap, i - 1));
    }
    for (i = count; i < length; ++i) {
        if (heap_before(heap, (int64_t)i, heap_place(heap, 0))) {
            heap_sift(heap, 0, count, (int64_t)i);
        }
    }
    for (i = count; i > 1; --i) {
        const int64_t last = heap_place(heap, i - 1);
        heap_set(heap, i - 1, heap_place(heap, 0));
        heap_sift(heap, 0, i - 1, last);
    }
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
        const order_heap heap = {x,
                                 node->outputs[1],
                                 outer * lines->length * lines->inner + inner,
                                 outer * lines->picked * lines->inner + inner,
                                 lines->inner,
                                 node->attributes.top_k.largest != 0};
        heap_fill(&heap, lines->picked, lines->length);
        for (i = 0; i < lines->picked; ++i) {
            memcpy(
                (uint8_t *)values->data + (heap.to + i * lines->inner) * size,
                (const uint8_t *)x->data + (heap.from + (size_t)heap_place(&heap, i) * lines->inner) * size,
                size);
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
    node->work = values->count == 0 ? 0 : values->count / lines->picked;
    return SMR_OK;
}
