/* Verifying that an op whose operands lie in each other has nothing to move for them. */
#include "verify.h"

/* About how many steps asking a kernel takes. */
#define SHARING_WORK 256u

/* How many bytes the operands before number `end` have together; all are given. */
static size_t bytes_before(const smr_verify *verify, smr_vector operands, smr_vector tensors, uint32_t end) {
    size_t bytes = 0;
    uint32_t i;
    for (i = 0; i < end; ++i) {
        const smr_extent extent = smr_tensor_extent(
            &verify->largest, smr_vector_table(tensors, (uint32_t)smr_vector_i32(operands, i)));
        bytes += extent.end - extent.begin;
    }
    return bytes;
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
        !smr_op_is_fixed(op, tensors)) {
        return SMR_OK;
    }
    SMR_TRY(smr_verify_probe(verify, op, tensors));
    switch (node->sharing) {
        case SMR_SHARING_PART: placed = input == 0 && output == 0 && out == in + node->shared_offset; break;
        case SMR_SHARING_PARTS:
            placed = input == 0 && out == in + bytes_before(verify, op->outputs, tensors, output);
            break;
        case SMR_SHARING_WHOLE:
            placed = output == 0 && in == out + bytes_before(verify, op->inputs, tensors, input);
            break;
        default: break;
    }
    if (placed) {
        *sharing = (smr_sharing)node->sharing;
    }
    return SMR_OK;
}
