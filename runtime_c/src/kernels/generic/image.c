/* Resampling along an axis in plain C: each work item is all that lies at one place of the output's axis. */
#include "image.h"

#include <math.h>

#include "array.h"
#include "convert.h"

#define RESAMPLE_PLACES   64    /* output elements along the axis that are made together */
#define RESAMPLE_WEIGHTS  256   /* weights that are held at a time */
#define RESAMPLE_LANES    16    /* elements that are summed side by side */
#define RESAMPLE_STEEPEST 16.0f /* magnitude of cubic_a whose weights are far from infinite */

typedef struct resample_parameters {
    smr_resample_attributes a;
    size_t outer;            /* of what lies before the axis */
    size_t rows;             /* at each place of the axis, */
    size_t inner;            /* of so many elements that lie side by side */
    size_t x_outer, y_outer; /* elements from one to the next of what lies before the axis, */
    size_t x_step, y_step;   /* from one place of the axis to the next */
    size_t x_row, y_row;     /* and from one row to the next */
    int64_t size;            /* of the input's axis */
    int64_t count;           /* of the output's */
    double shrink;           /* how much wider weights reach: at most 1 */
    int64_t first; /* the first tap, counted from the element before the place; the last is 1 - first */
    int64_t taps;
    size_t places;            /* how many output elements are made together */
    smr_resample_blend blend; /* or null */
} resample_parameters;
_Static_assert(sizeof(resample_parameters) <= SMR_PARAMETER_BYTES, "resample_parameters fit a node");

/* Where an element of the output lies in the input. */
static double resample_place(const resample_parameters *p, double at) {
    const smr_resample_attributes *a = &p->a;
    const double size = (double)p->size, count = (double)p->count, scale = (double)a->scale;
    double place = at + 0.5;
    switch (a->coordinates) {
        case SMR_COORDINATES_ALIGN_CORNERS:
        case SMR_COORDINATES_TF_CROP_AND_RESIZE: {
            const bool crop = a->coordinates == SMR_COORDINATES_TF_CROP_AND_RESIZE;
            const double begin = crop ? (double)a->begin : 0.0, end = crop ? (double)a->end : 1.0;
            const double last = scale > 0 ? scale * size - 1 : count - 1;
            if (p->count == 1) {
                return crop ? 0.5 * (begin + end) * (size - 1) : 0.0;
            }
            return last != 0.0 ? begin * (size - 1) + at * (end - begin) * (size - 1) / last : 0.0;
        }
        case SMR_COORDINATES_ASYMMETRIC: place = at; break;
        case SMR_COORDINATES_PYTORCH_HALF_PIXEL:
            if (p->count == 1) {
                return 0.0;
            }
            break;
        default: break;
    }
    if (scale > 0) { /* no more exact than the scale is, so that 3 / 0.6 is 5 */
        place = place / scale;
        place = (double)(float)(place < 0x1p100 ? place : 0x1p100);
    } else {
        place = place * size / count;
    }
    if (a->coordinates == SMR_COORDINATES_HALF_PIXEL_SYMMETRIC && scale > 0) {
        place += size / 2 * (1 - count / (scale * size));
    }
    return a->coordinates == SMR_COORDINATES_ASYMMETRIC ||
                   a->coordinates == SMR_COORDINATES_TF_HALF_PIXEL_FOR_NN
               ? place
               : place - 0.5;
}

static double resample_weight(const resample_parameters *p, double distance) {
    const double d = fabs(distance), c = (double)p->a.cubic_a;
    if (p->a.mode == SMR_RESAMPLE_MODE_LINEAR) {
        return d < 1 ? 1 - d : 0.0;
    }
    if (d <= 1) {
        return ((c + 2) * d - (c + 3)) * d * d + 1;
    }
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * c : 0.0;
}

/* Where a row of all places lies: of number `line`, the first of what lies before the axis has them first. */
static inline size_t resample_x(const resample_parameters *p, size_t line) {
    return line / p->rows * p->x_outer + line % p->rows * p->x_row;
}

static inline size_t resample_y(const resample_parameters *p, size_t line) {
    return line / p->rows * p->y_outer + line % p->rows * p->y_row;
}

static size_t resample_clamp(const resample_parameters *p, int64_t index) {
    return (size_t)(index < 0 ? 0 : index < p->size ? index : p->size - 1);
}

