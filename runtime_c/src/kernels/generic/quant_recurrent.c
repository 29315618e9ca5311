/* Recurrent layers of integers. The work has phases, each of as many items as there are blocks of 16 cells:
 * the first readies the inputs and the states, the second sums up what the inputs give to the gates at all
 * steps, and each step is one more, or two where what the reset gate leaves of all states is needed for the
 * second. Each of these reads the bytes of all cells from one of two places and writes them to the other. */
#include "quant_recurrent.h"

enum {
    GATES_X,
    GATES_FILTER,
    GATES_RECURRENT,
    GATES_BIAS,
    GATES_MULTIPLIER,
    GATES_TABLE,
    LSTM_STATE,
    LSTM_CELL,
    LSTM_LENGTHS,
    BARE_STATE = GATES_TABLE + 1, /* of layers without cells */
    BARE_LENGTHS
};

#define RECURRENT_GROUP    4 /* blocks that meet the functions of the gates together */
#define RECURRENT_ROWS     4 /* sequences whose sums are computed together in a step */
#define RECURRENT_APART    (RECURRENT_GROUP * GATE_BLOCK)
#define RECURRENT_READYING 2 /* phases before the steps */
#define LSTM_CELL_BITS     12
#define GRU_STATE_BITS     14

/* A phase of a step: the gates whose sums it needs, and what takes them. */
typedef struct recurrent_part {
    uint8_t gate;
    uint8_t gates;
    uint8_t take;
} recurrent_part;

enum { TAKE_LSTM, TAKE_GRU_AFTER, TAKE_GRU_RESET, TAKE_GRU, TAKE_RNN };

