/* Depthwise convolutions of float32 and float16, one output for each channel, in tiles of a few pixels of two
 * lines, a vector of channels at a time. What an instruction set adds is its tile functions, which
 * depthwise.inc writes for one of these types. */
#ifndef SMR_TILED_DEPTHWISE_H
#define SMR_TILED_DEPTHWISE_H

#include "../generic/conv2d.h"

#define SMR_DEPTHWISE_LINES  2 /* of a tile */
#define SMR_DEPTHWISE_PIXELS 7 /* the most of a line of a tile */
#define SMR_DEPTHWISE_SEEN   7 /* the most rows that a tile sees: 5 taps with stride 2 */
#define SMR_DEPTHWISE_WIDE   ((SMR_DEPTHWISE_PIXELS - 1) * 2 + 5)
#define SMR_DEPTHWISE_TAPS   64 /* that are summed at once where there is no tile for them */

/* What all tile functions need, of some channels. The lines of a tile are lines or columns of the image. */
typedef struct smr_depthwise_filter {
    const void *weights; /* of the first channel */
    const void *bias;    /* or null */
    size_t row_step;  /* elements, from a row of taps to the next, where rows are what a tile has lines of */
    size_t tap_step;  /* from a tap of a row to the next */
    size_t seen_step; /* from a pixel of a line of the input to the next */
    size_t output_step; /* from a pixel of a line of the output to the next */
    size_t channels;    /* at least a vector */
    float least, most;
} smr_depthwise_filter;

/* Tiles beside one another, all of whose taps lie in the image. */
typedef struct smr_depthwise_run {
    const void *rows[SMR_DEPTHWISE_SEEN];
    void *outputs[SMR_DEPTHWISE_LINES];
    size_t pixels; /* of a line; at least those of a tile */
} smr_depthwise_run;

/* One tile anywhere: where the pixels that it sees are, or zeros. Outputs that are there twice get what the
 * first of them says. */
typedef struct smr_depthwise_tile {
    const void *seen[SMR_DEPTHWISE_SEEN][SMR_DEPTHWISE_WIDE];
    void *outputs[SMR_DEPTHWISE_LINES][SMR_DEPTHWISE_PIXELS];
} smr_depthwise_tile;

/* Pixels of any filter: where each of their taps is, or zeros. */
typedef struct smr_depthwise_taps {
    const void *seen[SMR_DEPTHWISE_TAPS][SMR_DEPTHWISE_PIXELS];
    const void *weights[SMR_DEPTHWISE_TAPS];
    void *outputs[SMR_DEPTHWISE_PIXELS];
    size_t count;
    bool first; /* begin with the bias, not with what is written */
    bool last;  /* write what is clamped */
} smr_depthwise_taps;

/* What an instruction set has for tiles of so many pixels in a line: `run` and `tile` for 3 and 5 taps with
 * stride 1 and 2, the same both ways. */
typedef struct smr_depthwise_functions {
    size_t pixels;
    void (*run[4])(const smr_depthwise_filter *filter, const smr_depthwise_run *run);
    void (*tile[4])(const smr_depthwise_filter *filter, const smr_depthwise_tile *tile);
    void (*taps)(const smr_depthwise_filter *filter, const smr_depthwise_taps *taps);
} smr_depthwise_functions;

/* As smr_prepare_depthwise_conv2d, for nodes that are taken. `lanes`: the numbers of a vector; `functions`:
 * one or more sizes of tiles to choose from. */
smr_status smr_depthwise_prepare(smr_node *node, size_t lanes, const smr_depthwise_functions *functions,
                                 size_t count, smr_error *error);

/* Whether there is one output for each of at least `lanes` channels, of this type. Sums of float16 are
 * rounded once, so all their taps have to be summed at once. */
static inline bool smr_depthwise_takes(const smr_node *node, uint8_t dtype, int32_t lanes) {
    const smr_value *filter = node->inputs[1];
    return filter->dtype == dtype && filter->layout == SMR_LAYOUT_DENSE && filter->rank == 4 &&
           filter->count > 0 && filter->dims[3] == 1 && filter->dims[2] >= lanes &&
           (dtype == SMR_DTYPE_FLOAT32 || filter->dims[0] <= SMR_DEPTHWISE_TAPS / filter->dims[1]);
}

#endif
