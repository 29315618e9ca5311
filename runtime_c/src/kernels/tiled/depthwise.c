/* Cutting depthwise convolutions into tiles. */
#include "depthwise.h"

#include <math.h>
#include <string.h>

#include "../../core/follow.h"
#include "../../core/shares.h"
#include "../../core/wide.h"
#include "../prototypes.h"

/* What a part of a line sees stays in a cache of the first level until the next lines have seen it too. */
#define DEPTHWISE_CACHED   (20 * 1024)
#define DEPTHWISE_CHANNELS 128
#define DEPTHWISE_STRIP \
    8 /* lines that a block of channels meets before the next one, in tiles of two lines */

/* What lies in the padding is read from here. */
static const float depthwise_zeros[2 * DEPTHWISE_CHANNELS] = {0};

typedef struct depthwise_parameters {
    smr_window window;
    const smr_depthwise_functions *functions;
    const uint8_t *weights; /* null where the filter or the bias are no constants */
    const uint8_t *bias;    /* or null */
    size_t channels;
    size_t x_row, y_row;     /* elements from one pixel to the next */
    uint32_t blocks;         /* of channels */
    uint32_t shares;         /* of lines, or of columns, in an image */
    uint32_t strip;          /* lines or columns that a block meets before the next one */
    uint32_t part;           /* positions of a line that are worked on together */
    smr_window_range inside; /* the positions along the other axis than `across` all of whose taps lie in the
                                image */
    float least, most;
    uint8_t lanes;  /* of a vector */
    uint8_t number; /* bytes of one: 4 or 2 */
    int8_t form;    /* which run and tile; -1 for none */
    uint8_t cut;    /* the axis that shares are cut along: 0 for lines */
    uint8_t across; /* the axis that a tile has two lines along: 0, or 1 where the image is narrow */
} depthwise_parameters;
_Static_assert(sizeof(depthwise_parameters) <= SMR_PARAMETER_BYTES, "depthwise_parameters fit a node");

/* A block of channels of a part of an image. */
typedef struct depthwise_place {
    const depthwise_parameters *p;
    smr_depthwise_filter filter;
    const uint8_t *x; /* of the image, at the first channel */
    uint8_t *y;
    size_t begin[2]; /* the positions that are worked out, along height and width */
    size_t end[2];
} depthwise_place;

/* The channels of a pixel of the input, or zeros. */
static inline const void *depthwise_pixel(const depthwise_place *place, int64_t row, int64_t column) {
    const smr_window *window = &place->p->window;
    const bool inside = row >= 0 && row < window->size[0] && column >= 0 && column < window->size[1];
    const size_t pixel = place->p->x_row * place->p->number;
    return inside ? place->x + ((size_t)row * (size_t)window->size[1] + (size_t)column) * pixel
                  : (const void *)depthwise_zeros;
}

static inline void *depthwise_output(const depthwise_place *place, size_t line, size_t position) {
    const size_t pixel = place->p->y_row * place->p->number;
    return place->y + (line * (size_t)place->p->window.positions[1] + position) * pixel;
}

/* The same by what a tile calls a line. */
static inline void *depthwise_turned(const depthwise_place *place, size_t line, size_t position) {
    return place->p->across == 0 ? depthwise_output(place, line, position)
                                 : depthwise_output(place, position, line);
}