typedef struct quant_recurrent {
    const smr_gate_functions *functions;
    smr_gate_matrix matrix[2]; /* of the inputs, of the state */
    const int16_t *table;
    const smr_value *state; /* int8 before the first step, or null */
    const smr_value *cell;  /* int16 before the first step, or null */
    const smr_value *lengths;
    size_t steps;
    size_t batch;
    size_t inputs;
    size_t cells;
    size_t blocks;
    /* Rows of x and y from a step to the next, and from a sequence to the next. */
    size_t step_rows;
    size_t sequence_rows;
    recurrent_part parts[2];
    uint8_t part_count;
    uint8_t gates;
    bool of_cells; /* bytes of the first state are those of its int16 */
    bool reverse;
    bool careful;
    uint8_t doublings; /* as smr_gate_cells has them */
    int16_t unit;
    int16_t least, most;
    int16_t multiplier;
    int16_t zero_point;
} quant_recurrent;
_Static_assert(sizeof(quant_recurrent) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* The parts of scratch, as graph/ops/quant_recurrent.py counts them. Cells are padded to whole blocks. */
typedef struct recurrent_memory {
    int32_t *start[2]; /* of sums: bias, less what a flip adds */
    int16_t *given;    /* [rows][gates][cells] */
    int16_t *cell;     /* [batch][cells] */
    uint8_t *state[2];
    uint8_t *x; /* [rows][inputs], padded to groups of 4 */
    size_t cells;
    size_t inputs;
} recurrent_memory;

static size_t recurrent_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

static recurrent_memory recurrent_memory_of(const smr_node *node, const quant_recurrent *p) {
    const size_t columns = p->gates * p->blocks * GATE_BLOCK, rows = p->steps * p->batch;
    recurrent_memory m;
    m.cells = p->blocks * GATE_BLOCK;
    m.inputs = recurrent_up(p->inputs, 4);
    m.start[0] = node->scratch;
    m.start[1] = m.start[0] + columns;
    m.given = (int16_t *)(void *)(m.start[1] + columns);
    m.cell = m.given + rows * columns;
    m.state[0] = (uint8_t *)(m.cell + p->batch * m.cells);
    m.state[1] = m.state[0] + p->batch * m.cells;
    m.x = m.state[1] + p->batch * m.cells;
    return m;
}

static size_t recurrent_length(const quant_recurrent *p, size_t sequence) {
    return p->lengths == NULL ? p->steps : (size_t)((const int32_t *)p->lengths->data)[sequence];
}

/* The row of x and y that a sequence comes to at a step. */
static size_t recurrent_row(const quant_recurrent *p, size_t sequence, size_t step) {
    const size_t at = p->reverse ? recurrent_length(p, sequence) - 1 - step : step;
    return at * p->step_rows + sequence * p->sequence_rows;
}

/* Bytes as sums take them. */
static void recurrent_copy(const quant_recurrent *p, uint8_t *to, const void *from, size_t count) {
    if (p->functions->copy != NULL) {
        p->functions->copy(to, from, count);
    } else {
        memcpy(to, from, count);
    }
}

/* ---- The phases ---- */

/* What some rows give to some gates of a block. */
static smr_gate_rows recurrent_gates(const quant_recurrent *p, const recurrent_memory *m, size_t side,
                                     size_t block, size_t gate, size_t gates) {
    const smr_gate_matrix *matrix = &p->matrix[side];
    const size_t panel = block * p->gates + gate, column = panel * QUANT_PANEL;
    const smr_gate_rows rows = {.weights = matrix->weights + panel * matrix->panel_bytes,
                                .panel_bytes = matrix->panel_bytes,
                                .gates = gates,
                                .bias = matrix->bias + column,
                                .start = m->start[side] + column,
                                .step = side == 0 ? m->inputs : m->cells,
                                .careful = p->careful,
                                .multiplier = matrix->multiplier + column};
    return rows;
}

/* The cells of blocks [first, last): `*count` of them from the one that it returns on. */
static size_t recurrent_cells(const quant_recurrent *p, size_t first, size_t last, size_t *count) {
    const size_t end = last * GATE_BLOCK < p->cells ? last * GATE_BLOCK : p->cells;
    *count = end - first * GATE_BLOCK;
    return first * GATE_BLOCK;
}

/* Writes the states of some cells after the last step of a sequence. */
static void recurrent_store(const smr_node *node, const quant_recurrent *p, const recurrent_memory *m,
                            size_t sequence, const uint8_t *state, size_t first, size_t count) {
    recurrent_copy(p, (uint8_t *)node->outputs[1]->data + sequence * p->cells + first,
                   state + sequence * m->cells + first, count);
    if (node->output_count > 2) {
        memcpy((int16_t *)node->outputs[2]->data + sequence * p->cells + first,
               m->cell + sequence * m->cells + first, count * sizeof *m->cell);
    }
}

/* Some cells of a sequence, with all but what is given to their gates. */
static smr_gate_cells recurrent_cells_of(const quant_recurrent *p, const recurrent_memory *m, size_t sequence,
                                         size_t at, size_t count, int8_t *out) {
    const smr_gate_cells cells = {
        .table = p->table,
        .cell = m->cell + sequence * m->cells + at,
        .out = out,
        .count = count,
        .doublings = p->doublings,
        .unit = p->unit,
        .least = p->least,
        .most = p->most,
        .multiplier = p->multiplier,
        .zero_point = p->zero_point,
    };
    return cells;
}

/* The bytes of the states of a sequence before the first step, in the blocks [first, last), whose int16 there
 * are. */
static void recurrent_begin_bytes(const quant_recurrent *p, const recurrent_memory *m, size_t sequence,
                                  size_t first, size_t last) {
    for (; first < last; ++first) {
        const size_t at = first * GATE_BLOCK;
        int8_t out[GATE_BLOCK];
        const smr_gate_cells cells = recurrent_cells_of(p, m, sequence, at, GATE_BLOCK, out);
        smr_gate_bytes(&cells);
        recurrent_copy(p, m->state[0] + sequence * m->cells + at, (const uint8_t *)out, GATE_BLOCK);
    }
}

static void recurrent_begin_states(const smr_node *node, const quant_recurrent *p, const recurrent_memory *m,
                                   size_t first, size_t last) {
    const size_t padded = (last - first) * GATE_BLOCK;
    size_t count, sequence, step;
    const size_t at = recurrent_cells(p, first, last, &count);
    for (sequence = 0; sequence < p->batch; ++sequence) {
        const size_t place = sequence * m->cells + at, from = sequence * p->cells + at;
        const size_t length = recurrent_length(p, sequence);
        memset(m->state[0] + place, (uint8_t)p->zero_point ^ p->functions->flip, padded);
        memset(m->state[1] + place, 0, padded);
        memset(m->cell + place, 0, padded * sizeof *m->cell);
        if (p->cell != NULL) {
            memcpy(m->cell + place, (const int16_t *)p->cell->data + from, count * sizeof *m->cell);
        }
        if (p->state != NULL) {
            recurrent_copy(p, m->state[0] + place, (const uint8_t *)p->state->data + from, count);
        } else if (p->of_cells) {
            recurrent_begin_bytes(p, m, sequence, first, last);
        }
        if (length == 0) {
            recurrent_store(node, p, m, sequence, m->state[0], at, count);
        }
        for (step = length; step < p->steps; ++step) {
            const size_t row = step * p->step_rows + sequence * p->sequence_rows;
            memset((int8_t *)node->outputs[0]->data + row * p->cells + at, p->zero_point, count);
        }
    }
}

static void recurrent_ready(const smr_node *node, const quant_recurrent *p, const recurrent_memory *m,
                            size_t first, size_t last) {
    const int8_t *x = node->inputs[GATES_X]->data;
    const size_t rows = p->steps * p->batch, each = rows / p->blocks;
    const size_t end = last == p->blocks ? rows : each * last;
    size_t side, i;
    for (i = each * first; i < end; ++i) {
        uint8_t *to = m->x + i * m->inputs;
        memset(to + m->inputs - 4, 0, 4);
        recurrent_copy(p, to, x + i * p->inputs, p->inputs);
    }
    for (side = 0; side < 2; ++side) {
        const smr_gate_matrix *matrix = &p->matrix[side];
        const size_t panel = first * p->gates, panels = (last - first) * p->gates;
        if (p->functions->start != NULL) {
            p->functions->start((const uint8_t *)matrix->weights + panel * matrix->panel_bytes,
                                matrix->panel_bytes, panels, matrix->bias + panel * QUANT_PANEL,
                                panels * QUANT_PANEL, m->start[side] + panel * QUANT_PANEL);
        }
    }
    recurrent_begin_states(node, p, m, first, last);
}

static void recurrent_give(const quant_recurrent *p, const recurrent_memory *m, size_t first, size_t last) {
    const size_t rows = p->steps * p->batch;
    for (; first < last && rows > 0; ++first) {
        smr_gate_rows gates = recurrent_gates(p, m, 0, first, 0, p->gates);
        gates.x = m->x;
        gates.rows = rows;
        gates.to = m->given + first * GATE_BLOCK;
        gates.stride = p->gates * m->cells;
        gates.apart = m->cells;
        p->functions->sums(&gates);
    }
}

/* A phase of a step of one sequence in some blocks, whose sums of the state there are. */
static void recurrent_take(const smr_node *node, const quant_recurrent *p, const recurrent_memory *m,
                           size_t sequence, size_t phase, size_t first, size_t last, const int16_t *sums) {
    const size_t step = phase / p->part_count, part = phase % p->part_count;
    const size_t row = recurrent_row(p, sequence, step);
    uint8_t *next = m->state[(phase + 1) % 2];
    int8_t out[RECURRENT_APART];
    size_t count;
    const size_t at = recurrent_cells(p, first, last, &count);
    smr_gate_cells cells = recurrent_cells_of(p, m, sequence, at, (last - first) * GATE_BLOCK, out);
    cells.given = m->given + row * p->gates * m->cells + at;
    cells.given_apart = m->cells;
    cells.sums = sums;
    cells.sums_apart = RECURRENT_APART;
    switch (p->parts[part].take) {
        case TAKE_LSTM: p->functions->lstm(&cells); break;
        case TAKE_GRU_AFTER: p->functions->gru_after(&cells); break;
        case TAKE_GRU_RESET: p->functions->gru_reset(&cells); break;
        case TAKE_GRU: p->functions->gru(&cells); break;
        default: p->functions->rnn(&cells); break;
    }
    recurrent_copy(p, next + sequence * m->cells + at, (const uint8_t *)out, cells.count);
    if (part + 1u == p->part_count) {
        memcpy((int8_t *)node->outputs[0]->data + row * p->cells + at, out, count);
        if (step + 1 == recurrent_length(p, sequence)) {
            recurrent_store(node, p, m, sequence, next, at, count);
        }
    }
}

/* A group at a time: one block alone would wait for each instruction of the functions of the gates. Steps go
 * through the groups in turns in both directions, since the weights that were read last are those that the
 * cache of the first level has. */
static void recurrent_step(const smr_node *node, const quant_recurrent *p, const recurrent_memory *m,
                           size_t phase, size_t first, size_t last) {
    const recurrent_part *part = &p->parts[phase % p->part_count];
    const uint8_t *state = m->state[phase % 2];
    int16_t sums[RECURRENT_ROWS * GATE_MOST * RECURRENT_APART];
    const size_t stride = GATE_MOST * RECURRENT_APART, step = phase / p->part_count;
    size_t done, count, sequence, rows, block, i;
    for (done = 0; done < last - first; done += count) {
        const size_t left = last - first - done;
        size_t begin, end;
        count = left < RECURRENT_GROUP ? left : RECURRENT_GROUP;
        begin = step % 2 == 0 ? first + done : last - done - count;
        end = begin + count;
        for (sequence = 0; sequence < p->batch; sequence += rows) {
            rows = p->batch - sequence < RECURRENT_ROWS ? p->batch - sequence : RECURRENT_ROWS;
            for (block = begin; block < end; ++block) {
                smr_gate_rows gates = recurrent_gates(p, m, 1, block, part->gate, part->gates);
                gates.x = state + sequence * m->cells;
                gates.rows = rows;
                gates.to = sums + (block - begin) * GATE_BLOCK;
                gates.stride = stride;
                gates.apart = RECURRENT_APART;
                p->functions->sums(&gates);
            }
            for (i = 0; i < rows; ++i) {
                if (step < recurrent_length(p, sequence + i)) {
                    recurrent_take(node, p, m, sequence + i, phase, begin, end, sums + i * stride);
                }
            }
        }
    }
}

static void recurrent_phase(const smr_node *node, const quant_recurrent *p, const recurrent_memory *m,
                            size_t phase, size_t first, size_t last) {
    if (phase == 0) {
        recurrent_ready(node, p, m, first, last);
    } else if (phase == 1) {
        recurrent_give(p, m, first, last);
    } else {
        recurrent_step(node, p, m, phase - RECURRENT_READYING, first, last);
    }
}

static smr_status run_quant_recurrent(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_recurrent *p = SMR_CONST_PARAMETERS(node, quant_recurrent);
    const recurrent_memory memory = recurrent_memory_of(node, p);
    (void)error;
    while (begin < end) {
        const size_t phase = begin / p->blocks, first = begin % p->blocks;
        const size_t last = end - begin < p->blocks - first ? first + (end - begin) : p->blocks;
        recurrent_phase(node, p, &memory, phase, first, last);
        begin += last - first;
    }
    return SMR_OK;
}

/* All phases at once: none of those that threads share may fail, and lengths have to be looked at. */
static smr_status run_quant_sequences(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_recurrent *p = SMR_CONST_PARAMETERS(node, quant_recurrent);
    const recurrent_memory memory = recurrent_memory_of(node, p);
    size_t longest = 0, phase, i;
    (void)begin;
    (void)end;
    for (i = 0; i < p->batch; ++i) {
        const int32_t length = ((const int32_t *)p->lengths->data)[i];
        if (length < 0 || (size_t)length > p->steps) {
            SMR_FAIL(error, SMR_ERROR_DATA, "sequence %zu has length %d of %zu steps", i, (int)length,
                     p->steps);
        }
        longest = (size_t)length > longest ? (size_t)length : longest;
    }
    for (phase = 0; phase < RECURRENT_READYING + longest * p->part_count; ++phase) {
        recurrent_phase(node, p, &memory, phase, 0, p->blocks);
    }
    return SMR_OK;
}

/* ---- Preparing ---- */

static smr_status recurrent_check(const smr_node *node, int32_t input, int32_t rank, const int32_t *dims,
                                  smr_error *error) {
    const smr_value *value = input < 0                   ? node->outputs[-1 - input]
                             : input < node->input_count ? node->inputs[input]
                                                         : NULL;
    int32_t i;
    if (value == NULL) {
        return SMR_OK;
    }
    if (value->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "operand %d has rank %d instead of %d", (int)input, (int)value->rank,
                 (int)rank);
    }
    for (i = 0; i < rank; ++i) {
        if (value->dims[i] != dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of operand %d is %d instead of %d", (int)i,
                     (int)input, (int)value->dims[i], (int)dims[i]);
        }
    }
    return SMR_OK;
}

