/* What preparing sums and products of two int8 tensors finds out: kernels for instruction sets begin with it.
 */
#ifndef SMR_GENERIC_QUANT_ELEMENTWISE_H
#define SMR_GENERIC_QUANT_ELEMENTWISE_H

#include "quant.h"

/* parameters: an axis of the output is one of these, joined with its neighbours where that makes no
 * difference */
typedef struct quant_binary {
    size_t dims[SMR_MAX_RANK];
    size_t strides[2][SMR_MAX_RANK]; /* in elements; 0 where an input is broadcast */
    quant_output output;
    float multiplier;
    int32_t rank;
    int32_t zero_points[2];
    int32_t multipliers[2];
} quant_binary;
_Static_assert(sizeof(quant_binary) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* Where output element `index` finds its inputs, and how many elements follow along the innermost axis. */
static inline size_t quant_binary_at(const quant_binary *binary, size_t index, size_t places[2]) {
    size_t rest = index, run = 1;
    int32_t i;
    places[0] = places[1] = 0;
    for (i = 0; i < binary->rank; ++i) {
        const size_t at = rest % binary->dims[i];
        rest /= binary->dims[i];
        places[0] += at * binary->strides[0][i];
        places[1] += at * binary->strides[1][i];
        if (i == 0) {
            run = binary->dims[0] - at;
        }
    }
    return run;
}

#endif
