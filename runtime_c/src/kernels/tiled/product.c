/* Running the tiles of products. */
#include <stddef.h>

#include "../../core/follow.h"
#include "../../core/shares.h"
#include "../generic/convert.h"
#include "product_part.h"

/* Biases of float16 as float32, those of whole panels. */
static const void *product_widen(const uint8_t *bias, size_t outputs, product_block *block) {
    size_t i;
    memset(block->biases, 0, sizeof block->biases);
    for (i = 0; bias != NULL && i < outputs; ++i) {
        uint16_t half;
        float value;
        memcpy(&half, bias + i * sizeof half, sizeof half);
        value = smr_half_to_float(half);
        memcpy(&block->biases[i], &value, sizeof value);
    }
    return block->biases;
}

/* The first panel of a block. */
static size_t product_panel(const smr_product *p, size_t block) {
    const uint32_t panels = p->panels / p->blocks, rest = p->panels % p->blocks;
    return block * panels + (rest > 0 ? block * rest / p->blocks : 0);
}

static void product_begin_block(const smr_node *node, const smr_product *p, size_t number,
                                product_block *block, smr_tile *tile) {
    const float *multiplier = p->number > 1 || p->fixed ? NULL : p->multiplier;
    const uint8_t *bias = p->computed_bias ? node->inputs[2]->data : p->bias;
    size_t first;
    block->number = number;
    block->first = product_panel(p, number);
    block->count = product_panel(p, number + 1) - block->first;
    first = block->first * 16;
    tile->weights = p->packed ? node->scratch : p->weights;
    tile->weights += block->first * p->weights_panel;
    tile->outputs = p->outputs - first < block->count * 16 ? p->outputs - first : block->count * 16;
    block->functions = p->functions->function[block->count - 1];
    block->narrow = p->functions->narrow == NULL || tile->outputs + 8 > block->count * 16
                        ? NULL
                        : p->functions->narrow[block->count - 1];
    if (p->number == 2) {
        block->bias = product_widen(bias == NULL ? NULL : bias + first * 2, tile->outputs, block);
        return;
    }
    block->bias = bias == NULL ? NULL : bias + first * 4;
    tile->multiplier = multiplier == NULL ? block->multipliers : multiplier + first;
    if (tile->outputs < block->count * 16 || bias == NULL) {
        memset(block->biases, 0, sizeof block->biases);
        memset(block->multipliers, 0, sizeof block->multipliers);
        if (bias != NULL) {
            memcpy(block->biases, block->bias, tile->outputs * 4);
        }
        block->bias = block->biases;
        if (multiplier != NULL) {
            memcpy(block->multipliers, tile->multiplier, tile->outputs * sizeof(float));
            tile->multiplier = block->multipliers;
        }
    }
}

/* What is to do before a block meets a part. Its weights meet the first one while those of the next block are
 * fetched from memory, so that it need not wait for them either. */
static void product_meet(const smr_product *p, product_block *block, const product_part *part,
                         smr_tile *tile) {
    const uint64_t bit = UINT64_C(1) << (block->number - block->set);
    const size_t first = block->first * 16;
    block->start = block->starts + (block->first - product_panel(p, block->set)) * 16;
    tile->ahead = SMR_TILE_AHEAD;
    if ((block->met & bit) != 0) {
        return;
    }
    block->met |= bit;
    tile->ahead = (ptrdiff_t)(block->count * p->weights_panel);
    if (p->functions->start != NULL && part->lines * part->columns > 1) {
        p->functions->start(tile->weights, p->weights_panel, block->count,
                            (const int32_t *)(const void *)p->bias + first, tile->outputs, block->start);
    }
}

/* The function for tiles of so many pixels of a block. */
static inline smr_tile_function product_function(const product_block *block, size_t pixels) {
    const smr_tile_function narrow = block->narrow == NULL ? NULL : block->narrow[pixels - 1];
    return narrow != NULL ? narrow : block->functions[pixels - 1];
}

