/* Products of pixels and packed matrices, cut into tiles: convolutions and matrix products of float32 and
 * int8 for any instruction set. A tile is up to SMR_TILE_PIXELS pixels of the output that lie side by side,
 * and the outputs of one or more panels of 16. What an instruction set adds is its tile functions, which
 * product.inc and quant_product.inc write.
 *
 * The output is cut into shares of lines, columns or the pixels of a matrix, these into parts of whole lines
 * or so many pixels, and the panels into blocks; a work item is one block of one part of a share. What the
 * pixels of a part see is read where it lies or, where it is small, reaches into the padding or is not in the
 * form that the instruction set multiplies, copied. */
#ifndef SMR_TILED_PRODUCT_H
#define SMR_TILED_PRODUCT_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../generic/conv2d.h"
#include "../generic/quant_conv.h"
#include "../vector/quant_rounding.h"

#define SMR_TILE_PIXELS 16
#define SMR_TILE_PANELS 8
#define SMR_TILE_SUMS   (64 * 16)   /* the most in a tile */
#define SMR_TILE_SPLIT  7           /* pixels from this one on may lie in another line */
#define SMR_TILE_BYTES  (24 * 1024) /* that are copied at once */
#define SMR_TILE_SLACK  64          /* that may be read after them */
#define SMR_TILE_APART  4096        /* bytes after which a cache of the first level has the same set */
#define SMR_TILE_AHEAD  1024        /* bytes from weights to those that come soon */

/* From here on a compiler knows nothing of `x`. Of a distance that it knows to be one of two it computes the
 * places of all pixels of a tile twice, which is more code than their products are. */
#define SMR_TILE_FORGET(x) __asm__("" : "+r"(x))

/* What a tile function multiplies. Distances are in bytes. */
typedef struct smr_tile {
    const uint8_t *pixels; /* what the first run of the first pixel begins with */
    size_t pixel_step;
    size_t row_step; /* from one row of taps to the next */
    size_t run_step; /* from one run of a row to the next */
    size_t jump;     /* what pixels from SMR_TILE_SPLIT on are farther away */
    size_t rows;
    size_t runs;            /* of a row */
    size_t length;          /* of a run: numbers, or groups of 4 int8 */
    const uint8_t *weights; /* of the first panel */
    size_t weights_panel;   /* from one panel to the next */
    size_t weights_row;
    size_t weights_run;
    ptrdiff_t ahead;   /* from weights that are multiplied to those that are fetched meanwhile */
    const void *start; /* what the sums begin with, of all outputs of the panels */
    void *partial;     /* [pixels][outputs]: the sums so far */
    bool first;        /* begin with `start`, not with `partial` */
    bool careful;      /* a weight may be -128 */
    bool last;         /* write `output`, not `partial` */
    float least, most; /* of float32 that is written; not looked at where `least` is -INFINITY */
    const float *multiplier;
    const quant_output *range;
    void *output;       /* of the first pixel */
    size_t output_step; /* elements, from one pixel to the next */
    size_t outputs;     /* to write; those of all panels but for the last of the matrix */
    size_t count;       /* pixels */
    void *memory;       /* what an instruction set remembers from tile to tile; see smr_product_run_with */
} smr_tile;

typedef void (*smr_tile_function)(const smr_tile *tile);

/* What an instruction set has for one type of numbers. */
typedef struct smr_product_functions {
    uint8_t panels;                  /* of a tile; one has one more where the number of panels is odd */
    uint8_t panels_alone;            /* the most of a tile of one pixel */
    uint8_t panels_apart[2];         /* the most of rows and of lines whose pixels lie a multiple of
                                      * SMR_TILE_APART apart; 0 where that makes no difference */
    uint8_t pixels[SMR_TILE_PANELS]; /* the most of a tile with so many panels, less one */
    uint8_t flip;                    /* what bytes are combined with by exclusive or when they are copied */
    bool alike; /* all tiles of a line have as many pixels, and some overlap; no block has a panel more */
    const smr_tile_function (*function)[SMR_TILE_PIXELS];
    const smr_tile_function (*narrow)[SMR_TILE_PIXELS]; /* some of them where the last panel has 8 outputs or
                                                         * fewer; or null */
    void (*copy)(uint8_t *to, const uint8_t *from, size_t count); /* flips; null when `flip` is 0 */
    /* What the sums of tiles of several pixels begin with: the bias, less what `flip` adds. A tile of one
     * pixel begins with the bias. Null when `flip` is 0. */
    void (*start)(const uint8_t *weights, size_t panel_bytes, size_t panels, const int32_t *bias,
                  size_t outputs, int32_t *start);
    /* Whether a weight is -128: tiles of such weights are `careful`. Null where all weights are alike. */
    bool (*has_least)(const uint8_t *weights, size_t bytes);
    smr_quant_rounding round; /* of sums whose multipliers are fixed-point, or null */
} smr_product_functions;

extern const smr_product_functions smr_product_avx512, smr_product_avx2, smr_product_neon, smr_product_wasm;

/* The same of float32 numbers and float16 weights; these leave sums alone. */
extern const smr_product_functions smr_product_mixed_avx512, smr_product_mixed_avx2, smr_product_mixed_neon;

