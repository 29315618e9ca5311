/* Recurrent layers in plain C: work items are sequences, and those of a range take each step together, so
 * that the matrix is read once a step.
 *
 * The scratch has for each sequence a row of floats: the sums of the gates, one for each column of the
 * matrix; the state; and one more for each cell, of lstm the cell, of gru what the inputs give to the
 * candidate. */
#include <math.h>

#include "array.h"
#include "convert.h"
#include "recurrent.h"

/* What a step does to the rows of scratch at `rows`, `count` of them, whose sums are what the inputs give. */
typedef void (*recurrent_step)(const smr_node *node, float *rows, size_t count);

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_NAME(name) name##_f32
#include "recurrent.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_NAME(name) name##_f16
#include "recurrent.inc"

void smr_recurrent_load(const smr_recurrent *p, const smr_value *from, size_t begin, size_t count,
                        float *to) {
    if (from == NULL) {
        memset(to, 0, count * sizeof *to);
    } else if (from->dtype == SMR_DTYPE_FLOAT16) {
        p->halves->widen((const uint16_t *)from->data + begin, to, count);
    } else {
        memcpy(to, (const float *)from->data + begin, count * sizeof *to);
    }
}

static void recurrent_store(const smr_recurrent *p, smr_value *to, size_t begin, size_t count,
                            const float *from) {
    if (to->dtype == SMR_DTYPE_FLOAT16) {
        p->halves->narrow(from, (uint16_t *)to->data + begin, count);
    } else {
        memcpy((float *)to->data + begin, from, count * sizeof *from);
    }
}

static inline float recurrent_sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

static void recurrent_lstm(const float *sums, float *cell, float *out, size_t cells, float clip) {
    size_t k;
    for (k = 0; k < cells; ++k) {
        float value = recurrent_sigmoid(sums[cells + k]) * cell[k] +
                      recurrent_sigmoid(sums[k]) * tanhf(sums[2 * cells + k]);
        value = value > clip ? clip : value < -clip ? -clip : value;
        cell[k] = value;
        out[k] = recurrent_sigmoid(sums[3 * cells + k]) * tanhf(value);
    }
}

static void recurrent_gru_reset(float *reset, const float *state, size_t cells) {
    size_t k;
    for (k = 0; k < cells; ++k) {
        reset[k] = recurrent_sigmoid(reset[k]) * state[k];
    }
}

static void recurrent_gru(const float *sums, float *state, size_t cells) {
    size_t k;
    for (k = 0; k < cells; ++k) {
        const float update = recurrent_sigmoid(sums[k]);
        state[k] = (1.0f - update) * tanhf(sums[2 * cells + k]) + update * state[k];
    }
}

static void recurrent_gru_after(const float *sums, const float *given, float *state, size_t cells) {
    size_t k;
    for (k = 0; k < cells; ++k) {
        const float update = recurrent_sigmoid(sums[k]), reset = recurrent_sigmoid(sums[cells + k]);
        state[k] = (1.0f - update) * tanhf(given[k] + reset * sums[2 * cells + k]) + update * state[k];
    }
}

static void recurrent_rnn(const float *sums, float *state, size_t cells) {
    size_t k;
    for (k = 0; k < cells; ++k) {
        state[k] = tanhf(sums[k]);
    }
}

static const smr_recurrent_functions recurrent_functions_f32 = {recurrent_product_f32, recurrent_lstm,
                                                                recurrent_gru_reset,   recurrent_gru,
                                                                recurrent_gru_after,   recurrent_rnn};
static const smr_recurrent_functions recurrent_functions_f16 = {recurrent_product_f16, recurrent_lstm,
                                                                recurrent_gru_reset,   recurrent_gru,
                                                                recurrent_gru_after,   recurrent_rnn};

/* The steps that a sequence takes, checked before. */
static size_t recurrent_length(const smr_recurrent *p, size_t sequence) {
    return p->lengths == NULL ? p->steps : (size_t)((const int32_t *)p->lengths->data)[sequence];
}

static smr_status recurrent_check_lengths(const smr_recurrent *p, size_t begin, size_t end, size_t *longest,
                                          smr_error *error) {
    size_t i;
    *longest = p->lengths == NULL ? p->steps : 0;
    for (i = begin; p->lengths != NULL && i < end; ++i) {
        const int32_t length = ((const int32_t *)p->lengths->data)[i];
        if (length < 0 || (size_t)length > p->steps) {
            SMR_FAIL(error, SMR_ERROR_DATA, "sequence %zu has length %d of %zu steps", i, (int)length,
                     p->steps);
        }
        *longest = (size_t)length > *longest ? (size_t)length : *longest;
    }
    return SMR_OK;
}

