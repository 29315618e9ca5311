/* What the array kernels share: checks of dimensions, and copying with any strides. */
#ifndef SMR_GENERIC_ARRAY_H
#define SMR_GENERIC_ARRAY_H

#include <string.h>

#include "../prototypes.h"

/* Where the elements of a dense output come from: element (i, j, ...) lies in the input at offset +
 * i * strides[0] + j * strides[1] + ... bytes. Twice the greatest rank, because tile looks at each axis as
 * two. */
typedef struct array_strided {
    int64_t offset;
    int64_t strides[2 * SMR_MAX_RANK];
    int32_t dims[2 * SMR_MAX_RANK];
    int32_t rank;
    int32_t size; /* bytes of an element, or of as many as always lie side by side */
} array_strided;

/* A parameters struct of a node is cleared before prepare, so that it begins with no axes. */
array_strided *smr_array_strided_begin(smr_node *node);

/* Adds an axis inside of those added before, joined with the last one where that makes no difference. */
void smr_array_strided_add(array_strided *strided, int32_t dim, int64_t stride);

/* Work and run function for copying input 0 to output 0 so. */
void smr_array_strided_end(smr_node *node);

/* Copies `count` elements that lie `stride` bytes apart to where they lie together. */
void smr_array_copy(uint8_t *to, const uint8_t *from, size_t count, int64_t stride, size_t size);

/* Writes one element `count` times. */
void smr_array_fill(uint8_t *to, const uint8_t *element, size_t count, size_t size);

smr_status smr_array_check_rank(const smr_value *value, int64_t rank, smr_error *error);
smr_status smr_array_check_dim(const smr_value *value, int32_t axis, int64_t expected, smr_error *error);

/* Whether all dimensions of two values are equal. */
smr_status smr_array_check_same(const smr_value *output, const smr_value *input, smr_error *error);

/* Counts an axis from 0; refuses one outside -rank..rank-1. */
smr_status smr_array_axis(int32_t axis, int32_t rank, int32_t *counted, smr_error *error);

/* What an output's element type must be, when an attribute says so. */
smr_status smr_array_check_dtype(const smr_value *output, uint8_t dtype, smr_error *error);

/* Writes one element of a type, from a float as the op cast does. */
void smr_array_store(uint8_t dtype, float value, uint8_t *to);

/* The number of elements of the axes from `begin` to before `end`; 1 for none. The product of any of a
 * value's axes fits only together with the others, so it is 0 when any axis at all is 0. */
static inline size_t array_product(const smr_value *value, int32_t begin, int32_t end) {
    size_t product = 1;
    int32_t i;
    if (value->count == 0) {
        return 0;
    }
    for (i = begin; i < end; ++i) {
        product *= (size_t)value->dims[i];
    }
    return product;
}

static inline size_t array_element_size(const smr_value *value) {
    return smr_dtype_size((smr_dtype)value->dtype);
}

/* An index operand's element: int32 or int64. */
static inline int64_t array_index(const smr_value *indices, size_t i) {
    return indices->dtype == SMR_DTYPE_INT64 ? ((const int64_t *)indices->data)[i]
                                             : ((const int32_t *)indices->data)[i];
}

#endif
