/* smr_bench [--json] [--processor] [--runs N] [--floor] MODEL.smr...: checks a file against its golden cases
 * and times its first signature.
 *
 * Inputs are zero, or the first golden case where the file has one. A line is: file, ops of the signature,
 * bytes of a context and of its arena, by how many bytes the process's anonymous memory, but for its stack,
 * has grown, page faults from opening the file to the first result (both of Linux; 0 elsewhere), microseconds
 * to that result, median and least microseconds of N runs (default 50, after three that do not count). The
 * first file alone is opened by a fresh process. Times are those of the clock, or of the processor, where the
 * machine does other work too.
 *
 * With --floor nothing is run. A line is: file, and the microseconds that its pages and those of a context
 * take by themselves: mapping it, reading a byte of each page, and writing each page of as much memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/platform.h"
#include "samara.h"

#define MOST_RUNS 10000

static double microseconds(int processor) {
#if !defined(__wasi__) /* it has no clock of the processor */
    if (processor) {
        return (double)clock() * (1e6 / CLOCKS_PER_SEC);
    }
#endif
    (void)processor;
    return (double)smr_platform_clock() * 1e-3;
}

/* Bytes of anonymous memory that the process has. */
static long long anonymous_bytes(void) {
    FILE *stream = fopen("/proc/self/status", "r");
    char line[256];
    long long kibibytes = 0;
    if (stream == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, stream) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kibibytes = strtoll(line + 8, NULL, 10);
        }
    }
    (void)fclose(stream);
    return kibibytes * 1024;
}

