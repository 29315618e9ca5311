/* Which way images are cut for threads. */
#ifndef SMR_WIDE_H
#define SMR_WIDE_H

#include "kernel.h"

#define SMR_WIDE_COLUMNS 28
#define SMR_WIDE_BYTES   8000 /* of a line */

static inline size_t smr_wide_line(const smr_value *image) {
    return (size_t)image->dims[2] * (size_t)image->dims[3] * smr_dtype_size((smr_dtype)image->dtype);
}

/* Whether threads are given columns of an image and not lines. Strips of images are: what is kept of one for
 * the next, and what windows see beyond their part, has then mostly been computed by the thread that reads
 * it, and what two processors have read is slow to write again. Not where lines are so short that what
 * processors read ahead, beyond the end of their half, is as much, and so not of int8. `x` is what the image
 * is computed from. */
static inline bool smr_wide(const smr_value *x, const smr_value *image) {
    return x->rank == 4 && image->rank == 4 && x->dtype != SMR_DTYPE_INT8 && image->dims[0] == 1 &&
           image->dims[1] > 1 && image->dims[1] < image->dims[2] && image->dims[2] >= SMR_WIDE_COLUMNS &&
           (smr_wide_line(x) >= SMR_WIDE_BYTES || smr_wide_line(image) >= SMR_WIDE_BYTES);
}

/* How many parts the columns of a wide image are cut into: an even number, so that all ops are cut in the
 * middle. */
static inline size_t smr_wide_parts(size_t width) {
    return width < 4 * SMR_WIDE_COLUMNS ? 2 : 4;
}

#endif
