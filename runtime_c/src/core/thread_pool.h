/* Threads that help with the work of ops. */
#ifndef SMR_THREAD_POOL_H
#define SMR_THREAD_POOL_H

#include "samara.h"

/* Calls task(argument, part) for each part, of at most SMR_MAX_THREADS, on this thread and on those of the
 * pool that have nothing else to do: an smr_parallel_for. */
void smr_pool_run(void *pool, smr_task task, void *argument, int32_t parts);

/* Wakes so many threads that work is coming for, unless they are awake. */
void smr_pool_wake(smr_pool *pool, int32_t threads);

#endif
