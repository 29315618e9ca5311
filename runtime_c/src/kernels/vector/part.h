/* Vectors of which a part alone is in memory, for the templates of this folder: included after the vectors of
 * an instruction set. What is not loaded is 0. */
#ifndef SMR_VECTOR_PART_H
#define SMR_VECTOR_PART_H

#include <string.h>

/* What VECTOR_LOAD reads and VECTOR_STORE writes; one as a number, and a vector as floats. */
#if !defined(VECTOR_ELEMENT)
#define VECTOR_ELEMENT             float
#define VECTOR_NUMBER(x)           (x)
#define VECTOR_STORE_FLOATS(to, x) VECTOR_STORE(to, x)
#endif

#if !defined(VECTOR_LOAD_PART)
#define VECTOR_LOAD_PART(from, count)   vector_load_part(from, count)
#define VECTOR_STORE_PART(to, x, count) vector_store_part(to, x, count)

static inline VECTOR vector_load_part(const VECTOR_ELEMENT *from, size_t count) {
    VECTOR_ELEMENT lanes[VECTOR_LANES] = {0};
    memcpy(lanes, from, count * sizeof *from);
    return VECTOR_LOAD(lanes);
}

static inline void vector_store_part(VECTOR_ELEMENT *to, VECTOR x, size_t count) {
    VECTOR_ELEMENT lanes[VECTOR_LANES];
    VECTOR_STORE(lanes, x);
    memcpy(to, lanes, count * sizeof *to);
}
#endif

#endif
