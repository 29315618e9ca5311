/* The products of Winograd convolutions with the tiles of an instruction set. */
#include "winograd.h"

#include <math.h>

static const float winograd_bias[SMR_TILE_PANELS * 16] = {0};

bool smr_winograd_takes(const smr_node *node, size_t lanes) {
    const smr_value *filter = node->inputs[1];
    return filter->rank == 4 && filter->dims[2] >= (int32_t)lanes && filter->dims[3] >= (int32_t)lanes;
}

/* Multiplies the rows of all tiles at one point with the panels that `tile` is set to, `width` rows at once.
 */
static void winograd_multiply_rows(const smr_winograd_product *product, const smr_product_function *functions,
                                   size_t width, const float *rows, smr_product_tile *tile) {
    size_t left = product->tiles;
    while (left > 0) {
        const size_t count = left < width ? left : width;
        size_t i;
        for (i = 0; i < count; ++i, rows += product->channels) {
            tile->rows[i] = rows;
        }
        functions[count - 1](tile);
        tile->output += count * product->outputs;
        left -= count;
    }
}

void smr_winograd_multiply(const smr_product_functions *functions, const smr_winograd_product *product) {
    const size_t panels = (product->outputs + 15) / 16;
    const size_t blocks = (panels + functions->panels - 1) / functions->panels;
    float partial[SMR_TILE_PIXELS * SMR_TILE_PANELS * 16];
    smr_product_tile tile;
    size_t point, block;
    memset(&tile, 0, sizeof tile);
    tile.runs = 1;
    tile.length = product->channels;
    tile.panel_stride = SMR_WINOGRAD_POINTS * product->channels * 16;
    tile.bias = winograd_bias;
    tile.partial = partial;
    tile.first = tile.last = true;
    tile.least = -INFINITY;
    tile.most = INFINITY;
    tile.pixel_stride = product->outputs;
    for (block = 0; block < blocks; ++block) {
        const size_t first = block * panels / blocks, count = (block + 1) * panels / blocks - first;
        const size_t left = product->outputs - first * 16, most = functions->pixels[count - 1];
        const size_t parts = (product->tiles + most - 1) / most;
        const size_t width = (product->tiles + parts - 1) / parts;
        tile.weights = product->weights + first * tile.panel_stride;
        tile.outputs = left < count * 16 ? left : count * 16;
        for (point = 0; point < SMR_WINOGRAD_POINTS; ++point) {
            const size_t rows = point * product->tiles;
            tile.places[0] = point * product->channels;
            tile.output = product->sums + rows * product->outputs + first * 16;
            winograd_multiply_rows(product, functions->function[count - 1], width,
                                   product->rows + rows * product->channels, &tile);
        }
    }
}
