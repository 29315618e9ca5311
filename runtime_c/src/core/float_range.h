/* Seeing that many floats are within a range, by their bits: nothing is compared one by one, so that loops
 * over constants take a fraction of a nanosecond for each and no floating-point unit. */
#ifndef SMR_FLOAT_RANGE_H
#define SMR_FLOAT_RANGE_H

#include "flatbuffer.h"

/* The bits of some floats that are not negative; they are ordered as the numbers are. */
#define SMR_FLOAT_ZERO     0u
#define SMR_FLOAT_LEAST    1u /* above 0 */
#define SMR_FLOAT_ONE      0x3f800000u
#define SMR_FLOAT_INFINITY 0x7f800000u

/* So many of them go through a loop that compilers turn into vectors. */
#define FLOAT_RANGE_BLOCK 32

/* The sign bit is set for the bits of a float that is negative, -0 too, below `least`, or `end` and above:
 * each of the three differences alone says so of the numbers that the others leave. */
static inline uint32_t float_range_outside(const uint8_t *at, uint32_t least, uint32_t end) {
    const uint32_t bits = smr_read_u32(at);
    return bits | (bits - least) | (end - 1 - bits);
}

/* Whether all of `count` floats, which need not be aligned, are at least `least` and less than `end`. False
 * for some that are, where one is -0. */
static inline bool smr_floats_within(const void *floats, size_t count, uint32_t least, uint32_t end) {
    const uint8_t *at = floats;
    uint32_t outside = 0;
    size_t i, k;
    for (i = 0; i + FLOAT_RANGE_BLOCK <= count; i += FLOAT_RANGE_BLOCK) {
        for (k = 0; k < FLOAT_RANGE_BLOCK; ++k) {
            outside |= float_range_outside(at + 4 * (i + k), least, end);
        }
    }
    for (; i < count; ++i) {
        outside |= float_range_outside(at + 4 * i, least, end);
    }
    return outside >> 31 == 0;
}

#endif
