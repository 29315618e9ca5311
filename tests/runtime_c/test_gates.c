/* Kernels for instruction sets of recurrent layers of integers against the generic ones, bit for bit, on
 * nodes of random sizes and options and whatever the partition of the work; and nodes that have to be
 * refused. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <math.h>

#include "random_nodes.h"

#define CASES 600

#define INPUTS  9
#define OUTPUTS 3

enum { X, FILTER, RECURRENT, BIAS, MULTIPLIER, TABLE, STATE, CELL, LENGTHS, SHORT_LENGTHS = CELL };

enum { LSTM, GRU, RNN, KINDS };

static const char *const kind_names[] = {"lstm", "gru", "rnn"};
static const int kind_gates[] = {4, 3, 1};
static const uint16_t kind_ops[] = {SMR_OP_QUANTIZED_LSTM, SMR_OP_QUANTIZED_GRU, SMR_OP_QUANTIZED_RNN};

typedef struct gate_bench {
    smr_node node;
    int kind;
    smr_value given[INPUTS], made[OUTPUTS];
    const smr_value *inputs[INPUTS];
    smr_value *outputs[OUTPUTS];
} gate_bench;

static void open_input(gate_bench *b, int index, uint8_t dtype, int32_t rank, const int32_t *dims) {
    smr_value *value = &b->given[index];
    size_t i;
    open_value(value, dtype, rank, dims, 0);
    for (i = 0; dtype == SMR_DTYPE_INT16 && i < value->count; ++i) {
        ((int16_t *)value->data)[i] = (int16_t)next_random(INT16_MIN, INT16_MAX);
    }
    value->storage = index >= FILTER && index <= TABLE ? SMR_STORAGE_CONSTANT : SMR_STORAGE_ARENA;
    b->inputs[index] = value;
}

/* A matrix in panels; rows that pad groups of 4 are 0. */
static void open_matrix(gate_bench *b, int index, int32_t rows, int32_t columns) {
    const int32_t dims[] = {rows, columns}, padded = (rows + 3) / 4 * 4;
    smr_value *value = &b->given[index];
    int32_t i;
    open_value(value, SMR_DTYPE_INT8, 2, dims, (size_t)padded * (size_t)columns);
    for (i = 0; i < padded * columns; ++i) {
        if (i / 64 % (padded / 4) * 4 + i % 4 >= rows) {
            ((int8_t *)value->data)[i] = 0;
        }
    }
    value->storage = SMR_STORAGE_CONSTANT;
    value->layout = SMR_LAYOUT_PANEL16X4;
    value->run = (uint32_t)rows;
    b->inputs[index] = value;
}

/* A curve like tanh, or anything. */
static void fill_table(smr_value *table) {
    int16_t *numbers = table->data;
    int i;
    for (i = 0; i < 16 && next_random(0, 3) > 0; ++i) {
        const float begin = tanhf((float)i / 4), end = tanhf((float)(i + 1) / 4);
        numbers[i] = (int16_t)(32767 * begin);
        numbers[16 + i] = (int16_t)(32767 * (end - begin) + 100);
        numbers[32 + i] = -100;
    }
}

/* Sums that are mostly of the size of what gates tell apart, and seldom nowhere near it. */
static void fill_multipliers(smr_value *multipliers, int32_t columns, int32_t inputs, int32_t cells) {
    float *numbers = multipliers->data;
    const float far = next_random(0, 9) == 0 ? 1e30f : next_random(0, 4) == 0 ? 30.0f : 1.0f;
    int32_t i;
    for (i = 0; i < 2 * columns; ++i) {
        const float typical = 5000.0f * sqrtf((float)(i < columns ? inputs : cells));
        numbers[i] = (float)next_random(0, 100) * 60.0f / typical * far;
    }
}

