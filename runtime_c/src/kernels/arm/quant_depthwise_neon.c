/* Depthwise convolutions of int8 with NEON without its dot product: numbers as int16, row by row. */
#include "../tiled/quant_depthwise.h"
#include "quant_neon.h"

/* Widens 16 channels of a row. */
static inline void woven_one(const int8_t *const rows[1], uint8_t flip, uint8_t *to) {
    const int8x16_t row = vld1q_s8(rows[0]);
    (void)flip;
    vst1q_s16((int16_t *)(void *)to, vmovl_s8(vget_low_s8(row)));
    vst1q_s16((int16_t *)(void *)(to + 16), vmovl_s8(vget_high_s8(row)));
}

#define WOVEN_ROUND                 smr_quant_rounding_neon
#define WOVEN_ROWS                  1
#define WOVEN_BYTES                 2
#define WOVEN_FLIP                  0
#define WOVEN_CHUNK                 16
#define WOVEN_WEAVE(rows, flip, to) woven_one(rows, flip, to)
#define WOVEN                       int16x4_t
#define WOVEN_LOAD(from)            vld1_s16((const int16_t *)(const void *)(from))
#define WOVEN_DOT(sums, a, b)       vmlal_s16(sums, a, b)
#include "../tiled/quant_depthwise.inc"

smr_status smr_prepare_quantized_depthwise_conv2d_neon(smr_node *node, smr_error *error) {
    return smr_woven_prepare(node, &woven_functions, error);
}
