/* Windows that slide over height and width: what convolution and pooling have in common. */
#ifndef SMR_GENERIC_WINDOW_H
#define SMR_GENERIC_WINDOW_H

#include "../../core/kernel.h"

/* Index 0 is height, 1 is width. */
typedef struct smr_window {
    int32_t size[2];      /* of the input */
    int32_t taps[2];      /* of the window */
    int32_t positions[2]; /* of the output */
    int32_t strides[2];
    int32_t dilations[2];
    int32_t before[2]; /* padding at the top and at the left */
} smr_window;

/* Works out the padding before the input, and checks the strides, dilations, paddings and positions. The
 * sizes, taps and positions are already filled in. `paddings` are top, bottom, left, right. */
static inline smr_status smr_window_prepare(smr_window *window, const smr_ints2 *strides,
                                            const smr_ints2 *dilations, uint8_t padding,
                                            const smr_ints4 *paddings, smr_error *error) {
    int32_t axis;
    if (strides->count != 2 || (dilations != NULL && dilations->count != 2) || paddings->count != 4) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a window needs 2 strides, 2 dilations and 4 paddings");
    }
    for (axis = 0; axis < 2; ++axis) {
        const int64_t size = window->size[axis];
        const int64_t stride = strides->values[axis];
        const int64_t dilation = dilations == NULL ? 1 : dilations->values[axis];
        const int64_t reach = (window->taps[axis] - (int64_t)1) * dilation + 1;
        int64_t before = 0, after = 0, positions;
        if (stride < 1 || dilation < 1 || window->taps[axis] < 1 || reach > INT32_MAX) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a window of %d taps with stride %d and dilation %d",
                     (int)window->taps[axis], (int)stride, (int)dilation);
        }
        if (padding == SMR_PADDING_SAME) {
            int64_t total;
            positions = (size + stride - 1) / stride;
            total = (positions - 1) * stride + reach - size;
            before = total > 0 ? total / 2 : 0;
        } else {
            if (padding == SMR_PADDING_EXPLICIT) {
                before = paddings->values[2 * axis];
                after = paddings->values[2 * axis + 1];
            }
            if (before < 0 || after < 0 || size + before + after < reach) {
                SMR_FAIL(error, SMR_ERROR_MODEL,
                         "a window that reaches over %lld of %lld padded by %lld and %lld", (long long)reach,
                         (long long)size, (long long)before, (long long)after);
            }
            positions = (size + before + after - reach) / stride + 1;
        }
        if (positions != window->positions[axis]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "the output has %d positions along axis %d instead of %lld",
                     (int)window->positions[axis], (int)(1 + axis), (long long)positions);
        }
        window->strides[axis] = (int32_t)stride;
        window->dilations[axis] = (int32_t)dilation;
        window->before[axis] = (int32_t)before;
    }
    return SMR_OK;
}

/* Where a tap of a window lies in the input; outside [0, size) it is padding. */
static inline int64_t smr_window_at(const smr_window *window, int32_t axis, int64_t position, int64_t tap) {
    return position * window->strides[axis] + tap * window->dilations[axis] - window->before[axis];
}

/* Indices [begin, end); none when end is not above begin. */
typedef struct smr_window_range {
    int32_t begin;
    int32_t end;
} smr_window_range;

/* Those of `count` places, `step` apart from `first` on, that lie in [0, size). So loops never walk through
 * padding, however much of it a file asks for. */
static inline smr_window_range smr_window_inside(int64_t first, int64_t step, int64_t size, int32_t count) {
    /* A division takes longer than all the rest. */
    const int64_t begin = first >= 0 ? 0 : step == 1 ? -first : (-first + step - 1) / step;
    const int64_t end = first >= size ? 0 : step == 1 ? size - first : (size - 1 - first) / step + 1;
    smr_window_range range;
    range.begin = begin < count ? (int32_t)begin : count;
    range.end = end < count ? (int32_t)end : count;
    return range;
}

/* The taps that see the input rather than padding. */
static inline smr_window_range smr_window_taps(const smr_window *window, int32_t axis, int64_t position) {
    return smr_window_inside(smr_window_at(window, axis, position, 0), window->dilations[axis],
                             window->size[axis], window->taps[axis]);
}

/* The positions at which a tap sees the input. */
static inline smr_window_range smr_window_positions(const smr_window *window, int32_t axis, int64_t tap) {
    return smr_window_inside(smr_window_at(window, axis, 0, tap), window->strides[axis], window->size[axis],
                             window->positions[axis]);
}

/* The taps that may see a place of the input: those at which the window would begin where the first to the
 * last position do. */
static inline smr_window_range smr_window_seeing(const smr_window *window, int32_t axis, int64_t at) {
    const int64_t last = (int64_t)window->positions[axis] * window->strides[axis] - window->strides[axis];
    const int64_t place = at + window->before[axis];
    const int64_t dilation = window->dilations[axis];
    const int64_t begin = place <= last ? 0 : (place - last + dilation - 1) / dilation;
    const int64_t end = place / dilation + 1;
    smr_window_range range;
    range.begin = begin < window->taps[axis] ? (int32_t)begin : window->taps[axis];
    range.end = end < window->taps[axis] ? (int32_t)end : window->taps[axis];
    return range;
}

#endif
