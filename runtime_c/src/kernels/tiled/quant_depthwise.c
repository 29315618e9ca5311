/* Cutting depthwise convolutions of int8 into parts of lines that are woven. */
#include "quant_depthwise.h"

#include "../../core/follow.h"
#include "../../core/shares.h"
#include "../prototypes.h"

#define WOVEN_BYTES   (20 * 1024)  /* of woven columns of the image */
#define WOVEN_OVER    1024         /* bytes that may be read or written after them */
#define WOVEN_CACHED  (256 * 1024) /* an image of more bytes does not stay in a cache */
#define WOVEN_STRIP   8            /* lines of such a one that a block meets before the next one */
#define WOVEN_WEIGHTS 32           /* the most woven columns of a filter */
#define WOVEN_LEFT    16           /* positions whose sums are rounded together, apart from being summed */

typedef struct woven_depthwise {
    smr_window window;
    size_t x_row, y_row; /* bytes from one pixel to the next */
    const smr_woven_functions *functions;
    const int8_t *weights;
    const int32_t *bias;
    const void *multiplier; /* float32, or int32 where it is fixed */
    size_t channels;
    quant_output output;
    uint32_t blocks; /* of channels */
    uint32_t shares; /* of lines, in an image */
    uint32_t strip;  /* lines that a block meets before the next one */
    uint32_t groups; /* of rows of taps */
    uint32_t part;   /* positions of a line for which columns are woven at once */
    uint32_t lines;  /* that see the same woven columns, each with weights of its own */
    bool joined;     /* the channels of all pixels of a line are woven as one row of numbers */
    bool flat;       /* and those of its positions are summed as one */
    bool apart;      /* sums are left, and rounded apart from them */
    bool fixed;      /* multipliers are fixed-point */
    uint8_t rounding;
    int8_t border;
    int8_t zero_point; /* of the filter */
} woven_depthwise;
_Static_assert(sizeof(woven_depthwise) <= SMR_PARAMETER_BYTES, "woven_depthwise fits a node");

/* What a block of channels has. */
typedef struct woven_block {
    _Alignas(64) uint8_t weights[(WOVEN_WEIGHTS * 2 * SMR_WOVEN_CHANNELS + SMR_WOVEN_SLACK) * 4];
    _Alignas(64) int32_t start[2 * SMR_WOVEN_CHANNELS];
    _Alignas(64) int32_t zero_start[SMR_WOVEN_CHANNELS + 16];
    _Alignas(64) float multiplier[2 * SMR_WOVEN_CHANNELS];
    _Alignas(64) int8_t border[SMR_WOVEN_CHANNELS];
    size_t first;
    size_t count;
    bool loose;    /* see smr_woven_rows */
    size_t stored; /* channels of a woven column of the filter: some of them are there twice */
} woven_block;

static const int8_t woven_zeros[SMR_WOVEN_CHANNELS] = {0};

static void woven_row(smr_woven_rows *rows, size_t index, const int8_t *row, size_t byte_step,
                      size_t pixel_step) {
    rows->rows[index] = row;
    rows->byte_step[index] = byte_step;
    rows->pixel_step[index] = pixel_step;
}

/* Repeats the channels of a woven column of the filter up to what is stored of it. */
static void woven_repeat(const woven_depthwise *p, const woven_block *block, uint8_t *woven) {
    const size_t bytes = p->functions->bytes;
    size_t i;
    for (i = block->count; i < block->stored; i += block->count) {
        const size_t left = block->stored - i;
        memcpy(woven + i * bytes, woven, (left < block->count ? left : block->count) * bytes);
    }
}

/* Weaves the columns of a group of rows of the filter, `above` rows further down than it is; or of a filter
 * that is the same everywhere. */
static void woven_filter_rows(const woven_depthwise *p, const woven_block *block, size_t group, size_t above,
                              const int8_t *same, uint8_t *woven) {
    const size_t taps = (size_t)p->window.taps[1], bytes = p->functions->bytes;
    smr_woven_rows rows;
    size_t k, tap;
    rows.pixels = taps;
    rows.count = block->count;
    rows.loose = block->loose;
    rows.flip = 0;
    rows.woven = woven;
    for (k = 0; k < p->functions->rows; ++k) {
        const size_t row = group * p->functions->rows + k;
        if (row >= above && row < above + (size_t)p->window.taps[0]) {
            const int8_t *from = p->weights + (row - above) * taps * p->channels + block->first;
            woven_row(&rows, k, same != NULL ? same : from, same == NULL, same != NULL ? 0 : p->channels);
        } else {
            woven_row(&rows, k, woven_zeros, 0, 0);
        }
    }
    p->functions->weave(&rows);
    for (tap = block->stored > block->count ? taps : 0; tap-- > 0;) {
        uint8_t *column = woven + tap * block->stored * bytes;
        memmove(column, woven + tap * block->count * bytes, block->count * bytes);
        woven_repeat(p, block, column);
    }
}

