/* Copies of what pixels see, in the form that an instruction set multiplies. */
#include "product_part.h"

static void product_copy_numbers(const smr_product *p, uint8_t *to, const uint8_t *from, size_t bytes) {
    if (p->functions->flip != 0) {
        p->functions->copy(to, from, bytes);
    } else {
        memcpy(to, from, bytes);
    }
}

static void product_border(uint8_t *to, uint8_t border, size_t bytes) {
    if (bytes > 0) {
        memset(to, border, bytes);
    }
}

/* Copies a row of a box; where it is outside of the image the border is written. */
static void product_copy_row(const smr_product *p, const uint8_t *row, const product_box *box, uint8_t *to) {
    const uint8_t border = p->border ^ p->functions->flip;
    const size_t pixel = p->pixel, bytes = box->channels * p->number;
    const int64_t width = p->window.size[1];
    size_t i = 0;
    if (box->column_step == 1 && bytes == pixel) {
        const int64_t last = box->left + (int64_t)box->columns;
        const int64_t begin = box->left < 0 ? 0 : box->left, end = last < width ? last : width;
        if (begin >= end) {
            memset(to, border, box->columns * bytes);
            return;
        }
        product_border(to, border, (size_t)(begin - box->left) * bytes);
        product_copy_numbers(p, to + (size_t)(begin - box->left) * bytes, row + (size_t)begin * bytes,
                             (size_t)(end - begin) * bytes);
        product_border(to + (size_t)(end - box->left) * bytes, border, (size_t)(last - end) * bytes);
        return;
    }
    for (i = 0; i < box->columns; ++i, to += bytes) {
        const int64_t x = box->left + (int64_t)(i * box->column_step);
        if (x < 0 || x >= width) {
            memset(to, border, bytes);
        } else {
            product_copy_numbers(p, to, row + (size_t)x * pixel + box->channel * p->number, bytes);
        }
    }
}

void smr_product_copy(const smr_product *p, const uint8_t *image, const product_box *box, uint8_t *to) {
    const size_t row_bytes = (size_t)p->window.size[1] * p->pixel;
    const size_t bytes = box->columns * box->channels * p->number;
    size_t i;
    for (i = 0; i < box->rows; ++i, to += bytes) {
        const int64_t y = box->top + (int64_t)(i * box->row_step);
        if (y < 0 || y >= p->window.size[0]) {
            memset(to, p->border ^ p->functions->flip, bytes);
        } else {
            product_copy_row(p, image + (size_t)y * row_bytes, box, to);
        }
    }
}
