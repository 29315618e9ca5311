/* Whether the runs of a program use their threads: by how long runs with them and without have taken. What
 * threads cost depends on which processors they are on, on what else these do and on whether the threads have
 * fallen asleep, none of which is known when a context is made, and all of which changes. */
#ifndef SMR_PACE_H
#define SMR_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Zeros at first: runs use threads. */
typedef struct smr_pace {
    uint32_t times[2]; /* nanoseconds of the last runs with threads, and without; 0: unknown */
    uint32_t least;    /* of this turn, whose runs all go the same way */
    uint32_t turn;     /* nanoseconds of this turn */
    uint64_t since;    /* the same since the last trial */
    uint16_t runs;     /* of this turn */
    uint16_t all_runs; /* since the last trial */
    uint16_t wait;     /* so many until the next one */
    bool alone;        /* how this turn goes */
    bool trial;        /* to know how long it takes, not because it is thought to be better */
} smr_pace;

/* Notes how long the last run took. */
void smr_pace_note(smr_pace *pace, uint64_t nanoseconds);

#endif
