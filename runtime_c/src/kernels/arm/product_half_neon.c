/* Products of float16 with NEON of 64-bit ARM: numbers are widened as they are read, and multiplied and
 * summed as float32, so that results are those of the plain kernels but for the order of the sums. 20 of the
 * 32 registers hold sums, and numbers of five pixels are in others. */
#include "../prototypes.h"
#include "../tiled/product.h"

#if defined(SMR_KERNELS_ARM64)
#include "product_half.h"

#define HALF_PIXELS 5

/* Adds the products of the number in a lane of each pixel and a row of the panels. */
#define HALF_LANE(lane)                                                                   \
    HALF_UNROLL for (v = 0; v < 2 * panels; ++v) {                                        \
        const uint8_t *from = weights + (lane) * 32 + v / 2 * panel + v % 2 * 16;         \
        const float16x8_t weight = vld1q_f16((const float16_t *)(const void *)from);      \
        const float32x4_t low = vcvt_f32_f16(vget_low_f16(weight));                       \
        const float32x4_t high = vcvt_high_f32_f16(weight);                               \
        HALF_UNROLL for (r = 0; r < pixels; ++r) {                                        \
            sum[r][2 * v] = vfmaq_laneq_f32(sum[r][2 * v], low, value[r], lane);          \
            sum[r][2 * v + 1] = vfmaq_laneq_f32(sum[r][2 * v + 1], high, value[r], lane); \
        }                                                                                 \
    }

/* Adds the products of so many numbers of each pixel, 1 or 4, and rows of the panels. */
static inline __attribute__((always_inline)) void half_steps(float32x4_t sum[HALF_PIXELS][4 * HALF_PANELS],
                                                             const uint8_t *numbers, size_t pixel,
                                                             const uint8_t *weights, size_t panel,
                                                             const size_t panels, const size_t pixels,
                                                             const size_t count) {
    float32x4_t value[HALF_PIXELS];
    size_t r, v;
    HALF_UNROLL for (r = 0; r < pixels; ++r) {
        const float16_t *from = (const float16_t *)(const void *)(numbers + r * pixel);
        value[r] = vcvt_f32_f16(count == 4 ? vld1_f16(from) : vld1_dup_f16(from));
    }
    HALF_LANE(0)
    if (count == 4) {
        HALF_LANE(1)
        HALF_LANE(2)
        HALF_LANE(3)
    }
}

static inline __attribute__((always_inline)) void half_tile(const smr_tile *tile, const size_t panels,
                                                            const size_t pixels) {
    const size_t panel = tile->weights_panel, pixel = tile->pixel_step, vectors = 4 * panels;
    const float *start = tile->first ? tile->start : tile->partial;
    const size_t step = tile->first ? 0 : panels * 16;
    float *partial = tile->partial;
    float32x4_t sum[HALF_PIXELS][4 * HALF_PANELS];
    size_t row, run, k, r, v;
    HALF_UNROLL for (r = 0; r < pixels; ++r) {
        HALF_UNROLL for (v = 0; v < vectors; ++v) {
            sum[r][v] = vld1q_f32(start + r * step + 4 * v);
        }
    }
    for (row = 0; row < tile->rows; ++row) {
        for (run = 0; run < tile->runs; ++run) {
            const uint8_t *weights = tile->weights + row * tile->weights_row + run * tile->weights_run;
            const uint8_t *numbers = tile->pixels + row * tile->row_step + run * tile->run_step;
            for (k = tile->length; k >= 4; k -= 4, numbers += 8, weights += 128) {
                half_steps(sum, numbers, pixel, weights, panel, panels, pixels, 4);
            }
            for (; k > 0; --k, numbers += 2, weights += 32) {
                half_steps(sum, numbers, pixel, weights, panel, panels, pixels, 1);
            }
        }
    }
    if (tile->last) {
        HALF_UNROLL for (r = 0; r < pixels; ++r) {
            half_write(sum[r], tile, panels, r);
        }
        return;
    }
    HALF_UNROLL for (r = 0; r < pixels; ++r) {
        HALF_UNROLL for (v = 0; v < vectors; ++v) {
            vst1q_f32(partial + (r * panels * 4 + v) * 4, sum[r][v]);
        }
    }
}

/* clang-format off */
#define HALF_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */

#define HALF_TILE(panels, pixels)                                   \
    static void half_##panels##_by_##pixels(const smr_tile *tile) { \
        half_tile(tile, panels, pixels);                            \
    }
HALF_TILES(HALF_TILE)

#define HALF_ENTRY(panels, pixels) [panels - 1][pixels - 1] = half_##panels##_by_##pixels,
static const smr_tile_function half_table[SMR_TILE_PANELS][SMR_TILE_PIXELS] = {HALF_TILES(HALF_ENTRY)};

static const smr_product_functions half_functions = {
    .panels = 1, .panels_alone = HALF_PANELS, .pixels = {HALF_PIXELS, 1, 1, 1}, .function = half_table};

smr_status smr_prepare_half_conv2d_neon(smr_node *node, smr_error *error) {
    return smr_product_prepare_conv2d(node, &half_functions, error);
}

smr_status smr_prepare_half_matmul_neon(smr_node *node, smr_error *error) {
    return smr_product_prepare_matmul(node, &half_functions, error);
}

#endif
