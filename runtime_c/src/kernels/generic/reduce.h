/* Which elements of an input come together in one element of the output. */
#ifndef SMR_REDUCE_H
#define SMR_REDUCE_H

#include "../prototypes.h"

/* The dimensions of the input, neighbours of one kind taken together, so that reduced and kept ones
 * alternate. */
typedef struct smr_reduction {
    size_t sizes[SMR_MAX_RANK];
    int32_t rank;
    bool first_reduced;
    size_t rows; /* the number of runs of neighbouring elements that one output element, or a row of them,
                    takes */
} smr_reduction;

/* Fills a reduction of `x` over the axes of the set `axes` (bit i: axis i). */
void smr_reduction_fill(smr_reduction *reduction, const smr_value *x, uint32_t axes);

static inline bool smr_reduction_reduces(const smr_reduction *reduction, int32_t dimension) {
    return (dimension % 2 == 0) == reduction->first_reduced;
}

/* Whether neighbouring elements of the input go to one output element; else to neighbouring ones. */
static inline bool smr_reduction_is_inner(const smr_reduction *reduction) {
    return reduction->rank > 0 && smr_reduction_reduces(reduction, reduction->rank - 1);
}

/* The input element that the first run of output element `at` begins with. `*length` is the number of output
 * elements from there on whose runs lie beside it: 1 for inner reductions. */
size_t smr_reduction_begin(const smr_reduction *reduction, size_t at, size_t *length);

/* How far run `row`, below `rows`, is from the first. */
size_t smr_reduction_offset(const smr_reduction *reduction, size_t row);

/* Logic over bytes, for nodes whose parameters begin with a reduction. */
smr_status smr_reduction_run_any(const smr_node *node, size_t begin, size_t end, smr_error *error);
smr_status smr_reduction_run_all(const smr_node *node, size_t begin, size_t end, smr_error *error);

#endif
