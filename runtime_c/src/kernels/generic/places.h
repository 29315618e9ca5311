/* Putting places in order, in the memory of an output. */
#ifndef SMR_PLACES_H
#define SMR_PLACES_H

#include "array.h"

/* Places in an int32 or int64 tensor, `step` elements apart from element `first` on, and the order that they
 * are put in: `before` never holds for both (a, b) and (b, a), and for one of them unless a is b. */
typedef struct smr_places {
    smr_value *tensor;
    size_t first;
    size_t step;
    bool (*before)(const void *context, int64_t a, int64_t b);
    const void *context;
} smr_places;

int64_t smr_places_get(const smr_places *places, size_t i);
void smr_places_set(const smr_places *places, size_t i, int64_t place);

/* Puts the first `count` places in order. */
void smr_places_sort(const smr_places *places, size_t count);

/* Writes the `count` of the places 0 to length - 1 that come before all others, in order. */
void smr_places_choose(const smr_places *places, size_t count, size_t length);

/* A number in whose order elements come: NaN after all others, and -0 with 0. */
int64_t smr_order_key(const smr_value *x, size_t at);

#endif
