/* Pooling of float32 and float16, all channels of a window a vector at a time. What an instruction set adds
 * is its functions of a window, which pool.inc writes for one of these types. */
#ifndef SMR_VECTOR_POOL_H
#define SMR_VECTOR_POOL_H

#include "../generic/pool.h"
#include "../prototypes.h"

/* The pixels of a window that are no padding. */
typedef struct smr_pool_pixels {
    const void *x;
    size_t rows;
    size_t row;     /* elements from one row to the next */
    size_t columns; /* neighbours in a row */
    size_t pixel;   /* elements from one to the next */
    size_t channels;
    float divisor; /* of a mean */
} smr_pool_pixels;

typedef void (*smr_pool_function)(const smr_pool_pixels *pixels, void *y);

/* Whether a window is of float32, or of float16. */
bool smr_vector_takes_pool(const smr_node *node);
bool smr_vector_takes_half_pool(const smr_node *node);

/* As the generic `prepare`, for nodes of the type that the function is for. */
smr_status smr_vector_prepare_pool(smr_node *node, smr_prepare_function prepare, smr_pool_function function,
                                   smr_error *error);

#endif
