/* Convolutions in plain C: each work item is 16 output channels of one pixel. */
#include "conv2d.h"

#include "../prototypes.h"
#include "convert.h"

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "conv2d.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "conv2d.inc"

/* Checks ranks, batch and bias, and fills the window but for its strides. */
static smr_status prepare_conv2d_shapes(smr_node *node, smr_conv2d_parameters *p, smr_error *error) {
    const smr_value *x = node->inputs[0], *filter = node->inputs[1], *bias = node->inputs[2];
    const smr_value *y = node->outputs[0];
    int32_t axis;
    if (x->rank != 4 || filter->rank != 4 || y->rank != 4) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "ranks of input %d, filter %d and output %d must be 4", (int)x->rank,
                 (int)filter->rank, (int)y->rank);
    }
    if (x->dims[0] != y->dims[0]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the batch is %d in the input and %d in the output", (int)x->dims[0],
                 (int)y->dims[0]);
    }
    if (bias != NULL && (bias->rank != 1 || bias->dims[0] != y->dims[3])) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the bias must have one element for each of %d output channels",
                 (int)y->dims[3]);
    }
    for (axis = 0; axis < 2; ++axis) {
        p->window.size[axis] = x->dims[1 + axis];
        p->window.taps[axis] = filter->dims[axis];
        p->window.positions[axis] = y->dims[1 + axis];
    }
    p->channels = (size_t)x->dims[3];
    p->outputs = (size_t)y->dims[3];
    return SMR_OK;
}

static void prepare_conv2d_work(smr_node *node, smr_conv2d_parameters *p, size_t items_per_pixel) {
    const smr_value *y = node->outputs[0];
    if (node->inputs[1]->count == 0) { /* its sizes may be large nevertheless */
        p->window.taps[0] = 0;
    }
    node->work = y->count == 0 ? 0 : y->count / (size_t)y->dims[3] * items_per_pixel;
}

smr_status smr_prepare_conv2d(smr_node *node, smr_error *error) {
    const smr_conv2d_attributes *a = &node->attributes.conv2d;
    smr_conv2d_parameters *p = SMR_PARAMETERS(node, smr_conv2d_parameters);
    const smr_value *filter = node->inputs[1];
    SMR_TRY(prepare_conv2d_shapes(node, p, error));
    SMR_TRY(smr_window_prepare(&p->window, &a->strides, &a->dilations, a->padding, &a->paddings, error));
    if (a->groups < 1 || filter->dims[3] != node->outputs[0]->dims[3] || filter->dims[3] % a->groups != 0 ||
        (int64_t)filter->dims[2] * a->groups != node->inputs[0]->dims[3]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter of %d to %d channels in %d groups for %d to %d channels",
                 (int)filter->dims[2], (int)filter->dims[3], (int)a->groups, (int)node->inputs[0]->dims[3],
                 (int)node->outputs[0]->dims[3]);
    }
    if (filter->layout != SMR_LAYOUT_DENSE && a->groups > 1 && filter->dims[3] / a->groups % SMR_PANEL != 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter in panels of 16 for groups of %d outputs",
                 (int)(filter->dims[3] / a->groups));
    }
    p->groups = a->groups;
    p->activation = a->activation;
    p->group_channels = (size_t)filter->dims[2];
    p->group_outputs = p->outputs / (size_t)a->groups;
    p->panels = smr_panels_of(filter, (size_t)filter->dims[0] * (size_t)filter->dims[1] * p->group_channels,
                              p->group_outputs);
    p->group_stride = p->panels.count * p->panels.panel_stride;
    if (filter->layout == SMR_LAYOUT_DENSE) {
        p->panels.row_stride = p->outputs;
        p->group_stride = p->group_outputs;
    }
    prepare_conv2d_work(node, p, (size_t)a->groups * p->panels.count);
    node->run = filter->dtype == SMR_DTYPE_FLOAT16 ? run_conv2d_f16 : run_conv2d_f32;
    return SMR_OK;
}

smr_status smr_prepare_depthwise_conv2d(smr_node *node, smr_error *error) {
    const smr_depthwise_conv2d_attributes *a = &node->attributes.depthwise_conv2d;
    smr_conv2d_parameters *p = SMR_PARAMETERS(node, smr_conv2d_parameters);
    const smr_value *filter = node->inputs[1];
    SMR_TRY(prepare_conv2d_shapes(node, p, error));
    SMR_TRY(smr_window_prepare(&p->window, &a->strides, &a->dilations, a->padding, &a->paddings, error));
    if (filter->dims[2] != node->inputs[0]->dims[3] ||
        (int64_t)filter->dims[2] * filter->dims[3] != node->outputs[0]->dims[3]) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a filter of %d channels times %d for %d to %d channels",
                 (int)filter->dims[2], (int)filter->dims[3], (int)node->inputs[0]->dims[3],
                 (int)node->outputs[0]->dims[3]);
    }
    p->activation = a->activation;
    prepare_conv2d_work(node, p, (p->outputs + SMR_PANEL - 1) / SMR_PANEL);
    node->run = filter->dtype == SMR_DTYPE_FLOAT16 ? run_depthwise_conv2d_f16 : run_depthwise_conv2d_f32;
    return SMR_OK;
}
