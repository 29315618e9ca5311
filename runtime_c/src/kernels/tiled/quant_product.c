/* Cutting quantized convolutions and matrix products into tiles. */
#include "quant_product.h"

#include <stddef.h>

/* Weights of this many bytes stay in a cache of the second level while all of them meet one tile after the
 * other. */
#define QUANT_CACHED (512 * 1024)

/* The sums' first values of so many outputs are kept. */
#define QUANT_STARTS 1024

typedef struct quant_product {
    quant_conv conv;
    const smr_quant_product_functions *functions;
    uint32_t panels;
    uint32_t blocks; /* of panels */
    uint32_t lines;
    uint32_t width;    /* pixels of a line */
    uint32_t pixels;   /* of a tile */
    uint32_t tiles;    /* of a line */
    uint32_t copied;   /* tiles of a line whose rows are copied at once */
    bool tile_by_tile; /* all blocks for one tile, not all tiles for one block */
} quant_product;
_Static_assert(sizeof(quant_product) <= SMR_PARAMETER_BYTES, "quant_product fits a node");

/* The bytes of the filter that a row of taps is, for one output. */
static size_t quant_row_weights(const quant_conv *conv) {
    return conv->runs ? ((size_t)conv->window.taps[1] * conv->depth + 3) / 4 * 4
                      : (size_t)conv->window.taps[1] * ((conv->depth + 3) / 4 * 4);
}

/* The bytes of a row of the image that so many pixels see; SIZE_MAX for more than are ever copied. */
static size_t quant_row_bytes(const quant_conv *conv, size_t pixels) {
    const smr_window *window = &conv->window;
    const size_t columns = (pixels - 1) * (size_t)window->strides[1] +
                           (size_t)(window->taps[1] - 1) * (size_t)window->dilations[1] + 1;
    return columns > SMR_QUANT_TILE_BYTES || conv->channels > SMR_QUANT_TILE_BYTES ? SIZE_MAX
                                                                                   : columns * conv->channels;
}

static size_t quant_first_panel(const quant_product *p, size_t block) {
    return block * p->panels / p->blocks;
}

bool smr_quant_product_takes(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return filter->layout == SMR_LAYOUT_PANEL16X4 && filter->dtype == SMR_DTYPE_INT8 &&
           node->inputs[0]->dtype == SMR_DTYPE_INT8 && node->outputs[0]->dtype == SMR_DTYPE_INT8 &&
           filter->count > 0;
}

/* What changes from block to block, and copies of what is padded to whole panels. */
typedef struct quant_block {
    size_t number;
    size_t first; /* panel */
    size_t count;
    const int32_t *bias;
    bool started; /* whether `starts` are there */
    int32_t starts[QUANT_STARTS];
    int32_t biases[SMR_QUANT_TILE_PANELS * 16];
    float multipliers[SMR_QUANT_TILE_PANELS * 16];
} quant_block;

static void quant_begin_block(const quant_product *p, size_t number, quant_block *block,
                              smr_quant_tile *tile) {
    const quant_filter *filter = &p->conv.filter;
    size_t first;
    block->number = number;
    block->first = quant_first_panel(p, number);
    block->count = quant_first_panel(p, number + 1) - block->first;
    block->started = block->started && p->tile_by_tile;
    first = block->first * 16;
    tile->outputs = filter->outputs - first < block->count * 16 ? filter->outputs - first : block->count * 16;
    block->bias = filter->bias + first;
    tile->multiplier = filter->multiplier == NULL ? block->multipliers : filter->multiplier + first;
    if (tile->outputs < block->count * 16) {
        memset(block->biases, 0, sizeof block->biases);
        memset(block->multipliers, 0, sizeof block->multipliers);
        memcpy(block->biases, block->bias, tile->outputs * sizeof(int32_t));
        block->bias = block->biases;
        if (filter->multiplier != NULL) {
            memcpy(block->multipliers, tile->multiplier, tile->outputs * sizeof(float));
            tile->multiplier = block->multipliers;
        }
    }
}

/* What the sums of a tile of so many pixels begin with. */
static const int32_t *quant_start(const quant_product *p, quant_block *block, size_t pixels) {
    const quant_filter *filter = &p->conv.filter;
    const size_t first = p->tile_by_tile ? 0 : block->first;
    if (pixels == 1) {
        return block->bias;
    }
    if (!block->started) {
        p->functions->start(filter->data + first * filter->panel_bytes, filter->panel_bytes,
                            p->tile_by_tile ? p->panels : block->count, filter->bias + first * 16,
                            filter->outputs - first * 16, block->starts);
        block->started = true;
    }
    return block->starts + (block->first - first) * 16;
}

