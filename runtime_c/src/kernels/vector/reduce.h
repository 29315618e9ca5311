/* Sums, means and extremes of float32 along axes, a vector at a time; float16 is widened in blocks. What an
 * instruction set adds is its loops, which reduce.inc writes. */
#ifndef SMR_VECTOR_REDUCE_H
#define SMR_VECTOR_REDUCE_H

#include "../generic/reduce.h"
#include "halves.h"

typedef struct smr_vector_fold {
    float start; /* what an element of the output begins as */
    /* Takes `rows` rows of numbers, `stride` apart, into `columns` numbers. */
    void (*columns)(const float *x, size_t rows, size_t stride, size_t columns, float *y);
    /* Takes numbers that lie side by side into one. */
    float (*run)(const float *x, size_t count, float y);
} smr_vector_fold;

/* As the generic `prepare`, for nodes of float32 or float16. */
smr_status smr_vector_prepare_reduce(smr_node *node, smr_prepare_function prepare,
                                     const smr_vector_fold *fold, const smr_halves *halves, smr_error *error);

#endif
