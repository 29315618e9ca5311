/* Ops that know elements by ranges of indices: strided_slice, its gradient, slice, and pad. */
#include "array.h"

/* The attributes that strided_slice and its gradient share. */
typedef struct slice_attributes {
    const smr_ints8 *begin, *end, *strides;
    int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
} slice_attributes;

/* What is taken of a tensor: `size` indices of each axis, from `begin` in steps of `stride`. */
typedef struct slice_ranges {
    int64_t begin[SMR_MAX_RANK];
    int64_t stride[SMR_MAX_RANK];
    int32_t size[SMR_MAX_RANK];
    int32_t wrong; /* 1 + an axis in which one index is asked for that is not there, or 0 */
    int32_t index; /* that index */
} slice_ranges;

static bool slice_bit(int32_t mask, int32_t i) {
    return ((uint32_t)mask >> i & 1u) != 0;
}

static int64_t slice_clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* One entry that is a range, cut to an axis of `dim` as Python does. */
static void slice_cut_range(const slice_attributes *a, int32_t entry, int32_t axis, int64_t dim,
                            slice_ranges *ranges) {
    const int64_t stride = a->strides->values[entry];
    const int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? dim : dim - 1;
    int64_t begin = a->begin->values[entry], end = a->end->values[entry], length;
    begin = slice_clamp(begin < 0 ? begin + dim : begin, low, high);
    end = slice_clamp(end < 0 ? end + dim : end, low, high);
    if (slice_bit(a->begin_mask, entry)) {
        begin = stride > 0 ? 0 : dim - 1;
    }
    if (slice_bit(a->end_mask, entry)) {
        end = stride > 0 ? dim : -1;
    }
    length = stride > 0 ? end - begin : begin - end;
    ranges->begin[axis] = begin;
    ranges->stride[axis] = stride;
    ranges->size[axis] = length <= 0 ? 0 : (int32_t)((length - 1) / (stride > 0 ? stride : -stride) + 1);
}

static void slice_cut_index(const slice_attributes *a, int32_t entry, int32_t axis, int64_t dim,
                            slice_ranges *ranges) {
    const int64_t index = a->begin->values[entry];
    ranges->begin[axis] = index < 0 ? index + dim : index;
    ranges->stride[axis] = 1;
    ranges->size[axis] = 1;
    if (index < -dim || index >= dim) {
        ranges->wrong = axis + 1;
        ranges->index = (int32_t)index;
    }
}

/* Adds an axis to the dimensions that the sliced tensor must have. */
static smr_status slice_see_dim(const smr_value *sliced, int32_t *rank, int32_t dim, smr_error *error) {
    if (*rank >= sliced->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a slice of rank %d, with more axes left", (int)sliced->rank);
    }
    return smr_array_check_dim(sliced, (*rank)++, dim, error);
}

static smr_status slice_cut_whole_axes(const smr_value *whole, const smr_value *sliced, int32_t *axis,
                                       int32_t end, int32_t *rank, slice_ranges *ranges, smr_error *error) {
    for (; *axis < end; ++*axis) {
        ranges->begin[*axis] = 0;
        ranges->stride[*axis] = 1;
        ranges->size[*axis] = whole->dims[*axis];
        SMR_TRY(slice_see_dim(sliced, rank, whole->dims[*axis], error));
    }
    return SMR_OK;
}

/* Checks that the entries fit the rank of the tensor; `rest` is how many axes an ellipsis stands for. */
static smr_status slice_check_entries(const slice_attributes *a, const smr_value *whole, int32_t *rest,
                                      smr_error *error) {
    int32_t axes = 0, dots = 0, i;
    if (a->end->count != a->begin->count || a->strides->count != a->begin->count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "begin, end and strides have %d, %d and %d entries",
                 (int)a->begin->count, (int)a->end->count, (int)a->strides->count);
    }
    for (i = 0; i < a->begin->count; ++i) {
        if (slice_bit(a->ellipsis_mask, i)) {
            ++dots;
        } else if (!slice_bit(a->new_axis_mask, i)) {
            const int32_t stride = a->strides->values[i];
            ++axes;
            if (stride == 0 || (stride < 0 && slice_bit(a->shrink_axis_mask, i))) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "entry %d has stride %d", (int)i, (int)stride);
            }
        }
    }
    if (dots > 1 || axes > whole->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d ellipses and %d axes of a tensor of rank %d", (int)dots,
                 (int)axes, (int)whole->rank);
    }
    *rest = whole->rank - axes;
    return SMR_OK;
}

