/* Kernels for instruction sets of recurrent layers, attention, normalizations and softmax against the generic
 * ones, on nodes of random sizes and options: within what another order of additions and other exponentials
 * make, and bit for bit the same whatever the partition of the work. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <math.h>

#include "kernels/generic/attention.h"
#include "random_nodes.h"

#define CASES 400

/* Whether every op here has a kernel of float16 for each instruction set; else only attention has. */
#if defined(SMR_KERNELS_X86) || defined(SMR_KERNELS_ARM64)
#define HAS_HALVES true
#else
#define HAS_HALVES false
#endif

#define INPUTS  6
#define OUTPUTS 3

typedef struct sequence_bench {
    smr_node node;
    smr_value given[INPUTS], made[OUTPUTS];
    const smr_value *inputs[INPUTS];
    smr_value *outputs[OUTPUTS];
    uint8_t dtype; /* float32 or float16 */
} sequence_bench;

/* An input; a packed matrix [rows, columns] is in panels, and what pads them is 0. */
static void open_input(sequence_bench *b, int index, int32_t rank, const int32_t *dims, bool packed,
                       float scale) {
    smr_value *value = &b->given[index];
    const size_t rows = (size_t)dims[0], columns = (size_t)dims[rank - 1];
    const size_t stored = packed ? rows * ((columns + 15) / 16 * 16) : 0;
    float number;
    size_t i, count;
    open_value(value, b->dtype, rank, dims, stored);
    value->storage = packed ? SMR_STORAGE_CONSTANT : SMR_STORAGE_ARENA;
    value->layout = packed ? SMR_LAYOUT_PANEL16 : SMR_LAYOUT_DENSE;
    count = packed ? stored : value->count;
    for (i = 0; i < count; ++i) {
        const bool pads = packed && i / (16 * rows) * 16 + i % 16 >= columns;
        smr_load_floats(b->dtype, value->data, i, 1, &number);
        number = pads ? 0.0f : number * scale;
        smr_store_floats(b->dtype, value->data, i, 1, &number);
    }
    b->inputs[index] = value;
}

static void open_lengths(sequence_bench *b, int index, int32_t batch, int32_t steps) {
    int32_t i;
    open_value(&b->given[index], SMR_DTYPE_INT32, 1, &batch, 0);
    for (i = 0; i < batch; ++i) {
        ((int32_t *)b->given[index].data)[i] = next_random(0, steps);
    }
    b->inputs[index] = &b->given[index];
}

static void open_output(sequence_bench *b, int index, int32_t rank, const int32_t *dims) {
    open_value(&b->made[index], b->dtype, rank, dims, 0);
    b->outputs[index] = &b->made[index];
    b->node.output_count = (uint8_t)(index + 1);
}

static uint16_t open_recurrent(sequence_bench *b) {
    const int kind = next_random(0, 2), gates = kind == 0 ? 4 : kind == 1 ? 3 : 1;
    const bool alone = next_random(0, 2) == 0; /* mostly of what has phases */
    const int32_t steps = next_random(0, 4);
    const int32_t batch = alone ? 1 : next_random(1, next_random(0, 1) == 0 ? 3 : 30);
    const int32_t cells = alone && next_random(0, 3) > 0 ? 16 * next_random(1, 11) : next_size(70);
    const int32_t state = kind == 0 && !alone && next_random(0, 1) == 0 ? next_size(70) : cells;
    const bool first = next_random(0, 1) != 0, reverse = next_random(0, 1) != 0,
               start = next_random(0, 1) != 0;
    const int32_t given[] = {first ? batch : steps, first ? steps : batch, gates * cells};
    const int32_t y[] = {given[0], given[1], state};
    const int32_t matrix[] = {state, gates * cells}, projection[] = {cells, state};
    const int32_t of_state[] = {batch, state}, of_cell[] = {batch, cells};
    open_input(b, 0, 3, given, false, 2.0f);
    open_input(b, 1, 2, matrix, true, 1.5f / sqrtf((float)state));
    if (start) {
        open_input(b, 2, 2, of_state, false, 1.0f);
    }
    open_output(b, 0, 3, y);
    open_output(b, 1, 2, of_state);
    if (next_random(0, alone ? 3 : 1) == 1) {
        open_lengths(b, kind == 0 ? 4 : 3, batch, steps);
    }
    if (kind == 0) {
        smr_lstm_attributes *a = &b->node.attributes.lstm;
        if (start) {
            open_input(b, 3, 2, of_cell, false, 1.0f);
        }
        if (state != cells || next_random(0, alone ? 3 : 1) == 1) {
            open_input(b, 5, 2, projection, true, 1.5f / sqrtf((float)cells));
        }
        open_output(b, 2, 2, of_cell);
        a->reverse = reverse;
        a->batch_first = first;
        a->cell_clip = next_random(0, 1) != 0 ? 0.7f : 0.0f;
        b->node.input_count = 6;
        return SMR_OP_LSTM;
    }
    if (kind == 1) {
        smr_gru_attributes *a = &b->node.attributes.gru;
        a->reverse = reverse;
        a->batch_first = first;
        a->reset_after = next_random(0, 1) != 0;
        if (a->reset_after && next_random(0, 1) != 0) {
            open_input(b, 4, 1, &cells, false, 1.0f);
        }
        b->node.input_count = 5;
        return SMR_OP_GRU;
    }
    b->node.attributes.rnn.reverse = reverse;
    b->node.attributes.rnn.batch_first = first;
    b->node.attributes.rnn.activation = (uint8_t)next_random(0, 1);
    b->node.input_count = 4;
    return SMR_OP_RNN;
}

