/* Products and recurrent layers of int8 with SIMD128: numbers are widened to 16 bits, so that no product or
 * sum of two is cut off.
 */
#include <wasm_simd128.h>

#include "../prototypes.h"
#include "../tiled/quant_recurrent.h"
#include "shorts_wasm.h"

/* The sums of 4 outputs, each in two parts: of the first and the second two of each four numbers. */
typedef struct quant_sums {
    v128_t low;  /* of outputs 0 and 1 */
    v128_t high; /* of outputs 2 and 3 */
} quant_sums;

static inline quant_sums quant_load_sums(const int32_t *from) {
    const v128_t all = wasm_v128_load(from), zero = wasm_i32x4_const(0, 0, 0, 0);
    const quant_sums sums = {wasm_i32x4_shuffle(all, zero, 0, 4, 1, 5),
                             wasm_i32x4_shuffle(all, zero, 2, 6, 3, 7)};
    return sums;
}

static inline v128_t quant_join(quant_sums sums) {
    return wasm_i32x4_add(wasm_i32x4_shuffle(sums.low, sums.high, 0, 2, 4, 6),
                          wasm_i32x4_shuffle(sums.low, sums.high, 1, 3, 5, 7));
}

static inline quant_sums quant_load_weights(const int8_t *from) {
    const quant_sums weights = {wasm_i16x8_load8x8(from), wasm_i16x8_load8x8(from + 8)};
    return weights;
}

static inline v128_t quant_all(const uint8_t *from) {
    return wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(from));
}

static inline quant_sums quant_dot(quant_sums sums, v128_t numbers, quant_sums weights) {
    sums.low = wasm_i32x4_add(sums.low, wasm_i32x4_dot_i16x8(numbers, weights.low));
    sums.high = wasm_i32x4_add(sums.high, wasm_i32x4_dot_i16x8(numbers, weights.high));
    return sums;
}

typedef struct quant_limits {
    v128_t low, high;  /* floats */
    v128_t zero_point; /* 16 bits each */
    v128_t least, largest;
} quant_limits;

static inline quant_limits quant_limits_of(const quant_output *range) {
    const quant_limits limits = {wasm_f32x4_splat(range->low), wasm_f32x4_splat(range->high),
                                 wasm_i16x8_splat((int16_t)range->zero_point),
                                 wasm_i8x16_splat((int8_t)range->least),
                                 wasm_i8x16_splat((int8_t)range->largest)};
    return limits;
}

static inline v128_t quant_scale(quant_sums sums, const float *multiplier, const quant_limits *limits) {
    const v128_t value =
        wasm_f32x4_mul(wasm_f32x4_convert_i32x4(quant_join(sums)), wasm_v128_load(multiplier));
    return wasm_i32x4_trunc_sat_f32x4(
        wasm_f32x4_nearest(wasm_f32x4_pmin(limits->high, wasm_f32x4_pmax(limits->low, value))));
}

/* The sums of 16 outputs that lie side by side: see quant_requantize. */
static inline void quant_write_sums(const quant_sums sum[4], const float *multiplier, quant_limits limits,
                                    int8_t *to) {
    const v128_t low = wasm_i16x8_narrow_i32x4(quant_scale(sum[0], multiplier, &limits),
                                               quant_scale(sum[1], multiplier + 4, &limits));
    const v128_t high = wasm_i16x8_narrow_i32x4(quant_scale(sum[2], multiplier + 8, &limits),
                                                quant_scale(sum[3], multiplier + 12, &limits));
    const v128_t bytes = wasm_i8x16_narrow_i16x8(wasm_i16x8_add_sat(low, limits.zero_point),
                                                 wasm_i16x8_add_sat(high, limits.zero_point));
    wasm_v128_store(to, wasm_i8x16_max(wasm_i8x16_min(bytes, limits.largest), limits.least));
}

#define SUMS                                    quant_sums
#define SUMS_LANES                              4
#define SUMS_LOAD(from)                         quant_load_sums(from)
#define SUMS_STORE(to, x)                       wasm_v128_store(to, quant_join(x))
#define SUMS_DOT(sums, numbers, weights)        quant_dot(sums, numbers, weights)
#define LIMITS                                  quant_limits
#define LIMITS_OF(range)                        quant_limits_of(range)
#define SUMS_WRITE(sum, multiplier, limits, to) quant_write_sums(sum, multiplier[0], limits, to[0])
#define WEIGHTS                                 quant_sums
#define WEIGHTS_LOAD(from)                      quant_load_weights(from)
#define NUMBERS                                 v128_t
#define NUMBERS_ALL(from)                       quant_all(from)
#define QUANT_FLIP                              0

/* clang-format off */
#define QUANT_TILES(TILE) TILE(1, 1) TILE(1, 2)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {
    .panels = 1, .panels_alone = 1, .pixels = {2}, .function = tile_table};

SMR_QUANT_PRODUCT_KERNELS(wasm, &quant_functions)

#define GATE_TILES     quant_functions
#define GATE_REGISTERS 4
#include "../vector/quant_recurrent.inc"
SMR_GATE_KERNELS(wasm)
