/* Memory between two pages that may not be touched, with a pattern around what is given out. Where pages
 * cannot be protected the pattern alone tells who writes outside. */
#ifndef SMR_TESTS_GUARD_H
#define SMR_TESTS_GUARD_H

/* Include it before any system header, and define _DEFAULT_SOURCE before that. */
#include "check.h"

#if defined(_WIN32)
#define GUARD_PAGES 1
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#undef far
#undef near

static inline size_t guard_page(void) {
    SYSTEM_INFO about;
    GetSystemInfo(&about);
    return about.dwPageSize;
}

static inline void *guard_map(size_t bytes) {
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static inline int guard_unmap(void *memory, size_t bytes) {
    (void)bytes;
    return VirtualFree(memory, 0, MEM_RELEASE) != 0;
}

static inline int guard_permit(void *memory, size_t bytes, int to_read) {
    DWORD before;
    return VirtualProtect(memory, bytes, to_read ? PAGE_READONLY : PAGE_NOACCESS, &before) != 0;
}

#elif defined(__unix__) || defined(__APPLE__)
#define GUARD_PAGES 1
#include <sys/mman.h>
#include <unistd.h>

static inline size_t guard_page(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Null when there is none. */
static inline void *guard_map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static inline int guard_unmap(void *memory, size_t bytes) {
    return munmap(memory, bytes) == 0;
}

/* Lets nobody write these pages, or even read them. */
static inline int guard_permit(void *memory, size_t bytes, int to_read) {
    return mprotect(memory, bytes, to_read ? PROT_READ : PROT_NONE) == 0;
}

#else
#define GUARD_PAGES 0
#endif

#define GUARD_PATTERN 0xa5

typedef struct guarded {
    uint8_t *base;
    size_t mapped;
    uint8_t *begin; /* the first byte after the guard in front */
    uint8_t *end;   /* the first byte of the guard behind */
    uint8_t *data;  /* what guard_place gave */
    size_t bytes;
} guarded;

/* At least `bytes` bytes between the guards. */
static inline guarded guard_make(size_t bytes) {
    guarded memory = {0};
#if GUARD_PAGES
    const size_t page = guard_page();
    const size_t inner = (bytes + page - 1) / page * page;
    memory.mapped = inner + 2 * page;
    memory.base = guard_map(memory.mapped);
    if (memory.base == NULL) {
        exit(EXIT_FAILURE);
    }
    memory.begin = memory.base + page;
    memory.end = memory.begin + inner;
    CHECK(guard_permit(memory.base, page, 0) && guard_permit(memory.end, page, 0));
#else
    memory.mapped = bytes + 3 * 64;
    memory.base = malloc(memory.mapped);
    if (memory.base == NULL) {
        exit(EXIT_FAILURE);
    }
    memory.begin = memory.base + (64 - (uintptr_t)memory.base % 64) % 64;
    memory.end = memory.begin + (bytes + 63) / 64 * 64 + 64;
#endif
    return memory;
}

/* Gives out `bytes` bytes, aligned to `alignment`: the first ones between the guards, or the last ones of
 * which `slack` bytes more are there. All of the rest has the pattern. */
static inline guarded guard_place(size_t bytes, size_t alignment, size_t slack, int at_end) {
    guarded memory = guard_make(bytes + slack + alignment);
    const size_t room = (size_t)(memory.end - memory.begin);
    memory.data = at_end ? memory.begin + (room - slack - bytes) / alignment * alignment : memory.begin;
    memory.bytes = bytes;
    memset(memory.begin, GUARD_PATTERN, room);
    return memory;
}

/* Whether all that was not given out still has the pattern. */
static inline int guard_intact(const guarded *memory) {
    const uint8_t *at;
    for (at = memory->begin; at < memory->end; ++at) {
        if (at == memory->data) {
            at += memory->bytes;
            if (at == memory->end) {
                break;
            }
        }
        if (*at != GUARD_PATTERN) {
            return 0;
        }
    }
    return 1;
}

/* Lets nobody write what is between the guards. */
static inline void guard_protect(const guarded *memory) {
#if GUARD_PAGES
    CHECK(guard_permit(memory->begin, (size_t)(memory->end - memory->begin), 1));
#else
    (void)memory;
#endif
}

static inline void guard_release(guarded *memory) {
#if GUARD_PAGES
    CHECK(memory->base == NULL || guard_unmap(memory->base, memory->mapped));
#else
    free(memory->base);
#endif
    memset(memory, 0, sizeof *memory);
}

#define GUARD_MOST_OPEN 64

static guarded guard_open[GUARD_MOST_OPEN];

/* As malloc, between guards: nothing is there after the bytes, or before them where not `at_end`. */
static inline void *guard_allocate(size_t bytes, size_t alignment, int at_end) {
    int i;
    for (i = 0; i < GUARD_MOST_OPEN; ++i) {
        if (guard_open[i].base == NULL) {
            guard_open[i] = guard_place(bytes, alignment, 0, at_end);
            return guard_open[i].data;
        }
    }
    exit(EXIT_FAILURE);
}

/* Releases what guard_allocate gave, and checks that nobody wrote beside it. Null is accepted. */
static inline void guard_free(void *data) {
    int i;
    for (i = 0; i < GUARD_MOST_OPEN && data != NULL; ++i) {
        if (guard_open[i].base != NULL && guard_open[i].data == data) {
            CHECK(guard_intact(&guard_open[i]));
            guard_release(&guard_open[i]);
            return;
        }
    }
    CHECK(data == NULL);
}

#endif
