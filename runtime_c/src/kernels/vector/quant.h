/* What the integer .inc files of vector/ share, in the vectors of an instruction set: the end of its
 * quant_<isa>.h.
 *
 * Numbers are taken VECTOR_BLOCK at a time, as four vectors of int32 or float and one of bytes. */
#ifndef SMR_VECTOR_QUANT_H
#define SMR_VECTOR_QUANT_H

#include "../generic/fixed.h"

#define VECTOR_BLOCK (4 * VECTOR_LANES)

/* The first `count` bytes of a block, of which no others are read or written: the rest of a vector is 0. */
#if !defined(VECTOR_BYTES_LOAD_SOME)
#define VECTOR_BYTES_LOAD_SOME(from, count)   vector_load_some(from, count)
#define VECTOR_BYTES_STORE_SOME(to, x, count) vector_store_some(to, x, count)

static inline VECTOR_BYTES vector_load_some(const void *from, size_t count) {
    int8_t some[VECTOR_BLOCK] = {0};
    memcpy(some, from, count);
    return VECTOR_BYTES_LOAD(some);
}

static inline void vector_store_some(void *to, VECTOR_BYTES x, size_t count) {
    int8_t some[VECTOR_BLOCK];
    VECTOR_BYTES_STORE(some, x);
    memcpy(to, some, count);
}
#endif

/* The same where rows of the tensor that is read follow: not by a mask, since a load of the next row would
 * wait for the store as if that wrote the whole vector. */
static inline void vector_store_row(void *to, VECTOR_BYTES x, size_t count) {
    int8_t some[VECTOR_BLOCK], *row = to;
    size_t i = 0;
    VECTOR_BYTES_STORE(some, x);
    if (count >= 16) {
        for (; i + 16 < count; i += 16) {
            memcpy(row + i, some + i, 16);
        }
        memcpy(row + count - 16, some + count - 16, 16);
    } else if (count >= 8) {
        memcpy(row, some, 8);
        memcpy(row + count - 8, some + count - 8, 8);
    } else {
        for (; i < count; ++i) {
            row[i] = some[i];
        }
    }
}

/* quant_output in vectors. Bytes that are unsigned are computed with as if they were 128 less. */
typedef struct vector_range {
    VECTOR low;
    VECTOR high;
    VECTOR_SHORT zero_point;
    VECTOR_BYTES least;
    VECTOR_BYTES most; /* of fixed-point ops, which clamp last */
    VECTOR_BYTES flip;
} vector_range;

static inline vector_range vector_range_fill(const quant_output *output, bool is_unsigned) {
    const int32_t less = is_unsigned ? 128 : 0;
    vector_range range;
    range.low = VECTOR_ALL(output->low);
    range.high = VECTOR_ALL(output->high);
    range.zero_point = VECTOR_SHORT_ALL((int16_t)(output->zero_point - less));
    range.least = VECTOR_BYTES_ALL((int8_t)(output->least - less));
    range.most = VECTOR_BYTES_ALL((int8_t)(output->largest - less));
    range.flip = VECTOR_BYTES_ALL((char)(is_unsigned ? 0x80 : 0));
    return range;
}

/* A block of bytes of either sign as int32. */
static inline void vector_widen(const uint8_t *from, const bool is_unsigned, VECTOR_INT number[4]) {
    size_t i;
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        number[i] = is_unsigned ? VECTOR_INT_FROM_UINT8(from, i) : VECTOR_INT_FROM_INT8(from, i);
    }
}

/* As quant_finish, for a block of numbers. */
static inline VECTOR_BYTES vector_finish(const VECTOR value[4], const vector_range *range) {
    VECTOR_INT number[4];
    size_t i;
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        number[i] = VECTOR_INT_NEAREST(value[i], range->low, range->high);
    }
    return VECTOR_BYTES_FLIP(
        VECTOR_BYTES_LARGER(
            VECTOR_BYTES_NARROW(number[0], number[1], number[2], number[3], range->zero_point), range->least),
        range->flip);
}

/* As quant_requantize, for a block of sums. */
static inline VECTOR_BYTES vector_requantize(const VECTOR_INT sum[4], VECTOR multiplier,
                                             const vector_range *range) {
    VECTOR value[4];
    size_t i;
    VECTOR_UNROLL for (i = 0; i < 4; ++i) {
        value[i] = VECTOR_MULTIPLY(VECTOR_FROM_INT(sum[i]), multiplier);
    }
    return vector_finish(value, range);
}

/* As fixed_finish, for a block of numbers that are rescaled. */
static inline VECTOR_BYTES vector_fixed_finish(const VECTOR_INT number[4], const vector_range *range) {
    const VECTOR_BYTES bytes =
        VECTOR_BYTES_NARROW(number[0], number[1], number[2], number[3], range->zero_point);
    return VECTOR_BYTES_FLIP(VECTOR_BYTES_SMALLER(VECTOR_BYTES_LARGER(bytes, range->least), range->most),
                             range->flip);
}

#endif
