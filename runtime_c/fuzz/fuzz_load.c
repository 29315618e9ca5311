/* Any bytes are refused with a 2xx status and a message, or are a model of which everything can be asked. */
#include "fuzz_target.h"

static void look_at_signature(const smr_model *model, int32_t signature) {
    smr_signature_info info;
    smr_tensor tensor;
    smr_placement place;
    smr_op_info op;
    const void *data;
    size_t bytes;
    int32_t i, golden;
    FUZZ_REQUIRE(smr_model_signature(model, signature, &info, NULL) == SMR_OK);
    for (i = 0; i < info.input_count; ++i) {
        FUZZ_REQUIRE(smr_model_input(model, signature, i, &tensor, NULL) == SMR_OK);
    }
    for (i = 0; i < info.output_count; ++i) {
        FUZZ_REQUIRE(smr_model_output(model, signature, i, &tensor, NULL) == SMR_OK);
    }
    for (i = 0; i < info.tensor_count; ++i) {
        FUZZ_REQUIRE(smr_model_tensor(model, signature, i, &tensor, &place, NULL) == SMR_OK);
        FUZZ_REQUIRE(tensor.name[0] != '\0');
    }
    for (i = 0; i < info.op_count; ++i) {
        FUZZ_REQUIRE(smr_model_op(model, signature, i, &op, NULL) == SMR_OK);
        FUZZ_REQUIRE(op.output_count == 0 || op.outputs[op.output_count - 1] < info.tensor_count);
    }
    FUZZ_REQUIRE(smr_model_golden_count(model, signature, &golden, NULL) == SMR_OK);
    for (i = 0; i < golden && info.output_count > 0; ++i) {
        FUZZ_REQUIRE(smr_model_golden(model, signature, i, 1, 0, &data, &bytes, NULL) == SMR_OK);
    }
}

static void look_at_model(const smr_model *model) {
    smr_model_info info;
    smr_dimension_info dimension;
    smr_tensor tensor;
    const char *key, *value;
    size_t bytes, alignment;
    int32_t i;
    FUZZ_REQUIRE(smr_model_get_info(model, &info, NULL) == SMR_OK);
    for (i = 0; i < info.signature_count; ++i) {
        look_at_signature(model, i);
    }
    for (i = 0; i < info.dimension_count; ++i) {
        FUZZ_REQUIRE(smr_model_dimension(model, i, &dimension, NULL) == SMR_OK);
    }
    for (i = 0; i < info.state_count; ++i) {
        FUZZ_REQUIRE(smr_model_state(model, i, &tensor, NULL) == SMR_OK);
    }
    for (i = 0; i < info.metadata_count; ++i) {
        FUZZ_REQUIRE(smr_model_metadata(model, i, &key, &value, NULL) == SMR_OK);
        FUZZ_REQUIRE(strlen(key) < info.file_bytes && strlen(value) < info.file_bytes);
    }
    (void)smr_model_check_hash(model, NULL);
    FUZZ_REQUIRE(smr_context_memory(model, NULL, &bytes, &alignment, NULL) == SMR_OK);
    FUZZ_REQUIRE(bytes >= info.arena_bytes && bytes - info.arena_bytes >= info.state_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *block;
    const uint8_t *bytes = fuzz_copy(data, size, &block);
    smr_model *model = NULL;
    smr_error error;
    const smr_status status = smr_model_load(bytes, size, NULL, &model, &error);
    if (status == SMR_OK) {
        look_at_model(model);
        smr_model_free(model);
    } else {
        FUZZ_REQUIRE(model == NULL && status / 100 == 2 && error.status == status &&
                     error.message[0] != '\0');
    }
    free(block);
    return 0;
}
