/* The product of recurrent layers, cut into tiles. */
#include "recurrent.h"

/* The columns of some panels that are wanted, in rows that lie `stride` floats apart. */
typedef struct recurrent_columns {
    size_t stride;
    size_t first, last; /* counted from the first column of the panels */
    size_t width;       /* of the panels */
} recurrent_columns;

static bool recurrent_fits(const smr_value *matrix, uint8_t dtype) {
    return matrix->dtype == dtype && matrix->layout == SMR_LAYOUT_PANEL16;
}

static bool recurrent_fits_lstm(const smr_node *node, uint8_t dtype) {
    return recurrent_fits(node->inputs[RECURRENT_MATRIX], dtype) &&
           (node->input_count <= RECURRENT_PROJECTION || node->inputs[RECURRENT_PROJECTION] == NULL ||
            recurrent_fits(node->inputs[RECURRENT_PROJECTION], dtype));
}

bool smr_recurrent_takes(const smr_node *node) {
    return recurrent_fits(node->inputs[RECURRENT_MATRIX], SMR_DTYPE_FLOAT32);
}

bool smr_recurrent_takes_half(const smr_node *node) {
    return recurrent_fits(node->inputs[RECURRENT_MATRIX], SMR_DTYPE_FLOAT16);
}

bool smr_recurrent_takes_lstm(const smr_node *node) {
    return recurrent_fits_lstm(node, SMR_DTYPE_FLOAT32);
}

bool smr_recurrent_takes_half_lstm(const smr_node *node) {
    return recurrent_fits_lstm(node, SMR_DTYPE_FLOAT16);
}

/* The sums of some rows, with what a tile adds to them. They are copied but where there is one row whose
 * columns are all wanted. */
static void recurrent_tile(smr_tile *tile, smr_tile_function function, const recurrent_columns *columns,
                           float *sums, size_t rows) {
    float copy[SMR_TILE_SUMS];
    const size_t wanted = columns->last - columns->first;
    size_t r;
    if (rows == 1 && wanted == columns->width) {
        tile->partial = sums;
        function(tile);
        return;
    }
    tile->partial = copy;
    for (r = 0; r < rows; ++r) {
        float *to = copy + r * columns->width;
        memset(to, 0, columns->width * sizeof *to);
        memcpy(to + columns->first, sums + r * columns->stride + columns->first, wanted * sizeof *to);
    }
    function(tile);
    for (r = 0; r < rows; ++r) {
        memcpy(sums + r * columns->stride + columns->first, copy + r * columns->width + columns->first,
               wanted * sizeof *copy);
    }
}

void smr_recurrent_product(const smr_product_functions *tiles, size_t weight, const smr_panels *panels,
                           const void *matrix, size_t inner, size_t first, size_t last, const float *x,
                           float *sums, size_t rows, size_t stride) {
    const size_t begin = first / 16, end = (last + 15) / 16;
    const size_t most = rows == 1 ? tiles->panels_alone : tiles->panels;
    const size_t blocks = (end - begin + most - 1) / most;
    smr_tile tile;
    size_t block, row, count;
    memset(&tile, 0, sizeof tile);
    tile.rows = tile.runs = 1;
    tile.length = inner;
    tile.ahead = SMR_TILE_AHEAD;
    tile.pixel_step = stride * sizeof *x;
    tile.weights_panel = panels->panel_stride * weight;
    for (block = 0; block < blocks; ++block) {
        const size_t panel = begin + block * (end - begin) / blocks;
        const size_t width = begin + (block + 1) * (end - begin) / blocks - panel;
        recurrent_columns columns = {stride, 0, width * 16, width * 16};
        if (panel * 16 < first) {
            columns.first = first - panel * 16;
        }
        if ((panel + width) * 16 > last) {
            columns.last = last - panel * 16;
        }
        tile.weights = (const uint8_t *)matrix + panel * tile.weights_panel;
        for (row = 0; row < rows; row += count) {
            count = rows - row < tiles->pixels[width - 1] ? rows - row : tiles->pixels[width - 1];
            tile.pixels = (const uint8_t *)(const void *)(x + row * stride);
            recurrent_tile(&tile, tiles->function[width - 1][count - 1], &columns,
                           sums + row * stride + panel * 16, count);
        }
    }
}
