/* Products of float16 with NEON of 64-bit ARM: numbers are widened as they are read, and multiplied and
 * summed as float32, so that results are those of the plain kernels but for the order of the sums. 20 of the
 * 32 registers hold sums, and numbers of five pixels are in others. */
#include "../prototypes.h"
#include "../tiled/product.h"

#if defined(SMR_KERNELS_ARM64)
#include "neon.h"

#include "../tiled/product_half_write.inc"

#define HALF_PIXELS      5
#define HALF_CHUNK       4
#define HALF_REST(count) 1

/* Adds the products of the number in a lane of each pixel and a row of the panels. */
#define HALF_LANE(lane)                                                                     \
    UNROLL for (v = 0; v < 2 * panels; ++v) {                                               \
        const uint8_t *from = weights + (lane) * 32 + v / 2 * panel + v % 2 * 16;           \
        const float16x8_t weight = vld1q_f16((const float16_t *)(const void *)from);        \
        const float32x4_t first = vcvt_f32_f16(vget_low_f16(weight));                       \
        const float32x4_t second = vcvt_high_f32_f16(weight);                               \
        UNROLL for (r = 0; r < pixels; ++r) {                                               \
            sum[r][2 * v] = vfmaq_laneq_f32(sum[r][2 * v], first, value[r], lane);          \
            sum[r][2 * v + 1] = vfmaq_laneq_f32(sum[r][2 * v + 1], second, value[r], lane); \
        }                                                                                   \
    }

/* Adds the products of so many numbers of each pixel, 1 or 4, and rows of the panels. */
static inline __attribute__((always_inline)) void half_steps(
    float32x4_t sum[SMR_TILE_PIXELS][SMR_TILE_PANELS * VECTORS], const uint8_t *low, const uint8_t *high,
    size_t pixel, const uint8_t *weights, size_t panel, const size_t count, const size_t panels,
    const size_t pixels) {
    float32x4_t value[HALF_PIXELS];
    size_t r, v;
    (void)high; /* there are no so many pixels */
    UNROLL for (r = 0; r < pixels; ++r) {
        const float16_t *from = (const float16_t *)(const void *)(low + r * pixel);
        value[r] = vcvt_f32_f16(count == 4 ? vld1_f16(from) : vld1_dup_f16(from));
    }
    HALF_LANE(0)
    if (count == 4) {
        HALF_LANE(1)
        HALF_LANE(2)
        HALF_LANE(3)
    }
}

/* clang-format off */
#define HALF_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */

#include "../tiled/product_half.inc"

static const smr_product_functions half_functions = {
    .panels = 1, .panels_alone = 4, .pixels = {HALF_PIXELS, 1, 1, 1}, .function = tile_table};

SMR_HALF_PRODUCT_KERNELS(neon, &half_functions)

#endif
