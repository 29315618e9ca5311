/* The threads that help with runs.
 *
 * A run that has work for several threads takes a slot of the pool and opens it: bit `i` of `open` says that
 * nobody has taken part `i` yet. Whoever clears a bit owns that part, the run's own thread among them, so
 * that a run waits only for parts that a thread has really begun. Slots lie in the pool: a thread that looks
 * at one too late finds nothing open there, or work of another run, which is as good.
 *
 * Idle threads look at the slots for SPIN_LONG nanoseconds and then sleep. `sleepers` counts those that
 * nobody has called yet, and `permits` the calls that no sleeper has heard yet; both change under the mutex.
 * A thread counts itself as a sleeper before it looks at the slots for the last time, and a run opens its
 * slot before it counts the sleepers: one of the two sees the other. */
#include "thread_pool.h"

#include <string.h>

#include "../platform/platform.h"
#include "model.h"
#include "spin.h"
#include "status.h"

#define POOL_LINE 64u /* bytes that processors pass to each other at once */

#if defined(SMR_PLATFORM_THREADS)

typedef struct pool_slot {
    _Alignas(POOL_LINE) smr_atomic open;
    smr_atomic parts; /* how many there are: only a hint which to prefer */
    smr_task task;
    void *argument;
    _Alignas(POOL_LINE) smr_atomic ended; /* parts that threads of the pool have ended */
    smr_atomic waits;                     /* 1: the thread of the run sleeps until they have */
    smr_atomic taken;                     /* 1: a run has the slot */
} pool_slot;

typedef struct pool_worker {
    smr_pool *pool;
    uint32_t number; /* from 1 on; 0 is the thread of a run */
    smr_thread thread;
    smr_thread_start start;
} pool_worker;

struct smr_pool {
    pool_slot *slots; /* one for each thread: more runs have no use for a pool */
    pool_worker *workers;
    uint32_t threads;
    uint32_t started; /* workers */
    uint32_t permits;
    uint32_t process; /* that the workers are in */
    smr_atomic sleepers;
    smr_atomic stop;
    smr_mutex mutex;
    smr_condition called; /* permits, or stop */
    smr_condition ended;  /* what runs sleep for */
    smr_allocator allocator;
    uint8_t owned;
};

static size_t pool_align(size_t bytes) {
    return (bytes + POOL_LINE - 1) / POOL_LINE * POOL_LINE;
}

static size_t pool_bytes(int32_t threads) {
    return pool_align(sizeof(smr_pool)) + (size_t)threads * sizeof(pool_slot) +
           pool_align((size_t)(threads - 1) * sizeof(pool_worker));
}

/* Takes an open part, preferably one that the thread of that number has had in other ops too; -1 when none is
 * left. */
static int32_t take_part(const smr_pool *pool, pool_slot *slot, uint32_t number) {
    uint32_t open = smr_atomic_peek(&slot->open);
    while (open != 0) {
        const uint32_t first = number * smr_atomic_peek(&slot->parts) / pool->threads;
        const uint32_t mine = open >> first << first;
        uint32_t part = 0;
        while (((mine != 0 ? mine : open) >> part & 1) == 0) {
            ++part;
        }
        open = smr_atomic_and(&slot->open, ~(1u << part));
        if ((open >> part & 1) != 0) {
            return (int32_t)part;
        }
    }
    return -1;
}

/* Does all that is open in any slot, and says whether there was anything. */
static bool help(smr_pool *pool, uint32_t number) {
    bool helped = false;
    uint32_t i;
    for (i = 0; i < pool->threads; ++i) {
        pool_slot *slot = &pool->slots[i];
        int32_t part;
        while ((part = take_part(pool, slot, number)) >= 0) {
            slot->task(slot->argument, part);
            helped = true;
            (void)smr_atomic_add(&slot->ended, 1);
            if (smr_atomic_load(&slot->waits) != 0) {
                smr_mutex_lock(&pool->mutex);
                smr_condition_wake_all(&pool->ended);
                smr_mutex_unlock(&pool->mutex);
            }
        }
    }
    return helped;
}

static bool anything_open(smr_pool *pool) {
    uint32_t i;
    for (i = 0; i < pool->threads; ++i) {
        if (smr_atomic_load(&pool->slots[i].open) != 0) {
            return true;
        }
    }
    return false;
}

