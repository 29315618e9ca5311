/* Threads as the pool needs them, on systems that have them: SMR_PLATFORM_THREADS is defined there. */
#ifndef SMR_THREAD_H
#define SMR_THREAD_H

#include "platform.h"

/* SMR_NO_THREADS leaves them out; WebAssembly has them only where a build asks for them. */
#if !defined(SMR_NO_THREADS) &&     \
    (defined(SMR_PLATFORM_WIN32) || \
     (defined(SMR_PLATFORM_POSIX) && (!defined(__EMSCRIPTEN__) || defined(__EMSCRIPTEN_PTHREADS__))))
#define SMR_PLATFORM_THREADS 1
#endif

#if defined(SMR_PLATFORM_THREADS)

#include <stdbool.h>

#include "atomic.h"

#if defined(SMR_PLATFORM_POSIX)
#include <pthread.h>
typedef pthread_t smr_thread;
typedef pthread_mutex_t smr_mutex;
typedef pthread_cond_t smr_condition;
#else
typedef void *smr_thread; /* HANDLE */
typedef struct smr_mutex {
    void *lock; /* SRWLOCK */
} smr_mutex;
typedef struct smr_condition {
    void *variable; /* CONDITION_VARIABLE */
} smr_condition;
#endif

/* What a thread runs; `main` and `argument` must stay as they are until it is joined. */
typedef struct smr_thread_start {
    void (*main)(void *argument);
    void *argument;
} smr_thread_start;

/* These return false where the system gives no more of them. */
bool smr_thread_create(smr_thread *thread, const smr_thread_start *start);
bool smr_mutex_create(smr_mutex *mutex);
bool smr_condition_create(smr_condition *condition);

void smr_thread_join(smr_thread thread);
void smr_mutex_free(smr_mutex *mutex);
void smr_mutex_lock(smr_mutex *mutex);
void smr_mutex_unlock(smr_mutex *mutex);
void smr_condition_free(smr_condition *condition);

/* May return although nobody has called smr_condition_wake. */
void smr_condition_wait(smr_condition *condition, smr_mutex *mutex);
void smr_condition_wake_one(smr_condition *condition);
void smr_condition_wake_all(smr_condition *condition);

/* Leaves the processor to others for a while. */
void smr_thread_rest(void);

/* Tells the processor that this is a loop that waits. */
static inline void smr_thread_pause(void) {
#if defined(_MSC_VER) && !defined(__clang__) && (defined(_M_X64) || defined(_M_IX86))
    _mm_pause();
#elif defined(_MSC_VER) && !defined(__clang__) && defined(_M_ARM64)
    __yield();
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield" ::: "memory");
#endif
}

#endif

#endif