/* The ranges of the whole tensor, after checking that the sliced one has their shape. */
static smr_status slice_cut(const slice_attributes *a, const smr_value *whole, const smr_value *sliced,
                            slice_ranges *ranges, smr_error *error) {
    int32_t axis = 0, rank = 0, rest, i;
    SMR_TRY(slice_check_entries(a, whole, &rest, error));
    for (i = 0; i < a->begin->count; ++i) {
        if (slice_bit(a->ellipsis_mask, i)) {
            SMR_TRY(slice_cut_whole_axes(whole, sliced, &axis, axis + rest, &rank, ranges, error));
        } else if (slice_bit(a->new_axis_mask, i)) {
            SMR_TRY(slice_see_dim(sliced, &rank, 1, error));
        } else if (slice_bit(a->shrink_axis_mask, i)) {
            slice_cut_index(a, i, axis, whole->dims[axis], ranges);
            ++axis;
        } else {
            slice_cut_range(a, i, axis, whole->dims[axis], ranges);
            SMR_TRY(slice_see_dim(sliced, &rank, ranges->size[axis], error));
            ++axis;
        }
    }
    SMR_TRY(slice_cut_whole_axes(whole, sliced, &axis, whole->rank, &rank, ranges, error));
    return smr_array_check_rank(sliced, rank, error);
}

#define SLICE_ATTRIBUTES(a)                                                  \
    {&(a)->begin,   &(a)->end,          &(a)->strides,      (a)->begin_mask, \
     (a)->end_mask, (a)->ellipsis_mask, (a)->new_axis_mask, (a)->shrink_axis_mask}

/* An index may be outside an axis only while the axis is small, so that is not the model's fault. */
static smr_status run_slice_wrong_index(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const slice_ranges *ranges = SMR_CONST_PARAMETERS(node, slice_ranges);
    (void)begin;
    (void)end;
    SMR_FAIL(error, SMR_ERROR_DATA, "index %d is outside axis %d", (int)ranges->index,
             (int)(ranges->wrong - 1));
}

/* Whether the elements of a slice lie as far apart in its input as the output has them. */
static bool slice_lies_so(const array_strided *taken, const smr_value *y) {
    const size_t width = y->rank == 0 ? 1 : (size_t)y->dims[y->rank - 1];
    const size_t rows = width == 0 ? 0 : y->count / width;
    array_strided own;
    int32_t i;
    if (rows == 0 || rows > INT32_MAX) {
        return false;
    }
    memset(&own, 0, sizeof own);
    if (y->rank > 0) {
        smr_array_strided_add(&own, (int32_t)rows, (int64_t)smr_value_row(y) * taken->size);
        smr_array_strided_add(&own, (int32_t)width, taken->size);
    }
    if (own.rank != taken->rank) {
        return false;
    }
    for (i = 0; i < own.rank; ++i) {
        if (own.dims[i] != taken->dims[i] || own.strides[i] != taken->strides[i]) {
            return false;
        }
    }
    return true;
}