/* One of the two matrices. */
static smr_status recurrent_matrix(const smr_node *node, int32_t side, quant_recurrent *p, smr_error *error) {
    const smr_value *value = node->inputs[GATES_FILTER + side];
    const size_t columns = (size_t)value->dims[1], rows = (size_t)value->dims[0];
    smr_gate_matrix *matrix = &p->matrix[side];
    quant_filter filter = {.outputs = columns};
    if (value->layout != SMR_LAYOUT_PANEL16X4 || value->run != rows) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a matrix of %zu rows of layout %u with runs of %u", rows,
                 (unsigned)value->layout, (unsigned)value->run);
    }
    matrix->weights = value->data;
    matrix->bias = (const int32_t *)node->inputs[GATES_BIAS]->data + (size_t)side * columns;
    matrix->multiplier = (const float *)node->inputs[GATES_MULTIPLIER]->data + (size_t)side * columns;
    matrix->panel_bytes = recurrent_up(rows, 4) * QUANT_PANEL;
    filter.data = matrix->weights;
    filter.bias = matrix->bias;
    filter.panel_bytes = matrix->panel_bytes;
    SMR_TRY(smr_quant_check_sums(&filter, rows, error));
    return smr_quant_check_multipliers(matrix->multiplier, columns, error);
}

