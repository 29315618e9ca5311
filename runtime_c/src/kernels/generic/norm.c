/* Normalizations in plain C. */
#include <math.h>

#include "array.h"
#include "convert.h"
#include "norm.h"

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "norm.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "norm.inc"

/* What is normalized begins at `axis`; rank and axis are in order. */
static smr_status prepare_norm(smr_node *node, int32_t axis, float epsilon, smr_error *error) {
    smr_norm_parameters *p = SMR_PARAMETERS(node, smr_norm_parameters);
    const smr_value *x = node->inputs[0];
    SMR_TRY(smr_array_check_same(node->outputs[0], x, error));
    if (!(epsilon >= 0.0f && epsilon < INFINITY)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "epsilon is %g, expected a finite number of at least 0",
                 (double)epsilon);
    }
    p->epsilon = epsilon;
    p->size = array_product(x, axis, x->rank);
    p->rows = p->size == 0 ? 0 : x->count / p->size;
    p->blocks = (p->size + SMR_NORM_CHANNELS - 1) / SMR_NORM_CHANNELS;
    return SMR_OK;
}

/* Whether an operand has the shape of the axes of x from `axis` on. */
static smr_status check_norm_operand(const smr_value *operand, const smr_value *x, int32_t axis,
                                     smr_error *error) {
    int32_t i;
    SMR_TRY(smr_array_check_rank(operand, (int64_t)x->rank - axis, error));
    for (i = axis; i < x->rank; ++i) {
        SMR_TRY(smr_array_check_dim(operand, i - axis, x->dims[i], error));
    }
    return SMR_OK;
}

smr_status smr_prepare_batch_normalization(smr_node *node, smr_error *error) {
    const smr_norm_parameters *p = SMR_PARAMETERS(node, smr_norm_parameters);
    const smr_value *x = node->inputs[0];
    int32_t axis, i;
    SMR_TRY(smr_array_axis(-1, x->rank, &axis, error));
    SMR_TRY(prepare_norm(node, axis, node->attributes.batch_normalization.epsilon, error));
    for (i = 1; i < 5; ++i) {
        SMR_TRY(check_norm_operand(node->inputs[i], x, axis, error));
    }
    node->work = (p->rows + SMR_NORM_ROWS - 1) / SMR_NORM_ROWS * p->blocks;
    node->run = x->dtype == SMR_DTYPE_FLOAT16 ? run_batch_normalization_f16 : run_batch_normalization_f32;
    return SMR_OK;
}

smr_status smr_prepare_layer_normalization(smr_node *node, smr_error *error) {
    const smr_norm_parameters *p = SMR_PARAMETERS(node, smr_norm_parameters);
    const smr_value *x = node->inputs[0];
    int32_t axis, i;
    SMR_TRY(smr_array_axis(node->attributes.layer_normalization.axis, x->rank, &axis, error));
    SMR_TRY(prepare_norm(node, axis, node->attributes.layer_normalization.epsilon, error));
    for (i = 1; i < 3; ++i) {
        if (node->inputs[i] != NULL) {
            SMR_TRY(check_norm_operand(node->inputs[i], x, axis, error));
        }
    }
    node->work = p->rows;
    node->run = x->dtype == SMR_DTYPE_FLOAT16 ? run_layer_normalization_f16 : run_layer_normalization_f32;
    return SMR_OK;
}

smr_status smr_prepare_rms_normalization(smr_node *node, smr_error *error) {
    const smr_norm_parameters *p = SMR_PARAMETERS(node, smr_norm_parameters);
    const smr_value *x = node->inputs[0];
    int32_t axis;
    SMR_TRY(smr_array_axis(node->attributes.rms_normalization.axis, x->rank, &axis, error));
    SMR_TRY(prepare_norm(node, axis, node->attributes.rms_normalization.epsilon, error));
    if (node->inputs[1] != NULL) {
        SMR_TRY(check_norm_operand(node->inputs[1], x, axis, error));
    }
    node->work = p->rows;
    node->run = x->dtype == SMR_DTYPE_FLOAT16 ? run_rms_normalization_f16 : run_rms_normalization_f32;
    return SMR_OK;
}
