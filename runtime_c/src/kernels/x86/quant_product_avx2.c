/* Products and recurrent layers of int8 with AVX2: numbers are widened to 16 bits, so that no product or sum
 * of two is cut off. */
#include "../tiled/quant_recurrent.h"
#include "quant_write.h"
#include "shorts_avx2.h"

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

static inline void quant_write_sums(const quant_sums sum[4], const float *const multiplier[4],
                                    quant_limits limits, int8_t *const to[4]) {
    const __m256i joined[4] = {quant_join(sum[0]), quant_join(sum[1]), quant_join(sum[2]),
                               quant_join(sum[3])};
    quant_write_eights(joined, multiplier, limits, to);
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
#define QUANT_NARROW_TILES(TILE) TILE(1, 2) TILE(1, 3)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {.panels = 1,
                                                      .panels_alone = 2,
                                                      .pixels = {3, 1},
                                                      .function = tile_table,
                                                      .narrow = narrow_table,
                                                      .round = smr_quant_rounding_avx2};

SMR_QUANT_PRODUCT_KERNELS(avx2, &quant_functions)

#define GATE_TILES     quant_functions
#define GATE_REGISTERS 4
#include "../vector/quant_recurrent.inc"
SMR_GATE_KERNELS(avx2)
