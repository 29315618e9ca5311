/* The walk over the elements of unary and binary ops: conversion to float or int64_t, broadcasting, one loop.
 */
#include "elementwise.h"

/* `count` elements of an operand, contiguous and in the type of the loop: in place if they are that already,
 * else in `block`. With step 0 the first element, repeated. */
static const void *elementwise_fetch(const smr_value *value, size_t offset, size_t step, size_t count,
                                     smr_block *block) {
    const size_t loaded = step == 0 ? 1 : count;
    size_t i;
    if (step == 1 && smr_is_direct(value->dtype)) {
        return (const uint8_t *)value->data + offset * smr_dtype_size((smr_dtype)value->dtype);
    }
    if (smr_is_float(value->dtype)) {
        smr_load_floats(value->dtype, value->data, offset, loaded, block->floats);
        for (i = loaded; i < count; ++i) {
            block->floats[i] = block->floats[0];
        }
    } else {
        smr_load_integers(value->dtype, value->data, offset, loaded, block->integers);
        for (i = loaded; i < count; ++i) {
            block->integers[i] = block->integers[0];
        }
    }
    return block;
}

static void elementwise_store(const smr_value *value, size_t offset, size_t count, const smr_block *block) {
    if (smr_is_float(value->dtype)) {
        smr_store_floats(value->dtype, value->data, offset, count, block->floats);
    } else {
        smr_store_integers(value->dtype, value->data, offset, count, block->integers);
    }
}

/* Elements [at, at + count) of the output, which lie in one row. */
static smr_status elementwise_run_row(const smr_node *node, const smr_broadcast_row *row, size_t at,
                                      size_t count, smr_error *error) {
    const smr_elementwise *parameters = SMR_CONST_PARAMETERS(node, smr_elementwise);
    const smr_value *output = node->outputs[0];
    const size_t to = row->offsets[node->input_count];
    const bool direct = smr_is_direct(output->dtype) || output->dtype == SMR_DTYPE_BOOL;
    const size_t size = smr_dtype_size((smr_dtype)output->dtype);
    const void *operands[2] = {NULL, NULL};
    smr_block blocks[2], result;
    size_t limit = direct ? count : SMR_BLOCK;
    size_t done, n;
    int32_t k;
    for (k = 0; k < node->input_count; ++k) {
        if (row->steps[k] == 0 || !smr_is_direct(node->inputs[k]->dtype)) {
            limit = SMR_BLOCK;
        }
    }
    for (done = 0; done < count; done += n) {
        void *target = direct ? (uint8_t *)output->data + (to + done) * size : (void *)&result;
        const char *refusal;
        n = count - done < limit ? count - done : limit;
        for (k = 0; k < node->input_count; ++k) {
            if (done == 0 || row->steps[k] == 1) {
                operands[k] = elementwise_fetch(node->inputs[k], row->offsets[k] + done * row->steps[k],
                                                row->steps[k], n, &blocks[k]);
            }
        }
        refusal = parameters->loop(&parameters->constants, n, operands[0], operands[1], target);
        if (refusal != NULL) {
            SMR_FAIL(error, SMR_ERROR_DATA, "%s, in elements %zu to %zu", refusal, at + done,
                     at + done + n - 1);
        }
        if (!direct) {
            elementwise_store(output, to + done, n, &result);
        }
    }
    return SMR_OK;
}

static smr_status elementwise_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_broadcast *broadcast = &SMR_CONST_PARAMETERS(node, smr_elementwise)->broadcast;
    smr_broadcast_row row;
    smr_broadcast_start(broadcast, begin, &row);
    while (begin < end) {
        const size_t count = end - begin < row.length ? end - begin : row.length;
        SMR_TRY(elementwise_run_row(node, &row, begin, count, error));
        begin += count;
        smr_broadcast_next(broadcast, &row);
    }
    return SMR_OK;
}

smr_status smr_elementwise_prepare(smr_node *node, smr_elementwise_loop floats, smr_elementwise_loop integers,
                                   smr_error *error) {
    smr_elementwise *parameters = SMR_PARAMETERS(node, smr_elementwise);
    parameters->loop = smr_is_float(node->inputs[0]->dtype) ? floats : integers;
    if (parameters->loop == NULL) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "no kernel for %s",
                 smr_dtype_name((smr_dtype)node->inputs[0]->dtype));
    }
    node->run = elementwise_run;
    SMR_TRY(smr_broadcast_prepare(node, &parameters->broadcast, error));
    node->parameter_bytes = (uint16_t)(sizeof *parameters - smr_broadcast_spare(&parameters->broadcast));
    return SMR_OK;
}
