/* Cutting convolutions and matrix products into parts and blocks. */
#include <stddef.h>

#include "../../core/shares.h"
#include "../../core/wide.h"
#include "product_part.h"

/* Weights of this many bytes stay in a cache of the second level while they meet one part after the other and
 * the next ones are fetched. */
#define PRODUCT_CACHED (256 * 1024)

/* Convolutions of more weights than this are swept. */
#define PRODUCT_SWEPT (512 * 1024)

/* Channels from which on it pays to add one tap to all sums of a part after the other. */
#define PRODUCT_LONG 96

/* Work items that there should be at least, for threads to share, in a product that has as many times so many
 * bytes of weights to multiply. */
#define PRODUCT_ITEMS 8
#define PRODUCT_ITEM  (128 * 1024)

/* Rows of a matrix are shared by lines of the image that they are where it has at least so many, so that a
 * thread mostly reads what it has written. */
#define PRODUCT_LINES 16

/* Pixels of a share, at least. */
#define PRODUCT_SHARE 12

/* More weights than this are not read by all threads: blocks are shared, not pixels. */
#define PRODUCT_SHARED (2 * 1024 * 1024)

/* Blocks that write to the same pixels. */
#define PRODUCT_SPREAD 8

/* Panels whose sums are enough to hide how long an addition takes. */
#define PRODUCT_ALONE 4

/* Whether what so many pixels of so many lines see, or `channels` of it, can be copied at once. */
static bool product_fits(const smr_product *p, size_t lines, size_t pixels, size_t channels) {
    const size_t rows = product_rows(p, lines), columns = product_columns(p, pixels);
    return rows <= SMR_TILE_BYTES && columns <= SMR_TILE_BYTES && channels <= SMR_TILE_BYTES &&
           rows * columns <= SMR_TILE_BYTES && rows * columns * channels * p->number <= SMR_TILE_BYTES;
}

