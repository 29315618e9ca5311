/* Reductions over axes. Floating-point numbers are accumulated in double, one after the other in the order of
 * the input, so that neither length nor partition of the work shows in the result. Integers wrap around. */
#include <math.h>

#include "convert.h"
#include "reduce.h"

/* Takes `count` elements into accumulators: into one of them with step 0, else each into its own. Elements
 * are float or int64_t, accumulators double or int64_t. */
typedef void (*reduce_fold)(const void *x, size_t count, void *accumulators, size_t step);

typedef union reduce_accumulators {
    double floats[SMR_BLOCK];
    int64_t integers[SMR_BLOCK];
} reduce_accumulators;

typedef struct reduce_parameters {
    smr_reduction reduction;
    reduce_fold fold;
    double float_start;
    int64_t integer_start;
    double divisor; /* of floats */
} reduce_parameters;

#define REDUCE_FOLD(function, element, accumulator, expression)                          \
    static void function(const void *x, size_t count, void *accumulators, size_t step) { \
        const element *in = x;                                                           \
        accumulator *out = accumulators;                                                 \
        size_t i;                                                                        \
        if (step == 0) {                                                                 \
            accumulator a = out[0];                                                      \
            for (i = 0; i < count; ++i) {                                                \
                const accumulator b = in[i];                                             \
                a = (accumulator)(expression);                                           \
            }                                                                            \
            out[0] = a;                                                                  \
        } else {                                                                         \
            for (i = 0; i < count; ++i) {                                                \
                const accumulator a = out[i], b = in[i];                                 \
                out[i] = (accumulator)(expression);                                      \
            }                                                                            \
        }                                                                                \
    }

REDUCE_FOLD(reduce_sum_floats, float, double, a + b)
REDUCE_FOLD(reduce_sum_integers, int64_t, int64_t, (uint64_t)(a) + (uint64_t)(b))
REDUCE_FOLD(reduce_prod_floats, float, double, (a) * (b))
REDUCE_FOLD(reduce_prod_integers, int64_t, int64_t, (uint64_t)(a) * (uint64_t)(b))
REDUCE_FOLD(reduce_max_floats, float, double, (b > a || b != b) ? b : a)
REDUCE_FOLD(reduce_max_integers, int64_t, int64_t, b > a ? b : a)
REDUCE_FOLD(reduce_min_floats, float, double, (b < a || b != b) ? b : a)
REDUCE_FOLD(reduce_min_integers, int64_t, int64_t, b < a ? b : a)

/* Elements [offset, offset + count) of the input, in place or in `block`. */
static const void *reduce_fetch(const smr_value *x, size_t offset, size_t count, smr_block *block) {
    if (smr_is_direct(x->dtype)) {
        return (const uint8_t *)x->data + offset * smr_dtype_size((smr_dtype)x->dtype);
    }
    if (smr_is_float(x->dtype)) {
        smr_load_floats(x->dtype, x->data, offset, count, block->floats);
    } else {
        smr_load_integers(x->dtype, x->data, offset, count, block->integers);
    }
    return block;
}

/* Takes `count` neighbouring elements into one accumulator, or into as many. */
static void reduce_fold_run(const reduce_parameters *parameters, const smr_value *x, size_t offset,
                            size_t count, reduce_accumulators *accumulators, size_t step) {
    const size_t limit = smr_is_direct(x->dtype) ? count : SMR_BLOCK;
    smr_block block;
    size_t done, n;
    for (done = 0; done < count; done += n) {
        n = count - done < limit ? count - done : limit;
        parameters->fold(reduce_fetch(x, offset + done, n, &block), n, accumulators, step);
    }
}

static void reduce_store(const reduce_parameters *parameters, const smr_value *y, size_t at, size_t count,
                         const reduce_accumulators *accumulators) {
    if (smr_is_float(y->dtype)) {
        smr_block block;
        size_t i;
        for (i = 0; i < count; ++i) {
            block.floats[i] = (float)(accumulators->floats[i] / parameters->divisor);
        }
        smr_store_floats(y->dtype, y->data, at, count, block.floats);
    } else {
        smr_store_integers(y->dtype, y->data, at, count, accumulators->integers);
    }
}

