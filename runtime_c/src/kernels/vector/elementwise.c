/* The walk over the elements of a node: of float32 in runs of rows, of float16 in blocks. */
#include "elementwise.h"

#include <string.h>

typedef struct vector_elementwise {
    const smr_vector_functions *functions;
    const smr_halves *halves; /* of float16 alone */
    smr_elementwise generic;  /* last, since not all of it is kept */
} vector_elementwise;

#define ELEMENTWISE_SHORT  48  /* columns of rows that are worth joining */
#define ELEMENTWISE_JOINED 192 /* columns of joined rows, at most */
#define ELEMENTWISE_BLOCK  256 /* elements of float16 that are widened at once */

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
    rows->z_row *= joined;
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
    const int32_t output = node->input_count;
    rows->x = (const float *)node->inputs[0]->data + place->offsets[0];
    rows->x_row = place->next[0];
    rows->z = (float *)node->outputs[0]->data + place->offsets[output];
    rows->z_row = place->next[output];
    if (two) {
        rows->y = (const float *)node->inputs[1]->data + place->offsets[1];
        rows->y_row = place->next[1];
    }
    if (two && rows->columns <= ELEMENTWISE_SHORT && rows->rows > ELEMENTWISE_JOINED &&
        function == p->functions->elements && (rows->x_row == 0) != (rows->y_row == 0) &&
        rows->x_row + rows->y_row == rows->columns && rows->z_row == rows->columns) {
        elementwise_join_rows(function, rows);
    } else {
        function(rows);
    }
}

static smr_status elementwise_run_vectors(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const vector_elementwise *p = SMR_CONST_PARAMETERS(node, vector_elementwise);
    const smr_broadcast *broadcast = &p->generic.broadcast;
    smr_vector_rows rows;
    smr_broadcast_row place;
    size_t count;
    (void)error;
    memset(&rows, 0, sizeof rows);
    rows.constants = p->generic.constants.floats;
    while (begin < end) {
        rows.rows = smr_broadcast_rows(broadcast, begin, end, &place);
        rows.columns = end - begin < place.length ? end - begin : place.length;
        count = rows.rows * rows.columns;
        elementwise_run_rows(p, node, &place, &rows);
        begin += count;
    }
    return SMR_OK;
}

/* Elements of one row, of which an operand that is repeated has only one. */
static void elementwise_run_halves_row(const smr_node *node, const smr_broadcast_row *place, size_t count) {
    const vector_elementwise *p = SMR_CONST_PARAMETERS(node, vector_elementwise);
    const smr_vector_function function = place->steps[0] == 0 ? p->functions->x_repeated
                                         : node->input_count > 1 && place->steps[1] == 0
                                             ? p->functions->y_repeated
                                             : p->functions->elements;
    float operands[2][ELEMENTWISE_BLOCK], result[ELEMENTWISE_BLOCK];
    uint16_t *output = (uint16_t *)node->outputs[0]->data + place->offsets[node->input_count];
    smr_vector_rows rows = {operands[0], operands[1], result, 1, 0, 0, 0, 0, p->generic.constants.floats};
    size_t done;
    int32_t k;
    for (done = 0; done < count; done += rows.columns) {
        rows.columns = count - done < ELEMENTWISE_BLOCK ? count - done : ELEMENTWISE_BLOCK;
        for (k = 0; k < node->input_count; ++k) {
            const uint16_t *from =
                (const uint16_t *)node->inputs[k]->data + place->offsets[k] + done * place->steps[k];
            if (done == 0 || place->steps[k] != 0) {
                p->halves->widen(from, operands[k], place->steps[k] == 0 ? 1 : rows.columns);
            }
        }
        function(&rows);
        p->halves->narrow(result, output + done, rows.columns);
    }
}

static smr_status elementwise_run_halves(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_broadcast *broadcast = &SMR_CONST_PARAMETERS(node, vector_elementwise)->generic.broadcast;
    smr_broadcast_row place;
    (void)error;
    smr_broadcast_start(broadcast, begin, &place);
    while (begin < end) {
        const size_t count = end - begin < place.length ? end - begin : place.length;
        elementwise_run_halves_row(node, &place, count);
        begin += count;
        smr_broadcast_next(broadcast, &place);
    }
    return SMR_OK;
}

smr_status smr_vector_prepare_elementwise(smr_node *node, smr_prepare_function prepare,
                                          const smr_vector_functions *functions, const smr_halves *halves,
                                          smr_error *error) {
    vector_elementwise p = {.functions = functions, .halves = halves};
    SMR_TRY(prepare(node, error));
    p.generic = *SMR_CONST_PARAMETERS(node, smr_elementwise);
    smr_node_replace_parameters(node, &p, sizeof p - smr_broadcast_spare(&p.generic.broadcast));
    node->run =
        node->inputs[0]->dtype == SMR_DTYPE_FLOAT16 ? elementwise_run_halves : elementwise_run_vectors;
    node->elements = true;
    return SMR_OK;
}
