/* Vectors of float32 for WebAssembly: what the .inc files of tiled/ are written with. */
#ifndef SMR_WASM_WASM_H
#define SMR_WASM_WASM_H

#include <wasm_simd128.h>

#define VECTOR                       v128_t
#define VECTOR_LANES                 4
#define VECTOR_LOAD(from)            wasm_v128_load(from)
#define VECTOR_STORE(to, x)          wasm_v128_store(to, x)
#define VECTOR_ALL(x)                wasm_f32x4_splat(x)
#define VECTOR_MULTIPLY_ADD(a, b, c) wasm_f32x4_add(wasm_f32x4_mul(a, b), c)
#define VECTOR_CLAMP(x, least, most) \
    wasm_f32x4_min(wasm_f32x4_max(x, least), most) /* both give NaN for NaN */

#endif