/* What the sums of a tile of so many pixels begin with. */
static const void *product_start(const smr_product *p, const product_block *block, size_t pixels) {
    return pixels == 1 || p->functions->start == NULL ? block->bias : block->start;
}

/* Some shares of an image, which are cut into so many parts. */
typedef struct product_range {
    size_t image;
    size_t begin; /* units */
    size_t end;
    size_t side; /* the columns are those of this share, of all `across` */
    size_t parts;
} product_range;

static void product_begin_part(const smr_product *p, const uint8_t *x, const product_range *range,
                               size_t number, size_t channel, product_part *part) {
    const smr_window *window = &p->window;
    const size_t height = (size_t)window->positions[0], width = (size_t)window->positions[1];
    const uint64_t units = range->end - range->begin;
    const size_t begin = p->unit * (range->begin + (size_t)(units * number / range->parts));
    const size_t end = p->unit * (range->begin + (size_t)(units * (number + 1) / range->parts));
    const size_t first = p->rows ? 0 : begin;
    part->number = number;
    part->line = range->image * height + first;
    part->lines = p->rows ? 1 : (end < height ? end : height) - begin;
    part->column = p->rows ? begin : smr_share_begin(width, range->side, p->across);
    part->columns =
        (p->rows ? end < width ? end : width : smr_share_begin(width, range->side + 1, p->across)) -
        part->column;
    part->image = x + range->image * (size_t)window->size[0] * (size_t)window->size[1] * p->pixel;
    part->channel = channel;
    part->top = smr_window_at(window, 0, (int64_t)first, 0);
    part->left = smr_window_at(window, 1, (int64_t)part->column, 0);
    if (p->copied && part->lines > 0 && part->columns > 0) {
        const product_box box = {part->top,
                                 part->left,
                                 product_rows(p, part->lines),
                                 product_columns(p, part->columns),
                                 product_gathers(p) ? (size_t)window->strides[0] : 1,
                                 product_gathers(p) ? (size_t)window->strides[1] : 1,
                                 channel,
                                 p->channels};
        smr_product_copy(p, part->image, &box, part->copy);
    }
}

/* The pixels of a tile: so many from `column` of the part's line `line` on. */
typedef struct product_place {
    size_t line;
    size_t lines; /* 2 when the tile has all pixels of two lines */
    size_t column;
    size_t pixels; /* of a line */
} product_place;

/* Numbers lie as in an image of so many columns with all channels, from `pixels` on; `pixel`: bytes from one
 * to the next. */
static void product_set_image(const smr_product *p, const product_place *place, const uint8_t *pixels,
                              size_t pixel, size_t columns, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t row = (size_t)window->taps[1] * p->channels;
    const bool merged = window->dilations[1] == 1 && pixel == product_seen(p) &&
                        (p->number > 1 || p->weights_row == product_divide(row, 4) * 64);
    tile->pixels = pixels;
    tile->pixel_step = product_stride(p, 1) * pixel;
    tile->row_step = (size_t)window->dilations[0] * columns * pixel;
    tile->run_step = (size_t)window->dilations[1] * pixel;
    tile->jump =
        place->lines == 1 ? 0 : product_stride(p, 0) * columns * pixel - SMR_TILE_SPLIT * tile->pixel_step;
    tile->runs = merged ? 1 : (size_t)window->taps[1];
    tile->length = merged ? row : p->channels;
    tile->length = p->number > 1 ? tile->length : (tile->length + 3) / 4;
    tile->weights_run = p->weights_tap;
}

