/* Depthwise convolutions of int8, one output for each channel. The rows of the input that a line of the
 * output sees are woven into columns: for each channel of a pixel an element that holds the numbers of a few
 * rows, as the instruction set multiplies them with the same rows of taps at once. A woven column serves all
 * the taps that see it. What an instruction set adds is in quant_depthwise.inc. Sums are exact. */
#ifndef SMR_TILED_QUANT_DEPTHWISE_H
#define SMR_TILED_QUANT_DEPTHWISE_H

#include "../vector/quant_rounding.h"

#define SMR_WOVEN_CHANNELS 64 /* the most that are worked on together */
#define SMR_WOVEN_ROWS     4  /* the most of an element */
#define SMR_WOVEN_SLACK    64 /* elements that may be read or written after the last */
#define SMR_WOVEN_SUMS     80 /* of a position, whose last vector may be longer than its channels */

/* Bytes of some rows, to be woven. */
typedef struct smr_woven_rows {
    const int8_t *rows[SMR_WOVEN_ROWS];
    size_t byte_step[SMR_WOVEN_ROWS];  /* 1, or 0 for a row that repeats its first 64 bytes */
    size_t pixel_step[SMR_WOVEN_ROWS]; /* from one pixel to the next */
    size_t pixels;
    size_t count; /* bytes of a pixel */
    uint8_t flip; /* what bytes are combined with by exclusive or */
    bool loose;   /* elements of 64 channels lie in the order that the instruction set likes best */
    uint8_t *woven;
} smr_woven_rows;

/* Sums to work out: `positions` times `count` numbers. */
typedef struct smr_woven_sums {
    const uint8_t *woven;
    const uint8_t *weights; /* [group][tap][channel] */
    const int32_t *start;   /* [channel], as the multipliers */
    const float *multiplier;
    size_t taps;
    size_t groups;         /* of rows of taps */
    size_t tap_bytes;      /* of `woven`, from one tap to the next */
    size_t group_bytes;    /* from one group to the next */
    size_t position_bytes; /* from one position to the next */
    size_t weight_bytes;   /* of `weights`, of a tap and group */
    size_t lines;
    size_t line_bytes; /* of `woven`, from one of these lines to the next */
    size_t positions;  /* of a line */
    size_t count;      /* numbers side by side at a position */
    size_t across;     /* 2 or 4 positions can be worked on together; else 1 */
    bool loose;        /* see smr_woven_rows */
    bool flat;         /* there is one position, and weights begin anew after `period` numbers */
    size_t period;
    int8_t *output;
    size_t output_step; /* from one position to the next */
    size_t output_line; /* from one of the lines to the next */
    const quant_output *range;
    int32_t *left; /* where sums are left that are rounded apart, SMR_WOVEN_SUMS for each position of one
                    * line; or null */
    bool more;     /* they are added to what is there */
} smr_woven_sums;

typedef struct smr_woven_functions {
    size_t rows;  /* of an element */
    size_t bytes; /* of an element */
    size_t chunk; /* bytes that are woven at once, a power of two */
    size_t lanes; /* sums of a vector, of four of which several positions may be part; 0 where they may not */
    uint8_t flip; /* of the input's bytes: 0x80 where they are taken as unsigned */
    void (*weave)(const smr_woven_rows *rows);
    /* Puts `count` biases and multipliers in the order of elements, and takes from what sums begin with what
     * `columns` woven columns of the filter make of the flip. */
    void (*start)(const uint8_t *weights, size_t columns, size_t weight_bytes, size_t count, bool loose,
                  int32_t *start, float *multiplier);
    void (*sum)(const smr_woven_sums *sums);
    smr_quant_rounding round; /* of sums whose multipliers are fixed-point, or null */
} smr_woven_functions;

/* Whether there is one output for each channel, and no more taps than there is room for. */
bool smr_woven_takes(const smr_node *node);

/* As smr_prepare_quantized_depthwise_conv2d, for nodes that are taken. */
smr_status smr_woven_prepare(smr_node *node, const smr_woven_functions *functions, smr_error *error);

#endif
