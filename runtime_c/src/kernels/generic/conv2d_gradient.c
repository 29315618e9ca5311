/* The gradients of convolutions in plain C. A depthwise convolution is seen as one group for each channel. */
#include "../prototypes.h"
#include "convert.h"
#include "window.h"

typedef struct gradient_parameters {
    smr_window window;
    size_t batch;
    size_t channels;
    size_t outputs;
    size_t group_channels; /* of a filter: its third dimension */
    size_t group_outputs;  /* output channels that see one input channel */
    size_t row_outputs;    /* of a filter: its last dimension */
    bool depthwise;
} gradient_parameters;

_Static_assert(sizeof(gradient_parameters) <= SMR_PARAMETER_BYTES, "gradient_parameters fit a node");

/* The position whose tap sees a place of the input, or -1. */
static inline int64_t gradient_position(const smr_window *window, int32_t axis, int64_t at, int64_t tap) {
    const int64_t from = at + window->before[axis] - tap * window->dilations[axis];
    const int64_t position = from / window->strides[axis];
    return from >= 0 && from % window->strides[axis] == 0 && position < window->positions[axis] ? position
                                                                                                : -1;
}

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "conv2d_gradient.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "conv2d_gradient.inc"

/* The attributes that all four ops share. */
typedef struct gradient_attributes {
    const smr_ints2 *strides;
    const smr_ints2 *dilations;
    const smr_ints4 *paddings;
    int32_t groups; /* 0: depthwise */
    uint8_t padding;
} gradient_attributes;

static smr_status prepare_gradient(smr_node *node, const gradient_attributes *a, const smr_value *x,
                                   const smr_value *filter, const smr_value *dy, smr_error *error) {
    gradient_parameters *p = SMR_PARAMETERS(node, gradient_parameters);
    int64_t channels, outputs;
    int32_t axis;
    if (x->rank != 4 || filter->rank != 4 || dy->rank != 4 || x->dims[0] != dy->dims[0]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "input, filter and gradient must have rank 4 and one batch size");
    }
    for (axis = 0; axis < 2; ++axis) {
        p->window.size[axis] = x->dims[1 + axis];
        p->window.taps[axis] = filter->dims[axis];
        p->window.positions[axis] = dy->dims[1 + axis];
    }
    SMR_TRY(smr_window_prepare(&p->window, a->strides, a->dilations, a->padding, a->paddings, error));
    p->depthwise = a->groups == 0;
    if (a->groups < 0 || (a->groups > 0 && filter->dims[3] % a->groups != 0)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d groups do not divide %d output channels", (int)a->groups,
                 (int)filter->dims[3]);
    }
    channels = (int64_t)filter->dims[2] * (p->depthwise ? 1 : a->groups);
    outputs = (int64_t)filter->dims[3] * (p->depthwise ? filter->dims[2] : 1);
    if (channels != x->dims[3] || outputs != dy->dims[3]) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "a filter for %lld to %lld channels meets an input of %d and a gradient of %d",
                 (long long)channels, (long long)outputs, (int)x->dims[3], (int)dy->dims[3]);
    }
    p->batch = (size_t)x->dims[0];
    p->channels = (size_t)channels;
    p->outputs = (size_t)outputs;
    p->row_outputs = (size_t)filter->dims[3];
    p->group_outputs = (size_t)(p->depthwise ? filter->dims[3] : filter->dims[3] / a->groups);
    p->group_channels = (size_t)filter->dims[2];
    if (x->count == 0 || filter->count == 0 || dy->count == 0) { /* sizes may be large nevertheless */
        p->window.taps[0] = 0;
        p->batch = 0;
    }
    node->work = node->outputs[0]->count;
    return SMR_OK;
}

static smr_status prepare_gradient_input(smr_node *node, const gradient_attributes *a, smr_error *error) {
    SMR_TRY(prepare_gradient(node, a, node->outputs[0], node->inputs[1], node->inputs[2], error));
    node->run = node->outputs[0]->dtype == SMR_DTYPE_FLOAT16 ? run_conv2d_backprop_input_f16
                                                             : run_conv2d_backprop_input_f32;
    return SMR_OK;
}

static smr_status prepare_gradient_filter(smr_node *node, const gradient_attributes *a, smr_error *error) {
    SMR_TRY(prepare_gradient(node, a, node->inputs[0], node->outputs[0], node->inputs[2], error));
    node->run = node->outputs[0]->dtype == SMR_DTYPE_FLOAT16 ? run_conv2d_backprop_filter_f16
                                                             : run_conv2d_backprop_filter_f32;
    return SMR_OK;
}

#define GRADIENT_ATTRIBUTES(a, groups_) \
    {&(a)->strides, &(a)->dilations, &(a)->paddings, (groups_), (a)->padding}

smr_status smr_prepare_conv2d_backprop_input(smr_node *node, smr_error *error) {
    const smr_conv2d_backprop_input_attributes *a = &node->attributes.conv2d_backprop_input;
    const gradient_attributes shared = GRADIENT_ATTRIBUTES(a, a->groups < 1 ? -1 : a->groups);
    return prepare_gradient_input(node, &shared, error);
}

smr_status smr_prepare_conv2d_backprop_filter(smr_node *node, smr_error *error) {
    const smr_conv2d_backprop_filter_attributes *a = &node->attributes.conv2d_backprop_filter;
    const gradient_attributes shared = GRADIENT_ATTRIBUTES(a, a->groups < 1 ? -1 : a->groups);
    return prepare_gradient_filter(node, &shared, error);
}

smr_status smr_prepare_depthwise_conv2d_backprop_input(smr_node *node, smr_error *error) {
    const smr_depthwise_conv2d_backprop_input_attributes *a =
        &node->attributes.depthwise_conv2d_backprop_input;
    const gradient_attributes shared = GRADIENT_ATTRIBUTES(a, 0);
    return prepare_gradient_input(node, &shared, error);
}

smr_status smr_prepare_depthwise_conv2d_backprop_filter(smr_node *node, smr_error *error) {
    const smr_depthwise_conv2d_backprop_filter_attributes *a =
        &node->attributes.depthwise_conv2d_backprop_filter;
    const gradient_attributes shared = GRADIENT_ATTRIBUTES(a, 0);
    return prepare_gradient_filter(node, &shared, error);
}
