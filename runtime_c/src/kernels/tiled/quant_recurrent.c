/* The sums of recurrent layers of integers, cut into tiles. */
#include "quant_recurrent.h"

void smr_gate_sums(const smr_product_functions *tiles, smr_gate_narrow narrow, const smr_gate_rows *g) {
    const size_t most = g->rows == 1 ? tiles->panels_alone : tiles->panels;
    int32_t sums[SMR_TILE_SUMS];
    size_t at, panels, row, rows, i, k;
    smr_tile tile;
    memset(&tile, 0, sizeof tile);
    tile.rows = tile.runs = 1;
    tile.length = g->panel_bytes / (QUANT_PANEL * 4);
    tile.ahead = SMR_TILE_AHEAD;
    tile.pixel_step = g->step;
    tile.weights_panel = g->panel_bytes;
    tile.first = true;
    tile.careful = g->careful;
    tile.partial = sums;
    for (at = 0; at < g->gates; at += panels) {
        panels = g->gates - at < most ? g->gates - at : most;
        tile.weights = (const uint8_t *)g->weights + at * g->panel_bytes;
        for (row = 0; row < g->rows; row += rows) {
            rows = g->rows - row < tiles->pixels[panels - 1] ? g->rows - row : tiles->pixels[panels - 1];
            tile.pixels = g->x + row * g->step;
            /* A tile of one row takes away what a flip adds. */
            tile.start = (rows == 1 || tiles->flip == 0 ? g->bias : g->start) + at * QUANT_PANEL;
            tiles->function[panels - 1][rows - 1](&tile);
            for (i = 0; i < rows; ++i) {
                for (k = 0; k < panels; ++k) {
                    narrow(sums + (i * panels + k) * QUANT_PANEL, g->multiplier + (at + k) * QUANT_PANEL,
                           g->to + (row + i) * g->stride + (at + k) * g->apart);
                }
            }
        }
    }
}
