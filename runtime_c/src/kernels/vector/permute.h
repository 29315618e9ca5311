/* Transposes that move the last axis: as many matrices that become their columns. What an instruction set
 * adds is a function for matrices of elements of each size, which permute.inc writes. */
#ifndef SMR_VECTOR_PERMUTE_H
#define SMR_VECTOR_PERMUTE_H

#include "../prototypes.h"

/* A matrix in bytes from one row to the next; neither side is shorter than the function's lanes. */
typedef void (*smr_permute_function)(const uint8_t *from, size_t from_row, uint8_t *to, size_t to_row,
                                     size_t rows, size_t columns);

/* For elements of 1, 2 and 4 bytes. */
typedef struct smr_permute_functions {
    smr_permute_function function[3];
    uint8_t lanes[3];
} smr_permute_functions;

/* Whether elements have one of these sizes. */
bool smr_vector_takes_transpose(const smr_node *node);

/* As smr_prepare_transpose, for nodes that are taken. */
smr_status smr_vector_prepare_transpose(smr_node *node, const smr_permute_functions *functions,
                                        smr_error *error);

#endif
