/* Walking the elements of an output together with inputs that broadcast to it, row by row. */
#ifndef SMR_BROADCAST_H
#define SMR_BROADCAST_H

#include "../../core/kernel.h"

#define SMR_BROADCAST_INPUTS 3

/* Neighbouring dimensions along which the same inputs are repeated are taken together, so that tensors of
 * equal shapes have a single one, or two where an operand is strided. The output is operand number `inputs`.
 */
typedef struct smr_broadcast {
    uint32_t rows[SMR_BROADCAST_INPUTS + 1]; /* of each operand, where one is strided: see smr_value_row */
    uint8_t repeated[SMR_MAX_RANK];          /* bit k: input k has one element along the dimension */
    uint8_t rank;                            /* at least 1 */
    uint8_t inputs;
    bool strided;               /* an operand is: the last dimension is alone */
    size_t sizes[SMR_MAX_RANK]; /* only `rank` of them need be kept */
} smr_broadcast;

/* What need not be kept, at the end. */
static inline size_t smr_broadcast_spare(const smr_broadcast *broadcast) {
    return (SMR_MAX_RANK - (size_t)broadcast->rank) * sizeof broadcast->sizes[0];
}

/* A place in the output: what is left of the row that it lies in. */
typedef struct smr_broadcast_row {
    size_t length;                                /* of the output, from here on; at least 1 */
    size_t offsets[SMR_BROADCAST_INPUTS + 1];     /* in elements, from where an operand begins */
    size_t steps[SMR_BROADCAST_INPUTS + 1];       /* 1, or 0 for the same element along the row */
    size_t row_offsets[SMR_BROADCAST_INPUTS + 1]; /* of the row's first element */
    size_t strides[SMR_BROADCAST_INPUTS + 1][SMR_MAX_RANK];
    size_t coordinates[SMR_MAX_RANK];
    size_t next[SMR_BROADCAST_INPUTS + 1]; /* from one row to the next: smr_broadcast_rows fills it */
} smr_broadcast_row;

/* Checks that the shape of output 0 is what all inputs broadcast to, and sets the node's work to the elements
 * of output 0. Nothing may be walked when that is 0. */
smr_status smr_broadcast_prepare(smr_node *node, smr_broadcast *broadcast, smr_error *error);

/* The place of output element `at`. */
void smr_broadcast_start(const smr_broadcast *broadcast, size_t at, smr_broadcast_row *row);

/* The same, and how many rows from there on begin before `end` and lie as far apart as `next` says: those of
 * one dimension if the first is whole, or only that one, which may end before the row does. */
size_t smr_broadcast_rows(const smr_broadcast *broadcast, size_t at, size_t end, smr_broadcast_row *row);

/* To the beginning of the next row, if there is one. */
void smr_broadcast_next(const smr_broadcast *broadcast, smr_broadcast_row *row);

#endif
