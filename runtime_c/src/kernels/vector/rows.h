/* Numbers of a row of float32, for the templates of this folder: included after the vectors of an instruction
 * set. The order in which numbers are added depends on the size of the row alone, and sums of many are in
 * double. */
#ifndef SMR_VECTOR_ROWS_H
#define SMR_VECTOR_ROWS_H

#include "part.h"

#define VECTOR_BLOCK (16 * VECTOR_LANES) /* numbers that are added in float32 */

/* The sum of what `term` makes of each of `size` numbers and `shift`; `term` may not depend on its
 * neighbours. */
static inline __attribute__((always_inline)) double vector_sum_row(const VECTOR_ELEMENT *x, size_t size,
                                                                   float shift,
                                                                   VECTOR (*term)(VECTOR x, VECTOR shift)) {
    const VECTOR shifts = VECTOR_ALL(shift);
    double sum = 0;
    size_t i = 0, j;
    for (; i + VECTOR_LANES <= size; i = j) {
        const size_t end = size - i < VECTOR_BLOCK ? size : i + VECTOR_BLOCK;
        VECTOR even = VECTOR_ALL(0.0f), odd = even;
        for (j = i; j + 2 * VECTOR_LANES <= end; j += 2 * VECTOR_LANES) {
            even = VECTOR_ADD(even, term(VECTOR_LOAD(x + j), shifts));
            odd = VECTOR_ADD(odd, term(VECTOR_LOAD(x + j + VECTOR_LANES), shifts));
        }
        for (; j + VECTOR_LANES <= end; j += VECTOR_LANES) {
            even = VECTOR_ADD(even, term(VECTOR_LOAD(x + j), shifts));
        }
        sum += (double)VECTOR_SUM(VECTOR_ADD(even, odd));
    }
    if (i < size) {
        float lanes[VECTOR_LANES];
        VECTOR_STORE_FLOATS(lanes, term(VECTOR_LOAD_PART(x + i, size - i), shifts));
        for (j = 0; j < size - i; ++j) {
            sum += (double)lanes[j];
        }
    }
    return sum;
}

#endif