static void sleep_until_called(smr_pool *pool) {
    smr_mutex_lock(&pool->mutex);
    (void)smr_atomic_add(&pool->sleepers, 1);
    while (pool->permits == 0 && smr_atomic_peek(&pool->stop) == 0 && !anything_open(pool)) {
        smr_condition_wait(&pool->called, &pool->mutex);
    }
    if (pool->permits > 0) {
        --pool->permits;
    } else {
        (void)smr_atomic_add(&pool->sleepers, UINT32_MAX);
    }
    smr_mutex_unlock(&pool->mutex);
}

static void work(void *argument) {
    const pool_worker *worker = argument;
    smr_pool *pool = worker->pool;
    smr_spin spin = {0, 0};
    while (smr_atomic_load(&pool->stop) == 0) {
        if (help(pool, worker->number)) {
            spin.pauses = 0;
        } else if (smr_spin_pause(&spin)) {
            sleep_until_called(pool);
            spin.pauses = 0;
        }
    }
}

/* Wakes up to so many threads of those that sleep. */
static void call_sleepers(smr_pool *pool, uint32_t wanted) {
    uint32_t sleepers, i;
    smr_mutex_lock(&pool->mutex);
    sleepers = smr_atomic_peek(&pool->sleepers);
    wanted = wanted < sleepers ? wanted : sleepers;
    (void)smr_atomic_add(&pool->sleepers, 0u - wanted);
    pool->permits += wanted;
    for (i = 0; i < wanted; ++i) {
        smr_condition_wake_one(&pool->called);
    }
    smr_mutex_unlock(&pool->mutex);
}

/* A process that was forked off has no sleepers, and what they slept on may be in any state there. */
void smr_pool_wake(smr_pool *pool, int32_t threads) {
    const uint32_t sleepers = smr_atomic_load(&pool->sleepers);
    const uint32_t awake = pool->started - sleepers;
    if (sleepers > 0 && (uint32_t)threads > awake && smr_platform_process() == pool->process) {
        call_sleepers(pool, (uint32_t)threads - awake);
    }
}

static pool_slot *take_slot(smr_pool *pool) {
    uint32_t i;
    for (i = 0; i < pool->threads; ++i) {
        if (smr_atomic_exchange(&pool->slots[i].taken, 1) == 0) {
            return &pool->slots[i];
        }
    }
    return NULL;
}

/* Returns when threads of the pool have ended so many parts. */
static void wait_for(smr_pool *pool, pool_slot *slot, uint32_t parts) {
    smr_spin spin = {0, 0};
    while (smr_atomic_load(&slot->ended) != parts) {
        if (smr_spin_pause(&spin)) {
            smr_mutex_lock(&pool->mutex);
            smr_atomic_store(&slot->waits, 1);
            while (smr_atomic_load(&slot->ended) != parts) {
                smr_condition_wait(&pool->ended, &pool->mutex);
            }
            smr_atomic_store(&slot->waits, 0);
            smr_mutex_unlock(&pool->mutex);
            return;
        }
    }
}

void smr_pool_run(void *user, smr_task task, void *argument, int32_t parts) {
    smr_pool *pool = user;
    pool_slot *slot = take_slot(pool);
    int32_t part, own = 0;
    if (slot == NULL) {
        for (part = 0; part < parts; ++part) {
            task(argument, part);
        }
        return;
    }
    slot->task = task;
    slot->argument = argument;
    smr_atomic_store(&slot->ended, 0);
    smr_atomic_store(&slot->parts, (uint32_t)parts);
    smr_atomic_store(&slot->open, UINT32_MAX >> (32 - parts));
    smr_pool_wake(pool, parts - 1);
    while ((part = take_part(pool, slot, 0)) >= 0) {
        task(argument, part);
        ++own;
    }
    wait_for(pool, slot, (uint32_t)(parts - own));
    smr_atomic_store(&slot->taken, 0);
}

static void end_threads(smr_pool *pool) {
    smr_mutex_lock(&pool->mutex);
    smr_atomic_store(&pool->stop, 1);
    smr_condition_wake_all(&pool->called);
    smr_mutex_unlock(&pool->mutex);
    while (pool->started > 0) {
        smr_thread_join(pool->workers[--pool->started].thread);
    }
    smr_condition_free(&pool->ended);
    smr_condition_free(&pool->called);
    smr_mutex_free(&pool->mutex);
}

static smr_status create_conditions(smr_pool *pool, smr_error *error) {
    if (smr_mutex_create(&pool->mutex)) {
        if (smr_condition_create(&pool->called)) {
            if (smr_condition_create(&pool->ended)) {
                return SMR_OK;
            }
            smr_condition_free(&pool->called);
        }
        smr_mutex_free(&pool->mutex);
    }
    SMR_FAIL(error, SMR_ERROR_THREAD, "the system gave no mutex or condition for a pool");
}

