/* What products of float16 on 64-bit ARM have in common. */
#ifndef SMR_ARM_PRODUCT_HALF_H
#define SMR_ARM_PRODUCT_HALF_H

#include <arm_neon.h>

#include "../tiled/product.h"

#define HALF_PANELS 4 /* the most of a tile, of one pixel */
#define HALF_UNROLL _Pragma("GCC unroll 16")

/* Writes the sums of a pixel as float16. */
static inline __attribute__((always_inline)) void half_write(const float32x4_t *sum, const smr_tile *tile,
                                                             const size_t panels, size_t r) {
    const float32x4_t least = vdupq_n_f32(tile->least), most = vdupq_n_f32(tile->most);
    uint16_t padded[16 * HALF_PANELS];
    uint16_t *output = (uint16_t *)tile->output + r * tile->output_step;
    uint16_t *to = tile->outputs == panels * 16 ? output : padded;
    size_t v;
    HALF_UNROLL for (v = 0; v < 4 * panels; ++v) {
        const float16x4_t narrow = vcvt_f16_f32(vminq_f32(vmaxq_f32(sum[v], least), most));
        vst1_u16(to + 4 * v, vreinterpret_u16_f16(narrow));
    }
    if (to == padded) {
        memcpy(output, padded, tile->outputs * sizeof *output);
    }
}

#endif