/* Sums all taps of a few pixels of a line. */
static void depthwise_any(const depthwise_place *place, size_t line, size_t position) {
    const depthwise_parameters *p = place->p;
    const smr_window *window = &p->window;
    const smr_window_range rows = smr_window_taps(window, 0, (int64_t)line);
    const size_t pixels = p->functions->pixels;
    smr_depthwise_taps taps;
    int64_t columns[SMR_DEPTHWISE_PIXELS];
    int32_t row = rows.begin, column = 0;
    size_t i;
    for (i = 0; i < pixels; ++i) {
        const size_t last = (size_t)window->positions[1] - 1, at = position + i < last ? position + i : last;
        columns[i] = smr_window_at(window, 1, (int64_t)at, 0);
        taps.outputs[i] = depthwise_output(place, line, at);
    }
    taps.first = true;
    do {
        for (taps.count = 0; row < rows.end && taps.count < SMR_DEPTHWISE_TAPS; ++taps.count) {
            const int64_t at = smr_window_at(window, 0, (int64_t)line, row);
            for (i = 0; i < pixels; ++i) {
                taps.seen[taps.count][i] =
                    depthwise_pixel(place, at, columns[i] + (int64_t)column * window->dilations[1]);
            }
            taps.weights[taps.count] =
                (const uint8_t *)place->filter.weights +
                ((size_t)row * (size_t)window->taps[1] + (size_t)column) * p->channels * p->number;
            if (++column == window->taps[1]) {
                column = 0;
                ++row;
            }
        }
        taps.last = row >= rows.end;
        p->functions->taps(&place->filter, &taps);
        taps.first = false;
    } while (!taps.last);
}

static void depthwise_any_line(const depthwise_place *place, size_t line) {
    const smr_window *window = &place->p->window;
    const size_t positions = (size_t)window->positions[1], lanes = place->p->lanes;
    size_t position, channel;
    for (position = 0; position < positions; position += place->p->functions->pixels) {
        depthwise_place part = *place;
        if ((size_t)window->taps[0] <= SMR_DEPTHWISE_TAPS / (size_t)window->taps[1]) {
            depthwise_any(place, line, position);
            continue;
        }
        part.filter.channels = lanes; /* sums that are not whole yet may not be added to twice */
        for (channel = 0; channel < place->filter.channels; channel += lanes) {
            const size_t left = place->filter.channels - channel;
            const size_t at = left < lanes ? place->filter.channels - lanes : channel;
            const size_t bytes = at * place->p->number;
            part.filter.weights = (const uint8_t *)place->filter.weights + bytes;
            part.filter.bias =
                place->filter.bias == NULL ? NULL : (const uint8_t *)place->filter.bias + bytes;
            part.x = place->x + bytes;
            part.y = place->y + bytes;
            depthwise_any(&part, line, position);
        }
    }
}

/* Points to the pixels of a line that a tile sees. */
static inline void depthwise_see(const depthwise_place *place, int64_t line, int64_t first, int32_t count,
                                 const void **seen) {
    const smr_window *window = &place->p->window;
    const int32_t across = place->p->across;
    const bool inside = line >= 0 && line < window->size[across];
    const uint64_t size = inside ? (uint64_t)window->size[1 - across] : 0;
    const uintptr_t step = place->filter.seen_step * place->p->number;
    const int64_t row = across == 0 ? line : first, column = across == 0 ? first : line;
    /* As a number, because it may lie outside until it is chosen. */
    uintptr_t at = (uintptr_t)place->x + (uintptr_t)((row * window->size[1] + column) *
                                                     (int64_t)(place->p->x_row * place->p->number));
    int32_t i;
    for (i = 0; i < count; ++i, at += step) {
        seen[i] = (uint64_t)(first + i) < size ? (const void *)at : depthwise_zeros;
    }
}

/* A tile whose first pixel is here, or before, where the strip ends. */
static void depthwise_tile_at(const depthwise_place *place, size_t line, size_t next, size_t position) {
    const depthwise_parameters *p = place->p;
    const smr_window *window = &p->window;
    const int32_t across = p->across, along = 1 - across, pixels = (int32_t)p->functions->pixels;
    const int32_t rows = window->taps[0] + window->strides[0];
    const int32_t columns = (pixels - 1) * window->strides[0] + window->taps[0];
    const size_t begin = place->begin[along], end = place->end[along];
    smr_depthwise_tile tile;
    int64_t top, left;
    int32_t row, i;
    if (position + (size_t)pixels > end) {
        position = end - begin < (size_t)pixels ? begin : end - (size_t)pixels;
    }
    top = smr_window_at(window, across, (int64_t)line, 0);
    left = smr_window_at(window, along, (int64_t)position, 0);
    for (row = 0; row < rows; ++row) {
        depthwise_see(place, top + row, left, columns, tile.seen[row]);
    }
    for (i = 0; i < pixels; ++i) { /* what lies after the last is overwritten by it */
        const size_t at = position + (size_t)i < end ? position + (size_t)i : end - 1;
        tile.outputs[0][i] = depthwise_turned(place, line, at);
        tile.outputs[1][i] = depthwise_turned(place, next, at);
    }
    p->functions->tile[p->form](&place->filter, &tile);
}

