/* Products of float32 pixels and packed matrices, cut into tiles: convolutions and matrix products for any
 * instruction set. A tile is a few pixels that lie side by side in a line of the output, and the outputs of
 * one or more panels of 16. What an instruction set adds is its tile functions, which product.inc writes. */
#ifndef SMR_TILED_PRODUCT_H
#define SMR_TILED_PRODUCT_H

#include <string.h>

#include "../generic/conv2d.h"

#define SMR_TILE_PIXELS 12 /* the most in a tile */
#define SMR_TILE_PANELS 8
#define SMR_TILE_RUNS   32 /* that a tile function is given at once */

/* The inputs that tile functions multiply: run by run, a row of `length` numbers for each pixel. */
typedef struct smr_product_tile {
    const float
        *rows[SMR_TILE_RUNS * SMR_TILE_PIXELS]; /* of a run those of all pixels, then those of the next */
    size_t places[SMR_TILE_RUNS];               /* which row of the matrix a run begins at */
    size_t runs;
    size_t length;
    const float *weights; /* the first panel */
    size_t panel_stride;
    const float *bias; /* of all outputs of the panels */
    float *partial;    /* [pixels][outputs]: the sums so far */
    bool first;        /* begin with the bias, not with `partial` */
    bool last;         /* write `output`, not `partial` */
    float least, most; /* of what is written */
    float *output;     /* of the first pixel */
    size_t pixel_stride;
    size_t outputs; /* to write; those of all panels but for the last of the matrix */
} smr_product_tile;

typedef void (*smr_product_function)(const smr_product_tile *tile);

/* What an instruction set has: functions [panels - 1][pixels - 1]. */
typedef struct smr_product_functions {
    size_t panels;                  /* the most of a tile */
    size_t panels_alone;            /* the most of a tile of one pixel */
    size_t pixels[SMR_TILE_PANELS]; /* the most of a tile with so many panels, less one */
    const smr_product_function (*function)[SMR_TILE_PIXELS];
} smr_product_functions;

extern const smr_product_functions smr_product_avx512, smr_product_avx2, smr_product_neon, smr_product_wasm;

/* Whether the filter is packed and all else is as the tiles want it. */
bool smr_product_takes_conv2d(const smr_node *node);
bool smr_product_takes_matmul(const smr_node *node);

/* As smr_prepare_conv2d and smr_prepare_matmul, for nodes that are taken. */
smr_status smr_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error);
smr_status smr_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error);

#endif