/* For each of the lines that see the same columns of the image: [line][group][tap]. */
static void woven_begin_filter(const woven_depthwise *p, const woven_block *block, const int8_t *same,
                               uint8_t *woven) {
    const size_t bytes = (size_t)p->window.taps[1] * block->stored * p->functions->bytes;
    size_t line, group;
    for (line = 0; line < p->lines; ++line) {
        for (group = 0; group < p->groups; ++group, woven += bytes) {
            woven_filter_rows(p, block, group, line * (size_t)p->window.strides[0], same, woven);
        }
    }
}

/* After the filter one that is less its zero point everywhere, whose sums begin with nothing. */
static void woven_begin_zero_point(const woven_depthwise *p, woven_block *block) {
    const size_t columns = (size_t)p->window.taps[1] * p->groups;
    const size_t bytes = block->stored * p->functions->bytes;
    uint8_t *woven = block->weights + p->lines * columns * bytes;
    int8_t same[SMR_WOVEN_CHANNELS];
    memset(same, -p->zero_point, sizeof same);
    memset(block->zero_start, 0, sizeof block->zero_start);
    woven_begin_filter(p, block, same, woven);
    p->functions->start(woven, columns, bytes, block->count, false, block->zero_start, block->multiplier);
}

static void woven_begin(const woven_depthwise *p, size_t number, woven_block *block) {
    size_t i;
    memset(block->border, p->border, sizeof block->border);
    block->first = number * SMR_WOVEN_CHANNELS;
    block->count = p->channels - block->first;
    block->count = block->count < SMR_WOVEN_CHANNELS ? block->count : SMR_WOVEN_CHANNELS;
    block->loose = block->count == SMR_WOVEN_CHANNELS && !p->apart;
    block->stored = p->flat ? block->count + SMR_WOVEN_CHANNELS : block->count;
    woven_begin_filter(p, block, NULL, block->weights);
    memcpy(block->start, p->bias + block->first, block->count * sizeof *block->start);
    if (!p->apart) {
        memcpy(block->multiplier, (const float *)p->multiplier + block->first,
               block->count * sizeof *block->multiplier);
    }
    p->functions->start(block->weights, (size_t)p->window.taps[1] * p->groups,
                        block->stored * p->functions->bytes, block->count, block->loose, block->start,
                        block->multiplier);
    for (i = block->count; i < block->stored; ++i) {
        block->start[i] = block->start[i - block->count];
        block->multiplier[i] = block->multiplier[i - block->count];
    }
    if (p->zero_point != 0) {
        woven_begin_zero_point(p, block);
    }
}

/* Weaves `pixels` columns of a group of rows, in the image or in the border. */
static uint8_t *woven_columns(const woven_depthwise *p, smr_woven_rows *rows, size_t pixels, size_t count,
                              uint8_t *to) {
    if (pixels > 0) {
        rows->pixels = p->joined ? 1 : pixels;
        rows->count = p->joined ? pixels * count : count;
        rows->woven = to;
        p->functions->weave(rows);
    }
    return to + pixels * count * p->functions->bytes;
}

/* Weaves columns of the border, which are all alike. */
static uint8_t *woven_border(const woven_depthwise *p, const woven_block *block, size_t pixels, uint8_t *to) {
    const size_t bytes = pixels * block->count * p->functions->bytes;
    smr_woven_rows rows;
    size_t k;
    if (p->functions->bytes == p->functions->rows) { /* bytes are only reordered */
        memset(to, (uint8_t)p->border ^ p->functions->flip, bytes);
        return to + bytes;
    }
    rows.flip = p->functions->flip;
    rows.loose = block->loose;
    for (k = 0; k < p->functions->rows; ++k) {
        woven_row(&rows, k, block->border, 0, 0);
    }
    return woven_columns(p, &rows, pixels, block->count, to);
}

/* Weaves columns from `first` on of the rows that a line of the output sees; `again` if the same columns of
 * another line were woven before, so that the border is there. */
