/* Matrices [K, N] read 16 columns at a time, dense or stored in panels. */
#ifndef SMR_GENERIC_PANEL_H
#define SMR_GENERIC_PANEL_H

#include "../../core/kernel.h"

#define SMR_PANEL 16

/* Column 16 * p + j of row k is element p * panel_stride + k * row_stride + j. */
typedef struct smr_panels {
    size_t panel_stride;
    size_t row_stride;
    size_t columns;
    size_t count; /* of panels */
} smr_panels;

static inline smr_panels smr_panels_of(const smr_value *matrix, size_t rows, size_t columns) {
    smr_panels panels;
    const int packed = matrix->layout == SMR_LAYOUT_PANEL16;
    panels.panel_stride = packed ? rows * SMR_PANEL : SMR_PANEL;
    panels.row_stride = packed ? SMR_PANEL : columns;
    panels.columns = columns;
    panels.count = (columns + SMR_PANEL - 1) / SMR_PANEL;
    return panels;
}

/* How many columns a panel has; a packed one is padded to 16 with zeros, which may be read. */
static inline size_t smr_panel_width(const smr_panels *panels, size_t panel) {
    const size_t left = panels->columns - panel * SMR_PANEL;
    return left < SMR_PANEL ? left : SMR_PANEL;
}

/* What an op's attribute `activation` makes of a value. A NaN stays. */
static inline float smr_activate(uint8_t activation, float value) {
    if (activation != SMR_ACTIVATION_NONE) {
        value = value < 0.0f ? 0.0f : value;
        if (activation == SMR_ACTIVATION_RELU6) {
            value = value > 6.0f ? 6.0f : value;
        }
    }
    return value;
}

#endif
