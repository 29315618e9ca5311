/* cond and while_loop: the core runs their bodies, and these check what a node alone tells: its
 * attributes say which bodies. */
#include <string.h>

#include "../prototypes.h"

smr_status smr_prepare_cond(smr_node *node, smr_error *error) {
    if (node->inputs[0]->rank != 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a predicate of rank %d", (int)node->inputs[0]->rank);
    }
    node->whole = true;
    return SMR_OK;
}

smr_status smr_prepare_while_loop(smr_node *node, smr_error *error) {
    const int64_t invariants = node->attributes.while_loop.invariants;
    int32_t i;
    if (invariants < 0 || invariants + node->output_count != node->input_count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d inputs and %d invariants for %d loop variables",
                 (int)node->input_count, (int)invariants, (int)node->output_count);
    }
    if (node->attributes.while_loop.maximum_trip_count < 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a maximum of %d steps",
                 (int)node->attributes.while_loop.maximum_trip_count);
    }
    for (i = 0; i < node->output_count; ++i) {
        const smr_value *before = node->inputs[i], *after = node->outputs[i];
        if (before->dtype != after->dtype || before->rank != after->rank ||
            memcmp(before->dims, after->dims, before->rank * sizeof *before->dims) != 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "loop variable %d changes its element type or shape", (int)i);
        }
    }
    node->whole = true;
    return SMR_OK;
}
