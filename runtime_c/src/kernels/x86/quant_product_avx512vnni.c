/* Products and recurrent layers of int8 with AVX-512 VNNI: up to 28 of the 32 registers hold sums. Pixels are
 * taken as unsigned.
 */
#include "../tiled/quant_recurrent.h"
#include "quant_write_avx512.h"
#include "shorts_avx512.h"
#include "vnni.h"

static inline __m512i quant_all(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
}

static inline void quant_copy_some(int8_t *to, const int8_t *from, size_t count) {
    _mm_mask_storeu_epi8(to, (__mmask16)((1u << count) - 1),
                         _mm_loadu_si128((const __m128i *)(const void *)from));
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
#define SUMS_COPY(to, from, count)              quant_copy_some(to, from, count)
#define WEIGHTS                                 __m512i
#define WEIGHTS_LOAD(from)                      _mm512_loadu_si512(from)
#define NUMBERS                                 __m512i
#define NUMBERS_ALL(from)                       quant_all(from)
#define QUANT_FLIP                              0x80

/* clang-format off */
#define QUANT_TILES(TILE) \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) TILE(1, 13) TILE(1, 14) TILE(1, 15) TILE(1, 16) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) TILE(2, 13) TILE(2, 14) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8) TILE(3, 9) \
    TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
#define QUANT_NARROW_TILES(TILE) \
    TILE(1, 7) TILE(1, 8) TILE(1, 14) TILE(1, 15) TILE(1, 16) \
    TILE(2, 7) TILE(2, 8) TILE(2, 12) TILE(2, 13) TILE(2, 14) TILE(3, 7) TILE(3, 8) TILE(3, 9)
/* clang-format on */
#define SUMS_LOW_DOT(sums, numbers, weights)        vnni_low_dot(sums, numbers, weights)
#define SUMS_LOW_WRITE(sum, multiplier, limits, to) quant_write_low(sum, multiplier, limits, to)
#include "../tiled/quant_product.inc"

static const smr_product_functions quant_functions = {.panels = 2,
                                                      .panels_alone = 8,
                                                      .pixels = {16, 14, 9, 1, 1, 1, 1, 1},
                                                      .flip = QUANT_FLIP,
                                                      .function = tile_table,
                                                      .narrow = narrow_table,
                                                      .copy = quant_copy,
                                                      .start = quant_starts,
                                                      .round = smr_quant_rounding_avx512};

SMR_QUANT_PRODUCT_KERNELS(avx512vnni, &quant_functions)

#define GATE_TILES     quant_functions
#define GATE_REGISTERS 16
#include "../vector/quant_recurrent.inc"
SMR_GATE_KERNELS(avx512vnni)
