/* Cutting convolutions and matrix products into tiles. */
#include "product.h"

#include <math.h>
#include <string.h>

#include "../prototypes.h"

/* Weights of this many bytes stay in a cache of the second level while all of them meet one tile after the
 * other. */
#define PRODUCT_CACHED (512 * 1024)

/* What a tile at the edge of the image sees is copied, padding and all, where it is no more than so many
 * numbers. */
#define PRODUCT_COPIED 2048

/* Channels of one tap that lies in the padding are read from here, so many at a time. */
#define PRODUCT_ZEROS 512
static const float product_zeros[PRODUCT_ZEROS] = {0};

typedef struct product_parameters {
    smr_window window;
    const smr_product_functions *functions;
    size_t channels; /* of a pixel of the input */
    size_t inner;    /* rows of the matrix */
    size_t outputs;
    size_t panels;
    size_t blocks; /* of panels */
    size_t lines;
    size_t width;  /* pixels of a line */
    size_t pixels; /* of a tile */
    size_t tiles;  /* of a line */
    float least, most;
    bool tile_by_tile; /* all blocks for one tile, not all tiles for one block */
} product_parameters;
_Static_assert(sizeof(product_parameters) <= SMR_PARAMETER_BYTES, "product_parameters fit a node");

static size_t product_divide(size_t count, size_t most) {
    return (count + most - 1) / most;
}

/* The first panel of a block; blocks differ by one panel at most. */
static size_t product_block(const product_parameters *p, size_t block) {
    return block * p->panels / p->blocks;
}

static bool product_fits(const smr_node *node) {
    const smr_value *filter = node->inputs[1];
    return filter->layout == SMR_LAYOUT_PANEL16 && filter->dtype == SMR_DTYPE_FLOAT32 &&
           node->inputs[0]->dtype == SMR_DTYPE_FLOAT32 && filter->count > 0;
}

bool smr_product_takes_conv2d(const smr_node *node) {
    return product_fits(node) && node->attributes.conv2d.groups == 1;
}

bool smr_product_takes_matmul(const smr_node *node) {
    return product_fits(node) && node->attributes.matmul.transpose_x == 0;
}

/* A work item is what one tile of pixels and one block of panels give. */
static void product_cut(product_parameters *p, uint8_t activation) {
    const smr_product_functions *functions = p->functions;
    const size_t most = p->lines * p->width == 1 ? functions->panels_alone : functions->panels;
    p->panels = product_divide(p->outputs, 16);
    p->blocks = product_divide(p->panels, most);
    p->pixels = functions->pixels[product_divide(p->panels, p->blocks) - 1];
    p->tiles = product_divide(p->width, p->pixels);
    p->pixels = product_divide(p->width, p->tiles);
    p->tiles = product_divide(p->width, p->pixels);
    p->tile_by_tile = p->panels * p->inner * 16 * sizeof(float) <= PRODUCT_CACHED;
    p->least = activation == SMR_ACTIVATION_NONE ? -INFINITY : 0.0f;
    p->most = activation == SMR_ACTIVATION_RELU6 ? 6.0f : INFINITY;
}

/* Lays the runs of a tile out: whole rows of taps where all pixels see the image alone, else tap by tap. */
typedef struct product_cursor {
    const product_parameters *p;
    const float *image;
    int64_t top;  /* the first row that the window is at */
    int64_t left; /* the first column, for the first pixel */
    size_t count; /* pixels */
    smr_window_range rows;
    size_t span;         /* columns of the image that the tile sees */
    bool whole;          /* rows of taps are runs */
    bool copied;         /* they lie in `copy`, line by line */
    int32_t row, column; /* of the next run */
    size_t channel;
    float *copy;
} product_cursor;

/* Copies the columns of each line that the tile sees, those outside of the image as zeros. */
static void product_copy(const product_cursor *cursor) {
    const product_parameters *p = cursor->p;
    const smr_window *window = &p->window;
    const int64_t last = cursor->left + (int64_t)cursor->span;
    const size_t before = cursor->left < 0 ? (size_t)-cursor->left : 0;
    const size_t after = last > window->size[1] ? (size_t)(last - window->size[1]) : 0;
    const size_t numbers = (cursor->span - before - after) * p->channels;
    float *copy = cursor->copy;
    int32_t row;
    for (row = cursor->rows.begin; row < cursor->rows.end; ++row) {
        const size_t y = (size_t)(cursor->top + (int64_t)row * window->dilations[0]);
        const float *line =
            cursor->image + (y * (size_t)window->size[1] + (size_t)cursor->left + before) * p->channels;
        memset(copy, 0, before * p->channels * sizeof *copy);
        copy += before * p->channels;
        memcpy(copy, line, numbers * sizeof *copy);
        copy += numbers;
        memset(copy, 0, after * p->channels * sizeof *copy);
        copy += after * p->channels;
    }
}

