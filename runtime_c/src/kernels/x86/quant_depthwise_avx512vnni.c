/* Depthwise convolutions of int8 with AVX-512 VNNI: the products of a channel's numbers of four rows are one
 * instruction. */
#include "../tiled/quant_depthwise.h"
#include "quant_avx512.h"
#include "vnni.h"

/* 64 channels of four rows. Part j has channels 16 * lane + 4 * j to 16 * lane + 4 * j + 3 in each lane of
 * 128 bits. */
typedef struct woven_parts {
    __m512i part[4];
} woven_parts;

static inline woven_parts woven_unpack(const int8_t *const rows[4], __mmask64 mask, uint8_t flip) {
    const __m512i flips = _mm512_set1_epi8((char)flip);
    const __m512i a = _mm512_xor_si512(flips, _mm512_maskz_loadu_epi8(mask, rows[0]));
    const __m512i b = _mm512_xor_si512(flips, _mm512_maskz_loadu_epi8(mask, rows[1]));
    const __m512i c = _mm512_xor_si512(flips, _mm512_maskz_loadu_epi8(mask, rows[2]));
    const __m512i d = _mm512_xor_si512(flips, _mm512_maskz_loadu_epi8(mask, rows[3]));
    const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
    const woven_parts parts = {{_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
                                _mm512_unpacklo_epi16(ab_high, cd_high),
                                _mm512_unpackhi_epi16(ab_high, cd_high)}};
    return parts;
}

/* Weaves up to 64 channels in their order. */
static inline void woven_four(const int8_t *const rows[4], __mmask64 mask, uint8_t flip, uint8_t *to) {
    const woven_parts parts = woven_unpack(rows, mask, flip);
    const __m512i low01 = _mm512_shuffle_i32x4(parts.part[0], parts.part[1], 0x44);
    const __m512i low23 = _mm512_shuffle_i32x4(parts.part[2], parts.part[3], 0x44);
    const __m512i high01 = _mm512_shuffle_i32x4(parts.part[0], parts.part[1], 0xee);
    const __m512i high23 = _mm512_shuffle_i32x4(parts.part[2], parts.part[3], 0xee);
    _mm512_storeu_si512(to, _mm512_shuffle_i32x4(low01, low23, 0x88));
    _mm512_storeu_si512(to + 64, _mm512_shuffle_i32x4(low01, low23, 0xdd));
    _mm512_storeu_si512(to + 128, _mm512_shuffle_i32x4(high01, high23, 0x88));
    _mm512_storeu_si512(to + 192, _mm512_shuffle_i32x4(high01, high23, 0xdd));
}

/* Weaves 64 channels in the order of the parts, which packing sums to bytes undoes. */
static inline void woven_loose(const int8_t *const rows[4], uint8_t flip, uint8_t *to) {
    const woven_parts parts = woven_unpack(rows, ~(__mmask64)0, flip);
    size_t i;
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        _mm512_storeu_si512(to + 64 * i, parts.part[i]);
    }
}

/* Puts 64 numbers of 32 bits in the order of the parts. */
static inline void woven_arrange(void *numbers) {
    __m128i parts[16];
    size_t i;
    memcpy(parts, numbers, sizeof parts);
    for (i = 0; i < 16; ++i) {
        _mm_storeu_si128((__m128i *)numbers + i, parts[i % 4 * 4 + i / 4]);
    }
}

/* As vector_finish, for numbers in the order of the parts, which are an int32 each. */
static inline __m512i woven_finish(const __m512 value[4], const vector_range *range) {
    __m512i number[4];
    size_t i;
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        number[i] = _mm512_cvtps_epi32(value[i]);
    }
    return _mm512_min_epi8(
        _mm512_max_epi8(_mm512_packs_epi16(
                            _mm512_adds_epi16(_mm512_packs_epi32(number[0], number[1]), range->zero_point),
                            _mm512_adds_epi16(_mm512_packs_epi32(number[2], number[3]), range->zero_point)),
                        range->least),
        range->most);
}

#define WOVEN_ROUND                             smr_quant_rounding_avx512
#define WOVEN_ROWS                              4
#define WOVEN_BYTES                             4
#define WOVEN_FLIP                              0x80
#define WOVEN_CHUNK                             64
#define WOVEN_WEAVE(rows, flip, to)             woven_four(rows, ~(__mmask64)0, flip, to)
#define WOVEN_WEAVE_SOME(rows, flip, to, count) woven_four(rows, vector_mask(count), flip, to)
#define WOVEN_WEAVE_LOOSE(rows, flip, to)       woven_loose(rows, flip, to)
#define WOVEN_ARRANGE(numbers)                  woven_arrange(numbers)
#define WOVEN_FINISH_LOOSE(value, range)        woven_finish(value, range)
#define WOVEN_KEPT                              12
#define WOVEN                                   __m512i
#define WOVEN_LOAD(from)                        _mm512_loadu_si512(from)
#define WOVEN_DOT(sums, a, b)                   vnni_dot(sums, a, b)
#include "../tiled/quant_depthwise.inc"

smr_status smr_prepare_quantized_depthwise_conv2d_avx512vnni(smr_node *node, smr_error *error) {
    return smr_woven_prepare(node, &woven_functions, error);
}
