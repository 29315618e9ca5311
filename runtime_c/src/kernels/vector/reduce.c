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
    const smr_vector_halves *halves; /* of float16 alone */
    float divisor;
} vector_reduce_parameters;

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

smr_status smr_vector_prepare_reduce(smr_node *node, smr_prepare_function prepare,
                                     const smr_vector_fold *fold, const smr_vector_halves *halves,
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
    node->run = node->inputs[0]->dtype == SMR_DTYPE_FLOAT16 ? reduce_run_halves : reduce_run_vectors;
    return SMR_OK;
}
