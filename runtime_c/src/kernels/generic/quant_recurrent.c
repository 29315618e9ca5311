/* The LSTM of integers. Its work has phases, each of as many items as there are blocks of 16 cells: the first
 * readies the inputs and the states, the second sums up what the inputs give to the gates at all steps, and
 * each step is one more. A step reads the states of all cells from one of two places and writes them to the
 * other. */
#include "quant_recurrent.h"

enum {
    LSTM_X,
    LSTM_FILTER,
    LSTM_RECURRENT,
    LSTM_BIAS,
    LSTM_MULTIPLIER,
    LSTM_TABLE,
    LSTM_STATE,
    LSTM_CELL,
    LSTM_LENGTHS
};

#define LSTM_GROUP     4 /* blocks that meet the functions of the gates together */
#define LSTM_ROWS      4 /* sequences whose sums are computed together in a step */
#define LSTM_APART     (LSTM_GROUP * GATE_BLOCK)
#define LSTM_READYING  2 /* phases before the steps */
#define LSTM_CELL_BITS 12

typedef struct quant_lstm {
    const smr_gate_functions *functions;
    smr_gate_matrix matrix[2]; /* of the inputs, of the state */
    const int16_t *table;
    const smr_value *lengths;
    size_t steps;
    size_t batch;
    size_t inputs;
    size_t cells;
    size_t blocks;
    /* Rows of x and y from a step to the next, and from a sequence to the next. */
    size_t step_rows;
    size_t sequence_rows;
    int32_t cell_bits;
    int16_t clip; /* 0 for none */
    int16_t multiplier;
    int16_t zero_point;
    bool reverse;
    bool careful;
} quant_lstm;
_Static_assert(sizeof(quant_lstm) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* The parts of scratch, as graph/ops/quant_recurrent.py counts them. Cells are padded to whole blocks. */
typedef struct lstm_memory {
    int32_t *start[2]; /* of sums: bias, less what a flip adds */
    int16_t *given;    /* [rows][gates][cells] */
    int16_t *cell;     /* [batch][cells] */
    uint8_t *state[2];
    uint8_t *x; /* [rows][inputs], padded to groups of 4 */
    size_t cells;
    size_t inputs;
} lstm_memory;

static size_t lstm_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

static lstm_memory lstm_memory_of(const smr_node *node, const quant_lstm *p) {
    const size_t columns = p->blocks * GATE_SUMS, rows = p->steps * p->batch;
    lstm_memory m;
    m.cells = p->blocks * GATE_BLOCK;
    m.inputs = lstm_up(p->inputs, 4);
    m.start[0] = node->scratch;
    m.start[1] = m.start[0] + columns;
    m.given = (int16_t *)(void *)(m.start[1] + columns);
    m.cell = m.given + rows * GATE_COUNT * m.cells;
    m.state[0] = (uint8_t *)(m.cell + p->batch * m.cells);
    m.state[1] = m.state[0] + p->batch * m.cells;
    m.x = m.state[1] + p->batch * m.cells;
    return m;
}

static size_t lstm_length(const quant_lstm *p, size_t sequence) {
    return p->lengths == NULL ? p->steps : (size_t)((const int32_t *)p->lengths->data)[sequence];
}

/* The row of x and y that a sequence comes to at a step. */
static size_t lstm_row(const quant_lstm *p, size_t sequence, size_t step) {
    const size_t at = p->reverse ? lstm_length(p, sequence) - 1 - step : step;
    return at * p->step_rows + sequence * p->sequence_rows;
}

/* Bytes as sums take them. */
static void lstm_copy(const quant_lstm *p, uint8_t *to, const void *from, size_t count) {
    if (p->functions->copy != NULL) {
        p->functions->copy(to, from, count);
    } else {
        memcpy(to, from, count);
    }
}

/* ---- The functions of no instruction set ---- */

static void gate_sums(const smr_gate_rows *g) {
    const quant_output all = {.low = INT16_MIN, .high = INT16_MAX};
    size_t row, gate, k, n;
    for (row = 0; row < g->rows; ++row) {
        for (gate = 0; gate < GATE_COUNT; ++gate) {
            const int8_t *weights = g->weights + gate * g->panel_bytes;
            const uint8_t *x = g->x + row * g->step;
            int16_t *to = g->to + row * g->stride + gate * g->apart;
            int32_t sums[QUANT_PANEL];
            memcpy(sums, g->bias + gate * QUANT_PANEL, sizeof sums);
            for (k = 0; k < g->panel_bytes; k += QUANT_PANEL * 4, x += 4, weights += QUANT_PANEL * 4) {
                const int32_t a = (int8_t)x[0], b = (int8_t)x[1], c = (int8_t)x[2], d = (int8_t)x[3];
                for (n = 0; n < QUANT_PANEL; ++n) {
                    sums[n] += a * weights[4 * n] + b * weights[4 * n + 1] + c * weights[4 * n + 2] +
                               d * weights[4 * n + 3];
                }
            }
            for (n = 0; n < QUANT_PANEL; ++n) {
                to[n] = (int16_t)quant_requantize(sums[n], g->multiplier[gate * QUANT_PANEL + n], &all);
            }
        }
    }
}

static int32_t gate_clamp(int32_t value, int32_t least, int32_t most) {
    return value < least ? least : value > most ? most : value;
}

static int32_t gate_short(int32_t value) {
    return gate_clamp(value, INT16_MIN, INT16_MAX);
}

/* The quotient by a power of two, rounded down. */
static int32_t gate_down(int32_t value, int32_t bits) {
    return value < 0 ? ~(~value >> bits) : value >> bits;
}

/* Of two numbers with 15 fraction bits, one of which is not negative. */
static int32_t gate_product(int32_t a, int32_t b) {
    return gate_down(a * b + (1 << 14), 15);
}

static int32_t gate_curve(const int16_t *table, int32_t x) {
    const int32_t magnitude = gate_clamp(x < 0 ? -x : x, 0, (1 << 14) - 1);
    const int32_t index = magnitude >> 10, rest = (magnitude & 1023) << 5;
    const int32_t slope =
        gate_short(table[GATE_CURVES + index] + gate_product(rest, table[2 * GATE_CURVES + index]));
    const int32_t value = gate_short(table[index] + gate_product(rest, slope));
    return x < 0 ? gate_short(-value) : value;
}

static int32_t gate_sigmoid(const int16_t *table, int32_t x) {
    return gate_down(gate_curve(table, x), 1) + (1 << 14);
}

static void gate_lstm(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        int32_t gate[GATE_COUNT], value, i;
        for (i = 0; i < GATE_COUNT; ++i) {
            gate[i] =
                gate_short(c->given[(size_t)i * c->given_apart + k] + c->sums[(size_t)i * c->sums_apart + k]);
        }
        value = gate_product(gate_sigmoid(c->table, gate[0]), gate_curve(c->table, gate_short(2 * gate[2])));
        value = gate_product(gate_sigmoid(c->table, gate[1]), c->cell[k]) + gate_product(value, c->unit);
        value = gate_clamp(value, c->least, c->most);
        c->cell[k] = (int16_t)value;
        value = gate_curve(c->table, gate_short(value * (1 << c->doublings)));
        value = gate_product(gate_sigmoid(c->table, gate[3]), value);
        value = gate_product(value, c->multiplier) + c->zero_point;
        c->out[k] = (int8_t)gate_clamp(value, INT8_MIN, INT8_MAX);
    }
}

