/* Products and recurrent layers of int8 with NEON's dot product: 24 of the 32 registers hold sums, and
 * numbers of six pixels are in others. */
#include "../tiled/quant_recurrent.h"
#include "quant_write.h"
#include "shorts_neon.h"

/* Of 8 outputs of each of two pixels. */
static inline void quant_write_twice(const int32x4_t sum[4], const float *const multiplier[4],
                                     quant_limits limits, int8_t *const to[4]) {
    const int8x16_t bytes =
        quant_narrow_four(sum[0], sum[1], multiplier[0], sum[2], sum[3], multiplier[2], limits);
    vst1_s8(to[0], vget_low_s8(bytes));
    vst1_s8(to[2], vget_high_s8(bytes));
}

#define SUMS                                        int32x4_t
#define SUMS_LANES                                  4
#define SUMS_LOAD(from)                             vld1q_s32(from)
#define SUMS_STORE(to, x)                           vst1q_s32(to, x)
#define SUMS_DOT(sums, numbers, weights)            vdotq_s32(sums, weights, numbers)
#define SUMS_DOT_LANE(sums, numbers, lane, weights) vdotq_laneq_s32(sums, weights, numbers, lane)
#define LIMITS                                      quant_limits
#define LIMITS_OF(range)                            quant_limits_of(range)
#define SUMS_WRITE(sum, multiplier, limits, to) \
    quant_write_four((sum)[0], (sum)[1], (sum)[2], (sum)[3], multiplier[0], limits, to[0])
#define SUMS_NARROW_WRITE(sum, multiplier, limits, to) quant_write_twice(sum, multiplier, limits, to)
#define WEIGHTS                                        int8x16_t
#define WEIGHTS_LOAD(from)                             vld1q_s8(from)
#define NUMBERS                                        int8x16_t
#define NUMBERS_ALL(from)                              quant_all(from)
#define NUMBERS_LOAD(from)                             vld1q_s8((const int8_t *)(from))
#define QUANT_FLIP                                     0

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(2, 1) TILE(3, 1) TILE(4, 1)
#define QUANT_NARROW_TILES(TILE) TILE(1, 4) TILE(1, 5) TILE(1, 6)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {.panels = 1,
                                                      .panels_alone = 4,
                                                      .pixels = {6, 1, 1, 1},
                                                      .function = tile_table,
                                                      .narrow = narrow_table,
                                                      .round = smr_quant_rounding_neon};

SMR_QUANT_PRODUCT_KERNELS(neondot, &quant_functions)

#define GATE_TILES     quant_functions
#define GATE_REGISTERS 16
#include "../vector/quant_recurrent.inc"
SMR_GATE_KERNELS(neondot)