static void set_attributes(gate_bench *b, bool batch_first) {
    const bool reverse = next_random(0, 1) != 0;
    const int32_t zero_point = next_random(-128, 127);
    if (b->kind == GRU) {
        smr_quantized_gru_attributes *a = &b->node.attributes.quantized_gru;
        a->reverse = reverse;
        a->batch_first = batch_first;
        a->reset_after = next_random(0, 1) != 0;
        a->state_bits = next_random(8, 14);
        a->output_multiplier = next_random(1, (1 << a->state_bits) - 1);
        if (next_random(0, 3) > 0) {
            a->output_multiplier = next_random(100, 250);
        }
        a->output_zero_point = zero_point;
    } else if (b->kind == RNN) {
        smr_quantized_rnn_attributes *a = &b->node.attributes.quantized_rnn;
        a->reverse = reverse;
        a->batch_first = batch_first;
        a->output_multiplier = next_random(0, 4) == 0 ? next_random(1, INT16_MAX) : next_random(100, 300);
        a->output_zero_point = zero_point;
    } else {
        smr_quantized_lstm_attributes *a = &b->node.attributes.quantized_lstm;
        a->reverse = reverse;
        a->batch_first = batch_first;
        a->cell_bits = next_random(8, 12);
        a->cell_clip = next_random(0, 2) == 0 ? next_random(1, INT16_MAX) : 0;
        a->output_multiplier = next_random(0, 4) == 0 ? next_random(1, INT16_MAX) : next_random(100, 300);
        a->output_zero_point = zero_point;
    }
}

static void open_gates(gate_bench *b, int kind) {
    const bool alone = next_random(0, 1) == 0, first = next_random(0, 1) != 0;
    const int32_t steps = next_random(0, 5), batch = alone ? 1 : next_random(1, 20);
    const int32_t inputs = next_size(70),
                  cells = next_random(0, 2) == 0 ? 16 * next_random(1, 11) : next_size(70);
    const int32_t columns = (cells + 15) / 16 * 16 * kind_gates[kind],
                  lengths = kind == LSTM ? LENGTHS : SHORT_LENGTHS;
    const int32_t x[] = {first ? batch : steps, first ? steps : batch, inputs}, y[] = {x[0], x[1], cells};
    const int32_t sums[] = {2, columns}, table[] = {3, 16}, of_state[] = {batch, cells};
    int32_t i;
    memset(b, 0, sizeof *b);
    b->kind = kind;
    open_input(b, X, SMR_DTYPE_INT8, 3, x);
    open_matrix(b, FILTER, inputs, columns);
    open_matrix(b, RECURRENT, cells, columns);
    open_input(b, BIAS, SMR_DTYPE_INT32, 2, sums);
    open_input(b, MULTIPLIER, SMR_DTYPE_FLOAT32, 2, sums);
    open_input(b, TABLE, SMR_DTYPE_INT16, 2, table);
    fill_table(&b->given[TABLE]);
    fill_multipliers(&b->given[MULTIPLIER], columns, inputs, cells);
    if (next_random(0, 1) != 0) {
        open_input(b, STATE, kind == GRU ? SMR_DTYPE_INT16 : SMR_DTYPE_INT8, 2, of_state);
        if (kind == LSTM) {
            open_input(b, CELL, SMR_DTYPE_INT16, 2, of_state);
        }
    }
    if (next_random(0, 3) == 0) {
        open_input(b, lengths, SMR_DTYPE_INT32, 1, &batch);
        for (i = 0; i < batch; ++i) {
            ((int32_t *)b->given[lengths].data)[i] = next_random(0, steps);
        }
    }
    open_value(&b->made[0], SMR_DTYPE_INT8, 3, y, 0);
    open_value(&b->made[1], SMR_DTYPE_INT8, 2, of_state, 0);
    open_value(&b->made[2], SMR_DTYPE_INT16, 2, of_state, 0);
    for (i = 0; i < OUTPUTS; ++i) {
        b->outputs[i] = &b->made[i];
    }
    set_attributes(b, first);
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = kind == LSTM ? INPUTS : INPUTS - 1;
    b->node.output_count = kind == RNN ? OUTPUTS - 1 : OUTPUTS;
}

