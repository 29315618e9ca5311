/* Loading and inspecting models. */
#include "check.h"
#include "core/model.h"

static void test_load_arguments(void) {
    static _Alignas(16) uint8_t memory[SMR_MODEL_BYTES];
    check_file file = check_read_data("add_relu.smr");
    const smr_allocator empty = {NULL, NULL, NULL};
    smr_model *model = (smr_model *)(void *)memory;
    smr_error error;
    CHECK_FAILS(smr_model_load(NULL, 0, NULL, &model, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK(model == NULL);
    CHECK_FAILS(smr_model_load(file.data, file.size, NULL, NULL, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_FAILS(smr_model_load(file.data, file.size, &empty, &model, &error), SMR_ERROR_ARGUMENT, "allocator",
                error);
    CHECK_FAILS(smr_model_load(file.data + 8, file.size - 8, NULL, &model, &error), SMR_ERROR_ARGUMENT,
                "aligned", error);
    CHECK_FAILS(smr_model_create(file.data, file.size, memory, 16, &model, &error), SMR_ERROR_MEMORY,
                "16 bytes", error);
    CHECK_FAILS(smr_model_create(file.data, file.size, memory + 1, sizeof memory - 1, &model, &error),
                SMR_ERROR_ARGUMENT, "aligned", error);
    CHECK_FAILS(smr_model_create(file.data, file.size, NULL, 0, &model, &error), SMR_ERROR_ARGUMENT, "null",
                error);
    CHECK(smr_model_load(file.data, 3, NULL, &model, NULL) == SMR_ERROR_FORMAT);
    CHECK_OK(smr_model_create(file.data, file.size, memory, sizeof memory, &model, &error), error);
    CHECK((uint8_t *)model == memory);
    CHECK_OK(smr_model_check_hash(model, &error), error);
    smr_model_free(model);
    smr_model_free(NULL);
    free(file.block);
}

static void test_open(void) {
    smr_model *model;
    smr_error error;
    CHECK_OK(smr_model_open(SMR_TEST_DATA "/add_relu.smr", NULL, &model, &error), error);
    CHECK_OK(smr_model_check_hash(model, &error), error);
    smr_model_free(model);
    CHECK_FAILS(smr_model_open(SMR_TEST_DATA "/none.smr", NULL, &model, &error), SMR_ERROR_IO, "no such file",
                error);
    CHECK(strstr(error.message, "none.smr") != NULL);
    CHECK(model == NULL);
    CHECK_FAILS(smr_model_open(SMR_TEST_DATA "/add_relu.json", NULL, &model, &error), SMR_ERROR_FORMAT,
                "not a Samara file", error);
    CHECK(smr_model_open(SMR_TEST_DATA, NULL, &model, &error) == SMR_ERROR_IO);
    CHECK_FAILS(smr_model_open(NULL, NULL, &model, &error), SMR_ERROR_ARGUMENT, "null", error);
}

static void test_hash(void) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    smr_error error;
    smr_tensor tensor;
    smr_placement place;
    CHECK_OK(smr_model_check_hash(model, &error), error);
    CHECK_OK(smr_model_tensor(model, 0, 1, &tensor, &place, &error), error);
    file.data[place.offset] ^= 1;
    CHECK_FAILS(smr_model_check_hash(model, &error), SMR_ERROR_HASH, "hash", error);
    smr_model_free(model);
    free(file.block);
}

static void test_versions(void) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    smr_error error;
    const smr_table root = model->root;
    uint8_t *format_version = file.data + (smr_field(root, 0) - file.data);
    uint8_t *least_runtime = file.data + (smr_field(root, 1) - file.data);
    smr_model_free(model);
    *format_version = 2;
    CHECK_FAILS(smr_model_load(file.data, file.size, NULL, &model, &error), SMR_ERROR_VERSION,
                "format version 2", error);
    *format_version = 1;
    least_runtime[3] = 0x7f;
    CHECK_FAILS(smr_model_load(file.data, file.size, NULL, &model, &error), SMR_ERROR_VERSION,
                "needs runtime", error);
    free(file.block);
}

/* Whether a kernel says that it is for one that this processor has. */
static bool is_instruction_set(const char *kernel) {
    const char *isa;
    int32_t index, offered;
    for (index = 0; smr_isa_info(index, &isa, &offered, NULL) == SMR_OK; ++index) {
        if (strcmp(isa, kernel) == 0) {
            return offered == 1;
        }
    }
    return false;
}

static void test_inspection(void) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    smr_model_info info;
    smr_signature_info signature;
    smr_tensor tensor;
    smr_placement place;
    smr_op_info op;
    const char *key, *value;
    const void *data;
    size_t bytes;
    smr_error error;
    int32_t index;
    CHECK_OK(smr_model_get_info(model, &info, &error), error);
    CHECK(info.format_version == 1 && info.file_bytes == file.size && info.constant_bytes == 12);
    CHECK(info.arena_bytes == 128 && info.signature_count == 1 && info.constant_count == 1);
    CHECK(info.metadata_count == 2 && info.state_count == 0 && info.dimension_count == 0 &&
          info.state_bytes == 0);
    CHECK_OK(smr_model_find_signature(model, "serve", &index, &error), error);
    CHECK(index == 0);
    CHECK_FAILS(smr_model_find_signature(model, "sserve", &index, &error), SMR_ERROR_NOT_FOUND, "sserve",
                error);
    CHECK_OK(smr_model_signature(model, 0, &signature, &error), error);
    CHECK(signature.input_count == 1 && signature.output_count == 1 && signature.op_count == 2);
    CHECK(signature.tensor_count == 4 && signature.arena_bytes == 128 &&
          strcmp(signature.name, "serve") == 0);
    CHECK_OK(smr_model_input(model, 0, 0, &tensor, &error), error);
    CHECK(strcmp(tensor.name, "x") == 0 && tensor.data == NULL && tensor.bytes == 24 && tensor.rank == 2);
    CHECK(tensor.dims[0] == 2 && tensor.dims[1] == 3 && tensor.dtype == SMR_DTYPE_FLOAT32 &&
          tensor.scale == 0.0f);
    CHECK_OK(smr_model_output(model, 0, 0, &tensor, &error), error);
    CHECK(strcmp(tensor.name, "y") == 0);
    CHECK_OK(smr_model_tensor(model, 0, 1, &tensor, &place, &error), error);
    CHECK(place.storage == SMR_STORAGE_CONSTANT && place.bytes == 12 && place.offset % 16 == 0);
    CHECK_OK(smr_model_tensor(model, 0, 2, &tensor, &place, &error), error);
    CHECK(place.storage == SMR_STORAGE_ARENA && place.bytes == 24 && place.offset == 64);
    CHECK_OK(smr_model_op(model, 0, 0, &op, &error), error);
    CHECK(strcmp(op.op, "add") == 0 && is_instruction_set(op.kernel) && strcmp(op.name, "sum") == 0);
    CHECK(op.input_count == 2 && op.inputs[0] == 0 && op.inputs[1] == 1 && op.outputs[0] == 2);
    CHECK_OK(smr_model_metadata(model, 1, &key, &value, &error), error);
    CHECK(strcmp(key, "empty") == 0 && strcmp(value, "") == 0);
    CHECK_OK(smr_model_golden_count(model, 0, &index, &error), error);
    CHECK(index == 1);
    CHECK_OK(smr_model_golden(model, 0, 0, 1, 0, &data, &bytes, &error), error);
    CHECK(bytes == 24 && *(const float *)data == 2.0f);
    smr_model_free(model);
    free(file.block);
}

static void test_inspection_refusals(void) {
    check_file file;
    smr_model *model = check_load("dynamic.smr", &file);
    smr_dimension_info dimension;
    smr_model_info info;
    smr_tensor tensor;
    smr_op_info op;
    const void *data;
    size_t bytes;
    int32_t index;
    smr_error error;
    CHECK_OK(smr_model_input_dimension(model, 0, 1, 0, &index, &error), error);
    CHECK(index == 1);
    CHECK_OK(smr_model_input_dimension(model, 0, 1, 1, &index, &error), error);
    CHECK(index == -1);
    CHECK_OK(smr_model_input_dimension(model, 0, 2, 0, &index, &error), error);
    CHECK(index == -1);
    CHECK_FAILS(smr_model_input_dimension(model, 0, 1, 2, &index, &error), SMR_ERROR_NOT_FOUND, "2", error);
    CHECK_OK(smr_model_dimension(model, 1, &dimension, &error), error);
    CHECK(strcmp(dimension.name, "m") == 0 && dimension.minimum == 1 && dimension.maximum == 8);
    CHECK_FAILS(smr_model_dimension(model, 2, &dimension, &error), SMR_ERROR_NOT_FOUND, "dimension 2 of 2",
                error);
    CHECK_FAILS(smr_model_get_info(NULL, &info, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_FAILS(smr_model_get_info(model, NULL, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_FAILS(smr_model_input(model, 1, 0, &tensor, &error), SMR_ERROR_NOT_FOUND, "signature 1 of 1",
                error);
    CHECK_FAILS(smr_model_input(model, -1, 0, &tensor, &error), SMR_ERROR_NOT_FOUND, "signature -1", error);
    CHECK_FAILS(smr_model_input(model, 0, 3, &tensor, &error), SMR_ERROR_NOT_FOUND, "input 3 of 3", error);
    CHECK_FAILS(smr_model_output(model, 0, -1, &tensor, &error), SMR_ERROR_NOT_FOUND, "output -1", error);
    CHECK_FAILS(smr_model_tensor(model, 0, 5, &tensor, NULL, &error), SMR_ERROR_NOT_FOUND, "tensor 5 of 5",
                error);
    CHECK_FAILS(smr_model_op(model, 0, 2, &op, &error), SMR_ERROR_NOT_FOUND, "op 2 of 2", error);
    CHECK_FAILS(smr_model_state(model, 0, &tensor, &error), SMR_ERROR_NOT_FOUND, "state 0 of 0", error);
    CHECK_FAILS(smr_model_golden(model, 0, 0, 0, 0, &data, &bytes, &error), SMR_ERROR_NOT_FOUND, "golden",
                error);
    smr_model_free(model);
    free(file.block);
}

int main(void) {
    test_load_arguments();
    test_open();
    test_hash();
    test_versions();
    test_inspection();
    test_inspection_refusals();
    return check_result();
}
