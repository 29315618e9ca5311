/* Linux, Android, macOS, iOS and other Unix systems. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#if !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64 /* a 32-bit fstat fails on large inode numbers without it */
#endif
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* for madvise */
#endif
#include "thread.h"

#if defined(SMR_PLATFORM_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

uint32_t smr_platform_process(void) {
    return (uint32_t)getpid();
}

/* Bytes that are worth a call to the system. */
#define POSIX_WORTH ((size_t)64 << 10)

#if defined(__linux__) && defined(MADV_HUGEPAGE)
/* A large page of most processors. */
#define POSIX_LARGE ((size_t)2 << 20)

/* Memory that has as many large pages as fit, from its beginning on: each takes one page fault in place of
 * hundreds. The rest has small ones, so that no more memory is taken than was asked for. Null where the
 * system does not give it. */
static uint8_t *map_large(size_t bytes) {
    uint8_t *mapped, *memory;
    size_t before;
    if (bytes > SIZE_MAX / 2) {
        return NULL;
    }
    mapped = mmap(NULL, bytes + POSIX_LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    before = (POSIX_LARGE - (uintptr_t)mapped % POSIX_LARGE) % POSIX_LARGE;
    memory = mapped + before;
    if (before > 0) {
        (void)munmap(mapped, before);
    }
    (void)munmap(memory + bytes, POSIX_LARGE - before);
    (void)madvise(memory, bytes / POSIX_LARGE * POSIX_LARGE, MADV_HUGEPAGE); /* it is as good without */
    return memory;
}
#endif

/* What lies before memory that is given, up to its alignment. */
typedef struct posix_head {
    void *begin;   /* of all there is */
    size_t mapped; /* bytes of it; 0 where it is libc's */
} posix_head;

static void *posix_give(uint8_t *begin, size_t before, size_t mapped) {
    const posix_head head = {begin, mapped};
    memcpy(begin + before - sizeof head, &head, sizeof head);
    return begin + before;
}

void *smr_platform_allocate(size_t bytes, size_t alignment) {
    const size_t before = alignment < sizeof(posix_head) ? sizeof(posix_head) : alignment;
    void *memory = NULL;
    if (bytes > SIZE_MAX / 2 - before) {
        return NULL;
    }
#if defined(POSIX_LARGE)
    if (bytes >= POSIX_LARGE && before < POSIX_LARGE) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        const size_t whole = (before + bytes + page - 1) / page * page;
        memory = map_large(whole);
        if (memory != NULL) {
            return posix_give(memory, before, whole);
        }
    }
#endif
    return posix_memalign(&memory, before, before + bytes) == 0 ? posix_give(memory, before, 0) : NULL;
}

void smr_platform_release(void *memory) {
    posix_head head;
    if (memory == NULL) {
        return;
    }
    memcpy(&head, (uint8_t *)memory - sizeof head, sizeof head);
    if (head.mapped > 0) {
        (void)munmap(head.begin, head.mapped);
    } else {
        free(head.begin);
    }
}

void smr_platform_touch(void *memory, size_t bytes) {
#if defined(MADV_POPULATE_WRITE)
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
    if (bytes >= POSIX_WORTH) {
        (void)madvise((void *)begin, end - begin,
                      MADV_POPULATE_WRITE); /* kernels before 5.14 do not know it */
    }
#else
    (void)memory;
    (void)bytes;
#endif
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
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    /* What is not in the system's cache is then read in large pieces, which stay there as they are and take a
     * tenth of the time to map. */
    if ((size_t)about.st_size >= POSIX_WORTH) {
        (void)madvise(data, (size_t)about.st_size, MADV_HUGEPAGE); /* it is as good without */
    }
#endif
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

#if defined(SMR_PLATFORM_THREADS)

/* Enough for every kernel, where the system does not ask for more. */
#define POSIX_STACK (256 * 1024)

static void *run_thread(void *given) {
    const smr_thread_start *start = given;
    start->main(start->argument);
    return NULL;
}

/* The program's signals are not for the thread: it blocks what it is created with. */
bool smr_thread_create(smr_thread *thread, const smr_thread_start *start) {
    pthread_attr_t attributes;
    sigset_t all, before;
    int failed = 1;
    if (sigfillset(&all) != 0 || pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    if (pthread_attr_init(&attributes) == 0) {
        if (pthread_attr_setstacksize(&attributes, POSIX_STACK) == 0) {
            failed = pthread_create(thread, &attributes, run_thread, (void *)(uintptr_t)start);
        }
        (void)pthread_attr_destroy(&attributes);
    }
    if (failed != 0) {
        failed = pthread_create(thread, NULL, run_thread, (void *)(uintptr_t)start);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

void smr_thread_join(smr_thread thread) {
    (void)pthread_join(thread, NULL);
}

void smr_thread_rest(void) {
    const struct timespec time = {0, 20000};
    (void)nanosleep(&time, NULL);
}

bool smr_mutex_create(smr_mutex *mutex) {
    return pthread_mutex_init(mutex, NULL) == 0;
}

void smr_mutex_free(smr_mutex *mutex) {
    (void)pthread_mutex_destroy(mutex);
}

void smr_mutex_lock(smr_mutex *mutex) {
    (void)pthread_mutex_lock(mutex);
}

void smr_mutex_unlock(smr_mutex *mutex) {
    (void)pthread_mutex_unlock(mutex);
}

bool smr_condition_create(smr_condition *condition) {
    return pthread_cond_init(condition, NULL) == 0;
}

void smr_condition_free(smr_condition *condition) {
    (void)pthread_cond_destroy(condition);
}

void smr_condition_wait(smr_condition *condition, smr_mutex *mutex) {
    (void)pthread_cond_wait(condition, mutex);
}

void smr_condition_wake_one(smr_condition *condition) {
    (void)pthread_cond_signal(condition);
}

void smr_condition_wake_all(smr_condition *condition) {
    (void)pthread_cond_broadcast(condition);
}

#endif

#else
typedef int smr_posix_is_not_used;
#endif