static smr_status recurrent_check_shapes(const smr_node *node, int32_t gates, bool batch_first,
                                         smr_error *error) {
    const smr_value *x = node->inputs[GATES_X], *filter = node->inputs[GATES_FILTER];
    const smr_value *recurrent = node->inputs[GATES_RECURRENT];
    if (x->rank != 3 || filter->rank != 2 || recurrent->rank != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x, filter and recurrent have ranks %d, %d and %d instead of 3, 2 and 2", (int)x->rank,
                 (int)filter->rank, (int)recurrent->rank);
    }
    if (filter->count == 0 || filter->dims[0] != x->dims[2] || recurrent->dims[0] < 1 ||
        ((int64_t)recurrent->dims[0] + GATE_BLOCK - 1) / GATE_BLOCK * GATE_BLOCK * gates !=
            recurrent->dims[1] ||
        filter->dims[1] != recurrent->dims[1]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x [.. %d], filter [%d, %d] and recurrent [%d, %d] do not fit",
                 (int)x->dims[2], (int)filter->dims[0], (int)filter->dims[1], (int)recurrent->dims[0],
                 (int)recurrent->dims[1]);
    }
    {
        const int32_t batch = x->dims[batch_first ? 0 : 1], cells = recurrent->dims[0];
        const int32_t of_sums[2] = {2, filter->dims[1]}, of_table[2] = {3, GATE_CURVES};
        const int32_t of_y[3] = {x->dims[0], x->dims[1], cells}, of_state[2] = {batch, cells};
        int32_t k;
        for (k = GATES_FILTER; k <= GATES_TABLE; ++k) {
            SMR_TRY(smr_quant_check_constant(node, k, error));
        }
        SMR_TRY(recurrent_check(node, GATES_BIAS, 2, of_sums, error));
        SMR_TRY(recurrent_check(node, GATES_MULTIPLIER, 2, of_sums, error));
        SMR_TRY(recurrent_check(node, GATES_TABLE, 2, of_table, error));
        for (k = 1; k < node->output_count; ++k) {
            SMR_TRY(recurrent_check(node, -1 - k, 2, of_state, error));
        }
        return recurrent_check(node, -1, 3, of_y, error);
    }
}

