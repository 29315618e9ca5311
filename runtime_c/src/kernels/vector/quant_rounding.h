/* Sums of products rescaled in fixed point with vectors: what kernels of products and depthwise convolutions
 * write when their multipliers are TensorFlow Lite's. */
#ifndef SMR_VECTOR_QUANT_ROUNDING_H
#define SMR_VECTOR_QUANT_ROUNDING_H

#include "../generic/quant_conv.h"

void smr_quant_rounding_avx512(const quant_filter *filter, size_t first, size_t count, const int32_t *acc,
                               const quant_output *output, int8_t *y);
void smr_quant_rounding_avx2(const quant_filter *filter, size_t first, size_t count, const int32_t *acc,
                             const quant_output *output, int8_t *y);
void smr_quant_rounding_neon(const quant_filter *filter, size_t first, size_t count, const int32_t *acc,
                             const quant_output *output, int8_t *y);

#endif
