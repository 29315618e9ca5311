/* The phases of LSTM and GRU of one sequence: a work item is a block of cells in one of them. The first
 * phase loads the states of the cells; then each step is a phase, or two of a gru whose candidate is given
 * the state that the reset gate lets through, since each cell needs that of all. The last one stores the
 * states too. The state of a step is the row of y that it writes, so that nobody writes what others still
 * read. */
#include "recurrent_alone.h"

typedef struct alone_parameters {
    smr_recurrent recurrent;
    smr_alone_function phases[2]; /* of a step */
    uint32_t phase_count;
} alone_parameters;

_Static_assert(sizeof(alone_parameters) <= SMR_PARAMETER_BYTES, "alone_parameters fit a node");

/* The states of cells [begin, end) before the first step. */
static void alone_load(const smr_node *node, float *state, float *cell, size_t begin, size_t end) {
    const smr_recurrent *r = SMR_CONST_PARAMETERS(node, smr_recurrent);
    smr_recurrent_load(r, node->inputs[RECURRENT_STATE], begin, end - begin, state + begin);
    if (node->output_count > 2) {
        smr_recurrent_load(r, node->inputs[RECURRENT_CELL], begin, end - begin, cell + begin);
    }
}

/* Those after the last one. */
static void alone_store(const smr_node *node, const float *state, const float *cell, size_t begin,
                        size_t end) {
    memcpy((float *)node->outputs[1]->data + begin, state + begin, (end - begin) * sizeof *state);
    if (node->output_count > 2) {
        memcpy((float *)node->outputs[2]->data + begin, cell + begin, (end - begin) * sizeof *cell);
    }
}

/* The row of gates and y of a step. */
static inline size_t alone_row(const smr_recurrent *p, size_t step) {
    return p->reverse ? p->steps - 1 - step : step;
}

/* Blocks [first, last) of a phase of a step. */
static void alone_step(const alone_parameters *p, const smr_node *node, smr_alone *a, size_t step,
                       size_t phase, size_t first, size_t last) {
    const smr_recurrent *r = &p->recurrent;
    const size_t row = alone_row(r, step);
    float *y = node->outputs[0]->data;
    a->given = (const float *)node->inputs[RECURRENT_GATES]->data + row * r->columns;
    a->next = y + row * r->cells;
    if (step > 0) {
        a->state = y + alone_row(r, step - 1) * r->cells;
    }
    a->back = step % 2 != 0;
    p->phases[phase](a, first, last);
}

static smr_status alone_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const alone_parameters *p = SMR_CONST_PARAMETERS(node, alone_parameters);
    const smr_recurrent *r = &p->recurrent;
    const size_t blocks = r->cells / SMR_ALONE_CELLS;
    float *sums = node->scratch, *state = sums + r->columns;
    smr_alone a = {.matrix = node->inputs[RECURRENT_MATRIX]->data,
                   .panel = r->panels.panel_stride,
                   .cells = r->cells,
                   .bias = r->bias == NULL ? NULL : r->bias->data,
                   .state = state,
                   .next = state,
                   .cell = state + r->outputs,
                   .sums = sums,
                   .clip = r->cell_clip};
    (void)error;
    while (begin < end) {
        const size_t phase = begin / blocks, first = begin % blocks;
        const size_t last = end - begin < blocks - first ? first + (end - begin) : blocks;
        if (phase == 0) {
            alone_load(node, state, a.cell, first * SMR_ALONE_CELLS, last * SMR_ALONE_CELLS);
        } else {
            alone_step(p, node, &a, (phase - 1) / p->phase_count, (phase - 1) % p->phase_count, first, last);
        }
        if (phase + 1 == node->phases) {
            alone_store(node, a.next, a.cell, first * SMR_ALONE_CELLS, last * SMR_ALONE_CELLS);
        }
        begin += last - first;
    }
    return SMR_OK;
}

/* What the cache of the second level of a fast processor gives in a nanosecond. The matrix comes from there
 * in each step, which takes as long as that. */
#define ALONE_BYTES 100.0f

/* The parameters, if the node's work is cut into phases, of which a step has so many. */
static alone_parameters *alone_use(smr_node *node, uint32_t count) {
    alone_parameters *p = SMR_PARAMETERS(node, alone_parameters);
    const smr_recurrent *r = &p->recurrent;
    if (node->work != 1 || r->lengths != NULL || r->projection != NULL || r->cells % SMR_ALONE_CELLS != 0 ||
        r->cells == 0 || r->steps > UINT32_MAX / 2 - 1) {
        return NULL;
    }
    p->phase_count = count;
    node->phased = true;
    node->phases = (uint32_t)(1 + count * r->steps);
    node->work = node->phases * (r->cells / SMR_ALONE_CELLS);
    node->cost = (float)r->steps * (float)r->columns * (float)(r->outputs * sizeof(float)) / ALONE_BYTES;
    node->run = alone_run;
    return p;
}

void smr_recurrent_alone_lstm(smr_node *node, const smr_alone_functions *functions) {
    alone_parameters *p = alone_use(node, 1);
    if (p != NULL) {
        p->phases[0] = functions->lstm;
    }
}

void smr_recurrent_alone_gru(smr_node *node, const smr_alone_functions *functions) {
    const bool after = SMR_PARAMETERS(node, smr_recurrent)->flag;
    alone_parameters *p = alone_use(node, after ? 1 : 2);
    if (p != NULL) {
        p->phases[0] = after ? functions->gru_after : functions->gru_reset;
        p->phases[1] = after ? NULL : functions->gru_candidate;
    }
}
