/* Products of int8 as smr_product wants them. */
#include "../prototypes.h"
#include "product.h"

bool smr_quant_product_takes(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return filter->layout == SMR_LAYOUT_PANEL16X4 && filter->dtype == SMR_DTYPE_INT8 &&
           node->inputs[0]->dtype == SMR_DTYPE_INT8 && node->outputs[0]->dtype == SMR_DTYPE_INT8 &&
           filter->count > 0;
}

smr_status smr_quant_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                            smr_error *error) {
    const quant_conv *generic = SMR_CONST_PARAMETERS(node, quant_conv);
    smr_product p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_conv2d(node, error));
    if (node->work == 0 || generic->filter.zero_point != 0) {
        return SMR_OK;
    }
    p.functions = functions;
    p.window = generic->window;
    p.filter = generic->filter;
    p.apart = !quant_scales_down(&p.filter);
    p.range = generic->output;
    p.border = (uint8_t)generic->border;
    p.channels = (uint32_t)generic->channels;
    p.number = 1;
    p.weights_row = generic->row_step * QUANT_PANEL;
    p.weights_tap = generic->column_step % 4 == 0 ? generic->column_step * QUANT_PANEL : 0;
    p.weights_panel = p.filter.panel_bytes;
    smr_product_cut(node, &p);
    return SMR_OK;
}

smr_status smr_quant_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                            smr_error *error) {
    const quant_matmul *generic = SMR_CONST_PARAMETERS(node, quant_matmul);
    smr_product p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_matmul(node, error));
    if (node->work == 0 || generic->filter.zero_point != 0 || generic->rows > INT32_MAX) {
        return SMR_OK;
    }
    p.functions = functions;
    p.filter = generic->filter;
    p.apart = !quant_scales_down(&p.filter);
    p.range = generic->output;
    p.channels = (uint32_t)generic->depth;
    p.number = 1;
    p.weights_panel = p.weights_row = p.weights_tap = p.filter.panel_bytes;
    smr_product_as_rows(&p, generic->rows);
    smr_product_cut(node, &p);
    return SMR_OK;
}