/* The row of gates and of y that a sequence comes to at a step. */
static size_t recurrent_place(const smr_recurrent *p, size_t sequence, size_t step) {
    const size_t at = p->reverse ? recurrent_length(p, sequence) - 1 - step : step;
    return at * p->step_rows + sequence * p->sequence_rows;
}

/* y after the end of a sequence. */
static void recurrent_fill(const smr_recurrent *p, smr_value *y, size_t sequence) {
    const size_t bytes = p->outputs * array_element_size(y);
    size_t step;
    for (step = recurrent_length(p, sequence); step < p->steps; ++step) {
        const size_t place = step * p->step_rows + sequence * p->sequence_rows;
        memset((uint8_t *)y->data + place * bytes, 0, bytes);
    }
}

/* The rows of scratch of [begin, end) through all steps. A sequence that has ended computes on, for nobody:
 * its states are written out when it ends. */
static smr_status recurrent_run(const smr_node *node, recurrent_step take, const smr_value *cell,
                                size_t begin, size_t end, smr_error *error) {
    const smr_recurrent *p = SMR_CONST_PARAMETERS(node, smr_recurrent);
    const smr_value *gates = node->inputs[RECURRENT_GATES];
    smr_value *y = node->outputs[0], *last = node->outputs[1];
    float *rows = (float *)node->scratch + begin * p->stride;
    size_t longest, step, i;
    SMR_TRY(recurrent_check_lengths(p, begin, end, &longest, error));
    for (i = begin; i < end; ++i) {
        float *row = rows + (i - begin) * p->stride;
        memset(row, 0, p->columns * sizeof *row);
        smr_recurrent_load(p, node->inputs[RECURRENT_STATE], i * p->outputs, p->outputs, row + p->columns);
        if (node->output_count > 2) {
            smr_recurrent_load(p, cell, i * p->cells, p->cells, row + p->columns + p->outputs);
        }
        recurrent_fill(p, y, i);
    }
    for (step = 0; step <= longest; ++step) {
        for (i = begin; i < end; ++i) {
            const float *row = rows + (i - begin) * p->stride;
            if (recurrent_length(p, i) == step) {
                recurrent_store(p, last, i * p->outputs, p->outputs, row + p->columns);
                if (node->output_count > 2) {
                    recurrent_store(p, node->outputs[2], i * p->cells, p->cells,
                                    row + p->columns + p->outputs);
                }
            }
        }
        for (i = begin; i < end; ++i) {
            if (step < recurrent_length(p, i)) {
                smr_recurrent_load(p, gates, recurrent_place(p, i, step) * p->columns, p->columns,
                                   rows + (i - begin) * p->stride);
            }
        }
        if (step < longest) {
            take(node, rows, end - begin);
        }
        for (i = begin; i < end; ++i) {
            if (step < recurrent_length(p, i)) {
                recurrent_store(p, y, recurrent_place(p, i, step) * p->outputs, p->outputs,
                                rows + (i - begin) * p->stride + p->columns);
            }
        }
    }
    return SMR_OK;
}

/* lstm ---------------------------------------------------------------------------------------------- */

static void take_lstm(const smr_node *node, float *rows, size_t count) {
    const smr_recurrent *p = SMR_CONST_PARAMETERS(node, smr_recurrent);
    size_t i;
    p->functions->product(&p->panels, node->inputs[RECURRENT_MATRIX]->data, p->outputs, 0, p->columns,
                          rows + p->columns, rows, count, p->stride);
    for (i = 0; i < count; ++i) {
        float *sums = rows + i * p->stride, *state = sums + p->columns;
        /* What a projection takes lies where the sums of the input gate were. */
        p->functions->lstm(sums, state + p->outputs, p->projection == NULL ? state : sums, p->cells,
                           p->cell_clip);
        if (p->projection != NULL) {
            memset(state, 0, p->outputs * sizeof *state);
        }
    }
    if (p->projection != NULL) {
        p->functions->product(&p->projection_panels, p->projection->data, p->cells, 0, p->outputs, rows,
                              rows + p->columns, count, p->stride);
    }
}

static smr_status run_lstm(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    return recurrent_run(node, take_lstm, node->inputs[RECURRENT_CELL], begin, end, error);
}

/* gru ----------------------------------------------------------------------------------------------- */

enum { GRU_LENGTHS = 3, GRU_BIAS };