/* The place of an output element as a number that an int64_t can hold; whether it is in the input, where that
 * matters. */
static bool resample_find(const resample_parameters *p, size_t at, double *place) {
    const double far = 0x1p40;
    *place = resample_place(p, (double)at);
    if (p->a.coordinates == SMR_COORDINATES_TF_CROP_AND_RESIZE &&
        !(*place >= 0 && *place <= (double)(p->size - 1))) {
        return false;
    }
    *place = *place > -far ? (*place < far ? *place : far) : -far;
    return true;
}

/* Where output elements lie, and the weights of a place's taps from `first` on. */
typedef struct resample_tile {
    double ratio[RESAMPLE_PLACES]; /* how far a place is behind the element before it */
    double total[RESAMPLE_PLACES]; /* what its weights are divided by; 0 where they are all 0 */
    int64_t floors[RESAMPLE_PLACES];
    float weights[RESAMPLE_WEIGHTS]; /* of one place after another, or of some taps of one */
    size_t from[RESAMPLE_WEIGHTS];   /* where the elements that they weight begin, in a row of the input */
    bool inside[RESAMPLE_PLACES];
} resample_tile;

/* The weights of `taps` taps of place `i`, each divided by `total`, and their sum. */
static double resample_weigh(const resample_parameters *p, resample_tile *tile, size_t i, int64_t first,
                             int64_t taps, double total, float *weights) {
    double sum = 0.0;
    int64_t tap;
    for (tap = first; tap < first + taps; ++tap) {
        const int64_t index = tile->floors[i] + tap;
        double weight = resample_weight(p, ((double)tap - tile->ratio[i]) * p->shrink);
        if (p->a.exclude_outside && (index < 0 || index >= p->size)) {
            weight = 0.0;
        }
        sum += weight;
        weights[tap - first] = total != 0.0 ? (float)(weight / total) : 0.0f;
    }
    return sum;
}

static void resample_fill_tile(const resample_parameters *p, size_t at, size_t places, resample_tile *tile) {
    const int64_t held = p->taps < RESAMPLE_WEIGHTS ? p->taps : RESAMPLE_WEIGHTS;
    size_t i;
    for (i = 0; i < places; ++i) {
        float *weights = tile->weights + i * (size_t)held;
        double place;
        tile->inside[i] = resample_find(p, at + i, &place);
        if (!tile->inside[i]) {
            continue;
        }
        tile->floors[i] = (int64_t)floor(place);
        tile->ratio[i] = place - floor(place);
        tile->total[i] = 1.0;
        if (p->a.exclude_outside || p->a.antialias) {
            int64_t tap;
            double total = 0.0;
            for (tap = 0; tap < p->taps; tap += held) {
                const int64_t some = p->taps - tap < held ? p->taps - tap : held;
                total += resample_weigh(p, tile, i, p->first + tap, some, 1.0, weights);
            }
            tile->total[i] = total;
        }
        if (held == p->taps) {
            size_t *from = tile->from + i * (size_t)held;
            int64_t tap;
            (void)resample_weigh(p, tile, i, p->first, p->taps, tile->total[i], weights);
            for (tap = 0; tap < p->taps; ++tap) {
                from[tap] = resample_clamp(p, tile->floors[i] + p->first + tap) * p->x_step;
            }
        }
    }
}

static inline float resample_integer(float value, float low, float high) {
    const float limited = value > low ? (value < high ? value : high) : low;
    return rintf(limited);
}

#define SMR_ELEMENT    float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   (x)
#define SMR_NAME(name) name##_f32
#include "image_resample.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(x)
#define SMR_NAME(name) name##_f16
#include "image_resample.inc"

#define SMR_ELEMENT    int8_t
#define SMR_LOAD(x)    ((float)(x))
#define SMR_STORE(x)   ((int8_t)resample_integer(x, -128.0f, 127.0f))
#define SMR_NAME(name) name##_i8
#include "image_resample.inc"

#define SMR_ELEMENT    uint8_t
#define SMR_LOAD(x)    ((float)(x))
#define SMR_STORE(x)   ((uint8_t)resample_integer(x, 0.0f, 255.0f))
#define SMR_NAME(name) name##_u8
#include "image_resample.inc"

