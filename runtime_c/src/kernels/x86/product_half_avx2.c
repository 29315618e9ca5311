/* Products of float16 with AVX2, FMA and F16C, computed as float32: up to 12 of the 16 registers hold sums.
 */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "avx2.h"

/* clang-format off */
#define HALF_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) \
    TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */

/* A call, since it is seldom. */
static __attribute__((noinline)) __m256 half_load_rest(const uint8_t *from, size_t count) {
    __m128i numbers = _mm_setzero_si128();
    memcpy(&numbers, from, count * sizeof(uint16_t));
    return _mm256_cvtph_ps(numbers);
}

#include "product_half.h"

static const smr_product_functions half_functions = {
    .panels = 1, .panels_alone = 4, .pixels = {6, 1, 1, 1}, .function = tile_table};

SMR_HALF_PRODUCT_KERNELS(avx2, &half_functions)