static const smr_gate_functions gate_functions = {.sums = gate_sums, .lstm = gate_lstm};

/* ---- The phases ---- */

/* What some rows give to the gates of a block. */
static smr_gate_rows lstm_gates(const quant_lstm *p, const lstm_memory *m, size_t side, size_t block) {
    const smr_gate_matrix *matrix = &p->matrix[side];
    const size_t column = block * GATE_SUMS;
    const smr_gate_rows gates = {.weights = matrix->weights + block * GATE_COUNT * matrix->panel_bytes,
                                 .panel_bytes = matrix->panel_bytes,
                                 .bias = matrix->bias + column,
                                 .start = m->start[side] + column,
                                 .step = side == 0 ? m->inputs : m->cells,
                                 .careful = p->careful,
                                 .multiplier = matrix->multiplier + column};
    return gates;
}

/* The cells of blocks [first, last): `*count` of them from the one that it returns on. */
static size_t lstm_cells(const quant_lstm *p, size_t first, size_t last, size_t *count) {
    const size_t end = last * GATE_BLOCK < p->cells ? last * GATE_BLOCK : p->cells;
    *count = end - first * GATE_BLOCK;
    return first * GATE_BLOCK;
}

/* Writes the states of some cells after the last step of a sequence. */
static void lstm_store(const smr_node *node, const quant_lstm *p, const lstm_memory *m, size_t sequence,
                       const uint8_t *state, size_t first, size_t count) {
    lstm_copy(p, (uint8_t *)node->outputs[1]->data + sequence * p->cells + first,
              state + sequence * m->cells + first, count);
    memcpy((int16_t *)node->outputs[2]->data + sequence * p->cells + first,
           m->cell + sequence * m->cells + first, count * sizeof *m->cell);
}