/* The rows that are copied at present. */
typedef struct quant_rows {
    size_t line;  /* of the output */
    size_t tile;  /* the first of those that the part is for */
    size_t bytes; /* of a row */
    smr_quant_part part;
    uint8_t numbers[SMR_QUANT_TILE_BYTES + SMR_QUANT_TILE_SLACK];
} quant_rows;

/* Finds out what tiles of a line see; false when that is what it was already. */
static bool quant_part(const quant_product *p, const int8_t *x, size_t line, size_t tile, quant_rows *rows) {
    const smr_window *window = &p->conv.window;
    const size_t lines = (size_t)window->positions[0];
    const size_t first = tile / p->copied * p->copied, column = first * p->pixels;
    const size_t left = p->width - column, most = (size_t)p->copied * p->pixels;
    if (rows->line == line && rows->tile == first) {
        return false;
    }
    rows->line = line;
    rows->tile = first;
    rows->bytes = quant_row_bytes(&p->conv, left < most ? left : most);
    rows->part.columns = rows->bytes / p->conv.channels;
    rows->part.image =
        x + line / lines * (size_t)window->size[0] * (size_t)window->size[1] * p->conv.channels;
    rows->part.top = smr_window_at(window, 0, (int64_t)(line % lines), 0);
    rows->part.left = smr_window_at(window, 1, (int64_t)column, 0);
    return true;
}

/* All that a tile is told but where its numbers and weights are. */
static void quant_begin(const quant_product *p, int32_t *partial, smr_quant_tile *tile) {
    const quant_conv *conv = &p->conv;
    const size_t run = conv->runs ? (size_t)conv->window.taps[1] * conv->depth : conv->depth;
    memset(tile, 0, sizeof *tile);
    tile->pixel_bytes = (size_t)conv->window.strides[1] * conv->channels;
    tile->run_bytes = (size_t)conv->window.dilations[1] * conv->channels;
    tile->runs = conv->runs ? 1 : (size_t)conv->window.taps[1];
    tile->groups = (run + 3) / 4;
    tile->panel_bytes = conv->filter.panel_bytes;
    tile->partial = partial;
    tile->range = &conv->output;
    tile->pixel_stride = conv->filter.outputs;
}

/* A work item is what one tile of pixels and one block of panels give. */
static smr_status run_quant_product(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const quant_product *p = SMR_CONST_PARAMETERS(node, quant_product);
    const quant_filter *filter = &p->conv.filter;
    const size_t tiles = (size_t)p->lines * p->tiles, taps = (size_t)p->conv.window.taps[0];
    int32_t partial[SMR_QUANT_TILE_PIXELS * SMR_QUANT_TILE_PANELS * 16];
    quant_block block;
    quant_rows rows;
    smr_quant_tile tile;
    size_t item;
    (void)error;
    /* Not the arrays, which would take longer than a small product. */
    memset(&block, 0, offsetof(quant_block, starts));
    memset(&rows, 0, offsetof(quant_rows, numbers));
    block.number = rows.line = SIZE_MAX;
    quant_begin(p, partial, &tile);
    for (item = begin; item < end; ++item) {
        const size_t number = p->tile_by_tile ? item % p->blocks : item / tiles;
        const size_t at = p->tile_by_tile ? item / p->blocks : item % tiles;
        const size_t line = at / p->tiles, column = at % p->tiles * p->pixels;
        const size_t count = p->width - column < p->pixels ? p->width - column : p->pixels;
        bool copy = quant_part(p, node->inputs[0]->data, line, at % p->tiles, &rows);
        size_t most, row, i;
        if (number != block.number) {
            quant_begin_block(p, number, &block, &tile);
        }
        tile.output = (int8_t *)node->outputs[0]->data + (line * p->width + column) * filter->outputs +
                      block.first * 16;
        tile.start = quant_start(p, &block, count);
        tile.numbers = rows.numbers + (at % p->tiles - rows.tile) * p->pixels * tile.pixel_bytes;
        tile.row_bytes = rows.bytes;
        most = SMR_QUANT_TILE_BYTES / rows.bytes;
        for (row = 0; row < taps; row += tile.rows) {
            tile.rows = taps - row < most ? taps - row : most;
            tile.first = row == 0;
            tile.last = row + tile.rows == taps && filter->fixed == NULL;
            tile.weights =
                filter->data + block.first * filter->panel_bytes + row * quant_row_weights(&p->conv) * 16;
            if (copy || taps > most) {
                p->functions->copy(&p->conv, &rows.part, row, row + tile.rows, rows.numbers);
            }
            p->functions->function[block.count - 1][count - 1](&tile);
        }
        for (i = 0; filter->fixed != NULL && i < count; ++i) {
            quant_write(filter, block.first * 16, tile.outputs, partial + i * block.count * 16,
                        &p->conv.output, tile.output + i * filter->outputs);
        }
    }
    return SMR_OK;
}

