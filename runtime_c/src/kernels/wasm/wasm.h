/* Vectors of float32 for WebAssembly: what the templates of tiled/ and vector/ are written with. */
#ifndef SMR_WASM_WASM_H
#define SMR_WASM_WASM_H

#include <wasm_simd128.h>

#define VECTOR                       v128_t
#define VECTOR_LANES                 4
#define VECTOR_LOAD(from)            wasm_v128_load(from)
#define VECTOR_STORE(to, x)          wasm_v128_store(to, x)
#define VECTOR_ALL(x)                wasm_f32x4_splat(x)
#define VECTOR_MULTIPLY_ADD(a, b, c) wasm_f32x4_add(wasm_f32x4_mul(a, b), c)
#define VECTOR_UNFUSED               /* the product is rounded */
#define VECTOR_CLAMP(x, least, most) \
    wasm_f32x4_min(wasm_f32x4_max(x, least), most) /* both give NaN for NaN */

#define VECTOR_ADD(a, b)      wasm_f32x4_add(a, b)
#define VECTOR_SUBTRACT(a, b) wasm_f32x4_sub(a, b)
#define VECTOR_MULTIPLY(a, b) wasm_f32x4_mul(a, b)
#define VECTOR_DIVIDE(a, b)   wasm_f32x4_div(a, b)

/* Operations on the bits of floats: as on vectors of uint32_t. */
#define VECTOR_FROM_BITS(bits)     wasm_i32x4_splat((int32_t)(bits))
#define VECTOR_BITS_AND(a, b)      wasm_v128_and(a, b)
#define VECTOR_BITS_OR(a, b)       wasm_v128_or(a, b)
#define VECTOR_BITS_XOR(a, b)      wasm_v128_xor(a, b)
#define VECTOR_BITS_ADD(a, b)      wasm_i32x4_add(a, b)
#define VECTOR_BITS_SUBTRACT(a, b) wasm_i32x4_sub(a, b)
#define VECTOR_BITS_LEFT(x, by)    wasm_i32x4_shl(x, by)
#define VECTOR_BITS_RIGHT(x, by)   wasm_u32x4_shr(x, by)

#define VECTOR_MASK                  v128_t
#define VECTOR_LESS(a, b)            wasm_f32x4_lt(a, b) /* false if one is NaN */
#define VECTOR_SELECT(mask, yes, no) wasm_v128_bitselect(yes, no, mask)
#define VECTOR_EVERY(mask)           wasm_i32x4_all_true(mask)

/* One number of a vector's lanes. */
static inline float wasm_sum(v128_t x) {
    x = wasm_f32x4_add(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(wasm_f32x4_add(x, wasm_i32x4_shuffle(x, x, 1, 0, 3, 2)), 0);
}

static inline float wasm_greatest(v128_t x) {
    x = wasm_f32x4_max(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(wasm_f32x4_max(x, wasm_i32x4_shuffle(x, x, 1, 0, 3, 2)), 0);
}

#define VECTOR_SUM(x)      wasm_sum(x)
#define VECTOR_GREATEST(x) wasm_greatest(x)

/* Rows become columns. */
static inline void wasm_transpose(v128_t x[4]) {
    const v128_t a = wasm_i32x4_shuffle(x[0], x[1], 0, 4, 1, 5),
                 b = wasm_i32x4_shuffle(x[2], x[3], 0, 4, 1, 5);
    const v128_t c = wasm_i32x4_shuffle(x[0], x[1], 2, 6, 3, 7),
                 d = wasm_i32x4_shuffle(x[2], x[3], 2, 6, 3, 7);
    x[0] = wasm_i32x4_shuffle(a, b, 0, 1, 4, 5);
    x[1] = wasm_i32x4_shuffle(a, b, 2, 3, 6, 7);
    x[2] = wasm_i32x4_shuffle(c, d, 0, 1, 4, 5);
    x[3] = wasm_i32x4_shuffle(c, d, 2, 3, 6, 7);
}

#define VECTOR_TRANSPOSE(x) wasm_transpose(x)

/* NaN if either is. */
#define VECTOR_MAXIMUM(a, b) wasm_f32x4_max(a, b)
#define VECTOR_MINIMUM(a, b) wasm_f32x4_min(a, b)

#define VECTOR_AT_LEAST(x, least) wasm_f32x4_max(x, least) /* NaN if one is */
#define VECTOR_AT_MOST(x, most)   wasm_f32x4_min(x, most)  /* NaN if one is */
#define VECTOR_SQRT(x)            wasm_f32x4_sqrt(x)

#define VECTOR_NAME(name) name##_wasm

#endif