static void lstm_begin_states(const smr_node *node, const quant_lstm *p, const lstm_memory *m, size_t first,
                              size_t last) {
    const smr_value *state = node->input_count > LSTM_STATE ? node->inputs[LSTM_STATE] : NULL;
    const smr_value *cell = node->input_count > LSTM_CELL ? node->inputs[LSTM_CELL] : NULL;
    const size_t padded = (last - first) * GATE_BLOCK;
    size_t count, sequence, step;
    const size_t at = lstm_cells(p, first, last, &count);
    for (sequence = 0; sequence < p->batch; ++sequence) {
        const size_t place = sequence * m->cells + at, from = sequence * p->cells + at;
        const size_t length = lstm_length(p, sequence);
        memset(m->state[0] + place, (uint8_t)p->zero_point ^ p->functions->flip, padded);
        memset(m->state[1] + place, 0, padded);
        memset(m->cell + place, 0, padded * sizeof *m->cell);
        if (state != NULL) {
            lstm_copy(p, m->state[0] + place, (const uint8_t *)state->data + from, count);
        }
        if (cell != NULL) {
            memcpy(m->cell + place, (const int16_t *)cell->data + from, count * sizeof *m->cell);
        }
        if (length == 0) {
            lstm_store(node, p, m, sequence, m->state[0], at, count);
        }
        for (step = length; step < p->steps; ++step) {
            const size_t row = step * p->step_rows + sequence * p->sequence_rows;
            memset((int8_t *)node->outputs[0]->data + row * p->cells + at, p->zero_point, count);
        }
    }
}

static void lstm_ready(const smr_node *node, const quant_lstm *p, const lstm_memory *m, size_t first,
                       size_t last) {
    const int8_t *x = node->inputs[LSTM_X]->data;
    const size_t rows = p->steps * p->batch, each = rows / p->blocks;
    const size_t end = last == p->blocks ? rows : each * last;
    size_t side, i;
    for (i = each * first; i < end; ++i) {
        uint8_t *to = m->x + i * m->inputs;
        memset(to + m->inputs - 4, 0, 4);
        lstm_copy(p, to, x + i * p->inputs, p->inputs);
    }
    for (side = 0; side < 2; ++side) {
        const smr_gate_matrix *matrix = &p->matrix[side];
        const size_t column = first * GATE_SUMS, count = (last - first) * GATE_SUMS;
        if (p->functions->start != NULL) {
            p->functions->start((const uint8_t *)matrix->weights + first * GATE_COUNT * matrix->panel_bytes,
                                matrix->panel_bytes, (last - first) * GATE_COUNT, matrix->bias + column,
                                count, m->start[side] + column);
        }
    }
    lstm_begin_states(node, p, m, first, last);
}

