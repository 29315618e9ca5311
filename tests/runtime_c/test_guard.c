/* A context and a file whose memory ends at a page that may not be touched, and begins after one. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "guard.h"

#if GUARD_PAGES

static void run_all(const smr_model *model, void *memory, size_t bytes) {
    smr_context *context;
    smr_model_info info;
    smr_error error;
    int32_t i;
    CHECK_OK(smr_context_create(model, NULL, memory, bytes, &context, &error), error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK_OK(smr_model_get_info(model, &info, &error), error);
    for (i = 0; i < info.signature_count; ++i) {
        CHECK_OK(smr_run(context, i, &error), error);
    }
    for (i = 0; i < info.dimension_count; ++i) {
        smr_dimension_info dimension;
        CHECK_OK(smr_model_dimension(model, i, &dimension, &error), error);
        (void)smr_context_set_dimension(context, dimension.name, dimension.minimum, &error);
        CHECK_OK(smr_run(context, 0, &error), error);
    }
    smr_context_free(context);
}

static void test_guarded(const char *name) {
    check_file file = check_read_data(name);
    const size_t shift = (16 - file.size % 16) % 16;
    guarded bytes = guard_make(file.size + shift);
    uint8_t *data = bytes.end - file.size - shift;
    guarded memory;
    smr_model *model;
    smr_error error;
    size_t size, alignment;
    memcpy(data, file.data, file.size);
    guard_protect(&bytes);
    CHECK_OK(smr_model_load(data, file.size, NULL, &model, &error), error);
    CHECK_OK(smr_model_check_hash(model, &error), error);
    CHECK_OK(smr_context_memory(model, NULL, &size, &alignment, &error), error);
    memory = guard_make(size + alignment);
    run_all(model, memory.begin, size);
    run_all(model, memory.end - (size + alignment - 1) / alignment * alignment, size);
    smr_model_free(model);
    guard_release(&memory);
    guard_release(&bytes);
    free(file.block);
}

int main(void) {
    test_guarded("add_relu.smr");
    test_guarded("dynamic.smr");
    test_guarded("state.smr");
    test_guarded("control.smr");
    return check_result();
}

#else

int main(void) {
    return check_result();
}

#endif
