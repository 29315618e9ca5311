/* Waiting for another thread that will not be long. */
#ifndef SMR_SPIN_H
#define SMR_SPIN_H

#include "../platform/thread.h"

#if defined(SMR_PLATFORM_THREADS)

#define SPIN_LONG   50000u /* nanoseconds */
#define SPIN_PAUSES 32u    /* from one look at the clock to the next */

/* Zeros at first. */
typedef struct smr_spin {
    uint32_t pauses;
    uint64_t since;
} smr_spin;

/* A pause of a loop that waits; true once it has waited for so long that it had better sleep. */
static inline bool smr_spin_pause(smr_spin *spin) {
    smr_thread_pause();
    if (++spin->pauses % SPIN_PAUSES != 0) {
        return false;
    }
    if (spin->pauses == SPIN_PAUSES) {
        spin->since = smr_platform_clock();
        return false;
    }
    return smr_platform_clock() - spin->since > SPIN_LONG || spin->pauses > SPIN_LONG;
}

#endif

#endif
