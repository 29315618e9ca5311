/* Which ops follow another. Where things lie decides, in the context at its current dimensions: what an op
 * reads or writes may be touched early or late by none of the others. */
#include "follow.h"

#include "context.h"

#define FOLLOW_MOST 4 /* nodes after one */

/* Bytes that a node reads or writes. */
typedef struct follow_use {
    uintptr_t begin, end;
    size_t row, width; /* where element i lies: see smr_value_place */
    bool written;
    bool stepwise; /* element i only while that element of the output is computed */
} follow_use;

static follow_use use_of(const smr_value *value, bool written, bool stepwise) {
    const bool strided = value->layout == SMR_LAYOUT_STRIDED;
    const size_t size = smr_dtype_size((smr_dtype)value->dtype);
    follow_use use;
    use.begin = (uintptr_t)value->data;
    use.end = use.begin + (value->count == 0 ? 0 : smr_value_place(value, value->count - 1) + 1) * size;
    use.row = strided ? value->row : 0;
    use.width = strided ? (size_t)value->dims[value->rank - 1] : 0;
    use.written = written;
    use.stepwise = stepwise;
    return use;
}

/* How many uses a node has: its inputs, its output and its scratch. */
static uint32_t count_uses(const smr_node *node) {
    return node->input_count + 2u;
}

/* An input with as many elements as the output is not repeated. */
static follow_use use_at(const smr_program *program, const smr_node *node, uint32_t number) {
    follow_use use = {0, 0, 0, 0, false, false};
    if (number < node->input_count) {
        const smr_value *input = node->inputs[number];
        return input == NULL
                   ? use
                   : use_of(input, false, node->elements && input->count == node->outputs[0]->count);
    }
    if (number == node->input_count) {
        return use_of(node->outputs[0], true, true);
    }
    if (node->scratch != NULL) {
        const smr_op_record op = smr_op_read(smr_vector_table(program->ops, node->index));
        use.begin = (uintptr_t)node->scratch;
        use.end = use.begin + (op.scratch_end - op.scratch_begin);
        use.written = true;
    }
    return use;
}

/* Whether two uses are of the same elements. */
static bool uses_agree(const follow_use *a, const follow_use *b) {
    return a->stepwise && b->stepwise && a->begin == b->begin && a->end == b->end && a->row == b->row &&
           a->width == b->width;
}

/* Whether the order of two uses matters, but for that of the same element. */
static bool uses_collide(const follow_use *a, const follow_use *b) {
    return (a->written || b->written) && a->begin < b->end && b->begin < a->end && !uses_agree(a, b);
}

static bool nodes_collide(const smr_program *program, const smr_node *a, const smr_node *b) {
    uint32_t i, k;
    for (i = 0; i < count_uses(a); ++i) {
        const follow_use one = use_at(program, a, i);
        for (k = 0; k < count_uses(b); ++k) {
            const follow_use other = use_at(program, b, k);
            if (uses_collide(&one, &other)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a node goes over the elements that another writes. */
static bool reads_output(const smr_program *program, const smr_node *node, const smr_node *writer) {
    const follow_use output = use_of(writer->outputs[0], true, true);
    uint32_t i;
    for (i = 0; i < node->input_count; ++i) {
        const follow_use input = use_at(program, node, i);
        if (uses_agree(&input, &output)) {
            return true;
        }
    }
    return false;
}

/* Whether node `count` may follow those before it, of which the first has the others as followers. */
static bool may_follow(const smr_program *program, smr_node *const *nodes, uint32_t count) {
    const smr_node *node = nodes[count];
    const uintptr_t before = (uintptr_t)nodes[count - 1], here = (uintptr_t)node;
    bool reads = false;
    uint32_t i;
    if (!node->elements || node->late || node->work != nodes[0]->outputs[0]->count || here < before ||
        here - before > UINT16_MAX) {
        return false;
    }
    for (i = 0; i < count; ++i) {
        if (nodes_collide(program, nodes[i], node)) {
            return false;
        }
        reads = reads || reads_output(program, node, nodes[i]);
    }
    return reads;
}

/* Whether nodes can follow one at all, and several threads share its work about as well as without them. One
 * thread alone meets no other. */
static bool may_lead(const smr_node *node, int32_t threads) {
    const size_t units = node->late || node->completes == 0 ? 0 : node->work / node->completes;
    const size_t most = (units + (size_t)threads - 1) / (size_t)threads;
    return threads > 1 && units > 0 && most * (size_t)threads <= units + units / 4;
}

void smr_follow_plan(const smr_program *program, int32_t threads) {
    uint32_t i, count;
    for (i = 0; i < program->node_count; i += count) {
        smr_node *const *nodes = program->nodes + i;
        const bool leads = may_lead(nodes[0], threads);
        nodes[0]->follower = 0;
        for (count = 1; leads && count <= FOLLOW_MOST && count < program->node_count - i &&
                        may_follow(program, nodes, count);
             ++count) {
            nodes[count - 1]->follower = (uint16_t)((uintptr_t)nodes[count] - (uintptr_t)nodes[count - 1]);
            nodes[count]->follower = 0;
        }
    }
}