/* Runs a tile on numbers that are in place. */
static void product_run_tile(const smr_product *p, const product_part *part, const product_place *place,
                             smr_tile_function function, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t columns = (size_t)window->size[1];
    const size_t x = place->column * (size_t)window->strides[1], y = place->line * (size_t)window->strides[0];
    const int64_t top = part->top + (int64_t)y;
    const smr_window_range rows =
        smr_window_inside(top, window->dilations[0], window->size[0], window->taps[0]);
    const int64_t first = top + (int64_t)rows.begin * window->dilations[0];
    product_set_image(p, place, part->image, p->pixel, columns, tile);
    tile->first = true;
    tile->last = !p->apart;
    tile->rows = rows.end > rows.begin ? (size_t)(rows.end - rows.begin) : 0;
    if (tile->rows > 0) {
        tile->pixels += ((size_t)first * columns + (size_t)(part->left + (int64_t)x)) * p->pixel;
    }
    tile->weights += (size_t)rows.begin * p->weights_row;
    function(tile);
    tile->weights -= (size_t)rows.begin * p->weights_row;
}

/* Copies what a tile sees, or some channels of it after the others, and runs it. */
static void product_run_chunks(const smr_product *p, product_part *part, const product_place *place,
                               smr_tile_function function, smr_tile *tile) {
    const smr_window *window = &p->window;
    const bool apart = window->dilations[0] != 1 || window->dilations[1] != 1;
    const size_t columns = apart ? place->pixels : product_columns(p, place->pixels);
    const size_t rows = apart ? (size_t)window->taps[0] : product_rows(p, place->lines);
    const size_t chunk = smr_product_chunk(p, place->lines, place->pixels);
    const uint8_t *weights = tile->weights;
    product_box box = {part->top + (int64_t)(place->line * (size_t)window->strides[0]),
                       part->left + (int64_t)(place->column * (size_t)window->strides[1]),
                       rows,
                       columns,
                       product_gathers(p) ? (size_t)window->strides[0] : (size_t)window->dilations[0],
                       apart || product_gathers(p) ? (size_t)window->strides[1] : 1,
                       0,
                       0};
    tile->rows = (size_t)window->taps[0];
    do {
        const size_t left = p->channels - box.channel;
        size_t tap;
        box.channels = left < chunk ? left : chunk;
        product_set_image(p, place, part->copy, product_seen(p), columns, tile);
        if (box.channels < p->channels || apart) {
            const size_t bytes = box.channels * p->number;
            tile->pixel_step = apart ? bytes : product_stride(p, 1) * bytes;
            tile->row_step = columns * bytes;
            tile->run_step = apart ? rows * columns * bytes : bytes;
            tile->jump = place->lines == 1
                             ? 0
                             : product_stride(p, 0) * columns * bytes - SMR_TILE_SPLIT * tile->pixel_step;
            tile->runs = (size_t)window->taps[1];
            tile->length = p->number > 1 ? box.channels : (box.channels + 3) / 4;
        }
        for (tap = 0; tap < (apart ? (size_t)window->taps[1] : 1); ++tap) {
            product_box taps = box;
            taps.channel += part->channel;
            taps.left += (int64_t)(tap * (size_t)window->dilations[1]);
            smr_product_copy(p, part->image, &taps, part->copy + tap * tile->run_step);
        }
        tile->weights = weights + box.channel * p->number * 16;
        tile->first = box.channel == 0;
        tile->last = box.channel + box.channels == p->channels && !p->apart;
        function(tile);
        box.channel += box.channels;
    } while (box.channel < p->channels);
    tile->weights = weights;
}

/* Whether the image has all that a tile sees, in the form that it is multiplied in. */
static bool product_in_place(const smr_product *p, const product_part *part, const product_place *place) {
    const smr_window *window = &p->window;
    const int64_t left = part->left + (int64_t)(place->column * (size_t)window->strides[1]);
    const int64_t top = part->top + (int64_t)(place->line * (size_t)window->strides[0]);
    if (!product_multiplies_in_place(p) || left < 0 ||
        left + (int64_t)product_columns(p, place->pixels) > window->size[1]) {
        return false;
    }
    /* Rows of taps that meet zeros are left out. */
    return (place->lines == 1 && p->border == 0) ||
           (top >= 0 && top + (int64_t)product_rows(p, place->lines) <= window->size[0]);
}