/* The element of the input that is nearest to each place, or -1 for what is outside. */
static void resample_nearest(const resample_parameters *p, size_t at, size_t places, int64_t *from) {
    size_t i;
    for (i = 0; i < places; ++i) {
        double place;
        if (!resample_find(p, at + i, &place)) {
            from[i] = -1;
            continue;
        }
        switch (p->a.rounding) {
            case SMR_NEAREST_ROUNDING_ROUND_PREFER_FLOOR: place = ceil(place - 0.5); break;
            case SMR_NEAREST_ROUNDING_ROUND_PREFER_CEIL: place = floor(place + 0.5); break;
            case SMR_NEAREST_ROUNDING_FLOOR: place = floor(place); break;
            default: place = ceil(place); break;
        }
        from[i] = (int64_t)resample_clamp(p, (int64_t)place);
    }
}

/* Copies the elements at some places. */
static void resample_copy(const resample_parameters *p, size_t element, const uint8_t *x, uint8_t *to,
                          const int64_t *from, size_t places) {
    const size_t bytes = p->inner * element, x_step = p->x_step * element, y_step = p->y_step * element;
    size_t i;
    switch (x_step == bytes && y_step == bytes
                ? bytes
                : 0) { /* so that the size of a copy is a constant where it is that of one element */
        case 1:
            for (i = 0; i < places; ++i) {
                to[i] = x[from[i]];
            }
            break;
        case 4:
            for (i = 0; i < places; ++i) {
                memcpy(to + 4 * i, x + 4 * (size_t)from[i], 4);
            }
            break;
        default:
            for (i = 0; i < places; ++i) {
                memcpy(to + i * y_step, x + (size_t)from[i] * x_step, bytes);
            }
    }
}

static smr_status run_resample_nearest(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const resample_parameters *p = SMR_CONST_PARAMETERS(node, resample_parameters);
    const size_t element = array_element_size(node->outputs[0]);
    const uint8_t *x = node->inputs[0]->data;
    uint8_t *y = node->outputs[0]->data;
    uint8_t fill[8];
    size_t at, line, i, places;
    (void)error;
    smr_array_store(node->outputs[0]->dtype, p->a.extrapolation_value, fill);
    for (at = begin; at < end; at += places) {
        int64_t from[RESAMPLE_PLACES];
        bool inside = true;
        places = end - at < RESAMPLE_PLACES ? end - at : RESAMPLE_PLACES;
        resample_nearest(p, at, places, from);
        for (i = 0; i < places; ++i) {
            inside = inside && from[i] >= 0;
        }
        for (line = 0; line < p->outer * p->rows; ++line) {
            const uint8_t *source = x + resample_x(p, line) * element;
            uint8_t *to = y + (resample_y(p, line) + at * p->y_step) * element;
            if (inside) {
                resample_copy(p, element, source, to, from, places);
                continue;
            }
            for (i = 0; i < places; ++i, to += p->y_step * element) {
                if (from[i] >= 0) {
                    memcpy(to, source + (size_t)from[i] * p->x_step * element, p->inner * element);
                } else {
                    smr_array_fill(to, fill, p->inner, element);
                }
            }
        }
    }
    return SMR_OK;
}

/* The function of a weighted mode, or NULL. */
static smr_run_function resample_run(int dtype) {
    switch (dtype) {
        case SMR_DTYPE_FLOAT32: return run_resample_f32;
        case SMR_DTYPE_FLOAT16: return run_resample_f16;
        case SMR_DTYPE_INT8: return run_resample_i8;
        case SMR_DTYPE_UINT8: return run_resample_u8;
        default: return NULL;
    }
}

static smr_status prepare_resample_taps(resample_parameters *p, smr_error *error) {
    const double scale = p->a.scale > 0 ? (double)p->a.scale : (double)p->count / (double)p->size;
    const double reach = p->a.mode == SMR_RESAMPLE_MODE_LINEAR ? 1.0 : 2.0;
    p->shrink = p->a.antialias && scale < 1 ? scale : 1.0;
    /* So that an output is made of at most some eight times the elements that there are. */
    if (p->shrink * (double)p->size < 0.5) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a scale of %g for %lld elements that become %lld", scale,
                 (long long)p->size, (long long)p->count);
    }
    p->first = (int64_t)floor(-reach / p->shrink) + 1;
    p->taps = 2 - 2 * p->first;
    p->places = p->taps < RESAMPLE_WEIGHTS ? (size_t)(RESAMPLE_WEIGHTS / p->taps) : 1;
    p->places = p->places < RESAMPLE_PLACES ? p->places : RESAMPLE_PLACES;
    return SMR_OK;
}

