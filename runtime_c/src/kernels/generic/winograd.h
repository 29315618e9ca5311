/* Convolutions of 3 by 3 taps by minimal filtering, F(4 x 4, 3 x 3): a tile of 4 by 4 pixels of the output
 * takes 36 products for each pair of channels instead of 144 (S. Winograd, Arithmetic Complexity of
 * Computations, 1980; A. Lavin and S. Gray, arXiv 1509.09308). The points of interpolation are 0, the square
 * roots of 1/2 and of 2 with both signs, and infinity, which lose half as much accuracy as 0, 1, -1, 2, -2.
 *
 * Tiles are taken in blocks: the 6 by 6 pixels that each tile sees are spread to 36 rows of channels, each
 * row is multiplied by its matrix, and the 36 rows of outputs are gathered to 4 by 4 pixels. */
#ifndef SMR_GENERIC_WINOGRAD_H
#define SMR_GENERIC_WINOGRAD_H

#include "../../core/kernel.h"

#define SMR_WINOGRAD_TILE   4  /* pixels that a tile has in each direction */
#define SMR_WINOGRAD_SEEN   6  /* and that it sees */
#define SMR_WINOGRAD_POINTS 36 /* 6 by 6 */

/* Where a tile goes. */
typedef struct smr_winograd_output {
    float *pixels; /* the first one */
    size_t line_stride;
    size_t pixel_stride;
    size_t lines; /* of the tile that lie in the image */
    size_t columns;
    const float *bias; /* null for none */
    float least, most;
} smr_winograd_output;

/* The product of a block of tiles. */
typedef struct smr_winograd_product {
    const float *rows;    /* [36][tiles][channels] */
    const float *weights; /* panels of 16 outputs, each [36][channels][16] */
    float *sums;          /* [36][tiles][outputs] */
    size_t tiles;
    size_t channels;
    size_t outputs;
} smr_winograd_product;

/* What an instruction set has. */
typedef struct smr_winograd_functions {
    /* Spreads 36 pixels of `channels` numbers to 36 rows that lie `stride` apart. */
    void (*spread)(const float *const *pixels, size_t channels, float *rows, size_t stride);
    void (*multiply)(const smr_winograd_product *product);
    /* Gathers 36 rows of `outputs` sums, which lie `stride` apart, to the pixels of a tile. */
    void (*gather)(const float *sums, size_t stride, size_t outputs, const smr_winograd_output *output);
} smr_winograd_functions;

/* As smr_prepare_winograd_conv2d, with these functions. */
smr_status smr_winograd_prepare(smr_node *node, const smr_winograd_functions *functions, smr_error *error);

#endif
