/* How long ops take, roughly. */
#include "cost.h"

#include "isa.h"

/* Multiplications and bytes in a nanosecond. */
typedef struct cost_rate {
    uint32_t isa;
    float floats;
    float integers;
    float bytes;
} cost_rate;

static const cost_rate cost_rates[] = {
    {SMR_ISA_generic, 1.5f, 1.5f, 10}, {SMR_ISA_avx2, 35, 45, 60},        {SMR_ISA_avxvnni, 35, 90, 60},
    {SMR_ISA_avx512, 60, 45, 75},      {SMR_ISA_avx512vnni, 60, 150, 75}, {SMR_ISA_avx512vbmi, 60, 150, 75},
    {SMR_ISA_amx, 60, 600, 75},        {SMR_ISA_neon, 12, 12, 25},        {SMR_ISA_neonfp16, 24, 12, 25},
    {SMR_ISA_neondot, 12, 40, 25},     {SMR_ISA_neoni8mm, 12, 70, 25},    {SMR_ISA_wasm, 12, 12, 25},
};

#define COST_LEAST 10 /* nanoseconds of any op */

static double cost_bytes(const smr_value *value) {
    return value == NULL ? 0 : (double)value->count * (double)smr_dtype_size((smr_dtype)value->dtype);
}

/* Whether an op reads no more of its inputs than it writes. */
static bool cost_picks(uint16_t opcode) {
    switch (opcode) {
        case SMR_OP_GATHER:
        case SMR_OP_GATHER_ND:
        case SMR_OP_GATHER_ELEMENTS:
        case SMR_OP_SLICE:
        case SMR_OP_STRIDED_SLICE: return true;
        default: return false;
    }
}

static double cost_all_bytes(const smr_node *node) {
    double bytes = 0;
    int32_t i;
    for (i = 0; i < node->output_count; ++i) {
        bytes += cost_bytes(node->outputs[i]);
    }
    if (cost_picks(node->kernel->opcode)) {
        return 2 * bytes;
    }
    for (i = 0; i < node->input_count; ++i) {
        bytes += cost_bytes(node->inputs[i]);
    }
    return bytes;
}

/* The size of the last axis of a value but for `before`. */
static double cost_axis(const smr_value *value, int32_t before) {
    return value->rank > before ? value->dims[value->rank - 1 - before] : 1;
}

/* How many times as many outputs there were if all panels of 16, which they are computed in, were full. */
static double cost_panels(double outputs) {
    const int64_t panels = ((int64_t)outputs + 15) / 16;
    return (double)(panels * 16) / outputs;
}

/* Those of depthwise convolutions, of which a processor does fewer at a time, count twice, and so do those of
 * Winograd's, a sixteenth of the filter for each pixel, since as much goes into transforms, and those of a
 * recurrent layer's state, whose matrix comes from a cache in each step. */
static double cost_multiplications(const smr_node *node) {
    const smr_value *x = node->input_count > 0 ? node->inputs[0] : NULL;
    const smr_value *y = node->input_count > 1 ? node->inputs[1] : NULL;
    const smr_value *z = node->output_count > 0 ? node->outputs[0] : NULL;
    if (x == NULL || y == NULL || z == NULL || z->count == 0) {
        return 0;
    }
    switch (node->kernel->opcode) {
        case SMR_OP_CONV2D:
        case SMR_OP_QUANTIZED_CONV2D:
        case SMR_OP_QUANTIZED_CONV2D_INT16:
            return (double)z->count / cost_axis(z, 0) * (double)y->count * cost_panels(cost_axis(z, 0));
        case SMR_OP_WINOGRAD_CONV2D: return (double)z->count / cost_axis(z, 0) * (double)y->count / 8;
        case SMR_OP_DEPTHWISE_CONV2D:
        case SMR_OP_QUANTIZED_DEPTHWISE_CONV2D:
            return 2.0 * (double)z->count / cost_axis(z, 0) * (double)y->count;
        case SMR_OP_MATMUL:
        case SMR_OP_QUANTIZED_MATMUL:
            return (double)z->count * cost_axis(x, 0) * cost_axis(x, 1) / cost_axis(z, 1);
        case SMR_OP_QUANTIZED_LSTM:
        case SMR_OP_QUANTIZED_GRU:
        case SMR_OP_QUANTIZED_RNN:
            return (double)x->count / cost_axis(x, 0) *
                   ((double)y->count + 2.0 * (double)node->inputs[2]->count);
        case SMR_OP_LSTM:
        case SMR_OP_GRU:
        case SMR_OP_RNN: return (double)x->count / cost_axis(x, 0) * (double)y->count;
        case SMR_OP_ATTENTION: return ((double)x->count + (double)z->count) * cost_axis(y, 1);
        default: return 0;
    }
}

double smr_node_cost(const smr_node *node) {
    const cost_rate *rate = &cost_rates[0];
    const smr_value *first = node->input_count > 0 ? node->inputs[0] : NULL;
    const bool integers = first != NULL && first->dtype >= SMR_DTYPE_INT8 && first->dtype <= SMR_DTYPE_INT16;
    double multiplying, moving;
    size_t i;
    if (node->work == 0 || node->cost > 0) {
        return node->work == 0 ? 0 : (double)node->cost;
    }
    for (i = 1; i < sizeof cost_rates / sizeof cost_rates[0]; ++i) {
        if (node->kernel->isa == cost_rates[i].isa) {
            rate = &cost_rates[i];
        }
    }
    multiplying = cost_multiplications(node) / (double)(integers ? rate->integers : rate->floats);
    moving = cost_all_bytes(node) / (double)rate->bytes;
    return COST_LEAST + (multiplying > moving ? multiplying : moving);
}
