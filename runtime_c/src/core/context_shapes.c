/* Named dimensions from the shapes that a caller has for the inputs of a signature.
 *
 * An axis that is a named dimension tells it. An axis whose expression holds one dimension that is not told
 * yet, such as 4*height, tells it by bisection between its bounds: sizes grow or shrink steadily with a
 * dimension. */
#include "context.h"

#define SHAPES_UNKNOWN (-1)

/* One axis of an input, and the size that it shall have. */
typedef struct shapes_axis {
    const char *input;
    uint32_t number;
    int32_t entry; /* as the file has it: a size, or an expression */
    int32_t size;
} shapes_axis;

/* Goes through the axes of all inputs of a signature. */
typedef struct shapes_walk {
    smr_vector endpoints;
    smr_vector tensors;
    const int32_t *sizes;
    uint32_t input;
    uint32_t axis;
    size_t count; /* axes so far */
} shapes_walk;

static shapes_walk walk_inputs(const smr_model *model, int32_t signature, const int32_t *sizes) {
    const smr_table table = smr_vector_table(model->signatures, (uint32_t)signature);
    const uint32_t program = smr_field_u32(table, SMR_SLOT_SIGNATURE_PROGRAM, 0);
    shapes_walk walk;
    memset(&walk, 0, sizeof walk);
    walk.endpoints = smr_field_vector(table, SMR_SLOT_SIGNATURE_INPUTS);
    walk.tensors = smr_field_vector(smr_vector_table(model->programs, program), SMR_SLOT_PROGRAM_TENSORS);
    walk.sizes = sizes;
    return walk;
}

static bool next_axis(shapes_walk *walk, shapes_axis *found) {
    for (; walk->input < walk->endpoints.count; ++walk->input, walk->axis = 0) {
        const smr_table endpoint = smr_vector_table(walk->endpoints, walk->input);
        const smr_table tensor =
            smr_vector_table(walk->tensors, smr_field_u32(endpoint, SMR_SLOT_ENDPOINT_TENSOR, 0));
        const smr_vector shape = smr_field_vector(tensor, SMR_SLOT_TENSOR_SHAPE);
        if (walk->axis < shape.count) {
            found->input = smr_field_string(endpoint, SMR_SLOT_ENDPOINT_NAME);
            found->number = walk->axis;
            found->entry = smr_vector_i32(shape, walk->axis);
            found->size = walk->sizes == NULL ? 0 : walk->sizes[walk->count];
            ++walk->axis;
            ++walk->count;
            return true;
        }
    }
    return false;
}

/* The only dimension of an expression that has no value yet; -1 when there is none, or several. */
static int32_t only_unknown(const smr_context *context, uint32_t expression) {
    int32_t found = -1, dimension;
    uint32_t place;
    for (place = 0; (dimension = smr_expression_operand(context->model, expression, place)) >= 0; ++place) {
        if (context->wanted[dimension] == SHAPES_UNKNOWN && found != dimension) {
            if (found >= 0) {
                return -1;
            }
            found = dimension;
        }
    }
    return found;
}

/* The size of an axis when one more dimension has a value; the dimension has none afterwards. */
static smr_status size_with(smr_context *context, const shapes_axis *axis, int32_t dimension, int32_t value,
                            int32_t *size, smr_error *error) {
    const smr_dimensions wanted = {context->model, context->wanted, false};
    smr_status status;
    context->wanted[dimension] = value;
    status = smr_expression_evaluate(&wanted, (uint32_t)(-1 - axis->entry), size, error);
    context->wanted[dimension] = SHAPES_UNKNOWN;
    return status;
}

