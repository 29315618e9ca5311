/* Products and recurrent layers of int8 with NEON without its dot product: products of 16 bits, added in
 * pairs to sums of 32. */
#include "../tiled/quant_recurrent.h"
#include "quant_write.h"
#include "shorts_neon.h"

/* The sums of 4 outputs, each in two parts: of the first and the second two of each four numbers. */
typedef struct quant_sums {
    int32x4_t low;  /* of outputs 0 and 1 */
    int32x4_t high; /* of outputs 2 and 3 */
} quant_sums;

static inline quant_sums quant_load_sums(const int32_t *from) {
    const int32x4x2_t apart = vzipq_s32(vld1q_s32(from), vdupq_n_s32(0));
    const quant_sums sums = {apart.val[0], apart.val[1]};
    return sums;
}

static inline int32x4_t quant_join(quant_sums sums) {
    return vcombine_s32(vpadd_s32(vget_low_s32(sums.low), vget_high_s32(sums.low)),
                        vpadd_s32(vget_low_s32(sums.high), vget_high_s32(sums.high)));
}

#if !defined(SMR_KERNELS_ARM64)
#define vmull_high_s8(a, b)    vmull_s8(vget_high_s8(a), vget_high_s8(b))
#define vmlal_high_s8(a, b, c) vmlal_s8(a, vget_high_s8(b), vget_high_s8(c))
#endif

static inline quant_sums quant_dot(quant_sums sums, int8x16_t numbers, int8x16_t weights) {
    sums.low = vpadalq_s16(sums.low, vmull_s8(vget_low_s8(weights), vget_low_s8(numbers)));
    sums.high = vpadalq_s16(sums.high, vmull_high_s8(weights, numbers));
    return sums;
}

/* Two products of weights other than -128 are a sum of 16 bits. */
static inline quant_sums quant_dot_two(quant_sums sums, int8x16_t numbers, int8x16_t weights, int8x16_t more,
                                       int8x16_t more_weights) {
    const int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(numbers));
    const int16x8_t high = vmull_high_s8(weights, numbers);
    sums.low = vpadalq_s16(sums.low, vmlal_s8(low, vget_low_s8(more_weights), vget_low_s8(more)));
    sums.high = vpadalq_s16(sums.high, vmlal_high_s8(high, more_weights, more));
    return sums;
}

#define SUMS                             quant_sums
#define SUMS_LANES                       4
#define SUMS_LOAD(from)                  quant_load_sums(from)
#define SUMS_STORE(to, x)                vst1q_s32(to, quant_join(x))
#define SUMS_DOT(sums, numbers, weights) quant_dot(sums, numbers, weights)
#define SUMS_DOT_TWO(sums, numbers, weights, more, more_weights) \
    quant_dot_two(sums, numbers, weights, more, more_weights)
#define LIMITS           quant_limits
#define LIMITS_OF(range) quant_limits_of(range)
#define SUMS_WRITE(sum, multiplier, limits, to)                                                              \
    quant_write_four(quant_join((sum)[0]), quant_join((sum)[1]), quant_join((sum)[2]), quant_join((sum)[3]), \
                     multiplier[0], limits, to[0])
#define WEIGHTS            int8x16_t
#define WEIGHTS_LOAD(from) vld1q_s8(from)
#define NUMBERS            int8x16_t
#define NUMBERS_ALL(from)  quant_all(from)
#define QUANT_FLIP         0

/* Sums of one pixel are in 8 of the 32, or 16, registers. */
#if defined(SMR_KERNELS_ARM64)
#define QUANT_PIXELS 3
#else
#define QUANT_PIXELS 2
#endif

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(2, 1)
/* clang-format on */
#include "../tiled/quant_product.inc"

static bool quant_has_least(const uint8_t *weights, size_t bytes) {
    int8x16_t least = vdupq_n_s8(0);
    int8_t lanes[16];
    size_t i;
    for (i = 0; i < bytes; i += 16) {
        least = vminq_s8(least, vld1q_s8((const int8_t *)weights + i));
    }
    vst1q_s8(lanes, least);
    for (i = 0; i < 16; ++i) {
        lanes[0] = lanes[i] < lanes[0] ? lanes[i] : lanes[0];
    }
    return lanes[0] == INT8_MIN;
}

static const smr_product_functions quant_functions = {.panels = 1,
                                                      .panels_alone = 2,
                                                      .pixels = {QUANT_PIXELS, 1},
                                                      .function = tile_table,
                                                      .has_least = quant_has_least,
                                                      .round = smr_quant_rounding_neon};

SMR_QUANT_PRODUCT_KERNELS(neon, &quant_functions)

#define QUANT_HAS_LEAST quant_has_least
#define GATE_TILES      quant_functions
#define GATE_REGISTERS  4
#include "../vector/quant_recurrent.inc"
SMR_GATE_KERNELS(neon)
