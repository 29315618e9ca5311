/* Pooling in plain C. */
#include "pool.h"

smr_status smr_pool_prepare(smr_node *node, const pool_attributes *a, const smr_value *x, const smr_value *y,
                            const smr_value *items, smr_error *error) {
    pool_parameters *p = SMR_PARAMETERS(node, pool_parameters);
    smr_window *window = &p->window;
    int32_t axis;
    SMR_TRY(smr_array_check_rank(x, 4, error));
    SMR_TRY(smr_array_check_rank(y, 4, error));
    SMR_TRY(smr_array_check_dim(y, 0, x->dims[0], error));
    SMR_TRY(smr_array_check_dim(y, 3, x->dims[3], error));
    if (a->pool_size->count != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "pool_size has %d values instead of 2", (int)a->pool_size->count);
    }
    for (axis = 0; axis < 2; ++axis) {
        window->size[axis] = x->dims[1 + axis];
        window->taps[axis] = a->pool_size->values[axis];
        window->positions[axis] = y->dims[1 + axis];
    }
    SMR_TRY(smr_window_prepare(window, a->strides, NULL, a->padding, a->paddings, error));
    for (axis = 0; axis < 2 && a->padding == SMR_PADDING_EXPLICIT; ++axis) {
        const int32_t before = a->paddings->values[2 * axis], after = a->paddings->values[2 * axis + 1];
        if (window->size[axis] == 0 || before >= window->taps[axis] || after >= window->taps[axis]) {
            SMR_FAIL(error, SMR_ERROR_MODEL,
                     "a window of %d pixels over %d lies in the padding %d and %d alone",
                     (int)window->taps[axis], (int)window->size[axis], (int)before, (int)after);
        }
    }
    p->channels = (size_t)x->dims[3];
    p->blocks = (p->channels + POOL_CHANNELS - 1) / POOL_CHANNELS;
    node->work = items->count == 0 ? 0 : items->count / p->channels * p->blocks;
    return SMR_OK;
}

#define POOL_EXCEEDS_FLOAT(a, b)   ((a) > (b) || (a) != (a))
#define POOL_EXCEEDS_INTEGER(a, b) ((a) > (b))

#define SMR_ELEMENT       float
#define SMR_WIDE          float
#define SMR_LOAD(x)       (x)
#define SMR_STORE(x)      (x)
#define SMR_EXCEEDS(a, b) POOL_EXCEEDS_FLOAT(a, b)
#define SMR_NAME(name)    name##_f32
#include "pool_max.inc"

#define SMR_ELEMENT       uint16_t
#define SMR_WIDE          float
#define SMR_LOAD(x)       smr_half_to_float(x)
#define SMR_STORE(x)      smr_float_to_half(x)
#define SMR_EXCEEDS(a, b) POOL_EXCEEDS_FLOAT(a, b)
#define SMR_NAME(name)    name##_f16
#include "pool_max.inc"

#define SMR_ELEMENT       int8_t
#define SMR_WIDE          int8_t
#define SMR_LOAD(x)       (x)
#define SMR_STORE(x)      (x)
#define SMR_EXCEEDS(a, b) POOL_EXCEEDS_INTEGER(a, b)
#define SMR_NAME(name)    name##_s8
#include "pool_max.inc"

#define SMR_ELEMENT       uint8_t
#define SMR_WIDE          uint8_t
#define SMR_LOAD(x)       (x)
#define SMR_STORE(x)      (x)
#define SMR_EXCEEDS(a, b) POOL_EXCEEDS_INTEGER(a, b)
#define SMR_NAME(name)    name##_u8
#include "pool_max.inc"

#define SMR_ELEMENT       int16_t
#define SMR_WIDE          int16_t
#define SMR_LOAD(x)       (x)
#define SMR_STORE(x)      (x)
#define SMR_EXCEEDS(a, b) POOL_EXCEEDS_INTEGER(a, b)
#define SMR_NAME(name)    name##_s16
#include "pool_max.inc"

#define SMR_ELEMENT       int32_t
#define SMR_WIDE          int32_t
#define SMR_LOAD(x)       (x)
#define SMR_STORE(x)      (x)
#define SMR_EXCEEDS(a, b) POOL_EXCEEDS_INTEGER(a, b)
#define SMR_NAME(name)    name##_s32
#include "pool_max.inc"

