/* A node that follows another one: it sees that each element comes once, as it is to be, and changes it, so
 * that one that is written or read later is another. */
#ifndef SMR_TESTS_FOLLOWER_H
#define SMR_TESTS_FOLLOWER_H

#include "core/follow.h"
#include "random_nodes.h"

typedef struct follower {
    const uint8_t *expected; /* bytes of the elements */
    uint8_t *times;          /* that each has come; more where it was not what it is to be */
} follower;

static inline smr_status follower_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const follower *f = SMR_CONST_PARAMETERS(node, follower);
    const size_t size = smr_dtype_size((smr_dtype)node->outputs[0]->dtype);
    (void)error;
    for (; begin < end; ++begin) {
        uint8_t *element = (uint8_t *)node->outputs[0]->data + begin * size;
        size_t i;
        f->times[begin] =
            (uint8_t)(f->times[begin] + (memcmp(element, f->expected + begin * size, size) == 0 ? 1 : 2));
        for (i = 0; i < size; ++i) {
            element[i] ^= 0xff;
        }
    }
    return SMR_OK;
}

/* Whether a node that has been run, and completes its elements, gives each of them once to one that follows
 * it, in up to three parts, the last one first. The output is as it was afterwards. */
static inline bool followed_once(bench *b) {
    const size_t size = smr_dtype_size((smr_dtype)b->values[4].dtype), count = b->values[4].count;
    const size_t unit = b->node.completes, units = b->node.work / unit;
    const size_t first = (size_t)next_random(0, (int32_t)units) * unit;
    const size_t second = first + (size_t)next_random(0, (int32_t)(units - first / unit)) * unit;
    uint8_t *output = b->values[4].data, *expected = malloc(count * size + count),
            *times = expected + count * size;
    follower f = {expected, times};
    smr_node nodes[2]; /* a copy of it, and what follows that */
    bool once = b->node.work % unit == 0;
    size_t i;
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    memcpy(expected, output, count * size);
    memset(output, GUARD_PATTERN, count * size);
    memset(times, 0, count);
    memset(nodes, 0, sizeof nodes);
    nodes[0] = b->node;
    nodes[0].follower = sizeof nodes[0];
    nodes[1].outputs = b->outputs;
    nodes[1].run = follower_run;
    nodes[1].parameters = &f;
    for (i = 3; i-- > 0;) {
        const size_t begin = i == 0 ? 0 : i == 1 ? first : second;
        const size_t end = i == 0 ? first : i == 1 ? second : b->node.work;
        once = once && (begin == end || nodes[0].run(nodes, begin, end, NULL) == SMR_OK);
    }
    for (i = 0; i < count; ++i) {
        once = once && times[i] == 1;
    }
    for (i = 0; i < count * size; ++i) {
        once = once && (output[i] ^ expected[i]) == 0xff;
    }
    memcpy(output, expected, count * size);
    free(expected);
    return once;
}

#endif