static smr_status reduce_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const reduce_parameters *parameters = SMR_CONST_PARAMETERS(node, reduce_parameters);
    const smr_reduction *reduction = &parameters->reduction;
    const smr_value *x = node->inputs[0];
    const bool inner = smr_reduction_is_inner(reduction);
    (void)error;
    while (begin < end) {
        reduce_accumulators accumulators;
        size_t length, i, row;
        const size_t first = smr_reduction_begin(reduction, begin, &length);
        length = length < end - begin ? length : end - begin;
        length = length < SMR_BLOCK ? length : SMR_BLOCK;
        for (i = 0; i < length; ++i) {
            if (smr_is_float(x->dtype)) {
                accumulators.floats[i] = parameters->float_start;
            } else {
                accumulators.integers[i] = parameters->integer_start;
            }
        }
        for (row = 0; row < reduction->rows; ++row) {
            const size_t offset = first + smr_reduction_offset(reduction, row);
            const size_t count = inner ? reduction->sizes[reduction->rank - 1] : length;
            reduce_fold_run(parameters, x, offset, count, &accumulators, inner ? 0 : 1);
        }
        reduce_store(parameters, node->outputs[0], begin, length, &accumulators);
        begin += length;
    }
    return SMR_OK;
}

/* The set of axes that the attributes name. */
static smr_status reduce_axes(const smr_node *node, uint32_t *axes, smr_error *error) {
    const smr_ints8 *named = &node->attributes.reduce_sum.axes; /* all reductions have the same attributes */
    const int32_t rank = node->inputs[0]->rank;
    int32_t i;
    *axes = named->count == 0 ? (1u << rank) - 1u : 0;
    for (i = 0; i < named->count; ++i) {
        const int32_t axis = named->values[i];
        uint32_t bit;
        if (axis < -rank || axis >= rank) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d is outside %d to %d", (int)axis, -(int)rank,
                     (int)rank - 1);
        }
        bit = 1u << (axis < 0 ? axis + rank : axis);
        if ((*axes & bit) != 0) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "axis %d is named twice", (int)axis);
        }
        *axes |= bit;
    }
    return SMR_OK;
}

static smr_status reduce_check_dimension(const smr_value *y, int32_t *dimension, int32_t expected,
                                         smr_error *error) {
    if (*dimension < y->rank && y->dims[*dimension] != expected) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of %d", (int)*dimension,
                 (int)y->dims[*dimension], (int)expected);
    }
    ++*dimension;
    return SMR_OK;
}

/* The output has the dimensions of the input without the reduced ones, or with 1 for them. */
static smr_status reduce_check_output(const smr_node *node, uint32_t axes, bool keepdims, smr_error *error) {
    const smr_value *x = node->inputs[0];
    const smr_value *y = node->outputs[0];
    int32_t i, rank = 0;
    for (i = 0; i < x->rank; ++i) {
        const bool reduced = (axes >> i & 1u) != 0;
        if (!reduced || keepdims) {
            SMR_TRY(reduce_check_dimension(y, &rank, reduced ? 1 : x->dims[i], error));
        }
    }
    if (y->rank != rank) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d instead of %d", (int)y->rank, (int)rank);
    }
    return SMR_OK;
}

static smr_status reduce_prepare_axes(smr_node *node, uint32_t axes, reduce_fold floats,
                                      reduce_fold integers) {
    reduce_parameters *parameters = SMR_PARAMETERS(node, reduce_parameters);
    smr_reduction_fill(&parameters->reduction, node->inputs[0], axes);
    parameters->fold = smr_is_float(node->inputs[0]->dtype) ? floats : integers;
    parameters->divisor = 1.0;
    node->run = reduce_run;
    node->work = node->outputs[0]->count;
    return SMR_OK;
}

static smr_status reduce_prepare(smr_node *node, reduce_fold floats, reduce_fold integers, smr_error *error) {
    uint32_t axes;
    SMR_TRY(reduce_axes(node, &axes, error));
    SMR_TRY(reduce_check_output(node, axes, node->attributes.reduce_sum.keepdims != 0, error));
    return reduce_prepare_axes(node, axes, floats, integers);
}