static void close_gates(gate_bench *b) {
    int i;
    for (i = 0; i < INPUTS; ++i) {
        close_value(&b->given[i]);
    }
    for (i = 0; i < OUTPUTS; ++i) {
        close_value(&b->made[i]);
    }
}

static size_t value_bytes(const smr_value *value) {
    return value->count * smr_dtype_size((smr_dtype)value->dtype);
}

static smr_status prepare_with(gate_bench *b, uint32_t isas, smr_error *error) {
    memset(&b->node.room, 0, sizeof b->node.room);
    b->node.parameters = b->node.room.bytes;
    b->node.isas = isas;
    b->node.work = 0;
    b->node.phased = false;
    b->node.kernel = smr_kernel_select(kind_ops[b->kind], &b->node);
    if (!CHECK(b->node.kernel != NULL)) {
        exit(EXIT_FAILURE);
    }
    return b->node.kernel->prepare(&b->node, error);
}

/* Some items in up to three parts, the last one first. */
static void run_items(const smr_node *node, size_t begin, size_t end) {
    const size_t first = begin + (size_t)next_random(0, (int32_t)(end - begin));
    const size_t second = first + (size_t)next_random(0, (int32_t)(end - first));
    smr_error error;
    CHECK_OK(node->run(node, second, end, &error), error);
    CHECK_OK(node->run(node, first, second, &error), error);
    CHECK_OK(node->run(node, begin, first, &error), error);
}

/* Runs the node with the kernels of a set of instruction sets, and copies its outputs. */
static const char *run_with_isas(gate_bench *b, uint32_t isas, uint8_t *results) {
    size_t phase, phases, items;
    smr_error error;
    int i;
    CHECK_OK(prepare_with(b, isas, &error), error);
    b->node.scratch = guard_allocate(b->node.scratch_bytes, 64, next_random(0, 3) > 0);
    memset(b->node.scratch, next_random(0, 255), b->node.scratch_bytes);
    phases = smr_node_phases(&b->node);
    items = b->node.work / phases;
    if (phases > 1 && next_random(0, 3) == 0) {
        CHECK_OK(b->node.run(&b->node, 0, b->node.work, &error), error);
        phases = 0;
    }
    for (phase = 0; phase < phases; ++phase) {
        run_items(&b->node, phase * items, (phase + 1) * items);
    }
    guard_free(b->node.scratch);
    for (i = 0; i < b->node.output_count; ++i) {
        memcpy(results, b->made[i].data, value_bytes(&b->made[i]));
        results += value_bytes(&b->made[i]);
        memset(b->made[i].data, GUARD_PATTERN, value_bytes(&b->made[i]));
    }
    return b->node.kernel->name;
}

static void check_case(int number) {
    gate_bench b;
    size_t bytes = 0;
    uint8_t *expected;
    const char *name;
    uint32_t index, isa;
    int i;
    open_gates(&b, number % KINDS);
    for (i = 0; i < b.node.output_count; ++i) {
        bytes += value_bytes(&b.made[i]);
    }
    expected = malloc(2 * bytes + 1);
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    (void)run_with_isas(&b, 0, expected);
    for (index = 0; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        if (allowed == UINT32_MAX) {
            continue;
        }
        CHECK((strcmp(run_with_isas(&b, allowed, expected + bytes), "generic") != 0) == (index > 0));
        if (!CHECK(memcmp(expected + bytes, expected, bytes) == 0)) {
            fprintf(stderr, "    case %d with %s: %s, x [%d, %d, %d], %d cells\n", number, name,
                    kind_names[b.kind], b.given[X].dims[0], b.given[X].dims[1], b.given[X].dims[2],
                    b.given[RECURRENT].dims[0]);
        }
    }
    free(expected);
    close_gates(&b);
}

/* A node that can be prepared but for one attribute or number. */
static void check_refused(gate_bench *b, int32_t *number, int32_t value) {
    const int32_t before = *number;
    smr_error error;
    CHECK_OK(prepare_with(b, 0, &error), error);
    *number = value;
    CHECK(prepare_with(b, 0, &error) == SMR_ERROR_MODEL);
    *number = before;
}

