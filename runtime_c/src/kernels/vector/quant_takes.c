/* Which nodes the integer kernels of vector/ take. */
#include "../prototypes.h"

static bool quant_is_bytes(const smr_value *value) {
    return value->dtype == SMR_DTYPE_INT8 || value->dtype == SMR_DTYPE_UINT8;
}

bool smr_quant_vector_takes_quantize(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT32 && quant_is_bytes(node->outputs[0]) &&
           node->attributes.quantize.rounding == SMR_ROUNDING_NATIVE;
}

bool smr_quant_vector_takes_dequantize(const smr_node *node) {
    return quant_is_bytes(node->inputs[0]) && node->outputs[0]->dtype == SMR_DTYPE_FLOAT32;
}

bool smr_quant_vector_takes_requantize(const smr_node *node) {
    return quant_is_bytes(node->inputs[0]) && quant_is_bytes(node->outputs[0]);
}

bool smr_quant_vector_takes_max_pool2d(const smr_node *node) {
    return quant_is_bytes(node->inputs[0]);
}

bool smr_quant_vector_takes_fixed(const smr_node *node) {
    int32_t i;
    for (i = 0; i < node->input_count; ++i) {
        if (!quant_is_bytes(node->inputs[i])) {
            return false;
        }
    }
    return quant_is_bytes(node->outputs[0]);
}