smr_status smr_prepare_reduce_sum(smr_node *node, smr_error *error) {
    return reduce_prepare(node, reduce_sum_floats, reduce_sum_integers, error);
}

/* The output is int32, whatever the input is. */
smr_status smr_prepare_integer_sum(smr_node *node, smr_error *error) {
    return reduce_prepare(node, NULL, reduce_sum_integers, error);
}

smr_status smr_prepare_reduce_mean(smr_node *node, smr_error *error) {
    SMR_TRY(reduce_prepare(node, reduce_sum_floats, NULL, error));
    if (node->work > 0) {
        const size_t elements = node->inputs[0]->count / node->outputs[0]->count;
        SMR_PARAMETERS(node, reduce_parameters)->divisor = (double)elements;
    }
    return SMR_OK;
}

smr_status smr_prepare_reduce_prod(smr_node *node, smr_error *error) {
    reduce_parameters *parameters = SMR_PARAMETERS(node, reduce_parameters);
    parameters->float_start = 1.0;
    parameters->integer_start = 1;
    return reduce_prepare(node, reduce_prod_floats, reduce_prod_integers, error);
}

/* The least value of an integer type; its complement is the greatest. */
static int64_t reduce_least(int dtype) {
    const int64_t bits = (int64_t)smr_dtype_size((smr_dtype)dtype) * 8;
    return dtype == SMR_DTYPE_UINT8 ? 0 : -(int64_t)(((uint64_t)1 << (bits - 1)) - 1) - 1;
}

smr_status smr_prepare_reduce_max(smr_node *node, smr_error *error) {
    reduce_parameters *parameters = SMR_PARAMETERS(node, reduce_parameters);
    parameters->float_start = -HUGE_VAL;
    parameters->integer_start = reduce_least(node->inputs[0]->dtype);
    return reduce_prepare(node, reduce_max_floats, reduce_max_integers, error);
}

smr_status smr_prepare_reduce_min(smr_node *node, smr_error *error) {
    reduce_parameters *parameters = SMR_PARAMETERS(node, reduce_parameters);
    const int dtype = node->inputs[0]->dtype;
    parameters->float_start = HUGE_VAL;
    parameters->integer_start = dtype == SMR_DTYPE_UINT8 ? UINT8_MAX : -(reduce_least(dtype) + 1);
    return reduce_prepare(node, reduce_min_floats, reduce_min_integers, error);
}

static smr_status reduce_prepare_truths(smr_node *node, smr_run_function run, smr_error *error) {
    uint32_t axes;
    SMR_TRY(reduce_axes(node, &axes, error));
    SMR_TRY(reduce_check_output(node, axes, node->attributes.reduce_sum.keepdims != 0, error));
    smr_reduction_fill(SMR_PARAMETERS(node, smr_reduction), node->inputs[0], axes);
    node->run = run;
    node->work = node->outputs[0]->count;
    return SMR_OK;
}

smr_status smr_prepare_reduce_any(smr_node *node, smr_error *error) {
    return reduce_prepare_truths(node, smr_reduction_run_any, error);
}

smr_status smr_prepare_reduce_all(smr_node *node, smr_error *error) {
    return reduce_prepare_truths(node, smr_reduction_run_all, error);
}

/* The output's shape says which axes were broadcast. */
smr_status smr_prepare_sum_to(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0];
    const smr_value *y = node->outputs[0];
    const int32_t lead = x->rank - y->rank;
    uint32_t axes = 0;
    int32_t i;
    if (lead < 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the output has rank %d, more than %d", (int)y->rank, (int)x->rank);
    }
    for (i = 0; i < x->rank; ++i) {
        if (i < lead || y->dims[i - lead] == 1) {
            axes |= 1u << i;
        } else if (y->dims[i - lead] != x->dims[i]) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the output is %d instead of 1 or %d",
                     (int)(i - lead), (int)y->dims[i - lead], (int)x->dims[i]);
        }
    }
    return reduce_prepare_axes(node, axes, reduce_sum_floats, reduce_sum_integers);
}