/* Positions that lie inside, of two lines. */
static void depthwise_run_at(const depthwise_place *place, size_t line, size_t next, size_t first,
                             size_t end) {
    const depthwise_parameters *p = place->p;
    const smr_window *window = &p->window;
    const int32_t across = p->across;
    const int64_t left = smr_window_at(window, 1 - across, (int64_t)first, 0);
    smr_depthwise_run run;
    int32_t row;
    memset(&run, 0, sizeof run);
    for (row = 0; row < window->taps[0] + window->strides[0]; ++row) {
        const int64_t at = smr_window_at(window, across, (int64_t)line, row);
        if (row >= window->taps[0] && next == line) {
            run.rows[row] = run.rows[0];
        } else {
            run.rows[row] = across == 0 ? depthwise_pixel(place, at, left) : depthwise_pixel(place, left, at);
        }
    }
    run.outputs[0] = depthwise_turned(place, line, first);
    run.outputs[1] = depthwise_turned(place, next, first);
    run.pixels = end - first;
    p->functions->run[p->form](&place->filter, &run);
}

/* A part of a line and of the next, which is the same line where there is none. */
static void depthwise_part(const depthwise_place *place, size_t line, size_t next, size_t first, size_t end) {
    const depthwise_parameters *p = place->p;
    const smr_window *window = &p->window;
    const size_t begin = (size_t)p->inside.begin, pixels = p->functions->pixels;
    size_t last = (size_t)p->inside.end;
    if (smr_window_at(window, p->across, (int64_t)line, 0) < 0 ||
        smr_window_at(window, p->across, (int64_t)next, window->taps[0] - 1) >= window->size[p->across]) {
        last = 0; /* some rows lie outside */
    }
    for (; first < end && (first < begin || first >= last); first += pixels) {
        depthwise_tile_at(place, line, next, first);
    }
    if (first >= end) {
        return;
    }
    if (last >= end) {
        last = end;
    } else {
        const size_t outside = (end - last + pixels - 1) / pixels * pixels;
        last = outside < end ? end - outside : 0;
    }
    if (last > first && last >= begin + pixels && last >= place->begin[1 - p->across] + pixels) {
        depthwise_run_at(place, line, next, last - first < pixels ? last - pixels : first, last);
        first = last;
    }
    for (; first < end; first += pixels) {
        depthwise_tile_at(place, line, next, first);
    }
}

static void depthwise_strip(const depthwise_place *place) {
    const depthwise_parameters *p = place->p;
    const size_t begin = place->begin[p->across], end = place->end[p->across];
    const size_t last = place->end[1 - p->across];
    size_t line, first;
    if (p->form < 0) {
        for (line = place->begin[0]; line < place->end[0]; ++line) {
            depthwise_any_line(place, line);
        }
        return;
    }
    for (first = place->begin[1 - p->across]; first < last; first += p->part) {
        const size_t part = last - first < p->part ? last - first : p->part;
        for (line = begin; line < end; line += SMR_DEPTHWISE_LINES) {
            const size_t at = line + 1 < end || line == begin ? line : line - 1; /* one for the second time */
            depthwise_part(place, at, at + 1 < end ? at + 1 : at, first, first + part);
        }
    }
}