static void product_run(const product_cursor *cursor, size_t length, smr_product_tile *tile) {
    const product_parameters *p = cursor->p;
    const smr_window *window = &p->window;
    const int64_t y = cursor->top + (int64_t)cursor->row * window->dilations[0];
    const float *line = cursor->image + (size_t)y * (size_t)window->size[1] * p->channels;
    const float **rows = &tile->rows[tile->runs * cursor->count];
    int64_t x = cursor->left + (int64_t)cursor->column * window->dilations[1];
    size_t i;
    if (cursor->whole) {
        const float *row = cursor->copied ? cursor->copy + (size_t)(cursor->row - cursor->rows.begin) *
                                                               cursor->span * p->channels
                                          : line + (size_t)x * p->channels;
        const size_t step = (size_t)window->strides[1] * p->channels;
        for (i = 0; i < cursor->count; ++i) {
            rows[i] = row + i * step;
        }
    } else {
        for (i = 0; i < cursor->count; ++i, x += window->strides[1]) {
            rows[i] = x < 0 || x >= window->size[1] ? product_zeros
                                                    : line + (size_t)x * p->channels + cursor->channel;
        }
    }
    tile->places[tile->runs++] =
        ((size_t)cursor->row * (size_t)window->taps[1] + (size_t)cursor->column) * p->channels +
        cursor->channel;
    tile->length = length;
}

/* Adds runs of one length while there is room; false when all have been added. */
static bool product_fill(product_cursor *cursor, smr_product_tile *tile) {
    const product_parameters *p = cursor->p;
    const size_t whole = cursor->whole ? (size_t)p->window.taps[1] * p->channels : p->channels;
    tile->runs = 0;
    while (cursor->row < cursor->rows.end) {
        const size_t left = whole - cursor->channel;
        const size_t length = cursor->whole || left < PRODUCT_ZEROS ? left : PRODUCT_ZEROS;
        if (tile->runs == SMR_TILE_RUNS || (tile->runs > 0 && length != tile->length)) {
            return true;
        }
        product_run(cursor, length, tile);
        cursor->channel += length;
        if (cursor->channel == whole) {
            cursor->channel = 0;
            if (cursor->whole || ++cursor->column == p->window.taps[1]) {
                cursor->column = 0;
                ++cursor->row;
            }
        }
    }
    return false;
}

static void product_begin(const product_parameters *p, const float *x, size_t place, float *copy,
                          size_t *line, size_t *column, product_cursor *cursor) {
    const smr_window *window = &p->window;
    int64_t y;
    *line = place / p->tiles;
    *column = place % p->tiles * p->pixels;
    y = (int64_t)(*line % (size_t)window->positions[0]);
    memset(cursor, 0, sizeof *cursor);
    cursor->p = p;
    cursor->copy = copy;
    cursor->image = x + *line / (size_t)window->positions[0] * (size_t)window->size[0] *
                            (size_t)window->size[1] * p->channels;
    cursor->count = p->width - *column < p->pixels ? p->width - *column : p->pixels;
    cursor->top = smr_window_at(window, 0, y, 0);
    cursor->left = smr_window_at(window, 1, (int64_t)*column, 0);
    cursor->rows = smr_window_taps(window, 0, y);
    cursor->row = cursor->rows.begin;
    cursor->span = (cursor->count - 1) * (size_t)window->strides[1] + (size_t)window->taps[1];
    if (window->dilations[1] != 1) {
        return;
    }
    cursor->whole = cursor->left >= 0 && cursor->left + (int64_t)cursor->span <= window->size[1];
    if (!cursor->whole && cursor->left > -(int64_t)cursor->span && cursor->left < window->size[1] &&
        cursor->rows.begin < cursor->rows.end && cursor->span <= PRODUCT_COPIED &&
        p->channels <= PRODUCT_COPIED &&
        (size_t)(cursor->rows.end - cursor->rows.begin) <= PRODUCT_COPIED / (cursor->span * p->channels)) {
        cursor->whole = cursor->copied = true;
        product_copy(cursor);
    }
}

