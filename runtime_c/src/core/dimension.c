/* Sizes that may change between runs: the values of named dimensions, the expressions over them, and shapes.
 */
#include "dimension.h"

#include "../gen/format.h"

enum {
    EXPRESSION_NUMBER,
    EXPRESSION_DIMENSION,
    EXPRESSION_ADD,
    EXPRESSION_SUBTRACT,
    EXPRESSION_MULTIPLY,
    EXPRESSION_DIVIDE,
    EXPRESSION_MAXIMUM,
    EXPRESSION_MINIMUM
};

/* Numbers stay within +-2^62, so that sums and differences of two of them do not overflow. */
#define EXPRESSION_LIMIT ((int64_t)1 << 62)

int32_t smr_dimension_value(const smr_dimensions *dimensions, uint32_t index) {
    if (dimensions->values != NULL) {
        return dimensions->values[index];
    }
    return smr_field_i32(smr_vector_table(dimensions->model->dimensions, index),
                         dimensions->smallest ? SMR_SLOT_DIMENSION_MINIMUM : SMR_SLOT_DIMENSION_MAXIMUM, 0);
}

static bool multiply_within_limit(int64_t a, int64_t b, int64_t *product) {
    if (a == 0 || b == 0) {
        *product = 0;
        return true;
    }
    if ((a < 0 ? -a : a) > EXPRESSION_LIMIT / (b < 0 ? -b : b)) {
        return false;
    }
    *product = a * b;
    return true;
}

static int64_t divide_floor(int64_t a, int64_t b) {
    const int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* Computes a (operation) b; null is the message when there is nothing wrong. */
static const char *apply_operation(int32_t operation, int64_t a, int64_t b, int64_t *value) {
    switch (operation) {
        case EXPRESSION_ADD: *value = a + b; break;
        case EXPRESSION_SUBTRACT: *value = a - b; break;
        case EXPRESSION_MULTIPLY:
            if (!multiply_within_limit(a, b, value)) {
                return "overflows";
            }
            break;
        case EXPRESSION_DIVIDE:
            if (b <= 0) {
                return "divides by a number that is not positive";
            }
            *value = divide_floor(a, b);
            break;
        case EXPRESSION_MAXIMUM: *value = a > b ? a : b; break;
        case EXPRESSION_MINIMUM: *value = a < b ? a : b; break;
        default: return "has an unknown operation";
    }
    return *value < -EXPRESSION_LIMIT || *value > EXPRESSION_LIMIT ? "overflows" : NULL;
}

/* Runs the postfix code; null is the message when there is nothing wrong. */
static const char *run_expression(const smr_dimensions *dimensions, smr_vector code, int64_t *result) {
    int64_t pending[SMR_MAX_PENDING];
    uint32_t depth = 0, i;
    if (code.count % 2 != 0 || code.count > 2 * SMR_MAX_EXPRESSION) {
        return "has an odd number of entries or too many";
    }
    for (i = 0; i < code.count; i += 2) {
        const int32_t operation = smr_vector_i32(code, i);
        const int32_t operand = smr_vector_i32(code, i + 1);
        if (operation == EXPRESSION_NUMBER || operation == EXPRESSION_DIMENSION) {
            if (depth == SMR_MAX_PENDING) {
                return "is nested too deep";
            }
            if (operation == EXPRESSION_NUMBER) {
                pending[depth++] = operand;
            } else if (operand < 0 || (uint32_t)operand >= dimensions->model->dimensions.count) {
                return "refers to a dimension that does not exist";
            } else {
                pending[depth++] = smr_dimension_value(dimensions, (uint32_t)operand);
            }
        } else {
            const char *wrong;
            if (depth < 2 || operand != 0) {
                return "lacks an operand";
            }
            --depth;
            wrong = apply_operation(operation, pending[depth - 1], pending[depth], &pending[depth - 1]);
            if (wrong != NULL) {
                return wrong;
            }
        }
    }
    if (depth != 1) {
        return "does not leave one number";
    }
    *result = pending[0];
    return NULL;
}

smr_status smr_expression_evaluate(const smr_dimensions *dimensions, uint32_t index, int32_t *value,
                                   smr_error *error) {
    const smr_vector expressions = dimensions->model->expressions;
    int64_t result = 0;
    const char *wrong;
    if (index >= expressions.count) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a shape refers to expression %u of %u", (unsigned)index,
                 (unsigned)expressions.count);
    }
    wrong = run_expression(dimensions,
                           smr_field_vector(smr_vector_table(expressions, index), SMR_SLOT_EXPRESSION_CODE),
                           &result);
    if (wrong != NULL) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "dimension expression %u %s", (unsigned)index, wrong);
    }
    if (result < 0 || result > INT32_MAX) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "dimension expression %u gives %lld, outside 0 to 2147483647",
                 (unsigned)index, (long long)result);
    }
    *value = (int32_t)result;
    return SMR_OK;
}