/* The blocks [first, last) of channels of a part of an image. */
static void depthwise_blocks(const smr_node *node, size_t image, size_t first, size_t last,
                             depthwise_place *place) {
    const depthwise_parameters *p = place->p;
    const smr_window *window = &p->window;
    const size_t vectors = p->channels / p->lanes;
    const size_t seen = image * (size_t)window->size[0] * (size_t)window->size[1] * p->x_row;
    const size_t written = image * (size_t)window->positions[0] * (size_t)window->positions[1] * p->y_row;
    const uint8_t *weights = p->weights != NULL ? p->weights : node->inputs[1]->data;
    const uint8_t *bias = p->weights != NULL        ? p->bias
                          : node->inputs[2] == NULL ? NULL
                                                    : node->inputs[2]->data;
    for (; first < last; ++first) {
        const size_t channel = vectors * first / p->blocks * p->lanes;
        const size_t next = vectors * (first + 1) / p->blocks * p->lanes;
        place->filter.channels = (first + 1 == p->blocks ? p->channels : next) - channel;
        place->filter.weights = weights + channel * p->number;
        place->filter.bias = bias == NULL ? NULL : bias + channel * p->number;
        place->x = (const uint8_t *)node->inputs[0]->data + (seen + channel) * p->number;
        place->y = (uint8_t *)node->outputs[0]->data + (written + channel) * p->number;
        depthwise_strip(place);
    }
}

/* A work item is a block of channels of a share. */
static smr_status run_depthwise(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const depthwise_parameters *p = SMR_CONST_PARAMETERS(node, depthwise_parameters);
    const smr_window *window = &p->window;
    const size_t width = (size_t)window->positions[1], size = (size_t)window->positions[p->cut];
    const size_t row_step = (size_t)window->taps[1] * p->channels;
    depthwise_place place;
    smr_span span;
    (void)error;
    place.p = p;
    place.filter.row_step = p->across == 0 ? row_step : p->channels;
    place.filter.tap_step = p->across == 0 ? p->channels : row_step;
    place.filter.seen_step = (p->across == 0 ? 1 : (size_t)window->size[1]) * p->x_row;
    place.filter.output_step = (p->across == 0 ? 1 : width) * p->y_row;
    place.filter.least = p->least;
    place.filter.most = p->most;
    place.begin[1 - p->cut] = 0;
    place.end[1 - p->cut] = (size_t)window->positions[1 - p->cut];
    while (smr_next_span(&begin, end, p->blocks, &span)) {
        while (span.first < span.last) {
            const size_t image = span.first / p->shares, next = (image + 1) * p->shares;
            const size_t last = (span.last < next ? span.last : next) - image * p->shares;
            size_t line = smr_share_begin(size, span.first - image * p->shares, p->shares);
            const size_t stop = smr_share_begin(size, last, p->shares);
            for (; line < stop; line += p->strip) {
                place.begin[p->cut] = line;
                place.end[p->cut] = stop - line < p->strip ? stop : line + p->strip;
                depthwise_blocks(node, image, span.begin, span.end, &place);
                if (node->follower != 0) {
                    smr_follow(
                        node,
                        (image * (size_t)window->positions[0] + place.begin[0]) * width + place.begin[1],
                        place.end[0] - place.begin[0], place.end[1] - place.begin[1]);
                }
            }
            span.first = image * p->shares + last;
        }
    }
    return SMR_OK;
}

/* Which of the forms of smr_depthwise_functions it is. */
static int8_t depthwise_form(const smr_window *window) {
    const int32_t taps = window->taps[0], stride = window->strides[0];
    const bool square = taps == window->taps[1] && stride == window->strides[1] &&
                        window->dilations[0] == 1 && window->dilations[1] == 1;
    return (int8_t)(square && (taps == 3 || taps == 5) && stride <= 2 ? taps - 3 + stride - 1 : -1);
}

/* What tiles of some size that have two lines along an axis cost, about. */
static size_t depthwise_cost(const smr_window *window, size_t pixels, int32_t across) {
    const size_t lines = (size_t)window->positions[across], along = (size_t)window->positions[1 - across];
    return (lines + 1) / 2 * ((along + pixels - 1) / pixels) * (pixels + 2);
}

