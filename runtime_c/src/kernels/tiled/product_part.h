/* What the files that run products share. */
#ifndef SMR_TILED_PRODUCT_PART_H
#define SMR_TILED_PRODUCT_PART_H

#include "product.h"

/* The first values of the sums of so many outputs are kept. */
#define SMR_PRODUCT_STARTS 1024

/* What changes from block to block, and copies of what is padded to whole panels. */
typedef struct product_block {
    size_t number;
    size_t first; /* panel */
    size_t count;
    const void *bias;                   /* int32 or float */
    const smr_tile_function *functions; /* by pixels, less one */
    const smr_tile_function *narrow;    /* those that are for fewer outputs, or null */
    size_t set;                         /* the first block of its set */
    size_t set_size;
    uint64_t met;                         /* bits of the blocks of the set that have met a part */
    int32_t *start;                       /* those of this block */
    int32_t starts[SMR_PRODUCT_STARTS];   /* of these blocks */
    int32_t biases[SMR_TILE_PANELS * 16]; /* or as many floats */
    float multipliers[SMR_TILE_PANELS * 16];
} product_block;

/* Lines and columns of the output, and a copy of what they see. */
typedef struct product_part {
    size_t number;
    size_t line; /* the first, of all images */
    size_t lines;
    size_t column; /* the first */
    size_t columns;
    const uint8_t *image;
    size_t channel; /* the first, of the group whose part it is */
    int64_t top;    /* the row that the first tap of the first line is at */
    int64_t left;   /* the column that the first tap of the first pixel is at */
    _Alignas(64) uint8_t copy[SMR_TILE_BYTES + SMR_TILE_SLACK];
} product_part;

/* A rectangle of an image, every so many columns of so many rows. */
typedef struct product_box {
    int64_t top, left;
    size_t rows, columns;
    size_t row_step, column_step;
    size_t channel, channels; /* of each pixel those from `channel` on */
} product_box;

static inline size_t product_divide(size_t count, size_t by) {
    return (count + by - 1) / by;
}

/* Pixels of a tile of a block. */
static inline size_t product_most_pixels(const smr_product *p) {
    return p->functions->pixels[p->panels / p->blocks - 1];
}

/* Bytes that an output sees of a pixel, which is all of it in a copy. */
static inline size_t product_seen(const smr_product *p) {
    return (size_t)p->channels * p->number;
}

/* The first channel that the outputs of a block see. */
static inline size_t product_channel(const smr_product *p, size_t block) {
    return p->groups == 1 ? 0 : block * p->groups / p->blocks * p->channels;
}

/* Whether numbers are in the form that they are multiplied in, and only those are read that there are. */
static inline bool product_multiplies_in_place(const smr_product *p) {
    return p->groups == 1 && (p->number > 1 || (p->functions->flip == 0 && p->channels % 4 == 0));
}

/* Whether copies have those pixels alone that a single tap sees. */
static inline bool product_gathers(const smr_product *p) {
    return p->window.taps[0] == 1 && p->window.taps[1] == 1 && !product_multiplies_in_place(p);
}

/* From what a pixel sees to what the next one of its line sees, or of its column. */
static inline size_t product_stride(const smr_product *p, int32_t axis) {
    return product_gathers(p) ? 1 : (size_t)p->window.strides[axis];
}

/* The columns that so many pixels of a line see. */
static inline size_t product_columns(const smr_product *p, size_t pixels) {
    const smr_window *window = &p->window;
    return (pixels - 1) * product_stride(p, 1) +
           (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
}

/* The rows that so many lines see. */
static inline size_t product_rows(const smr_product *p, size_t lines) {
    const smr_window *window = &p->window;
    return (lines - 1) * product_stride(p, 0) + (size_t)(window->taps[0] - 1) * (size_t)window->dilations[0] +
           1;
}

/* Two lines of seven pixels each make one tile. */
static inline bool product_pairs(const smr_product *p) {
    return !p->functions->alike && p->window.positions[1] == SMR_TILE_SPLIT && p->window.positions[0] > 1 &&
           p->window.dilations[0] == 1 && p->window.dilations[1] == 1 &&
           product_most_pixels(p) >= 2 * SMR_TILE_SPLIT;
}

/* How many channels of what a tile of so many pixels of so many lines sees are copied at once; 0 for none. */
size_t smr_product_chunk(const smr_product *p, size_t lines, size_t pixels);

/* Copies a box of an image; where it is outside of it the border is written. */
void smr_product_copy(const smr_product *p, const uint8_t *image, const product_box *box, uint8_t *to);

/* Runs a block of a part of a product that is swept. */
void smr_product_sweep(const smr_node *node, const smr_product *p, const product_block *block,
                       product_part *part, smr_tile *tile);

#endif
