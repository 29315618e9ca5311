/* Convolutions with weights that no cache of the second level keeps: a few of them at a time meet all pixels
 * of a part, whose sums so far are in memory. */
#include "product_part.h"

/* Weights of a block that all pixels of a part meet before the next ones. */
#define PRODUCT_CHUNK (32 * 1024)

/* Adds the products of so many channels of the tap at `row` and `column` to the sums of all pixels that it
 * sees. */
static void product_sweep_tap(const smr_product *p, const product_block *block, const product_part *part,
                              size_t row, size_t column, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t most = p->functions->pixels[block->count - 1];
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
            tile->pixels = from + ((size_t)y * (size_t)window->size[1] + x) * p->pixel;
            tile->partial = sums + (line * part->columns + at) * block->count * 16;
            block->functions[pixels - 1](tile);
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
          *output = (float *)node->outputs[0]->data + first * tile->output_step + block->first * 16;
    size_t at, count;
    tile->rows = 0;
    for (at = 0; at < pixels; at += count) {
        count = pixels - at < most ? pixels - at : most;
        tile->partial = sums + at * block->count * 16;
        tile->output = output + at * tile->output_step;
        block->functions[count - 1](tile);
    }
    tile->partial = sums;
    tile->rows = 1;
}

void smr_product_sweep(const smr_node *node, const smr_product *p, const product_block *block,
                       product_part *part, smr_tile *tile) {
    const smr_window *window = &p->window;
    const size_t most = PRODUCT_CHUNK / (block->count * 64);
    const size_t chunk = product_divide(p->channels, product_divide(p->channels, most));
    const uint8_t *weights = tile->weights;
    size_t row, column, channel;
    tile->start = block->bias;
    tile->partial = part->copy;
    tile->jump = 0;
    tile->ahead = SMR_TILE_AHEAD;
    tile->runs = 1;
    tile->pixel_step = (size_t)window->strides[1] * p->pixel;
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
                product_sweep_tap(p, block, part, row, column, tile);
            }
        }
    }
    tile->weights = weights;
    tile->last = true;
    product_sweep_all(node, p, block, part, tile);
}
