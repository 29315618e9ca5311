/* Products of int8 with AVX2: numbers are widened to 16 bits, so that no product or sum of two is cut off. */
#include <immintrin.h>

#include "../tiled/product.h"

/* The sums of 8 outputs, each in two parts: of the first and the second two of each four numbers. */
typedef struct quant_sums {
    __m256i low;  /* of outputs 0 to 3 */
    __m256i high; /* of outputs 4 to 7 */
} quant_sums;

static inline quant_sums quant_load_sums(const int32_t *from) {
    const quant_sums sums = {
        _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)from)),
        _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)(from + 4)))};
    return sums;
}

static inline __m256i quant_join(quant_sums sums) {
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums.low, sums.high), 0xd8);
}

static inline quant_sums quant_load_weights(const int8_t *from) {
    const quant_sums weights = {
        _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from)),
        _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(from + 16)))};
    return weights;
}

static inline __m256i quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
}

static inline quant_sums quant_dot(quant_sums sums, __m256i numbers, quant_sums weights) {
    sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(numbers, weights.low));
    sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(numbers, weights.high));
    return sums;
}

typedef struct quant_limits {
    __m256 high;
    __m256i zero_point; /* 16 bits each */
    __m256i least, largest;
} quant_limits;

static inline quant_limits quant_limits_of(const quant_output *range) {
    const quant_limits limits = {_mm256_set1_ps(range->high), _mm256_set1_epi16((short)range->zero_point),
                                 _mm256_set1_epi8((char)range->least),
                                 _mm256_set1_epi8((char)range->largest)};
    return limits;
}

/* What is too low to be converted becomes the least number there is, and remains the least. */
static inline __m256i quant_scale(quant_sums sums, const float *multiplier, __m256 high) {
    const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(quant_join(sums)), _mm256_loadu_ps(multiplier));
    return _mm256_cvtps_epi32(_mm256_min_ps(value, high));
}

/* Packing takes 4 numbers of each vector in turn. */
static inline void quant_write_sums(const quant_sums sum[4], const float *const multiplier[4],
                                    quant_limits limits, int8_t *const to[4]) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i low = _mm256_packs_epi32(quant_scale(sum[0], multiplier[0], limits.high),
                                           quant_scale(sum[1], multiplier[1], limits.high));
    const __m256i high = _mm256_packs_epi32(quant_scale(sum[2], multiplier[2], limits.high),
                                            quant_scale(sum[3], multiplier[3], limits.high));
    __m256i bytes = _mm256_packs_epi16(_mm256_adds_epi16(low, limits.zero_point),
                                       _mm256_adds_epi16(high, limits.zero_point));
    __m128i half;
    bytes = _mm256_max_epi8(_mm256_min_epi8(bytes, limits.largest), limits.least);
    bytes = _mm256_permutevar8x32_epi32(bytes, order);
    half = _mm256_castsi256_si128(bytes);
    _mm_storel_epi64((__m128i *)(void *)to[0], half);
    _mm_storel_epi64((__m128i *)(void *)to[1], _mm_unpackhi_epi64(half, half));
    half = _mm256_extracti128_si256(bytes, 1);
    _mm_storel_epi64((__m128i *)(void *)to[2], half);
    _mm_storel_epi64((__m128i *)(void *)to[3], _mm_unpackhi_epi64(half, half));
}

#define SUMS                                    quant_sums
#define SUMS_LANES                              8
#define SUMS_LOAD(from)                         quant_load_sums(from)
#define SUMS_STORE(to, x)                       _mm256_storeu_si256((__m256i *)(void *)(to), quant_join(x))
#define SUMS_DOT(sums, numbers, weights)        quant_dot(sums, numbers, weights)
#define LIMITS                                  quant_limits
#define LIMITS_OF(range)                        quant_limits_of(range)
#define SUMS_WRITE(sum, multiplier, limits, to) quant_write_sums(sum, multiplier, limits, to)
#define WEIGHTS                                 quant_sums
#define WEIGHTS_LOAD(from)                      quant_load_weights(from)
#define NUMBERS                                 __m256i
#define NUMBERS_ALL(from)                       quant_all(from)
#define QUANT_FLIP                              0

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(2, 1)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {
    .panels = 1, .panels_alone = 2, .pixels = {3, 1}, .function = quant_table};

smr_status smr_prepare_quantized_conv2d_avx2(smr_node *node, smr_error *error) {
    return smr_quant_product_prepare_conv2d(node, &quant_functions, error);
}

smr_status smr_prepare_quantized_matmul_avx2(smr_node *node, smr_error *error) {
    return smr_quant_product_prepare_matmul(node, &quant_functions, error);
}