static void quant_cut(smr_node *node, quant_product *p) {
    const smr_quant_product_functions *functions = p->functions;
    const uint32_t most =
        (uint32_t)(p->lines * (size_t)p->width == 1 ? functions->panels_alone : functions->panels);
    p->panels = (uint32_t)((p->conv.filter.outputs + 15) / 16);
    p->blocks = (p->panels + most - 1) / most;
    p->pixels = (uint32_t)functions->pixels[(p->panels + p->blocks - 1) / p->blocks - 1];
    while (p->pixels > 1 && quant_row_bytes(&p->conv, p->pixels) > SMR_QUANT_TILE_BYTES) {
        --p->pixels;
    }
    if (quant_row_bytes(&p->conv, p->pixels) > SMR_QUANT_TILE_BYTES) {
        return; /* the generic kernel remains */
    }
    p->tiles = (p->width + p->pixels - 1) / p->pixels;
    p->pixels = (p->width + p->tiles - 1) / p->tiles;
    p->tiles = (p->width + p->pixels - 1) / p->pixels;
    p->copied = 1;
    while (p->copied < p->tiles &&
           quant_row_bytes(&p->conv, (size_t)(p->copied + 1) * p->pixels) * (size_t)p->conv.window.taps[0] <=
               SMR_QUANT_TILE_BYTES) {
        ++p->copied;
    }
    p->tile_by_tile =
        p->panels * p->conv.filter.panel_bytes <= QUANT_CACHED && p->panels * 16 <= QUANT_STARTS;
    *SMR_PARAMETERS(node, quant_product) = *p;
    node->work = (size_t)p->blocks * p->lines * p->tiles;
    node->run = run_quant_product;
}

/* One line of pixels that the window is at one by one: rows of a matrix. */
static void quant_as_rows(quant_product *p, size_t rows) {
    smr_window *window = &p->conv.window;
    int32_t axis;
    for (axis = 0; axis < 2; ++axis) {
        window->taps[axis] = window->strides[axis] = window->dilations[axis] = 1;
        window->size[axis] = window->positions[axis] = axis == 0 ? 1 : (int32_t)rows;
        window->before[axis] = 0;
    }
    p->lines = 1;
    p->width = (uint32_t)rows;
}

smr_status smr_quant_product_prepare_conv2d(smr_node *node, const smr_quant_product_functions *functions,
                                            smr_error *error) {
    quant_product p;
    const smr_window *window = &p.conv.window;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_conv2d(node, error));
    p.functions = functions;
    p.conv = *SMR_CONST_PARAMETERS(node, quant_conv);
    if (node->work == 0 || p.conv.filter.zero_point != 0 || p.conv.pixels > INT32_MAX) {
        return SMR_OK;
    }
    p.lines = (uint32_t)(p.conv.pixels / (size_t)window->positions[1]);
    p.width = (uint32_t)window->positions[1];
    if (window->taps[0] == 1 && window->taps[1] == 1 && window->strides[0] == 1 && window->strides[1] == 1 &&
        window->positions[0] == window->size[0] && window->positions[1] == window->size[1]) {
        quant_as_rows(&p, p.conv.pixels);
    }
    quant_cut(node, &p);
    return SMR_OK;
}

smr_status smr_quant_product_prepare_matmul(smr_node *node, const smr_quant_product_functions *functions,
                                            smr_error *error) {
    const quant_matmul *generic = SMR_CONST_PARAMETERS(node, quant_matmul);
    quant_product p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_quantized_matmul(node, error));
    if (node->work == 0 || generic->filter.zero_point != 0 || generic->rows > INT32_MAX) {
        return SMR_OK;
    }
    p.functions = functions;
    p.conv.filter = generic->filter;
    p.conv.output = generic->output;
    p.conv.channels = p.conv.depth = generic->depth;
    p.conv.runs = true;
    quant_as_rows(&p, generic->rows);
    quant_cut(node, &p);
    return SMR_OK;
}