/* Makes a pool in zeroed memory. */
static smr_status build_pool(smr_pool *pool, int32_t threads, smr_error *error) {
    uint8_t *memory = (uint8_t *)pool + pool_align(sizeof *pool);
    pool->slots = (pool_slot *)(void *)memory;
    pool->workers = (pool_worker *)(void *)(memory + (size_t)threads * sizeof(pool_slot));
    pool->threads = (uint32_t)threads;
    pool->process = smr_platform_process();
    SMR_TRY(create_conditions(pool, error));
    while (pool->started + 1 < pool->threads) {
        pool_worker *worker = &pool->workers[pool->started];
        worker->pool = pool;
        worker->number = pool->started + 1;
        worker->start.main = work;
        worker->start.argument = worker;
        if (!smr_thread_create(&worker->thread, &worker->start)) {
            const uint32_t started = pool->started;
            end_threads(pool);
            SMR_FAIL(error, SMR_ERROR_THREAD, "the system gave %u threads instead of %d", (unsigned)started,
                     (int)threads - 1);
        }
        ++pool->started;
    }
    return SMR_OK;
}

int32_t smr_pool_threads(const smr_pool *pool) {
    return pool == NULL ? 1 : (int32_t)pool->threads;
}

#else

struct smr_pool {
    smr_allocator allocator;
    uint8_t owned;
};

static size_t pool_bytes(int32_t threads) {
    (void)threads;
    return sizeof(smr_pool);
}

static void end_threads(smr_pool *pool) {
    (void)pool;
}

static smr_status build_pool(smr_pool *pool, int32_t threads, smr_error *error) {
    (void)pool;
    (void)threads;
    (void)error;
    return SMR_OK;
}

void smr_pool_wake(smr_pool *pool, int32_t threads) {
    (void)pool;
    (void)threads;
}

void smr_pool_run(void *user, smr_task task, void *argument, int32_t parts) {
    int32_t part;
    (void)user;
    for (part = 0; part < parts; ++part) {
        task(argument, part);
    }
}

int32_t smr_pool_threads(const smr_pool *pool) {
    (void)pool;
    return 1;
}

#endif

smr_status smr_pool_memory(int32_t threads, size_t *bytes, size_t *alignment, smr_error *error) {
    if (bytes == NULL || alignment == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`bytes` or `alignment` is null");
    }
    if (threads < 1 || threads > SMR_MAX_THREADS) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%d threads instead of 1 to %d", (int)threads, SMR_MAX_THREADS);
    }
    *bytes = pool_bytes(threads);
    *alignment = POOL_LINE;
    return SMR_OK;
}

smr_status smr_pool_create(int32_t threads, const smr_allocator *allocator, void *memory, size_t memory_size,
                           smr_pool **pool, smr_error *error) {
    smr_allocator source;
    size_t bytes, alignment;
    smr_pool *place = memory;
    smr_status status;
    if (pool == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`pool` is null");
    }
    *pool = NULL;
    SMR_TRY(smr_allocator_check(allocator, error));
    SMR_TRY(smr_pool_memory(threads, &bytes, &alignment, error));
    source = smr_allocator_or_default(allocator);
    if (memory == NULL) {
        place = source.allocate(source.user, bytes, alignment);
        if (place == NULL) {
            SMR_FAIL(error, SMR_ERROR_MEMORY, "no memory for the %zu bytes of a pool", bytes);
        }
    } else if (memory_size < bytes || (uintptr_t)memory % alignment != 0) {
        SMR_FAIL(error, (uintptr_t)memory % alignment != 0 ? SMR_ERROR_ARGUMENT : SMR_ERROR_MEMORY,
                 "%zu bytes of memory for a pool instead of %zu, or not %zu-byte aligned", memory_size, bytes,
                 alignment);
    }
    memset(place, 0, bytes);
    place->allocator = source;
    place->owned = memory == NULL;
    status = build_pool(place, threads, error);
    if (status != SMR_OK) {
        if (memory == NULL) {
            source.release(source.user, place);
        }
        return status;
    }
    *pool = place;
    return SMR_OK;
}

void smr_pool_free(smr_pool *pool) {
    if (pool != NULL) {
        end_threads(pool);
        if (pool->owned) {
            const smr_allocator source = pool->allocator;
            source.release(source.user, pool);
        }
    }
}
