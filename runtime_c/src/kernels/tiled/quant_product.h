/* Products of int8 pixels and packed matrices, cut into tiles: quantized convolutions and matrix products for
 * any instruction set. What the pixels of a line see is copied first, border and all, in the form that the
 * instruction set multiplies; then tile functions go through it. Sums are exact, so they do not depend on the
 * order. */
#ifndef SMR_TILED_QUANT_PRODUCT_H
#define SMR_TILED_QUANT_PRODUCT_H

#include "../generic/quant_conv.h"

#define SMR_QUANT_TILE_PIXELS 12 /* the most in a tile */
#define SMR_QUANT_TILE_PANELS 8
#define SMR_QUANT_TILE_BYTES  (24 * 1024) /* of copied rows */
#define SMR_QUANT_TILE_SLACK  64          /* that may be read after them */

/* A part of the rows of an image that the window is at. */
typedef struct smr_quant_part {
    const int8_t *image;
    int64_t top;  /* the first row, for the first row of taps */
    int64_t left; /* the first column */
    size_t columns;
} smr_quant_part;

/* What a tile function multiplies. */
typedef struct smr_quant_tile {
    const uint8_t *numbers; /* copied: of the first pixel, the first row */
    size_t pixel_bytes;     /* from one pixel to the next */
    size_t row_bytes;       /* from one row to the next */
    size_t run_bytes;       /* from one run of a row to the next */
    size_t rows;
    size_t runs;           /* of a row: 1, or one for each tap where dilation tears them apart */
    size_t groups;         /* of 4 numbers, of a run */
    const int8_t *weights; /* of the first panel */
    size_t panel_bytes;
    const int32_t *start; /* what sums begin with: see smr_quant_product_functions */
    int32_t *partial;     /* [pixels][outputs]: the sums so far */
    bool first;           /* begin with `start`, not with `partial` */
    bool last;            /* write `output`, not `partial` */
    const float *multiplier;
    const quant_output *range;
    int8_t *output; /* of the first pixel */
    size_t pixel_stride;
    size_t outputs; /* to write; those of all panels but for the last of the matrix */
} smr_quant_tile;

typedef void (*smr_quant_tile_function)(const smr_quant_tile *tile);

/* What an instruction set has. */
typedef struct smr_quant_product_functions {
    size_t panels;                        /* the most of a tile */
    size_t panels_alone;                  /* the most of a tile of one pixel */
    size_t pixels[SMR_QUANT_TILE_PANELS]; /* the most of a tile with so many panels, less one */
    const smr_quant_tile_function (*function)[SMR_QUANT_TILE_PIXELS];
    /* Copies what rows `first` to `end` of taps see of a part, one after the other. */
    void (*copy)(const quant_conv *conv, const smr_quant_part *part, size_t first, size_t end, uint8_t *to);
    /* What the sums of tiles of several pixels begin with: the bias, less what the form of the pixels adds. A
     * tile of one pixel begins with the bias. */
    void (*start)(const int8_t *weights, size_t panel_bytes, size_t panels, const int32_t *bias,
                  size_t outputs, int32_t *start);
} smr_quant_product_functions;

/* Whether the filter is packed, and all else is as the tiles want it. */
bool smr_quant_product_takes(const smr_node *node);

/* As smr_prepare_quantized_conv2d and smr_prepare_quantized_matmul, for nodes that are taken. */
smr_status smr_quant_product_prepare_conv2d(smr_node *node, const smr_quant_product_functions *functions,
                                            smr_error *error);
smr_status smr_quant_product_prepare_matmul(smr_node *node, const smr_quant_product_functions *functions,
                                            smr_error *error);

#endif
