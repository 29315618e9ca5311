/* What preparing sums and products of two int8 tensors finds out: kernels for instruction sets begin with it.
 */
#ifndef SMR_GENERIC_QUANT_ELEMENTWISE_H
#define SMR_GENERIC_QUANT_ELEMENTWISE_H

#include "quant.h"

/* An axis of the output, joined with its neighbours where that makes no difference. */
typedef struct quant_axis {
    size_t size;
    size_t strides[2]; /* of the inputs, in elements; 0 where one is broadcast */
} quant_axis;

/* parameters */
typedef struct quant_binary {
    quant_output output;
    float multiplier;
    int32_t rank;
    int32_t zero_points[2];
    int32_t multipliers[2];
    size_t row; /* elements of the output from one place of all axes but the innermost to the next */
    quant_axis axes[SMR_MAX_RANK]; /* run has the first `rank` alone, and at least one */
} quant_binary;
_Static_assert(sizeof(quant_binary) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* Where element `index` of the output finds its inputs and lies itself, and how many elements follow along
 * the innermost axis. */
static inline size_t quant_binary_at(const quant_binary *binary, size_t index, size_t places[3]) {
    size_t rest = index, run = 1;
    int32_t i;
    places[0] = places[1] = 0;
    places[2] = index;
    for (i = 0; i < binary->rank; ++i) {
        const size_t at = rest % binary->axes[i].size;
        rest /= binary->axes[i].size;
        places[0] += at * binary->axes[i].strides[0];
        places[1] += at * binary->axes[i].strides[1];
        if (i == 0) {
            run = binary->axes[0].size - at;
            places[2] = rest * binary->row + at;
        }
    }
    return run;
}

#endif
