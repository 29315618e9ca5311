/* Products of float16 with AVX2, FMA and F16C, computed as float32: up to 12 of the 16 registers hold sums.
 */
#include "../prototypes.h"
#include "../tiled/product.h"
#include "avx2.h"

#define HALF_WEIGHTS(from) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from)))
#define HALF_WRITE(to, x) \
    _mm_storeu_si128((__m128i *)(void *)(to), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT))

/* clang-format off */
#define HALF_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) \
    TILE(2, 1) TILE(3, 1) TILE(4, 1)
/* clang-format on */
#include "product_half.h"

static const smr_product_functions half_functions = {
    .panels = 1, .panels_alone = 4, .pixels = {6, 1, 1, 1}, .function = half_table};

smr_status smr_prepare_half_conv2d_avx2(smr_node *node, smr_error *error) {
    return smr_product_prepare_conv2d(node, &half_functions, error);
}

smr_status smr_prepare_half_matmul_avx2(smr_node *node, smr_error *error) {
    return smr_product_prepare_matmul(node, &half_functions, error);
}