/* A mask of bool, or of what is added; some of it hides keys. */
static void open_mask(sequence_bench *b, const int32_t *dims) {
    const bool truth = next_random(0, 1) != 0;
    const float never = -INFINITY;
    size_t i;
    open_value(&b->given[3], truth ? SMR_DTYPE_BOOL : b->dtype, 4, dims, 0);
    for (i = 0; i < b->given[3].count; ++i) {
        const bool hidden = next_random(0, 3) == 0;
        if (truth) {
            ((uint8_t *)b->given[3].data)[i] = !hidden;
        } else if (hidden) {
            smr_store_floats(b->dtype, b->given[3].data, i, 1, &never);
        }
    }
    b->inputs[3] = &b->given[3];
}

static uint16_t open_attention(sequence_bench *b) {
    smr_attention_attributes *a = &b->node.attributes.attention;
    const int32_t batch = next_random(1, 2), groups = next_random(1, 2), heads = groups * next_random(1, 3);
    const int32_t queries =
        next_random(0, 2) == 0 ? next_random(1, 5) : next_size(next_random(0, 3) == 0 ? 300 : 70);
    const int32_t longest = next_random(0, 5) == 0 ? SMR_ATTENTION_NUMBERS + 30 : 70;
    const int32_t keys = next_random(0, 20) == 0 ? 0 : next_size(200), size = next_size(longest),
                  outputs = next_size(longest);
    const int32_t query[] = {batch, heads, queries, size}, y[] = {batch, heads, queries, outputs};
    const int32_t key[] = {batch, groups, keys, size}, value[] = {batch, groups, keys, outputs};
    const int32_t mask[] = {next_random(0, 1) != 0 ? batch : 1, next_random(0, 1) != 0 ? heads : 1,
                            next_random(0, 1) != 0 ? queries : 1, next_random(0, 3) != 0 ? keys : 1};
    open_input(b, 0, 4, query, false, 2.0f);
    open_input(b, 1, 4, key, false, 2.0f);
    open_input(b, 2, 4, value, false, 1.0f);
    if (next_random(0, 1) != 0) {
        open_mask(b, mask);
    }
    open_output(b, 0, 4, y);
    a->scale = 1.0f / sqrtf((float)size);
    a->causal = (uint8_t)next_random(0, 2);
    a->softcap = next_random(0, 2) == 0 ? 3.0f : 0.0f;
    a->blind_nan = next_random(0, 1) != 0;
    b->node.input_count = 4;
    return SMR_OP_ATTENTION;
}

static uint16_t open_rows(sequence_bench *b) {
    const bool root = next_random(0, 1) != 0;
    const int32_t dims[] = {next_random(1, 5), next_size(next_random(0, 3) == 0 ? 2000 : 80)};
    open_input(b, 0, 2, dims, false, 3.0f);
    if (next_random(0, 1) != 0) {
        open_input(b, 1, 1, dims + 1, false, 1.0f);
    }
    if (!root && next_random(0, 1) != 0) {
        open_input(b, 2, 1, dims + 1, false, 1.0f);
    }
    open_output(b, 0, 2, dims);
    b->node.input_count = root ? 2 : 3;
    if (root) {
        b->node.attributes.rms_normalization.axis = -1;
        b->node.attributes.rms_normalization.epsilon = 1e-3f;
        return SMR_OP_RMS_NORMALIZATION;
    }
    b->node.attributes.layer_normalization.axis = -1;
    b->node.attributes.layer_normalization.epsilon = 1e-3f;
    return SMR_OP_LAYER_NORMALIZATION;
}

static uint16_t open_softmax(sequence_bench *b) {
    const int32_t dims[] = {next_random(1, 4), next_size(next_random(0, 3) == 0 ? 1000 : 80), next_size(40)};
    open_input(b, 0, 3, dims, false, 20.0f);
    open_output(b, 0, 3, dims);
    b->node.input_count = 1;
    b->node.attributes.softmax.axis = next_random(0, 2);
    return SMR_OP_SOFTMAX;
}

static uint16_t open_random(sequence_bench *b) {
    switch (next_random(0, 3)) {
        case 0: return open_recurrent(b);
        case 1: return open_attention(b);
        case 2: return open_rows(b);
        default: return open_softmax(b);
    }
}

