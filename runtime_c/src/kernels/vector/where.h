/* Choice between two operands of elements of 4 bytes. What an instruction set adds is a function for a part
 * of a row, which where.inc writes. */
#ifndef SMR_VECTOR_WHERE_H
#define SMR_VECTOR_WHERE_H

#include "../prototypes.h"

/* Elements that lie side by side; an operand that is repeated has one for all of them. */
typedef struct smr_where_part {
    const uint8_t *condition;
    const uint8_t *x, *y;
    uint8_t *z;
    size_t count;
    bool x_repeated, y_repeated;
} smr_where_part;

typedef void (*smr_where_function)(const smr_where_part *part);

/* Whether the elements have 4 bytes. */
bool smr_vector_takes_where(const smr_node *node);

/* As smr_prepare_where, for nodes that are taken. */
smr_status smr_vector_prepare_where(smr_node *node, smr_where_function function, smr_error *error);

#endif