static void check_refused_lstm(gate_bench *b) {
    smr_quantized_lstm_attributes *a = &b->node.attributes.quantized_lstm;
    check_refused(b, &a->cell_bits, 7);
    check_refused(b, &a->cell_bits, 13);
    check_refused(b, &a->cell_clip, -1);
    check_refused(b, &a->cell_clip, 32768);
    check_refused(b, &a->output_multiplier, 0);
    check_refused(b, &a->output_multiplier, 32768);
    check_refused(b, &a->output_zero_point, 128);
    check_refused(b, &a->output_zero_point, -129);
}

static void check_refused_gru(gate_bench *b) {
    smr_quantized_gru_attributes *a = &b->node.attributes.quantized_gru;
    check_refused(b, &a->state_bits, 7);
    check_refused(b, &a->state_bits, 15);
    check_refused(b, &a->output_multiplier, 0);
    check_refused(b, &a->output_multiplier, 1 << a->state_bits);
    check_refused(b, &a->output_zero_point, 128);
    check_refused(b, &a->output_zero_point, -129);
}

static void check_refused_rnn(gate_bench *b) {
    smr_quantized_rnn_attributes *a = &b->node.attributes.quantized_rnn;
    check_refused(b, &a->output_multiplier, 0);
    check_refused(b, &a->output_multiplier, 32768);
    check_refused(b, &a->output_zero_point, 128);
    check_refused(b, &a->output_zero_point, -129);
}

static void check_refusals(int kind) {
    void (*const refused[])(gate_bench *) = {check_refused_lstm, check_refused_gru, check_refused_rnn};
    const float wrong[] = {-1.0f, INFINITY, NAN};
    int32_t number;
    gate_bench b;
    int i;
    open_gates(&b, kind);
    refused[kind](&b);
    check_refused(&b, (int32_t *)b.given[BIAS].data, INT32_MAX);
    check_refused(&b, (int32_t *)b.given[BIAS].data + b.given[BIAS].count - 1, INT32_MIN);
    for (i = 0; i < 3; ++i) {
        memcpy(&number, &wrong[i], sizeof number);
        check_refused(&b, (int32_t *)b.given[MULTIPLIER].data + i, number);
    }
    for (i = 0; i < INPUTS; ++i) {
        if (b.inputs[i] != NULL) {
            check_refused(&b, (int32_t *)(uintptr_t)&b.given[i].dims[0], b.given[i].dims[0] + 1);
        }
    }
    for (i = 0; i < b.node.output_count; ++i) {
        check_refused(&b, (int32_t *)(uintptr_t)&b.made[i].dims[1], b.made[i].dims[1] + 1);
    }
    close_gates(&b);
}

static void check_lengths(int kind) {
    const int lengths = kind == LSTM ? LENGTHS : SHORT_LENGTHS;
    smr_error error;
    gate_bench b;
    do {
        open_gates(&b, kind);
        if (b.inputs[lengths] == NULL) {
            close_gates(&b);
        }
    } while (b.inputs[lengths] == NULL);
    CHECK_OK(prepare_with(&b, 0, &error), error);
    b.node.scratch = guard_allocate(b.node.scratch_bytes, 64, true);
    ((int32_t *)b.given[lengths].data)[0] = -1;
    CHECK(b.node.run(&b.node, 0, b.node.work, &error) == SMR_ERROR_DATA);
    ((int32_t *)b.given[lengths].data)[0] = 6;
    CHECK(b.node.run(&b.node, 0, b.node.work, &error) == SMR_ERROR_DATA);
    guard_free(b.node.scratch);
    close_gates(&b);
}

int main(int argc, char **argv) {
    const int cases = count_cases(argc, argv, CASES);
    int i;
    for (i = 0; i < cases; ++i) {
        check_case(i);
    }
    for (i = 0; i < 5 * KINDS; ++i) {
        check_refusals(i % KINDS);
    }
    for (i = 0; i < KINDS; ++i) {
        check_lengths(i);
    }
    return check_result();
}