size_t smr_product_chunk(const smr_product *p, size_t lines, size_t pixels) {
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

static size_t product_items(const smr_product *p, size_t pixels) {
    const size_t items = pixels * ((size_t)p->panels * p->weights_panel / 64) / (PRODUCT_ITEM / 64);
    return items <= 1 ? 1 : items < PRODUCT_ITEMS ? items + items % 2 : PRODUCT_ITEMS;
}

/* How many blocks of panels meet a pixel that is alone: an even number, for threads to share, where all have
 * enough to do. */
static uint32_t product_blocks_alone(const smr_product *p, uint32_t panels) {
    const uint32_t blocks = (uint32_t)product_divide(panels, p->functions->panels_alone);
    const bool odd = blocks % 2 == 1 && product_items(p, 1) > 1;
    return odd && panels / (blocks + 1) >= PRODUCT_ALONE ? blocks + 1 : blocks;
}

/* How many blocks of panels each group has. */
static uint32_t product_blocks(const smr_product *p, uint32_t panels, size_t pixels, bool rows) {
    const smr_product_functions *functions = p->functions;
    const smr_window *window = &p->window;
    const size_t step = (size_t)window->strides[1] * p->pixel;
    const uint8_t apart = functions->panels_apart[rows ? 0 : 1];
    if (pixels == 1) {
        return product_blocks_alone(p, panels);
    }
    /* What a tile reads of each pixel would push out what it has read of another one. */
    if (apart > 0 && step % SMR_TILE_APART == 0 && window->taps[0] == 1 && window->taps[1] == 1) {
        return (uint32_t)product_divide(panels, apart);
    }
    return functions->alike ? (uint32_t)product_divide(panels, functions->panels)
                            : panels / functions->panels;
}

/* How many blocks meet one part before the next. */
static uint32_t product_set(const smr_product *p) {
    const size_t panels = product_divide(p->panels, p->blocks), bytes = panels * p->weights_panel;
    const size_t kept = SMR_PRODUCT_STARTS / 16 / panels;
    size_t set = bytes == 0 ? kept : PRODUCT_CACHED / bytes;
    set = set < kept ? set : kept;
    set = set < p->blocks ? set : p->blocks;
    return set < 1 ? 1 : (uint32_t)set;
}

/* The most pixels of a part whose sums are kept all at once. */
static size_t product_swept_pixels(const smr_product *p) {
    const size_t panels = product_divide(p->panels, p->blocks);
    return SMR_TILE_BYTES / (panels * 16 * sizeof(float));
}

/* How many shares so many pixels of an image have. */
static uint32_t product_shares(const smr_product *p, size_t pixels, size_t items) {
    const size_t most = pixels / PRODUCT_SHARE, weights = (size_t)p->panels * p->weights_panel;
    if (p->across > 1) {
        return p->across;
    }
    return p->swept || items == 1 || weights > PRODUCT_SHARED ? 1
                                                              : smr_shares(most < p->units ? most : p->units);
}

/* Cuts images of so many pixels into shares, and these into parts of at most so many units. */
static void product_cut_units(smr_product *p, size_t size, size_t unit, size_t longest, size_t pixels,
                              size_t images) {
    const size_t items = product_items(p, images * pixels);
    size_t most, share;
    p->unit = (uint32_t)unit;
    p->units = (uint32_t)product_divide(size, unit);
    most = product_divide(p->units, product_divide(items, images * p->across * p->blocks));
    p->longest = (uint32_t)(longest < most ? longest : most);
    p->shares = product_shares(p, pixels, items);
    share = p->across > 1 ? p->units : product_divide(p->units, p->shares);
    p->parts = (uint32_t)product_divide(share, p->longest);
}

/* Whether so many blocks of so few weights write to each line of a cache that it pays to keep what a part
 * writes in one of the first level. */
static bool product_is_spread(const smr_product *p) {
    return p->blocks >= PRODUCT_SPREAD && (size_t)p->panels * p->weights_panel <= SMR_TILE_BYTES;
}

/* Parts of one line of pixels without end, the rows of a matrix. Returns the pixels of the longest. */
static size_t product_cut_rows(smr_product *p) {
    const size_t bytes = (size_t)p->channels * p->number, written = (size_t)p->outputs * p->number;
    const size_t width = (size_t)p->window.positions[1], line = p->unit;
    const size_t tile = product_most_pixels(p);
    const size_t widest = product_is_spread(p) && written > bytes ? written : bytes;
    const size_t most = widest * tile > SMR_TILE_BYTES ? tile : SMR_TILE_BYTES / widest / tile * tile;
    const size_t lines = (most + (product_multiplies_in_place(p) ? line / 2 : 0)) / line;
    p->across = 1;
    product_cut_units(p, width, line, lines == 0 ? 1 : lines, width, 1);
    p->copied = !product_multiplies_in_place(p) && bytes * p->longest * line <= SMR_TILE_BYTES;
    return (size_t)p->longest * line;
}

/* Whether so many pixels of so many lines can be one part. */
static bool product_fits_part(const smr_product *p, size_t lines, size_t pixels) {
    return p->matrix && product_multiplies_in_place(p)
               ? lines * pixels * p->channels * p->number <= SMR_TILE_BYTES
               : product_fits(p, lines, pixels, p->channels);
}

/* Whether parts are copied, the least of which has so many lines of so many pixels. */
static bool product_copies(const smr_product *p, size_t lines, size_t pixels) {
    const smr_window *window = &p->window;
    const size_t tiles = product_divide(pixels, product_most_pixels(p));
    const size_t reach = product_columns(p, (size_t)window->positions[1]);
    const bool padded = window->before[1] > 0 || reach - (size_t)window->before[1] > (size_t)window->size[1];
    return !p->swept && (!product_multiplies_in_place(p) || (padded && (p->number == 1 || tiles <= 3))) &&
           product_fits(p, lines, pixels, p->channels);
}

/* Parts of lines: of whole ones, or of some columns of each where images are wide. */
static void product_cut_lines(smr_product *p, size_t images, bool wide) {
    const smr_window *window = &p->window;
    const size_t height = (size_t)window->positions[0], width = (size_t)window->positions[1];
    const size_t step = product_pairs(p) && !p->swept ? 2 : 1;
    size_t lines = 1, columns;
    /* Short rows take longer to copy. */
    p->across = !wide ? 1 : p->matrix && product_multiplies_in_place(p) ? (uint32_t)smr_wide_parts(width) : 2;
    columns = product_divide(width, p->across);
    p->copied = product_copies(p, step, columns);
    while (lines < height && product_fits_part(p, lines + 1, columns)) {
        ++lines;
    }
    lines = lines < step ? step : lines / step * step;
    if (p->swept) {
        lines = product_swept_pixels(p) / width;
        lines = lines < height ? lines : height;
    }
    product_cut_units(p, height, step, lines / step, height * width, images);
}

void smr_product_as_rows(smr_product *p, size_t rows, size_t line) {
    smr_window *window = &p->window;
    int32_t axis;
    for (axis = 0; axis < 2; ++axis) {
        window->taps[axis] = window->strides[axis] = window->dilations[axis] = 1;
        window->size[axis] = window->positions[axis] = axis == 0 ? 1 : (int32_t)rows;
        window->before[axis] = 0;
    }
    p->rows = true;
    p->unit = (uint32_t)line;
}

void smr_product_place_weights(smr_product *p, size_t tap, size_t row, size_t panel) {
    const bool fits = panel <= UINT32_MAX;
    p->weights_tap = fits ? (uint32_t)tap : 0;
    p->weights_row = fits ? (uint32_t)row : 0;
    p->weights_panel = fits ? (uint32_t)panel : 0;
}

/* Hands over what run needs, and leaves out the values of constants, whose data it knows. */
static void product_keep(smr_node *node, smr_product *p) {
    const smr_value *bias = node->input_count > 2 ? node->inputs[2] : NULL;
    const size_t bytes = p->number == 1 ? sizeof *p : offsetof(smr_product, range);
    p->weights = node->inputs[1]->data;
    p->computed_bias = bias != NULL && bias->storage != SMR_STORAGE_CONSTANT;
    p->bias = bias == NULL || p->computed_bias ? NULL : bias->data;
    node->read_count = p->computed_bias ? node->input_count : p->packed ? 2 : 1;
    smr_node_replace_parameters(node, p, bytes);
}

void smr_product_cut(smr_node *node, smr_product *p) {
    const smr_window *window = &p->window;
    const size_t pixels = node->outputs[0]->count / p->outputs;
    const bool rows = window->taps[0] == 1 && window->taps[1] == 1 && window->strides[0] == 1 &&
                      window->strides[1] == 1 && window->positions[0] == window->size[0] &&
                      window->positions[1] == window->size[1];
    const bool wide = smr_wide(node->inputs[0], node->outputs[0]);
    uint32_t panels; /* of a group */
    size_t columns;  /* of the longest part */
    size_t tile, images = 1;
    if (pixels > INT32_MAX || p->channels > INT32_MAX / 4 || p->weights_panel == 0 ||
        (p->weights_tap == 0 && window->taps[1] > 1 && window->dilations[1] != 1)) {
        return; /* the generic kernel remains */
    }
    p->groups = p->groups == 0 ? 1 : p->groups;
    p->matrix = rows && p->groups == 1;
    if (rows && !(wide && p->matrix)) {
        const size_t line = (size_t)window->positions[1];
        smr_product_as_rows(p, pixels, line < pixels / PRODUCT_LINES ? line : 1);
    }
    p->panels = (uint32_t)product_divide(p->outputs, 16);
    panels = p->panels / p->groups;
    p->blocks = product_blocks(p, panels, pixels, rows);
    p->blocks = (p->blocks == 0 ? 1 : p->blocks) * p->groups;
    p->set = product_set(p);
    /* Floats alone: what pads an image of integers is not zero. */
    p->swept = !rows && (size_t)p->panels * p->weights_panel > PRODUCT_SWEPT && p->number == 4 &&
               p->groups == 1 && p->channels >= PRODUCT_LONG &&
               (size_t)window->positions[1] <= product_swept_pixels(p);
    p->set = p->swept ? 1 : p->set;
    if (p->rows) {
        columns = product_cut_rows(p);
    } else {
        images = pixels / ((size_t)window->positions[0] * (size_t)window->positions[1]);
        product_cut_lines(p, images, wide && !p->swept);
        columns = product_divide((size_t)window->positions[1], p->across);
    }
    tile = product_most_pixels(p);
    tile = tile < columns ? tile : columns;
    if (!p->copied && !p->swept && smr_product_chunk(p, !p->rows && product_pairs(p) ? 2 : 1, tile) == 0) {
        return;
    }
    p->alone = p->matrix && pixels == 1 && (p->copied || product_multiplies_in_place(p));
    product_keep(node, p);
    node->work = images * p->shares * p->parts * p->blocks;
    node->completes = p->set < p->blocks || p->alone || p->parts > UINT16_MAX / p->blocks
                          ? 0
                          : (uint16_t)(p->parts * p->blocks);
    node->run = smr_product_run;
    if (p->packed) {
        node->scratch_bytes = (size_t)p->panels * p->weights_panel;
        node->phased = true;
        node->completes = 0;
        node->work *= 2;
        node->run = smr_product_run_packed;
    }
}