/* Runs work items [begin, end) in up to three parts, the last one first. */
static void run_items(const smr_node *node, size_t begin, size_t end) {
    const size_t first = begin + (size_t)next_random(0, (int32_t)(end - begin));
    const size_t second = first + (size_t)next_random(0, (int32_t)(end - first));
    smr_error error;
    CHECK_OK(node->run(node, second, end, &error), error);
    CHECK_OK(node->run(node, first, second, &error), error);
    CHECK_OK(node->run(node, begin, first, &error), error);
}

/* Runs the node with the kernels of a set of instruction sets: each phase for itself, or all that it has to
 * do at once. Outputs go after one another to `results`. */
static const char *run_sequences(sequence_bench *b, uint16_t opcode, uint32_t isas, float *results) {
    smr_error error;
    size_t phases, phase, items;
    int i;
    memset(&b->node.room, 0, sizeof b->node.room);
    b->node.parameters = b->node.room.bytes;
    b->node.isas = isas;
    b->node.work = 0;
    b->node.phased = false;
    b->node.kernel = smr_kernel_select(opcode, &b->node);
    if (!CHECK(b->node.kernel != NULL)) {
        exit(EXIT_FAILURE);
    }
    CHECK_OK(b->node.kernel->prepare(&b->node, &error), error);
    b->node.scratch = guard_allocate(b->node.scratch_bytes, 64, next_random(0, 3) > 0);
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
        smr_load_floats(b->dtype, b->made[i].data, 0, b->made[i].count, results);
        memset(b->made[i].data, 0xa5, b->made[i].count * smr_dtype_size((smr_dtype)b->dtype));
        results += b->made[i].count;
    }
    return b->node.kernel->name;
}

/* How many of the floats differ by more than the tolerance, `share` of them added; a NaN is near a NaN. */
static size_t count_far(const float *found, const float *expected, size_t count, float tolerance,
                        float share) {
    size_t i, far = 0;
    for (i = 0; i < count; ++i) {
        const float most = tolerance + share * fabsf(expected[i]);
        const bool near = isnan(expected[i]) ? isnan(found[i]) != 0 : fabsf(found[i] - expected[i]) <= most;
        far += near ? 0 : 1;
    }
    return far;
}

static void open_sequences(sequence_bench *b) {
    memset(b, 0, sizeof *b);
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
}

/* Whether instruction sets have a kernel for the node. */
static bool is_taken(const sequence_bench *b, uint16_t opcode) {
    if (b->dtype == SMR_DTYPE_FLOAT32) {
        return true;
    }
    return opcode == SMR_OP_ATTENTION
               ? b->given[0].dims[3] <= SMR_ATTENTION_NUMBERS && b->given[2].dims[3] <= SMR_ATTENTION_NUMBERS
               : HAS_HALVES;
}

static void check_case(int number) {
    sequence_bench b;
    size_t count = 0;
    float *expected, *found, *again;
    const char *name;
    uint32_t index, isa;
    uint16_t opcode;
    float share; /* what differs a little may be rounded to neighbours in float16 */
    int i;
    open_sequences(&b);
    b.dtype = next_random(0, 2) == 0 ? SMR_DTYPE_FLOAT16 : SMR_DTYPE_FLOAT32;
    share = b.dtype == SMR_DTYPE_FLOAT16 ? 0x1p-10f : 0.0f;
    opcode = open_random(&b);
    for (i = 0; i < b.node.output_count; ++i) {
        count += b.made[i].count;
    }
    expected = malloc(3 * count * sizeof *expected + 1);
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    found = expected + count;
    again = found + count;
    (void)run_sequences(&b, opcode, 0, expected);
    for (index = 1; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        if (allowed == UINT32_MAX) {
            continue;
        }
        CHECK((strcmp(run_sequences(&b, opcode, allowed, found), "generic") != 0) == is_taken(&b, opcode));
        (void)run_sequences(&b, opcode, allowed, again);
        if (!CHECK(count_far(found, expected, count, 1e-5f, share) == 0) ||
            !CHECK(memcmp(found, again, count * sizeof *found) == 0)) {
            fprintf(
                stderr,
                "    case %d: opcode %d of type %d with %s, inputs [%d, %d, %d, %d] and [%d, %d, %d, %d]\n",
                number, opcode, b.dtype, name, size_of_axis(&b.given[0], 0), size_of_axis(&b.given[0], 1),
                size_of_axis(&b.given[0], 2), size_of_axis(&b.given[0], 3), size_of_axis(&b.given[1], 0),
                size_of_axis(&b.given[1], 1), size_of_axis(&b.given[1], 2), size_of_axis(&b.given[1], 3));
        }
    }
    free(expected);
    for (i = 0; i < INPUTS; ++i) {
        close_value(&b.given[i]);
    }
    for (i = 0; i < OUTPUTS; ++i) {
        close_value(&b.made[i]);
    }
}

int main(int argc, char **argv) {
    const int cases = argc > 1 ? atoi(argv[1]) : CASES;
    int i;
    for (i = 0; i < cases; ++i) {
        check_case(i);
    }
    return check_result();
}
