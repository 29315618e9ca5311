/* What recurrent layers of integers are computed with: quant_recurrent.c goes through the steps, and calls
 * these functions, which an instruction set may have better ones of. */
#ifndef SMR_GENERIC_QUANT_RECURRENT_H
#define SMR_GENERIC_QUANT_RECURRENT_H

#include "quant_conv.h"

#define GATE_CURVES 16 /* of a table */
#define GATE_MOST   4  /* gates of a cell */
#define GATE_BLOCK  16 /* cells whose gates are side by side, a panel each */

/* The weights of all gates in panels of 16, and what belongs to them. */
typedef struct smr_gate_matrix {
    const int8_t *weights;
    const int32_t *bias;
    const float *multiplier;
    size_t panel_bytes; /* for each 4 numbers of a row 64 */
} smr_gate_matrix;

/* Rows of bytes, combined with `flip` by exclusive or, that are multiplied by some panels of a block, and
 * where what they give to those gates goes, as numbers with 11 fraction bits. */
typedef struct smr_gate_rows {
    const int8_t *weights;
    size_t panel_bytes;
    size_t gates; /* 1 to GATE_MOST */
    const int32_t *bias;
    const int32_t *start; /* the same, less what a flip adds */
    const uint8_t *x;
    size_t step;  /* from one row to the next */
    size_t rows;  /* not 0 */
    bool careful; /* a weight may be -128 */
    const float *multiplier;
    int16_t *to;
    size_t stride; /* from one row to the next */
    size_t apart;  /* from one gate to the next */
} smr_gate_rows;

/* Cells of one sequence in a step. Gates lie `apart` numbers from each other. */
typedef struct smr_gate_cells {
    const int16_t *table;
    int16_t *given; /* by the inputs; gru_reset leaves the sum of the update gate there */
    size_t given_apart;
    const int16_t *sums; /* of the state */
    size_t sums_apart;
    int16_t *cell; /* of a GRU: the state */
    int8_t *out;
    size_t count;       /* a multiple of GATE_BLOCK */
    uint32_t doublings; /* from the fraction bits of cells to 12 */
    int16_t unit;       /* 1 in a cell */
    int16_t least, most;
    int16_t multiplier; /* to the steps of an output, of numbers with 15 fraction bits, or of a GRU's state */
    int16_t zero_point;
} smr_gate_cells;

typedef struct smr_gate_functions {
    void (*sums)(const smr_gate_rows *rows);
    void (*lstm)(const smr_gate_cells *cells);
    void (*gru_after)(const smr_gate_cells *cells);
    /* What the reset gate leaves of the state, and then, with its sums for what is new alone, the step. */
    void (*gru_reset)(const smr_gate_cells *cells);
    void (*gru)(const smr_gate_cells *cells);
    void (*rnn)(const smr_gate_cells *cells);
    /* As those of smr_product_functions; null where `flip` is 0. */
    void (*copy)(uint8_t *to, const uint8_t *from, size_t count);
    void (*start)(const uint8_t *weights, size_t panel_bytes, size_t panels, const int32_t *bias,
                  size_t outputs, int32_t *start);
    bool (*has_least)(const uint8_t *weights, size_t bytes);
    uint8_t flip;
} smr_gate_functions;

/* Those of no instruction set. */
extern const smr_gate_functions smr_gate_generic;

/* The state of a GRU as its output is. */
void smr_gate_bytes(const smr_gate_cells *cells);

/* Has a node be computed with other functions. */
void smr_gate_use(smr_node *node, const smr_gate_functions *functions);

#endif
