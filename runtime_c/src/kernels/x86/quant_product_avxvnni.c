/* Products and recurrent layers of int8 with AVX-VNNI: up to 12 of the 16 registers hold sums. Pixels are
 * taken as unsigned. */
#include "../tiled/quant_recurrent.h"
#include "avxvnni.h"
#include "quant_write.h"
#include "shorts_avx2.h"

static inline __m256i quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
}

#define SUMS                                    __m256i
#define SUMS_LANES                              8
#define SUMS_ZERO                               _mm256_setzero_si256()
#define SUMS_LOAD(from)                         _mm256_loadu_si256((const __m256i *)(const void *)(from))
#define SUMS_STORE(to, x)                       _mm256_storeu_si256((__m256i *)(void *)(to), x)
#define SUMS_ADD(a, b)                          _mm256_add_epi32(a, b)
#define SUMS_SUBTRACT(a, b)                     _mm256_sub_epi32(a, b)
#define SUMS_FLIP(a, b)                         _mm256_xor_si256(a, b)
#define SUMS_DOT(sums, numbers, weights)        vnni_dot(sums, numbers, weights)
#define LIMITS                                  quant_limits
#define LIMITS_OF(range)                        quant_limits_of(range)
#define SUMS_WRITE(sum, multiplier, limits, to) quant_write_eights(sum, multiplier, limits, to)
#define WEIGHTS                                 __m256i
#define WEIGHTS_LOAD(from)                      _mm256_loadu_si256((const __m256i *)(const void *)(from))
#define NUMBERS                                 __m256i
#define NUMBERS_ALL(from)                       quant_all(from)
#define QUANT_FLIP                              0x80

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(2, 1) TILE(3, 1)
#define QUANT_NARROW_TILES(TILE) TILE(1, 4) TILE(1, 5) TILE(1, 6)
/* clang-format on */
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {.panels = 1,
                                                      .panels_alone = 3,
                                                      .pixels = {6, 1, 1},
                                                      .flip = QUANT_FLIP,
                                                      .function = tile_table,
                                                      .narrow = narrow_table,
                                                      .copy = quant_copy,
                                                      .start = quant_starts,
                                                      .round = smr_quant_rounding_avx2};

SMR_QUANT_PRODUCT_KERNELS(avxvnni, &quant_functions)

#define GATE_TILES     quant_functions
#define GATE_REGISTERS 8
#include "../vector/quant_recurrent.inc"
SMR_GATE_KERNELS(avxvnni)
