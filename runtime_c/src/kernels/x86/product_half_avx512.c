/* Products of float16 with AVX-512, computed as float32: up to 28 of the 32 registers hold sums. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "avx512.h"

/* clang-format off */
#define HALF_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) TILE(1, 13) TILE(1, 14) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) TILE(2, 13) TILE(2, 14) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8) TILE(3, 9) \
    TILE(4, 1)
/* clang-format on */

static inline __m256 half_load_rest(const uint8_t *from, size_t count) {
    return _mm256_cvtph_ps(_mm_maskz_loadu_epi16((__mmask8)((1u << count) - 1), from));
}

#include "product_half.h"

static const smr_product_functions half_functions = {
    .panels = 2, .panels_alone = 4, .pixels = {14, 14, 9, 1}, .function = tile_table};

SMR_HALF_PRODUCT_KERNELS(avx512, &half_functions)