static void take_gru_reset_after(const smr_node *node, float *rows, size_t count) {
    const smr_recurrent *p = SMR_CONST_PARAMETERS(node, smr_recurrent);
    const size_t cells = p->cells;
    size_t i;
    for (i = 0; i < count; ++i) {
        float *sums = rows + i * p->stride, *given = sums + p->columns + cells;
        memcpy(given, sums + 2 * cells, cells * sizeof *given);
        smr_recurrent_load(p, p->bias, 0, cells, sums + 2 * cells);
    }
    p->functions->product(&p->panels, node->inputs[RECURRENT_MATRIX]->data, cells, 0, p->columns,
                          rows + p->columns, rows, count, p->stride);
    for (i = 0; i < count; ++i) {
        float *sums = rows + i * p->stride, *state = sums + p->columns;
        p->functions->gru_after(sums, state + cells, state, cells);
    }
}

static void take_gru(const smr_node *node, float *rows, size_t count) {
    const smr_recurrent *p = SMR_CONST_PARAMETERS(node, smr_recurrent);
    const void *matrix = node->inputs[RECURRENT_MATRIX]->data;
    const size_t cells = p->cells;
    size_t i;
    p->functions->product(&p->panels, matrix, cells, 0, 2 * cells, rows + p->columns, rows, count, p->stride);
    for (i = 0; i < count; ++i) {
        float *sums = rows + i * p->stride;
        p->functions->gru_reset(sums + cells, sums + p->columns, cells);
    }
    p->functions->product(&p->panels, matrix, cells, 2 * cells, p->columns, rows + cells, rows, count,
                          p->stride);
    for (i = 0; i < count; ++i) {
        float *sums = rows + i * p->stride;
        p->functions->gru(sums, sums + p->columns, cells);
    }
}

static smr_status run_gru(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_recurrent *p = SMR_CONST_PARAMETERS(node, smr_recurrent);
    return recurrent_run(node, p->flag ? take_gru_reset_after : take_gru, NULL, begin, end, error);
}

/* rnn ----------------------------------------------------------------------------------------------- */

enum { RNN_LENGTHS = 3 };

static void take_rnn(const smr_node *node, float *rows, size_t count) {
    const smr_recurrent *p = SMR_CONST_PARAMETERS(node, smr_recurrent);
    size_t i, k;
    p->functions->product(&p->panels, node->inputs[RECURRENT_MATRIX]->data, p->cells, 0, p->cells,
                          rows + p->columns, rows, count, p->stride);
    for (i = 0; i < count; ++i) {
        float *sums = rows + i * p->stride, *state = sums + p->columns;
        if (!p->flag) {
            p->functions->rnn(sums, state, p->cells);
            continue;
        }
        for (k = 0; k < p->cells; ++k) {
            state[k] = sums[k] < 0.0f ? 0.0f : sums[k];
        }
    }
}

static smr_status run_rnn(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    return recurrent_run(node, take_rnn, NULL, begin, end, error);
}

void smr_recurrent_use(smr_node *node, const smr_recurrent_functions *functions, const smr_halves *halves) {
    smr_recurrent *p = SMR_PARAMETERS(node, smr_recurrent);
    p->functions = functions;
    p->halves = halves;
}

/* Preparing ----------------------------------------------------------------------------------------- */

static const smr_value *recurrent_input(const smr_node *node, int32_t index) {
    return index < node->input_count ? node->inputs[index] : NULL;
}

/* Whether a tensor has a shape; one that is absent has any. */
static smr_status recurrent_check(const smr_value *value, int32_t rank, const int32_t *dims,
                                  smr_error *error) {
    int32_t i;
    if (value != NULL) {
        SMR_TRY(smr_array_check_rank(value, rank, error));
        for (i = 0; i < rank; ++i) {
            SMR_TRY(smr_array_check_dim(value, i, dims[i], error));
        }
    }
    return SMR_OK;
}

