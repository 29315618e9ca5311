/* See the header. */
#include "reduce.h"

void smr_reduction_fill(smr_reduction *reduction, const smr_value *x, uint32_t axes) {
    int32_t i, rank = 0;
    bool last = false;
    reduction->rows = 1;
    reduction->first_reduced = false;
    for (i = 0; i < x->rank; ++i) {
        const size_t size = (size_t)x->dims[i];
        const bool reduced = (axes >> i & 1u) != 0;
        if (size == 1) {
            continue;
        }
        if (rank > 0 && reduced == last) {
            reduction->sizes[rank - 1] *= size;
        } else {
            reduction->first_reduced = rank == 0 ? reduced : reduction->first_reduced;
            reduction->sizes[rank++] = size;
        }
        last = reduced;
    }
    reduction->rank = rank;
    for (i = 0; i < rank - (smr_reduction_is_inner(reduction) ? 1 : 0); ++i) {
        reduction->rows *= smr_reduction_reduces(reduction, i) ? reduction->sizes[i] : 1;
    }
}

size_t smr_reduction_begin(const smr_reduction *reduction, size_t at, size_t *length) {
    size_t stride = 1, offset = 0;
    int32_t i;
    *length = 1;
    for (i = reduction->rank - 1; i >= 0; --i) {
        const size_t size = reduction->sizes[i];
        if (!smr_reduction_reduces(reduction, i)) {
            *length = i == reduction->rank - 1 ? size - at % size : *length;
            offset += at % size * stride;
            at /= size;
        }
        stride *= size;
    }
    return offset;
}

size_t smr_reduction_offset(const smr_reduction *reduction, size_t row) {
    size_t stride = 1, offset = 0;
    int32_t i;
    for (i = reduction->rank - 1; i >= 0; --i) {
        const size_t size = reduction->sizes[i];
        const bool run = i == reduction->rank - 1 && smr_reduction_is_inner(reduction);
        if (smr_reduction_reduces(reduction, i) && !run) {
            offset += row % size * stride;
            row /= size;
        }
        stride *= size;
    }
    return offset;
}
