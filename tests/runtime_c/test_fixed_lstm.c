/* fixed_point_lstm for instruction sets against the generic kernel, bit for bit: random sizes around those of
 * vectors, and every number of 16 bits in every gate. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "random_nodes.h"

#define CASES 60

typedef struct layer {
    smr_node node;
    smr_value values[13]; /* nine inputs, of which the last two may be absent, and four outputs */
    const smr_value *inputs[9];
    smr_value *outputs[4];
} layer;

typedef struct sizes {
    int32_t batch, steps, inputs, cells, gates, outputs; /* as many outputs as cells: no projection */
} sizes;

static void open_constant(smr_value *value, uint8_t dtype, int32_t rank, const int32_t *dims) {
    open_value(value, dtype, rank, dims, 0);
    value->storage = SMR_STORAGE_CONSTANT;
}

static void next_multipliers(smr_value *value, int32_t gates) {
    int32_t *numbers = value->data, i;
    for (i = 0; i < 4 * gates; ++i) {
        const bool shift = i / gates % 2 != 0;
        numbers[i] = shift ? next_random(-9, next_random(0, 5) == 0 ? 4 : -1)
                           : (1 << 30) + next_random(0, (1 << 24) - 1) * 64;
    }
}

/* Any number of 16 bits. */
static void next_cells(smr_value *value) {
    size_t i;
    for (i = 0; i < value->count; ++i) {
        ((int16_t *)value->data)[i] = (int16_t)next_random(INT16_MIN, INT16_MAX);
    }
}

static void open_layer(layer *l, const sizes *s) {
    const bool projected = s->outputs != s->cells;
    const int32_t x[] = {s->batch, s->steps, s->inputs}, filter[] = {s->gates, s->cells, s->inputs};
    const int32_t recurrent[] = {s->gates, s->cells, s->outputs}, bias[] = {2, s->gates, s->cells};
    const int32_t multipliers[] = {2, 2, s->gates}, state[] = {s->batch, s->outputs};
    const int32_t cell[] = {s->batch, s->cells}, projection[] = {s->outputs, s->cells};
    const int32_t y[] = {s->batch, s->steps, s->outputs};
    smr_fixed_point_lstm_attributes *a = &l->node.attributes.fixed_point_lstm;
    int32_t i;
    memset(l, 0, sizeof *l);
    open_value(&l->values[0], SMR_DTYPE_INT8, 3, x, 0);
    open_constant(&l->values[1], SMR_DTYPE_INT8, 3, filter);
    open_constant(&l->values[2], SMR_DTYPE_INT8, 3, recurrent);
    open_constant(&l->values[3], SMR_DTYPE_INT32, 3, bias);
    open_constant(&l->values[4], SMR_DTYPE_INT32, 3, multipliers);
    next_multipliers(&l->values[4], s->gates);
    open_value(&l->values[5], SMR_DTYPE_INT8, 2, state, 0);
    open_value(&l->values[6], SMR_DTYPE_INT16, 2, cell, 0);
    next_cells(&l->values[6]);
    if (projected) {
        open_constant(&l->values[7], SMR_DTYPE_INT8, 2, projection);
        open_constant(&l->values[8], SMR_DTYPE_INT32, 1, projection);
    }
    open_value(&l->values[9], SMR_DTYPE_INT8, 3, y, 0);
    open_value(&l->values[10], SMR_DTYPE_INT8, 2, state, 0);
    open_value(&l->values[11], SMR_DTYPE_INT16, 2, cell, 0);
    open_value(&l->values[12], SMR_DTYPE_INT8, 2, cell, 0);
    for (i = 0; i < 9; ++i) {
        l->inputs[i] = i < 7 || projected ? &l->values[i] : NULL;
    }
    for (i = 0; i < 4; ++i) {
        l->outputs[i] = &l->values[9 + i];
    }
    l->node.inputs = l->inputs;
    l->node.outputs = l->outputs;
    l->node.input_count = 9;
    l->node.output_count = 4;
    a->cell_scale_log2 = next_random(-15, -9);
    a->cell_clip = next_random(0, 2) == 0 ? next_random(1, 40000) : 0;
    a->hidden_multiplier = (1 << 30) + next_random(0, (1 << 24) - 1) * 64;
    a->hidden_shift = next_random(-23, -17);
    a->hidden_zero_point = next_random(0, 9) == 0 ? next_random(-40000, 40000) : next_random(-128, 127);
    a->projection_multiplier = (1 << 30) + next_random(0, (1 << 24) - 1) * 64;
    a->projection_shift = next_random(-12, -5);
    a->projection_clip = next_random(0, 2) == 0 ? next_random(1, 200) : 0;
    a->output_zero_point = next_random(-128, 127);
}

