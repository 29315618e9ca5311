/* Cutting a Winograd convolution into blocks of tiles, and its kernel in plain C. */
#include "winograd.h"

#include <math.h>
#include <string.h>

#include "../../core/follow.h"
#include "../prototypes.h"
#include "scalar.h"

/* Channels of a pixel in the padding are read from here, so many at a time. */
#define WINOGRAD_ZEROS 512

/* Work items, at most. */
#define WINOGRAD_SHARES 4

/* Pairs of channels of a filter that no cache of the second level keeps: it meets as many tiles at once as
 * the scratch has room for. */
#define WINOGRAD_LARGE (8 * 1024)

static const float winograd_zeros[WINOGRAD_ZEROS] = {0};

typedef struct winograd_parameters {
    const smr_winograd_functions *functions;
    int64_t size[2];      /* of the input: height, width */
    int64_t positions[2]; /* of the output */
    int64_t before[2];    /* padding at the top and at the left */
    size_t counts[2];     /* of tiles in an image */
    size_t tiles;         /* of all images */
    size_t block;         /* tiles that are multiplied together, at most */
    size_t room;          /* tiles that the scratch has room for */
    size_t channels;
    size_t pixel; /* floats from a pixel of the input to the next */
    size_t outputs;
    float least, most;
} winograd_parameters;
_Static_assert(sizeof(winograd_parameters) <= SMR_PARAMETER_BYTES, "winograd_parameters fit a node");

/* How many blocks of at most so many tiles there are, or tiles in the longest of so many blocks. */
static inline size_t winograd_blocks(size_t tiles, size_t by) {
    return (tiles + by - 1) / by;
}

/* A tile: its image, line and column. */
typedef struct winograd_tile {
    size_t image;
    int64_t y, x; /* of the output */
} winograd_tile;

static winograd_tile winograd_tile_at(const winograd_parameters *p, size_t index) {
    const size_t line = index / p->counts[1];
    winograd_tile tile;
    tile.image = line / p->counts[0];
    tile.y = (int64_t)(line % p->counts[0]) * SMR_WINOGRAD_TILE;
    tile.x = (int64_t)(index % p->counts[1]) * SMR_WINOGRAD_TILE;
    return tile;
}

/* Points at the pixels that a tile sees, from channel `channel` on. */
static void winograd_find(const winograd_parameters *p, const float *x, const winograd_tile *tile,
                          size_t channel, const float **pixels) {
    const float *image = x + tile->image * (size_t)p->size[0] * (size_t)p->size[1] * p->pixel + channel;
    const int64_t top = tile->y - p->before[0], left = tile->x - p->before[1];
    const int64_t begin = left < 0 ? -left : 0, room = p->size[1] - left;
    const int64_t end = room < SMR_WINOGRAD_SEEN ? room : SMR_WINOGRAD_SEEN;
    int64_t i, j;
    for (i = 0; i < SMR_WINOGRAD_SEEN; ++i) {
        const bool inside = top + i >= 0 && top + i < p->size[0];
        const float **line = pixels + i * SMR_WINOGRAD_SEEN;
        const float *source =
            image + (inside ? (size_t)((top + i) * p->size[1] + left + begin) : 0) * p->pixel;
        for (j = 0; j < SMR_WINOGRAD_SEEN; ++j) {
            line[j] = winograd_zeros;
        }
        for (j = begin; inside && j < end; ++j, source += p->pixel) {
            line[j] = source;
        }
    }
}

/* Spreads what tile `index` sees to the rows that begin at `rows`. */
static void winograd_spread_tile(const winograd_parameters *p, const float *x, size_t index, float *rows,
                                 size_t stride) {
    const winograd_tile tile = winograd_tile_at(p, index);
    const float *pixels[SMR_WINOGRAD_POINTS];
    size_t channel, count;
    for (channel = 0; channel < p->channels; channel += count) {
        /* No part is so short that a vector would not fit. */
        count = p->channels - channel;
        count = count > 2 * WINOGRAD_ZEROS ? WINOGRAD_ZEROS : count > WINOGRAD_ZEROS ? count / 2 : count;
        winograd_find(p, x, &tile, channel, pixels);
        p->functions->spread(pixels, count, rows + channel, stride);
    }
}

