/* Anything else with a C library: microcontrollers, WASI. Files are read whole, and there is no clock unless
 * the library's calendar has one. */
#include "platform.h"

#if defined(SMR_PLATFORM_BARE)

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../core/status.h"

uint64_t smr_platform_clock(void) {
#if defined(__wasi__)
    struct timespec now;
    if (timespec_get(&now, TIME_UTC) == TIME_UTC) {
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    }
#endif
    return 0;
}

uint32_t smr_platform_process(void) {
    return 0;
}

/* What malloc gave lies just before what is given out. */
void *smr_platform_allocate(size_t bytes, size_t alignment) {
    const size_t extra = alignment + sizeof(void *);
    char *block;
    char *memory;
    if (bytes > SIZE_MAX - extra) {
        return NULL;
    }
    block = malloc(bytes + extra);
    if (block == NULL) {
        return NULL;
    }
    memory = block + sizeof(void *);
    memory += (alignment - (uintptr_t)memory % alignment) % alignment;
    ((void **)(void *)memory)[-1] = block;
    return memory;
}

void smr_platform_release(void *memory) {
    if (memory != NULL) {
        free(((void **)memory)[-1]);
    }
}

void smr_platform_touch(void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

static smr_status read_stream(FILE *stream, const char *path, smr_platform_file *file, smr_error *error) {
    long size;
    void *data;
    if (fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0 || fseek(stream, 0, SEEK_SET) != 0) {
        SMR_FAIL(error, SMR_ERROR_IO, "%.128s is not a file", path);
    }
    if (size == 0) {
        SMR_FAIL(error, SMR_ERROR_FORMAT, "%.128s has no bytes", path);
    }
    data = smr_platform_allocate((size_t)size, 64);
    if (data == NULL) {
        SMR_FAIL(error, SMR_ERROR_MEMORY, "no memory for the %ld bytes of %.128s", size, path);
    }
    if (fread(data, 1, (size_t)size, stream) != (size_t)size) {
        smr_platform_release(data);
        SMR_FAIL(error, SMR_ERROR_IO, "cannot read %.128s", path);
    }
    file->data = data;
    file->size = (size_t)size;
    return SMR_OK;
}

smr_status smr_platform_map(const char *path, smr_platform_file *file, smr_error *error) {
    FILE *stream = fopen(path, "rb");
    smr_status status;
    if (stream == NULL) {
        SMR_FAIL(error, SMR_ERROR_IO, "cannot open %.128s: no such file, or it may not be read", path);
    }
    status = read_stream(stream, path, file, error);
    (void)fclose(stream);
    return status;
}

void smr_platform_unmap(const smr_platform_file *file) {
    smr_platform_release((void *)(uintptr_t)file->data);
}

#else
typedef int smr_bare_is_not_used;
#endif
