/* Depthwise convolutions of int8 with AVX-VNNI: the products of a channel's numbers of four rows are one
 * instruction. */
#include "../tiled/quant_depthwise.h"
#include "avxvnni.h"
#include "quant_avx2.h"

/* Weaves 16 channels of four rows. */
static inline void woven_four(const int8_t *const rows[4], uint8_t flip, uint8_t *to) {
    const __m128i flips = _mm_set1_epi8((char)flip);
    const __m128i a = _mm_xor_si128(flips, _mm_loadu_si128((const void *)rows[0]));
    const __m128i b = _mm_xor_si128(flips, _mm_loadu_si128((const void *)rows[1]));
    const __m128i c = _mm_xor_si128(flips, _mm_loadu_si128((const void *)rows[2]));
    const __m128i d = _mm_xor_si128(flips, _mm_loadu_si128((const void *)rows[3]));
    const __m128i ab_low = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b);
    const __m128i cd_low = _mm_unpacklo_epi8(c, d), cd_high = _mm_unpackhi_epi8(c, d);
    _mm_storeu_si128((void *)to, _mm_unpacklo_epi16(ab_low, cd_low));
    _mm_storeu_si128((void *)(to + 16), _mm_unpackhi_epi16(ab_low, cd_low));
    _mm_storeu_si128((void *)(to + 32), _mm_unpacklo_epi16(ab_high, cd_high));
    _mm_storeu_si128((void *)(to + 48), _mm_unpackhi_epi16(ab_high, cd_high));
}

#define WOVEN_ROUND                 smr_quant_rounding_avx2
#define WOVEN_ROWS                  4
#define WOVEN_BYTES                 4
#define WOVEN_FLIP                  0x80
#define WOVEN_CHUNK                 16
#define WOVEN_WEAVE(rows, flip, to) woven_four(rows, flip, to)
#define WOVEN                       __m256i
#define WOVEN_LOAD(from)            _mm256_loadu_si256((const void *)(from))
#define WOVEN_DOT(sums, a, b)       vnni_dot(sums, a, b)
#include "../tiled/quant_depthwise.inc"

smr_status smr_prepare_quantized_depthwise_conv2d_avxvnni(smr_node *node, smr_error *error) {
    return smr_woven_prepare(node, &woven_functions, error);
}