static void lstm_give(const quant_lstm *p, const lstm_memory *m, size_t first, size_t last) {
    const size_t rows = p->steps * p->batch;
    for (; first < last && rows > 0; ++first) {
        smr_gate_rows gates = lstm_gates(p, m, 0, first);
        gates.x = m->x;
        gates.rows = rows;
        gates.to = m->given + first * GATE_BLOCK;
        gates.stride = GATE_COUNT * m->cells;
        gates.apart = m->cells;
        p->functions->sums(&gates);
    }
}

/* The step of one sequence in some blocks, whose sums of the state there are. */
static void lstm_take(const smr_node *node, const quant_lstm *p, const lstm_memory *m, size_t sequence,
                      size_t step, size_t first, size_t last, const int16_t *sums) {
    const size_t row = lstm_row(p, sequence, step);
    uint8_t *next = m->state[(step + 1) % 2];
    int8_t out[LSTM_APART];
    size_t count;
    const size_t at = lstm_cells(p, first, last, &count);
    const smr_gate_cells cells = {
        .table = p->table,
        .given = m->given + row * GATE_COUNT * m->cells + at,
        .given_apart = m->cells,
        .sums = sums,
        .sums_apart = LSTM_APART,
        .cell = m->cell + sequence * m->cells + at,
        .out = out,
        .count = (last - first) * GATE_BLOCK,
        .doublings = (uint32_t)(LSTM_CELL_BITS - p->cell_bits),
        .unit = (int16_t)(1 << p->cell_bits),
        .least = p->clip == 0 ? INT16_MIN : (int16_t)-p->clip,
        .most = p->clip == 0 ? INT16_MAX : p->clip,
        .multiplier = p->multiplier,
        .zero_point = p->zero_point,
    };
    p->functions->lstm(&cells);
    lstm_copy(p, next + sequence * m->cells + at, out, cells.count);
    memcpy((int8_t *)node->outputs[0]->data + row * p->cells + at, out, count);
    if (step + 1 == lstm_length(p, sequence)) {
        lstm_store(node, p, m, sequence, next, at, count);
    }
}

/* A group at a time: one block alone would wait for each instruction of the functions of the gates. Steps go
 * through the groups in turns in both directions, since the weights that were read last are those that the
 * cache of the first level has. */
static void lstm_step(const smr_node *node, const quant_lstm *p, const lstm_memory *m, size_t step,
                      size_t first, size_t last) {
    const uint8_t *state = m->state[step % 2];
    int16_t sums[LSTM_ROWS * GATE_COUNT * LSTM_APART];
    const size_t stride = GATE_COUNT * LSTM_APART;
    size_t done, count, sequence, rows, block, i;
    for (done = 0; done < last - first; done += count) {
        const size_t left = last - first - done;
        size_t begin, end;
        count = left < LSTM_GROUP ? left : LSTM_GROUP;
        begin = step % 2 == 0 ? first + done : last - done - count;
        end = begin + count;
        for (sequence = 0; sequence < p->batch; sequence += rows) {
            rows = p->batch - sequence < LSTM_ROWS ? p->batch - sequence : LSTM_ROWS;
            for (block = begin; block < end; ++block) {
                smr_gate_rows gates = lstm_gates(p, m, 1, block);
                gates.x = state + sequence * m->cells;
                gates.rows = rows;
                gates.to = sums + (block - begin) * GATE_BLOCK;
                gates.stride = stride;
                gates.apart = LSTM_APART;
                p->functions->sums(&gates);
            }
            for (i = 0; i < rows; ++i) {
                if (step < lstm_length(p, sequence + i)) {
                    lstm_take(node, p, m, sequence + i, step, begin, end, sums + i * stride);
                }
            }
        }
    }
}

static void lstm_phase(const smr_node *node, const quant_lstm *p, const lstm_memory *m, size_t phase,
                       size_t first, size_t last) {
    if (phase == 0) {
        lstm_ready(node, p, m, first, last);
    } else if (phase == 1) {
        lstm_give(p, m, first, last);
    } else {
        lstm_step(node, p, m, phase - LSTM_READYING, first, last);
    }
}