/* How a product is cut, in a node's parameters. */
typedef struct smr_product {
    smr_window window;
    const smr_product_functions *functions;
    const uint8_t *weights;
    const uint8_t *bias;    /* null for none, or one that is no constant */
    size_t pixel;           /* bytes from one pixel of the input to the next */
    uint32_t weights_panel; /* bytes */
    uint32_t weights_row;
    uint32_t weights_tap; /* 0 where taps cannot be told apart */
    uint32_t outputs;
    uint32_t channels; /* that an output sees */
    uint32_t groups;   /* of as many channels each, and as many panels */
    uint32_t panels;
    uint32_t blocks;  /* of panels, none of which are in two groups */
    uint32_t set;     /* so many blocks meet one part before the next */
    uint32_t unit;    /* lines, or pixels of rows, that are in the same part */
    uint32_t units;   /* of an image, or of all rows */
    uint32_t longest; /* units of a part, at most */
    uint32_t across;  /* shares that have some columns of the same lines; 1 of rows */
    uint32_t shares;  /* of an image, or of all rows: `across`, or so many of units; see core/shares.h */
    uint32_t parts;   /* of a share that is worked on block by block */
    float least, most;
    uint8_t number; /* bytes of one: 4, 2 (whose sums are of 4) or 1 */
    uint8_t border;
    uint8_t rounding;   /* of fixed-point multipliers */
    bool computed_bias; /* it is no constant */
    bool copied;        /* parts are copied whole */
    bool rows;          /* one line of pixels that see nothing but themselves */
    bool matrix;        /* the same, and they are all there is of one group */
    bool alone;         /* the same of one pixel */
    bool swept;         /* a few weights after the other meet all pixels of a part */
    bool careful;
    bool apart;  /* tiles leave sums, which are requantized apart from them */
    bool fixed;  /* multipliers are fixed-point */
    bool packed; /* in a first phase, from a matrix that is computed: `weights` lie in the scratch */
    bool turned; /* that matrix has a row for each output */
    /* What follows only products of integers have. */
    quant_output range;
    const void *multiplier;    /* float32, or int32 where it is fixed */
    int32_t filter_zero_point; /* the sums of tiles know nothing of it */
} smr_product;
_Static_assert(sizeof(smr_product) <= SMR_PARAMETER_BYTES, "smr_product fits a node");

/* Whether the filter is packed, or the file has room to pack it in, and all else is as the tiles want it. */
bool smr_product_takes_conv2d(const smr_node *node);
bool smr_product_takes_matmul(const smr_node *node);
bool smr_half_product_takes_conv2d(const smr_node *node);
bool smr_half_product_takes_matmul(const smr_node *node);
bool smr_quant_product_takes(const smr_node *node);

/* As smr_prepare_conv2d and so on, for nodes that are taken. */
smr_status smr_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error);
smr_status smr_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error);
smr_status smr_quant_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                            smr_error *error);
smr_status smr_quant_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                            smr_error *error);

/* What kernels.inc names for an instruction set with these functions. */
#define SMR_PRODUCT_KERNELS(isa, functions)                                 \
    SMR_PRODUCT_KERNEL(conv2d_##isa, smr_product_prepare_conv2d, functions) \
    SMR_PRODUCT_KERNEL(matmul_##isa, smr_product_prepare_matmul, functions)
#define SMR_HALF_PRODUCT_KERNELS(isa, functions)                                 \
    SMR_PRODUCT_KERNEL(half_conv2d_##isa, smr_product_prepare_conv2d, functions) \
    SMR_PRODUCT_KERNEL(half_matmul_##isa, smr_product_prepare_matmul, functions)
#define SMR_QUANT_PRODUCT_KERNELS(isa, functions)                                           \
    SMR_PRODUCT_KERNEL(quantized_conv2d_##isa, smr_quant_product_prepare_conv2d, functions) \
    SMR_PRODUCT_KERNEL(quantized_matmul_##isa, smr_quant_product_prepare_matmul, functions)
#define SMR_PRODUCT_KERNEL(name, prepare, functions)                  \
    smr_status smr_prepare_##name(smr_node *node, smr_error *error) { \
        return prepare(node, functions, error);                       \
    }

/* ---- Between the files that cut and run products ---- */

/* Outputs that share weights from which on it pays to pack these first. */
#define SMR_PRODUCT_PACKED 4

/* A matrix product with so many rows, but for how it is cut. */
void smr_product_fill_matmul(const smr_node *node, const smr_product_functions *functions, size_t rows,
                             smr_product *p);

/* Whether a matrix product of more than one second factor, or of a first one that is turned, can be packed.
 */
bool smr_product_fits_batches(const smr_node *node, uint8_t dtype);

/* Replaces what such a node runs, where the tiles can do it. The generic kernel has prepared it. */
void smr_product_prepare_batches(smr_node *node, const smr_product_functions *functions);

/* The product of a matrix of so many rows, which are one line of pixels; so many of them have been a line. */
void smr_product_as_rows(smr_product *p, size_t rows, size_t line);

/* Says how far apart weights are, in bytes. */
void smr_product_place_weights(smr_product *p, size_t tap, size_t row, size_t panel);

/* Cuts and, where the tiles can do it, replaces what a node runs. */
void smr_product_cut(smr_node *node, smr_product *p);

smr_status smr_product_run(const smr_node *node, size_t begin, size_t end, smr_error *error);

/* Packs a panel of the second input into the scratch. */
void smr_product_pack(const smr_node *node, const smr_product *p, size_t panel);

/* The same for weights that a run packs first. */
smr_status smr_product_run_packed(const smr_node *node, size_t begin, size_t end, smr_error *error);

/* smr_product_run for tile functions that have `memory`. */
void smr_product_run_with(const smr_node *node, size_t begin, size_t end, void *memory);

#endif
