/* Cutting convolutions and matrix products into parts and blocks, and running the tiles of those. */
#include "product.h"

#include <math.h>
#include <stddef.h>

#include "../prototypes.h"

/* Weights of this many bytes stay in a cache of the second level while all of them meet one part after the
 * other. */
#define PRODUCT_CACHED (512 * 1024)

/* The first values of the sums of so many outputs are kept. */
#define PRODUCT_STARTS 1024

/* Weights of a block that stay in a cache of the first level. */
#define PRODUCT_CHUNK (16 * 1024)

/* Channels from which on it pays to add one tap to all sums of a part after the other. */
#define PRODUCT_LONG 96

/* Work items that there should be at least, for threads to share. */
#define PRODUCT_ITEMS 8

static size_t product_divide(size_t count, size_t by) {
    return (count + by - 1) / by;
}

/* ---- Cutting ---- */

static size_t product_most_pixels(const smr_product *p) {
    return p->functions->pixels[p->panels / p->blocks - 1];
}

/* The columns of the image that so many pixels of a line see. */
static size_t product_columns(const smr_product *p, size_t pixels) {
    const smr_window *window = &p->window;
    return (pixels - 1) * (size_t)window->strides[1] +
           (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
}

/* The rows that so many lines see. */
static size_t product_rows(const smr_product *p, size_t lines) {
    const smr_window *window = &p->window;
    return (lines - 1) * (size_t)window->strides[0] +
           (size_t)(window->taps[0] - 1) * (size_t)window->dilations[0] + 1;
}

/* Whether what so many pixels of so many lines see, or `channels` of it, can be copied at once. */
static bool product_fits(const smr_product *p, size_t lines, size_t pixels, size_t channels) {
    const size_t rows = product_rows(p, lines), columns = product_columns(p, pixels);
    return rows <= SMR_TILE_BYTES && columns <= SMR_TILE_BYTES && channels <= SMR_TILE_BYTES &&
           rows * columns <= SMR_TILE_BYTES && rows * columns * channels * p->number <= SMR_TILE_BYTES;
}

/* Two lines of seven pixels each make one tile. */
static bool product_pairs(const smr_product *p) {
    return p->window.positions[1] == SMR_TILE_SPLIT && p->window.positions[0] > 1 &&
           p->window.dilations[0] == 1 && p->window.dilations[1] == 1 &&
           product_most_pixels(p) >= 2 * SMR_TILE_SPLIT;
}

/* How many channels of what a tile of so many pixels of so many lines sees are copied at once; 0 for none. */
static size_t product_chunk(const smr_product *p, size_t lines, size_t pixels) {
    const smr_window *window = &p->window;
    const bool apart = window->dilations[0] != 1 || window->dilations[1] != 1;
    const size_t places = apart ? (size_t)window->taps[0] * (size_t)window->taps[1] * pixels
                                : product_rows(p, lines) * product_columns(p, pixels);
    size_t most;
    if (window->taps[0] > SMR_TILE_BYTES || window->taps[1] > SMR_TILE_BYTES || places > SMR_TILE_BYTES) {
        return 0;
    }
    most = SMR_TILE_BYTES / (places * p->number);
    if (most >= p->channels) {
        return p->channels;
    }
    if (most < 4 || p->weights_tap == 0) {
        return 0;
    }
    return product_divide(product_divide(p->channels, product_divide(p->channels, most / 4 * 4)), 4) * 4;
}

/* The most pixels of a part whose sums are kept all at once. */
static size_t product_swept_pixels(const smr_product *p) {
    const size_t panels = product_divide(p->panels, p->blocks);
    return SMR_TILE_BYTES / (panels * 16 * sizeof(float));
}

/* Parts of one line of pixels without end, the rows of a matrix. */
static void product_cut_rows(smr_product *p) {
    const size_t bytes =
        p->swept ? SMR_TILE_BYTES / product_swept_pixels(p) : (size_t)p->channels * p->number;
    const size_t width = (size_t)p->window.positions[1];
    const size_t tile = product_most_pixels(p);
    const size_t most = bytes * tile > SMR_TILE_BYTES ? tile : SMR_TILE_BYTES / bytes / tile * tile;
    size_t parts = product_divide(width, most);
    if (parts * p->blocks < PRODUCT_ITEMS) {
        parts = product_divide(PRODUCT_ITEMS, p->blocks);
    }
    p->part_lines = 1;
    p->part_columns = (uint32_t)(product_divide(product_divide(width, parts), tile) * tile);
    p->part_columns = p->part_columns < width ? p->part_columns : (uint32_t)width;
    p->copied = p->functions->flip != 0 && bytes * p->part_columns <= SMR_TILE_BYTES;
    p->column_parts = p->parts = (uint32_t)product_divide(width, p->part_columns);
}

/* Parts of whole lines. */
static void product_cut_lines(smr_product *p, size_t images) {
    const smr_window *window = &p->window;
    const size_t height = (size_t)window->positions[0], width = (size_t)window->positions[1];
    const size_t step = product_pairs(p) && !p->swept ? 2 : 1,
                 tiles = product_divide(width, product_most_pixels(p));
    const size_t reach = product_columns(p, width);
    const bool padded = window->before[1] > 0 || reach - (size_t)window->before[1] > (size_t)window->size[1];
    size_t lines = 1, parts;
    p->copied =
        !p->swept && (p->number == 1 || (padded && tiles <= 3)) && product_fits(p, step, width, p->channels);
    while (lines < height && product_fits(p, lines + 1, width, p->channels)) {
        ++lines;
    }
    lines = lines < step ? step : lines / step * step;
    if (p->swept) {
        lines = product_swept_pixels(p) / width;
        lines = lines < height ? lines : height;
    }
    parts = product_divide(height, lines);
    while (lines > step && images * parts * p->blocks < PRODUCT_ITEMS) {
        lines = product_divide(lines / 2, step) * step;
        parts = product_divide(height, lines);
    }
    lines = product_divide(product_divide(height, parts), step) * step;
    p->part_lines = (uint32_t)lines;
    p->part_columns = (uint32_t)width;
    p->column_parts = 1;
    p->parts = (uint32_t)(images * product_divide(height, lines));
}

void smr_product_as_rows(smr_product *p, size_t rows) {
    smr_window *window = &p->window;
    int32_t axis;
    for (axis = 0; axis < 2; ++axis) {
        window->taps[axis] = window->strides[axis] = window->dilations[axis] = 1;
        window->size[axis] = window->positions[axis] = axis == 0 ? 1 : (int32_t)rows;
        window->before[axis] = 0;
    }
}

void smr_product_cut(smr_node *node, smr_product *p) {
    const smr_product_functions *functions = p->functions;
    const smr_window *window = &p->window;
    const size_t pixels = node->outputs[0]->count / p->filter.outputs;
    const bool rows = window->taps[0] == 1 && window->taps[1] == 1 && window->strides[0] == 1 &&
                      window->strides[1] == 1 && window->positions[0] == window->size[0] &&
                      window->positions[1] == window->size[1];
    size_t tile;
    if (pixels > INT32_MAX || p->channels > INT32_MAX / 4 ||
        (p->weights_tap == 0 && window->taps[1] > 1 && window->dilations[1] != 1)) {
        return; /* the generic kernel remains */
    }
    if (rows) {
        smr_product_as_rows(p, pixels);
    }
    p->panels = (uint32_t)product_divide(p->filter.outputs, 16);
    p->blocks = pixels == 1 ? (uint32_t)product_divide(p->panels, functions->panels_alone)
                            : p->panels / functions->panels;
    p->blocks = p->blocks == 0 ? 1 : p->blocks;
    /* Floats alone: what pads an image of integers is not zero. */
    p->by_part = p->panels * p->weights_panel <= PRODUCT_CACHED && p->panels * 16 <= PRODUCT_STARTS;
    p->swept = !p->by_part && p->number == 4 && p->channels >= PRODUCT_LONG && pixels > 1 &&
               (rows || (size_t)window->positions[1] <= product_swept_pixels(p));
    if (rows) {
        product_cut_rows(p);
    } else {
        product_cut_lines(p, pixels / ((size_t)window->positions[0] * (size_t)window->positions[1]));
    }
    tile = product_most_pixels(p);
    tile = tile < p->part_columns ? tile : p->part_columns;
    if (!p->copied && !p->swept && product_chunk(p, !rows && product_pairs(p) ? 2 : 1, tile) == 0) {
        return;
    }
    *SMR_PARAMETERS(node, smr_product) = *p;
    node->work = (size_t)p->blocks * p->parts;
    node->run = smr_product_run;
}

/* ---- Blocks ---- */

/* What changes from block to block, and copies of what is padded to whole panels. */
typedef struct product_block {
    size_t number;
    size_t first; /* panel */
    size_t count;
    const void *bias; /* int32 or float */
    bool started;     /* whether `starts` are there */
    int32_t starts[PRODUCT_STARTS];
    int32_t biases[SMR_TILE_PANELS * 16]; /* or as many floats */
    float multipliers[SMR_TILE_PANELS * 16];
} product_block;

static void product_begin_block(const smr_node *node, const smr_product *p, size_t number,
                                product_block *block, smr_tile *tile) {
    const float *multiplier = p->filter.multiplier;
    const uint8_t *bias = p->number == 1 || node->inputs[2] != NULL ? node->inputs[2]->data : NULL;
    size_t first;
    block->number = number;
    block->first = number * p->panels / p->blocks;
    block->count = (number + 1) * p->panels / p->blocks - block->first;
    block->started = block->started && p->by_part;
    first = block->first * 16;
    tile->weights = (const uint8_t *)node->inputs[1]->data + block->first * p->weights_panel;
    tile->outputs =
        p->filter.outputs - first < block->count * 16 ? p->filter.outputs - first : block->count * 16;
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

/* What the sums of a tile of so many pixels begin with. */
static const void *product_start(const smr_node *node, const smr_product *p, product_block *block,
                                 size_t pixels) {
    const size_t first = p->by_part ? 0 : block->first;
    if (pixels == 1 || p->functions->start == NULL) {
        return block->bias;
    }
    if (!block->started) {
        p->functions->start((const uint8_t *)node->inputs[1]->data + first * p->weights_panel,
                            p->weights_panel, p->by_part ? p->panels : block->count,
                            p->filter.bias + first * 16, p->filter.outputs - first * 16, block->starts);
        block->started = true;
    }
    return block->starts + (block->first - first) * 16;
}

/* ---- Parts ---- */

typedef struct product_part {
    size_t number;
    size_t line; /* the first, of all images */
    size_t lines;
    size_t column; /* the first */
    size_t columns;
    const uint8_t *image;
    int64_t top;  /* the row that the first tap of the first line is at */
    int64_t left; /* the column that the first tap of the first pixel is at */
    _Alignas(64) uint8_t copy[SMR_TILE_BYTES + SMR_TILE_SLACK];
} product_part;

/* A rectangle of an image, every so many columns of so many rows. */
typedef struct product_box {
    int64_t top, left;
    size_t rows, columns;
    size_t row_step, column_step;
    size_t channel, channels; /* of each pixel those from `channel` on */
} product_box;

static void product_copy_numbers(const smr_product *p, uint8_t *to, const uint8_t *from, size_t bytes) {
    if (p->functions->flip != 0) {
        p->functions->copy(to, from, bytes);
    } else {
        memcpy(to, from, bytes);
    }
}

/* Copies a row of a box; where it is outside of the image the border is written. */
static void product_copy_row(const smr_product *p, const uint8_t *row, const product_box *box, uint8_t *to) {
    const uint8_t border = p->border ^ p->functions->flip;
    const size_t pixel = (size_t)p->channels * p->number, bytes = box->channels * p->number;
    const int64_t width = p->window.size[1];
    size_t i = 0;
    if (box->column_step == 1 && bytes == pixel) {
        const int64_t last = box->left + (int64_t)box->columns;
        const int64_t begin = box->left < 0 ? 0 : box->left, end = last < width ? last : width;
        if (begin >= end) {
            memset(to, border, box->columns * bytes);
            return;
        }
        memset(to, border, (size_t)(begin - box->left) * bytes);
        product_copy_numbers(p, to + (size_t)(begin - box->left) * bytes, row + (size_t)begin * bytes,
                             (size_t)(end - begin) * bytes);
        memset(to + (size_t)(end - box->left) * bytes, border, (size_t)(last - end) * bytes);
        return;
    }
    for (i = 0; i < box->columns; ++i, to += bytes) {
        const int64_t x = box->left + (int64_t)(i * box->column_step);
        if (x < 0 || x >= width) {
            memset(to, border, bytes);
        } else {
            product_copy_numbers(p, to, row + (size_t)x * pixel + box->channel * p->number, bytes);
        }
    }
}

static void product_copy(const smr_product *p, const uint8_t *image, const product_box *box, uint8_t *to) {
    const size_t row_bytes = (size_t)p->window.size[1] * p->channels * p->number;
    const size_t bytes = box->columns * box->channels * p->number;
    size_t i;
    for (i = 0; i < box->rows; ++i, to += bytes) {
        const int64_t y = box->top + (int64_t)(i * box->row_step);
        if (y < 0 || y >= p->window.size[0]) {
            memset(to, p->border ^ p->functions->flip, bytes);
        } else {
            product_copy_row(p, image + (size_t)y * row_bytes, box, to);
        }
    }
}

static void product_begin_part(const smr_product *p, const uint8_t *x, size_t number, product_part *part) {
    const smr_window *window = &p->window;
    const size_t height = (size_t)window->positions[0], width = (size_t)window->positions[1];
    const size_t image_parts = product_divide(height, p->part_lines);
    const size_t band = p->column_parts == 1 ? number : number / p->column_parts;
    const size_t image = band / image_parts, first = band % image_parts * p->part_lines;
    part->number = number;
    part->line = image * height + first;
    part->lines = height - first < p->part_lines ? height - first : p->part_lines;
    part->column = (number - band * p->column_parts) * p->part_columns;
    part->columns = width - part->column < p->part_columns ? width - part->column : p->part_columns;
    part->image = x + image * (size_t)window->size[0] * (size_t)window->size[1] * p->channels * p->number;
    part->top = smr_window_at(window, 0, (int64_t)first, 0);
    part->left = smr_window_at(window, 1, (int64_t)part->column, 0);
    if (p->copied) {
        const product_box box = {
            part->top, part->left, product_rows(p, part->lines), product_columns(p, part->columns), 1, 1,
            0,         p->channels};
        product_copy(p, part->image, &box, part->copy);
    }
}

/* ---- Tiles ---- */

/* The pixels of a tile: so many from `column` of the part's line `line` on. */
typedef struct product_place {
    size_t line;
    size_t lines; /* 2 when the tile has all pixels of two lines */
    size_t column;
    size_t pixels; /* of a line */
} product_place;

/* Numbers lie as in an image of so many columns with all channels, from `pixels` on. */
static void product_set_image(const smr_product *p, const product_place *place, const uint8_t *pixels,
                              size_t columns, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t pixel = (size_t)p->channels * p->number;
    const size_t row = (size_t)window->taps[1] * p->channels;
    const bool merged =
        window->dilations[1] == 1 && (p->number == 4 || p->weights_row == product_divide(row, 4) * 64);
    tile->pixels = pixels;
    tile->pixel_step = (size_t)window->strides[1] * pixel;
    tile->row_step = (size_t)window->dilations[0] * columns * pixel;
    tile->run_step = (size_t)window->dilations[1] * pixel;
    tile->jump = place->lines == 1
                     ? 0
                     : (size_t)window->strides[0] * columns * pixel - SMR_TILE_SPLIT * tile->pixel_step;
    tile->runs = merged ? 1 : (size_t)window->taps[1];
    tile->length = merged ? row : p->channels;
    tile->length = p->number == 4 ? tile->length : (tile->length + 3) / 4;
    tile->weights_run = p->weights_tap;
}

/* Runs a tile on numbers that are in place or in the copy of the part. */
static void product_run_tile(const smr_product *p, const product_part *part, const product_place *place,
                             smr_tile_function function, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t pixel = (size_t)p->channels * p->number;
    const size_t columns = p->copied ? product_columns(p, part->columns) : (size_t)window->size[1];
    const size_t x = place->column * (size_t)window->strides[1], y = place->line * (size_t)window->strides[0];
    product_set_image(p, place, part->copy + (y * columns + x) * pixel, columns, tile);
    tile->rows = (size_t)window->taps[0];
    tile->first = true;
    tile->last = p->filter.fixed == NULL;
    if (!p->copied) {
        const int64_t top = part->top + (int64_t)y;
        const smr_window_range rows =
            smr_window_inside(top, window->dilations[0], window->size[0], window->taps[0]);
        const int64_t first = top + (int64_t)rows.begin * window->dilations[0];
        tile->rows = rows.end > rows.begin ? (size_t)(rows.end - rows.begin) : 0;
        tile->pixels =
            tile->rows == 0
                ? part->image
                : part->image + ((size_t)first * columns + (size_t)(part->left + (int64_t)x)) * pixel;
        tile->weights += (size_t)rows.begin * p->weights_row;
        function(tile);
        tile->weights -= (size_t)rows.begin * p->weights_row;
        return;
    }
    function(tile);
}

/* Copies what a tile sees, or some channels of it after the others, and runs it. */
static void product_run_chunks(const smr_product *p, product_part *part, const product_place *place,
                               smr_tile_function function, smr_tile *tile) {
    const smr_window *window = &p->window;
    const bool apart = window->dilations[0] != 1 || window->dilations[1] != 1;
    const size_t columns = apart ? place->pixels : product_columns(p, place->pixels);
    const size_t rows = apart ? (size_t)window->taps[0] : product_rows(p, place->lines);
    const size_t chunk = product_chunk(p, place->lines, place->pixels);
    const uint8_t *weights = tile->weights;
    product_box box = {part->top + (int64_t)(place->line * (size_t)window->strides[0]),
                       part->left + (int64_t)(place->column * (size_t)window->strides[1]),
                       rows,
                       columns,
                       (size_t)window->dilations[0],
                       apart ? (size_t)window->strides[1] : 1,
                       0,
                       0};
    tile->rows = (size_t)window->taps[0];
    for (; box.channel < p->channels; box.channel += box.channels) {
        const size_t left = p->channels - box.channel;
        size_t tap;
        box.channels = left < chunk ? left : chunk;
        product_set_image(p, place, part->copy, columns, tile);
        if (box.channels < p->channels || apart) {
            const size_t bytes = box.channels * p->number;
            tile->pixel_step = apart ? bytes : (size_t)window->strides[1] * bytes;
            tile->row_step = columns * bytes;
            tile->run_step = apart ? rows * columns * bytes : bytes;
            tile->jump = place->lines == 1 ? 0
                                           : (size_t)window->strides[0] * columns * bytes -
                                                 SMR_TILE_SPLIT * tile->pixel_step;
            tile->runs = (size_t)window->taps[1];
            tile->length = p->number == 4 ? box.channels : (box.channels + 3) / 4;
        }
        for (tap = 0; tap < (apart ? (size_t)window->taps[1] : 1); ++tap) {
            product_box taps = box;
            taps.left += (int64_t)(tap * (size_t)window->dilations[1]);
            product_copy(p, part->image, &taps, part->copy + tap * tile->run_step);
        }
        tile->weights = weights + box.channel * p->number * 16;
        tile->first = box.channel == 0;
        tile->last = box.channel + box.channels == p->channels && p->filter.fixed == NULL;
        function(tile);
    }
    tile->weights = weights;
}

/* Whether the image has all that a tile sees, in the form that it is multiplied in. */
static bool product_in_place(const smr_product *p, const product_part *part, const product_place *place) {
    const smr_window *window = &p->window;
    const int64_t left = part->left + (int64_t)(place->column * (size_t)window->strides[1]);
    const int64_t top = part->top + (int64_t)(place->line * (size_t)window->strides[0]);
    if (p->number != 4 || left < 0 || left + (int64_t)product_columns(p, place->pixels) > window->size[1]) {
        return false;
    }
    return place->lines == 1 || (top >= 0 && top + (int64_t)product_rows(p, 2) <= window->size[0]);
}

/* All tiles of a block in a part. */
static void product_run_part(const smr_node *node, const smr_product *p, product_block *block,
                             product_part *part, smr_tile *tile) {
    const size_t most = p->functions->pixels[block->count - 1], width = (size_t)p->window.positions[1];
    const size_t step =
        part->columns == SMR_TILE_SPLIT && product_pairs(p) && most >= 2 * SMR_TILE_SPLIT ? 2 : 1;
    const size_t tiles = product_divide(part->columns, most), pixels = part->columns / tiles;
    const size_t longer = part->columns - tiles * pixels; /* tiles that have one pixel more */
    product_place place;
    size_t i, r;
    for (place.line = 0; place.line < part->lines; place.line += place.lines) {
        place.lines = part->lines - place.line < step ? 1 : step;
        place.column = 0;
        for (i = 0; i < tiles; ++i, place.column += place.pixels) {
            smr_tile_function function;
            size_t count;
            place.pixels = pixels + (i < longer);
            count = place.lines * place.pixels;
            function = p->functions->function[block->count - 1][count - 1];
            tile->start = product_start(node, p, block, count);
            tile->output =
                (uint8_t *)node->outputs[0]->data +
                (((part->line + place.line) * width + part->column + place.column) * p->filter.outputs +
                 block->first * 16) *
                    p->number;
            if (p->copied || product_in_place(p, part, &place)) {
                product_run_tile(p, part, &place, function, tile);
            } else {
                product_run_chunks(p, part, &place, function, tile);
            }
            for (r = 0; p->filter.fixed != NULL && r < count; ++r) {
                quant_write(&p->filter, block->first * 16, tile->outputs,
                            (const int32_t *)tile->partial + r * block->count * 16, &p->range,
                            (int8_t *)tile->output + r * p->filter.outputs);
            }
        }
    }
}

/* ---- Sweeps ---- */

/* Adds the products of so many channels of the tap at `row` and `column` to the sums of all pixels that it
 * sees. */
static void product_sweep(const smr_product *p, const product_block *block, const product_part *part,
                          size_t row, size_t column, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t most = p->functions->pixels[block->count - 1], pixel = (size_t)p->channels * p->number;
    const int64_t left = part->left + (int64_t)(column * (size_t)window->dilations[1]);
    const smr_window_range seen =
        smr_window_inside(left, window->strides[1], window->size[1], (int32_t)part->columns);
    const uint8_t *from = tile->pixels;
    float *sums = tile->partial;
    size_t line;
    for (line = 0; line < part->lines && seen.begin < seen.end; ++line) {
        const int64_t y =
            part->top + (int64_t)(line * (size_t)window->strides[0] + row * (size_t)window->dilations[0]);
        const size_t columns = (size_t)(seen.end - seen.begin), tiles = product_divide(columns, most);
        size_t at = (size_t)seen.begin, i;
        for (i = 0; i < tiles && y >= 0 && y < window->size[0]; ++i) {
            const size_t pixels = columns / tiles + (i < columns % tiles);
            const size_t x = (size_t)(left + (int64_t)(at * (size_t)window->strides[1]));
            tile->pixels = from + ((size_t)y * (size_t)window->size[1] + x) * pixel;
            tile->partial = sums + (line * part->columns + at) * block->count * 16;
            p->functions->function[block->count - 1][pixels - 1](tile);
            at += pixels;
        }
    }
    tile->pixels = from;
    tile->partial = sums;
}

/* Writes the biases to all sums of a part, or the sums to the output. */
static void product_sweep_all(const smr_node *node, const smr_product *p, const product_block *block,
                              const product_part *part, smr_tile *tile) {
    const size_t most = p->functions->pixels[block->count - 1], pixels = part->lines * part->columns;
    const size_t first = part->line * (size_t)p->window.positions[1] + part->column;
    float *sums = tile->partial,
          *output = (float *)node->outputs[0]->data + first * p->filter.outputs + block->first * 16;
    size_t at, count;
    tile->rows = 0;
    for (at = 0; at < pixels; at += count) {
        count = pixels - at < most ? pixels - at : most;
        tile->partial = sums + at * block->count * 16;
        tile->output = output + at * p->filter.outputs;
        p->functions->function[block->count - 1][count - 1](tile);
    }
    tile->partial = sums;
    tile->rows = 1;
}

/* A block of weights that no cache of the second level keeps: some of them at a time meet all pixels of the
 * part, whose sums so far are in memory. */
static void product_run_swept(const smr_node *node, const smr_product *p, const product_block *block,
                              product_part *part, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t most = PRODUCT_CHUNK / (block->count * 64);
    const size_t chunk = product_divide(p->channels, product_divide(p->channels, most));
    const uint8_t *weights = tile->weights;
    size_t row, column, channel;
    tile->start = block->bias;
    tile->partial = part->copy;
    tile->jump = 0;
    tile->runs = 1;
    tile->pixel_step = (size_t)window->strides[1] * p->channels * p->number;
    tile->first = true;
    tile->last = false;
    product_sweep_all(node, p, block, part, tile);
    tile->first = false;
    for (row = 0; row < (size_t)window->taps[0]; ++row) {
        for (column = 0; column < (size_t)window->taps[1]; ++column) {
            for (channel = 0; channel < p->channels; channel += tile->length) {
                tile->length = p->channels - channel < chunk ? p->channels - channel : chunk;
                tile->pixels = part->image + channel * p->number;
                tile->weights = weights + row * p->weights_row + column * p->weights_tap + channel * 64;
                product_sweep(p, block, part, row, column, tile);
            }
        }
    }
    tile->weights = weights;
    tile->last = true;
    product_sweep_all(node, p, block, part, tile);
}

smr_status smr_product_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_product *p = SMR_CONST_PARAMETERS(node, smr_product);
    float partial[SMR_TILE_SUMS];
    product_block block;
    product_part part;
    smr_tile tile;
    size_t item;
    (void)error;
    /* Not the arrays, which would take longer than a small product. */
    memset(&block, 0, offsetof(product_block, starts));
    block.number = part.number = SIZE_MAX;
    memset(&tile, 0, sizeof tile);
    tile.weights_panel = p->weights_panel;
    tile.weights_row = p->weights_row;
    tile.partial = partial;
    tile.least = p->least;
    tile.most = p->most;
    tile.range = &p->range;
    tile.output_step = p->filter.outputs;
    for (item = begin; item < end; ++item) {
        const size_t other = p->by_part ? item / p->blocks : item / p->parts;
        const size_t wanted = p->by_part ? item - other * p->blocks : other;
        const size_t number = p->by_part ? other : item - other * p->parts;
        if (wanted != block.number) {
            product_begin_block(node, p, wanted, &block, &tile);
        }
        if (number != part.number) {
            product_begin_part(p, node->inputs[0]->data, number, &part);
        }
        if (p->swept) {
            product_run_swept(node, p, &block, &part, &tile);
        } else {
            product_run_part(node, p, &block, &part, &tile);
        }
    }
    return SMR_OK;
}
