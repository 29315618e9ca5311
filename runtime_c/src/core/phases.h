/* Work in phases, the parts of each on several threads. */
#ifndef SMR_PHASES_H
#define SMR_PHASES_H

#include "../platform/thread.h"

#if defined(SMR_PLATFORM_THREADS)

#define SMR_PHASES_LINE 64u /* bytes that processors pass to each other at once */

/* How far a part has come. What is written when it begins and when it has ended lies apart, since threads
 * wait for the latter. */
typedef struct smr_phase_part {
    _Alignas(SMR_PHASES_LINE) smr_atomic begun; /* phases */
    _Alignas(SMR_PHASES_LINE) smr_atomic ended;
} smr_phase_part;

typedef struct smr_phases {
    smr_phase_part *parts; /* 0 at first */
    uint32_t part_count;   /* at most 32 */
    uint32_t phase_count;
    void (*run)(void *argument, uint32_t part, uint32_t phase);
    void *argument;
} smr_phases;

/* Runs all phases of a part. It is to be called once for each part, at the same time or one after the other,
 * on any threads: a part runs on the thread of its own call, but where that has not begun in time, on another
 * one that would wait for it. So each call waits only for what a thread is about to end. */
void smr_phases_run(const smr_phases *phases, uint32_t part);

#endif

#endif
