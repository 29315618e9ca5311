/* Resizing images of integers. */
#include "fixed.h"

#define IMAGE_ONE 1024 /* places have 10 fraction bits */

typedef struct fixed_resize {
    int64_t size[2]; /* of the input: height, width */
    int64_t into[2];
    int64_t step[2];
    int64_t offset[2];
    size_t channels;
} fixed_resize;
_Static_assert(sizeof(fixed_resize) <= SMR_PARAMETER_BYTES, "it is stored in a node");

/* The two input positions beside an output position, and how far it is from the first. */
typedef struct fixed_place {
    size_t low;
    size_t high;
    int64_t rest;
} fixed_place;

static fixed_place fixed_resize_place(const fixed_resize *resize, int32_t axis, size_t position) {
    const int64_t most = resize->size[axis] * IMAGE_ONE, last = resize->size[axis] - 1;
    const int64_t exact = (int64_t)position * resize->step[axis] + resize->offset[axis];
    const int64_t at = exact < most ? exact : most;
    const int64_t low = at < 0 ? 0 : at / IMAGE_ONE, high = (at + IMAGE_ONE - 1) / IMAGE_ONE;
    fixed_place place;
    place.low = (size_t)(low < last ? low : last);
    place.high = (size_t)(high < 0 ? 0 : high < last ? high : last);
    place.rest = at - (int64_t)place.low * IMAGE_ONE;
    return place;
}

/* Work items are output pixels. */
static smr_status run_integer_resize_bilinear(const smr_node *node, size_t begin, size_t end,
                                              smr_error *error) {
    const fixed_resize *resize = SMR_CONST_PARAMETERS(node, fixed_resize);
    const smr_value *x = node->inputs[0];
    const size_t width = (size_t)resize->size[1], channels = resize->channels;
    size_t pixel, channel;
    (void)error;
    for (pixel = begin; pixel < end; ++pixel) {
        const size_t line = pixel / (size_t)resize->into[1], image = line / (size_t)resize->into[0];
        const fixed_place row = fixed_resize_place(resize, 0, line % (size_t)resize->into[0]);
        const fixed_place column = fixed_resize_place(resize, 1, pixel % (size_t)resize->into[1]);
        const size_t top = (image * (size_t)resize->size[0] + row.low) * width;
        const size_t bottom = (image * (size_t)resize->size[0] + row.high) * width;
        for (channel = 0; channel < channels; ++channel) {
            const int64_t left =
                fixed_load(x, (top + column.low) * channels + channel) * (IMAGE_ONE - row.rest) +
                fixed_load(x, (bottom + column.low) * channels + channel) * row.rest;
            const int64_t right =
                fixed_load(x, (top + column.high) * channels + channel) * (IMAGE_ONE - row.rest) +
                fixed_load(x, (bottom + column.high) * channels + channel) * row.rest;
            const int64_t sum = left * (IMAGE_ONE - column.rest) + right * column.rest;
            fixed_store(node->outputs[0], pixel * channels + channel,
                        fixed_clamp(fixed_round_shift(sum, 20), INT16_MIN, INT16_MAX));
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_integer_resize_bilinear(smr_node *node, smr_error *error) {
    const smr_integer_resize_bilinear_attributes *a = &node->attributes.integer_resize_bilinear;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    fixed_resize *resize = SMR_PARAMETERS(node, fixed_resize);
    int32_t axis;
    if (x->rank != 4 || y->rank != 4 || y->dims[0] != x->dims[0] || y->dims[3] != x->dims[3] ||
        a->size.count != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL,
                 "x of rank %d, y of rank %d and %d sizes do not fit, or their images or channels",
                 (int)x->rank, (int)y->rank, (int)a->size.count);
    }
    for (axis = 0; axis < 2; ++axis) {
        const int64_t size = x->dims[1 + axis], into = a->size.values[axis];
        if (size < 1 || into < 1 || y->dims[1 + axis] != into) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d of %d becomes %d, and size says %d", (int)(1 + axis),
                     (int)size, (int)y->dims[1 + axis], (int)into);
        }
        resize->size[axis] = size;
        resize->into[axis] = into;
        resize->step[axis] = a->align_corners != 0 && into > 1
                                 ? (IMAGE_ONE * (size - 1) + (into - 1) / 2) / (into - 1)
                                 : (IMAGE_ONE * size + into / 2) / into;
        resize->offset[axis] = a->half_pixel_centers != 0 ? resize->step[axis] / 2 - IMAGE_ONE / 2 : 0;
    }
    if (y->count == 0) {
        return SMR_OK;
    }
    resize->channels = (size_t)y->dims[3];
    node->work = y->count / resize->channels;
    node->run = run_integer_resize_bilinear;
    return SMR_OK;
}
