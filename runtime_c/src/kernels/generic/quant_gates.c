/* What recurrent layers of integers are computed with, in plain C. */
#include "quant_recurrent.h"

static void gate_sums(const smr_gate_rows *g) {
    const quant_output all = {.low = INT16_MIN, .high = INT16_MAX};
    size_t row, gate, k, n;
    for (row = 0; row < g->rows; ++row) {
        for (gate = 0; gate < g->gates; ++gate) {
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

static int32_t gate_sum(const smr_gate_cells *c, size_t gate, size_t k) {
    return gate_short(c->given[gate * c->given_apart + k] + c->sums[gate * c->sums_apart + k]);
}

static int8_t gate_byte(const smr_gate_cells *c, int32_t value) {
    return (int8_t)gate_clamp(gate_product(value, c->multiplier) + c->zero_point, INT8_MIN, INT8_MAX);
}

static void gate_lstm(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        int32_t value = gate_curve(c->table, gate_short(2 * gate_sum(c, 2, k)));
        value = gate_product(gate_sigmoid(c->table, gate_sum(c, 0, k)), value);
        value = gate_product(gate_sigmoid(c->table, gate_sum(c, 1, k)), c->cell[k]) +
                gate_product(value, c->unit);
        value = gate_clamp(value, c->least, c->most);
        c->cell[k] = (int16_t)value;
        value = gate_curve(c->table, gate_short(value * (1 << c->doublings)));
        c->out[k] = gate_byte(c, gate_product(gate_sigmoid(c->table, gate_sum(c, 3, k)), value));
    }
}

/* The state of a cell by the sums of its update gate and of what is new. */
static void gate_update(const smr_gate_cells *c, size_t k, int32_t update, int32_t fresh) {
    const int32_t made = gate_product(gate_curve(c->table, gate_short(2 * gate_short(fresh))), c->unit);
    const int32_t kept = gate_product(gate_sigmoid(c->table, update), gate_short(c->cell[k] - made));
    c->cell[k] = (int16_t)gate_short(made + kept);
    c->out[k] = gate_byte(c, c->cell[k]);
}

static void gate_gru_after(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        const int32_t reset = gate_sigmoid(c->table, gate_sum(c, 1, k));
        const int32_t fresh = gate_product(reset, c->sums[2 * c->sums_apart + k]);
        gate_update(c, k, gate_sum(c, 0, k), c->given[2 * c->given_apart + k] + fresh);
    }
}

static void gate_gru_reset(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        c->out[k] = gate_byte(c, gate_product(gate_sigmoid(c->table, gate_sum(c, 1, k)), c->cell[k]));
        c->given[k] = (int16_t)gate_sum(c, 0, k);
    }
}

static void gate_gru(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        gate_update(c, k, c->given[k], c->given[2 * c->given_apart + k] + c->sums[k]);
    }
}

static void gate_rnn(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        c->out[k] = gate_byte(c, gate_curve(c->table, gate_short(2 * gate_sum(c, 0, k))));
    }
}

void smr_gate_bytes(const smr_gate_cells *c) {
    size_t k;
    for (k = 0; k < c->count; ++k) {
        c->out[k] = gate_byte(c, c->cell[k]);
    }
}

const smr_gate_functions smr_gate_generic = {.sums = gate_sums,
                                             .lstm = gate_lstm,
                                             .gru_after = gate_gru_after,
                                             .gru_reset = gate_gru_reset,
                                             .gru = gate_gru,
                                             .rnn = gate_rnn};