/* Elements that lie side by side at each place of the axis, in the input and in the output. */
static size_t resample_side_by_side(const smr_node *node, int32_t axis) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const bool strided = x->layout == SMR_LAYOUT_STRIDED || y->layout == SMR_LAYOUT_STRIDED;
    return array_product(y, strided && axis + 1 < y->rank ? y->rank - 1 : axis + 1, y->rank);
}

/* Where elements lie: one row at each place, unless rows do not lie side by side. */
static void prepare_resample_steps(const smr_node *node, resample_parameters *p, int32_t axis) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const bool strided = x->layout == SMR_LAYOUT_STRIDED || y->layout == SMR_LAYOUT_STRIDED;
    const int32_t last = y->rank - 1;
    p->outer = array_product(y, 0, axis);
    p->inner = resample_side_by_side(node, axis);
    p->rows = array_product(y, axis + 1, y->rank) / p->inner;
    p->x_row = strided && axis < last ? smr_value_row(x) : p->inner;
    p->y_row = strided && axis < last ? smr_value_row(y) : p->inner;
    p->x_step = p->rows * p->x_row;
    p->y_step = p->rows * p->y_row;
    p->x_outer = axis == last ? smr_value_row(x) : (size_t)p->size * p->x_step;
    p->y_outer = axis == last ? smr_value_row(y) : (size_t)p->count * p->y_step;
}

smr_status smr_prepare_resample(smr_node *node, smr_error *error) {
    const smr_resample_attributes *a = &node->attributes.resample;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    resample_parameters *p = SMR_PARAMETERS(node, resample_parameters);
    int32_t axis, i;
    SMR_TRY(smr_array_axis(a->axis, x->rank, &axis, error));
    SMR_TRY(smr_array_check_rank(y, x->rank, error));
    for (i = 0; i < x->rank; ++i) {
        if (i != axis) {
            SMR_TRY(smr_array_check_dim(y, i, x->dims[i], error));
        }
    }
    if (a->mode != SMR_RESAMPLE_MODE_NEAREST && resample_run(x->dtype) == NULL) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "resampling between elements of type %s",
                 smr_dtype_name((smr_dtype)x->dtype));
    }
    if (!(a->scale >= 0.0f) || !isfinite(a->scale)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a scale of %g", (double)a->scale);
    }
    if (!isfinite(a->cubic_a) || !isfinite(a->begin) || !isfinite(a->end)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "cubic_a %g, begin %g or end %g is not finite", (double)a->cubic_a,
                 (double)a->begin, (double)a->end);
    }
    if (y->count == 0) {
        return SMR_OK;
    }
    if (x->count == 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "%d elements cannot become %d", (int)x->dims[axis],
                 (int)y->dims[axis]);
    }
    p->a = *a;
    p->size = x->dims[axis];
    p->count = y->dims[axis];
    prepare_resample_steps(node, p, axis);
    SMR_TRY(prepare_resample_taps(p, error));
    node->work = (size_t)p->count;
    node->run = a->mode == SMR_RESAMPLE_MODE_NEAREST ? run_resample_nearest : resample_run(x->dtype);
    return SMR_OK;
}

bool smr_resample_takes(const smr_node *node, uint8_t dtype, size_t least) {
    const smr_resample_attributes *a = &node->attributes.resample;
    const smr_value *y = node->outputs[0];
    const int32_t axis = a->axis < 0 ? a->axis + y->rank : a->axis;
    return a->mode != SMR_RESAMPLE_MODE_NEAREST && node->inputs[0]->dtype == dtype && y->dtype == dtype &&
           axis >= 0 && axis < y->rank && fabsf(a->cubic_a) <= RESAMPLE_STEEPEST &&
           resample_side_by_side(node, axis) >= least;
}

smr_status smr_resample_prepare(smr_node *node, smr_resample_blend blend, smr_error *error) {
    resample_parameters *p = SMR_PARAMETERS(node, resample_parameters);
    SMR_TRY(smr_prepare_resample(node, error));
    p->blend = p->taps <= RESAMPLE_WEIGHTS ? blend : NULL;
    return SMR_OK;
}
