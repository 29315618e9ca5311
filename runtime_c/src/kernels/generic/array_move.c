/* Ops that copy elements to other places: transpose, broadcast_to, tile, concat, stack, split. */
#include "array.h"

smr_status smr_prepare_transpose(smr_node *node, smr_error *error) {
    const smr_transpose_attributes *a = &node->attributes.transpose;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    array_strided *strided = smr_array_strided_begin(node);
    bool taken[SMR_MAX_RANK] = {false};
    int64_t strides[SMR_MAX_RANK] = {0};
    int64_t stride = strided->size;
    int32_t i;
    SMR_TRY(smr_array_check_rank(y, x->rank, error));
    if (a->permutation.count != 0 && a->permutation.count != x->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a permutation of %d axes instead of %d", (int)a->permutation.count,
                 (int)x->rank);
    }
    for (i = x->rank - 1; i >= 0; --i) {
        strides[i] = stride;
        stride *= x->count == 0 ? 1 : x->dims[i];
    }
    for (i = 0; i < y->rank; ++i) {
        int32_t axis = x->rank - 1 - i;
        if (a->permutation.count != 0) {
            SMR_TRY(smr_array_axis(a->permutation.values[i], x->rank, &axis, error));
        }
        if (taken[axis]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a permutation with axis %d twice", (int)axis);
        }
        taken[axis] = true;
        SMR_TRY(smr_array_check_dim(y, i, x->dims[axis], error));
        smr_array_strided_add(strided, y->dims[i], strides[axis]);
    }
    smr_array_strided_end(node);
    return SMR_OK;
}

smr_status smr_prepare_broadcast_to(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const int32_t lead = y->rank - x->rank;
    array_strided *strided = smr_array_strided_begin(node);
    int64_t strides[SMR_MAX_RANK] = {0};
    int64_t stride = strided->size;
    int32_t i;
    if (lead < 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "rank %d does not broadcast to rank %d", (int)x->rank, (int)y->rank);
    }
    for (i = x->rank - 1; i >= 0; --i) {
        if (x->dims[i] != 1) {
            SMR_TRY(smr_array_check_dim(y, lead + i, x->dims[i], error));
            strides[lead + i] = stride;
            stride *= x->count == 0 ? 1 : x->dims[i];
        }
    }
    for (i = 0; i < y->rank; ++i) {
        smr_array_strided_add(strided, y->dims[i], strides[i]);
    }
    smr_array_strided_end(node);
    return SMR_OK;
}

smr_status smr_prepare_tile(smr_node *node, smr_error *error) {
    const smr_tile_attributes *a = &node->attributes.tile;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    array_strided *strided = smr_array_strided_begin(node);
    int64_t stride = (int64_t)(x->count * (size_t)strided->size);
    int32_t i;
    SMR_TRY(smr_array_check_rank(y, x->rank, error));
    SMR_TRY(smr_array_check_rank(x, a->multiples.count, error));
    for (i = 0; i < x->rank; ++i) {
        const int32_t multiple = a->multiples.values[i];
        if (multiple < 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "multiple %d is negative", (int)multiple);
        }
        SMR_TRY(smr_array_check_dim(y, i, (int64_t)x->dims[i] * multiple, error));
        stride = x->count == 0 ? 0 : stride / x->dims[i];
        smr_array_strided_add(strided, multiple, 0);
        smr_array_strided_add(strided, x->dims[i], stride);
    }
    smr_array_strided_end(node);
    return SMR_OK;
}

/* One tensor that is made of others, or cut into them: in each of `outer` rows lies a block of each in turn.
 */
typedef struct array_blocks {
    size_t outer;
    size_t row; /* bytes, as if all were dense */
} array_blocks;

/* The bytes of a tensor whose rows along the last axis may lie apart; `length` is that of all where they do
 * not. */
typedef struct array_bytes {
    uint8_t *data;
    size_t length;
    size_t step;
} array_bytes;

static array_bytes blocks_bytes(const smr_value *value) {
    const size_t size = array_element_size(value);
    array_bytes bytes = {value->data, value->count * size, 0};
    if (value->layout == SMR_LAYOUT_STRIDED) {
        bytes.length = (size_t)value->dims[value->rank - 1] * size;
        bytes.step = smr_value_row(value) * size;
    }
    return bytes;
}

