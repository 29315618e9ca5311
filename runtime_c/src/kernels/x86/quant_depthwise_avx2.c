/* Depthwise convolutions of int8 with AVX2: pairs of rows as int16, whose products are added in pairs. */
#include "../tiled/quant_depthwise.h"
#include "quant_avx2.h"

/* Weaves 16 channels of two rows. */
static inline void woven_pair(const int8_t *const rows[2], uint8_t flip, uint8_t *to) {
    const __m256i a = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)rows[0]));
    const __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)rows[1]));
    const __m256i low = _mm256_unpacklo_epi16(a, b), high = _mm256_unpackhi_epi16(a, b);
    (void)flip;
    _mm256_storeu_si256((void *)to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((void *)(to + 32), _mm256_permute2x128_si256(low, high, 0x31));
}

#define WOVEN_ROUND                 smr_quant_rounding_avx2
#define WOVEN_ROWS                  2
#define WOVEN_BYTES                 4
#define WOVEN_FLIP                  0
#define WOVEN_CHUNK                 16
#define WOVEN_WEAVE(rows, flip, to) woven_pair(rows, flip, to)
#define WOVEN                       __m256i
#define WOVEN_LOAD(from)            _mm256_loadu_si256((const void *)(from))
#define WOVEN_DOT(sums, a, b)       _mm256_add_epi32(sums, _mm256_madd_epi16(a, b))
#include "../tiled/quant_depthwise.inc"

smr_status smr_prepare_quantized_depthwise_conv2d_avx2(smr_node *node, smr_error *error) {
    return smr_woven_prepare(node, &woven_functions, error);
}
