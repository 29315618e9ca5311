/* Depthwise convolutions of int8 with AVX-512 VNNI, 64 channels at a time.
 *
 * The rows of up to four taps are woven into columns: four bytes for each channel, one of each row. The
 * products of a column and of the filter's column are then one instruction for 16 channels, and each woven
 * column serves as many outputs as there are taps in a row. Pixels are taken as unsigned, 128 more than they
 * are. */
#include "../generic/quant_conv.h"
#include "vnni.h"

#define DEPTHWISE_CHANNELS 64
#define DEPTHWISE_WEIGHTS  32          /* the most columns of a filter, woven */
#define DEPTHWISE_BYTES    (24 * 1024) /* of woven columns of the image */
#define DEPTHWISE_LINES    16          /* in a work item */
#define UNROLL             _Pragma("GCC unroll 8")

typedef struct vnni_depthwise {
    quant_depthwise generic;
    uint32_t blocks;    /* of channels */
    uint32_t strips;    /* of lines, in an image */
    uint32_t groups;    /* of up to 4 rows of taps */
    uint32_t positions; /* of a line, for which columns are woven at once */
} vnni_depthwise;
_Static_assert(sizeof(vnni_depthwise) <= SMR_PARAMETER_BYTES, "vnni_depthwise fits a node");

/* 64 channels of four rows, woven: number j has channels 16 * lane + 4 * j to 16 * lane + 4 * j + 3 of each
 * lane of 128 bits. */
typedef struct woven {
    __m512i part[4];
} woven;

/* What a block of channels has beside its pixels, in the order of `woven`. */
typedef struct depthwise_block {
    woven weights[DEPTHWISE_WEIGHTS]; /* [column][group] */
    woven start;                      /* what sums begin with */
    __m512 multiplier[4];
    __mmask64 mask;
    size_t first;
    size_t count;
} depthwise_block;

static inline woven weave(__m512i a, __m512i b, __m512i c, __m512i d) {
    const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
    const woven made = {{_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
                         _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)}};
    return made;
}

/* The place of a channel of a block among the 64 numbers of a woven value. */
static inline size_t depthwise_place(size_t channel) {
    return channel % 16 / 4 * 16 + channel / 16 * 4 + channel % 4;
}

static void begin_block(const vnni_depthwise *p, size_t number, depthwise_block *block) {
    const smr_window *window = &p->generic.window;
    const quant_filter *filter = &p->generic.filter;
    int32_t start[DEPTHWISE_CHANNELS] = {0};
    float multiplier[DEPTHWISE_CHANNELS] = {0};
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    woven added = {
        {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    size_t i;
    int32_t row, column;
    block->first = number * DEPTHWISE_CHANNELS;
    block->count = filter->outputs - block->first < DEPTHWISE_CHANNELS ? filter->outputs - block->first
                                                                       : DEPTHWISE_CHANNELS;
    block->mask = block->count == 64 ? ~(__mmask64)0 : ((__mmask64)1 << block->count) - 1;
    for (column = 0; column < window->taps[1]; ++column) {
        for (row = 0; row < window->taps[0]; row += 4) {
            __m512i rows[4];
            woven *made = &block->weights[(size_t)column * p->groups + (size_t)row / 4];
            int32_t k;
            for (k = 0; k < 4; ++k) {
                const size_t tap = (size_t)(row + k) * (size_t)window->taps[1] + (size_t)column;
                rows[k] = row + k < window->taps[0]
                              ? _mm512_maskz_loadu_epi8(block->mask,
                                                        filter->data + tap * filter->outputs + block->first)
                              : _mm512_setzero_si512();
            }
            *made = weave(rows[0], rows[1], rows[2], rows[3]);
            UNROLL for (k = 0; k < 4; ++k) {
                added.part[k] = vnni_dot(added.part[k], flip, made->part[k]);
            }
        }
    }
    for (i = 0; i < block->count; ++i) {
        start[depthwise_place(i)] = filter->bias[block->first + i];
        multiplier[depthwise_place(i)] = filter->multiplier[block->first + i];
    }
    UNROLL for (i = 0; i < 4; ++i) {
        block->start.part[i] = _mm512_sub_epi32(_mm512_loadu_si512(start + 16 * i), added.part[i]);
        block->multiplier[i] = _mm512_loadu_ps(multiplier + 16 * i);
    }
}

/* Weaves columns from `first` on of the rows that a line of the output sees. */
static void weave_columns(const vnni_depthwise *p, const depthwise_block *block, const int8_t *image,
                          int64_t top, int64_t first, size_t count, woven *columns) {
    const smr_window *window = &p->generic.window;
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    const __m512i border = _mm512_xor_si512(_mm512_set1_epi8(p->generic.border), flip);
    size_t group, column;
    for (group = 0; group < p->groups; ++group) {
        const int8_t *lines[4];
        int32_t k;
        for (k = 0; k < 4; ++k) {
            const int32_t tap = (int32_t)group * 4 + k;
            const int64_t y = top + (int64_t)tap * window->dilations[0];
            lines[k] = tap < window->taps[0] && y >= 0 && y < window->size[0]
                           ? image + (size_t)y * (size_t)window->size[1] * p->generic.channels + block->first
                           : NULL;
        }
        for (column = 0; column < count; ++column) {
            const int64_t x = first + (int64_t)column;
            __m512i rows[4];
            UNROLL for (k = 0; k < 4; ++k) {
                rows[k] = lines[k] == NULL || x < 0 || x >= window->size[1]
                              ? border
                              : _mm512_xor_si512(
                                    flip, _mm512_maskz_loadu_epi8(
                                              block->mask, lines[k] + (size_t)x * p->generic.channels));
            }
            columns[column * p->groups + group] = weave(rows[0], rows[1], rows[2], rows[3]);
        }
    }
}

static inline void write_pixel(const quant_output *range, const depthwise_block *block, woven sums,
                               int8_t *to) {
    const __m512 low = _mm512_set1_ps(range->low), high = _mm512_set1_ps(range->high);
    const __m512i zero_point = _mm512_set1_epi32(range->zero_point);
    size_t i;
    UNROLL for (i = 0; i < 4; ++i) {
        const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums.part[i]), block->multiplier[i]);
        sums.part[i] =
            _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(value, low), high)), zero_point);
    }
    _mm512_mask_storeu_epi8(to, block->mask,
                            _mm512_packs_epi16(_mm512_packs_epi32(sums.part[0], sums.part[1]),
                                               _mm512_packs_epi32(sums.part[2], sums.part[3])));
}

