/* Verifying that an op whose operands lie in each other has nothing to move for them. */
#include "verify.h"

/* About how many steps asking a kernel takes. */
#define SHARING_WORK 256u

/* How many bytes the operands before number `end` have together, wherever their rows lie; all are given. */
static size_t bytes_before(const smr_value *const *operands, uint32_t end) {
    size_t bytes = 0;
    uint32_t i;
    for (i = 0; i < end; ++i) {
        bytes += operands[i]->count * smr_dtype_size((smr_dtype)operands[i]->dtype);
    }
    return bytes;
}

/* How many of them are in one row along the last axis. */
static size_t columns_before(const smr_value *const *operands, uint32_t end) {
    size_t columns = 0;
    uint32_t i;
    for (i = 0; i < end; ++i) {
        columns +=
            (size_t)operands[i]->dims[operands[i]->rank - 1] * smr_dtype_size((smr_dtype)operands[i]->dtype);
    }
    return columns;
}

/* Whether the rows of an input lie in those of the output, where they belong. */
static bool lies_in_rows(const smr_node *node, uint32_t input, size_t in, size_t out) {
    const smr_value *part = node->inputs[input], *whole = node->outputs[0];
    return part->layout == SMR_LAYOUT_STRIDED && smr_value_row(part) == smr_value_row(whole) &&
           in == out + columns_before(node->inputs, input);
}

smr_status smr_verify_sharing(smr_verify *verify, const smr_op_record *op, smr_vector tensors, uint32_t input,
                              uint32_t output, smr_sharing *sharing) {
    const smr_table one = smr_vector_table(tensors, (uint32_t)smr_vector_i32(op->inputs, input));
    const smr_table other = smr_vector_table(tensors, (uint32_t)smr_vector_i32(op->outputs, output));
    const size_t in = smr_tensor_extent(&verify->largest, one).begin;
    const size_t out = smr_tensor_extent(&verify->largest, other).begin;
    const smr_node *node = &verify->probe->node;
    bool placed = false;
    *sharing = SMR_SHARING_NONE;
    SMR_TRY(smr_verify_spend(verify, SHARING_WORK + op->inputs.count + op->outputs.count));
    if (smr_tensor_storage(one) != SMR_STORAGE_ARENA || smr_tensor_storage(other) != SMR_STORAGE_ARENA ||
        !smr_op_is_fixed(verify->model, op, tensors)) {
        return SMR_OK;
    }
    SMR_TRY(smr_verify_probe(verify, op, tensors));
    if (node->sharing != SMR_SHARING_ROWS && (smr_tensor_is_strided(one) || smr_tensor_is_strided(other))) {
        return SMR_OK;
    }
    switch (node->sharing) {
        case SMR_SHARING_PART: placed = input == 0 && output == 0 && out == in + node->shared_offset; break;
        case SMR_SHARING_PARTS:
            placed = input == 0 && out == in + bytes_before((const smr_value *const *)node->outputs, output);
            break;
        case SMR_SHARING_WHOLE: placed = output == 0 && in == out + bytes_before(node->inputs, input); break;
        case SMR_SHARING_ROWS: placed = output == 0 && lies_in_rows(node, input, in, out); break;
        default: break;
    }
    if (placed) {
        *sharing = (smr_sharing)node->sharing;
    }
    return SMR_OK;
}
