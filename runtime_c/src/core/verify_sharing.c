/* Verifying that an op whose operands lie in each other has nothing to move for them. */
#include "verify.h"

/* About how many steps asking a kernel takes. */
#define SHARING_WORK 256u

/* How many elements the operands before number `end` have together, wherever their rows lie; all are given.
 */
static size_t elements_before(const smr_value *const *operands, uint32_t end) {
    size_t elements = 0;
    uint32_t i;
    for (i = 0; i < end; ++i) {
        elements += operands[i]->count;
    }
    return elements;
}

/* How many of them are in one row along the last axis. */
static size_t columns_before(const smr_value *const *operands, uint32_t end) {
    size_t columns = 0;
    uint32_t i;
    for (i = 0; i < end; ++i) {
        columns += (size_t)operands[i]->dims[operands[i]->rank - 1];
    }
    return columns;
}

/* Whether part number `index` of a whole lies in it where it belongs; both begin at so many bytes. */
static bool lies_in(const smr_value *const *parts, uint32_t index, const smr_value *whole, size_t part_begin,
                    size_t whole_begin, bool columns) {
    const size_t before =
        columns ? columns_before(parts, index) : smr_value_place(whole, elements_before(parts, index));
    const bool rows = columns ? parts[index]->layout == SMR_LAYOUT_STRIDED &&
                                    smr_value_row(parts[index]) == smr_value_row(whole)
                              : smr_value_rows_alike(parts[index], whole);
    return rows && part_begin == whole_begin + before * smr_dtype_size((smr_dtype)whole->dtype);
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
    switch (node->sharing) {
        case SMR_SHARING_PART: placed = input == 0 && output == 0 && out == in + node->shared_offset; break;
        case SMR_SHARING_PARTS:
        case SMR_SHARING_COLUMNS:
            placed = input == 0 && lies_in((const smr_value *const *)node->outputs, output, node->inputs[0],
                                           out, in, node->sharing == SMR_SHARING_COLUMNS);
            break;
        case SMR_SHARING_WHOLE:
        case SMR_SHARING_ROWS:
            placed = output == 0 && lies_in(node->inputs, input, node->outputs[0], in, out,
                                            node->sharing == SMR_SHARING_ROWS);
            break;
        default: break;
    }
    if (placed) {
        *sharing = (smr_sharing)node->sharing;
    }
    return SMR_OK;
}
