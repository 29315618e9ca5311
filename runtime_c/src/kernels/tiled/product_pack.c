/* Products whose weights are computed: a run packs them first, as the file has those that are constants. */
#include "product_part.h"

/* Columns of the matrix in one row of a panel; the others are 0. */
static void pack_rows(uint8_t *to, const uint8_t *from, size_t rows, size_t stride, size_t bytes,
                      size_t whole) {
    size_t k;
    if (bytes == 64) { /* copied without a call */
        for (k = 0; k < rows; ++k) {
            memcpy(to + k * 64, from + k * stride, 64);
        }
        return;
    }
    for (k = 0; k < rows; ++k) {
        memcpy(to + k * whole, from + k * stride, bytes);
        memset(to + k * whole + bytes, 0, whole - bytes);
    }
}

/* The same from as many rows, each of which is a column of the panel. */
static void pack_columns_f32(uint32_t *to, const uint32_t *from, size_t rows, size_t columns) {
    size_t k, j;
    for (k = 0; k < rows; ++k) {
        for (j = 0; j < 16; ++j) {
            to[k * 16 + j] = j < columns ? from[j * rows + k] : 0;
        }
    }
}

static void pack_columns_f16(uint16_t *to, const uint16_t *from, size_t rows, size_t columns) {
    size_t k, j;
    for (k = 0; k < rows; ++k) {
        for (j = 0; j < 16; ++j) {
            to[k * 16 + j] = (uint16_t)(j < columns ? from[j * rows + k] : 0);
        }
    }
}

void smr_product_pack(const smr_node *node, const smr_product *p, size_t panel) {
    const size_t row = (size_t)p->number * 16, rows = p->weights_panel / row, first = panel * 16;
    const size_t columns = p->outputs - first < 16 ? p->outputs - first : 16;
    const uint8_t *from = node->inputs[1]->data;
    uint8_t *to = (uint8_t *)node->scratch + panel * p->weights_panel;
    if (!p->turned) {
        pack_rows(to, from + first * p->number, rows, (size_t)p->outputs * p->number, columns * p->number,
                  row);
    } else if (p->number == 4) {
        pack_columns_f32((uint32_t *)(void *)to, (const uint32_t *)(const void *)from + first * rows, rows,
                         columns);
    } else {
        pack_columns_f16((uint16_t *)(void *)to, (const uint16_t *)(const void *)from + first * rows, rows,
                         columns);
    }
}

/* The work items of the first phase share the panels, those of the second are the ones of a product. */
smr_status smr_product_run_packed(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_product *p = SMR_CONST_PARAMETERS(node, smr_product);
    const uint64_t items = node->work / 2, last = end < items ? end : items;
    (void)error;
    if (begin < items) {
        size_t panel = (size_t)(begin * p->panels / items);
        for (; panel < (size_t)(last * p->panels / items); ++panel) {
            smr_product_pack(node, p, panel);
        }
        begin = (size_t)last;
    }
    if (begin < end) {
        smr_product_run_with(node, begin - (size_t)items, end - (size_t)items, NULL);
    }
    return SMR_OK;
}
