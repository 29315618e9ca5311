/* Elements that lie side by side, in input 0 of an op and in its output of the same shape: kernels that make
 * one element of another go from span to span, so that either tensor may be strided. Where neither is there
 * is one span of all.
 *
 *     for (span = smr_span_first(node, begin, end); span.count > 0; smr_span_next(&span)) { ... } */
#ifndef SMR_GENERIC_SPAN_H
#define SMR_GENERIC_SPAN_H

#include "../../core/kernel.h"

typedef struct smr_span {
    size_t x, y;         /* where the elements begin in the input, and in the output */
    size_t count;        /* 0 after the last span */
    size_t left;         /* elements of this span and all that follow */
    size_t width;        /* of a row */
    size_t x_gap, y_gap; /* from the end of one row to the beginning of the next */
} smr_span;

/* The first span of the elements [begin, end). */
static inline smr_span smr_span_first(const smr_node *node, size_t begin, size_t end) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    smr_span span = {begin, begin, end - begin, end - begin, 0, 0, 0};
    if ((x->layout == SMR_LAYOUT_STRIDED || y->layout == SMR_LAYOUT_STRIDED) && begin < end) {
        size_t rest;
        span.width = (size_t)y->dims[y->rank - 1];
        span.x_gap = smr_value_row(x) - span.width;
        span.y_gap = smr_value_row(y) - span.width;
        span.x += begin / span.width * span.x_gap;
        span.y += begin / span.width * span.y_gap;
        rest = span.width - begin % span.width;
        span.count = rest < span.left ? rest : span.left;
    }
    return span;
}

static inline void smr_span_next(smr_span *span) {
    span->left -= span->count;
    span->x += span->count + span->x_gap;
    span->y += span->count + span->y_gap;
    span->count = span->left < span->width ? span->left : span->width;
}

#endif