smr_status smr_prepare_strided_slice(smr_node *node, smr_error *error) {
    const slice_attributes a = SLICE_ATTRIBUTES(&node->attributes.strided_slice);
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    int64_t strides[SMR_MAX_RANK];
    slice_ranges ranges;
    array_strided *strided;
    int64_t stride;
    bool shared;
    int32_t i;
    memset(&ranges, 0, sizeof ranges);
    SMR_TRY(slice_cut(&a, x, y, &ranges, error));
    if (ranges.wrong != 0) {
        *SMR_PARAMETERS(node, slice_ranges) = ranges;
        node->run = run_slice_wrong_index;
        node->work = y->count;
        return SMR_OK;
    }
    strided = smr_array_strided_begin(node);
    stride = strided->size;
    for (i = x->rank - 1; i >= 0; --i) {
        strides[i] = stride;
        stride *= x->count == 0 ? 1 : i == x->rank - 1 ? (int64_t)smr_value_row(x) : x->dims[i];
    }
    for (i = 0; i < x->rank; ++i) {
        /* A stride beyond the axis would only ever be multiplied by 0. */
        const int64_t step = ranges.size[i] > 1 ? ranges.stride[i] : 1;
        strided->offset += y->count == 0 ? 0 : ranges.begin[i] * strides[i];
        smr_array_strided_add(strided, ranges.size[i], step * strides[i]);
    }
    /* A slice whose elements lie in the input as they do in the output can lie there. */
    shared = slice_lies_so(strided, y);
    smr_array_strided_end(node);
    if (shared) {
        const uint8_t *from = x->data;
        node->sharing = SMR_SHARING_PART;
        node->shared_offset = (size_t)strided->offset;
        node->work = from != NULL && y->data == from + strided->offset ? 0 : node->work;
    }
    return SMR_OK;
}

/* Slices whose begin is data: ranges are cut when it is known. */
static smr_status run_slice(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const smr_ints8 *strides = &node->attributes.slice.strides;
    const size_t size = array_element_size(y);
    const int32_t last = y->rank - 1;
    int64_t first[SMR_MAX_RANK] = {0}, steps[SMR_MAX_RANK] = {0}, span = 1;
    size_t row;
    int32_t d;
    for (d = last; d >= 0; --d) {
        const int64_t from = array_index(node->inputs[1], (size_t)d);
        const int64_t way = (int64_t)(y->dims[d] - 1) * strides->values[d];
        if (from < 0 || from >= x->dims[d] || from + way < 0 || from + way >= x->dims[d]) {
            SMR_FAIL(error, SMR_ERROR_DATA, "%d elements from %lld on of axis %d of size %d", (int)y->dims[d],
                     (long long)from, (int)d, (int)x->dims[d]);
        }
        first[d] = from * span;
        steps[d] = strides->values[d] * span;
        span *= x->dims[d];
    }
    if (last < 0) {
        memcpy(y->data, x->data, size);
        return SMR_OK;
    }
    for (row = begin; row < end; ++row) {
        const size_t count = (size_t)y->dims[last];
        int64_t from = first[last];
        size_t rest = row;
        for (d = last - 1; d >= 0; --d) {
            from += first[d] + (int64_t)(rest % (size_t)y->dims[d]) * steps[d];
            rest /= (size_t)y->dims[d];
        }
        smr_array_copy((uint8_t *)y->data + row * count * size,
                       (const uint8_t *)x->data + from * (int64_t)size, count, steps[last] * (int64_t)size,
                       size);
    }
    return SMR_OK;
}

/* Work items are rows along the last axis. */
smr_status smr_prepare_slice(smr_node *node, smr_error *error) {
    const smr_ints8 *strides = &node->attributes.slice.strides;
    const smr_value *x = node->inputs[0], *begin = node->inputs[1], *y = node->outputs[0];
    int32_t i;
    SMR_TRY(smr_array_check_rank(y, x->rank, error));
    SMR_TRY(smr_array_check_rank(begin, 1, error));
    SMR_TRY(smr_array_check_dim(begin, 0, x->rank, error));
    if (strides->count != x->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d strides for a tensor of rank %d", (int)strides->count,
                 (int)x->rank);
    }
    for (i = 0; i < x->rank; ++i) {
        if (strides->values[i] == 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d has stride 0", (int)i);
        }
    }
    node->run = run_slice;
    node->whole = true;
    node->work = y->count == 0 ? 0 : array_product(y, 0, y->rank - 1);
    return SMR_OK;
}

