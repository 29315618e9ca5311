/* Dimension expressions and shapes. */
#include "check.h"
#include "core/dimension.h"
#include "core/tensor.h"

#define CODE_LIMIT (2 * SMR_MAX_EXPRESSION + 2)

/* A vector of one table with one field, a vector of integers: an expression as FlatBuffers lays it out. */
typedef struct expression_file {
    uint32_t outer_to_table;
    uint16_t vtable[4];
    int32_t table_to_vtable;
    uint32_t table_to_vector;
    uint32_t count;
    int32_t code[CODE_LIMIT];
} expression_file;

/* Dimension 0 is 7 and dimension 1 is 0. */
static const int32_t dimension_values[2] = {7, 0};

static smr_status evaluate(const int32_t *code, uint32_t count, int32_t *value, smr_error *error) {
    expression_file file = {12, {6, 8, 4, 0}, 8, 4, count, {0}};
    smr_model model;
    const smr_dimensions dimensions = {&model, dimension_values, false};
    memset(&model, 0, sizeof model);
    memcpy(file.code, code, count * sizeof *code);
    model.dimensions.count = 2;
    model.expressions.count = 1;
    model.expressions.data = (const uint8_t *)&file;
    return smr_expression_evaluate(&dimensions, 0, value, error);
}

typedef struct expression_case {
    uint32_t count;
    int32_t code[14];
    int32_t value;
    const char *message; /* null: it has the value */
} expression_case;

static const expression_case expression_cases[] = {
    {2, {0, 5}, 5, NULL},
    {2, {1, 0}, 7, NULL},
    {6, {1, 0, 0, 3, 2, 0}, 10, NULL},
    {6, {1, 0, 0, 3, 3, 0}, 4, NULL},
    {6, {1, 0, 0, 3, 4, 0}, 21, NULL},
    {6, {1, 0, 0, 2, 5, 0}, 3, NULL},
    {6, {1, 0, 0, 9, 6, 0}, 9, NULL},
    {6, {1, 0, 0, 9, 7, 0}, 7, NULL},
    /* Division rounds down: (0 - 7) / 2 + 4. */
    {14, {0, 0, 1, 0, 3, 0, 0, 2, 5, 0, 0, 4, 2, 0}, 0, NULL},
    /* (-2^31) * -1 - 1. */
    {10, {0, INT32_MIN, 0, -1, 4, 0, 0, 1, 3, 0}, INT32_MAX, NULL},
    {6, {0, 1, 0, 2, 3, 0}, 0, "outside 0"},
    {6, {0, INT32_MAX, 0, 1, 2, 0}, 0, "outside 0"},
    {6, {1, 0, 1, 1, 5, 0}, 0, "not positive"},
    {6, {1, 0, 0, -1, 5, 0}, 0, "not positive"},
    {2, {1, 2}, 0, "does not exist"},
    {2, {1, -1}, 0, "does not exist"},
    {2, {2, 0}, 0, "lacks an operand"},
    {6, {0, 1, 0, 1, 2, 1}, 0, "lacks an operand"},
    {4, {0, 1, 0, 1}, 0, "one number"},
    {0, {0}, 0, "one number"},
    {6, {0, 1, 0, 1, 8, 0}, 0, "unknown operation"},
    {6, {0, 1, 0, 1, -3, 0}, 0, "unknown operation"},
    {3, {0, 1, 0}, 0, "odd number"},
    {10, {0, INT32_MAX, 0, INT32_MAX, 4, 0, 0, INT32_MAX, 4, 0}, 0, "overflows"},
    {10, {0, INT32_MAX, 0, INT32_MAX, 4, 0, 0, INT32_MIN, 4, 0}, 0, "overflows"},
};

static void test_expressions(void) {
    size_t i;
    for (i = 0; i < sizeof expression_cases / sizeof expression_cases[0]; ++i) {
        const expression_case *one = &expression_cases[i];
        int32_t value = -1;
        smr_error error;
        if (one->message == NULL) {
            CHECK_OK(evaluate(one->code, one->count, &value, &error), error);
            CHECK(value == one->value);
        } else {
            CHECK_FAILS(evaluate(one->code, one->count, &value, &error), SMR_ERROR_MODEL, one->message,
                        error);
        }
    }
}

static void test_expression_limits(void) {
    int32_t code[CODE_LIMIT] = {0};
    int32_t value;
    smr_error error;
    uint32_t i;
    CHECK_FAILS(evaluate(code, 2 * (SMR_MAX_PENDING + 1), &value, &error), SMR_ERROR_MODEL, "nested", error);
    CHECK_FAILS(evaluate(code, CODE_LIMIT, &value, &error), SMR_ERROR_MODEL, "too many", error);
    /* Sums that double: 1 + 1, + 2^31 - 1, ... stay within the limit however long the code is. */
    for (i = 1; i + 1 < SMR_MAX_EXPRESSION; i += 2) {
        code[2 * i + 1] = INT32_MAX;
        code[2 * i + 2] = 2;
    }
    CHECK_FAILS(evaluate(code, 2 * SMR_MAX_EXPRESSION - 2, &value, &error), SMR_ERROR_MODEL, "outside 0",
                error);
}

static smr_status shape_of(const int32_t *dims, uint32_t rank, smr_dtype dtype, smr_shape *shape,
                           smr_error *error) {
    smr_model model;
    const smr_dimensions dimensions = {&model, dimension_values, false};
    const smr_vector vector = {(const uint8_t *)dims, rank};
    memset(&model, 0, sizeof model);
    return smr_shape_evaluate(&dimensions, vector, dtype, shape, error);
}