/* For an instruction set that rounds no sums in fixed point. */
static void product_round(const quant_filter *filter, size_t first, size_t count, const quant_output *output,
                          const smr_quant_sums *sums) {
    size_t r;
    for (r = 0; r < sums->pixels; ++r) {
        quant_write(filter, first, count, sums->acc + r * sums->acc_step, output, sums->y + r * sums->y_step);
    }
}

/* The sum of some bytes, eight at a time. */
static int32_t product_sum_bytes(const int8_t *from, size_t count) {
    const uint64_t flip = UINT64_C(0x8080808080808080), low = UINT64_C(0x00ff00ff00ff00ff);
    const size_t eights = count / 8;
    int32_t sum = -128 * (int32_t)(8 * eights);
    size_t i = 0, n;
    while (i < eights) {
        uint64_t four = 0; /* sums of 16 bits, of so many pairs of bytes that are not negative */
        for (n = 0; n < 128 && i < eights; ++n, ++i) {
            uint64_t eight;
            memcpy(&eight, from + 8 * i, sizeof eight);
            eight ^= flip;
            four += (eight & low) + (eight >> 8 & low);
        }
        sum += (int32_t)((four & 0xffff) + (four >> 16 & 0xffff) + (four >> 32 & 0xffff) + (four >> 48));
    }
    for (i = 8 * eights; i < count; ++i) {
        sum += from[i];
    }
    return sum;
}

/* The sum of what a pixel of the output sees, from `channel` on. */
static int32_t product_sum_seen(const smr_node *node, const smr_product *p, size_t channel, size_t pixel) {
    const smr_window *window = &p->window;
    const size_t line = pixel / (size_t)window->positions[1], image = line / (size_t)window->positions[0];
    const int64_t top = smr_window_at(window, 0, (int64_t)(line % (size_t)window->positions[0]), 0);
    const int64_t left = smr_window_at(window, 1, (int64_t)(pixel % (size_t)window->positions[1]), 0);
    const int8_t *x = (const int8_t *)node->inputs[0]->data + channel;
    int32_t sum = 0, row, column;
    for (row = 0; row < window->taps[0]; ++row) {
        const int64_t at = top + (int64_t)row * window->dilations[0];
        for (column = 0; column < window->taps[1]; ++column) {
            const int64_t along = left + (int64_t)column * window->dilations[1];
            if (at < 0 || at >= window->size[0] || along < 0 || along >= window->size[1]) {
                sum += (int8_t)p->border * (int32_t)p->channels;
            } else {
                const size_t lines = image * (size_t)window->size[0] + (size_t)at;
                sum += product_sum_bytes(x + (lines * (size_t)window->size[1] + (size_t)along) * p->pixel,
                                         p->channels);
            }
        }
    }
    return sum;
}

/* Takes what the zero point of the filter makes of what pixels see from the sums of a tile. */
static void product_take_zero_point(const smr_node *node, const smr_product *p, const product_block *block,
                                    size_t pixels, const smr_tile *tile) {
    const size_t channel = product_channel(p, block->number), outputs = block->count * 16;
    const size_t begin = (size_t)((const int8_t *)tile->output - (const int8_t *)node->outputs[0]->data);
    const size_t first = (begin - block->first * 16) / tile->output_step;
    int32_t *sums = tile->partial;
    size_t r, n;
    for (r = 0; r < pixels; ++r, sums += outputs) {
        const int32_t less = p->filter_zero_point * product_sum_seen(node, p, channel, first + r);
        for (n = 0; n < tile->outputs; ++n) { /* a narrow tile leaves no more */
            sums[n] -= less;
        }
    }
}