smr_status smr_prepare_max_pool2d(smr_node *node, smr_error *error) {
    const pool_attributes a = POOL_ATTRIBUTES(&node->attributes.max_pool2d);
    SMR_TRY(smr_pool_prepare(node, &a, node->inputs[0], node->outputs[0], node->outputs[0], error));
    switch (node->inputs[0]->dtype) {
        case SMR_DTYPE_FLOAT32: node->run = run_max_pool2d_f32; break;
        case SMR_DTYPE_FLOAT16: node->run = run_max_pool2d_f16; break;
        case SMR_DTYPE_INT8: node->run = run_max_pool2d_s8; break;
        case SMR_DTYPE_UINT8: node->run = run_max_pool2d_u8; break;
        case SMR_DTYPE_INT16: node->run = run_max_pool2d_s16; break;
        default: node->run = run_max_pool2d_s32; break;
    }
    return SMR_OK;
}

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "pool_average.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "pool_average.inc"

static void prepare_pool_divisor(smr_node *node, bool count_include_pad) {
    pool_parameters *p = SMR_PARAMETERS(node, pool_parameters);
    p->divisor = count_include_pad ? (float)((int64_t)p->window.taps[0] * p->window.taps[1]) : 0.0f;
}

smr_status smr_prepare_average_pool2d(smr_node *node, smr_error *error) {
    const pool_attributes a = POOL_ATTRIBUTES(&node->attributes.average_pool2d);
    SMR_TRY(smr_pool_prepare(node, &a, node->inputs[0], node->outputs[0], node->outputs[0], error));
    prepare_pool_divisor(node, node->attributes.average_pool2d.count_include_pad != 0);
    node->run = node->inputs[0]->dtype == SMR_DTYPE_FLOAT16 ? run_average_pool2d_f16 : run_average_pool2d_f32;
    return SMR_OK;
}

smr_status smr_prepare_average_pool2d_gradient(smr_node *node, smr_error *error) {
    const pool_attributes a = POOL_ATTRIBUTES(&node->attributes.average_pool2d_gradient);
    SMR_TRY(smr_pool_prepare(node, &a, node->outputs[0], node->inputs[1], node->outputs[0], error));
    prepare_pool_divisor(node, node->attributes.average_pool2d_gradient.count_include_pad != 0);
    node->run = node->outputs[0]->dtype == SMR_DTYPE_FLOAT16 ? run_average_pool2d_gradient_f16
                                                             : run_average_pool2d_gradient_f32;
    return SMR_OK;
}

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "pool_max_gradient.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "pool_max_gradient.inc"

smr_status smr_prepare_max_pool2d_gradient(smr_node *node, smr_error *error) {
    const pool_attributes a = POOL_ATTRIBUTES(&node->attributes.max_pool2d_gradient);
    const smr_value *x = node->inputs[0];
    SMR_TRY(smr_pool_prepare(node, &a, x, node->inputs[1], x, error));
    SMR_TRY(smr_array_check_same(node->inputs[2], node->inputs[1], error));
    SMR_TRY(smr_array_check_same(node->outputs[0], x, error));
    node->run = x->dtype == SMR_DTYPE_FLOAT16 ? run_max_pool2d_gradient_f16 : run_max_pool2d_gradient_f32;
    return SMR_OK;
}

smr_status smr_prepare_max_pool2d_pick(smr_node *node, smr_error *error) {
    const pool_attributes a = POOL_ATTRIBUTES(&node->attributes.max_pool2d_pick);
    const smr_value *x = node->inputs[0];
    SMR_TRY(smr_pool_prepare(node, &a, x, node->inputs[1], node->inputs[1], error));
    SMR_TRY(smr_array_check_same(node->inputs[2], x, error));
    SMR_TRY(smr_array_check_same(node->outputs[0], node->inputs[1], error));
    node->run = x->dtype == SMR_DTYPE_FLOAT16 ? run_max_pool2d_pick_f16 : run_max_pool2d_pick_f32;
    return SMR_OK;
}
