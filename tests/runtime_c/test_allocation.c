/* An allocator that fails at each call in turn, and a run that allocates nothing. */
#include "check.h"

/* The linker sends every malloc, calloc, realloc and posix_memalign, or what Windows has for it, of this
 * program here (see CMakeLists.txt). */
static volatile size_t wrapped_calls = 0; /* a compiler assumes that malloc changes no variable */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size) {
    ++wrapped_calls;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    ++wrapped_calls;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    ++wrapped_calls;
    return __real_realloc(memory, size);
}

#if defined(_WIN32)

void *__real__aligned_malloc(size_t size, size_t alignment);
void *__wrap__aligned_malloc(size_t size, size_t alignment);

void *__wrap__aligned_malloc(size_t size, size_t alignment) {
    ++wrapped_calls;
    return __real__aligned_malloc(size, alignment);
}

#else

int __real_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    ++wrapped_calls;
    return __real_posix_memalign(memory, alignment, size);
}

#endif

typedef struct counting_allocator {
    int32_t calls;
    int32_t fail_at; /* the call that gets null; -1 for none */
    int32_t alive;
} counting_allocator;

/* What malloc gave lies just before what is given out. */
static void *allocate_counted(void *user, size_t bytes, size_t alignment) {
    counting_allocator *counting = user;
    uint8_t *block;
    uint8_t *memory;
    if (counting->calls++ == counting->fail_at) {
        return NULL;
    }
    block = malloc(bytes + alignment + sizeof(void *));
    memory = block + sizeof(void *);
    memory += (alignment - (uintptr_t)memory % alignment) % alignment;
    memcpy(memory - sizeof(void *), &block, sizeof(void *));
    ++counting->alive;
    return memory;
}

static void release_counted(void *user, void *memory) {
    counting_allocator *counting = user;
    void *block;
    memcpy(&block, (uint8_t *)memory - sizeof(void *), sizeof(void *));
    free(block);
    --counting->alive;
}

/* Loads or opens, makes a context, runs and frees all of it. */
static smr_status live(const check_file *file, const char *path, const smr_allocator *allocator,
                       smr_error *error) {
    smr_context_config config;
    smr_context *context = NULL;
    smr_model *model = NULL;
    smr_status status = path == NULL ? smr_model_load(file->data, file->size, allocator, &model, error)
                                     : smr_model_open(path, allocator, &model, error);
    smr_context_config_init(&config);
    config.allocator = allocator;
    if (status == SMR_OK) {
        status = smr_context_create(model, &config, NULL, 0, &context, error);
    }
    if (status == SMR_OK) {
        status = smr_self_test(context, 0.0f, error);
    }
    smr_context_free(context);
    smr_model_free(model);
    return status;
}

static void test_failing_allocator(const check_file *file, const char *path) {
    counting_allocator counting = {0, 0, 0};
    const smr_allocator allocator = {&counting, allocate_counted, release_counted};
    smr_status status = SMR_ERROR_MEMORY;
    smr_error error;
    int32_t i;
    for (i = 0; i < 100 && status != SMR_OK; ++i) {
        counting.calls = 0;
        counting.fail_at = i;
        status = live(file, path, &allocator, &error);
        CHECK(status == SMR_OK || (status == SMR_ERROR_MEMORY && strstr(error.message, "no memory") != NULL));
        CHECK(counting.alive == 0);
    }
    CHECK(i == 3);
}

static void test_nothing_is_allocated(const check_file *file) {
    static _Alignas(16) uint8_t model_memory[SMR_MODEL_BYTES];
    size_t bytes, alignment, before;
    smr_model *model;
    smr_context *context;
    smr_tensor tensor;
    smr_error error;
    uint8_t *block;
    uint8_t *memory;
    CHECK(wrapped_calls > 0);
    before = wrapped_calls;
    CHECK_OK(smr_model_create(file->data, file->size, model_memory, sizeof model_memory, &model, &error),
             error);
    CHECK_OK(smr_context_memory(model, NULL, &bytes, &alignment, &error), error);
    CHECK(wrapped_calls == before);
    block = malloc(bytes + alignment);
    memory = block + (alignment - (uintptr_t)block % alignment) % alignment;
    before = wrapped_calls;
    CHECK_OK(smr_context_create(model, NULL, memory, bytes, &context, &error), error);
    CHECK_OK(smr_context_input(context, 0, 0, &tensor, &error), error);
    CHECK_OK(smr_run(context, 0, &error), error);
    CHECK_OK(smr_context_output(context, 0, 0, &tensor, &error), error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK(smr_run(context, 7, &error) == SMR_ERROR_NOT_FOUND);
    smr_context_reset(context);
    smr_context_free(context);
    smr_model_free(model);
    CHECK(wrapped_calls == before);
    free(block);
}

static void test_no_kernel_allocates(const char *path) {
    check_file file = check_read_file(path);
    smr_model *model = NULL;
    smr_error error;
    int32_t i;
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    for (i = 0; i < smr_isa_count(); ++i) {
        smr_context_config config;
        smr_context *context = NULL;
        int32_t offered;
        size_t before;
        smr_context_config_init(&config);
        CHECK_OK(smr_isa_info(i, &config.isa, &offered, &error), error);
        if (!offered) {
            continue;
        }
        CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
        before = wrapped_calls;
        CHECK_OK(smr_self_test(context, 1e-3f, &error), error);
        if (!CHECK(wrapped_calls == before)) {
            fprintf(stderr, "    %s with %s\n", path, config.isa);
        }
        smr_context_free(context);
    }
    smr_model_free(model);
    free(file.block);
}

/* The files that are named are run by all kernels there are. */
int main(int argc, char **argv) {
    check_file file = check_read_data("state.smr");
    int i;
    test_failing_allocator(&file, NULL);
    test_failing_allocator(NULL, SMR_TEST_DATA "/state.smr");
    test_nothing_is_allocated(&file);
    for (i = 1; i < argc; ++i) {
        test_no_kernel_allocates(argv[i]);
    }
    free(file.block);
    return check_result();
}
