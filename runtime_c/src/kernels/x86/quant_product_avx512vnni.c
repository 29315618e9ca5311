/* Products of int8 with AVX-512 VNNI: up to 24 of the 32 registers hold sums. Pixels are taken as unsigned.
 */
#include "../tiled/quant_product.h"
#include "vnni.h"

static inline __m512i quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
}

static inline void quant_write_sums(__m512i sums, const float *multiplier, const quant_output *range,
                                    int8_t *to) {
    __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(multiplier));
    value = _mm512_min_ps(_mm512_max_ps(value, _mm512_set1_ps(range->low)), _mm512_set1_ps(range->high));
    _mm_storeu_si128((__m128i *)(void *)to,
                     _mm512_cvtepi32_epi8(
                         _mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(range->zero_point))));
}

#define SUMS                                    __m512i
#define SUMS_LANES                              16
#define SUMS_ZERO                               _mm512_setzero_si512()
#define SUMS_LOAD(from)                         _mm512_loadu_si512(from)
#define SUMS_STORE(to, x)                       _mm512_storeu_si512(to, x)
#define SUMS_SUBTRACT(a, b)                     _mm512_sub_epi32(a, b)
#define SUMS_DOT(sums, numbers, weights)        vnni_dot(sums, numbers, weights)
#define SUMS_WRITE(sums, multiplier, range, to) quant_write_sums(sums, multiplier, range, to)
#define WEIGHTS                                 __m512i
#define WEIGHTS_LOAD(from)                      _mm512_loadu_si512(from)
#define NUMBERS                                 __m512i
#define NUMBERS_ALL(from)                       quant_all(from)
#define QUANT_FLIP                              0x80

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) TILE(2, 9) TILE(2, 10) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8) \
    TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_quant_product_functions quant_functions = {
    3, 8, {12, 10, 8, 1, 1, 1, 1, 1}, quant_table, quant_copy, quant_starts};

smr_status smr_prepare_quantized_conv2d_avx512vnni(smr_node *node, smr_error *error) {
    return smr_quant_product_prepare_conv2d(node, &quant_functions, error);
}

smr_status smr_prepare_quantized_matmul_avx512vnni(smr_node *node, smr_error *error) {
    return smr_quant_product_prepare_matmul(node, &quant_functions, error);
}
