/* Products of int8 with NEON's products of matrices: each adds the products of 8 numbers of two pixels and
 * two outputs to four sums; up to 24 of the 32 registers hold sums. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "quant_write.h"

#define QUANT_UNROLL _Pragma("GCC unroll 16")
#define QUANT_PAIRS  3 /* of pixels, the most in a tile */

/* The sums of 16 outputs of two pixels: of each two outputs those of the first pixel, then those of the
 * second. */
typedef struct quant_pair {
    int32x4_t sum[8];
} quant_pair;

/* Numbers of a pair of pixels, or twice of the last one. */
typedef struct quant_pixels {
    const uint8_t *first, *second;
} quant_pixels;

static inline int8x8_t quant_four(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return vreinterpret_s8_s32(vset_lane_s32(four, vdup_n_s32(0), 0));
}

static inline int8x8_t quant_eight(const uint8_t *from) {
    return vreinterpret_s8_u8(vld1_u8(from));
}

/* Adds the products of 8 numbers, or of 4 where `half`. */
static inline __attribute__((always_inline)) void quant_step(quant_pair pair[QUANT_PAIRS],
                                                             const quant_pixels from[QUANT_PAIRS], size_t at,
                                                             const int8_t *weights, const size_t pairs,
                                                             const bool half) {
    int8x16_t numbers[QUANT_PAIRS];
    size_t i, v;
    QUANT_UNROLL for (i = 0; i < pairs; ++i) {
        numbers[i] = half ? vcombine_s8(quant_four(from[i].first + at), quant_four(from[i].second + at))
                          : vcombine_s8(quant_eight(from[i].first + at), quant_eight(from[i].second + at));
    }
    QUANT_UNROLL for (v = 0; v < 4; ++v) {
        const int32x4_t low = vreinterpretq_s32_s8(vld1q_s8(weights + 16 * v));
        const int32x4_t high = half ? vdupq_n_s32(0) : vreinterpretq_s32_s8(vld1q_s8(weights + 64 + 16 * v));
        const int8x16_t even = vreinterpretq_s8_s32(vzip1q_s32(low, high));
        const int8x16_t odd = vreinterpretq_s8_s32(vzip2q_s32(low, high));
        QUANT_UNROLL for (i = 0; i < pairs; ++i) {
            pair[i].sum[2 * v] = vmmlaq_s32(pair[i].sum[2 * v], numbers[i], even);
            pair[i].sum[2 * v + 1] = vmmlaq_s32(pair[i].sum[2 * v + 1], numbers[i], odd);
        }
    }
}

static inline __attribute__((always_inline)) void quant_multiply(const smr_tile *tile,
                                                                 quant_pair pair[QUANT_PAIRS],
                                                                 const size_t pixels) {
    const size_t pairs = (pixels + 1) / 2, pixel = tile->pixel_step;
    size_t row, run, group, i;
    for (row = 0; row < tile->rows; ++row) {
        for (run = 0; run < tile->runs; ++run) {
            const int8_t *weights =
                (const int8_t *)tile->weights + row * tile->weights_row + run * tile->weights_run;
            const uint8_t *first = tile->pixels + row * tile->row_step + run * tile->run_step;
            quant_pixels from[QUANT_PAIRS];
            QUANT_UNROLL for (i = 0; i < pairs; ++i) {
                from[i].first = first + 2 * i * pixel;
                from[i].second = 2 * i + 1 < pixels ? from[i].first + pixel : from[i].first;
            }
            for (group = 0; group + 2 <= tile->length; group += 2) {
                quant_step(pair, from, 4 * group, weights + 64 * group, pairs, false);
            }
            if (group < tile->length) {
                quant_step(pair, from, 4 * group, weights + 64 * group, pairs, true);
            }
        }
    }
}

/* Four vectors of a pixel's sums. */
static inline void quant_unpack(const quant_pair *pair, size_t second, int32x4_t sum[4]) {
    size_t v;
    QUANT_UNROLL for (v = 0; v < 4; ++v) {
        const int32x4_t even = pair->sum[2 * v], odd = pair->sum[2 * v + 1];
        sum[v] = second ? vcombine_s32(vget_high_s32(even), vget_high_s32(odd))
                        : vcombine_s32(vget_low_s32(even), vget_low_s32(odd));
    }
}

static inline __attribute__((always_inline)) void quant_tile(const smr_tile *tile, const size_t pixels) {
    const size_t pairs = (pixels + 1) / 2, step = tile->first ? 0 : 16;
    const int32_t *begin = tile->first ? tile->start : tile->partial;
    const quant_limits limits = quant_limits_of(tile->range);
    int32_t *partial = tile->partial;
    int8_t *output = tile->output;
    quant_pair pair[QUANT_PAIRS];
    size_t i, v, r;
    QUANT_UNROLL for (i = 0; i < pairs; ++i) {
        const int32_t *first = begin + 2 * i * step;
        const int32_t *second = 2 * i + 1 < pixels ? first + step : first;
        QUANT_UNROLL for (v = 0; v < 8; ++v) {
            pair[i].sum[v] = vcombine_s32(vld1_s32(first + 2 * v), vld1_s32(second + 2 * v));
        }
    }
    quant_multiply(tile, pair, pixels);
    QUANT_UNROLL for (r = 0; r < pixels; ++r) {
        int32x4_t sum[4];
        quant_unpack(&pair[r / 2], r % 2, sum);
        if (!tile->last) {
            QUANT_UNROLL for (v = 0; v < 4; ++v) {
                vst1q_s32(partial + 16 * r + 4 * v, sum[v]);
            }
        } else if (tile->outputs == 16) {
            quant_write_four(sum[0], sum[1], sum[2], sum[3], tile->multiplier, limits,
                             output + r * tile->output_step);
        } else {
            int8_t padded[16];
            quant_write_four(sum[0], sum[1], sum[2], sum[3], tile->multiplier, limits, padded);
            memcpy(output + r * tile->output_step, padded, tile->outputs);
        }
    }
}

/* Of one panel alone. */
#define TILE_TABLE                     tile_table
#define TILE_RUN(tile, panels, pixels) quant_tile(tile, pixels)
#define TILE_SIZES(TILE)               TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6)
#include "../tiled/tile_table.inc"

static const smr_product_functions quant_functions = {
    .panels = 1, .panels_alone = 1, .pixels = {6}, .function = tile_table, .round = smr_quant_rounding_neon};

SMR_QUANT_PRODUCT_KERNELS(neoni8mm, &quant_functions)
