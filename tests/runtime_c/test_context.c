/* Contexts: their memory, running, dimensions, state, callbacks and the self-test. */
#include <math.h>

#include "check.h"
#include "core/isa.h"
#include "core/model.h"
#include "gen/format.h"
#include "platform/platform.h"

static smr_context *make_context(const smr_model *model, const smr_context_config *config) {
    smr_context *context = NULL;
    smr_error error;
    CHECK_OK(smr_context_create(model, config, NULL, 0, &context, &error), error);
    if (context == NULL) {
        exit(EXIT_FAILURE);
    }
    return context;
}

static float *input_data(smr_context *context, int32_t signature, int32_t index, size_t count) {
    smr_tensor tensor;
    smr_error error;
    CHECK_OK(smr_context_input(context, signature, index, &tensor, &error), error);
    CHECK(tensor.bytes == count * sizeof(float) && (uintptr_t)tensor.data % 64 == 0);
    return tensor.data;
}

static float *output_data(smr_context *context, int32_t signature, int32_t index, size_t count) {
    smr_tensor tensor;
    smr_error error;
    CHECK_OK(smr_context_output(context, signature, index, &tensor, &error), error);
    CHECK(tensor.bytes == count * sizeof(float));
    return tensor.data;
}

static void test_run(void) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    smr_context *context = make_context(model, NULL);
    const float x[6] = {-1.0f, 3.0f, 0.5f, 0.0f, 0.0f, -4.0f};
    smr_tensor tensor;
    smr_error error;
    float *y;
    memcpy(input_data(context, 0, 0, 6), x, sizeof x);
    CHECK_OK(smr_run(context, 0, &error), error);
    y = output_data(context, 0, 0, 6);
    CHECK(y[0] == 0.0f && y[1] == 1.0f && y[2] == 3.5f && y[3] == 1.0f && y[4] == 0.0f && y[5] == 0.0f);
    CHECK_OK(smr_context_tensor(context, 0, 1, &tensor, &error), error);
    CHECK(strcmp(tensor.name, "bias") == 0 && ((const float *)tensor.data)[1] == -2.0f);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK_FAILS(smr_run(context, 1, &error), SMR_ERROR_NOT_FOUND, "signature 1 of 1", error);
    CHECK_FAILS(smr_run(NULL, 0, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_FAILS(smr_context_input(context, 0, 1, &tensor, &error), SMR_ERROR_NOT_FOUND, "input 1 of 1",
                error);
    CHECK_FAILS(smr_context_tensor(context, 0, 4, &tensor, &error), SMR_ERROR_NOT_FOUND, "tensor 4 of 4",
                error);
    CHECK_FAILS(smr_self_test(context, NAN, &error), SMR_ERROR_ARGUMENT, "tolerance", error);
    smr_context_free(context);
    smr_context_free(NULL);
    smr_model_free(model);
    free(file.block);
}

/* A view is read after the view of it, and a view that lies elsewhere is a copy. */
static void test_views(void) {
    check_file file;
    smr_model *model = check_load("views.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_error error;
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* Tensors among the columns of another, which they are joined to, or copied from. */
static void test_strided(void) {
    const float b[6] = {5.0f, 6.0f, 7.0f, 8.0f, 9.0f, 10.0f};
    check_file file;
    smr_model *model = check_load("strided.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_tensor tensor;
    smr_error error;
    float found[6];
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    memcpy(input_data(context, 0, 1, 6), b, sizeof b);
    CHECK_OK(smr_run(context, 0, &error), error);
    CHECK_OK(smr_context_tensor(context, 0, 3, &tensor, &error), error);
    CHECK(tensor.data == NULL && tensor.bytes == sizeof b);
    CHECK_OK(smr_context_read_tensor(context, 0, 3, found, sizeof found, &error), error);
    CHECK(memcmp(found, b, sizeof b) == 0);
    CHECK_OK(smr_context_read_tensor(context, 0, 1, found, sizeof found, &error), error);
    CHECK(memcmp(found, b, sizeof b) == 0);
    CHECK_FAILS(smr_context_read_tensor(context, 0, 3, found, sizeof found - 1, &error), SMR_ERROR_ARGUMENT,
                "23 bytes for the 24", error);
    CHECK_FAILS(smr_context_read_tensor(context, 0, 6, found, sizeof found, &error), SMR_ERROR_NOT_FOUND,
                "tensor 6 of 6", error);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* Pieces of the rows of an input, and a row of a piece, of which there is nothing to move. */
static void test_pieces(void) {
    const float c[8] = {2.0f, 3.0f, 4.0f, 5.0f, 10.0f, 11.0f, 12.0f, 13.0f};
    const float d[5] = {8.0f, 9.0f, 10.0f, 11.0f, 12.0f};
    check_file file;
    smr_model *model = check_load("pieces.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_error error;
    float found[8];
    float *x = input_data(context, 0, 0, 16);
    int32_t i;
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    for (i = 0; i < 16; ++i) {
        x[i] = (float)i;
    }
    CHECK_OK(smr_run(context, 0, &error), error);
    CHECK_OK(smr_context_read_tensor(context, 0, 3, found, sizeof c, &error), error);
    CHECK(memcmp(found, c, sizeof c) == 0);
    CHECK_OK(smr_context_read_tensor(context, 0, 4, found, sizeof d, &error), error);
    CHECK(memcmp(found, d, sizeof d) == 0);
    /* They are the input's own bytes. */
    x[2] = -1.0f;
    CHECK_OK(smr_context_read_tensor(context, 0, 3, found, sizeof c, &error), error);
    CHECK(found[0] == -1.0f);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

static void test_memory(void) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    smr_context_config config;
    smr_context *context;
    smr_error error;
    size_t bytes, alignment;
    uint8_t *block;
    uint8_t *memory;
    smr_context_config_init(&config);
    CHECK_OK(smr_context_memory(model, &config, &bytes, &alignment, &error), error);
    CHECK(alignment == 64 && bytes > 192);
    block = malloc(bytes + 128);
    memory = block + (64 - (uintptr_t)block % 64) % 64;
    memset(memory, 0xaa, bytes + 64);
    CHECK_FAILS(smr_context_create(model, NULL, memory, bytes - 1, &context, &error), SMR_ERROR_MEMORY,
                "instead of", error);
    CHECK_FAILS(smr_context_create(model, NULL, memory + 16, bytes, &context, &error), SMR_ERROR_ARGUMENT,
                "aligned", error);
    CHECK(context == NULL);
    config.struct_size = 0;
    CHECK_FAILS(smr_context_create(model, &config, memory, bytes, &context, &error), SMR_ERROR_ARGUMENT,
                "config", error);
    CHECK_FAILS(smr_context_create(NULL, NULL, memory, bytes, &context, &error), SMR_ERROR_ARGUMENT, "null",
                error);
    CHECK_OK(smr_context_create(model, NULL, memory, bytes, &context, &error), error);
    CHECK((uint8_t *)context == memory);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    smr_context_free(context);
    CHECK(memory[bytes] == 0xaa && memory[bytes + 63] == 0xaa);
    free(block);
    smr_model_free(model);
    free(file.block);
}

static void check_shape(smr_context *context, int32_t output, int32_t rank, int32_t first, size_t bytes) {
    smr_tensor tensor;
    smr_error error;
    CHECK_OK(smr_context_output(context, 0, output, &tensor, &error), error);
    CHECK(tensor.rank == rank && tensor.dims[0] == first && tensor.bytes == bytes);
}

static void test_shapes(void) {
    check_file file;
    smr_model *model = check_load("dynamic.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_error error;
    smr_tensor tensor;
    const int32_t *const none = NULL;
    /* x[n, 4], y[m, 4], w[(n + 1) / 2] */
    CHECK_OK(smr_context_set_shapes(context, 0, (const int32_t[]){3, 4, 1, 4, 2}, 5, &error), error);
    check_shape(context, 0, 2, 3, 48);
    CHECK_OK(smr_context_input(context, 0, 2, &tensor, &error), error);
    CHECK(tensor.rank == 1 && tensor.dims[0] == 2);
    CHECK_FAILS(smr_context_set_shapes(context, 0, (const int32_t[]){3, 4, 1, 4, 1}, 5, &error),
                SMR_ERROR_DIMENSION, "axis 0 is 2 where the other axes are as given, not 1", error);
    CHECK_FAILS(smr_context_set_shapes(context, 0, (const int32_t[]){3, 5, 1, 4, 2}, 5, &error),
                SMR_ERROR_DIMENSION, "\"x\": axis 1 is 4, not 5", error);
    CHECK_FAILS(smr_context_set_shapes(context, 0, (const int32_t[]){9, 4, 1, 4, 2}, 5, &error),
                SMR_ERROR_DIMENSION, "\"x\": axis 0 is from 0 to 8, not 9", error);
    CHECK_FAILS(smr_context_set_shapes(context, 0, (const int32_t[]){3, 4, 2, 4, 2}, 5, &error),
                SMR_ERROR_MODEL, "add \"z\"", error);
    CHECK_FAILS(smr_context_set_shapes(context, 0, (const int32_t[]){3, 4}, 2, &error), SMR_ERROR_ARGUMENT,
                "2 sizes for the 5 axes", error);
    CHECK_FAILS(smr_context_set_shapes(context, 1, none, 0, &error), SMR_ERROR_NOT_FOUND, "signature 1 of 1",
                error);
    CHECK_FAILS(smr_context_set_shapes(context, 0, none, 5, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_FAILS(smr_context_set_shapes(NULL, 0, none, 0, &error), SMR_ERROR_ARGUMENT, "null", error);
    check_shape(context, 0, 2, 3, 48);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

static void test_dimensions(void) {
    check_file file;
    smr_model *model = check_load("dynamic.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_error error;
    float *x, *y, *z;
    check_shape(context, 0, 2, 8, 128);
    check_shape(context, 1, 1, 4, 16);
    /* x[3, 4] + y[8, 4] cannot be; nothing has changed then. */
    CHECK_FAILS(smr_context_set_dimension(context, "n", 3, &error), SMR_ERROR_MODEL, "add \"z\"", error);
    check_shape(context, 0, 2, 8, 128);
    CHECK_OK(smr_run(context, 0, &error), error);
    /* Both at once can. */
    CHECK_OK(smr_context_set_dimensions(context, (const int32_t[]){3, 3}, 2, &error), error);
    check_shape(context, 0, 2, 3, 48);
    CHECK_FAILS(smr_context_set_dimensions(context, (const int32_t[]){4, 3}, 2, &error), SMR_ERROR_MODEL,
                "add \"z\"", error);
    CHECK_FAILS(smr_context_set_dimensions(context, (const int32_t[]){3, 9}, 2, &error), SMR_ERROR_DIMENSION,
                "not 9", error);
    CHECK_FAILS(smr_context_set_dimensions(context, (const int32_t[]){3}, 1, &error), SMR_ERROR_ARGUMENT,
                "1 values for 2", error);
    check_shape(context, 0, 2, 3, 48);
    CHECK_OK(smr_context_set_dimension(context, "m", 1, &error), error);
    CHECK_OK(smr_context_set_dimension(context, "n", 3, &error), error);
    check_shape(context, 0, 2, 3, 48);
    check_shape(context, 1, 1, 2, 8);
    x = input_data(context, 0, 0, 12);
    y = input_data(context, 0, 1, 4);
    x[0] = 1.0f, x[11] = 2.0f, y[0] = 10.0f, y[3] = 20.0f;
    CHECK_OK(smr_run(context, 0, &error), error);
    z = output_data(context, 0, 0, 12);
    CHECK(z[0] == 11.0f && z[11] == 22.0f);
    CHECK_OK(smr_context_set_dimension(context, "n", 0, &error), error);
    check_shape(context, 0, 2, 0, 0);
    CHECK_OK(smr_run(context, 0, &error), error);
    CHECK_FAILS(smr_context_set_dimension(context, "n", -1, &error), SMR_ERROR_DIMENSION, "0 to 8, not -1",
                error);
    CHECK_FAILS(smr_context_set_dimension(context, "n", 9, &error), SMR_ERROR_DIMENSION, "not 9", error);
    CHECK_FAILS(smr_context_set_dimension(context, "k", 1, &error), SMR_ERROR_NOT_FOUND, "\"k\"", error);
    CHECK_FAILS(smr_context_set_dimension(context, NULL, 1, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    check_shape(context, 0, 2, 8, 128);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* (8 - n) * n + 8 is 8 at both bounds of n and more between them, where the file has no room. */
static void test_expression_with_a_hump(void) {
    check_file file;
    smr_model *model = check_load("hump.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_error error;
    CHECK_OK(smr_context_set_dimension(context, "n", 0, &error), error);
    CHECK_FAILS(smr_context_set_dimension(context, "n", 4, &error), SMR_ERROR_MODEL, "more than its", error);
    CHECK_OK(smr_run(context, 0, &error), error);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

static void test_state(void) {
    check_file file;
    smr_model *model = check_load("state.smr", &file);
    smr_context *context = make_context(model, NULL);
    smr_context *other = make_context(model, NULL);
    smr_model_info info;
    smr_tensor state;
    smr_error error;
    uint8_t saved[256];
    int32_t i;
    for (i = 0; i < 3; ++i) {
        float *x = input_data(context, 0, 0, 2);
        x[0] = 1.0f, x[1] = -1.0f;
        CHECK_OK(smr_run(context, 0, &error), error);
    }
    CHECK_OK(smr_context_state(context, 0, &state, &error), error);
    CHECK(strcmp(state.name, "total") == 0 && state.bytes == 8 && state.rank == 1);
    CHECK(((const float *)state.data)[0] == 4.0f && ((const float *)state.data)[1] == -1.0f);
    CHECK_OK(smr_run(context, 1, &error), error);
    CHECK(output_data(context, 1, 0, 2)[0] == 4.0f && output_data(context, 1, 0, 2)[1] == 0.0f);
    CHECK_OK(smr_run(other, 1, &error), error);
    CHECK(output_data(other, 1, 0, 2)[0] == 1.0f);
    CHECK_OK(smr_model_get_info(model, &info, &error), error);
    CHECK(info.state_bytes <= sizeof saved);
    CHECK_OK(smr_context_save_state(context, saved, info.state_bytes, &error), error);
    CHECK_OK(smr_context_load_state(other, saved, info.state_bytes, &error), error);
    CHECK_OK(smr_run(other, 1, &error), error);
    CHECK(output_data(other, 1, 0, 2)[0] == 4.0f);
    CHECK_FAILS(smr_context_save_state(context, saved, 1, &error), SMR_ERROR_ARGUMENT, "1 bytes for the",
                error);
    CHECK_FAILS(smr_context_load_state(context, NULL, info.state_bytes, &error), SMR_ERROR_ARGUMENT, "null",
                error);
    smr_context_reset(context);
    CHECK(((const float *)state.data)[0] == 1.0f && ((const float *)state.data)[1] == 2.0f);
    smr_context_reset(NULL);
    CHECK_OK(smr_context_state(context, 1, &state, &error), error);
    CHECK(state.dtype == SMR_DTYPE_INT8 && state.bytes == 3 && ((const int8_t *)state.data)[2] == 0);
    CHECK_FAILS(smr_context_state(context, 2, &state, &error), SMR_ERROR_NOT_FOUND, "state 2 of 2", error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    smr_context_free(other);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

typedef struct callback_record {
    int32_t calls;
    int32_t last;
    int32_t stop_at;
} callback_record;

static int32_t record_op(void *user, const smr_op_event *event) {
    callback_record *record = user;
    ++record->calls;
    record->last = event->index;
    return event->index == record->stop_at ? 1 : 0;
}

static void test_callback(void) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    callback_record record = {0, -1, -1};
    smr_context_config config;
    smr_context *context;
    smr_error error;
    smr_context_config_init(&config);
    config.op_callback = record_op;
    config.op_callback_user = &record;
    context = make_context(model, &config);
    CHECK_OK(smr_run(context, 0, &error), error);
    CHECK(record.calls == 2 && record.last == 1);
    record.stop_at = 0;
    CHECK_FAILS(smr_run(context, 0, &error), SMR_ERROR_CANCELLED, "after op 0", error);
    CHECK(record.calls == 3 && record.last == 0);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* A loop and a branch: x is doubled n times, and what is negative becomes 0. */
static void test_control(void) {
    check_file file;
    smr_model *model = check_load("control.smr", &file);
    callback_record record = {0, -1, -1};
    smr_context_config config;
    smr_context *context;
    smr_program_info info;
    smr_op_info op;
    smr_tensor tensor;
    smr_placement placement;
    smr_error error;
    int32_t *n;
    float *z;
    smr_context_config_init(&config);
    config.op_callback = record_op;
    config.op_callback_user = &record;
    context = make_context(model, &config);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK(smr_context_input(context, 0, 1, &tensor, &error) == SMR_OK);
    n = tensor.data;
    for (*n = -1; *n <= 5; ++*n) {
        const int32_t steps = *n < 0 ? 0 : *n;
        const float factor = (float)(1 << steps);
        float *x = input_data(context, 0, 0, 2);
        x[0] = 1.0f;
        x[1] = -2.0f;
        record.calls = 0;
        CHECK_OK(smr_run(context, 0, &error), error);
        /* A test before each step and after the last, two ops a step, and those outside. */
        CHECK(record.calls == 3 * steps + 1 + 3 + (*n >= 0 ? 1 : 0) && record.last == 2);
        z = output_data(context, 0, 0, 2);
        CHECK(z[0] == factor && z[1] == (*n < 0 ? -2.0f : 0.0f));
    }
    CHECK(*n == 6);
    CHECK_FAILS(smr_run(context, 0, &error), SMR_ERROR_DATA, "after 5 steps", error);
    /* The callback ends a loop within its first step. */
    record.calls = 0;
    record.stop_at = 1;
    CHECK_FAILS(smr_run(context, 0, &error), SMR_ERROR_CANCELLED, "after op 1", error);
    CHECK(record.calls == 3);
    CHECK_OK(smr_model_program(model, 2, &info, &error), error);
    CHECK(strcmp(info.name, "main/step") == 0 && info.op_count == 2 && info.tensor_count == 6);
    CHECK(info.caller == 0 && info.caller_op == 0);
    CHECK_OK(smr_model_program_op(model, 2, 1, &op, &error), error);
    CHECK(strcmp(op.op, "add") == 0 && op.inputs[0] == 1 && op.outputs[0] == 5);
    CHECK_OK(smr_model_program_tensor(model, 2, 4, &tensor, &placement, &error), error);
    CHECK(strcmp(tensor.name, "next") == 0 && placement.storage == SMR_STORAGE_RESULT);
    CHECK(placement.offset == 0 && placement.bytes == 4);
    CHECK_OK(smr_context_program_tensor(context, 2, 1, &tensor, &error), error);
    CHECK(tensor.data == input_data(context, 0, 0, 2));
    CHECK_FAILS(smr_model_program(model, 5, &info, &error), SMR_ERROR_NOT_FOUND, "program 5 of 5", error);
    CHECK_FAILS(smr_context_program_tensor(context, 5, 0, &tensor, &error), SMR_ERROR_NOT_FOUND,
                "program 5 of 5", error);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* A golden output that is changed no longer agrees. */
static void test_self_test(void) {
    check_file file = check_read_data("add_relu.smr");
    smr_model *model;
    smr_context *context;
    const void *data;
    size_t bytes;
    float golden;
    smr_error error;
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    CHECK_OK(smr_model_golden(model, 0, 0, 1, 0, &data, &bytes, &error), error);
    context = make_context(model, NULL);
    golden = 2.0625f;
    memcpy(file.data + ((const uint8_t *)data - file.data), &golden, sizeof golden);
    CHECK_FAILS(smr_self_test(context, 0.01f, &error), SMR_ERROR_MISMATCH, "golden case 0", error);
    CHECK_FAILS(smr_self_test(context, 0.01f, &error), SMR_ERROR_MISMATCH, "2 instead of 2.0625", error);
    /* 0.0625 is within 0.011 of the largest output, 6. */
    CHECK_OK(smr_self_test(context, 0.011f, &error), error);
    golden = NAN;
    memcpy(file.data + ((const uint8_t *)data - file.data), &golden, sizeof golden);
    CHECK_FAILS(smr_self_test(context, 100.0f, &error), SMR_ERROR_MISMATCH, "instead of", error);
    golden = INFINITY;
    memcpy(file.data + ((const uint8_t *)data - file.data), &golden, sizeof golden);
    CHECK_FAILS(smr_self_test(context, 100.0f, &error), SMR_ERROR_MISMATCH, "instead of", error);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

static const char *kernel_of(const smr_model *model, int32_t index) {
    smr_op_info op;
    smr_error error;
    CHECK_OK(smr_model_program_op(model, 0, index, &op, &error), error);
    return op.kernel;
}

/* Sums of float16 are for files that permit them, and golden outputs are held to what the file says of them.
 */
static void test_float16(void) {
    check_file file = check_read_file(SMR_TEST_GOLDEN "/network_float16.smr");
    const bool offered = (smr_platform_isas() & SMR_ISA_neonfp16) != 0;
    smr_context_config config;
    smr_model *model;
    smr_context *context;
    const char *kernel;
    const void *data;
    uint8_t *permits, *allowed;
    float golden;
    size_t bytes;
    smr_error error;
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    permits = file.data + (smr_field(model->root, SMR_SLOT_MODEL_FLOAT16_SUMS) - file.data);
    allowed = file.data + (smr_field(model->root, SMR_SLOT_MODEL_GOLDEN_TOLERANCE) - file.data);
    CHECK(*permits == 1 && smr_read_f32(allowed) == 0.01f);
    CHECK((strcmp(kernel_of(model, 1), "neonfp16") == 0) == offered);
    context = make_context(model, NULL);
    CHECK_OK(smr_model_golden(model, 0, 0, 1, 0, &data, &bytes, &error), error);
    memcpy(&golden, data, sizeof golden);
    golden += 0.001f; /* the largest output is 0.16 */
    memcpy(file.data + ((const uint8_t *)data - file.data), &golden, sizeof golden);
    CHECK_OK(smr_self_test(context, 0, &error), error);
    memset(allowed, 0, sizeof golden);
    CHECK_FAILS(smr_self_test(context, 0.001f, &error), SMR_ERROR_MISMATCH, "golden case 0", error);
    smr_context_free(context);
    smr_model_free(model);
    *permits = 0;
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    CHECK(strcmp(kernel_of(model, 1), "neonfp16") != 0);
    smr_context_config_init(&config);
    config.isa = offered ? "neonfp16" : "generic";
    context = make_context(model, &config);
    CHECK_OK(smr_context_kernel(context, 0, 1, &kernel, &error), error);
    CHECK(strcmp(kernel, offered ? "neon" : "generic") == 0);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

int main(void) {
    test_run();
    test_views();
    test_strided();
    test_pieces();
    test_memory();
    test_dimensions();
    test_shapes();
    test_expression_with_a_hump();
    test_state();
    test_callback();
    test_control();
    test_self_test();
    test_float16();
    return check_result();
}
