/* Depthwise convolutions of int8 with SIMD128: pairs of rows as int16, whose products are added in pairs. */
#include "../tiled/quant_depthwise.h"
#include "quant_wasm.h"

/* Weaves 16 channels of two rows. */
static inline void woven_pair(const int8_t *const rows[2], uint8_t flip, uint8_t *to) {
    const v128_t a = wasm_v128_load(rows[0]), b = wasm_v128_load(rows[1]);
    const v128_t a_low = wasm_i16x8_extend_low_i8x16(a), b_low = wasm_i16x8_extend_low_i8x16(b);
    const v128_t a_high = wasm_i16x8_extend_high_i8x16(a), b_high = wasm_i16x8_extend_high_i8x16(b);
    (void)flip;
    wasm_v128_store(to, wasm_i16x8_shuffle(a_low, b_low, 0, 8, 1, 9, 2, 10, 3, 11));
    wasm_v128_store(to + 16, wasm_i16x8_shuffle(a_low, b_low, 4, 12, 5, 13, 6, 14, 7, 15));
    wasm_v128_store(to + 32, wasm_i16x8_shuffle(a_high, b_high, 0, 8, 1, 9, 2, 10, 3, 11));
    wasm_v128_store(to + 48, wasm_i16x8_shuffle(a_high, b_high, 4, 12, 5, 13, 6, 14, 7, 15));
}

#define WOVEN_ROWS                  2
#define WOVEN_BYTES                 4
#define WOVEN_FLIP                  0
#define WOVEN_CHUNK                 16
#define WOVEN_WEAVE(rows, flip, to) woven_pair(rows, flip, to)
#define WOVEN                       v128_t
#define WOVEN_LOAD(from)            wasm_v128_load(from)
#define WOVEN_DOT(sums, a, b)       wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(a, b))
#include "../tiled/quant_depthwise.inc"

smr_status smr_prepare_quantized_depthwise_conv2d_wasm(smr_node *node, smr_error *error) {
    return smr_woven_prepare(node, &woven_functions, error);
}
