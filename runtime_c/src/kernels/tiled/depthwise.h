/* Depthwise convolutions of float32, one output for each channel, line by line: a vector of channels at a
 * time for a few pixels that lie side by side. What an instruction set adds is its line functions, which
 * depthwise.inc writes. */
#ifndef SMR_TILED_DEPTHWISE_H
#define SMR_TILED_DEPTHWISE_H

#include "../generic/conv2d.h"

#define SMR_DEPTHWISE_ROWS 16 /* of taps, that a line function is given at once */

/* Some channels of a line of the output. */
typedef struct smr_depthwise_line {
    const float *rows[SMR_DEPTHWISE_ROWS];    /* of the input at column 0; only those that are there */
    const float *weights[SMR_DEPTHWISE_ROWS]; /* of the taps of that row */
    size_t row_count;
    const float *bias; /* or null */
    float *output;     /* of the line's first pixel */
    size_t channels;   /* of a pixel */
    size_t first_channel;
    size_t end_channel; /* at least a vector after the first */
    int32_t size;       /* columns of the input */
    int32_t taps;       /* in a row */
    int32_t stride;
    int32_t dilation;
    int32_t before; /* columns of padding */
    int32_t positions;
    int32_t inside_begin; /* the positions all of whose taps lie in the image */
    int32_t inside_end;
    float least, most;
} smr_depthwise_line;

typedef void (*smr_depthwise_function)(const smr_depthwise_line *line);

/* As smr_prepare_depthwise_conv2d, for nodes that are taken. `lanes`: the floats of a vector. */
smr_status smr_depthwise_prepare(smr_node *node, size_t lanes, smr_depthwise_function function,
                                 smr_error *error);

/* Whether there is one output for each of at least `lanes` channels. */
static inline bool smr_depthwise_takes(const smr_node *node, int32_t lanes) {
    const smr_value *filter = node->inputs[1];
    return filter->dtype == SMR_DTYPE_FLOAT32 && filter->layout == SMR_LAYOUT_DENSE && filter->rank == 4 &&
           filter->count > 0 && filter->dims[3] == 1 && filter->dims[2] >= lanes &&
           filter->dims[0] <= SMR_DEPTHWISE_ROWS;
}

#endif
