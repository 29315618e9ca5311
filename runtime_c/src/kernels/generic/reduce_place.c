/* argmax and argmin. */
#include "convert.h"
#include "reduce.h"

typedef struct place_parameters {
    size_t length; /* of the axis */
    size_t inner;  /* the distance between neighbours along it */
    bool least;
} place_parameters;

/* The best so far. Order is reversed for the least: numbers by their sign, integers by their complement,
 * which unlike the negative exists for all of them. */
typedef struct place_best {
    float number;
    int64_t integer;
    size_t place;
} place_best;

static void place_compare_floats(const float *x, size_t count, size_t place, bool least, place_best *best) {
    size_t i;
    for (i = 0; i < count; ++i) {
        const float value = least ? -x[i] : x[i];
        const bool first_nan = value != value && best->number == best->number;
        if (place + i == 0 || value > best->number || first_nan) {
            best->number = value;
            best->place = place + i;
        }
    }
}

static void place_compare_integers(const int64_t *x, size_t count, size_t place, bool least,
                                   place_best *best) {
    size_t i;
    for (i = 0; i < count; ++i) {
        const int64_t value = least ? ~x[i] : x[i];
        if (place + i == 0 || value > best->integer) {
            best->integer = value;
            best->place = place + i;
        }
    }
}

/* Neighbours in memory are taken a block at a time, others one by one. */
static smr_status place_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const place_parameters *parameters = SMR_CONST_PARAMETERS(node, place_parameters);
    const smr_value *x = node->inputs[0];
    const smr_value *y = node->outputs[0];
    const size_t limit = parameters->inner == 1 ? SMR_BLOCK : 1;
    if (parameters->length == 0) {
        SMR_FAIL(error, SMR_ERROR_DATA, "an axis without elements has no largest and no smallest one");
    }
    for (; begin < end; ++begin) {
        const size_t first =
            begin / parameters->inner * parameters->length * parameters->inner + begin % parameters->inner;
        place_best best = {0.0f, 0, 0};
        int64_t found;
        size_t done, n;
        for (done = 0; done < parameters->length; done += n) {
            const size_t offset = first + done * parameters->inner;
            smr_block block;
            n = parameters->length - done < limit ? parameters->length - done : limit;
            if (smr_is_float(x->dtype)) {
                smr_load_floats(x->dtype, x->data, offset, n, block.floats);
                place_compare_floats(block.floats, n, done, parameters->least, &best);
            } else {
                smr_load_integers(x->dtype, x->data, offset, n, block.integers);
                place_compare_integers(block.integers, n, done, parameters->least, &best);
            }
        }
        found = (int64_t)best.place;
        smr_store_integers(y->dtype, y->data, begin, 1, &found);
    }
    return SMR_OK;
}

#define PLACE_RUN 32 /* numbers of a loop of fixed length, of which a compiler makes vectors */

/* Whether one of PLACE_RUN numbers is better than the best so far, or NaN. */
static bool place_any_better(const float *x, float best, bool least) {
    int32_t any = 0;
    size_t i;
    if (least) {
        for (i = 0; i < PLACE_RUN; ++i) {
            any |= !(x[i] >= best);
        }
    } else {
        for (i = 0; i < PLACE_RUN; ++i) {
            any |= !(x[i] <= best);
        }
    }
    return any != 0;
}

/* Of float32 that are neighbours: after the first few, runs seldom have a better one, and where they have not
 * they need no closer look. */
static smr_status place_run_neighbours(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const place_parameters *p = SMR_CONST_PARAMETERS(node, place_parameters);
    const smr_value *y = node->outputs[0];
    (void)error;
    for (; begin < end; ++begin) {
        const float *x = (const float *)node->inputs[0]->data + begin * p->length;
        place_best best = {0.0f, 0, 0};
        int64_t found;
        size_t done, n;
        for (done = 0; done < p->length; done += n) {
            n = p->length - done < PLACE_RUN ? p->length - done : PLACE_RUN;
            if (done == 0 || n < PLACE_RUN || place_any_better(x + done, x[best.place], p->least)) {
                place_compare_floats(x + done, n, done, p->least, &best);
            }
        }
        found = (int64_t)best.place;
        smr_store_integers(y->dtype, y->data, begin, 1, &found);
    }
    return SMR_OK;
}

static smr_status place_prepare(smr_node *node, bool least, smr_error *error) {
    const smr_argmax_attributes *attributes = &node->attributes.argmax; /* argmin has the same */
    place_parameters *parameters = SMR_PARAMETERS(node, place_parameters);
    const smr_value *x = node->inputs[0];
    const smr_value *y = node->outputs[0];
    const int32_t axis = attributes->axis < 0 ? attributes->axis + x->rank : attributes->axis;
    const int32_t removed = attributes->keepdims != 0 ? 0 : 1;
    int32_t i;
    if (axis < 0 || axis >= x->rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d is outside a tensor of rank %d", (int)attributes->axis,
                 (int)x->rank);
    }
    if (y->dtype != attributes->output_type || (y->dtype != SMR_DTYPE_INT32 && y->dtype != SMR_DTYPE_INT64)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output is %s instead of int32 or int64 as output_type says",
                 smr_dtype_name((smr_dtype)y->dtype));
    }
    if (y->rank != x->rank - removed) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)y->rank,
                 (int)(x->rank - removed));
    }
    for (i = 0; i < y->rank; ++i) {
        const int32_t expected = i == axis && removed == 0 ? 1 : x->dims[i < axis ? i : i + removed];
        if (y->dims[i] != expected) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %d", (int)i,
                     (int)y->dims[i], (int)expected);
        }
    }
    parameters->least = least;
    parameters->length = (size_t)x->dims[axis];
    parameters->inner = 1;
    for (i = axis + 1; i < x->rank; ++i) {
        parameters->inner *= (size_t)x->dims[i];
    }
    node->run = x->dtype == SMR_DTYPE_FLOAT32 && parameters->inner == 1 && parameters->length > 0
                    ? place_run_neighbours
                    : place_run;
    node->work = y->count;
    return SMR_OK;
}

smr_status smr_prepare_argmax(smr_node *node, smr_error *error) {
    return place_prepare(node, false, error);
}

smr_status smr_prepare_argmin(smr_node *node, smr_error *error) {
    return place_prepare(node, true, error);
}
