/* Depthwise convolutions of int8 with NEON's dot product: the products of a channel's numbers of four rows
 * are one instruction. */
#include "../tiled/quant_depthwise.h"
#include "quant_neon.h"

/* Weaves 16 channels of four rows. */
static inline void woven_four(const int8_t *const rows[4], uint8_t flip, uint8_t *to) {
    const int8x16x2_t ab = vzipq_s8(vld1q_s8(rows[0]), vld1q_s8(rows[1]));
    const int8x16x2_t cd = vzipq_s8(vld1q_s8(rows[2]), vld1q_s8(rows[3]));
    int32_t half;
    (void)flip;
    for (half = 0; half < 2; ++half, to += 32) {
        const int16x8x2_t four =
            vzipq_s16(vreinterpretq_s16_s8(ab.val[half]), vreinterpretq_s16_s8(cd.val[half]));
        vst1q_s16((int16_t *)(void *)to, four.val[0]);
        vst1q_s16((int16_t *)(void *)(to + 16), four.val[1]);
    }
}

#define WOVEN_ROUND                 smr_quant_rounding_neon
#define WOVEN_ROWS                  4
#define WOVEN_BYTES                 4
#define WOVEN_FLIP                  0
#define WOVEN_CHUNK                 16
#define WOVEN_WEAVE(rows, flip, to) woven_four(rows, flip, to)
#define WOVEN                       int8x16_t
#define WOVEN_LOAD(from)            vld1q_s8((const int8_t *)(from))
#define WOVEN_DOT(sums, a, b)       vdotq_s32(sums, a, b)
#include "../tiled/quant_depthwise.inc"

smr_status smr_prepare_quantized_depthwise_conv2d_neondot(smr_node *node, smr_error *error) {
    return smr_woven_prepare(node, &woven_functions, error);
}