/* Finds the value of one dimension with which an axis has its size. */
static smr_status solve_axis(smr_context *context, const shapes_axis *axis, int32_t dimension,
                             smr_error *error) {
    const smr_dimensions largest = {context->model, NULL, false};
    const smr_dimensions smallest = {context->model, NULL, true};
    int32_t low = smr_dimension_value(&smallest, (uint32_t)dimension);
    int32_t high = smr_dimension_value(&largest, (uint32_t)dimension);
    int32_t first, last;
    bool grows;
    SMR_TRY(size_with(context, axis, dimension, low, &first, error));
    SMR_TRY(size_with(context, axis, dimension, high, &last, error));
    grows = first <= last;
    if (axis->size < (grows ? first : last) || axis->size > (grows ? last : first)) {
        SMR_FAIL(error, SMR_ERROR_DIMENSION, "input \"%.64s\": axis %u is from %d to %d, not %d", axis->input,
                 (unsigned)axis->number, (int)(grows ? first : last), (int)(grows ? last : first),
                 (int)axis->size);
    }
    /* The size at `high` has reached what is wanted, that at `low` may not have. */
    while (first != axis->size && high - low > 1) {
        const int32_t middle = low + (high - low) / 2;
        int32_t size;
        SMR_TRY(size_with(context, axis, dimension, middle, &size, error));
        if (grows ? size < axis->size : size > axis->size) {
            low = middle;
            first = size;
        } else {
            high = middle;
            last = size;
        }
    }
    if (first != axis->size && last != axis->size) {
        SMR_FAIL(error, SMR_ERROR_DIMENSION, "input \"%.64s\": axis %u can be %d or %d, not %d", axis->input,
                 (unsigned)axis->number, (int)(grows ? first : last), (int)(grows ? last : first),
                 (int)axis->size);
    }
    context->wanted[dimension] = first == axis->size ? low : high;
    return SMR_OK;
}

/* Finds the dimensions that the axes tell: those that are one first, then as long as more are found. */
static smr_status solve_all(smr_context *context, int32_t signature, const int32_t *sizes, smr_error *error) {
    bool bare = true, found = true;
    while (found) {
        shapes_walk walk = walk_inputs(context->model, signature, sizes);
        shapes_axis axis;
        found = bare;
        while (next_axis(&walk, &axis)) {
            const uint32_t expression = (uint32_t)(-1 - axis.entry);
            int32_t dimension;
            if (axis.entry >= 0 || (bare && !smr_expression_is_dimension(context->model, expression))) {
                continue;
            }
            dimension = only_unknown(context, expression);
            if (dimension >= 0) {
                SMR_TRY(solve_axis(context, &axis, dimension, error));
                found = true;
            }
        }
        bare = false;
    }
    return SMR_OK;
}

/* Every axis has the size that it shall have. */
static smr_status check_all(const smr_context *context, int32_t signature, const int32_t *sizes,
                            smr_error *error) {
    const smr_dimensions wanted = {context->model, context->wanted, false};
    shapes_walk walk = walk_inputs(context->model, signature, sizes);
    shapes_axis axis;
    while (next_axis(&walk, &axis)) {
        int32_t size = axis.entry;
        if (axis.entry < 0) {
            SMR_TRY(smr_expression_evaluate(&wanted, (uint32_t)(-1 - axis.entry), &size, error));
        }
        if (size != axis.size) {
            SMR_FAIL(error, SMR_ERROR_DIMENSION, "input \"%.64s\": axis %u is %d%s, not %d", axis.input,
                     (unsigned)axis.number, (int)size,
                     axis.entry < 0 ? " where the other axes are as given" : "", (int)axis.size);
        }
    }
    return SMR_OK;
}

smr_status smr_context_set_shapes(smr_context *context, int32_t signature, const int32_t *sizes, size_t count,
                                  smr_error *error) {
    shapes_walk walk;
    shapes_axis axis;
    uint32_t i;
    if (context == NULL || (sizes == NULL && count != 0)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`context` or `sizes` is null");
    }
    if (signature < 0 || (uint32_t)signature >= context->model->signatures.count) {
        SMR_FAIL(error, SMR_ERROR_NOT_FOUND, "signature %d of %u", (int)signature,
                 (unsigned)context->model->signatures.count);
    }
    walk = walk_inputs(context->model, signature, NULL);
    while (next_axis(&walk, &axis)) {
    }
    if (walk.count != count) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%zu sizes for the %zu axes of the inputs", count, walk.count);
    }
    for (i = 0; i < context->model->dimensions.count; ++i) {
        context->wanted[i] =
            smr_dimension_is_computed(context->model, i) ? context->dimensions[i] : SHAPES_UNKNOWN;
    }
    SMR_TRY(solve_all(context, signature, sizes, error));
    for (i = 0; i < context->model->dimensions.count; ++i) {
        if (context->wanted[i] == SHAPES_UNKNOWN) {
            context->wanted[i] = context->dimensions[i];
        }
    }
    SMR_TRY(check_all(context, signature, sizes, error));
    return smr_context_set_dimensions(context, context->wanted, context->model->dimensions.count, error);
}