/* Byte number `at`, and in `left` how many follow it in its row. */
static uint8_t *blocks_at(const array_bytes *bytes, size_t at, size_t *left) {
    const size_t row = bytes->step == 0 ? 0 : at / bytes->length;
    at -= row * bytes->length;
    *left = bytes->length - at;
    return bytes->data + row * bytes->step + at;
}

/* Copies `count` bytes, unless they lie where they belong. */
static void blocks_move(const array_bytes *to, size_t at, const array_bytes *from, size_t first,
                        size_t count) {
    while (count > 0) {
        size_t left, room;
        uint8_t *target = blocks_at(to, at, &left);
        const uint8_t *source = blocks_at(from, first, &room);
        room = room < left ? room : left;
        room = room < count ? room : count;
        if (target != source) {
            memcpy(target, source, room);
        }
        at += room;
        first += room;
        count -= room;
    }
}

/* Copies so many blocks, which lie some bytes apart. */
static void blocks_move_apart(uint8_t *to, size_t to_step, const uint8_t *from, size_t from_step,
                              size_t count, size_t block) {
    size_t i;
#define BLOCKS_MOVE(bytes)                                          \
    for (i = 0; i < count; ++i, to += to_step, from += from_step) { \
        memcpy(to, from, bytes);                                    \
    }                                                               \
    break
    switch (block) { /* small ones without a call */
        case 1: BLOCKS_MOVE(1);
        case 2: BLOCKS_MOVE(2);
        case 4: BLOCKS_MOVE(4);
        case 8: BLOCKS_MOVE(8);
        default: BLOCKS_MOVE(block);
    }
#undef BLOCKS_MOVE
}

/* Copies what the range [begin, end) of the whole has of a part, whose blocks begin at `start` in each row.
 */
static void blocks_copy(const array_blocks *blocks, size_t begin, size_t end, size_t start, size_t block,
                        const array_bytes *whole, const array_bytes *part, bool join) {
    /* Of several rows that have more than this block nothing lies where it belongs. */
    const bool apart =
        whole->step == 0 && part->step == 0 && blocks->outer > 1 && block > 0 && block < blocks->row;
    size_t row, rows;
    for (row = begin / blocks->row; row < blocks->outer && row * blocks->row < end; row += rows) {
        const size_t first = row * blocks->row + start, last = first + block;
        const size_t low = begin > first ? begin : first, high = end < last ? end : last;
        const size_t at = row * block + (low - first);
        rows = 1;
        if (apart && low == first && high == last) {
            uint8_t *in_whole = whole->data + first, *in_part = part->data + at;
            rows += (end - last) / blocks->row;
            blocks_move_apart(join ? in_whole : in_part, join ? blocks->row : block,
                              join ? in_part : in_whole, join ? block : blocks->row, rows, block);
        } else if (low < high) {
            blocks_move(join ? whole : part, join ? low : at, join ? part : whole, join ? at : low,
                        high - low);
        }
    }
}

static smr_status run_blocks_join(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const array_blocks *blocks = SMR_CONST_PARAMETERS(node, array_blocks);
    const size_t size = array_element_size(node->outputs[0]);
    const array_bytes whole = blocks_bytes(node->outputs[0]);
    size_t start = 0;
    int32_t k;
    (void)error;
    for (k = 0; k < node->input_count; ++k) {
        const size_t block = node->inputs[k]->count * size / blocks->outer;
        const array_bytes part = blocks_bytes(node->inputs[k]);
        blocks_copy(blocks, begin, end, start, block, &whole, &part, true);
        start += block;
    }
    return SMR_OK;
}

static smr_status run_blocks_split(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const array_blocks *blocks = SMR_CONST_PARAMETERS(node, array_blocks);
    const size_t size = array_element_size(node->inputs[0]);
    const array_bytes whole = blocks_bytes(node->inputs[0]);
    size_t start = 0;
    int32_t k;
    (void)error;
    for (k = 0; k < node->output_count; ++k) {
        const size_t block = node->outputs[k]->count * size / blocks->outer;
        const array_bytes part = blocks_bytes(node->outputs[k]);
        blocks_copy(blocks, begin, end, start, block, &whole, &part, false);
        start += block;
    }
    return SMR_OK;
}

/* All parts can lie in the whole, where they belong: one after the other where it is a single row of them,
 * and side by side along the last axis. */
