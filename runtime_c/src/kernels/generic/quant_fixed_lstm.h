/* What the kernels of fixed_point_lstm share. */
#ifndef SMR_GENERIC_QUANT_FIXED_LSTM_H
#define SMR_GENERIC_QUANT_FIXED_LSTM_H

#include "fixed_short.h"

enum {
    FIXED_LSTM_X,
    FIXED_LSTM_FILTER,
    FIXED_LSTM_RECURRENT,
    FIXED_LSTM_BIAS,
    FIXED_LSTM_MULTIPLIERS,
    FIXED_LSTM_STATE,
    FIXED_LSTM_CELL,
    FIXED_LSTM_PROJECTION
};

typedef struct fixed_lstm fixed_lstm;

struct fixed_lstm {
    size_t steps;
    size_t inputs;
    size_t cells;
    size_t outputs;
    size_t gates;
    /* The new cells and what they let out, which may not be where `state` is. */
    void (*step)(const smr_node *node, const fixed_lstm *lstm, const int8_t *x, const int8_t *state,
                 int16_t *cell, int8_t *hidden);
    /* What the projection makes of that. */
    void (*project)(const smr_node *node, const fixed_lstm *lstm, const int8_t *hidden, int8_t *state);
};
_Static_assert(sizeof(fixed_lstm) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* A projected output, of its exact sum. */
static inline int8_t fixed_lstm_output(const smr_fixed_point_lstm_attributes *a, int32_t acc) {
    const int32_t clip = a->projection_clip;
    const int64_t value = fixed_multiply(acc, a->projection_multiplier, a->projection_shift);
    return (int8_t)fixed_clamp(value + a->output_zero_point, clip > 0 && clip < -INT8_MIN ? -clip : INT8_MIN,
                               clip > 0 && clip < INT8_MAX ? clip : INT8_MAX);
}

#endif