/* Multiplies; false when the product exceeds PTRDIFF_MAX. Neither factor is 0, and the second is an int32_t.
 */
static bool multiply_bytes(uint64_t *product, uint64_t factor) {
    if (*product >> 32 != 0 && *product > (uint64_t)PTRDIFF_MAX / factor) {
        return false;
    }
    *product *= factor;
    return *product <= (uint64_t)PTRDIFF_MAX;
}

smr_status smr_shape_evaluate(const smr_dimensions *dimensions, smr_vector shape, smr_dtype dtype,
                              smr_shape *result, smr_error *error) {
    uint64_t bytes = smr_dtype_size(dtype);
    uint32_t i;
    memset(result, 0, sizeof *result);
    if (shape.count > SMR_MAX_RANK) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a shape of rank %u, more than %d", (unsigned)shape.count,
                 SMR_MAX_RANK);
    }
    result->rank = (int32_t)shape.count;
    result->count = 1;
    for (i = 0; i < shape.count; ++i) {
        const int32_t entry = smr_vector_i32(shape, i);
        int32_t value = entry;
        if (entry < 0) {
            SMR_TRY(smr_expression_evaluate(dimensions, (uint32_t)(-1 - entry), &value, error));
        }
        if (value > 0 && !multiply_bytes(&bytes, (uint64_t)value)) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a shape has more elements than this machine can address");
        }
        result->dims[i] = value;
        result->count *= (size_t)value;
    }
    result->bytes = result->count * smr_dtype_size(dtype);
    return SMR_OK;
}

bool smr_shape_count(smr_vector shape, smr_dtype dtype, size_t *count) {
    uint64_t bytes = smr_dtype_size(dtype);
    size_t product = 1;
    uint32_t i;
    if (shape.count > SMR_MAX_RANK) {
        return false;
    }
    for (i = 0; i < shape.count; ++i) {
        const int32_t value = smr_vector_i32(shape, i);
        if (value < 0 || (value > 0 && !multiply_bytes(&bytes, (uint64_t)value))) {
            return false;
        }
        product *= (size_t)value;
    }
    *count = product;
    return true;
}

bool smr_dimension_is_computed(const smr_model *model, uint32_t index) {
    return smr_field_u8(smr_vector_table(model->dimensions, index), SMR_SLOT_DIMENSION_COMPUTED, 0) != 0;
}

int32_t smr_shape_computed(const smr_model *model, smr_vector shape, uint32_t from) {
    uint32_t i, k, seen = 0;
    for (i = 0; i < shape.count; ++i) {
        const int32_t entry = smr_vector_i32(shape, i);
        smr_vector code;
        if (entry >= 0) {
            continue;
        }
        code = smr_field_vector(smr_vector_table(model->expressions, (uint32_t)(-1 - entry)),
                                SMR_SLOT_EXPRESSION_CODE);
        for (k = 0; k < code.count; k += 2) {
            const int32_t dimension = smr_vector_i32(code, k + 1);
            if (smr_vector_i32(code, k) == EXPRESSION_DIMENSION &&
                smr_dimension_is_computed(model, (uint32_t)dimension) && seen++ == from) {
                return dimension;
            }
        }
    }
    return -1;
}

int32_t smr_expression_operand(const smr_model *model, uint32_t index, uint32_t place) {
    const smr_vector code =
        smr_field_vector(smr_vector_table(model->expressions, index), SMR_SLOT_EXPRESSION_CODE);
    uint32_t k;
    for (k = 0; k < code.count; k += 2) {
        if (smr_vector_i32(code, k) == EXPRESSION_DIMENSION && place-- == 0) {
            return smr_vector_i32(code, k + 1);
        }
    }
    return -1;
}

bool smr_expression_is_dimension(const smr_model *model, uint32_t index) {
    const smr_vector code =
        smr_field_vector(smr_vector_table(model->expressions, index), SMR_SLOT_EXPRESSION_CODE);
    return code.count == 2 && smr_vector_i32(code, 0) == EXPRESSION_DIMENSION;
}
