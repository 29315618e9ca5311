/* See the header: a heap whose root is the place that comes last. */
#include "places.h"

#include "convert.h"

int64_t smr_order_key(const smr_value *x, size_t at) {
    int64_t key;
    if (smr_is_float(x->dtype)) {
        uint32_t bits;
        float value;
        smr_load_floats(x->dtype, x->data, at, 1, &value);
        if (value != value) {
            return INT64_MAX;
        }
        memcpy(&bits, &value, sizeof bits);
        key = (int64_t)(bits & 0x7fffffffu);
        return (bits >> 31) != 0 ? -key : key;
    }
    smr_load_integers(x->dtype, x->data, at, 1, &key);
    return key;
}

int64_t smr_places_get(const smr_places *places, size_t i) {
    return array_index(places->tensor, places->first + i * places->step);
}

void smr_places_set(const smr_places *places, size_t i, int64_t place) {
    smr_store_integers(places->tensor->dtype, places->tensor->data, places->first + i * places->step, 1,
                       &place);
}

/* Puts a place in at `i` or below, so that each comes after both that are below it. */
static void places_sift(const smr_places *places, size_t i, size_t count, int64_t place) {
    size_t below = 2 * i + 1;
    while (below < count) {
        int64_t next = smr_places_get(places, below);
        if (below + 1 < count) {
            const int64_t other = smr_places_get(places, below + 1);
            if (places->before(places->context, next, other)) {
                next = other;
                ++below;
            }
        }
        if (!places->before(places->context, place, next)) {
            break;
        }
        smr_places_set(places, i, next);
        i = below;
        below = 2 * i + 1;
    }
    smr_places_set(places, i, place);
}

static void places_heap(const smr_places *places, size_t count) {
    size_t i;
    for (i = count / 2; i > 0; --i) {
        places_sift(places, i - 1, count, smr_places_get(places, i - 1));
    }
}

/* Takes the last one off a heap again and again. */
static void places_unheap(const smr_places *places, size_t count) {
    size_t i;
    for (i = count; i > 1; --i) {
        const int64_t place = smr_places_get(places, i - 1);
        smr_places_set(places, i - 1, smr_places_get(places, 0));
        places_sift(places, 0, i - 1, place);
    }
}

void smr_places_sort(const smr_places *places, size_t count) {
    places_heap(places, count);
    places_unheap(places, count);
}

void smr_places_choose(const smr_places *places, size_t count, size_t length) {
    size_t i;
    for (i = 0; i < count; ++i) {
        smr_places_set(places, i, (int64_t)i);
    }
    places_heap(places, count);
    for (i = count; count > 0 && i < length; ++i) {
        if (places->before(places->context, (int64_t)i, smr_places_get(places, 0))) {
            places_sift(places, 0, count, (int64_t)i);
        }
    }
    places_unheap(places, count);
}