/* Chooses how lines are cut, for the forms that there are tiles of. */
static void depthwise_cut(depthwise_parameters *p, size_t sizes) {
    const smr_window *window = &p->window;
    const size_t taps = (size_t)window->taps[0], stride = (size_t)window->strides[0];
    const size_t seen = (taps + stride) * stride * ((p->channels + p->blocks - 1) / p->blocks) * p->number;
    const smr_depthwise_functions *functions = p->functions;
    size_t pixels, part, size, least = SIZE_MAX;
    smr_window_range first, last;
    int32_t across;
    for (size = 0; size < sizes; ++size) {
        for (across = 0; across < 2; ++across) {
            const size_t cost = depthwise_cost(window, functions[size].pixels, across);
            if (cost + (size_t)across * (cost / 16) < least) { /* lines of an image are read with more ease */
                least = cost;
                p->functions = functions + size;
                p->across = (uint8_t)across;
            }
        }
    }
    pixels = p->functions->pixels;
    part = DEPTHWISE_CACHED / seen / pixels * pixels;
    p->part = (uint32_t)(part < 2 * pixels ? 2 * pixels : part);
    first = smr_window_positions(window, 1 - p->across, 0);
    last = smr_window_positions(window, 1 - p->across, window->taps[0] - 1);
    p->inside.begin = first.begin > last.begin ? first.begin : last.begin;
    p->inside.end = first.end < last.end ? first.end : last.end;
    if (p->inside.end < p->inside.begin) {
        p->inside.end = p->inside.begin = 0;
    }
}

/* Cuts an image into shares. */
static void depthwise_share(depthwise_parameters *p, const smr_node *node) {
    p->cut = p->form >= 0 && smr_wide(node->inputs[0], node->outputs[0]);
    p->shares = p->cut == 1 ? (uint32_t)smr_wide_parts((size_t)p->window.positions[1])
                            : smr_shares((size_t)p->window.positions[0]);
    p->strip = p->cut == 1      ? (uint32_t)p->window.positions[1]
               : p->across == 0 ? DEPTHWISE_STRIP
                                : (uint32_t)(4 * p->functions->pixels);
}

smr_status smr_depthwise_prepare(smr_node *node, size_t lanes, const smr_depthwise_functions *functions,
                                 size_t count, smr_error *error) {
    const smr_conv2d_parameters *generic = SMR_CONST_PARAMETERS(node, smr_conv2d_parameters);
    depthwise_parameters p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_depthwise_conv2d(node, error));
    if (node->work == 0) {
        return SMR_OK;
    }
    p.window = generic->window;
    p.functions = functions;
    p.lanes = (uint8_t)lanes;
    p.number = node->inputs[1]->dtype == SMR_DTYPE_FLOAT16 ? 2 : 4;
    p.channels = generic->channels;
    p.x_row = smr_value_row(node->inputs[0]);
    p.y_row = smr_value_row(node->outputs[0]);
    p.least = generic->activation == SMR_ACTIVATION_NONE ? -INFINITY : 0.0f;
    p.most = generic->activation == SMR_ACTIVATION_RELU6 ? 6.0f : INFINITY;
    p.form = depthwise_form(&p.window);
    p.blocks = (uint32_t)((p.channels + DEPTHWISE_CHANNELS - 1) / DEPTHWISE_CHANNELS);
    if (p.form >= 0) {
        depthwise_cut(&p, count);
    }
    depthwise_share(&p, node);
    if (node->inputs[1]->storage == SMR_STORAGE_CONSTANT &&
        (node->inputs[2] == NULL || node->inputs[2]->storage == SMR_STORAGE_CONSTANT)) {
        p.weights = node->inputs[1]->data;
        p.bias = node->inputs[2] == NULL ? NULL : node->inputs[2]->data;
        node->read_count = 1;
    }
    smr_node_replace_parameters(node, &p, sizeof p);
    node->work = (size_t)node->outputs[0]->dims[0] * p.shares * p.blocks;
    node->completes = p.blocks > UINT16_MAX ? 0 : (uint16_t)p.blocks;
    node->run = run_depthwise;
    return SMR_OK;
}