/* An input that may be absent, which has the batch for its rows, and cells for columns where it has rank 2.
 */
static smr_status recurrent_optional(const smr_node *node, const quant_recurrent *p, int32_t input,
                                     int32_t rank, const smr_value **value, smr_error *error) {
    const int32_t dims[2] = {(int32_t)p->batch, (int32_t)p->cells};
    *value = input < node->input_count ? node->inputs[input] : NULL;
    return recurrent_check(node, input, rank, dims, error);
}

/* How long it is what scratch has to hold, and how the work is cut. */
static smr_status recurrent_cut(smr_node *node, const quant_recurrent *p, smr_error *error) {
    const uint64_t rows = (uint64_t)p->steps * p->batch, cells = (uint64_t)p->blocks * GATE_BLOCK;
    const uint64_t each = 2 * p->gates * cells + recurrent_up(p->inputs, 4);
    const uint64_t whole = 4 * cells * p->batch + 8 * p->gates * cells;
    if (p->steps > (UINT32_MAX - RECURRENT_READYING) / p->part_count || whole > PTRDIFF_MAX ||
        rows > (PTRDIFF_MAX - whole) / each) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu sequences of %zu steps of %zu cells", p->batch, p->steps,
                 p->cells);
    }
    node->scratch_bytes = (size_t)(rows * each + whole);
    node->whole = true;
    if (p->batch == 0) {
        return SMR_OK;
    }
    if (p->lengths != NULL) {
        node->work = 1;
        node->run = run_quant_sequences;
        return SMR_OK;
    }
    node->phased = true;
    node->phases = (uint32_t)(RECURRENT_READYING + p->steps * p->part_count);
    node->work = node->phases * p->blocks;
    node->run = run_quant_recurrent;
    return SMR_OK;
}

