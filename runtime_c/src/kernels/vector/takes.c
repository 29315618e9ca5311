/* What the kernels of this folder take. */
#include "../generic/attention.h"
#include "../prototypes.h"

bool smr_vector_takes_floats(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT32 || node->inputs[0]->dtype == SMR_DTYPE_FLOAT16;
}

bool smr_vector_takes_float32(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT32;
}

bool smr_vector_takes_attention(const smr_node *node) {
    const smr_value *query = node->inputs[0], *value = node->inputs[2];
    if (query->dtype == SMR_DTYPE_FLOAT32) {
        return true;
    }
    return query->rank > 0 && query->dims[query->rank - 1] <= SMR_ATTENTION_NUMBERS && value->rank > 0 &&
           value->dims[value->rank - 1] <= SMR_ATTENTION_NUMBERS;
}
