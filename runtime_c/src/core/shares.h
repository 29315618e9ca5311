/* How images are shared by threads. The lines, columns or pixels that an op writes are cut into shares, all
 * of which begin at the same places in all images of one size, whichever op writes them: a thread then mostly
 * reads what it has written, and what a processor has not it has to fetch from another one. Whoever is given
 * several shares that lie side by side works on them as one. */
#ifndef SMR_SHARES_H
#define SMR_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMR_MOST_SHARES 16

/* Into how many shares so many lines are cut: a power of two, so that halves are whole shares. */
static inline uint32_t smr_shares(size_t lines) {
    uint32_t shares = 1;
    while (shares < SMR_MOST_SHARES && 2 * shares <= lines) {
        shares *= 2;
    }
    return shares;
}

/* The first line of a share. */
static inline size_t smr_share_begin(size_t lines, size_t share, uint32_t shares) {
    return (size_t)((uint64_t)lines * share / shares);
}

/* Some work items of one share, or all of several. */
typedef struct smr_span {
    size_t first; /* share */
    size_t last;  /* the one after them */
    size_t begin; /* items of the share; those of whole shares are from 0 to how many one has */
    size_t end;
} smr_span;

/* The next span of the work items [*begin, end), of shares that have so many items each; what is left of them
 * in *begin. Returns false when there are none. */
static inline bool smr_next_span(size_t *begin, size_t end, size_t items, smr_span *span) {
    const size_t left = end - *begin;
    if (left == 0) {
        return false;
    }
    span->first = *begin / items;
    span->begin = *begin - span->first * items;
    if (span->begin == 0 && left >= items) {
        span->last = span->first + left / items;
        span->end = items;
        *begin = span->last * items;
    } else {
        span->last = span->first + 1;
        span->end = items - span->begin < left ? items : span->begin + left;
        *begin += span->end - span->begin;
    }
    return true;
}

#endif
