/* Whether any or all of the elements that come together are true, eight at a time: what is not 0 is. */
#include "reduce.h"

#define TRUTH_BLOCK 256 /* elements of the output that are worked out together */
#define TRUTH_LOW   UINT64_C(0x7f7f7f7f7f7f7f7f)

/* Bytes whose highest bit is set where those of `x` are not 0; their other bits are anything. */
static inline uint64_t truth_of(uint64_t x) {
    return ((x & TRUTH_LOW) + TRUTH_LOW) | x;
}

/* Whether one of the elements is true, or one is not. */
static bool truth_one(const uint8_t *x, size_t count, bool truth) {
    uint64_t eight, found = 0;
    for (; count >= sizeof eight; count -= sizeof eight, x += sizeof eight) {
        memcpy(&eight, x, sizeof eight);
        found |= truth ? truth_of(eight) : ~truth_of(eight);
    }
    for (; count > 0; --count, ++x) {
        found |= ((*x != 0) == truth) ? ~TRUTH_LOW : 0;
    }
    return (found & ~TRUTH_LOW) != 0;
}

/* Takes a row of elements into the highest bits of as many bytes. */
static void truth_row(uint8_t *truths, const uint8_t *x, size_t count, bool all) {
    uint64_t eight, had;
    size_t i = 0;
    for (; i + sizeof eight <= count; i += sizeof eight) {
        memcpy(&eight, x + i, sizeof eight);
        memcpy(&had, truths + i, sizeof had);
        had = all ? had & truth_of(eight) : had | truth_of(eight);
        memcpy(truths + i, &had, sizeof had);
    }
    for (; i < count; ++i) {
        const uint8_t truth = (uint8_t)truth_of(x[i]);
        truths[i] = all ? truths[i] & truth : truths[i] | truth;
    }
}

/* One element, in which neighbours come together. */
static uint8_t truth_neighbours(const smr_reduction *reduction, const uint8_t *x, bool all) {
    const size_t count = reduction->sizes[reduction->rank - 1];
    size_t row;
    for (row = 0; row < reduction->rows; ++row) {
        const uint8_t *from = x + smr_reduction_offset(reduction, row);
        if (truth_one(from, count, !all)) {
            return all ? 0 : 1;
        }
    }
    return all ? 1 : 0;
}

static void truth_run(const smr_node *node, size_t begin, size_t end, bool all) {
    const smr_reduction *reduction = SMR_CONST_PARAMETERS(node, smr_reduction);
    const uint8_t *x = node->inputs[0]->data;
    uint8_t *y = node->outputs[0]->data, truths[TRUTH_BLOCK];
    size_t length, row, i;
    for (; begin < end; begin += length) {
        const size_t first = smr_reduction_begin(reduction, begin, &length);
        length = length < end - begin ? length : end - begin;
        length = length < TRUTH_BLOCK ? length : TRUTH_BLOCK;
        if (smr_reduction_is_inner(reduction)) {
            y[begin] = truth_neighbours(reduction, x + first, all);
            continue;
        }
        memset(truths, all ? 0xff : 0, length);
        for (row = 0; row < reduction->rows; ++row) {
            truth_row(truths, x + first + smr_reduction_offset(reduction, row), length, all);
        }
        for (i = 0; i < length; ++i) {
            y[begin + i] = truths[i] >> 7;
        }
    }
}

smr_status smr_reduction_run_any(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)error;
    truth_run(node, begin, end, false);
    return SMR_OK;
}

smr_status smr_reduction_run_all(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)error;
    truth_run(node, begin, end, true);
    return SMR_OK;
}
