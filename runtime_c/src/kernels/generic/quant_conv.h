/* What preparing the integer convolutions and matrix products finds out: kernels for instruction sets begin
 * with it. */
#ifndef SMR_GENERIC_QUANT_CONV_H
#define SMR_GENERIC_QUANT_CONV_H

#include "fixed.h"
#include "quant.h"

#define QUANT_PANEL 16 /* outputs that are summed side by side */

/* What a filter [taps ..., depth, outputs] is read by. A position counts its rows, padding between runs
 * included. */
typedef struct quant_filter {
    const int8_t *data;
    const int32_t *bias;
    const float *multiplier; /* null with fixed-point multipliers */
    const int32_t *fixed;    /* see smr_fixed_check_multipliers */
    size_t outputs;
    size_t panel_bytes; /* of a panel of 16 outputs; 0 when the filter is dense */
    int32_t zero_point;
    uint8_t rounding;
} quant_filter;

typedef struct quant_conv {
    smr_window window;
    quant_output output;
    quant_filter filter;
    size_t pixels;      /* of the output, in all images */
    size_t channels;    /* of the input */
    size_t pixel;       /* elements from one of its pixels to the next */
    size_t depth;       /* channels that an output sees */
    size_t per_group;   /* outputs of a group */
    size_t blocks;      /* of up to 16 outputs, in a group */
    size_t row_step;    /* positions from one row of taps to the next */
    size_t column_step; /* and from one tap in a row to the next */
    int8_t border;
    bool runs; /* a row of taps lies side by side in the input and in the filter */
} quant_conv;
_Static_assert(sizeof(quant_conv) <= SMR_PARAMETER_BYTES, "it is stored in a node");

typedef struct quant_matmul {
    quant_output output;
    quant_filter filter;
    size_t rows; /* of the output */
    size_t depth;
} quant_matmul;
_Static_assert(sizeof(quant_matmul) <= SMR_PARAMETER_BYTES, "it is stored in a node");

typedef struct quant_depthwise {
    smr_window window;
    quant_output output;
    quant_filter filter;
    size_t channels;
    size_t per_channel; /* outputs of a channel */
    int8_t border;
} quant_depthwise;
_Static_assert(sizeof(quant_depthwise) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* Refuses a filter with which a sum can leave int32, whatever the input is. `rows` is the number of weights
 * of an output. */
smr_status smr_quant_check_sums(const quant_filter *filter, size_t rows, smr_error *error);

/* Whether multipliers are floats less than 1, none of them -0: a sum that they scale is an int32. */
static inline bool quant_scales_down(const quant_filter *filter) {
    return filter->multiplier != NULL &&
           smr_floats_within(filter->multiplier, filter->outputs, SMR_FLOAT_ZERO, SMR_FLOAT_ONE);
}

/* Writes outputs from `first` on as their sums say. */
static inline void quant_write(const quant_filter *filter, size_t first, size_t count, const int32_t *acc,
                               const quant_output *output, int8_t *y) {
    size_t n;
    if (filter->fixed != NULL) {
        for (n = 0; n < count; ++n) {
            y[n] = (int8_t)fixed_finish(
                fixed_rescale(acc[n], filter->fixed, filter->outputs, first + n, filter->rounding), output);
        }
        return;
    }
    for (n = 0; n < count; ++n) {
        y[n] = (int8_t)quant_requantize(acc[n], filter->multiplier[first + n], output);
    }
}

#endif
