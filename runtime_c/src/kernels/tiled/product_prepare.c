/* Products of float32 and float16 as smr_product wants them. */
#include <math.h>

#include "../prototypes.h"
#include "product.h"

/* Whether the weights of so many outputs are packed, or there is room to pack them in when they are known. */
static bool product_fits(const smr_node *node, uint8_t dtype, size_t outputs) {
    const smr_value *filter = node->inputs[1];
    if (filter->dtype != dtype || node->inputs[0]->dtype != dtype || filter->count == 0) {
        return false;
    }
    return filter->layout == SMR_LAYOUT_PANEL16 ||
           (filter->layout == SMR_LAYOUT_DENSE && node->outputs[0]->count / outputs >= SMR_PRODUCT_PACKED &&
            node->scratch_room / smr_dtype_size((smr_dtype)dtype) / ((outputs + 15) / 16 * 16) >=
                filter->count / outputs);
}

static bool product_fits_conv2d(const smr_node *node, uint8_t dtype) {
    const smr_value *filter = node->inputs[1];
    const int32_t groups = node->attributes.conv2d.groups;
    return filter->rank == 4 && node->outputs[0]->rank == 4 && filter->count > 0 && groups > 0 &&
           (groups == 1 || filter->dims[3] / groups % 16 == 0) &&
           product_fits(node, dtype, (size_t)filter->dims[3]);
}

static bool product_fits_matmul(const smr_node *node, uint8_t dtype) {
    const smr_matmul_attributes *a = &node->attributes.matmul;
    const smr_value *y = node->inputs[1];
    if (y->rank != 2 || a->transpose_x != 0) {
        return smr_product_fits_batches(node, dtype);
    }
    return y->count > 0 && product_fits(node, dtype, (size_t)y->dims[a->transpose_y ? 0 : 1]);
}

bool smr_product_takes_conv2d(const smr_node *node) {
    return product_fits_conv2d(node, SMR_DTYPE_FLOAT32);
}

bool smr_half_product_takes_conv2d(const smr_node *node) {
    return product_fits_conv2d(node, SMR_DTYPE_FLOAT16);
}

bool smr_half_product_takes_matmul(const smr_node *node) {
    return product_fits_matmul(node, SMR_DTYPE_FLOAT16);
}

bool smr_product_takes_matmul(const smr_node *node) {
    return product_fits_matmul(node, SMR_DTYPE_FLOAT32);
}

/* What is known once window, channels and outputs are. */
static void product_fill(const smr_node *node, const smr_product_functions *functions, uint8_t activation,
                         smr_product *p) {
    const size_t tap = (size_t)p->channels * 16 * p->number, row = (size_t)p->window.taps[1] * tap;
    p->functions = functions;
    p->packed = node->inputs[1]->layout == SMR_LAYOUT_DENSE;
    smr_product_place_weights(p, tap, row, (size_t)p->window.taps[0] * row);
    p->least = activation == SMR_ACTIVATION_NONE ? -INFINITY : 0.0f;
    p->most = activation == SMR_ACTIVATION_RELU6 ? 6.0f : INFINITY;
}

smr_status smr_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error) {
    const smr_conv2d_parameters *generic = SMR_CONST_PARAMETERS(node, smr_conv2d_parameters);
    smr_product p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_conv2d(node, error));
    if (node->work == 0) {
        return SMR_OK;
    }
    p.window = generic->window;
    p.channels = (uint32_t)generic->group_channels;
    p.groups = (uint32_t)generic->groups;
    p.outputs = (uint32_t)generic->outputs;
    p.number = node->inputs[1]->dtype == SMR_DTYPE_FLOAT16 ? 2 : 4;
    p.pixel = smr_value_row(node->inputs[0]) * p.number;
    product_fill(node, functions, generic->activation, &p);
    smr_product_cut(node, &p);
    return SMR_OK;
}

void smr_product_fill_matmul(const smr_node *node, const smr_product_functions *functions, size_t rows,
                             smr_product *p) {
    const smr_value *y = node->inputs[1];
    memset(p, 0, sizeof *p);
    p->turned = node->attributes.matmul.transpose_y != 0;
    p->channels = (uint32_t)y->dims[y->rank - (p->turned ? 1 : 2)];
    p->outputs = (uint32_t)y->dims[y->rank - (p->turned ? 2 : 1)];
    smr_product_as_rows(p, rows, 1);
    p->number = y->dtype == SMR_DTYPE_FLOAT16 ? 2 : 4;
    p->pixel = (size_t)p->channels * p->number;
    product_fill(node, functions, node->attributes.matmul.activation, p);
}

smr_status smr_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error) {
    const smr_value *z = node->outputs[0];
    smr_product p;
    size_t rows;
    SMR_TRY(smr_prepare_matmul(node, error));
    if (node->work == 0) {
        return SMR_OK;
    }
    if (node->inputs[1]->rank != 2 || node->attributes.matmul.transpose_x != 0) {
        smr_product_prepare_batches(node, functions);
        return SMR_OK;
    }
    rows = z->count / (size_t)z->dims[z->rank - 1];
    if (rows <= INT32_MAX) {
        smr_product_fill_matmul(node, functions, rows, &p);
        smr_product_cut(node, &p);
    }
    return SMR_OK;
}
