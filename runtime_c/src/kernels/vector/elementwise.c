/* The walk over the elements of a node of float32, in runs of rows. */
#include "elementwise.h"

#include <string.h>

typedef struct vector_elementwise {
    smr_elementwise generic;
    const smr_vector_functions *functions;
} vector_elementwise;

#define ELEMENTWISE_SHORT  48  /* columns of rows that are worth joining */
#define ELEMENTWISE_JOINED 192 /* columns of joined rows, at most */

/* Short rows of which one operand has only one: as longer rows, for which that one is repeated side by side.
 */
static void elementwise_join_rows(smr_vector_function function, smr_vector_rows *rows) {
    const bool x_repeated = rows->x_row == 0;
    const float *repeated = x_repeated ? rows->x : rows->y;
    const size_t columns = rows->columns, joined = ELEMENTWISE_JOINED / columns;
    const size_t left = rows->rows % joined;
    float row[ELEMENTWISE_JOINED];
    size_t i;
    for (i = 0; i < joined; ++i) {
        memcpy(row + i * columns, repeated, columns * sizeof(float));
    }
    rows->rows /= joined;
    rows->columns *= joined;
    rows->x = x_repeated ? row : rows->x;
    rows->y = x_repeated ? rows->y : row;
    rows->x_row *= joined;
    rows->y_row *= joined;
    function(rows);
    rows->x += rows->x_row * rows->rows;
    rows->y += rows->y_row * rows->rows;
    rows->z += rows->columns * rows->rows;
    rows->rows = 1;
    rows->columns = left * columns;
    function(rows);
}

/* The loop for the rows of a place; `rows` is given what does not depend on it. */
static void elementwise_run_rows(const vector_elementwise *p, const smr_node *node,
                                 const smr_broadcast_row *place, smr_vector_rows *rows) {
    const bool two = node->input_count > 1;
    const smr_vector_function function = place->steps[0] == 0          ? p->functions->x_repeated
                                         : two && place->steps[1] == 0 ? p->functions->y_repeated
                                                                       : p->functions->elements;
    const int32_t outer = p->generic.broadcast.rank - 2;
    rows->x = (const float *)node->inputs[0]->data + place->offsets[0];
    rows->x_row = outer < 0 ? 0 : place->strides[0][outer];
    if (two) {
        rows->y = (const float *)node->inputs[1]->data + place->offsets[1];
        rows->y_row = outer < 0 ? 0 : place->strides[1][outer];
    }
    if (two && rows->columns <= ELEMENTWISE_SHORT && rows->rows > ELEMENTWISE_JOINED &&
        function == p->functions->elements && (rows->x_row == 0) != (rows->y_row == 0)) {
        elementwise_join_rows(function, rows);
    } else {
        function(rows);
    }
}

static smr_status elementwise_run_vectors(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const vector_elementwise *p = SMR_CONST_PARAMETERS(node, vector_elementwise);
    const smr_broadcast *broadcast = &p->generic.broadcast;
    const size_t length = broadcast->sizes[broadcast->rank - 1];
    smr_vector_rows rows;
    smr_broadcast_row place;
    size_t count;
    (void)error;
    memset(&rows, 0, sizeof rows);
    rows.constants = p->generic.constants.floats;
    while (begin < end) {
        smr_broadcast_start(broadcast, begin, &place);
        rows.z = (float *)node->outputs[0]->data + begin;
        rows.rows = 1;
        rows.columns = end - begin < place.length ? end - begin : place.length;
        if (rows.columns == length && broadcast->rank > 1) {
            const size_t left =
                broadcast->sizes[broadcast->rank - 2] - place.coordinates[broadcast->rank - 2];
            const size_t whole = (end - begin) / length;
            rows.rows = whole < left ? whole : left;
        }
        count = rows.rows * rows.columns;
        elementwise_run_rows(p, node, &place, &rows);
        begin += count;
    }
    return SMR_OK;
}

smr_status smr_vector_prepare_elementwise(smr_node *node, smr_prepare_function prepare,
                                          const smr_vector_functions *functions, smr_error *error) {
    SMR_TRY(prepare(node, error));
    SMR_PARAMETERS(node, vector_elementwise)->functions = functions;
    node->run = elementwise_run_vectors;
    return SMR_OK;
}
