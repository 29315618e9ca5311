/* The products of Winograd convolutions with the tiles of an instruction set. */
#include "winograd.h"

#include <math.h>

static const float winograd_bias[SMR_TILE_PANELS * 16] = {0};

bool smr_winograd_takes(const smr_node *node, size_t lanes) {
    const smr_value *filter = node->inputs[1];
    return filter->rank == 4 && filter->dims[2] >= (int32_t)lanes && filter->dims[3] >= (int32_t)lanes;
}

/* Multiplies the rows of all tiles at one point with the panels that `tile` is set to, up to `most` rows at
 * once. */
static void winograd_multiply_rows(const smr_winograd_product *product, const smr_tile_function *functions,
                                   size_t most, const float *rows, float *sums, smr_tile *tile) {
    const size_t parts = (product->tiles + most - 1) / most, count = product->tiles / parts;
    const size_t longer = product->tiles - parts * count; /* parts that have one row more */
    size_t i;
    for (i = 0; i < parts; ++i) {
        const size_t width = count + (i < longer);
        tile->pixels = (const uint8_t *)(const void *)rows;
        tile->output = sums;
        functions[width - 1](tile);
        rows += width * product->channels;
        sums += width * product->outputs;
    }
}

void smr_winograd_multiply(const smr_product_functions *functions, const smr_winograd_product *product) {
    const size_t panels = (product->outputs + 15) / 16, row_bytes = product->channels * 16 * sizeof(float);
    const size_t blocks = panels > functions->panels ? panels / functions->panels : 1;
    float partial[SMR_TILE_SUMS];
    smr_tile tile;
    size_t point, block;
    memset(&tile, 0, sizeof tile);
    tile.rows = tile.runs = 1;
    tile.length = product->channels;
    tile.pixel_step = product->channels * sizeof(float);
    tile.weights_panel = SMR_WINOGRAD_POINTS * row_bytes;
    tile.start = winograd_bias;
    tile.partial = partial;
    tile.first = tile.last = true;
    tile.least = -INFINITY;
    tile.most = INFINITY;
    tile.ahead = SMR_TILE_AHEAD;
    tile.output_step = product->outputs;
    for (point = 0; point < SMR_WINOGRAD_POINTS; ++point) {
        const size_t rows = point * product->tiles;
        for (block = 0; block < blocks; ++block) {
            const size_t first = block * panels / blocks, count = (block + 1) * panels / blocks - first;
            const size_t left = product->outputs - first * 16;
            tile.outputs = left < count * 16 ? left : count * 16;
            tile.weights = (const uint8_t *)(const void *)product->weights + first * tile.weights_panel +
                           point * row_bytes;
            winograd_multiply_rows(product, functions->function[count - 1], functions->pixels[count - 1],
                                   product->rows + rows * product->channels,
                                   product->sums + rows * product->outputs + first * 16, &tile);
        }
    }
}
