/* The walk over what comes together in each element of the output. Sums are made of stretches of the input,
 * and then of the stretches' sums: their error grows with the length of either, not of both. */
#include "reduce.h"

#define REDUCE_ROWS 64   /* of a stretch */
#define REDUCE_RUN  4096 /* numbers of a stretch that lie side by side */

/* Of float16, what is widened at once: so many rows of so many columns. */
#define REDUCE_WIDE_ROWS 16
#define REDUCE_WIDE      64

typedef struct vector_reduce_parameters {
    smr_reduction reduction;
    const smr_vector_fold *fold;
    const smr_halves *halves; /* of float16 alone */
    float divisor;
} vector_reduce_parameters;

/* The reduction of rows to one: blocks of rows first, each by a thread that has mostly computed them, and
 * then what comes of the blocks. What several processors have read is slow to write again. */
#define REDUCE_BLOCKS 8
#define REDUCE_LINE   16 /* numbers that processors pass to each other at once */

typedef struct reduce_blocks {
    const smr_vector_fold *fold;
    size_t rows, columns;
    float divisor;
} reduce_blocks;

static size_t reduce_stretch(size_t left, size_t most) {
    return left < most ? left : most;
}

/* Elements of the output that lie side by side, as do the numbers that come together in them. */
static void reduce_columns(const vector_reduce_parameters *p, const float *x, size_t columns, float *y) {
    const smr_reduction *reduction = &p->reduction;
    const bool reduces = reduction->rank > 1;
    const size_t rows = reduces ? reduction->sizes[reduction->rank - 2] : 1;
    const size_t stride = reduces ? reduction->sizes[reduction->rank - 1] : columns;
    size_t row, done, count;
    for (row = 0; row < reduction->rows; row += rows) {
        const float *from = x + smr_reduction_offset(reduction, row);
        for (done = 0; done < rows; done += count) {
            count = reduce_stretch(rows - done, REDUCE_ROWS);
            p->fold->columns(from + done * stride, count, stride, columns, y);
        }
    }
}

/* One element of the output, in which neighbours come together. */
static float reduce_neighbours(const vector_reduce_parameters *p, const float *x, float y) {
    const smr_reduction *reduction = &p->reduction;
    const size_t length = reduction->sizes[reduction->rank - 1];
    size_t row, done, count;
    for (row = 0; row < reduction->rows; ++row) {
        const float *from = x + smr_reduction_offset(reduction, row);
        for (done = 0; done < length; done += count) {
            count = reduce_stretch(length - done, REDUCE_RUN);
            y = p->fold->run(from + done, count, y);
        }
    }
    return y;
}

static smr_status reduce_run_vectors(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const vector_reduce_parameters *p = SMR_CONST_PARAMETERS(node, vector_reduce_parameters);
    const float *x = node->inputs[0]->data;
    float *y = node->outputs[0]->data;
    (void)error;
    while (begin < end) {
        size_t length, i;
        const size_t first = smr_reduction_begin(&p->reduction, begin, &length);
        length = reduce_stretch(end - begin, length);
        for (i = begin; i < begin + length; ++i) {
            y[i] = p->fold->start;
        }
        if (smr_reduction_is_inner(&p->reduction)) {
            y[begin] = reduce_neighbours(p, x + first, y[begin]);
        } else {
            reduce_columns(p, x + first, length, y + begin);
        }
        for (i = begin; i < begin + length && p->divisor != 1.0f; ++i) {
            y[i] /= p->divisor;
        }
        begin += length;
    }
    return SMR_OK;
}

/* Up to REDUCE_WIDE elements of the output that lie side by side, as do the numbers that come together in
 * them. */
static void reduce_half_columns(const vector_reduce_parameters *p, const uint16_t *x, size_t columns,
                                float *y) {
    const smr_reduction *reduction = &p->reduction;
    const bool reduces = reduction->rank > 1;
    const size_t rows = reduces ? reduction->sizes[reduction->rank - 2] : 1;
    const size_t stride = reduces ? reduction->sizes[reduction->rank - 1] : columns;
    float wide[REDUCE_WIDE_ROWS * REDUCE_WIDE];
    size_t row, done, count, i;
    for (row = 0; row < reduction->rows; row += rows) {
        const uint16_t *from = x + smr_reduction_offset(reduction, row);
        for (done = 0; done < rows; done += count) {
            count = reduce_stretch(rows - done, REDUCE_WIDE_ROWS);
            for (i = 0; i < count; ++i) {
                p->halves->widen(from + (done + i) * stride, wide + i * columns, columns);
            }
            p->fold->columns(wide, count, columns, columns, y);
        }
    }
}

/* One element of the output, in which neighbours come together. */
static float reduce_half_neighbours(const vector_reduce_parameters *p, const uint16_t *x, float y) {
    const smr_reduction *reduction = &p->reduction;
    const size_t length = reduction->sizes[reduction->rank - 1];
    float wide[REDUCE_WIDE_ROWS * REDUCE_WIDE];
    size_t row, done, count;
    for (row = 0; row < reduction->rows; ++row) {
        const uint16_t *from = x + smr_reduction_offset(reduction, row);
        for (done = 0; done < length; done += count) {
            count = reduce_stretch(length - done, REDUCE_WIDE_ROWS * REDUCE_WIDE);
            p->halves->widen(from + done, wide, count);
            y = p->fold->run(wide, count, y);
        }
    }
    return y;
}

