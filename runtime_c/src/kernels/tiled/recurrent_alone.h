/* LSTM and GRU of one sequence, whose steps are phases that threads share: recurrent_alone.c goes through
 * them, and vector/recurrent_alone.inc has what an instruction set does in one. */
#ifndef SMR_TILED_RECURRENT_ALONE_H
#define SMR_TILED_RECURRENT_ALONE_H

#include "recurrent.h"

#define SMR_ALONE_CELLS 16 /* of a block */

/* A phase of a step. Rows are of floats. */
typedef struct smr_alone {
    const float *matrix;
    size_t panel;       /* floats of one */
    size_t cells;       /* and the rows of the matrix */
    const float *given; /* by the inputs: a row of all gates */
    const float *bias;  /* of the candidate of gru, or null */
    const float *state; /* before the step */
    float *next;        /* after it */
    float *cell;        /* of lstm */
    float *sums; /* of gru: those of the update gate, then the state that the reset gate lets through */
    float clip;
    bool back; /* the last block first */
} smr_alone;

/* Computes blocks [first, last). */
typedef void (*smr_alone_function)(const smr_alone *a, size_t first, size_t last);

typedef struct smr_alone_functions {
    smr_alone_function lstm;
    smr_alone_function gru_after;
    smr_alone_function gru_reset; /* what other blocks need for gru_candidate */
    smr_alone_function gru_candidate;
} smr_alone_functions;

/* Have a node that is prepared computed so, if it has one sequence and its gates whole panels. */
void smr_recurrent_alone_lstm(smr_node *node, const smr_alone_functions *functions);
void smr_recurrent_alone_gru(smr_node *node, const smr_alone_functions *functions);

#endif