static void blocks_share(smr_node *node, const smr_value *whole, bool join, bool columns) {
    const int32_t count = join ? node->input_count : node->output_count;
    const size_t size = array_element_size(whole);
    bool in_place = whole->data != NULL;
    size_t before = 0;
    int32_t i;
    node->sharing = (uint8_t)(columns ? (join ? SMR_SHARING_ROWS : SMR_SHARING_COLUMNS)
                                      : (join ? SMR_SHARING_WHOLE : SMR_SHARING_PARTS));
    for (i = 0; i < count && in_place; ++i) {
        const smr_value *part = join ? node->inputs[i] : node->outputs[i];
        const uint8_t *place =
            (const uint8_t *)whole->data + (columns ? before : smr_value_place(whole, before)) * size;
        const bool rows =
            columns ? smr_value_row(part) == smr_value_row(whole) : smr_value_rows_alike(part, whole);
        in_place = part->count == 0 || (part->data == place && rows);
        before += columns ? (size_t)part->dims[part->rank - 1] : part->count;
    }
    if (in_place) {
        node->work = 0;
    }
}

/* Work items are the bytes of the whole. In each row a part has as many bytes as all of it over the rows. */
static void blocks_prepare(smr_node *node, const smr_value *whole, int32_t axis, smr_run_function run) {
    array_blocks *blocks = SMR_PARAMETERS(node, array_blocks);
    const size_t bytes = whole->count * array_element_size(whole);
    const bool join = run == run_blocks_join;
    const uint8_t part_rank = join ? node->inputs[0]->rank : node->outputs[0]->rank;
    blocks->outer = array_product(whole, 0, axis);
    blocks->row = blocks->outer == 0 ? 0 : bytes / blocks->outer;
    node->run = run;
    node->work = bytes;
    if (blocks->outer == 1) {
        blocks_share(node, whole, join, false);
    } else if (blocks->outer > 1 && part_rank == whole->rank && axis == whole->rank - 1) {
        blocks_share(node, whole, join, true);
    }
}

/* Part number `index` has the sizes of the whole but along the axis; adds its size there. */
static smr_status blocks_check_part(const smr_value *whole, const smr_value *part, int32_t index,
                                    int32_t axis, int64_t *total, smr_error *error) {
    int32_t i;
    if (part->rank != whole->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "part %d has rank %d instead of %d", (int)index, (int)part->rank,
                 (int)whole->rank);
    }
    for (i = 0; i < whole->rank; ++i) {
        if (i != axis && part->dims[i] != whole->dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of part %d is %d instead of %d", (int)i,
                     (int)index, (int)part->dims[i], (int)whole->dims[i]);
        }
    }
    *total += part->dims[axis];
    return SMR_OK;
}

smr_status smr_prepare_concat(smr_node *node, smr_error *error) {
    const smr_value *y = node->outputs[0];
    int64_t total = 0;
    int32_t axis, i;
    SMR_TRY(smr_array_axis(node->attributes.concat.axis, y->rank, &axis, error));
    for (i = 0; i < node->input_count; ++i) {
        SMR_TRY(blocks_check_part(y, node->inputs[i], i, axis, &total, error));
    }
    SMR_TRY(smr_array_check_dim(y, axis, total, error));
    blocks_prepare(node, y, axis, run_blocks_join);
    return SMR_OK;
}

smr_status smr_prepare_split(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0];
    int64_t total = 0;
    int32_t axis, i;
    SMR_TRY(smr_array_axis(node->attributes.split.axis, x->rank, &axis, error));
    for (i = 0; i < node->output_count; ++i) {
        SMR_TRY(blocks_check_part(x, node->outputs[i], i, axis, &total, error));
    }
    if (total != x->dims[axis]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the parts have size %lld together instead of %d", (long long)total,
                 (int)x->dims[axis]);
    }
    blocks_prepare(node, x, axis, run_blocks_split);
    return SMR_OK;
}

smr_status smr_prepare_stack(smr_node *node, smr_error *error) {
    const smr_value *y = node->outputs[0];
    int32_t axis, i, k;
    SMR_TRY(smr_array_axis(node->attributes.stack.axis, y->rank, &axis, error));
    SMR_TRY(smr_array_check_dim(y, axis, node->input_count, error));
    for (k = 0; k < node->input_count; ++k) {
        const smr_value *x = node->inputs[k];
        SMR_TRY(smr_array_check_rank(x, (int64_t)y->rank - 1, error));
        for (i = 0; i < x->rank; ++i) {
            SMR_TRY(smr_array_check_dim(x, i, y->dims[i < axis ? i : i + 1], error));
        }
    }
    blocks_prepare(node, y, axis, run_blocks_join);
    return SMR_OK;
}
