/* Element-wise ops that follow the op before them: of what a thread has just computed of an output it
 * computes the elements of the next op too, while they are in a cache and before any thread waits for
 * another. The same kernels compute the same elements. */
#ifndef SMR_FOLLOW_H
#define SMR_FOLLOW_H

#include "kernel.h"

struct smr_program;

/* Decides which nodes of a program, which are prepared, follow the one before them in runs that use so many
 * threads. */
void smr_follow_plan(const struct smr_program *program, int32_t threads);

/* The node that follows one, or null. */
static inline const smr_node *smr_follower(const smr_node *node) {
    return node->follower == 0 ? NULL
                               : (const smr_node *)(const void *)((const uint8_t *)node + node->follower);
}

/* How many nodes follow one. */
static inline uint32_t smr_follow_count(const smr_node *node) {
    uint32_t count = 0;
    for (; node->follower != 0; node = smr_follower(node)) {
        ++count;
    }
    return count;
}

/* What the work of a node is cut between: so many items. */
static inline size_t smr_follow_unit(const smr_node *node) {
    return node->follower == 0 ? 1 : node->completes;
}

/* So many lines of pixels of a node's output are there, from pixel `first` on: the nodes that follow it have
 * their turn. */
static inline void smr_follow(const smr_node *node, size_t first, size_t lines, size_t columns) {
    const smr_value *image = node->outputs[0];
    const size_t channels = (size_t)image->dims[image->rank - 1];
    const size_t width = lines > 1 ? (size_t)image->dims[image->rank - 2] : columns;
    const smr_node *follower;
    if (columns == width) { /* lines that lie side by side */
        columns *= lines;
        lines = 1;
    }
    for (; lines > 0; --lines, first += width) {
        for (follower = smr_follower(node); follower != NULL; follower = smr_follower(follower)) {
            (void)follower->run(follower, first * channels, (first + columns) * channels, NULL);
        }
    }
}

#endif
