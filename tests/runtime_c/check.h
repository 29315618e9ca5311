/* The checks of a test program: it goes on after a failed one, and its exit status says whether any failed.
 */
#ifndef SMR_TESTS_CHECK_H
#define SMR_TESTS_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samara.h"

static int check_failures = 0;

static inline int check_that(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
        ++check_failures;
    }
    return holds;
}

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

/* A call that must succeed; its error's message is printed when it does not. */
#define CHECK_OK(call, error)                             \
    do {                                                  \
        if (!CHECK((call) == SMR_OK)) {                   \
            fprintf(stderr, "    %s\n", (error).message); \
        }                                                 \
    } while (0)

/* A call that must fail with a status, and a message that contains a text. */
#define CHECK_FAILS(call, expected, text, error)                                               \
    do {                                                                                       \
        memset(&(error), 0, sizeof(error));                                                    \
        if (!CHECK((call) == (expected)) || !CHECK((error).status == (expected)) ||            \
            !CHECK(strstr((error).message, (text)) != NULL)) {                                 \
            fprintf(stderr, "    %s: %s\n", smr_status_name((error).status), (error).message); \
        }                                                                                      \
    } while (0)

static inline int check_result(void) {
    return check_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The bytes of a file, 64-byte aligned within `block`, which is to be freed. */
typedef struct check_file {
    uint8_t *data;
    size_t size;
    void *block;
} check_file;

static inline check_file check_read_file(const char *path) {
    check_file file = {NULL, 0, NULL};
    FILE *stream = fopen(path, "rb");
    long size;
    if (stream == NULL || fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    rewind(stream);
    file.block = malloc((size_t)size + 64);
    if (file.block == NULL) {
        exit(EXIT_FAILURE);
    }
    file.data = (uint8_t *)file.block + (64 - (uintptr_t)file.block % 64) % 64;
    file.size = fread(file.data, 1, (size_t)size, stream);
    (void)fclose(stream);
    return file;
}

static inline check_file check_read_data(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", SMR_TEST_DATA, name);
    return check_read_file(path);
}

/* A model of the data folder; the bytes stay with `file`. */
static inline smr_model *check_load(const char *name, check_file *file) {
    smr_model *model = NULL;
    smr_error error;
    *file = check_read_data(name);
    CHECK_OK(smr_model_load(file->data, file->size, NULL, &model, &error), error);
    if (model == NULL) {
        exit(EXIT_FAILURE);
    }
    return model;
}

#endif