/* What all layers have in common but their states. */
static smr_status recurrent_prepare(smr_node *node, uint8_t gates, bool batch_first, int32_t zero_point,
                                    smr_error *error) {
    const smr_value *x = node->inputs[GATES_X];
    quant_recurrent *p = SMR_PARAMETERS(node, quant_recurrent);
    if (zero_point < INT8_MIN || zero_point > INT8_MAX) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "an output zero point of %d", (int)zero_point);
    }
    SMR_TRY(recurrent_check_shapes(node, gates, batch_first, error));
    SMR_TRY(recurrent_matrix(node, 0, p, error));
    SMR_TRY(recurrent_matrix(node, 1, p, error));
    p->functions = &smr_gate_generic;
    p->table = node->inputs[GATES_TABLE]->data;
    p->steps = (size_t)x->dims[batch_first ? 1 : 0];
    p->batch = (size_t)x->dims[batch_first ? 0 : 1];
    p->inputs = (size_t)x->dims[2];
    p->cells = (size_t)node->inputs[GATES_RECURRENT]->dims[0];
    p->blocks = (p->cells + GATE_BLOCK - 1) / GATE_BLOCK;
    p->step_rows = batch_first ? 1 : p->batch;
    p->sequence_rows = batch_first ? p->steps : 1;
    p->gates = gates;
    p->part_count = 1;
    p->zero_point = (int16_t)zero_point;
    p->least = INT16_MIN;
    p->most = INT16_MAX;
    return SMR_OK;
}

