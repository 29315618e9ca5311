/* The LSTM of TensorFlow Lite on integers. */
#include "quant_fixed_lstm.h"

static int32_t lstm_dot(const int8_t *x, const int8_t *weights, size_t count, int32_t acc) {
    size_t i;
    for (i = 0; i < count; ++i) {
        acc += x[i] * weights[i];
    }
    return acc;
}

/* A gate of a cell, before its activation function. */
static int32_t lstm_gate(const smr_node *node, const fixed_lstm *lstm, size_t gate, size_t cell,
                         const int8_t *x, const int8_t *state) {
    const size_t gates = lstm->gates, row = gate * lstm->cells + cell;
    const int8_t *filter = (const int8_t *)node->inputs[FIXED_LSTM_FILTER]->data + row * lstm->inputs;
    const int8_t *recurrent = (const int8_t *)node->inputs[FIXED_LSTM_RECURRENT]->data + row * lstm->outputs;
    const int32_t *bias = (const int32_t *)node->inputs[FIXED_LSTM_BIAS]->data + row;
    const int32_t *multipliers = (const int32_t *)node->inputs[FIXED_LSTM_MULTIPLIERS]->data + gate;
    const int32_t first = lstm_dot(x, filter, lstm->inputs, bias[0]);
    const int32_t second = lstm_dot(state, recurrent, lstm->outputs, bias[gates * lstm->cells]);
    const int64_t input = fixed_saturate16(fixed_multiply(first, multipliers[0], multipliers[gates]));
    return fixed_saturate16(input + fixed_multiply(second, multipliers[2 * gates], multipliers[3 * gates]));
}

/* The new cells and what they let out, which may not be where `state` is. */
static void lstm_step(const smr_node *node, const fixed_lstm *lstm, const int8_t *x, const int8_t *state,
                      int16_t *cell, int8_t *hidden) {
    const smr_fixed_point_lstm_attributes *a = &node->attributes.fixed_point_lstm;
    const size_t first = lstm->gates - 3;
    size_t i;
    for (i = 0; i < lstm->cells; ++i) {
        const int32_t keep = fixed_logistic16(lstm_gate(node, lstm, first, i, x, state), 3);
        const int32_t fresh = fixed_tanh16(lstm_gate(node, lstm, first + 1, i, x, state), 3);
        const int32_t out = fixed_logistic16(lstm_gate(node, lstm, first + 2, i, x, state), 3);
        const int32_t take =
            first > 0 ? fixed_logistic16(lstm_gate(node, lstm, 0, i, x, state), 3) : INT16_MAX - keep;
        const int64_t old = fixed_round_shift((int64_t)keep * cell[i], 15);
        int32_t value =
            fixed_saturate16(old + fixed_round_shift((int64_t)take * fresh, 30 + a->cell_scale_log2));
        if (a->cell_clip > 0) {
            value = fixed_clamp(value, -a->cell_clip, a->cell_clip);
        }
        cell[i] = (int16_t)value;
        value = out * fixed_tanh16(value, 15 + a->cell_scale_log2);
        hidden[i] = (int8_t)fixed_clamp(
            (int64_t)fixed_multiply(value, a->hidden_multiplier, a->hidden_shift) + a->hidden_zero_point,
            INT8_MIN, INT8_MAX);
    }
}

static void lstm_project(const smr_node *node, const fixed_lstm *lstm, const int8_t *hidden, int8_t *state) {
    const smr_fixed_point_lstm_attributes *a = &node->attributes.fixed_point_lstm;
    const int8_t *weights = node->inputs[FIXED_LSTM_PROJECTION]->data;
    const int32_t *bias = node->inputs[FIXED_LSTM_PROJECTION + 1]->data;
    size_t i;
    for (i = 0; i < lstm->outputs; ++i) {
        state[i] = fixed_lstm_output(a, lstm_dot(hidden, weights + i * lstm->cells, lstm->cells, bias[i]));
    }
}

