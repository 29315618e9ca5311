/* Comparison and logic: results are bool. What an instruction set adds are loops over blocks of elements,
 * which compare.inc writes. */
#ifndef SMR_VECTOR_COMPARE_H
#define SMR_VECTOR_COMPARE_H

#include "../prototypes.h"
#include "halves.h"

#define SMR_COMPARE_MOST 32 /* elements of a block, at most */

/* Elements that lie side by side, in so many blocks. */
typedef struct smr_compare_part {
    const uint8_t *x, *y;
    uint8_t *z; /* x or y may lie there, if its elements are bytes and all blocks do not meet one of it */
    size_t blocks;
    size_t x_step, y_step; /* bytes from one block to the next: 0 for the same again */
    uint8_t flip;          /* 1 where results are those for which the function does not hold */
    uint8_t sign;          /* bits of bytes that are flipped before they are compared as int8 */
} smr_compare_part;

typedef void (*smr_compare_function)(const smr_compare_part *part);

/* Nothing is equal to NaN, less or at most. Logic takes each byte that is not 0 for true. */
typedef struct smr_compare_functions {
    size_t block; /* elements */
    smr_compare_function floats_equal, floats_less, floats_at_most;
    smr_compare_function integers_equal, integers_less;
    smr_compare_function bytes_equal, bytes_less;
    smr_compare_function one_false, neither, one_alone;
} smr_compare_functions;

/* Whether the elements are floats, or integers of 4 bytes or 1. */
bool smr_vector_takes_compare(const smr_node *node);

/* Prepares a node of any op of comparison, of logic, or is_nan, that is taken. */
smr_status smr_vector_prepare_compare(smr_node *node, const smr_compare_functions *functions,
                                      const smr_halves *halves, smr_error *error);

#endif
