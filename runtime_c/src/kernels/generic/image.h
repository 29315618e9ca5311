/* What resampling leaves to instruction sets. */
#ifndef SMR_GENERIC_IMAGE_H
#define SMR_GENERIC_IMAGE_H

#include "../../core/kernel.h"

/* Weighted rows of elements that lie side by side: y[i] is the sum of weights[k] * x[from[k] + i], added in
 * the order of k to 0. */
typedef struct smr_resample_rows {
    const void *x;
    void *y;
    const size_t *from;
    const float *weights;
    size_t taps;
    size_t count;
    uint8_t dtype;
} smr_resample_rows;

typedef void (*smr_resample_blend)(const smr_resample_rows *rows);

/* Whether elements of this type are weighted, in rows of at least so many, and sums are finite where they
 * are. */
bool smr_resample_takes(const smr_node *node, uint8_t dtype, size_t least);

/* As smr_prepare_resample, for nodes that are taken. */
smr_status smr_resample_prepare(smr_node *node, smr_resample_blend blend, smr_error *error);

#endif