/* Work items are sequences. */
static smr_status run_fixed_point_lstm(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const fixed_lstm *lstm = SMR_CONST_PARAMETERS(node, fixed_lstm);
    const bool projected =
        node->input_count > FIXED_LSTM_PROJECTION && node->inputs[FIXED_LSTM_PROJECTION] != NULL;
    size_t item, step;
    (void)error;
    for (item = begin; item < end; ++item) {
        const int8_t *x =
            (const int8_t *)node->inputs[FIXED_LSTM_X]->data + item * lstm->steps * lstm->inputs;
        int8_t *y = (int8_t *)node->outputs[0]->data + item * lstm->steps * lstm->outputs;
        int8_t *state = (int8_t *)node->outputs[1]->data + item * lstm->outputs;
        int16_t *cell = (int16_t *)node->outputs[2]->data + item * lstm->cells;
        int8_t *hidden = (int8_t *)node->outputs[3]->data + item * lstm->cells;
        memcpy(state, (const int8_t *)node->inputs[FIXED_LSTM_STATE]->data + item * lstm->outputs,
               lstm->outputs);
        memcpy(cell, (const int16_t *)node->inputs[FIXED_LSTM_CELL]->data + item * lstm->cells,
               lstm->cells * sizeof *cell);
        memset(hidden, 0, lstm->cells);
        for (step = 0; step < lstm->steps; ++step) {
            lstm->step(node, lstm, x + step * lstm->inputs, state, cell, hidden);
            if (projected) {
                lstm->project(node, lstm, hidden, state);
            } else {
                memcpy(state, hidden, lstm->outputs);
            }
            memcpy(y + step * lstm->outputs, state, lstm->outputs);
        }
    }
    return SMR_OK;
}

static smr_status lstm_check(const smr_value *value, const char *what, int32_t rank, const int32_t *dims,
                             smr_error *error) {
    int32_t i;
    if (value->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%s has rank %d instead of %d", what, (int)value->rank, (int)rank);
    }
    for (i = 0; i < rank; ++i) {
        if (value->dims[i] != dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of %s is %d instead of %d", (int)i, what,
                     (int)value->dims[i], (int)dims[i]);
        }
    }
    return SMR_OK;
}

/* Refuses biases with which a sum of `count` products of bytes can leave int32. */
static smr_status lstm_check_bias(const int32_t *bias, size_t biases, int32_t count, smr_error *error) {
    const int64_t room = INT32_MAX - (int64_t)count * 128 * 128;
    size_t i;
    for (i = 0; i < biases; ++i) {
        if (bias[i] > room || bias[i] < -room) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "the sum of %d products with bias %d can leave 32 bits",
                     (int)count, (int)bias[i]);
        }
    }
    return SMR_OK;
}

static smr_status lstm_check_constants(const smr_node *node, int32_t gates, int32_t inputs, int32_t outputs,
                                       smr_error *error) {
    const int32_t *multipliers = node->inputs[FIXED_LSTM_MULTIPLIERS]->data,
                  *bias = node->inputs[FIXED_LSTM_BIAS]->data;
    const size_t half = node->inputs[FIXED_LSTM_BIAS]->count / 2;
    int32_t side, gate;
    SMR_TRY(lstm_check_bias(bias, half, inputs, error));
    SMR_TRY(lstm_check_bias(bias + half, half, outputs, error));
    for (side = 0; side < 2; ++side) {
        for (gate = 0; gate < gates; ++gate) {
            SMR_TRY(smr_fixed_check(multipliers[2 * side * gates + gate],
                                    multipliers[(2 * side + 1) * gates + gate], error));
        }
    }
    return SMR_OK;
}

static smr_status lstm_check_projection(const smr_node *node, int32_t cells, int32_t outputs,
                                        smr_error *error) {
    const smr_fixed_point_lstm_attributes *a = &node->attributes.fixed_point_lstm;
    const smr_value *projection =
        node->input_count > FIXED_LSTM_PROJECTION ? node->inputs[FIXED_LSTM_PROJECTION] : NULL;
    const smr_value *bias =
        node->input_count > FIXED_LSTM_PROJECTION + 1 ? node->inputs[FIXED_LSTM_PROJECTION + 1] : NULL;
    int32_t dims[2];
    if ((projection == NULL) != (bias == NULL) || (projection == NULL && cells != outputs)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d cells and %d outputs with%s projection and with%s bias of it",
                 (int)cells, (int)outputs, projection == NULL ? "out" : "", bias == NULL ? "out" : "");
    }
    if (projection == NULL) {
        return SMR_OK;
    }
    dims[0] = outputs;
    dims[1] = cells;
    SMR_TRY(smr_quant_check_constant(node, FIXED_LSTM_PROJECTION, error));
    SMR_TRY(smr_quant_check_constant(node, FIXED_LSTM_PROJECTION + 1, error));
    SMR_TRY(lstm_check(projection, "projection", 2, dims, error));
    SMR_TRY(lstm_check(bias, "projection_bias", 1, dims, error));
    SMR_TRY(smr_fixed_check(a->projection_multiplier, a->projection_shift, error));
    return lstm_check_bias(bias->data, bias->count, cells, error);
}

