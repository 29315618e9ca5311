/* What preparing a convolution of floating-point numbers finds out: kernels for instruction sets begin with
 * it. */
#ifndef SMR_GENERIC_CONV2D_H
#define SMR_GENERIC_CONV2D_H

#include "panel.h"
#include "window.h"

typedef struct smr_conv2d_parameters {
    smr_window window;
    smr_panels panels; /* of one group */
    size_t channels;
    size_t outputs;
    size_t group_channels;
    size_t group_outputs;
    size_t group_stride; /* elements from the filter of one group to the next */
    int32_t groups;
    uint8_t activation;
} smr_conv2d_parameters;

#endif
