/* What the pooling kernels share: each work item is 16 channels of one pixel. */
#ifndef SMR_GENERIC_POOL_H
#define SMR_GENERIC_POOL_H

#include "array.h"
#include "convert.h"
#include "window.h"

#define POOL_CHANNELS 16u

typedef struct pool_parameters {
    smr_window window;
    size_t channels;
    size_t blocks; /* work items of one pixel */
    float divisor; /* of a mean; 0 for the number of real pixels of each window */
} pool_parameters;

/* The attributes that all pooling ops have. */
typedef struct pool_attributes {
    const smr_ints2 *pool_size;
    const smr_ints2 *strides;
    const smr_ints4 *paddings;
    uint8_t padding;
} pool_attributes;

#define POOL_ATTRIBUTES(a) {&(a)->pool_size, &(a)->strides, &(a)->paddings, (a)->padding}

/* Checks x [N, H, W, C] against y, which is x pooled, and fills the node's parameters. The work is that of
 * `items`, which is one of the two or has its shape. */
smr_status smr_pool_prepare(smr_node *node, const pool_attributes *a, const smr_value *x, const smr_value *y,
                            const smr_value *items, smr_error *error);

/* Along one axis, the pixels [begin, end) that are not padding, or the windows that see a pixel. */
typedef struct pool_range {
    int64_t begin;
    int64_t end;
} pool_range;

/* The real pixels of a window: at least one. */
static inline pool_range pool_pixels(const smr_window *window, int32_t axis, int64_t position) {
    const int64_t begin = smr_window_at(window, axis, position, 0);
    const int64_t end = begin + window->taps[axis];
    pool_range range;
    range.begin = begin < 0 ? 0 : begin;
    range.end = end > window->size[axis] ? window->size[axis] : end;
    return range;
}

/* The windows that see a pixel: possibly none. */
static inline pool_range pool_windows(const smr_window *window, int32_t axis, int64_t pixel) {
    const int64_t last = pixel + window->before[axis];
    const int64_t first = last - window->taps[axis] + 1;
    const int64_t stride = window->strides[axis];
    pool_range range;
    range.begin = first <= 0 ? 0 : (first + stride - 1) / stride;
    range.end = last / stride + 1;
    if (range.end > window->positions[axis]) {
        range.end = window->positions[axis];
    }
    return range;
}

/* What a work item is. */
typedef struct pool_place {
    size_t batch;
    int64_t y;
    int64_t x;
    size_t channel; /* the first one */
    size_t width;   /* the number of channels */
} pool_place;

static inline pool_place pool_place_of(const pool_parameters *p, const int32_t sizes[2], size_t item) {
    const size_t pixel = item / p->blocks;
    pool_place place;
    place.x = (int64_t)(pixel % (size_t)sizes[1]);
    place.y = (int64_t)(pixel / (size_t)sizes[1] % (size_t)sizes[0]);
    place.batch = pixel / ((size_t)sizes[0] * (size_t)sizes[1]);
    place.channel = item % p->blocks * POOL_CHANNELS;
    place.width = p->channels - place.channel < POOL_CHANNELS ? p->channels - place.channel : POOL_CHANNELS;
    return place;
}

/* The index of the item's first channel in a tensor of these sizes, whose pixels are `row` elements apart, at
 * another pixel of the same example. */
static inline size_t pool_index(size_t row, const int32_t sizes[2], const pool_place *place, int64_t y,
                                int64_t x) {
    return ((place->batch * (size_t)sizes[0] + (size_t)y) * (size_t)sizes[1] + (size_t)x) * row +
           place->channel;
}

static inline float pool_divisor(const pool_parameters *p, int64_t y, int64_t x) {
    const pool_range rows = pool_pixels(&p->window, 0, y);
    const pool_range columns = pool_pixels(&p->window, 1, x);
    return p->divisor > 0 ? p->divisor : (float)((rows.end - rows.begin) * (columns.end - columns.begin));
}

#endif