static void winograd_gather_tile(const winograd_parameters *p, const smr_node *node, size_t index,
                                 const float *sums, size_t stride) {
    const winograd_tile tile = winograd_tile_at(p, index);
    const int64_t lines = p->positions[0] - tile.y, columns = p->positions[1] - tile.x;
    const size_t row = smr_value_row(node->outputs[0]);
    smr_winograd_output output;
    output.pixels =
        (float *)node->outputs[0]->data +
        ((tile.image * (size_t)p->positions[0] + (size_t)tile.y) * (size_t)p->positions[1] + (size_t)tile.x) *
            row;
    output.line_stride = (size_t)p->positions[1] * row;
    output.pixel_stride = row;
    output.lines = (size_t)(lines < SMR_WINOGRAD_TILE ? lines : SMR_WINOGRAD_TILE);
    output.columns = (size_t)(columns < SMR_WINOGRAD_TILE ? columns : SMR_WINOGRAD_TILE);
    output.bias = node->inputs[2] == NULL ? NULL : node->inputs[2]->data;
    output.least = p->least;
    output.most = p->most;
    p->functions->gather(sums, stride, p->outputs, &output);
}

/* Of so many tiles from `index` on all pixels are there. */
static void winograd_end_tiles(const winograd_parameters *p, const smr_node *node, size_t index,
                               size_t count) {
    size_t tiles;
    for (; count > 0; index += tiles, count -= tiles) {
        const winograd_tile tile = winograd_tile_at(p, index);
        const size_t line = tile.image * (size_t)p->positions[0] + (size_t)tile.y;
        const size_t lines = (size_t)(p->positions[0] - tile.y), columns = (size_t)(p->positions[1] - tile.x);
        tiles = p->counts[1] - index % p->counts[1];
        tiles = tiles < count ? tiles : count;
        smr_follow(node, line * (size_t)p->positions[1] + (size_t)tile.x,
                   lines < SMR_WINOGRAD_TILE ? lines : SMR_WINOGRAD_TILE,
                   tiles * SMR_WINOGRAD_TILE < columns ? tiles * SMR_WINOGRAD_TILE : columns);
    }
}

/* A work item is a share of the tiles, and of the scratch. */
static smr_status run_winograd(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const winograd_parameters *p = SMR_CONST_PARAMETERS(node, winograd_parameters);
    const size_t floats = SMR_WINOGRAD_POINTS * (p->channels + p->outputs);
    const size_t room = p->room * begin / node->work, most = p->room * end / node->work - room;
    const size_t last = p->tiles * end / node->work;
    size_t first = p->tiles * begin / node->work, count;
    size_t blocks = winograd_blocks(last - first, most < p->block ? most : p->block);
    float *rows = (float *)node->scratch + room * floats;
    (void)error;
    for (; blocks > 0; --blocks, first += count) {
        smr_winograd_product product;
        size_t i;
        count = winograd_blocks(last - first, blocks);
        product.rows = rows;
        product.weights = node->inputs[1]->data;
        product.sums = rows + SMR_WINOGRAD_POINTS * count * p->channels;
        product.tiles = count;
        product.channels = p->channels;
        product.outputs = p->outputs;
        for (i = 0; i < count; ++i) {
            winograd_spread_tile(p, node->inputs[0]->data, first + i, rows + i * p->channels,
                                 count * p->channels);
        }
        p->functions->multiply(&product);
        for (i = 0; i < count; ++i) {
            winograd_gather_tile(p, node, first + i, product.sums + i * p->outputs, count * p->outputs);
        }
        if (node->follower != 0) {
            winograd_end_tiles(p, node, first, count);
        }
    }
    return SMR_OK;
}