static smr_status reduce_run_halves(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const vector_reduce_parameters *p = SMR_CONST_PARAMETERS(node, vector_reduce_parameters);
    const uint16_t *x = node->inputs[0]->data;
    uint16_t *y = node->outputs[0]->data;
    (void)error;
    while (begin < end) {
        float sums[REDUCE_WIDE];
        size_t length, i;
        const size_t first = smr_reduction_begin(&p->reduction, begin, &length);
        length = reduce_stretch(reduce_stretch(end - begin, length), REDUCE_WIDE);
        if (smr_reduction_is_inner(&p->reduction)) {
            sums[0] = reduce_half_neighbours(p, x + first, p->fold->start);
            length = 1;
        } else {
            for (i = 0; i < length; ++i) {
                sums[i] = p->fold->start;
            }
            reduce_half_columns(p, x + first, length, sums);
        }
        for (i = 0; i < length && p->divisor != 1.0f; ++i) {
            sums[i] /= p->divisor;
        }
        p->halves->narrow(sums, y + begin, length);
        begin += length;
    }
    return SMR_OK;
}

static size_t reduce_block_stride(size_t columns) {
    return (columns + REDUCE_LINE - 1) / REDUCE_LINE * REDUCE_LINE;
}

static void reduce_rows(const smr_vector_fold *fold, const float *x, size_t rows, size_t stride,
                        size_t columns, float *y) {
    size_t i, done, count;
    for (i = 0; i < columns; ++i) {
        y[i] = fold->start;
    }
    for (done = 0; done < rows; done += count) {
        count = reduce_stretch(rows - done, REDUCE_ROWS);
        fold->columns(x + done * stride, count, stride, columns, y);
    }
}

/* In the first phase a work item is a block of rows, and in the second as large a part of the columns. */
static smr_status reduce_run_blocks(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const reduce_blocks *p = SMR_CONST_PARAMETERS(node, reduce_blocks);
    const size_t stride = reduce_block_stride(p->columns);
    float *sums = node->scratch;
    (void)error;
    for (; begin < end; ++begin) {
        const size_t part = begin % REDUCE_BLOCKS;
        const size_t size = begin < REDUCE_BLOCKS ? p->rows : stride / REDUCE_LINE;
        const size_t first = size * part / REDUCE_BLOCKS, last = size * (part + 1) / REDUCE_BLOCKS;
        if (begin < REDUCE_BLOCKS) {
            const float *x = (const float *)node->inputs[0]->data + first * p->columns;
            reduce_rows(p->fold, x, last - first, p->columns, p->columns, sums + part * stride);
        } else {
            const size_t from = first * REDUCE_LINE, to = reduce_stretch(p->columns, last * REDUCE_LINE);
            float *y = node->outputs[0]->data;
            size_t i;
            reduce_rows(p->fold, sums + from, REDUCE_BLOCKS, stride, to - from, y + from);
            for (i = from; i < to && p->divisor != 1.0f; ++i) {
                y[i] /= p->divisor;
            }
        }
    }
    return SMR_OK;
}

/* Where the file has room for what comes of the blocks. */
static void reduce_cut_rows(smr_node *node) {
    const vector_reduce_parameters *p = SMR_CONST_PARAMETERS(node, vector_reduce_parameters);
    const smr_reduction *reduction = &p->reduction;
    const reduce_blocks blocks = {p->fold, reduction->sizes[0], reduction->sizes[1], p->divisor};
    const size_t row = reduce_block_stride(blocks.columns) * sizeof(float);
    if (reduction->rank != 2 || smr_reduction_is_inner(reduction) || blocks.rows < REDUCE_BLOCKS ||
        node->scratch_room / REDUCE_BLOCKS < row || node->work == 0) {
        return;
    }
    smr_node_replace_parameters(node, &blocks, sizeof blocks);
    node->scratch_bytes = REDUCE_BLOCKS * row;
    node->phased = true;
    node->work = 2 * REDUCE_BLOCKS;
    node->run = reduce_run_blocks;
}

smr_status smr_vector_prepare_reduce(smr_node *node, smr_prepare_function prepare,
                                     const smr_vector_fold *fold, const smr_halves *halves,
                                     smr_error *error) {
    vector_reduce_parameters *p = SMR_PARAMETERS(node, vector_reduce_parameters);
    SMR_TRY(prepare(node, error));
    p->fold = fold;
    p->halves = halves;
    p->divisor = 1.0f;
    if (node->kernel->opcode == SMR_OP_REDUCE_MEAN && node->work > 0) {
        const size_t terms = node->inputs[0]->count / node->outputs[0]->count;
        p->divisor = (float)terms;
    }
    if (node->inputs[0]->dtype == SMR_DTYPE_FLOAT16) {
        node->run = reduce_run_halves;
        return SMR_OK;
    }
    node->run = reduce_run_vectors;
    reduce_cut_rows(node);
    return SMR_OK;
}
