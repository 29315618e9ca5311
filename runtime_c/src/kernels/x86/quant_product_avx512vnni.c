/* Products of int8 with AVX-512 VNNI: up to 28 of the 32 registers hold sums. Pixels are taken as unsigned.
 */
#include "../tiled/product.h"
#include "vnni.h"

static inline __m512i quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
}

typedef struct quant_limits {
    __m512i zero_point; /* 16 bits each */
    __m512i least, largest;
} quant_limits;

static inline quant_limits quant_limits_of(const quant_output *range) {
    const quant_limits limits = {_mm512_set1_epi16((short)range->zero_point),
                                 _mm512_set1_epi8((char)range->least),
                                 _mm512_set1_epi8((char)range->largest)};
    return limits;
}

/* By multipliers less than 1, so that what was an int32 still is. */
static inline __m512i quant_scale(__m512i sums, const float *multiplier) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(multiplier)));
}

/* The bytes of four vectors of sums. Packing takes 4 numbers of each vector in turn. */
static inline __m512i quant_narrow(const __m512i sum[4], const float *const multiplier[4],
                                   quant_limits limits) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i low =
        _mm512_packs_epi32(quant_scale(sum[0], multiplier[0]), quant_scale(sum[1], multiplier[1]));
    const __m512i high =
        _mm512_packs_epi32(quant_scale(sum[2], multiplier[2]), quant_scale(sum[3], multiplier[3]));
    const __m512i bytes = _mm512_packs_epi16(_mm512_adds_epi16(low, limits.zero_point),
                                             _mm512_adds_epi16(high, limits.zero_point));
    return _mm512_permutexvar_epi32(order,
                                    _mm512_max_epi8(_mm512_min_epi8(bytes, limits.largest), limits.least));
}

static inline void quant_write_sums(const __m512i sum[4], const float *const multiplier[4],
                                    quant_limits limits, int8_t *const to[4]) {
    const __m512i bytes = quant_narrow(sum, multiplier, limits);
    _mm_storeu_si128((__m128i *)(void *)to[0], _mm512_castsi512_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)to[1], _mm512_extracti32x4_epi32(bytes, 1));
    _mm_storeu_si128((__m128i *)(void *)to[2], _mm512_extracti32x4_epi32(bytes, 2));
    _mm_storeu_si128((__m128i *)(void *)to[3], _mm512_extracti32x4_epi32(bytes, 3));
}

static inline void quant_write_pairs(const __m512i sum[4], const float *const multiplier[4],
                                     quant_limits limits, int8_t *const to[4]) {
    const __m512i bytes = quant_narrow(sum, multiplier, limits);
    _mm256_storeu_si256((__m256i *)(void *)to[0], _mm512_castsi512_si256(bytes));
    _mm256_storeu_si256((__m256i *)(void *)to[2], _mm512_extracti64x4_epi64(bytes, 1));
}

#define SUMS                                    __m512i
#define SUMS_LANES                              16
#define SUMS_ZERO                               _mm512_setzero_si512()
#define SUMS_LOAD(from)                         _mm512_loadu_si512(from)
#define SUMS_STORE(to, x)                       _mm512_storeu_si512(to, x)
#define SUMS_ADD(a, b)                          _mm512_add_epi32(a, b)
#define SUMS_SUBTRACT(a, b)                     _mm512_sub_epi32(a, b)
#define SUMS_FLIP(a, b)                         _mm512_xor_si512(a, b)
#define SUMS_DOT(sums, numbers, weights)        vnni_dot(sums, numbers, weights)
#define LIMITS                                  quant_limits
#define LIMITS_OF(range)                        quant_limits_of(range)
#define SUMS_WRITE(sum, multiplier, limits, to) quant_write_sums(sum, multiplier, limits, to)
#define SUMS_WRITE_PAIRS                        quant_write_pairs
#define WEIGHTS                                 __m512i
#define WEIGHTS_LOAD(from)                      _mm512_loadu_si512(from)
#define NUMBERS                                 __m512i
#define NUMBERS_ALL(from)                       quant_all(from)
#define QUANT_FLIP                              0x80

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) TILE(1, 13) TILE(1, 14) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) TILE(2, 13) TILE(2, 14) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8) TILE(3, 9) \
    TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {.panels = 2,
                                                      .panels_alone = 8,
                                                      .pixels = {14, 14, 9, 1, 1, 1, 1, 1},
                                                      .flip = QUANT_FLIP,
                                                      .function = quant_table,
                                                      .copy = quant_copy,
                                                      .start = quant_starts,
                                                      .round = smr_quant_rounding_avx512};

smr_status smr_prepare_quantized_conv2d_avx512vnni(smr_node *node, smr_error *error) {
    return smr_quant_product_prepare_conv2d(node, &quant_functions, error);
}

smr_status smr_prepare_quantized_matmul_avx512vnni(smr_node *node, smr_error *error) {
    return smr_quant_product_prepare_matmul(node, &quant_functions, error);
}
