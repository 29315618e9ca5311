/* What the kernels of this folder take. */
#include "../prototypes.h"

bool smr_vector_takes_floats(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT32 || node->inputs[0]->dtype == SMR_DTYPE_FLOAT16;
}

bool smr_vector_takes_float32(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT32;
}