/* What all have in common: `gates` of them, `more` floats of scratch for each cell. */
static smr_status recurrent_prepare(smr_node *node, int32_t gates, bool more, bool reverse, bool batch_first,
                                    const smr_value *lengths, smr_error *error) {
    smr_recurrent *p = SMR_PARAMETERS(node, smr_recurrent);
    const smr_value *given = node->inputs[RECURRENT_GATES], *matrix = node->inputs[RECURRENT_MATRIX];
    const smr_value *y = node->outputs[0];
    uint64_t floats;
    if (given->rank != 3 || matrix->rank != 2 || given->dims[2] != matrix->dims[1] ||
        matrix->dims[1] % gates != 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "gates have rank %d, the matrix rank %d, with %d columns of %d gates", (int)given->rank,
                 (int)matrix->rank, (int)matrix->dims[1], (int)gates);
    }
    {
        const int32_t batch = given->dims[batch_first ? 0 : 1];
        const int32_t of_y[3] = {given->dims[0], given->dims[1], matrix->dims[0]};
        const int32_t of_state[2] = {batch, matrix->dims[0]};
        SMR_TRY(recurrent_check(y, 3, of_y, error));
        SMR_TRY(recurrent_check(node->outputs[1], 2, of_state, error));
        SMR_TRY(recurrent_check(recurrent_input(node, RECURRENT_STATE), 2, of_state, error));
        SMR_TRY(recurrent_check(lengths, 1, of_state, error));
        p->steps = (size_t)given->dims[batch_first ? 1 : 0];
        p->step_rows = batch_first ? 1 : (size_t)batch;
        p->sequence_rows = batch_first ? p->steps : 1;
        node->work = (size_t)batch;
    }
    p->columns = (size_t)matrix->dims[1];
    p->cells = p->columns / (size_t)gates;
    p->outputs = (size_t)matrix->dims[0];
    p->panels = smr_panels_of(matrix, p->outputs, p->columns);
    p->functions = given->dtype == SMR_DTYPE_FLOAT16 ? &recurrent_functions_f16 : &recurrent_functions_f32;
    p->halves = &smr_halves_plain;
    p->lengths = lengths;
    node->whole = true;
    p->reverse = reverse;
    if (p->steps > 0 && y->count == 0 && node->work > 0) {
        /* There would be no bytes for the steps, so that nothing would bound them. */
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu steps of states without elements", p->steps);
    }
    p->stride = p->columns + p->outputs + (more ? p->cells : 0);
    floats = (uint64_t)p->stride * node->work;
    if (floats > PTRDIFF_MAX / sizeof(float)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu sequences of %zu numbers each", node->work, p->stride);
    }
    node->scratch_bytes = (size_t)floats * sizeof(float);
    return SMR_OK;
}

smr_status smr_prepare_lstm(smr_node *node, smr_error *error) {
    const smr_lstm_attributes *a = &node->attributes.lstm;
    smr_recurrent *p = SMR_PARAMETERS(node, smr_recurrent);
    const smr_value *projection = recurrent_input(node, RECURRENT_PROJECTION);
    SMR_TRY(recurrent_prepare(node, 4, true, a->reverse, a->batch_first,
                              recurrent_input(node, RECURRENT_LENGTHS), error));
    {
        const int32_t cells = (int32_t)p->cells;
        const int32_t of_cell[2] = {(int32_t)node->work, cells};
        const int32_t of_projection[2] = {cells, (int32_t)p->outputs};
        SMR_TRY(recurrent_check(recurrent_input(node, RECURRENT_CELL), 2, of_cell, error));
        SMR_TRY(recurrent_check(node->outputs[2], 2, of_cell, error));
        SMR_TRY(recurrent_check(projection, 2, of_projection, error));
    }
    if ((projection == NULL && p->cells != p->outputs) || !(a->cell_clip >= 0.0f)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu cells, %zu outputs with%s projection, and a clip of %g",
                 p->cells, p->outputs, projection == NULL ? "out" : "", (double)a->cell_clip);
    }
    if (projection != NULL) {
        p->projection_panels = smr_panels_of(projection, p->cells, p->outputs);
    }
    p->projection = projection;
    p->cell_clip = a->cell_clip > 0.0f ? a->cell_clip : INFINITY;
    node->run = run_lstm;
    return SMR_OK;
}

smr_status smr_prepare_gru(smr_node *node, smr_error *error) {
    const smr_gru_attributes *a = &node->attributes.gru;
    smr_recurrent *p = SMR_PARAMETERS(node, smr_recurrent);
    int32_t cells;
    SMR_TRY(recurrent_prepare(node, 3, true, a->reverse, a->batch_first, recurrent_input(node, GRU_LENGTHS),
                              error));
    p->bias = recurrent_input(node, GRU_BIAS);
    p->flag = a->reset_after;
    cells = (int32_t)p->cells;
    SMR_TRY(recurrent_check(p->bias, 1, &cells, error));
    if (p->cells != p->outputs || (p->bias != NULL && !p->flag)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu cells, a state of %zu, with%s bias, reset_after %d", p->cells,
                 p->outputs, p->bias == NULL ? "out" : "", (int)p->flag);
    }
    node->run = run_gru;
    return SMR_OK;
}

smr_status smr_prepare_rnn(smr_node *node, smr_error *error) {
    const smr_rnn_attributes *a = &node->attributes.rnn;
    smr_recurrent *p = SMR_PARAMETERS(node, smr_recurrent);
    SMR_TRY(recurrent_prepare(node, 1, false, a->reverse, a->batch_first, recurrent_input(node, RNN_LENGTHS),
                              error));
    if (p->cells != p->outputs) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%zu cells and a state of %zu", p->cells, p->outputs);
    }
    p->flag = a->activation == SMR_RECURRENT_ACTIVATION_RELU;
    node->run = run_rnn;
    return SMR_OK;
}
