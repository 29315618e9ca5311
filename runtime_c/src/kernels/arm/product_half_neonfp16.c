/* Products of float16 with the arithmetic of float16 of ARMv8.2, for files that permit it: as many products
 * as HALF_BLOCK are summed as float16, eight lanes at a time, and these sums are added as float32.
 * docs/float16.md has the bound of the error. 16 of the 32 registers hold sums, and numbers of eight pixels
 * are in others. */
#include "../prototypes.h"
#include "../tiled/product.h"

#if defined(SMR_KERNELS_ARM64)
#include "neon.h"

#include "../tiled/product_half_write.inc"

#define HALF_PANELS 4 /* the most of a tile, of one pixel */
#define HALF_PIXELS 8
#define HALF_BLOCK  64

/* The intrinsic makes gcc copy the lane to all lanes of another register first. Since it does not know how
 * long this one takes, it is not to move it: what waits for each other is far apart as it stands. */
#if defined(__GNUC__) && !defined(__clang__)
#define HALF_MULTIPLY_ADD(sum, weight, value, lane) \
    __asm__ volatile("fmla %0.8h, %1.8h, %2.h[%3]" : "+w"(sum) : "w"(weight), "x"(value), "i"(lane))
#else
#define HALF_MULTIPLY_ADD(sum, weight, value, lane) sum = vfmaq_laneq_f16(sum, weight, value, lane)
#endif

/* Weights of the vector `v` of a tile. */
#define HALF_WEIGHTS(lane, v) \
    vld1q_f16((const float16_t *)(const void *)(weights + (lane) * 32 + (v) / 2 * panel + (v) % 2 * 16))

/* Adds the products of the number in a lane of each pixel and a row of the panels. Weights are loaded one
 * vector ahead. */
#define HALF_LANE(lane)                                           \
    UNROLL for (v = 0; v < 2 * panels; ++v) {                     \
        const float16x8_t weight = next;                          \
        if (v + 1 < 2 * panels) {                                 \
            next = HALF_WEIGHTS(lane, v + 1);                     \
        } else if ((lane) + 1 < count) {                          \
            next = HALF_WEIGHTS((lane) + 1, 0);                   \
        }                                                         \
        UNROLL for (r = 0; r < pixels; ++r) {                     \
            HALF_MULTIPLY_ADD(sum[r][v], weight, value[r], lane); \
        }                                                         \
    }

/* Adds the products of so many numbers of each pixel, 1, 4 or 8, and rows of the panels. */
static inline __attribute__((always_inline)) void half_steps(float16x8_t sum[HALF_PIXELS][2 * HALF_PANELS],
                                                             const uint8_t *numbers, size_t pixel,
                                                             const uint8_t *weights, size_t panel,
                                                             const size_t panels, const size_t pixels,
                                                             const size_t count) {
    float16x8_t value[HALF_PIXELS], next = HALF_WEIGHTS(0, 0);
    size_t r, v;
    UNROLL for (r = 0; r < pixels; ++r) {
        const float16_t *from = (const float16_t *)(const void *)(numbers + r * pixel);
        const float16x4_t few = count == 4 ? vld1_f16(from) : vld1_dup_f16(from);
        value[r] = count == 8 ? vld1q_f16(from) : vcombine_f16(few, few);
    }
    HALF_LANE(0)
    if (count >= 4) {
        HALF_LANE(1)
        HALF_LANE(2)
        HALF_LANE(3)
    }
    if (count == 8) {
        HALF_LANE(4)
        HALF_LANE(5)
        HALF_LANE(6)
        HALF_LANE(7)
    }
}

/* Adds the sums of a pixel to others of float32. */
static inline __attribute__((always_inline)) void half_widen(const float16x8_t *sum, const float *from,
                                                             float32x4_t *total, const size_t panels) {
    size_t v;
    UNROLL for (v = 0; v < 2 * panels; ++v) {
        total[2 * v] = vaddq_f32(vld1q_f32(from + 8 * v), vcvt_f32_f16(vget_low_f16(sum[v])));
        total[2 * v + 1] = vaddq_f32(vld1q_f32(from + 8 * v + 4), vcvt_high_f32_f16(sum[v]));
    }
}

static inline __attribute__((always_inline)) void half_tile(const smr_tile *tile, const size_t panels,
                                                            const size_t pixels) {
    const size_t panel = tile->weights_panel, pixel = tile->pixel_step;
    const float *from = tile->first ? tile->start : tile->partial; /* the sums of float32 so far */
    size_t step = tile->first ? 0 : panels * 16, left = HALF_BLOCK;
    half_place place = half_place_of(tile, panels * 16, pixels);
    float *partial = tile->partial;
    float16x8_t sum[HALF_PIXELS][2 * HALF_PANELS];
    float32x4_t total[4 * HALF_PANELS];
    size_t row, run, k, steps, r, v;
    UNROLL for (r = 0; r < pixels; ++r) {
        UNROLL for (v = 0; v < 2 * panels; ++v) {
            sum[r][v] = vdupq_n_f16(0);
        }
    }
    for (row = 0; row < tile->rows; ++row) {
        for (run = 0; run < tile->runs; ++run) {
            const uint8_t *weights = tile->weights + row * tile->weights_row + run * tile->weights_run;
            const uint8_t *numbers = tile->pixels + row * tile->row_step + run * tile->run_step;
            for (k = tile->length; k > 0;) {
                if (left == 0) {
                    UNROLL for (r = 0; r < pixels; ++r) {
                        half_widen(sum[r], from + r * step, total, panels);
                        UNROLL for (v = 0; v < 4 * panels; ++v) {
                            vst1q_f32(partial + (r * panels * 4 + v) * 4, total[v]);
                        }
                        UNROLL for (v = 0; v < 2 * panels; ++v) {
                            sum[r][v] = vdupq_n_f16(0);
                        }
                    }
                    from = partial;
                    step = panels * 16;
                    left = HALF_BLOCK;
                }
                steps = k < left ? k : left;
                k -= steps;
                left -= steps;
                for (; steps >= 8; steps -= 8, numbers += 16, weights += 256) {
                    half_steps(sum, numbers, pixel, weights, panel, panels, pixels, 8);
                }
                if (steps >= 4) {
                    half_steps(sum, numbers, pixel, weights, panel, panels, pixels, 4);
                    steps -= 4;
                    numbers += 8;
                    weights += 128;
                }
                for (; steps > 0; --steps, numbers += 2, weights += 32) {
                    half_steps(sum, numbers, pixel, weights, panel, panels, pixels, 1);
                }
            }
        }
    }
    UNROLL for (r = 0; r < pixels; ++r, place.to += place.step) {
        half_widen(sum[r], from + r * step, total, panels);
        if (tile->last) {
            half_write(total, tile, panels, place.to);
        } else {
            UNROLL for (v = 0; v < 4 * panels; ++v) {
                vst1q_f32(partial + (r * panels * 4 + v) * 4, total[v]);
            }
        }
    }
    if (tile->last && tile->outputs < panels * 16) {
        half_copy_outputs(tile, panels * 16, pixels);
    }
}

/* clang-format off */
#define HALF_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */

#define TILE_TABLE tile_table
#define TILE_RUN   half_tile
#define TILE_SIZES HALF_TILES
#include "../tiled/tile_table.inc"

static const smr_product_functions half_functions = {
    .panels = 1, .panels_alone = HALF_PANELS, .pixels = {HALF_PIXELS, 1, 1, 1}, .function = tile_table};

SMR_HALF_PRODUCT_KERNELS(neonfp16, &half_functions)

#endif
