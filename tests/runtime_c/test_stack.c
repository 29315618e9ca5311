/* test_stack [--tell] MODEL.smr...: how much of its stack a thread needs to load each file, and to run its
 * first signature, with the kernels of each instruction set. Both run on a stack that was painted before. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "check.h"
#include "core/isa.h"
#include "platform/platform.h"

#if defined(__unix__) && !defined(__EMSCRIPTEN__) && !defined(SMR_NO_THREADS)
#include <pthread.h>

/* What docs/footprint.md promises. The sanitizers make frames larger. */
#define STACK_LOAD (20 * 1024)
#define STACK_RUN  (56 * 1024)

#define STACK_BYTES ((size_t)1024 * 1024)
#define STACK_PAINT 0xA5

typedef struct stack_job {
    smr_status (*call)(struct stack_job *job);
    const char *path;
    const char *isa;
    smr_model *model;
    smr_context *context;
    smr_status status;
    smr_error error;
    uintptr_t begin; /* where the stack was when it called */
} stack_job;

static smr_status load(stack_job *job) {
    smr_context_config config;
    smr_status status = smr_model_open(job->path, NULL, &job->model, &job->error);
    smr_context_config_init(&config);
    config.isa = job->isa;
    if (status == SMR_OK) {
        status = smr_context_create(job->model, &config, NULL, 0, &job->context, &job->error);
    }
    return status;
}

static smr_status run(stack_job *job) {
    return smr_run(job->context, 0, &job->error);
}

static void *call_on_thread(void *argument) {
    stack_job *job = argument;
    volatile uint8_t here = 0;
    job->begin = (uintptr_t)&here;
    job->status = job->call(job);
    return NULL;
}

/* The bytes of stack that a call takes, on a thread of its own. */
static size_t measure(stack_job *job, smr_status (*call)(stack_job *job)) {
    uint8_t *stack = NULL;
    size_t untouched = 0, taken;
    pthread_attr_t attributes;
    pthread_t thread;
    job->call = call;
    CHECK(posix_memalign((void **)&stack, 4096, STACK_BYTES) == 0);
    memset(stack, STACK_PAINT, STACK_BYTES);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstack(&attributes, stack, STACK_BYTES) == 0);
    CHECK(pthread_create(&thread, &attributes, call_on_thread, job) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    (void)pthread_attr_destroy(&attributes);
    while (untouched < STACK_BYTES && stack[untouched] == STACK_PAINT) {
        ++untouched;
    }
    taken = (size_t)(job->begin - (uintptr_t)stack) - untouched;
    free(stack);
    return taken;
}

/* `most` becomes what this file takes, with any instruction set, where that is more. */
static void measure_file(const char *path, int tell, size_t most[2]) {
    const uint32_t offered = smr_platform_isas() | SMR_ISA_generic;
    const char *name;
    uint32_t i, isa;
    for (i = 0; (name = smr_isa_at(i, &isa)) != NULL; ++i) {
        stack_job job;
        size_t taken[2] = {0, 0};
        int k;
        if ((offered & isa) != isa) {
            continue;
        }
        memset(&job, 0, sizeof job);
        job.path = path;
        job.isa = name;
        taken[0] = measure(&job, load);
        CHECK_OK(job.status, job.error);
        if (job.status == SMR_OK) {
            taken[1] = measure(&job, run);
            /* Inputs are zeros, which few models refuse; as much of the stack was needed to find out. */
            CHECK(job.status == SMR_OK || job.status == SMR_ERROR_DATA);
        }
        smr_context_free(job.context);
        smr_model_free(job.model);
        if (tell) {
            printf("%s, %s: %zu bytes of stack to load, %zu to run\n", path, name, taken[0], taken[1]);
        }
        for (k = 0; k < 2; ++k) {
            most[k] = taken[k] > most[k] ? taken[k] : most[k];
        }
    }
}

int main(int argc, char **argv) {
    size_t most[2] = {0, 0};
    int i, tell = 0;
    for (i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--tell") == 0) {
            tell = 1;
        } else {
            measure_file(argv[i], tell, most);
        }
    }
    printf("at most %zu bytes of stack to load, %zu to run\n", most[0], most[1]);
    CHECK(most[0] > 0 && most[1] > 0);
#if !defined(SMR_SANITIZED)
    CHECK(most[0] <= STACK_LOAD);
    CHECK(most[1] <= STACK_RUN);
#endif
    return check_result();
}

#else

int main(void) {
    return check_result();
}

#endif