/* Page faults of the process. */
static long long page_faults(void) {
    FILE *stream = fopen("/proc/self/stat", "r");
    char line[1024];
    const char *at = NULL;
    int field;
    if (stream == NULL) {
        return 0;
    }
    if (fgets(line, sizeof line, stream) != NULL) {
        at = strrchr(line, ')'); /* ends the second field, the name */
    }
    (void)fclose(stream);
    for (field = 2; at != NULL && field < 10; ++field) {
        at = strchr(at + 1, ' ');
    }
    return at == NULL ? 0 : strtoll(at, NULL, 10);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Makes the stack as large as runs make it, so that it does not count as grown. Systems that tell no
 * anonymous memory may have less of a stack. */
static unsigned touch_stack(void) {
#if defined(__linux__)
    volatile unsigned char bytes[128 * 1024];
    size_t i;
    unsigned sum = 0;
    for (i = 0; i < sizeof bytes; i += 1024) {
        bytes[i] = 1;
        sum += bytes[i];
    }
    return sum;
#else
    return 0;
#endif
}

#define BENCH_PAGE 4096

/* Takes a model's pages and nothing else: `bytes` is what a context has. */
static smr_status take_pages(const char *path, size_t bytes, int processor, double *taken, smr_error *error) {
    smr_platform_file file;
    volatile uint8_t *memory;
    unsigned sum = 0;
    size_t i;
    const double begin = microseconds(processor);
    const smr_status status = smr_platform_map(path, &file, error);
    if (status != SMR_OK) {
        return status;
    }
    for (i = 0; i < file.size; i += BENCH_PAGE) {
        sum += ((const volatile uint8_t *)file.data)[i];
    }
    memory = smr_platform_allocate(bytes, BENCH_PAGE);
    if (memory != NULL) {
        smr_platform_touch((void *)(uintptr_t)memory, bytes);
        for (i = 0; i < bytes; i += BENCH_PAGE) {
            memory[i] = (uint8_t)sum;
        }
    }
    *taken = microseconds(processor) - begin;
    smr_platform_release((void *)(uintptr_t)memory);
    smr_platform_unmap(&file);
    return SMR_OK;
}

static smr_status tell_floor(const char *path, int json, int processor, smr_error *error) {
    smr_model *model = NULL;
    size_t bytes = 0, alignment = 0;
    double taken = 0.0;
    smr_status status = smr_model_open(path, NULL, &model, error);
    if (status == SMR_OK) {
        status = smr_context_memory(model, NULL, &bytes, &alignment, error);
    }
    smr_model_free(model);
    if (status == SMR_OK) {
        status = take_pages(path, bytes, processor, &taken, error);
    }
    if (status == SMR_OK) {
        printf(json ? "{\"file\": \"%s\", \"floor_us\": %.2f}\n" : "%-48s %12.2f us\n", path, taken);
    }
    return status;
}

static smr_status fill_inputs(const smr_model *model, smr_context *context, smr_error *error) {
    smr_signature_info signature;
    smr_status status = smr_model_signature(model, 0, &signature, error);
    int32_t cases = 0, i;
    if (status == SMR_OK) {
        status = smr_model_golden_count(model, 0, &cases, error);
    }
    for (i = 0; status == SMR_OK && i < signature.input_count; ++i) {
        smr_tensor input;
        const void *data = NULL;
        size_t bytes = 0;
        status = smr_context_input(context, 0, i, &input, error);
        if (status == SMR_OK && cases > 0) {
            status = smr_model_golden(model, 0, 0, 0, i, &data, &bytes, error);
        }
        if (status == SMR_OK && input.bytes > 0) {
            memset(input.data, 0, input.bytes);
            if (data != NULL && bytes == input.bytes) {
                memcpy(input.data, data, bytes);
            }
        }
    }
    return status;
}

static smr_status bench(const char *path, int runs, int json, int processor, double *times,
                        smr_error *error) {
    smr_model *model = NULL;
    smr_context *context = NULL;
    smr_model_info info;
    smr_signature_info signature;
    size_t bytes = 0, alignment;
    int i;
    long long before, grown = 0, faults;
    double opened, first = 0.0;
    smr_status status;
    (void)touch_stack();
    (void)anonymous_bytes(); /* what reading it takes itself */
    (void)page_faults();
    before = anonymous_bytes();
    faults = page_faults();
    opened = microseconds(processor);
    status = smr_model_open(path, NULL, &model, error);
    if (status == SMR_OK) {
        status = smr_model_get_info(model, &info, error);
    }
    if (status == SMR_OK) {
        status = smr_context_create(model, NULL, NULL, 0, &context, error);
    }
    if (status == SMR_OK) {
        status = fill_inputs(model, context, error);
    }
    if (status == SMR_OK) {
        status = smr_run(context, 0, error);
        first = microseconds(processor) - opened;
        faults = page_faults() - faults;
    }
    if (status == SMR_OK) {
        status = smr_self_test(context, 1e-4f, error);
    }
    for (i = -3; status == SMR_OK && i < runs; ++i) {
        double start;
        status = fill_inputs(model, context, error);
        start = microseconds(processor);
        if (status == SMR_OK) {
            status = smr_run(context, 0, error);
        }
        if (i >= 0) {
            times[i] = microseconds(processor) - start;
        }
    }
    if (status == SMR_OK) {
        grown = anonymous_bytes() - before;
        status = smr_context_memory(model, NULL, &bytes, &alignment, error);
    }
    if (status == SMR_OK) {
        status = smr_model_signature(model, 0, &signature, error);
    }
    if (status == SMR_OK) {
        qsort(times, (size_t)runs, sizeof *times, by_value);
        printf(json ? "{\"file\": \"%s\", \"ops\": %d, \"context_bytes\": %zu, \"arena_bytes\": %zu, "
                      "\"anonymous_bytes\": %lld, \"page_faults\": %lld, "
                      "\"first_us\": %.2f, \"median_us\": %.2f, \"least_us\": %.2f}\n"
                    : "%-48s %5d %10zu B %10zu B %10lld B %8lld %12.2f us %12.2f us %12.2f us\n",
               path, (int)signature.op_count, bytes, info.arena_bytes, grown, faults, first, times[runs / 2],
               times[0]);
    }
    smr_context_free(context);
    smr_model_free(model);
    return status;
}

int main(int argc, char **argv) {
    static double times[MOST_RUNS];
    int runs = 50, json = 0, processor = 0, floor = 0, failed = 0, files = 0, i;
    for (i = 1; i < argc; ++i) {
        smr_error error;
        if (strcmp(argv[i], "--json") == 0) {
            json = 1;
        } else if (strcmp(argv[i], "--processor") == 0) {
            processor = 1;
        } else if (strcmp(argv[i], "--floor") == 0) {
            floor = 1;
        } else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
            const long wanted = strtol(argv[++i], NULL, 10);
            runs = wanted < 1 ? 1 : wanted > MOST_RUNS ? MOST_RUNS : (int)wanted;
        } else {
            const smr_status status = floor ? tell_floor(argv[i], json, processor, &error)
                                            : bench(argv[i], runs, json, processor, times, &error);
            ++files;
            if (status != SMR_OK) {
                fprintf(stderr, "%s: %s\n", argv[i], error.message);
                failed = 1;
            }
        }
    }
    if (files == 0) {
        fprintf(stderr, "usage: smr_bench [--json] [--processor] [--runs N] [--floor] MODEL.smr...\n");
        return 2;
    }
    return failed;
}
