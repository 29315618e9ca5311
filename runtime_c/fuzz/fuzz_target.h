/* What the fuzz targets share. */
#ifndef SMR_FUZZ_TARGET_H
#define SMR_FUZZ_TARGET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samara.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fuzzer reports an abort with the input that led to it. */
#define FUZZ_REQUIRE(condition)                                                           \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

/* The bytes in a block of their own of exactly their size, so that a sanitizer sees the first one too far. */
static inline void *fuzz_copy(const uint8_t *data, size_t size) {
    void *block = malloc(size > 0 ? size : 1);
    FUZZ_REQUIRE(block != NULL && (uintptr_t)block % 16 == 0);
    if (size > 0) {
        memcpy(block, data, size);
    }
    return block;
}

#endif