static smr_status run_quantized_lstm(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_lstm *p = SMR_CONST_PARAMETERS(node, quant_lstm);
    const lstm_memory memory = lstm_memory_of(node, p);
    (void)error;
    while (begin < end) {
        const size_t phase = begin / p->blocks, first = begin % p->blocks;
        const size_t last = end - begin < p->blocks - first ? first + (end - begin) : p->blocks;
        lstm_phase(node, p, &memory, phase, first, last);
        begin += last - first;
    }
    return SMR_OK;
}

/* All phases at once: none of those that threads share may fail, and lengths have to be looked at. */
static smr_status run_sequences(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_lstm *p = SMR_CONST_PARAMETERS(node, quant_lstm);
    const lstm_memory memory = lstm_memory_of(node, p);
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
    for (phase = 0; phase < LSTM_READYING + longest; ++phase) {
        lstm_phase(node, p, &memory, phase, 0, p->blocks);
    }
    return SMR_OK;
}

/* ---- Preparing ---- */

static smr_status lstm_check(const smr_node *node, int32_t input, int32_t rank, const int32_t *dims,
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

/* One of the two matrices, of so many rows. */
static smr_status lstm_matrix(const smr_node *node, int32_t side, quant_lstm *p, smr_error *error) {
    const smr_value *value = node->inputs[LSTM_FILTER + side];
    const size_t columns = (size_t)value->dims[1], rows = (size_t)value->dims[0];
    smr_gate_matrix *matrix = &p->matrix[side];
    quant_filter filter = {.outputs = columns};
    if (value->layout != SMR_LAYOUT_PANEL16X4 || value->run != rows) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a matrix of %zu rows of layout %u with runs of %u", rows,
                 (unsigned)value->layout, (unsigned)value->run);
    }
    matrix->weights = value->data;
    matrix->bias = (const int32_t *)node->inputs[LSTM_BIAS]->data + (size_t)side * columns;
    matrix->multiplier = (const float *)node->inputs[LSTM_MULTIPLIER]->data + (size_t)side * columns;
    matrix->panel_bytes = lstm_up(rows, 4) * QUANT_PANEL;
    filter.data = matrix->weights;
    filter.bias = matrix->bias;
    filter.panel_bytes = matrix->panel_bytes;
    SMR_TRY(smr_quant_check_sums(&filter, rows, error));
    return smr_quant_check_multipliers(matrix->multiplier, columns, error);
}

static smr_status lstm_check_attributes(const smr_quantized_lstm_attributes *a, smr_error *error) {
    if (a->cell_bits < 8 || a->cell_bits > LSTM_CELL_BITS || a->cell_clip < 0 || a->cell_clip > INT16_MAX ||
        a->output_multiplier < 1 || a->output_multiplier > INT16_MAX || a->output_zero_point < INT8_MIN ||
        a->output_zero_point > INT8_MAX) {
        SMR_FAIL(
            error, SMR_ERROR_MODEL,
            "cells of %d fraction bits and a clip of %d, an output multiplier of %d and zero point of %d",
            (int)a->cell_bits, (int)a->cell_clip, (int)a->output_multiplier, (int)a->output_zero_point);
    }
    return SMR_OK;
}