/* One row of the output along its last axis, number `row` counting all of them. */
static void slice_scatter_row(const smr_node *node, const slice_ranges *ranges, size_t row) {
    const smr_value *dy = node->inputs[0], *dx = node->outputs[0];
    const size_t size = array_element_size(dx);
    const int32_t last = dx->rank - 1;
    const size_t width = (size_t)dx->dims[last], count = (size_t)ranges->size[last];
    uint8_t *to = (uint8_t *)dx->data + row * width * size;
    const uint8_t *from = dy->data;
    size_t rest = row, at = 0, span = count, i;
    int32_t d;
    memset(to, 0, width * size);
    for (d = last - 1; d >= 0; --d) {
        const int64_t place = (int64_t)(rest % (size_t)dx->dims[d]) - ranges->begin[d];
        const int64_t index = place / ranges->stride[d];
        rest /= (size_t)dx->dims[d];
        if (index < 0 || index >= ranges->size[d] || index * ranges->stride[d] != place) {
            return;
        }
        at += (size_t)index * span;
        span *= (size_t)ranges->size[d];
    }
    for (i = 0; i < count; ++i) {
        const int64_t place = ranges->begin[last] + (int64_t)i * ranges->stride[last];
        memcpy(to + (size_t)place * size, from + (at + i) * size, size);
    }
}

/* Work items are rows. */
static smr_status run_strided_slice_gradient(const smr_node *node, size_t begin, size_t end,
                                             smr_error *error) {
    const slice_ranges *ranges = SMR_CONST_PARAMETERS(node, slice_ranges);
    size_t row;
    (void)error;
    if (node->outputs[0]->rank == 0) {
        memcpy(node->outputs[0]->data, node->inputs[0]->data, array_element_size(node->outputs[0]));
        return SMR_OK;
    }
    for (row = begin; row < end; ++row) {
        slice_scatter_row(node, ranges, row);
    }
    return SMR_OK;
}

smr_status smr_prepare_strided_slice_gradient(smr_node *node, smr_error *error) {
    const slice_attributes a = SLICE_ATTRIBUTES(&node->attributes.strided_slice_gradient);
    slice_ranges *ranges = SMR_PARAMETERS(node, slice_ranges);
    const smr_value *dx = node->outputs[0];
    SMR_TRY(slice_cut(&a, dx, node->inputs[0], ranges, error));
    node->run = ranges->wrong != 0 ? run_slice_wrong_index : run_strided_slice_gradient;
    node->work = array_product(dx, 0, dx->rank - 1);
    return SMR_OK;
}

typedef struct pad_parameters {
    size_t unit; /* bytes of all that lies at one place of the last axis that is padded */
    int32_t before[SMR_MAX_RANK];
    int32_t last;  /* that axis */
    int32_t wrong; /* 1 + an axis that is too small for the mode, or 0 */
    bool alone;    /* no other axis is padded */
    uint8_t value[8];
} pad_parameters;

/* The index that an index outside 0..size-1 repeats, or -1 for the value of mode constant. */
static int64_t pad_index(uint8_t mode, int64_t index, int64_t size) {
    const int64_t shift = mode == SMR_PAD_MODE_REFLECT ? 0 : 1;
    if (index >= 0 && index < size) {
        return index;
    }
    if (mode == SMR_PAD_MODE_CONSTANT) {
        return -1;
    }
    if (mode == SMR_PAD_MODE_EDGE) {
        return index < 0 ? 0 : size - 1;
    }
    if (mode == SMR_PAD_MODE_WRAP) {
        return index < 0 ? index + size : index - size;
    }
    return index < 0 ? -index - shift : 2 * (size - 1) - index + shift;
}

/* Places before or after a row, the one at `place` of it first. */
static void pad_places(const smr_node *node, uint8_t *to, const uint8_t *from, int64_t place, int64_t count) {
    const pad_parameters *parameters = SMR_CONST_PARAMETERS(node, pad_parameters);
    const uint8_t mode = node->attributes.pad.mode;
    const size_t unit = parameters->unit, size = array_element_size(node->outputs[0]);
    const int64_t width = node->inputs[0]->dims[parameters->last];
    int64_t i;
    if (mode == SMR_PAD_MODE_CONSTANT) {
        smr_array_fill(to, parameters->value, (size_t)count * unit / size, size);
        return;
    }
    for (i = 0; i < count; ++i, to += unit) {
        memcpy(to, from + (size_t)pad_index(mode, place + i, width) * unit, unit);
    }
}