static size_t bytes_of(const smr_value *value) {
    return value->count * smr_dtype_size((smr_dtype)value->dtype);
}

static const char *run_layer(layer *l, uint32_t isas) {
    smr_error error;
    int32_t i;
    for (i = 9; i < 13; ++i) {
        memset(l->values[i].data, GUARD_PATTERN, bytes_of(&l->values[i]));
    }
    memset(&l->node.room, 0, sizeof l->node.room);
    l->node.parameters = l->node.room.bytes;
    l->node.isas = isas;
    l->node.kernel = smr_kernel_select(SMR_OP_FIXED_POINT_LSTM, &l->node);
    CHECK_OK(l->node.kernel->prepare(&l->node, &error), error);
    CHECK_OK(l->node.run(&l->node, 0, l->node.work, &error), error);
    return l->node.kernel->name;
}

/* Returns how many instruction sets have a kernel of their own. */
static size_t compare(layer *l, int number) {
    uint8_t *expected[4];
    uint32_t index, isa;
    const char *name;
    size_t used = 0;
    int32_t i;
    (void)run_layer(l, 0);
    for (i = 0; i < 4; ++i) {
        const size_t bytes = bytes_of(&l->values[9 + i]);
        expected[i] = malloc(bytes + 1);
        if (expected[i] == NULL) {
            exit(EXIT_FAILURE);
        }
        memcpy(expected[i], l->values[9 + i].data, bytes);
    }
    for (index = 1; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        if (allowed == UINT32_MAX) {
            continue;
        }
        used += strcmp(run_layer(l, allowed), "generic") != 0;
        for (i = 0; i < 4; ++i) {
            if (!CHECK(memcmp(l->values[9 + i].data, expected[i], bytes_of(&l->values[9 + i])) == 0)) {
                fprintf(stderr, "    case %d: output %d with %s\n", number, (int)i, name);
            }
        }
    }
    for (i = 0; i < 4; ++i) {
        free(expected[i]);
    }
    for (i = 0; i < 13; ++i) {
        close_value(&l->values[i]);
    }
    return used;
}

static size_t check_random(int number) {
    sizes s = {next_random(1, 3), next_random(0, 4), next_size(70), next_size(40), next_random(3, 4), 0};
    layer l;
    s.outputs = next_random(0, 2) == 0 ? next_size(40) : s.cells;
    open_layer(&l, &s);
    return compare(&l, number);
}

/* As many cells as there are numbers of 16 bits, each of which is what a gate sees, in another order for each
 * gate: a multiplier of 2^30 with a shift of 1 leaves a bias as it is. */
static void check_all(int32_t cell_scale_log2) {
    const sizes s = {1, 1, 1, 1 << 16, 4, 1};
    const uint32_t steps[] = {1, 3, 5, 11};
    layer l;
    int32_t *bias, *multipliers;
    uint32_t gate, cell;
    open_layer(&l, &s);
    bias = l.values[3].data;
    multipliers = l.values[4].data;
    memset(l.values[1].data, 0, l.values[1].count);
    memset(l.values[2].data, 0, l.values[2].count);
    memset(bias, 0, l.values[3].count * sizeof *bias);
    for (gate = 0; gate < 4; ++gate) {
        multipliers[gate] = 1 << 30;
        multipliers[4 + gate] = 1;
        for (cell = 0; cell < 1u << 16; ++cell) {
            bias[gate << 16 | cell] = (int32_t)(cell * steps[gate] & 0xffff) - (1 << 15);
        }
    }
    l.node.attributes.fixed_point_lstm.cell_scale_log2 = cell_scale_log2;
    l.node.attributes.fixed_point_lstm.cell_clip = 0;
    (void)compare(&l, cell_scale_log2);
}

int main(int argc, char **argv) {
    const int cases = count_cases(argc, argv, CASES);
    size_t used = 0;
    int32_t i;
    for (i = 0; i < cases; ++i) {
        used += check_random(i);
    }
    for (i = -15; i <= -9; ++i) {
        check_all(i);
    }
    CHECK(used > 0 || smr_platform_isas() == 0);
    return check_result();
}