smr_status smr_prepare_quantized_lstm(smr_node *node, smr_error *error) {
    const smr_quantized_lstm_attributes *a = &node->attributes.quantized_lstm;
    quant_recurrent *p = SMR_PARAMETERS(node, quant_recurrent);
    if (a->cell_bits < 8 || a->cell_bits > LSTM_CELL_BITS || a->cell_clip < 0 || a->cell_clip > INT16_MAX ||
        a->output_multiplier < 1 || a->output_multiplier > INT16_MAX) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "cells of %d fraction bits and a clip of %d, an output multiplier of %d", (int)a->cell_bits,
                 (int)a->cell_clip, (int)a->output_multiplier);
    }
    SMR_TRY(recurrent_prepare(node, 4, a->batch_first, a->output_zero_point, error));
    SMR_TRY(recurrent_optional(node, p, LSTM_STATE, 2, &p->state, error));
    SMR_TRY(recurrent_optional(node, p, LSTM_CELL, 2, &p->cell, error));
    SMR_TRY(recurrent_optional(node, p, LSTM_LENGTHS, 1, &p->lengths, error));
    p->parts[0] = (recurrent_part){.gates = 4, .take = TAKE_LSTM};
    p->doublings = (uint8_t)(LSTM_CELL_BITS - a->cell_bits);
    p->unit = (int16_t)(1 << a->cell_bits);
    if (a->cell_clip > 0) {
        p->least = (int16_t)-a->cell_clip;
        p->most = (int16_t)a->cell_clip;
    }
    p->multiplier = (int16_t)a->output_multiplier;
    p->reverse = a->reverse;
    return recurrent_cut(node, p, error);
}

smr_status smr_prepare_quantized_gru(smr_node *node, smr_error *error) {
    const smr_quantized_gru_attributes *a = &node->attributes.quantized_gru;
    quant_recurrent *p = SMR_PARAMETERS(node, quant_recurrent);
    if (a->state_bits < 8 || a->state_bits > GRU_STATE_BITS || a->output_multiplier < 1 ||
        a->output_multiplier >= 1 << a->state_bits) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "states of %d fraction bits, an output multiplier of %d",
                 (int)a->state_bits, (int)a->output_multiplier);
    }
    SMR_TRY(recurrent_prepare(node, 3, a->batch_first, a->output_zero_point, error));
    SMR_TRY(recurrent_optional(node, p, BARE_STATE, 2, &p->cell, error));
    SMR_TRY(recurrent_optional(node, p, BARE_LENGTHS, 1, &p->lengths, error));
    p->of_cells = p->cell != NULL;
    p->parts[0] = (recurrent_part){.gates = 3, .take = TAKE_GRU_AFTER};
    if (!a->reset_after) {
        p->part_count = 2;
        p->parts[0] = (recurrent_part){.gates = 2, .take = TAKE_GRU_RESET};
        p->parts[1] = (recurrent_part){.gate = 2, .gates = 1, .take = TAKE_GRU};
    }
    p->unit = (int16_t)(1 << a->state_bits);
    p->multiplier = (int16_t)(a->output_multiplier << (15 - a->state_bits));
    p->reverse = a->reverse;
    return recurrent_cut(node, p, error);
}

smr_status smr_prepare_quantized_rnn(smr_node *node, smr_error *error) {
    const smr_quantized_rnn_attributes *a = &node->attributes.quantized_rnn;
    quant_recurrent *p = SMR_PARAMETERS(node, quant_recurrent);
    if (a->output_multiplier < 1 || a->output_multiplier > INT16_MAX) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "an output multiplier of %d", (int)a->output_multiplier);
    }
    SMR_TRY(recurrent_prepare(node, 1, a->batch_first, a->output_zero_point, error));
    SMR_TRY(recurrent_optional(node, p, BARE_STATE, 2, &p->state, error));
    SMR_TRY(recurrent_optional(node, p, BARE_LENGTHS, 1, &p->lengths, error));
    p->parts[0] = (recurrent_part){.gates = 1, .take = TAKE_RNN};
    p->multiplier = (int16_t)a->output_multiplier;
    p->reverse = a->reverse;
    return recurrent_cut(node, p, error);
}

void smr_gate_use(smr_node *node, const smr_gate_functions *functions) {
    quant_recurrent *p = SMR_PARAMETERS(node, quant_recurrent);
    int32_t side;
    p->functions = functions;
    for (side = 0; side < 2 && functions->has_least != NULL; ++side) {
        p->careful = p->careful || functions->has_least((const uint8_t *)p->matrix[side].weights,
                                                        p->blocks * p->gates * p->matrix[side].panel_bytes);
    }
}
