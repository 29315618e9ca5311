/* Sums of products rescaled in fixed point with vectors: what kernels of products and depthwise convolutions
 * write when their multipliers are TensorFlow Lite's. */
#ifndef SMR_VECTOR_QUANT_ROUNDING_H
#define SMR_VECTOR_QUANT_ROUNDING_H

#include "../generic/quant_conv.h"

/* The sums of some pixels, and where they are written. */
typedef struct smr_quant_sums {
    const int32_t *acc; /* of the first output */
    size_t acc_step;    /* from one pixel to the next */
    int8_t *y;
    size_t y_step;
    size_t pixels;
} smr_quant_sums;

/* As quant_write for each of the pixels. */
typedef void (*smr_quant_rounding)(const quant_filter *filter, size_t first, size_t count,
                                   const quant_output *output, const smr_quant_sums *sums);

void smr_quant_rounding_avx512(const quant_filter *filter, size_t first, size_t count,
                               const quant_output *output, const smr_quant_sums *sums);
void smr_quant_rounding_avx2(const quant_filter *filter, size_t first, size_t count,
                             const quant_output *output, const smr_quant_sums *sums);
void smr_quant_rounding_neon(const quant_filter *filter, size_t first, size_t count,
                             const quant_output *output, const smr_quant_sums *sums);

#endif