/* Requantizes what a tile of so many pixels has left in `partial`. */
static void product_round_tile(const smr_node *node, const smr_product *p, const product_block *block,
                               size_t pixels, const smr_tile *tile) {
    const smr_quant_sums sums = {tile->partial, block->count * 16, tile->output, tile->output_step, pixels};
    const bool rounds = p->functions->round != NULL && p->fixed;
    quant_filter filter;
    if (p->filter_zero_point != 0) {
        product_take_zero_point(node, p, block, pixels, tile);
    }
    memset(&filter, 0, sizeof filter);
    filter.multiplier = p->fixed ? NULL : p->multiplier;
    filter.fixed = p->fixed ? p->multiplier : NULL;
    filter.outputs = p->outputs;
    filter.rounding = p->rounding;
    (rounds ? p->functions->round : product_round)(&filter, block->first * 16, tile->outputs, &p->range,
                                                   &sums);
}

/* How the lines of a part are cut into tiles. */
typedef struct product_tiles {
    size_t lines;  /* in a tile */
    size_t count;  /* of a line */
    size_t pixels; /* of a line in a tile, or one more in the first ones: */
    size_t longer;
    uint8_t *output; /* of the first pixel */
    size_t line;     /* bytes of the output from one line to the next */
    size_t columns;  /* of a line */
    bool alike;      /* the last tile overlaps the one before rather than have fewer pixels */
} product_tiles;

static product_tiles product_tiles_of(const smr_node *node, const smr_product *p, const product_block *block,
                                      const product_part *part) {
    const uint32_t most = p->functions->pixels[block->count - 1], columns = (uint32_t)part->columns;
    const bool pairs = columns == SMR_TILE_SPLIT && product_pairs(p) && most >= 2 * SMR_TILE_SPLIT;
    const size_t width = (size_t)p->window.positions[1];
    const size_t row = smr_value_row(node->outputs[0]);
    product_tiles tiles;
    tiles.lines = pairs ? 2 : 1;
    tiles.count = columns <= most ? 1 : (columns - 1) / most + 1;
    tiles.pixels = columns <= most ? columns : columns / (uint32_t)tiles.count;
    tiles.longer = part->columns - tiles.count * tiles.pixels;
    tiles.columns = part->columns;
    tiles.alike = p->functions->alike;
    if (tiles.alike && tiles.longer > 0) {
        tiles.longer = 0;
        ++tiles.pixels;
    }
    tiles.line = width * row * p->number;
    tiles.output = (uint8_t *)node->outputs[0]->data +
                   ((part->line * width + part->column) * row + block->first * 16) * p->number;
    return tiles;
}

/* From the column of a tile of so many pixels to that of the next one. */
static size_t product_advance(const product_tiles *tiles, size_t column, size_t pixels) {
    const size_t left = tiles->columns - column - pixels;
    return tiles->alike && left > 0 && left < pixels ? left : pixels;
}

/* All tiles of a block in a part that is copied, or in one of a matrix: they differ in little. */
static void product_run_alike(const smr_node *node, const smr_product *p, product_block *block,
                              const product_part *part, smr_tile *tile) {
    const product_tiles tiles = product_tiles_of(node, p, block, part);
    const product_place place = {0, tiles.lines, 0, 0};
    const size_t columns = p->copied ? product_columns(p, part->columns) : (size_t)p->window.size[1];
    const size_t pixel = p->copied ? product_seen(p) : p->pixel;
    const size_t line_step = product_stride(p, 0) * columns * pixel;
    const uint8_t *from =
        p->copied ? part->copy : part->image + ((size_t)part->top * columns + part->column) * pixel;
    const void *start = product_start(p, block, tiles.lines * (tiles.pixels + (tiles.longer > 0)));
    size_t line, lines, count, column, step, i;
    product_set_image(p, &place, from, pixel, columns, tile);
    tile->rows = (size_t)p->window.taps[0];
    tile->first = true;
    tile->last = !p->apart;
    for (line = 0; line < part->lines; line += lines) {
        lines = part->lines - line < tiles.lines ? 1 : tiles.lines;
        tile->pixels = from + line * line_step;
        tile->output = tiles.output + line * tiles.line;
        for (i = 0, column = 0; i < tiles.count; ++i, column += step) {
            count = tiles.pixels + (i < tiles.longer);
            step = product_advance(&tiles, column, count);
            tile->count = lines * count;
            tile->start = lines * count == 1 ? block->bias : start;
            product_function(block, lines * count)(tile);
            tile->ahead = SMR_TILE_AHEAD;
            if (p->apart) {
                product_round_tile(node, p, block, lines * count, tile);
            }
            tile->pixels += step * tile->pixel_step;
            tile->output = (uint8_t *)tile->output + step * tile->output_step * p->number;
        }
    }
}

