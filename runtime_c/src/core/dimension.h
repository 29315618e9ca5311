/* Sizes that may change between runs: the values of named dimensions, the expressions over them, and shapes.
 */
#ifndef SMR_DIMENSION_H
#define SMR_DIMENSION_H

#include "model.h"

/* What the named dimensions are: `values`, or when that is null, the bounds that the file states. */
typedef struct smr_dimensions {
    const smr_model *model;
    const int32_t *values;
    bool smallest;
} smr_dimensions;

/* The most pairs in an expression, and the most numbers it may have pending. */
#define SMR_MAX_EXPRESSION 128
#define SMR_MAX_PENDING    16

typedef struct smr_shape {
    int32_t rank;
    int32_t dims[SMR_MAX_RANK];
    size_t count; /* elements */
    size_t bytes;
} smr_shape;

/* The value of a named dimension; `index` is valid. */
int32_t smr_dimension_value(const smr_dimensions *dimensions, uint32_t index);

/* The value of Model.expressions[index], which may be any number. */
smr_status smr_expression_evaluate(const smr_dimensions *dimensions, uint32_t index, int32_t *value,
                                   smr_error *error);

/* The dimension that Model.expressions[index], which has been verified, names as its number `place`; -1 when
 * it names fewer. */
int32_t smr_expression_operand(const smr_model *model, uint32_t index, uint32_t place);

/* Whether a verified expression is a named dimension and nothing else. */
bool smr_expression_is_dimension(const smr_model *model, uint32_t index);

/* A shape of the file with elements of `dtype`, which is valid. The product of the dimensions, with zeros
 * counted as ones, times the size of an element does not exceed PTRDIFF_MAX: so no product of some of them
 * does either. */
smr_status smr_shape_evaluate(const smr_dimensions *dimensions, smr_vector shape, smr_dtype dtype,
                              smr_shape *result, smr_error *error);

/* The elements of a shape of which that is so, and no entry is an expression; false for any other. */
bool smr_shape_count(smr_vector shape, smr_dtype dtype, size_t *count);

/* Whether no entry of a shape is an expression. */
static inline bool smr_shape_is_fixed(smr_vector shape) {
    int32_t signs = 0;
    uint32_t i;
    for (i = 0; i < shape.count; ++i) {
        signs |= smr_vector_i32(shape, i);
    }
    return signs >= 0;
}

/* Whether an op sets a dimension while a program runs; else the caller does. */
bool smr_dimension_is_computed(const smr_model *model, uint32_t index);

/* The first computed dimension, from `from` on in the order of their places in the expressions of a shape,
 * that a shape depends on; -1 when there is none. The shape's expressions have been verified. */
int32_t smr_shape_computed(const smr_model *model, smr_vector shape, uint32_t from);

#endif