static smr_status lstm_check_shapes(const smr_node *node, bool batch_first, smr_error *error) {
    const smr_value *x = node->inputs[LSTM_X], *filter = node->inputs[LSTM_FILTER];
    const smr_value *recurrent = node->inputs[LSTM_RECURRENT];
    if (x->rank != 3 || filter->rank != 2 || recurrent->rank != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x, filter and recurrent have ranks %d, %d and %d instead of 3, 2 and 2", (int)x->rank,
                 (int)filter->rank, (int)recurrent->rank);
    }
    if (filter->count == 0 || filter->dims[0] != x->dims[2] || recurrent->dims[0] < 1 ||
        ((int64_t)recurrent->dims[0] + GATE_BLOCK - 1) / GATE_BLOCK * GATE_SUMS != recurrent->dims[1] ||
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
        for (k = LSTM_FILTER; k <= LSTM_TABLE; ++k) {
            SMR_TRY(smr_quant_check_constant(node, k, error));
        }
        SMR_TRY(lstm_check(node, LSTM_BIAS, 2, of_sums, error));
        SMR_TRY(lstm_check(node, LSTM_MULTIPLIER, 2, of_sums, error));
        SMR_TRY(lstm_check(node, LSTM_TABLE, 2, of_table, error));
        SMR_TRY(lstm_check(node, LSTM_STATE, 2, of_state, error));
        SMR_TRY(lstm_check(node, LSTM_CELL, 2, of_state, error));
        SMR_TRY(lstm_check(node, LSTM_LENGTHS, 1, of_state, error));
        SMR_TRY(lstm_check(node, -1, 3, of_y, error));
        SMR_TRY(lstm_check(node, -2, 2, of_state, error));
        return lstm_check(node, -3, 2, of_state, error);
    }
}

/* How long it is what scratch has to hold, and how the work is cut. */
static smr_status lstm_cut(smr_node *node, quant_lstm *p, smr_error *error) {
    const uint64_t rows = (uint64_t)p->steps * p->batch, cells = (uint64_t)p->blocks * GATE_BLOCK;
    const uint64_t each = 2 * GATE_COUNT * cells + lstm_up(p->inputs, 4);
    const uint64_t whole = 4 * cells * p->batch + 8 * GATE_COUNT * cells;
    if (p->steps > UINT32_MAX - LSTM_READYING || whole > PTRDIFF_MAX || rows > (PTRDIFF_MAX - whole) / each) {
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
        node->run = run_sequences;
        return SMR_OK;
    }
    node->phased = true;
    node->phases = (uint32_t)(LSTM_READYING + p->steps);
    node->work = node->phases * p->blocks;
    node->run = run_quantized_lstm;
    return SMR_OK;
}

smr_status smr_prepare_quantized_lstm(smr_node *node, smr_error *error) {
    const smr_quantized_lstm_attributes *a = &node->attributes.quantized_lstm;
    const smr_value *x = node->inputs[LSTM_X];
    quant_lstm *p = SMR_PARAMETERS(node, quant_lstm);
    SMR_TRY(lstm_check_attributes(a, error));
    SMR_TRY(lstm_check_shapes(node, a->batch_first, error));
    SMR_TRY(lstm_matrix(node, 0, p, error));
    SMR_TRY(lstm_matrix(node, 1, p, error));
    p->functions = &gate_functions;
    p->table = node->inputs[LSTM_TABLE]->data;
    p->lengths = node->input_count > LSTM_LENGTHS ? node->inputs[LSTM_LENGTHS] : NULL;
    p->steps = (size_t)x->dims[a->batch_first ? 1 : 0];
    p->batch = (size_t)x->dims[a->batch_first ? 0 : 1];
    p->inputs = (size_t)x->dims[2];
    p->cells = (size_t)node->inputs[LSTM_RECURRENT]->dims[0];
    p->blocks = (p->cells + GATE_BLOCK - 1) / GATE_BLOCK;
    p->step_rows = a->batch_first ? 1 : p->batch;
    p->sequence_rows = a->batch_first ? p->steps : 1;
    p->cell_bits = a->cell_bits;
    p->clip = (int16_t)a->cell_clip;
    p->multiplier = (int16_t)a->output_multiplier;
    p->zero_point = (int16_t)a->output_zero_point;
    p->reverse = a->reverse;
    return lstm_cut(node, p, error);
}

void smr_gate_use(smr_node *node, const smr_gate_functions *functions) {
    quant_lstm *p = SMR_PARAMETERS(node, quant_lstm);
    int32_t side;
    p->functions = functions;
    for (side = 0; side < 2 && functions->has_least != NULL; ++side) {
        p->careful = p->careful || functions->has_least((const uint8_t *)p->matrix[side].weights,
                                                        p->blocks * GATE_COUNT * p->matrix[side].panel_bytes);
    }
}