static inline __attribute__((always_inline)) void sum_pixels(const vnni_depthwise *p,
                                                             const depthwise_block *block,
                                                             const woven *columns, size_t count, int8_t *to,
                                                             const size_t taps, const size_t groups) {
    const smr_window *window = &p->generic.window;
    size_t position, tap, group, i;
    for (position = 0; position < count; ++position, to += p->generic.channels) {
        const woven *seen = columns + position * (size_t)window->strides[1] * groups;
        woven sums = block->start;
        UNROLL for (tap = 0; tap < taps; ++tap, seen += (size_t)window->dilations[1] * groups) {
            UNROLL for (group = 0; group < groups; ++group) {
                UNROLL for (i = 0; i < 4; ++i) {
                    sums.part[i] = vnni_dot(sums.part[i], seen[group].part[i],
                                            block->weights[tap * groups + group].part[i]);
                }
            }
        }
        write_pixel(&p->generic.output, block, sums, to);
    }
}

/* A work item is a block of channels of a strip of lines. */
static smr_status run_vnni_depthwise(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const vnni_depthwise *p = SMR_CONST_PARAMETERS(node, vnni_depthwise);
    const smr_window *window = &p->generic.window;
    const size_t lines = (size_t)window->positions[0], width = (size_t)window->positions[1];
    const size_t channels = p->generic.channels;
    woven columns[DEPTHWISE_BYTES / sizeof(woven)];
    depthwise_block block;
    size_t item;
    (void)error;
    for (item = begin; item < end; ++item) {
        const size_t strip = item / p->blocks, image = strip / p->strips,
                     first = strip % p->strips * DEPTHWISE_LINES;
        const int8_t *x = (const int8_t *)node->inputs[0]->data +
                          image * (size_t)window->size[0] * (size_t)window->size[1] * channels;
        size_t y, position;
        begin_block(p, item % p->blocks, &block);
        for (y = first; y < lines && y < first + DEPTHWISE_LINES; ++y) {
            int8_t *to =
                (int8_t *)node->outputs[0]->data + (image * lines + y) * width * channels + block.first;
            for (position = 0; position < width; position += p->positions) {
                const size_t left = width - position, count = left < p->positions ? left : p->positions;
                const size_t seen = (count - 1) * (size_t)window->strides[1] +
                                    (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
                weave_columns(p, &block, x, smr_window_at(window, 0, (int64_t)y, 0),
                              smr_window_at(window, 1, (int64_t)position, 0), seen, columns);
                if (window->taps[1] == 3 && p->groups == 1) {
                    sum_pixels(p, &block, columns, count, to + position * channels, 3, 1);
                } else {
                    sum_pixels(p, &block, columns, count, to + position * channels, (size_t)window->taps[1],
                               p->groups);
                }
            }
        }
    }
    return SMR_OK;
}

bool smr_quantized_depthwise_takes_avx512vnni(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return filter->dtype == SMR_DTYPE_INT8 && filter->layout == SMR_LAYOUT_DENSE && filter->rank == 4 &&
           filter->count > 0 && filter->dims[3] == 1 && node->inputs[3]->dtype == SMR_DTYPE_FLOAT32 &&
           filter->dims[0] <= 4 * DEPTHWISE_WEIGHTS && filter->dims[1] <= DEPTHWISE_WEIGHTS &&
           (filter->dims[0] + 3) / 4 * filter->dims[1] <= DEPTHWISE_WEIGHTS;
}

smr_status smr_prepare_quantized_depthwise_conv2d_avx512vnni(smr_node *node, smr_error *error) {
    const size_t room = DEPTHWISE_BYTES / sizeof(woven);
    vnni_depthwise p;
    const smr_window *window = &p.generic.window;
    size_t reach, images;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_depthwise_conv2d(node, error));
    p.generic = *SMR_CONST_PARAMETERS(node, quant_depthwise);
    if (node->work == 0 || p.generic.filter.zero_point != 0) {
        return SMR_OK;
    }
    p.groups = ((uint32_t)window->taps[0] + 3) / 4;
    reach = (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
    if (reach > room / p.groups || (size_t)window->strides[1] > room) {
        return SMR_OK; /* the generic kernel remains */
    }
    p.positions = (uint32_t)((room / p.groups - reach) / (size_t)window->strides[1] + 1);
    p.blocks = (uint32_t)((p.generic.channels + DEPTHWISE_CHANNELS - 1) / DEPTHWISE_CHANNELS);
    p.strips = ((uint32_t)window->positions[0] + DEPTHWISE_LINES - 1) / DEPTHWISE_LINES;
    images = (size_t)node->outputs[0]->dims[0];
    *SMR_PARAMETERS(node, vnni_depthwise) = p;
    node->work = images * p.strips * p.blocks;
    node->run = run_vnni_depthwise;
    return SMR_OK;
}