/* All tiles of a block in a part. */
static void product_run_part(const smr_node *node, const smr_product *p, product_block *block,
                             product_part *part, smr_tile *tile) {
    const product_tiles tiles = product_tiles_of(node, p, block, part);
    product_place place;
    size_t i;
    for (place.line = 0; place.line < part->lines; place.line += place.lines) {
        place.lines = part->lines - place.line < tiles.lines ? 1 : tiles.lines;
        place.column = 0;
        for (i = 0; i < tiles.count;
             ++i, place.column += product_advance(&tiles, place.column, place.pixels)) {
            smr_tile_function function;
            size_t count;
            place.pixels = tiles.pixels + (i < tiles.longer);
            tile->count = count = place.lines * place.pixels;
            function = product_function(block, count);
            tile->start = product_start(p, block, count);
            tile->output =
                tiles.output + place.line * tiles.line + place.column * tile->output_step * p->number;
            if (product_in_place(p, part, &place)) {
                product_run_tile(p, part, &place, function, tile);
            } else {
                product_run_chunks(p, part, &place, function, tile);
            }
            tile->ahead = SMR_TILE_AHEAD;
            if (p->apart) {
                product_round_tile(node, p, block, count, tile);
            }
        }
    }
}

/* What no block changes of tiles, and, of the pixel of a tile that is alone, nothing does. Field by field: to
 * clear all of it takes longer than a small product. */
static void product_begin_tile(const smr_node *node, const smr_product *p, void *partial, void *memory,
                               smr_tile *tile) {
    tile->pixel_step = tile->row_step = tile->run_step = tile->jump = 0;
    tile->rows = tile->runs = tile->count = 1;
    tile->length = p->number > 1 ? p->channels : product_divide(p->channels, 4);
    tile->weights_panel = p->weights_panel;
    tile->weights_row = p->weights_row;
    tile->weights_run = 0;
    tile->ahead = SMR_TILE_AHEAD;
    tile->partial = partial;
    tile->first = true;
    tile->last = !p->apart;
    tile->careful = p->careful;
    tile->least = p->least;
    tile->most = p->most;
    tile->multiplier = NULL;
    tile->range = p->number == 1 ? &p->range : NULL;
    tile->output_step = smr_value_row(node->outputs[0]);
    tile->memory = memory;
}

/* All of a pixel that is alone, by blocks: what there is to know of parts and places takes longer than a
 * small product. */
static void product_run_alone(const smr_node *node, const smr_product *p, size_t begin, size_t end,
                              void *memory) {
    const bool in_place = product_multiplies_in_place(p);
    const product_box box = {0, 0, 1, 1, 1, 1, 0, p->channels};
    _Alignas(64) uint8_t copy[SMR_TILE_BYTES + SMR_TILE_SLACK];
    float partial[SMR_TILE_PANELS * 16];
    product_block block;
    smr_tile tile;
    product_begin_tile(node, p, partial, memory, &tile);
    tile.pixels = in_place ? node->inputs[0]->data : copy;
    if (!in_place) {
        smr_product_copy(p, node->inputs[0]->data, &box, copy);
    }
    for (; begin < end; ++begin) {
        product_begin_block(node, p, begin, &block, &tile);
        tile.start = block.bias;
        tile.output = (uint8_t *)node->outputs[0]->data + block.first * 16 * p->number;
        block.functions[0](&tile);
        if (p->apart) {
            product_round_tile(node, p, &block, 1, &tile);
        }
    }
}

