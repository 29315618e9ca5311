/* Element-wise ops in plain C: broadcasting arithmetic and unary functions. */
#include "../prototypes.h"

/* How the elements of the inputs are reached from those of the output: in units of elements, 0 along a
 * dimension in which the input is broadcast. */
typedef struct elementwise_binary {
    size_t strides[2][SMR_MAX_RANK];
    size_t spans[SMR_MAX_RANK]; /* elements of the output for one step along a dimension */
} elementwise_binary;

static smr_status prepare_broadcast(smr_node *node, smr_error *error) {
    elementwise_binary *parameters = SMR_PARAMETERS(node, elementwise_binary);
    const smr_value *output = node->outputs[0];
    size_t span = 1;
    int32_t i, k;
    for (i = output->rank - 1; i >= 0; --i) {
        parameters->spans[i] = span;
        span *= (size_t)(output->dims[i] > 0 ? output->dims[i] : 1);
    }
    for (k = 0; k < 2; ++k) {
        const smr_value *input = node->inputs[k];
        const int32_t shift = output->rank - input->rank;
        size_t stride = 1;
        if (shift < 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "input %d of rank %d does not broadcast to rank %d", (int)k,
                     (int)input->rank, (int)output->rank);
        }
        for (i = input->rank - 1; i >= 0; --i) {
            const int32_t have = input->dims[i];
            if (have != output->dims[shift + i] && have != 1) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of input %d is %d and does not broadcast to %d",
                         (int)i, (int)k, (int)have, (int)output->dims[shift + i]);
            }
            parameters->strides[k][shift + i] = have == 1 ? 0 : stride;
            stride *= (size_t)(have > 0 ? have : 1);
        }
    }
    for (i = 0; i < output->rank; ++i) {
        int32_t broadcast = 1;
        for (k = 0; k < 2; ++k) {
            const int32_t at = i - (output->rank - node->inputs[k]->rank);
            if (at >= 0 && node->inputs[k]->dims[at] != 1) {
                broadcast = node->inputs[k]->dims[at];
            }
        }
        if (output->dims[i] != broadcast) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %d", (int)i,
                     (int)output->dims[i], (int)broadcast);
        }
    }
    node->work = output->count;
    return SMR_OK;
}

static smr_status run_add_f32(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const elementwise_binary *parameters = SMR_CONST_PARAMETERS(node, elementwise_binary);
    const float *x = node->inputs[0]->data;
    const float *y = node->inputs[1]->data;
    float *z = node->outputs[0]->data;
    const int32_t rank = node->outputs[0]->rank;
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        size_t rest = i, at_x = 0, at_y = 0;
        int32_t d;
        for (d = 0; d < rank; ++d) {
            const size_t index = rest / parameters->spans[d];
            rest -= index * parameters->spans[d];
            at_x += index * parameters->strides[0][d];
            at_y += index * parameters->strides[1][d];
        }
        z[i] = x[at_x] + y[at_y];
    }
    return SMR_OK;
}

smr_status smr_prepare_add(smr_node *node, smr_error *error) {
    if (node->outputs[0]->dtype != SMR_DTYPE_FLOAT32) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no kernel for %s",
                 smr_dtype_name((smr_dtype)node->outputs[0]->dtype));
    }
    SMR_TRY(prepare_broadcast(node, error));
    node->run = run_add_f32;
    return SMR_OK;
}

static smr_status run_relu_f32(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const float *x = node->inputs[0]->data;
    float *y = node->outputs[0]->data;
    size_t i;
    (void)error;
    for (i = begin; i < end; ++i) {
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
    }
    return SMR_OK;
}

smr_status smr_prepare_relu(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0];
    const smr_value *y = node->outputs[0];
    int32_t i;
    if (y->dtype != SMR_DTYPE_FLOAT32) {
        SMR_FAIL(error, SMR_ERROR_UNSUPPORTED, "this build has no kernel for %s",
                 smr_dtype_name((smr_dtype)y->dtype));
    }
    if (x->rank != y->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)y->rank, (int)x->rank);
    }
    for (i = 0; i < x->rank; ++i) {
        if (x->dims[i] != y->dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %d", (int)i,
                     (int)y->dims[i], (int)x->dims[i]);
        }
    }
    node->run = run_relu_f32;
    node->work = y->count;
    return SMR_OK;
}