smr_status smr_prepare_fixed_point_lstm(smr_node *node, smr_error *error) {
    const smr_fixed_point_lstm_attributes *a = &node->attributes.fixed_point_lstm;
    const smr_value *x = node->inputs[FIXED_LSTM_X], *filter = node->inputs[FIXED_LSTM_FILTER];
    const smr_value *recurrent = node->inputs[FIXED_LSTM_RECURRENT];
    fixed_lstm *lstm = SMR_PARAMETERS(node, fixed_lstm);
    int32_t batch, gates, cells, outputs, k;
    if (x->rank != 3 || filter->rank != 3 || recurrent->rank != 3) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "x, filter and recurrent have ranks %d, %d and %d instead of 3",
                 (int)x->rank, (int)filter->rank, (int)recurrent->rank);
    }
    batch = x->dims[0];
    gates = filter->dims[0];
    cells = filter->dims[1];
    outputs = recurrent->dims[2];
    /* With an output there are bytes for every step, so that the steps are bounded by what is stored. */
    if (outputs < 1 || gates < 3 || gates > 4 || a->cell_scale_log2 < -15 || a->cell_scale_log2 > -9 ||
        a->cell_clip < 0 || a->projection_clip < 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d outputs, %d gates, a cell scale of 2^%d, clips of %d and %d",
                 (int)outputs, (int)gates, (int)a->cell_scale_log2, (int)a->cell_clip,
                 (int)a->projection_clip);
    }
    for (k = FIXED_LSTM_FILTER; k <= FIXED_LSTM_MULTIPLIERS; ++k) {
        SMR_TRY(smr_quant_check_constant(node, k, error));
    }
    {
        const int32_t of_filter[3] = {gates, cells, x->dims[2]}, of_recurrent[3] = {gates, cells, outputs};
        const int32_t of_bias[3] = {2, gates, cells}, of_multipliers[3] = {2, 2, gates};
        const int32_t of_y[3] = {batch, x->dims[1], outputs};
        const int32_t of_state[2] = {batch, outputs}, of_cell[2] = {batch, cells};
        SMR_TRY(lstm_check(filter, "filter", 3, of_filter, error));
        SMR_TRY(lstm_check(recurrent, "recurrent", 3, of_recurrent, error));
        SMR_TRY(lstm_check(node->inputs[FIXED_LSTM_BIAS], "bias", 3, of_bias, error));
        SMR_TRY(lstm_check(node->inputs[FIXED_LSTM_MULTIPLIERS], "multipliers", 3, of_multipliers, error));
        SMR_TRY(lstm_check(node->inputs[FIXED_LSTM_STATE], "output_state", 2, of_state, error));
        SMR_TRY(lstm_check(node->inputs[FIXED_LSTM_CELL], "cell_state", 2, of_cell, error));
        SMR_TRY(lstm_check(node->outputs[0], "y", 3, of_y, error));
        SMR_TRY(lstm_check(node->outputs[1], "new_output_state", 2, of_state, error));
        SMR_TRY(lstm_check(node->outputs[2], "new_cell_state", 2, of_cell, error));
        SMR_TRY(lstm_check(node->outputs[3], "hidden", 2, of_cell, error));
    }
    SMR_TRY(lstm_check_constants(node, gates, x->dims[2], outputs, error));
    SMR_TRY(lstm_check_projection(node, cells, outputs, error));
    SMR_TRY(smr_fixed_check(a->hidden_multiplier, a->hidden_shift, error));
    lstm->steps = (size_t)x->dims[1];
    lstm->inputs = (size_t)x->dims[2];
    lstm->cells = (size_t)cells;
    lstm->outputs = (size_t)outputs;
    lstm->gates = (size_t)gates;
    lstm->step = lstm_step;
    lstm->project = lstm_project;
    node->work = (size_t)batch;
    node->run = run_fixed_point_lstm;
    node->whole = true;
    return SMR_OK;
}