static void woven_line(const woven_depthwise *p, const woven_block *block, const int8_t *image, int64_t top,
                       int64_t first, size_t count, bool again, uint8_t *woven) {
    const smr_window *window = &p->window;
    const int64_t size = window->size[1], end = first + (int64_t)count;
    const size_t before = first >= 0 ? 0 : end <= 0 ? count : (size_t)-first;
    const size_t after = before == count || end <= size ? 0 : first >= size ? count : (size_t)(end - size);
    const size_t inside = count - before - after, column = block->count * p->functions->bytes;
    /* Whether nothing is written after what is woven. */
    const size_t woven_bytes = p->joined ? inside * block->count : block->count;
    const bool whole = (woven_bytes & (p->functions->chunk - 1)) == 0;
    const bool border = !(again && whole);
    const size_t seen = (size_t)window->taps[0] + (p->lines - 1) * (size_t)window->strides[0];
    smr_woven_rows rows;
    size_t group, k;
    rows.flip = p->functions->flip;
    rows.loose = block->loose;
    for (group = 0; group < p->groups; ++group) {
        for (k = 0; k < p->functions->rows; ++k) {
            const size_t tap = group * p->functions->rows + k;
            const int64_t y = top + (int64_t)tap * window->dilations[0];
            if (tap >= seen || y < 0 || y >= window->size[0] || inside == 0) {
                woven_row(&rows, k, block->border, 0, 0);
            } else {
                woven_row(&rows, k,
                          image + ((size_t)y * (size_t)size + (size_t)(first + (int64_t)before)) * p->x_row +
                              block->first,
                          1, p->x_row);
            }
        }
        if (border && before > 0) {
            (void)woven_border(p, block, before, woven);
        }
        woven = woven_columns(p, &rows, inside, block->count, woven + before * column);
        if (border && after > 0) {
            (void)woven_border(p, block, after, woven);
        }
        woven += after * column;
    }
}

