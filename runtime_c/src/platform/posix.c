/* Linux, Android, macOS, iOS and other Unix systems. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#if !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64 /* a 32-bit fstat fails on large inode numbers without it */
#endif
#include "platform.h"

#if defined(SMR_PLATFORM_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../core/status.h"

uint64_t smr_platform_clock(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return 0;
    }
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *smr_platform_allocate(size_t bytes, size_t alignment) {
    void *memory = NULL;
    if (alignment < sizeof(void *)) {
        alignment = sizeof(void *);
    }
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

void smr_platform_release(void *memory) {
    free(memory);
}

static smr_status map_descriptor(int descriptor, const char *path, smr_platform_file *file,
                                 smr_error *error) {
    struct stat about;
    void *data;
    if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        SMR_FAIL(error, SMR_ERROR_IO, "%.128s is not a file", path);
    }
    if (about.st_size <= 0 || (uintmax_t)about.st_size > SIZE_MAX) {
        SMR_FAIL(error, SMR_ERROR_FORMAT, "%.128s has %lld bytes", path, (long long)about.st_size);
    }
    data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) {
        SMR_FAIL(error, SMR_ERROR_IO, "cannot map %.128s: error %d", path, errno);
    }
    file->data = data;
    file->size = (size_t)about.st_size;
    return SMR_OK;
}

smr_status smr_platform_map(const char *path, smr_platform_file *file, smr_error *error) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    smr_status status;
    if (descriptor < 0) {
        SMR_FAIL(error, SMR_ERROR_IO, "cannot open %.128s: error %d%s", path, errno,
                 errno == ENOENT ? ", no such file" : "");
    }
    status = map_descriptor(descriptor, path, file, error);
    (void)close(descriptor);
    return status;
}

void smr_platform_unmap(const smr_platform_file *file) {
    (void)munmap((void *)(uintptr_t)file->data, file->size);
}

#else
typedef int smr_posix_is_not_used;
#endif
