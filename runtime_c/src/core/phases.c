/* Phases: whoever counts `begun` of a part up owns that phase of it, and says in `ended` that it is over. A
 * phase of a part may begin when all parts have ended the phase before.
 *
 * The calls of two parts that run at the same time meet once a phase: each writes one line of its own, and
 * reads one of the other. A call that waits looks at what another has begun only after a while, since that
 * takes the line from the other's processor; but it looks at once where it has just found the other absent.
 */
#include "phases.h"

#include "spin.h"

#if defined(SMR_PLATFORM_THREADS)

#define PHASES_PATIENCE 16u /* pauses */

static bool run_part(const smr_phases *phases, uint32_t part, uint32_t phase) {
    smr_phase_part *p = &phases->parts[part];
    if (!smr_atomic_replace(&p->begun, phase, phase + 1)) {
        return false;
    }
    phases->run(phases->argument, part, phase);
    smr_atomic_release(&p->ended, phase + 1);
    return true;
}

/* Returns when a part has ended so many phases, the last of which begins here unless it has begun. `absent`
 * has a bit for each part whose own call did not begin a phase in time. */
static void wait_for(const smr_phases *phases, uint32_t part, uint32_t ended, uint32_t *absent) {
    smr_phase_part *p = &phases->parts[part];
    smr_spin spin = {0, 0};
    while (smr_atomic_load(&p->ended) < ended) {
        if ((*absent >> part & 1) != 0 || spin.pauses % PHASES_PATIENCE == PHASES_PATIENCE - 1) {
            *absent |= 1u << part;
            if (smr_atomic_load(&p->begun) < ended && run_part(phases, part, ended - 1)) {
                return;
            }
            *absent &= ~(1u << part);
        }
        if (smr_spin_pause(&spin)) {
            smr_thread_rest();
        }
    }
}

void smr_phases_run(const smr_phases *phases, uint32_t part) {
    uint32_t absent = UINT32_MAX, phase, i;
    while ((phase = smr_atomic_load(&phases->parts[part].begun)) < phases->phase_count) {
        for (i = 0; i < phases->part_count; ++i) {
            wait_for(phases, i, phase, &absent);
        }
        (void)run_part(phases, part, phase);
    }
}

#else
typedef int smr_phases_are_not_used;
#endif
