/* Softmax and the cross entropies in plain C: each work item is one row, which sums to 1. */
#include <math.h>

#include "array.h"
#include "convert.h"
#include "loss.h"

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "loss.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "loss.inc"

/* The exponentials wait in the output for their sum. */
static smr_status run_softmax_f32(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_loss_parameters *p = SMR_CONST_PARAMETERS(node, smr_loss_parameters);
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        const size_t start = row / p->stride * p->size * p->stride + row % p->stride;
        const float *x = (const float *)node->inputs[0]->data + start;
        float *y = (float *)node->outputs[0]->data + start;
        const float most = loss_most_f32(x, p->size, p->stride);
        double sum = 0;
        for (i = 0; i < p->size; ++i) {
            y[i * p->stride] = expf(x[i * p->stride] - most);
            sum += (double)y[i * p->stride];
        }
        for (i = 0; i < p->size; ++i) {
            y[i * p->stride] /= (float)sum;
        }
    }
    return SMR_OK;
}

/* The exponentials are computed twice, so that each result is rounded once. */
static smr_status run_softmax_f16(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_loss_parameters *p = SMR_CONST_PARAMETERS(node, smr_loss_parameters);
    size_t row, i;
    (void)error;
    for (row = begin; row < end; ++row) {
        const size_t start = row / p->stride * p->size * p->stride + row % p->stride;
        const uint16_t *x = (const uint16_t *)node->inputs[0]->data + start;
        uint16_t *y = (uint16_t *)node->outputs[0]->data + start;
        const float most = loss_most_f16(x, p->size, p->stride);
        const float sum = loss_sum_f16(x, p->size, p->stride, most);
        for (i = 0; i < p->size; ++i) {
            y[i * p->stride] = smr_float_to_half(expf(smr_half_to_float(x[i * p->stride]) - most) / sum);
        }
    }
    return SMR_OK;
}

static smr_status prepare_loss_rows(smr_node *node, int32_t given_axis, smr_error *error) {
    smr_loss_parameters *p = SMR_PARAMETERS(node, smr_loss_parameters);
    const smr_value *x = node->inputs[0];
    int32_t axis;
    SMR_TRY(smr_array_axis(given_axis, x->rank, &axis, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], x, error));
    p->size = (size_t)x->dims[axis];
    p->stride = array_product(x, axis + 1, x->rank);
    node->work = x->count == 0 ? 0 : x->count / p->size;
    return SMR_OK;
}

smr_status smr_prepare_softmax(smr_node *node, smr_error *error) {
    SMR_TRY(prepare_loss_rows(node, node->attributes.softmax.axis, error));
    node->run = node->inputs[0]->dtype == SMR_DTYPE_FLOAT16 ? run_softmax_f16 : run_softmax_f32;
    return SMR_OK;
}

smr_status smr_prepare_log_softmax(smr_node *node, smr_error *error) {
    SMR_TRY(prepare_loss_rows(node, node->attributes.log_softmax.axis, error));
    node->run = node->inputs[0]->dtype == SMR_DTYPE_FLOAT16 ? run_log_softmax_f16 : run_log_softmax_f32;
    return SMR_OK;
}

/* The loss, and sparse labels, have the shape of the logits without the last axis. */
static smr_status check_loss_rows(const smr_value *rows, const smr_value *logits, smr_error *error) {
    int32_t i;
    SMR_TRY(smr_array_check_rank(rows, (int64_t)logits->rank - 1, error));
    for (i = 0; i < rows->rank; ++i) {
        SMR_TRY(smr_array_check_dim(rows, i, logits->dims[i], error));
    }
    return SMR_OK;
}

static smr_status prepare_loss_classes(smr_node *node, smr_error *error) {
    const smr_value *logits = node->inputs[1];
    SMR_TRY(check_loss_rows(node->outputs[0], logits, error));
    SMR_PARAMETERS(node, smr_loss_parameters)->size = (size_t)logits->dims[logits->rank - 1];
    node->work = node->outputs[0]->count;
    return SMR_OK;
}

smr_status smr_prepare_softmax_cross_entropy_with_logits(smr_node *node, smr_error *error) {
    const smr_value *logits = node->inputs[1];
    SMR_TRY(prepare_loss_classes(node, error));
    SMR_TRY(smr_array_check_same(node->inputs[0], logits, error));
    node->run =
        logits->dtype == SMR_DTYPE_FLOAT16 ? run_softmax_cross_entropy_f16 : run_softmax_cross_entropy_f32;
    return SMR_OK;
}

smr_status smr_prepare_sparse_softmax_cross_entropy_with_logits(smr_node *node, smr_error *error) {
    const smr_value *logits = node->inputs[1];
    SMR_TRY(prepare_loss_classes(node, error));
    SMR_TRY(check_loss_rows(node->inputs[0], logits, error));
    node->run = logits->dtype == SMR_DTYPE_FLOAT16 ? run_sparse_softmax_cross_entropy_f16
                                                   : run_sparse_softmax_cross_entropy_f32;
    return SMR_OK;
}

smr_status smr_prepare_sigmoid_cross_entropy_with_logits(smr_node *node, smr_error *error) {
    const smr_value *logits = node->inputs[1];
    SMR_TRY(smr_array_check_same(node->inputs[0], logits, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], logits, error));
    node->work = logits->count;
    node->run =
        logits->dtype == SMR_DTYPE_FLOAT16 ? run_sigmoid_cross_entropy_f16 : run_sigmoid_cross_entropy_f32;
    return SMR_OK;
}