static smr_status run_product(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const product_parameters *p = SMR_CONST_PARAMETERS(node, product_parameters);
    const size_t tiles = p->lines * p->tiles;
    const float *bias = node->inputs[2] == NULL ? NULL : node->inputs[2]->data;
    float copy[PRODUCT_COPIED];
    float biases[SMR_TILE_PANELS * 16] = {0};
    float partial[SMR_TILE_PIXELS * SMR_TILE_PANELS * 16];
    size_t item, block = SIZE_MAX, count = 0, first = 0;
    smr_product_tile tile;
    (void)error;
    tile.panel_stride = p->inner * 16;
    tile.partial = partial;
    tile.least = p->least;
    tile.most = p->most;
    tile.pixel_stride = p->outputs;
    for (item = begin; item < end; ++item) {
        product_cursor cursor;
        smr_product_function function;
        size_t line, column;
        const size_t wanted = p->tile_by_tile ? item % p->blocks : item / tiles;
        const size_t place = p->tile_by_tile ? item / p->blocks : item % tiles;
        bool more = true;
        if (wanted != block) {
            block = wanted;
            first = product_block(p, block);
            count = product_block(p, block + 1) - first;
            tile.weights = (const float *)node->inputs[1]->data + first * tile.panel_stride;
            tile.outputs = p->outputs - first * 16 < count * 16 ? p->outputs - first * 16 : count * 16;
            tile.bias = bias == NULL ? product_zeros : bias + first * 16;
            if (bias != NULL && tile.outputs < count * 16) {
                memcpy(biases, tile.bias, tile.outputs * sizeof *bias);
                tile.bias = biases;
            }
        }
        product_begin(p, node->inputs[0]->data, place, copy, &line, &column, &cursor);
        tile.output = (float *)node->outputs[0]->data + (line * p->width + column) * p->outputs + first * 16;
        function = p->functions->function[count - 1][cursor.count - 1];
        for (tile.first = true; more; tile.first = false) {
            more = product_fill(&cursor, &tile);
            tile.last = !more;
            function(&tile);
        }
    }
    return SMR_OK;
}

static void product_finish(smr_node *node, const product_parameters *p) {
    if (node->work > 0) {
        *SMR_PARAMETERS(node, product_parameters) = *p;
        node->work = p->blocks * p->lines * p->tiles;
        node->run = run_product;
    }
}

smr_status smr_product_prepare_conv2d(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error) {
    const smr_conv2d_parameters *generic = SMR_CONST_PARAMETERS(node, smr_conv2d_parameters);
    product_parameters p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_conv2d(node, error));
    if (node->work == 0) {
        return SMR_OK;
    }
    p.functions = functions;
    p.window = generic->window;
    p.channels = generic->channels;
    p.outputs = generic->outputs;
    p.inner = (size_t)p.window.taps[0] * (size_t)p.window.taps[1] * p.channels;
    p.lines = (size_t)node->outputs[0]->dims[0] * (size_t)p.window.positions[0];
    p.width = (size_t)p.window.positions[1];
    if (p.inner == p.channels && p.window.strides[0] == 1 && p.window.strides[1] == 1 &&
        p.window.positions[0] == p.window.size[0] && p.window.positions[1] == p.window.size[1] &&
        p.lines * p.width <= INT32_MAX) { /* pixels are rows of a matrix, wherever lines end */
        p.width *= p.lines;
        p.lines = 1;
        p.window.size[0] = p.window.positions[0] = 1;
        p.window.size[1] = p.window.positions[1] = (int32_t)p.width;
    }
    product_cut(&p, generic->activation);
    product_finish(node, &p);
    return SMR_OK;
}

smr_status smr_product_prepare_matmul(smr_node *node, const smr_product_functions *functions,
                                      smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->inputs[1], *z = node->outputs[0];
    product_parameters p;
    int32_t axis;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_matmul(node, error));
    if (node->work == 0 || z->count / (size_t)z->dims[z->rank - 1] > INT32_MAX) {
        return SMR_OK;
    }
    p.functions = functions;
    p.channels = p.inner = (size_t)y->dims[0];
    p.outputs = (size_t)y->dims[1];
    p.lines = 1;
    p.width = x->count / p.channels;
    for (axis = 0; axis < 2; ++axis) {
        p.window.taps[axis] = p.window.strides[axis] = p.window.dilations[axis] = 1;
        p.window.size[axis] = p.window.positions[axis] = axis == 0 ? 1 : (int32_t)p.width;
    }
    product_cut(&p, node->attributes.matmul.activation);
    product_finish(node, &p);
    return SMR_OK;
}
