/* What the runtime asks of an operating system. Exactly one of posix.c, win32.c and bare.c answers: the
 * choice, and every other conditional on a system, is in this folder. */
#ifndef SMR_PLATFORM_H
#define SMR_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "samara.h"

#if defined(_WIN32)
#define SMR_PLATFORM_WIN32 1
#elif defined(__EMSCRIPTEN__) || ((defined(__unix__) || defined(__APPLE__)) && !defined(__wasi__))
#define SMR_PLATFORM_POSIX 1
#else
#define SMR_PLATFORM_BARE 1
#endif

/* A clock that only goes forward, in nanoseconds from any start; 0 where there is none. */
uint64_t smr_platform_clock(void);

/* The number of this process, by which one that was forked off knows that it has no threads but the one it
 * began with; 0 where a process cannot be. */
uint32_t smr_platform_process(void);

/* The instruction sets of this processor for which this build has kernels: a set of smr_isa. */
uint32_t smr_platform_isas(void);

/* Sets the floating-point environment that kernels compute in, of this thread: to nearest, no traps, float32
 * and float64 numbers that are subnormal become 0, read or written. Gives what the other function puts back,
 * the flags of exceptions included. Nothing is changed where a processor has no such environment. */
uint64_t smr_platform_set_floats(void);
void smr_platform_restore_floats(uint64_t found);

/* `alignment` is a power of two. Null when there is not enough. */
void *smr_platform_allocate(size_t bytes, size_t alignment);
void smr_platform_release(void *memory);

/* Lets a system that has memory only once it is written provide all of it at once, which is faster. The
 * memory is one that was allocated here; what is in it stays. */
void smr_platform_touch(void *memory, size_t bytes);

/* A whole file, to read. `file` has what smr_platform_unmap needs. */
typedef struct smr_platform_file {
    const void *data;
    size_t size;
} smr_platform_file;

smr_status smr_platform_map(const char *path, smr_platform_file *file, smr_error *error);
void smr_platform_unmap(const smr_platform_file *file);

#endif
