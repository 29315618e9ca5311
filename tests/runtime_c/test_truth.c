/* Whether any or all elements are true, over any axes: against one element after the other, where most of
 * them are alike, and true is any byte but 0. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "random_nodes.h"

#define CASES 2000

static void open_truths(smr_value *value, const int32_t *dims, bool mostly) {
    size_t i;
    open_value(value, SMR_DTYPE_BOOL, 4, dims, 0);
    for (i = 0; i < value->count; ++i) {
        const bool truth = (next_random(0, (int32_t)value->count) == 0) != mostly;
        ((uint8_t *)value->data)[i] = (uint8_t)(truth ? next_random(0, 1) * 127 + next_random(1, 128) : 0);
    }
}

/* What element `at` of the input comes together in. */
static size_t place_of(const smr_value *x, const smr_value *y, size_t at) {
    size_t place = 0, stride = 1;
    int32_t axis;
    for (axis = 3; axis >= 0; --axis) {
        const size_t size = (size_t)x->dims[axis];
        place += y->dims[axis] == 1 ? 0 : at % size * stride;
        stride *= (size_t)y->dims[axis];
        at /= size;
    }
    return place;
}

static void check_case(int number) {
    bench b;
    const bool all = next_random(0, 1) == 0, mostly = next_random(0, 3) > 0 ? all : !all;
    const int32_t axes = next_random(1, 15);
    const uint16_t opcode = all ? SMR_OP_REDUCE_ALL : SMR_OP_REDUCE_ANY;
    smr_reduce_any_attributes *a = &b.node.attributes.reduce_any;
    int32_t x[4], y[4], i;
    uint8_t *expected;
    size_t at;
    memset(&b, 0, sizeof b);
    for (i = 0; i < 4; ++i) {
        x[i] = i < 3 ? next_random(1, 5) : next_random(0, 3) == 0 ? next_random(1, 600) : next_size(140);
        y[i] = (axes >> i & 1) != 0 ? 1 : x[i];
        if ((axes >> i & 1) != 0) {
            a->axes.values[a->axes.count++] = i;
        }
    }
    a->keepdims = 1;
    open_truths(&b.values[0], x, mostly);
    open_value(&b.values[4], SMR_DTYPE_BOOL, 4, y, 0);
    b.inputs[0] = &b.values[0];
    b.outputs[0] = &b.values[4];
    b.node.inputs = b.inputs;
    b.node.outputs = b.outputs;
    b.node.input_count = b.node.output_count = 1;
    expected = malloc(b.values[4].count);
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    memset(expected, all ? 1 : 0, b.values[4].count);
    for (at = 0; at < b.values[0].count; ++at) {
        if ((((const uint8_t *)b.values[0].data)[at] != 0) != all) {
            expected[place_of(&b.values[0], &b.values[4], at)] = all ? 0 : 1;
        }
    }
    (void)run_with(&b, opcode, 0);
    if (!CHECK(memcmp(expected, b.values[4].data, b.values[4].count) == 0)) {
        fprintf(stderr, "    case %d: opcode %d, x [%d, %d, %d, %d], axes %d\n", number, opcode, x[0], x[1],
                x[2], x[3], axes);
    }
    free(expected);
    close_bench(&b);
}

int main(int argc, char **argv) {
    const int cases = count_cases(argc, argv, CASES);
    int i;
    for (i = 0; i < cases; ++i) {
        check_case(i);
    }
    return check_result();
}