static smr_status winograd_check(const smr_node *node, winograd_parameters *p, smr_error *error) {
    const smr_winograd_conv2d_attributes *a = &node->attributes.winograd_conv2d;
    const smr_value *x = node->inputs[0], *filter = node->inputs[1], *bias = node->inputs[2];
    const smr_value *y = node->outputs[0];
    int32_t axis;
    if (x->rank != 4 || filter->rank != 4 || y->rank != 4 || x->dims[0] != y->dims[0] ||
        filter->dims[0] != SMR_WINOGRAD_SEEN || filter->dims[1] != SMR_WINOGRAD_SEEN ||
        filter->dims[2] != x->dims[3] || x->dims[3] == 0 || filter->dims[3] != y->dims[3]) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "an image [N, H, W, C] of at least one channel and a transformed filter [6, 6, C, O] give "
                 "[N, H', W', O]");
    }
    if (bias != NULL && (bias->rank != 1 || bias->dims[0] != y->dims[3])) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the bias must have one element for each of %d output channels",
                 (int)y->dims[3]);
    }
    if (filter->layout != SMR_LAYOUT_PANEL16) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the transformed filter must be in panels");
    }
    for (axis = 0; axis < 2; ++axis) {
        const int64_t before = a->paddings.count == 4 ? a->paddings.values[2 * axis] : -1;
        const int64_t after = a->paddings.count == 4 ? a->paddings.values[2 * axis + 1] : -1;
        if (before < 0 || after < 0 || y->dims[1 + axis] != x->dims[1 + axis] + before + after - 2) {
            SMR_FAIL(error, SMR_ERROR_MODEL,
                     "3 taps over %d padded by %lld and %lld have not %d positions, along axis %d",
                     (int)x->dims[1 + axis], (long long)before, (long long)after, (int)y->dims[1 + axis],
                     (int)(1 + axis));
        }
        p->size[axis] = x->dims[1 + axis];
        p->positions[axis] = y->dims[1 + axis];
        p->before[axis] = before;
        p->counts[axis] = (size_t)((p->positions[axis] + SMR_WINOGRAD_TILE - 1) / SMR_WINOGRAD_TILE);
    }
    p->channels = (size_t)x->dims[3];
    p->pixel = smr_value_row(x);
    p->outputs = (size_t)y->dims[3];
    return SMR_OK;
}

/* The same rule as the op table's for scratch: see graph/ops/winograd.py. */
static smr_status winograd_cut(smr_node *node, winograd_parameters *p, smr_error *error) {
    const size_t floats = SMR_WINOGRAD_POINTS * (p->channels + p->outputs);
    const size_t fitting = 32768 / floats;
    p->tiles = (size_t)node->inputs[0]->dims[0] * p->counts[0] * p->counts[1];
    p->block = fitting < 12 ? 12 : fitting > 48 ? 48 : fitting;
    p->block = p->block < p->tiles ? p->block : p->tiles;
    p->room = winograd_blocks(p->tiles, p->block);
    p->room = (p->room < WINOGRAD_SHARES ? p->room : WINOGRAD_SHARES) * p->block;
    if (floats > (size_t)PTRDIFF_MAX / sizeof(float) / p->room) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a block of %zu tiles has more bytes than this machine can address",
                 p->block);
    }
    if (p->channels * p->outputs > WINOGRAD_LARGE) {
        p->block = p->room;
    }
    node->work = p->tiles < WINOGRAD_SHARES ? p->tiles : WINOGRAD_SHARES;
    node->scratch_bytes = p->room * floats * sizeof(float);
    return SMR_OK;
}

smr_status smr_winograd_prepare(smr_node *node, const smr_winograd_functions *functions, smr_error *error) {
    winograd_parameters p;
    const uint8_t activation = node->attributes.winograd_conv2d.activation;
    memset(&p, 0, sizeof p);
    SMR_TRY(winograd_check(node, &p, error));
    node->work = 0;
    if (node->outputs[0]->count == 0) {
        return SMR_OK;
    }
    p.functions = functions;
    p.least = activation == SMR_ACTIVATION_NONE ? -INFINITY : 0.0f;
    p.most = activation == SMR_ACTIVATION_RELU6 ? 6.0f : INFINITY;
    SMR_TRY(winograd_cut(node, &p, error));
    *SMR_PARAMETERS(node, winograd_parameters) = p;
    node->completes = 1;
    node->run = run_winograd;
    return SMR_OK;
}

#include "winograd.inc"

static void winograd_multiply(const smr_winograd_product *product) {
    const size_t channels = product->channels, outputs = product->outputs;
    size_t point, tile, first;
    for (point = 0; point < SMR_WINOGRAD_POINTS; ++point) {
        for (first = 0; first < outputs; first += 16) {
            const float *weights = product->weights + (first * SMR_WINOGRAD_POINTS + point * 16) * channels;
            const size_t count = outputs - first < 16 ? outputs - first : 16;
            for (tile = 0; tile < product->tiles; ++tile) {
                const size_t row = point * product->tiles + tile;
                const float *values = product->rows + row * channels;
                float sums[16] = {0};
                size_t k, j;
                for (k = 0; k < channels; ++k) {
                    for (j = 0; j < 16; ++j) {
                        sums[j] += values[k] * weights[k * 16 + j];
                    }
                }
                memcpy(product->sums + row * outputs + first, sums, count * sizeof *sums);
            }
        }
    }
}

smr_status smr_prepare_winograd_conv2d(smr_node *node, smr_error *error) {
    static const smr_winograd_functions functions = {winograd_spread, winograd_multiply, winograd_gather};
    return smr_winograd_prepare(node, &functions, error);
}
