/* Turns of a few runs each. Of a turn the least time counts, since other programs interrupt single runs, and
 * the first run finds in its cache what the other way has left there. */
#include "pace.h"

#define PACE_TURN    4        /* runs of a turn, and more of a trial with threads until */
#define PACE_AWAKE   1000000  /* nanoseconds are over, in which threads wake up */
#define PACE_FIRST   16       /* runs from a trial that has changed the way to the next one; then twice as */
#define PACE_SOON    128      /* many each time, up to so many where the other way may be better, */
#define PACE_LATE    1024     /* and so many where it was much worse */
#define PACE_REST    64       /* times as long as a trial takes: the least from one to the next */
#define PACE_LONGEST 10000000 /* nanoseconds of a run that is worth trials */

/* Whether one time is less than so many of 32 parts of another. */
static bool is_less(uint32_t time, uint32_t parts, uint32_t other) {
    return (uint64_t)time * 32 < (uint64_t)other * parts;
}

static void begin_turn(smr_pace *pace, bool alone, bool trial) {
    pace->alone = alone;
    pace->trial = trial;
    pace->runs = 0;
    pace->turn = 0;
}

/* Whether the next turn is to go the other way to see how long that takes. */
static bool wants_trial(const smr_pace *pace) {
    const uint32_t time = pace->times[pace->alone], other = pace->times[!pace->alone];
    if (time > PACE_LONGEST) {
        return false;
    }
    if (other == 0) {
        return pace->all_runs > PACE_TURN; /* the first ones fill caches */
    }
    return pace->all_runs >= pace->wait && pace->since >= (uint64_t)PACE_REST * PACE_AWAKE;
}

/* Runs until the next trial. What has made one way better may have been gone a moment later. */
static uint16_t next_wait(const smr_pace *pace, bool changed) {
    const bool close = pace->alone || !is_less(pace->times[false], 28, pace->times[true]);
    const uint16_t most = close ? PACE_SOON : PACE_LATE;
    if (changed) {
        return PACE_FIRST;
    }
    return pace->wait > 0 && pace->wait < most / 2 ? (uint16_t)(2 * pace->wait) : most;
}

void smr_pace_note(smr_pace *pace, uint64_t nanoseconds) {
    const uint32_t time = nanoseconds < UINT32_MAX ? (uint32_t)nanoseconds : UINT32_MAX;
    pace->least = pace->runs == 0 || time < pace->least ? time : pace->least;
    pace->turn += time < PACE_AWAKE ? time : PACE_AWAKE;
    pace->since += time;
    pace->all_runs = (uint16_t)(pace->all_runs + (pace->all_runs < UINT16_MAX));
    ++pace->runs;
    if (pace->runs < PACE_TURN || (pace->trial && !pace->alone && pace->turn < PACE_AWAKE)) {
        return;
    }
    pace->times[pace->alone] = pace->least;
    if (pace->trial) {
        const bool better = is_less(pace->times[pace->alone], 31, pace->times[!pace->alone]);
        pace->since = 0;
        pace->all_runs = 0;
        begin_turn(pace, better ? pace->alone : !pace->alone, false);
        pace->wait = next_wait(pace, better);
    } else {
        const bool trial = wants_trial(pace);
        begin_turn(pace, trial ? !pace->alone : pace->alone, trial);
    }
}
