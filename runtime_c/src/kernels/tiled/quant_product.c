/* Products of int8 as smr_product wants them. */
#include "../prototypes.h"
#include "product.h"

bool smr_quant_product_takes(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return filter->layout == SMR_LAYOUT_PANEL16X4 && filter->dtype == SMR_DTYPE_INT8 &&
           node->inputs[0]->dtype == SMR_DTYPE_INT8 && node->outputs[0]->dtype == SMR_DTYPE_INT8 &&
           filter->count > 0;
}

/* What is known of both. */
static void product_fill(const smr_product_functions *functions, const quant_filter *filter,
                         const quant_output *range, smr_product *p) {
    const size_t panels = (filter->outputs + QUANT_PANEL - 1) / QUANT_PANEL;
    p->functions = functions;
    p->outputs = (uint32_t)filter->outputs;
    p->range = *range;
    p->number = 1;
    p->fixed = filter->fixed != NULL;
    p->multiplier = p->fixed ? (const void *)filter->fixed : filter->multiplier;
    p->rounding = filter->rounding;
    p->filter_zero_point = filter->zero_point;
    p->apart = filter->zero_point != 0 || !quant_scales_down(filter);
    p->careful = functions->has_least != NULL &&
                 functions->has_least((const uint8_t *)filter->data, panels * filter->panel_bytes);
}

smr_status smr_quant_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                            smr_error *error) {
    const quant_conv *generic = SMR_CONST_PARAMETERS(node, quant_conv);
    smr_product p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_conv2d(node, error));
    if (node->work == 0) {
        return SMR_OK;
    }
    product_fill(functions, &generic->filter, &generic->output, &p);
    p.window = generic->window;
    p.border = (uint8_t)generic->border;
    p.channels = (uint32_t)generic->depth;
    p.groups = (uint32_t)(generic->channels / generic->depth);
    p.pixel = generic->pixel;
    smr_product_place_weights(&p, generic->column_step % 4 == 0 ? generic->column_step * QUANT_PANEL : 0,
                              generic->row_step * QUANT_PANEL, generic->filter.panel_bytes);
    smr_product_cut(node, &p);
    return SMR_OK;
}

smr_status smr_quant_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                            smr_error *error) {
    const quant_matmul *generic = SMR_CONST_PARAMETERS(node, quant_matmul);
    smr_product p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_matmul(node, error));
    if (node->work == 0 || generic->rows > INT32_MAX) {
        return SMR_OK;
    }
    product_fill(functions, &generic->filter, &generic->output, &p);
    p.channels = (uint32_t)generic->depth;
    p.pixel = p.channels;
    smr_product_place_weights(&p, generic->filter.panel_bytes, generic->filter.panel_bytes,
                              generic->filter.panel_bytes);
    smr_product_as_rows(&p, generic->rows, 1);
    smr_product_cut(node, &p);
    return SMR_OK;
}