/* The columns of the image that some positions see. */
static size_t woven_seen(const smr_window *window, size_t positions) {
    return (positions - 1) * (size_t)window->strides[1] +
           (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
}

/* What the sums of a block have in common. */
static void woven_begin_sums(const woven_depthwise *p, const woven_block *block, smr_woven_sums *sums) {
    const smr_window *window = &p->window;
    const size_t column = block->count * p->functions->bytes, lanes = p->functions->lanes;
    sums->start = block->start;
    sums->multiplier = block->multiplier;
    sums->taps = (size_t)window->taps[1];
    sums->groups = p->groups;
    sums->tap_bytes = (size_t)window->dilations[1] * column;
    sums->position_bytes = (size_t)window->strides[1] * column;
    sums->weight_bytes = block->stored * p->functions->bytes;
    sums->flat = p->flat;
    sums->loose = block->loose;
    sums->period = block->count;
    sums->output_step = p->y_row;
    sums->output_line = p->lines * (size_t)window->positions[1] * p->y_row;
    sums->range = &p->output;
    sums->left = NULL;
    sums->more = false;
    sums->across = 1;
    if (p->joined && window->strides[1] <= 2 && (block->count == lanes || block->count == 2 * lanes)) {
        sums->across = 4 * lanes / block->count;
    }
}

/* For an instruction set that rounds no sums in fixed point. */
static void woven_round(const quant_filter *filter, size_t first, size_t count, const quant_output *output,
                        const smr_quant_sums *sums) {
    size_t r;
    for (r = 0; r < sums->pixels; ++r) {
        quant_write(filter, first, count, sums->acc + r * sums->acc_step, output, sums->y + r * sums->y_step);
    }
}

/* Some positions of a line whose sums are left and then rounded, as their multipliers want it. */
static void woven_sum_apart(const woven_depthwise *p, const woven_block *block, const smr_woven_sums *all) {
    _Alignas(64) int32_t left[WOVEN_LEFT * SMR_WOVEN_SUMS];
    const size_t filters = all->taps * all->groups * all->weight_bytes * p->lines;
    smr_woven_sums sums = *all;
    size_t done;
    quant_filter filter;
    memset(&filter, 0, sizeof filter);
    filter.multiplier = p->fixed ? NULL : p->multiplier;
    filter.fixed = p->fixed ? p->multiplier : NULL;
    filter.outputs = p->channels;
    filter.rounding = p->rounding;
    sums.left = left;
    sums.lines = 1;
    for (done = 0; done < all->positions; done += WOVEN_LEFT) {
        const size_t rest = all->positions - done;
        const smr_quant_sums rounded = {left, SMR_WOVEN_SUMS, all->output + done * all->output_step,
                                        all->output_step, rest < WOVEN_LEFT ? rest : WOVEN_LEFT};
        sums.positions = rounded.pixels;
        sums.woven = all->woven + done * all->position_bytes;
        sums.weights = all->weights;
        sums.start = block->start;
        sums.more = false;
        p->functions->sum(&sums);
        if (p->zero_point != 0) {
            sums.weights = all->weights + filters;
            sums.start = block->zero_start;
            sums.more = true;
            p->functions->sum(&sums);
        }
        (p->fixed && p->functions->round != NULL ? p->functions->round : woven_round)(
            &filter, block->first, block->count, &p->output, &rounded);
    }
}

/* The lines that see the same columns with the same weights. */
static void woven_sum_lines(const woven_depthwise *p, const woven_block *block, smr_woven_sums *sums) {
    const smr_woven_sums all = *sums;
    size_t line;
    if (!p->apart) {
        p->functions->sum(sums);
        return;
    }
    for (line = 0; line < all.lines; ++line) {
        smr_woven_sums one = all;
        one.woven += line * all.line_bytes;
        one.output += line * all.output_line;
        woven_sum_apart(p, block, &one);
    }
}

/* Lines [begin, end) of a block: some at a time are woven, as many as there is room for. */
static void woven_strip(const woven_depthwise *p, const woven_block *block, const int8_t *x, int8_t *y,
                        size_t begin, size_t end) {
    const smr_window *window = &p->window;
    const size_t width = (size_t)window->positions[1], channels = p->channels;
    const size_t column = block->count * p->functions->bytes, columns = column * p->groups;
    const size_t slots =
        p->part < width || columns == 0 ? 1 : WOVEN_BYTES / (woven_seen(window, width) * columns);
    _Alignas(64) uint8_t woven[WOVEN_BYTES + WOVEN_OVER];
    smr_woven_sums sums;
    size_t line, position, next, slot;
    woven_begin_sums(p, block, &sums);
    sums.woven = woven;
    for (line = begin; line < end; line += slots * p->lines) {
        const size_t lines = end - line < slots * p->lines ? end - line : slots * p->lines;
        for (position = 0; position < width; position += p->part) {
            const size_t positions = width - position < p->part ? width - position : p->part;
            const size_t seen = woven_seen(window, positions);
            for (slot = 0; slot * p->lines < lines; ++slot) {
                woven_line(p, block, x, smr_window_at(window, 0, (int64_t)(line + slot * p->lines), 0),
                           smr_window_at(window, 1, (int64_t)position, 0), seen,
                           line > begin && p->part >= width, woven + slot * seen * columns);
            }
            sums.line_bytes = seen * columns;
            sums.group_bytes = seen * column;
            sums.positions = p->flat ? 1 : positions;
            sums.count = p->flat ? positions * channels : block->count;
            for (next = 0; next < p->lines && next < lines; ++next) {
                sums.lines = (lines - next + p->lines - 1) / p->lines;
                sums.weights = block->weights + next * sums.taps * sums.groups * sums.weight_bytes;
                sums.output = y + ((line + next) * width + position) * p->y_row + block->first;
                woven_sum_lines(p, block, &sums);
            }
        }
    }
}

/* A work item is a block of channels of a share. */
static smr_status run_woven(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const woven_depthwise *p = SMR_CONST_PARAMETERS(node, woven_depthwise);
    const smr_window *window = &p->window;
    const size_t lines = (size_t)window->positions[0], width = (size_t)window->positions[1];
    const int8_t *x = node->inputs[0]->data;
    int8_t *y = node->outputs[0]->data;
    woven_block block;
    smr_span span;
    size_t last = SIZE_MAX;
    (void)error;
    while (smr_next_span(&begin, end, p->blocks, &span)) {
        while (span.first < span.last) {
            const size_t image = span.first / p->shares, first = image * p->shares, next = first + p->shares;
            const size_t stop = span.last < next ? span.last : next;
            const size_t line_end = smr_share_begin(lines, stop - first, p->shares);
            size_t line = smr_share_begin(lines, span.first - first, p->shares), number;
            for (; line < line_end; line += p->strip) {
                const size_t strip_end = line_end - line < p->strip ? line_end : line + p->strip;
                for (number = span.begin; number < span.end; ++number) {
                    if (number != last) {
                        woven_begin(p, number, &block);
                        last = number;
                    }
                    woven_strip(p, &block,
                                x + image * (size_t)window->size[0] * (size_t)window->size[1] * p->x_row,
                                y + image * lines * width * p->y_row, line, strip_end);
                }
                if (node->follower != 0) {
                    smr_follow(node, (image * lines + line) * width, strip_end - line, width);
                }
            }
            span.first = stop;
        }
    }
    return SMR_OK;
}

bool smr_woven_takes(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return filter->dtype == SMR_DTYPE_INT8 && filter->layout == SMR_LAYOUT_DENSE && filter->rank == 4 &&
           filter->count > 0 && filter->dims[3] == 1 && filter->dims[0] <= WOVEN_WEIGHTS &&
           filter->dims[1] <= WOVEN_WEIGHTS;
}

/* How many lines see rows that are woven together. */
static uint32_t woven_lines(const woven_depthwise *p) {
    const smr_window *window = &p->window;
    const size_t spare = p->groups * p->functions->rows - (size_t)window->taps[0];
    const size_t lines = spare / (size_t)window->strides[0] + 1;
    const size_t filters = p->zero_point != 0 ? 2 : 1; /* of as many columns */
    const size_t most = WOVEN_WEIGHTS / (filters * p->groups * (size_t)window->taps[1]);
    return window->dilations[0] != 1 ? 1 : (uint32_t)(lines < most ? lines : most);
}

smr_status smr_woven_prepare(smr_node *node, const smr_woven_functions *functions, smr_error *error) {
    woven_depthwise p;
    const smr_window *window = &p.window;
    const quant_depthwise *generic = SMR_CONST_PARAMETERS(node, quant_depthwise);
    size_t block, room, reach;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_depthwise_conv2d(node, error));
    if (node->work == 0 || generic->filter.zero_point < -INT8_MAX) {
        return SMR_OK;
    }
    p.window = generic->window;
    p.weights = generic->filter.data;
    p.bias = generic->filter.bias;
    p.fixed = generic->filter.fixed != NULL;
    p.multiplier = p.fixed ? (const void *)generic->filter.fixed : generic->filter.multiplier;
    p.rounding = generic->filter.rounding;
    p.zero_point = (int8_t)generic->filter.zero_point;
    p.apart = p.zero_point != 0 || !quant_scales_down(&generic->filter);
    p.channels = generic->channels;
    p.output = generic->output;
    p.border = generic->border;
    p.functions = functions;
    p.groups = (uint32_t)(((size_t)window->taps[0] + functions->rows - 1) / functions->rows);
    if (p.groups * (size_t)window->taps[1] * (p.zero_point != 0 ? 2 : 1) > WOVEN_WEIGHTS) {
        return SMR_OK; /* the generic kernel remains */
    }
    p.lines = woven_lines(&p);
    p.x_row = smr_value_row(node->inputs[0]);
    p.y_row = smr_value_row(node->outputs[0]);
    p.joined = p.channels < SMR_WOVEN_CHANNELS && p.x_row == p.channels && p.y_row == p.channels;
    p.flat = p.joined && window->strides[1] == 1 && !p.apart;
    p.blocks = (uint32_t)((p.channels + SMR_WOVEN_CHANNELS - 1) / SMR_WOVEN_CHANNELS);
    block = p.channels < SMR_WOVEN_CHANNELS ? p.channels : SMR_WOVEN_CHANNELS;
    room = WOVEN_BYTES / (block * functions->bytes * p.groups);
    reach = (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
    if (reach > room) {
        return SMR_OK;
    }
    p.part = (uint32_t)((room - reach) / (size_t)window->strides[1] + 1);
    p.shares = smr_shares((size_t)window->positions[0]);
    p.strip = node->inputs[0]->count / (size_t)node->inputs[0]->dims[0] > WOVEN_CACHED
                  ? WOVEN_STRIP
                  : (uint32_t)window->positions[0];
    smr_node_replace_parameters(node, &p, sizeof p);
    node->read_count = 1; /* the others are constants, whose data are in the parameters */
    node->work = (size_t)node->outputs[0]->dims[0] * p.shares * p.blocks;
    node->completes = p.blocks > UINT16_MAX ? 0 : (uint16_t)p.blocks;
    node->run = run_woven;
    return SMR_OK;
}
