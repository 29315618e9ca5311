/* What preparing quantize, dequantize and requantize finds out: kernels for instruction sets begin with it.
 */
#ifndef SMR_GENERIC_QUANT_CONVERT_H
#define SMR_GENERIC_QUANT_CONVERT_H

#include "quant.h"
#include "span.h"

/* parameters of quantize, dequantize and requantize */
typedef struct quant_conversion {
    float multiplier;
    int32_t input_zero_point;
    quant_output output;
} quant_conversion;
_Static_assert(sizeof(quant_conversion) <= SMR_PARAMETER_BYTES, "it is stored in a node");

#endif
