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

/* The bytes, 16-byte aligned, in a block of their own that ends with them, so that a sanitizer sees the first
 * byte too far. `block` is to be freed. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size, void **block) {
    size_t shift = 0;
    *block = malloc(size > 0 ? size : 1);
    if ((uintptr_t)*block % 16 != 0) {
        free(*block);
        *block = malloc(size + 16);
        shift = (16 - (uintptr_t)*block % 16) % 16;
    }
    FUZZ_REQUIRE(*block != NULL);
    if (size > 0) {
        memcpy((uint8_t *)*block + shift, data, size);
    }
    return (uint8_t *)*block + shift;
}

#endif
