/* What preparing means and softmax of int8 finds out: kernels for instruction sets begin with it. */
#ifndef SMR_GENERIC_QUANT_REDUCE_H
#define SMR_GENERIC_QUANT_REDUCE_H

#include "quant.h"

typedef struct quant_average {
    smr_window window;
    quant_output output;
    float multiplier;
    int32_t zero_point;
    size_t channels;
    bool count_border;
} quant_average;
_Static_assert(sizeof(quant_average) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* The taps that meet the input, and how many count. */
typedef struct quant_span {
    int32_t begin; /* tap */
    int32_t end;
    int64_t first; /* place in the input of tap 0 */
    int32_t count;
} quant_span;

static inline quant_span quant_average_span(const quant_average *average, int32_t axis, size_t output) {
    const smr_window *window = &average->window;
    const int32_t taps = window->taps[axis];
    const int64_t first = (int64_t)output * window->strides[axis] - window->before[axis];
    const int64_t room = window->size[axis] - first;
    quant_span span;
    span.first = first;
    span.begin = first < 0 ? (int32_t)(-first < taps ? -first : taps) : 0;
    span.end = room < taps ? (int32_t)(room < 0 ? 0 : room) : taps;
    span.count = span.end > span.begin ? span.end - span.begin : 0;
    if (average->count_border) {
        span.count = taps;
    }
    return span;
}

typedef struct quant_mean {
    quant_output output;
    float multiplier;
    int32_t zero_point;
    uint32_t reduced; /* bit i: axis i is */
    size_t inner;     /* outputs that lie side by side in the input */
} quant_mean;
_Static_assert(sizeof(quant_mean) <= SMR_PARAMETER_BYTES, "it is stored in a node");

typedef struct quant_softmax {
    quant_output output;
    float multiplier;
    size_t size;  /* elements that add up to 1 */
    size_t inner; /* elements from one of them to the next */
} quant_softmax;
_Static_assert(sizeof(quant_softmax) <= SMR_PARAMETER_BYTES, "it is stored in a node");

#endif
