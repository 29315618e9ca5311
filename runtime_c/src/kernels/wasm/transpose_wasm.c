/* Transposes with WebAssembly SIMD. */
#include "../vector/permute.h"
#include "wasm.h"

#define BYTES                      v128_t
#define BYTES_LOAD(from)           wasm_v128_load(from)
#define BYTES_STORE(to, x)         wasm_v128_store(to, x)
#define BYTES_ZIP(size, end, a, b) BYTES_ZIP_##end##_##size(a, b)
#define BYTES_ZIP_LOW_1(a, b) wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define BYTES_ZIP_HIGH_1(a, b) \
    wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define BYTES_ZIP_LOW_2(a, b)  wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define BYTES_ZIP_HIGH_2(a, b) wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)

#include "../vector/permute.inc"
