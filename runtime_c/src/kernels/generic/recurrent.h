/* What recurrent layers are computed with: recurrent.c goes through the steps, and calls these functions,
 * which an instruction set may have better ones of. */
#ifndef SMR_GENERIC_RECURRENT_H
#define SMR_GENERIC_RECURRENT_H

#include "panel.h"

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

/* Has a node that is prepared computed with these functions. */
void smr_recurrent_use(smr_node *node, const smr_recurrent_functions *functions);

#endif
