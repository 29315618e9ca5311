/* Element-wise functions of float32, a vector at a time; float16 is widened and narrowed in blocks. What an
 * instruction set adds is loops over rows, which elementwise.inc writes. */
#ifndef SMR_VECTOR_ELEMENTWISE_H
#define SMR_VECTOR_ELEMENTWISE_H

#include "../generic/elementwise.h"
#include "halves.h"

/* Rows of elements, and those of the operands that they are computed from; `z` may be an operand. */
typedef struct smr_vector_rows {
    const float *x, *y; /* y is null for functions of one operand */
    float *z;
    size_t rows;
    size_t columns;
    size_t x_row, y_row, z_row; /* elements from one row to the next, 0 for the same again */
    const float *constants;
} smr_vector_rows;

typedef void (*smr_vector_function)(const smr_vector_rows *rows);

/* The loops of a function: for an operand that has one element for a whole row, there is a loop apart. */
typedef struct smr_vector_functions {
    smr_vector_function
        elements; /* all operands go on from element to element; of one operand, the only one */
    smr_vector_function x_repeated;
    smr_vector_function y_repeated;
} smr_vector_functions;

/* As the generic `prepare`, for nodes of float32 or float16, with loops of its own. */
smr_status smr_vector_prepare_elementwise(smr_node *node, smr_prepare_function prepare,
                                          const smr_vector_functions *functions, const smr_halves *halves,
                                          smr_error *error);

#endif
