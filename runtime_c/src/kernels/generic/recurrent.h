/* What recurrent layers are computed with: recurrent.c goes through the steps, and calls these functions,
 * which an instruction set may have better ones of. */
#ifndef SMR_GENERIC_RECURRENT_H
#define SMR_GENERIC_RECURRENT_H

#include "convert.h"
#include "panel.h"

/* Inputs. */
enum {
    RECURRENT_GATES,
    RECURRENT_MATRIX,
    RECURRENT_STATE,
    RECURRENT_CELL, /* of lstm */
    RECURRENT_LENGTHS,
    RECURRENT_PROJECTION
};

typedef struct smr_recurrent_functions {
    /* Adds to columns [first, last) of `sums` those of the product of `rows` rows of `x` with a matrix. The
     * rows lie `stride` floats apart in both. */
    void (*product)(const smr_panels *panels, const void *matrix, size_t inner, size_t first, size_t last,
                    const float *x, float *sums, size_t rows, size_t stride);
    /* What follows is of one sequence. `sums` are those of the gates, one after the other. */

    /* The cells, no greater than `clip`, and what they give; `out` may be `sums`. */
    void (*lstm)(const float *sums, float *cell, float *out, size_t cells, float clip);
    /* Makes of the sums of the reset gate the state that it lets through. */
    void (*gru_reset)(float *reset, const float *state, size_t cells);
    /* The next state, of sums whose candidate is complete. */
    void (*gru)(const float *sums, float *state, size_t cells);
    /* The next state, of a candidate that the state has given and one that the inputs have. */
    void (*gru_after)(const float *sums, const float *given, float *state, size_t cells);
    /* tanh of the sums. */
    void (*rnn)(const float *sums, float *state, size_t cells);
} smr_recurrent_functions;

/* The parameters of a node. */
typedef struct smr_recurrent {
    const smr_recurrent_functions *functions;
    const smr_halves *halves;
    smr_panels panels;            /* of the matrix */
    smr_panels projection_panels; /* of lstm */
    const smr_value *lengths;
    const smr_value *bias;       /* of gru */
    const smr_value *projection; /* of lstm */
    size_t steps;
    size_t cells;
    size_t columns; /* of the matrix */
    size_t outputs; /* its rows, the size of the state */
    size_t stride;  /* floats of scratch for a sequence */
    /* Rows of gates and y from a step to the next, and from a sequence to the next. */
    size_t step_rows;
    size_t sequence_rows;
    float cell_clip; /* infinity for none */
    bool reverse;
    bool flag; /* of gru: reset_after; of rnn: relu */
} smr_recurrent;

_Static_assert(sizeof(smr_recurrent) <= SMR_PARAMETER_BYTES, "an smr_recurrent fits a node");

/* Has a node that is prepared computed with these functions, and its float16 converted so. */
void smr_recurrent_use(smr_node *node, const smr_recurrent_functions *functions, const smr_halves *halves);

/* So many numbers of an operand as floats: 0 where it is not given. */
void smr_recurrent_load(const smr_recurrent *p, const smr_value *from, size_t begin, size_t count, float *to);

#endif