static void test_shapes(void) {
    const int32_t small[] = {2, 3, 4}, empty[] = {0, 5}, huge[] = {0, INT32_MAX, INT32_MAX, INT32_MAX};
    const int32_t ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, missing[] = {-1}, last[] = {INT32_MIN};
    smr_shape shape;
    smr_error error;
    CHECK_OK(shape_of(small, 3, SMR_DTYPE_FLOAT32, &shape, &error), error);
    CHECK(shape.rank == 3 && shape.count == 24 && shape.bytes == 96 && shape.dims[2] == 4);
    CHECK_OK(shape_of(small, 0, SMR_DTYPE_INT64, &shape, &error), error);
    CHECK(shape.rank == 0 && shape.count == 1 && shape.bytes == 8);
    CHECK_OK(shape_of(empty, 2, SMR_DTYPE_INT8, &shape, &error), error);
    CHECK(shape.count == 0 && shape.bytes == 0);
    /* No product of some dimensions may overflow either. */
    CHECK_FAILS(shape_of(huge, 4, SMR_DTYPE_INT8, &shape, &error), SMR_ERROR_MODEL, "address", error);
    CHECK_FAILS(shape_of(ones, 9, SMR_DTYPE_INT8, &shape, &error), SMR_ERROR_MODEL, "rank 9", error);
    CHECK_FAILS(shape_of(missing, 1, SMR_DTYPE_INT8, &shape, &error), SMR_ERROR_MODEL, "expression 0 of 0",
                error);
    CHECK_FAILS(shape_of(last, 1, SMR_DTYPE_INT8, &shape, &error), SMR_ERROR_MODEL, "of 0", error);
}

static smr_status constant_bytes(smr_layout layout, smr_dtype dtype, int32_t rows, int32_t columns,
                                 uint32_t run, uint64_t *bytes, smr_error *error) {
    const int32_t dims[] = {rows, columns};
    smr_value value;
    memset(&value, 0, sizeof value);
    value.rank = 2;
    value.dims = dims;
    value.count = (size_t)rows * (size_t)columns;
    value.run = run;
    value.dtype = (uint8_t)dtype;
    value.layout = (uint8_t)layout;
    return smr_value_constant_bytes(&value, bytes, error);
}

static void test_layouts(void) {
    const smr_layout panel16 = SMR_LAYOUT_PANEL16, panel16x4 = SMR_LAYOUT_PANEL16X4;
    uint64_t bytes;
    smr_error error;
    CHECK_OK(constant_bytes(SMR_LAYOUT_DENSE, SMR_DTYPE_FLOAT32, 5, 17, 0, &bytes, &error), error);
    CHECK(bytes == 340);
    CHECK_OK(constant_bytes(panel16, SMR_DTYPE_FLOAT32, 5, 17, 0, &bytes, &error), error);
    CHECK(bytes == 2 * 5 * 16 * 4);
    CHECK_OK(constant_bytes(panel16, SMR_DTYPE_FLOAT16, 5, 16, 0, &bytes, &error), error);
    CHECK(bytes == 5 * 16 * 2);
    CHECK_OK(constant_bytes(panel16, SMR_DTYPE_FLOAT32, 0, 16, 0, &bytes, &error), error);
    CHECK(bytes == 0);
    /* 6 rows in runs of 3, each padded to 4. */
    CHECK_OK(constant_bytes(panel16x4, SMR_DTYPE_INT8, 6, 17, 3, &bytes, &error), error);
    CHECK(bytes == 2 * 8 * 16);
    CHECK_OK(constant_bytes(panel16x4, SMR_DTYPE_INT8, 6, 0, 3, &bytes, &error), error);
    CHECK(bytes == 0);
    CHECK_FAILS(constant_bytes(panel16, SMR_DTYPE_INT8, 5, 17, 0, &bytes, &error), SMR_ERROR_MODEL, "of int8",
                error);
    CHECK_FAILS(constant_bytes(panel16x4, SMR_DTYPE_FLOAT32, 6, 17, 3, &bytes, &error), SMR_ERROR_MODEL,
                "of float32", error);
    CHECK_FAILS(constant_bytes(panel16x4, SMR_DTYPE_INT8, 6, 17, 0, &bytes, &error), SMR_ERROR_MODEL,
                "runs of 0", error);
    CHECK_FAILS(constant_bytes(panel16x4, SMR_DTYPE_INT8, 6, 17, 4, &bytes, &error), SMR_ERROR_MODEL,
                "runs of 4", error);
    /* Each row alone takes 64 bytes instead of 1. */
    CHECK_FAILS(
        smr_value_constant_bytes(&(smr_value){.rank = 5,
                                              .dims = (const int32_t[]){INT32_MAX, INT32_MAX, 1, 1, 1},
                                              .count = (size_t)INT32_MAX,
                                              .run = 1,
                                              .dtype = SMR_DTYPE_INT8,
                                              .layout = SMR_LAYOUT_PANEL16X4},
                                 &bytes, &error),
        SMR_ERROR_MODEL, "can address", error);
    CHECK_FAILS(
        smr_value_constant_bytes(
            &(smr_value){.count = 1, .dtype = SMR_DTYPE_INT8, .layout = SMR_LAYOUT_PANEL16}, &bytes, &error),
        SMR_ERROR_MODEL, "of a scalar", error);
}

int main(void) {
    test_layouts();
    test_expressions();
    test_expression_limits();
    test_shapes();
    return check_result();
}
