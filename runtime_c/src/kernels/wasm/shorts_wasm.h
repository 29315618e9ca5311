/* Vectors of int16 for SIMD128: see vector/quant_recurrent.inc. */
#ifndef SMR_WASM_SHORTS_WASM_H
#define SMR_WASM_SHORTS_WASM_H

#include <wasm_simd128.h>

#define SHORTS                            v128_t
#define SHORTS_LANES                      8
#define SHORTS_LOAD(from, whole)          wasm_v128_load(from)
#define SHORTS_STORE(to, x, whole)        wasm_v128_store(to, x)
#define SHORTS_STORE_BYTES(to, x, whole)  wasm_v128_store64_lane(to, wasm_i8x16_narrow_i16x8(x, x), 0)
#define SHORTS_ALL(x)                     wasm_i16x8_splat((int16_t)(x))
#define SHORTS_ADD(a, b)                  wasm_i16x8_add_sat(a, b)
#define SHORTS_SUBTRACT(a, b)             wasm_i16x8_sub_sat(a, b)
#define SHORTS_PRODUCT(a, b)              wasm_i16x8_q15mulr_sat(a, b)
#define SHORTS_SMALLER(a, b)              wasm_i16x8_min(a, b)
#define SHORTS_LARGER(a, b)               wasm_i16x8_max(a, b)
#define SHORTS_AND(a, b)                  wasm_v128_and(a, b)
#define SHORTS_FLIP(a, b)                 wasm_v128_xor(a, b)
#define SHORTS_RIGHT(x, bits)             wasm_i16x8_shr(x, bits)
#define SHORTS_LEFT(x, bits)              wasm_i16x8_shl(x, bits)
#define CURVES                            shorts_curves
#define CURVES_LOAD(from)                 shorts_load_curves(from)
#define PLACES                            shorts_places
#define PLACES_OF(x)                      shorts_places_of(x)
#define CURVES_FIND(curves, places)       shorts_find(curves, places)
#define SUMS_NARROW(sums, multiplier, to) shorts_narrow(sums, multiplier, to)

/* The low and the high bytes of 16 numbers, and where each of both is looked for: a byte of 0x80 finds 0. */
typedef struct shorts_curves {
    v128_t low, high;
} shorts_curves;

typedef struct shorts_places {
    v128_t low, high;
} shorts_places;

static inline shorts_curves shorts_load_curves(const int16_t *from) {
    const v128_t first = wasm_v128_load(from), second = wasm_v128_load(from + 8);
    const shorts_curves curves = {
        wasm_i8x16_shuffle(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        wasm_i8x16_shuffle(first, second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
    return curves;
}

static inline shorts_places shorts_places_of(v128_t x) {
    const shorts_places places = {wasm_v128_or(x, wasm_i16x8_splat(INT16_MIN)),
                                  wasm_v128_or(wasm_i16x8_shl(x, 8), wasm_i16x8_splat(0x80))};
    return places;
}

static inline v128_t shorts_find(shorts_curves curves, shorts_places places) {
    return wasm_v128_or(wasm_i8x16_swizzle(curves.low, places.low),
                        wasm_i8x16_swizzle(curves.high, places.high));
}

static inline v128_t shorts_nearest(const int32_t *sums, const float *multiplier) {
    const v128_t scaled =
        wasm_f32x4_mul(wasm_f32x4_convert_i32x4(wasm_v128_load(sums)), wasm_v128_load(multiplier));
    return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(scaled));
}

static inline void shorts_narrow(const int32_t *sums, const float *multiplier, int16_t *to) {
    size_t i;
    for (i = 0; i < 16; i += 8) {
        wasm_v128_store(to + i, wasm_i16x8_narrow_i32x4(shorts_nearest(sums + i, multiplier + i),
                                                        shorts_nearest(sums + i + 4, multiplier + i + 4)));
    }
}

#endif
