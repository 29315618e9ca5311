/* The walk over the rows of a choice between two operands. */
#include "where.h"

#include "../generic/array.h"
#include "../generic/broadcast.h"

typedef struct where_parameters {
    smr_broadcast broadcast;
    smr_where_function function;
} where_parameters;
_Static_assert(sizeof(where_parameters) <= SMR_PARAMETER_BYTES, "where_parameters fit a node");

static smr_status where_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const where_parameters *p = SMR_CONST_PARAMETERS(node, where_parameters);
    const uint8_t *operands[3];
    smr_broadcast_row row;
    size_t count;
    (void)error;
    smr_broadcast_start(&p->broadcast, begin, &row);
    for (; begin < end; begin += count) {
        uint8_t *z = (uint8_t *)node->outputs[0]->data + 4 * row.offsets[3];
        int32_t k;
        count = end - begin < row.length ? end - begin : row.length;
        for (k = 0; k < 3; ++k) {
            operands[k] = (const uint8_t *)node->inputs[k]->data + row.offsets[k] * (k == 0 ? 1 : 4);
        }
        if (row.steps[0] == 0) {
            k = *operands[0] != 0 ? 1 : 2;
            smr_array_copy(z, operands[k], count, (int64_t)row.steps[k] * 4, 4);
        } else {
            const smr_where_part part = {operands[0], operands[1],       operands[2],      z,
                                         count,       row.steps[1] == 0, row.steps[2] == 0};
            p->function(&part);
        }
        smr_broadcast_next(&p->broadcast, &row);
    }
    return SMR_OK;
}

bool smr_vector_takes_where(const smr_node *node) {
    return array_element_size(node->outputs[0]) == 4;
}

smr_status smr_vector_prepare_where(smr_node *node, smr_where_function function, smr_error *error) {
    SMR_TRY(smr_prepare_where(node, error));
    SMR_PARAMETERS(node, where_parameters)->function = function;
    node->run = where_run;
    return SMR_OK;
}
