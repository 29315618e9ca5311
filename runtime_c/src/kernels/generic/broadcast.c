/* See the header. */
#include "broadcast.h"

/* The size of an input along a dimension of the output. */
static int32_t broadcast_size(const smr_value *input, const smr_value *output, int32_t dimension) {
    const int32_t shift = output->rank - input->rank;
    return dimension < shift ? 1 : input->dims[dimension - shift];
}

static smr_status broadcast_check_rank(const smr_node *node, smr_error *error) {
    int32_t k, rank = 0;
    for (k = 0; k < node->input_count; ++k) {
        rank = node->inputs[k]->rank > rank ? node->inputs[k]->rank : rank;
    }
    if (node->outputs[0]->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)node->outputs[0]->rank,
                 (int)rank);
    }
    return SMR_OK;
}

static smr_status broadcast_check_dimension(const smr_node *node, int32_t dimension, smr_error *error) {
    const smr_value *output = node->outputs[0];
    int32_t k, expected = 1;
    for (k = 0; k < node->input_count; ++k) {
        const int32_t size = broadcast_size(node->inputs[k], output, dimension);
        if (size != 1 && expected != 1 && size != expected) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of input %d is %d and does not broadcast with %d",
                     (int)dimension, (int)k, (int)size, (int)expected);
        }
        expected = size == 1 ? expected : size;
    }
    if (output->dims[dimension] != expected) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %d", (int)dimension,
                 (int)output->dims[dimension], (int)expected);
    }
    return SMR_OK;
}

/* How far apart the rows of operands are, if they do not lie side by side in all of them. */
static void broadcast_see_rows(const smr_node *node, smr_broadcast *broadcast) {
    int32_t k;
    broadcast->strided = false;
    for (k = 0; k <= node->input_count; ++k) {
        const smr_value *operand = k < node->input_count ? node->inputs[k] : node->outputs[0];
        broadcast->rows[k] = operand->rank == 0 ? 1 : (uint32_t)smr_value_row(operand);
        broadcast->strided = broadcast->strided || operand->layout == SMR_LAYOUT_STRIDED;
    }
}

smr_status smr_broadcast_prepare(smr_node *node, smr_broadcast *broadcast, smr_error *error) {
    const smr_value *output = node->outputs[0];
    int32_t i, k, rank = 0;
    SMR_TRY(broadcast_check_rank(node, error));
    for (i = 0; i < output->rank; ++i) {
        SMR_TRY(broadcast_check_dimension(node, i, error));
    }
    node->work = output->count;
    broadcast->inputs = node->input_count;
    broadcast_see_rows(node, broadcast);
    for (i = 0; i < output->rank && output->count > 0; ++i) {
        const size_t size = (size_t)output->dims[i];
        const bool alone = broadcast->strided && i == output->rank - 1;
        uint8_t repeated = 0;
        if (size == 1 && !alone) {
            continue;
        }
        for (k = 0; k < node->input_count; ++k) {
            repeated |= (uint8_t)((broadcast_size(node->inputs[k], output, i) == 1) << k);
        }
        if (rank > 0 && broadcast->repeated[rank - 1] == repeated && !alone) {
            broadcast->sizes[rank - 1] *= size;
        } else {
            broadcast->sizes[rank] = size;
            broadcast->repeated[rank++] = repeated;
        }
    }
    if (rank == 0) {
        broadcast->sizes[0] = 1;
        broadcast->repeated[0] = 0;
        rank = 1;
    }
    broadcast->rank = (uint8_t)rank;
    return SMR_OK;
}

void smr_broadcast_start(const smr_broadcast *broadcast, size_t at, smr_broadcast_row *row) {
    const int32_t last = broadcast->rank - 1;
    int32_t i, k;
    for (i = last; i >= 0; --i) {
        row->coordinates[i] = at % broadcast->sizes[i];
        at /= broadcast->sizes[i];
    }
    row->length = broadcast->sizes[last] - row->coordinates[last];
    for (k = 0; k <= broadcast->inputs; ++k) {
        size_t stride = 1;
        row->row_offsets[k] = 0;
        for (i = last; i >= 0; --i) {
            const bool repeated = (broadcast->repeated[i] >> k & 1u) != 0;
            row->strides[k][i] = repeated ? 0 : stride;
            stride *= repeated ? 1 : broadcast->sizes[i];
            stride = i == last && broadcast->strided ? broadcast->rows[k] : stride;
            row->row_offsets[k] += i == last ? 0 : row->coordinates[i] * row->strides[k][i];
        }
        row->steps[k] = row->strides[k][last];
        row->offsets[k] = row->row_offsets[k] + row->coordinates[last] * row->steps[k];
    }
}

size_t smr_broadcast_rows(const smr_broadcast *broadcast, size_t at, size_t end, smr_broadcast_row *row) {
    const int32_t outer = broadcast->rank - 2;
    size_t whole, left;
    int32_t k;
    smr_broadcast_start(broadcast, at, row);
    for (k = 0; k <= broadcast->inputs; ++k) {
        row->next[k] = outer < 0 ? 0 : row->strides[k][outer];
    }
    if (outer < 0 || row->coordinates[outer + 1] > 0 || end - at < row->length) {
        return 1;
    }
    whole = (end - at) / row->length;
    left = broadcast->sizes[outer] - row->coordinates[outer];
    return whole < left ? whole : left;
}

void smr_broadcast_next(const smr_broadcast *broadcast, smr_broadcast_row *row) {
    int32_t i, k;
    for (i = broadcast->rank - 2; i >= 0; --i) {
        const bool carry = ++row->coordinates[i] == broadcast->sizes[i];
        for (k = 0; k <= broadcast->inputs; ++k) {
            row->row_offsets[k] += row->strides[k][i];
            row->row_offsets[k] -= carry ? row->strides[k][i] * broadcast->sizes[i] : 0;
        }
        if (!carry) {
            break;
        }
        row->coordinates[i] = 0;
    }
    for (k = 0; k <= broadcast->inputs; ++k) {
        row->offsets[k] = row->row_offsets[k];
    }
    row->length = broadcast->sizes[broadcast->rank - 1];
}
