/* Products of float32 with AVX-512: up to 28 of the 32 registers hold sums. */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "avx512.h"

#define LOW(x)                           _mm512_castps512_ps256(x)
#define VECTOR_LOW_MULTIPLY_ADD(a, b, c) _mm512_castps256_ps512(_mm256_fmadd_ps(LOW(a), LOW(b), LOW(c)))
#define VECTOR_LOW_STORE(to, x)          _mm256_storeu_ps(to, LOW(x))

/* clang-format off */
#define PRODUCT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) TILE(1, 13) TILE(1, 14) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) TILE(2, 13) TILE(2, 14) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8) TILE(3, 9) \
    TILE(4, 1) TILE(4, 2) TILE(4, 3) TILE(4, 4) TILE(4, 5) TILE(4, 6)
#define PRODUCT_NARROW_TILES(TILE) \
    TILE(1, 7) TILE(1, 8) TILE(1, 14) \
    TILE(2, 7) TILE(2, 8) TILE(2, 12) TILE(2, 13) TILE(2, 14) \
    TILE(3, 7) TILE(3, 8) TILE(3, 9)
/* clang-format on */
#include "../tiled/product.inc"

const smr_product_functions smr_product_avx512 = {.panels = 2,
                                                  .panels_alone = 4,
                                                  .panels_apart = {4, 3},
                                                  .pixels = {14, 14, 9, 6},
                                                  .function = tile_table,
                                                  .narrow = narrow_table};

SMR_PRODUCT_KERNELS(avx512, &smr_product_avx512)
