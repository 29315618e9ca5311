/* A context and a file whose memory ends at a page that may not be touched, and begins after one. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "check.h"

#if defined(__unix__) || defined(__APPLE__)

#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    uint8_t *base;
    size_t mapped;
    uint8_t *begin; /* the first byte after the guard in front */
    uint8_t *end;   /* the first byte of the guard behind */
} guarded;

static guarded make_guarded(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t inner = (bytes + page - 1) / page * page;
    guarded memory;
    memory.mapped = inner + 2 * page;
    memory.base = mmap(NULL, memory.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory.base == MAP_FAILED) {
        exit(EXIT_FAILURE);
    }
    memory.begin = memory.base + page;
    memory.end = memory.begin + inner;
    CHECK(mprotect(memory.base, page, PROT_NONE) == 0 && mprotect(memory.end, page, PROT_NONE) == 0);
    return memory;
}

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
    guarded bytes = make_guarded(file.size + shift);
    uint8_t *data = bytes.end - file.size - shift;
    guarded memory;
    smr_model *model;
    smr_error error;
    size_t size, alignment;
    memcpy(data, file.data, file.size);
    CHECK(mprotect(bytes.begin, (size_t)(bytes.end - bytes.begin), PROT_READ) == 0);
    CHECK_OK(smr_model_load(data, file.size, NULL, &model, &error), error);
    CHECK_OK(smr_model_check_hash(model, &error), error);
    CHECK_OK(smr_context_memory(model, NULL, &size, &alignment, &error), error);
    memory = make_guarded(size + alignment);
    run_all(model, memory.begin, size);
    run_all(model, memory.end - (size + alignment - 1) / alignment * alignment, size);
    smr_model_free(model);
    CHECK(munmap(memory.base, memory.mapped) == 0 && munmap(bytes.base, bytes.mapped) == 0);
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