/* Blocks of the set that begins with a block. */
static size_t product_set_size(const smr_product *p, size_t block) {
    return p->blocks - block < p->set ? p->blocks - block : p->set;
}

/* Runs the items [begin, end) of a range: the blocks of a set for one part after the other, set by set. */
static void product_run_range(const smr_node *node, const smr_product *p, const product_range *range,
                              size_t begin, size_t end, product_block *block, smr_tile *tile) {
    product_part part;
    size_t item, number, other;
    block->set = begin / (range->parts * p->set) * p->set;
    block->set_size = product_set_size(p, block->set);
    block->met = 0;
    number = (begin - block->set * range->parts) / block->set_size;
    other = begin - block->set * range->parts - number * block->set_size;
    for (item = begin; item < end; ++item, ++other) {
        size_t channel;
        if (other == block->set_size) {
            other = 0;
            ++number;
        }
        if (number == range->parts) {
            number = 0;
            block->set += block->set_size;
            block->set_size = product_set_size(p, block->set);
            block->met = 0;
        }
        channel = product_channel(p, block->set + other);
        if (item == begin || block->set + other != block->number) {
            product_begin_block(node, p, block->set + other, block, tile);
        }
        if (item == begin || number != part.number || channel != part.channel) {
            product_begin_part(p, node->inputs[0]->data, range, number, channel, &part);
        }
        if (part.lines == 0 || part.columns == 0) {
            continue; /* not all shares have as many units as parts */
        }
        product_meet(p, block, &part, tile);
        if (p->swept) {
            smr_product_sweep(node, p, block, &part, tile);
        } else if (p->copied || (p->matrix && product_multiplies_in_place(p))) {
            product_run_alike(node, p, block, &part, tile);
        } else {
            product_run_part(node, p, block, &part, tile);
        }
        if (node->follower != 0 && other + 1 == p->blocks) {
            smr_follow(node, part.line * (size_t)p->window.positions[1] + part.column, part.lines,
                       part.columns);
        }
    }
}

/* The first of the shares of an image from `share` on, or all of them up to `last`, as one range where they
 * are of units. Returns the share after it. */
static size_t product_join(const smr_product *p, size_t share, size_t last, product_range *range) {
    const size_t image = share / p->shares, first = share - image * p->shares;
    const size_t next = p->across > 1                    ? share + 1
                        : last < (image + 1) * p->shares ? last
                                                         : (image + 1) * p->shares;
    range->image = image;
    range->side = p->across > 1 ? first : 0;
    range->begin = p->across > 1 ? 0 : smr_share_begin(p->units, first, p->shares);
    range->end = p->across > 1 ? p->units : smr_share_begin(p->units, next - image * p->shares, p->shares);
    return next;
}

void smr_product_run_with(const smr_node *node, size_t begin, size_t end, void *memory) {
    const smr_product *p = SMR_CONST_PARAMETERS(node, smr_product);
    float partial[SMR_TILE_SUMS];
    product_block block;
    product_range range;
    smr_span span;
    smr_tile tile;
    if (begin == end) {
        return; /* there may be no parts */
    }
    if (p->alone) {
        product_run_alone(node, p, begin, end, memory);
        return;
    }
    /* Not the arrays, which would take longer than a small product. */
    memset(&block, 0, offsetof(product_block, starts));
    product_begin_tile(node, p, partial, memory, &tile);
    while (smr_next_span(&begin, end, (size_t)p->parts * p->blocks, &span)) {
        const bool whole = span.end - span.begin == (size_t)p->parts * p->blocks;
        size_t share = span.first;
        while (share < span.last) {
            share = product_join(p, share, span.last, &range);
            range.parts = whole ? product_divide(range.end - range.begin, p->longest) : p->parts;
            product_run_range(node, p, &range, span.begin, whole ? range.parts * p->blocks : span.end, &block,
                              &tile);
        }
    }
}

smr_status smr_product_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)error;
    smr_product_run_with(node, begin, end, NULL);
    return SMR_OK;
}