/* One row of the output along the last axis that is padded, number `row` counting all of them. */
static void pad_row(const smr_node *node, size_t row) {
    const pad_parameters *parameters = SMR_CONST_PARAMETERS(node, pad_parameters);
    const uint8_t mode = node->attributes.pad.mode;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const size_t unit = parameters->unit, size = array_element_size(y);
    const int32_t last = parameters->last;
    const int64_t width = y->dims[last], count = x->dims[last], before = parameters->before[last];
    uint8_t *to = (uint8_t *)y->data + row * (size_t)width * unit;
    const uint8_t *from = x->data;
    size_t rest = row, at = parameters->alone ? row : 0, span = 1;
    bool outside = count == 0;
    int32_t d;
    for (d = parameters->alone ? -1 : last - 1; d >= 0; --d) {
        const int64_t place = (int64_t)(rest % (size_t)y->dims[d]) - parameters->before[d];
        const int64_t index = pad_index(mode, place, x->dims[d]);
        rest /= (size_t)y->dims[d];
        outside = outside || index < 0;
        at += outside ? 0 : (size_t)index * span;
        span *= (size_t)x->dims[d];
    }
    if (outside) {
        smr_array_fill(to, parameters->value, (size_t)width * unit / size, size);
        return;
    }
    from += at * (size_t)count * unit;
    pad_places(node, to, from, -before, before);
    memcpy(to + (size_t)before * unit, from, (size_t)count * unit);
    pad_places(node, to + (size_t)(before + count) * unit, from, count, width - before - count);
}

/* Work items are rows. */
static smr_status run_pad(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    size_t row;
    (void)error;
    if (node->outputs[0]->rank == 0) {
        memcpy(node->outputs[0]->data, node->inputs[0]->data, array_element_size(node->outputs[0]));
        return SMR_OK;
    }
    for (row = begin; row < end; ++row) {
        pad_row(node, row);
    }
    return SMR_OK;
}

/* An axis may be too small only for the moment, so that is not the model's fault. */
static smr_status run_pad_wrong(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const int32_t axis = SMR_CONST_PARAMETERS(node, pad_parameters)->wrong - 1;
    (void)begin;
    (void)end;
    SMR_FAIL(error, SMR_ERROR_DATA, "axis %d of size %d is too small for its padding", (int)axis,
             (int)node->inputs[0]->dims[axis]);
}

smr_status smr_prepare_pad(smr_node *node, smr_error *error) {
    const smr_pad_attributes *a = &node->attributes.pad;
    pad_parameters *parameters = SMR_PARAMETERS(node, pad_parameters);
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    int32_t padded = 0, i;
    SMR_TRY(smr_array_check_rank(y, x->rank, error));
    if (a->paddings.count != 2 * x->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d paddings of a tensor of rank %d", (int)a->paddings.count,
                 (int)x->rank);
    }
    for (i = 0; i < x->rank; ++i) {
        const int32_t before = a->paddings.values[2 * i], after = a->paddings.values[2 * i + 1];
        const int32_t most = before > after ? before : after;
        const int32_t least = a->mode == SMR_PAD_MODE_REFLECT     ? most + (most < INT32_MAX ? 1 : 0)
                              : a->mode == SMR_PAD_MODE_SYMMETRIC ? most
                              : a->mode == SMR_PAD_MODE_WRAP      ? most
                              : a->mode == SMR_PAD_MODE_EDGE      ? 1
                                                                  : 0;
        if (before < 0 || after < 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d is padded by %d and %d", (int)i, (int)before,
                     (int)after);
        }
        SMR_TRY(smr_array_check_dim(y, i, (int64_t)x->dims[i] + before + after, error));
        if (most > 0 && x->dims[i] < least) {
            parameters->wrong = i + 1;
        }
        parameters->before[i] = before;
        parameters->last = most > 0 ? i : parameters->last;
        padded += most > 0;
    }
    parameters->alone = padded <= 1;
    parameters->unit = array_product(y, parameters->last + 1, y->rank) * array_element_size(y);
    smr_array_store(y->dtype, a->value, parameters->value);
    node->run = parameters->wrong != 0 ? run_pad_wrong : run_pad;
    node->whole = true;
    node->work = array_product(y, 0, parameters->last);
    return SMR_OK;
}
