/* The walk over the matrices of a transpose. */
#include "permute.h"

#include "../generic/array.h"

#define PERMUTE_FEW   4    /* rows that are woven without vectors */
#define PERMUTE_WOVEN 1024 /* columns of them that are one work item */

typedef struct permute_parameters {
    array_strided strided;
    smr_permute_function function;
    int32_t axis;    /* of the output, along which elements lie side by side in the input */
    uint32_t width;  /* of a strip of its elements, but for the last one, which has the rest */
    uint32_t strips; /* of one matrix */
} permute_parameters;
_Static_assert(sizeof(permute_parameters) <= SMR_PARAMETER_BYTES, "permute_parameters fit a node");

/* Elements of so many rows in turn, whose number is a constant. */
#define PERMUTE_WEAVE(type, rows)                                                              \
    for (i = 0; i < columns; ++i) {                                                            \
        for (r = 0; r < (rows); ++r) {                                                         \
            memcpy(to + i * to_row + r * sizeof(type), from + r * from_row + i * sizeof(type), \
                   sizeof(type));                                                              \
        }                                                                                      \
    }

#define PERMUTE_FUNCTION(type)                                                                   \
    static void permute_##type(const uint8_t *from, size_t from_row, uint8_t *to, size_t to_row, \
                               size_t rows, size_t columns) {                                    \
        size_t i, r;                                                                             \
        switch (rows) {                                                                          \
            case 2: PERMUTE_WEAVE(type, 2) break;                                                \
            case 3: PERMUTE_WEAVE(type, 3) break;                                                \
            default: PERMUTE_WEAVE(type, PERMUTE_FEW) break;                                     \
        }                                                                                        \
    }

PERMUTE_FUNCTION(uint8_t)
PERMUTE_FUNCTION(uint16_t)
PERMUTE_FUNCTION(uint32_t)

/* Work items are strips of the rows of matrices, whose columns are whole. */
static smr_status run_permute(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const permute_parameters *p = SMR_CONST_PARAMETERS(node, permute_parameters);
    const array_strided *strided = &p->strided;
    const int32_t last = strided->rank - 1;
    const size_t size = (size_t)strided->size, all = (size_t)strided->dims[p->axis];
    size_t item;
    (void)error;
    for (item = begin; item < end; ++item) {
        const size_t strip = item % p->strips, first = strip * p->width;
        const size_t columns = strip + 1 == p->strips ? all - first : p->width;
        const uint8_t *from = (const uint8_t *)node->inputs[0]->data + strided->offset + first * size;
        uint8_t *to = node->outputs[0]->data;
        size_t rest = item / p->strips, step = size, to_row = 0;
        int32_t d;
        for (d = last; d >= 0; --d) {
            const size_t dim = (size_t)strided->dims[d];
            if (d == p->axis) {
                to_row = step;
                to += first * step;
            } else if (d < last) {
                from += (int64_t)(rest % dim) * strided->strides[d];
                to += rest % dim * step;
                rest /= dim;
            }
            step *= dim;
        }
        p->function(from, (size_t)strided->strides[last], to, to_row, (size_t)strided->dims[last], columns);
    }
    return SMR_OK;
}

bool smr_vector_takes_transpose(const smr_node *node) {
    const size_t size = array_element_size(node->outputs[0]);
    return size <= 4 && node->inputs[0]->dtype == node->outputs[0]->dtype;
}

smr_status smr_vector_prepare_transpose(smr_node *node, const smr_permute_functions *functions,
                                        smr_error *error) {
    static const smr_permute_function few[] = {permute_uint8_t, permute_uint16_t, permute_uint32_t};
    permute_parameters *p = SMR_PARAMETERS(node, permute_parameters);
    const array_strided *strided = &p->strided;
    uint32_t rows, columns, lanes;
    int32_t kind;
    SMR_TRY(smr_prepare_transpose(node, error));
    if (strided->rank < 2 || strided->size > 4 || node->work == 0) {
        return SMR_OK;
    }
    kind = strided->size / 2;
    for (p->axis = strided->rank - 2; p->axis >= 0; --p->axis) {
        if (strided->strides[p->axis] == strided->size) {
            break;
        }
    }
    if (p->axis < 0) {
        return SMR_OK; /* the last axis stays where it is */
    }
    rows = (uint32_t)strided->dims[strided->rank - 1];
    columns = (uint32_t)strided->dims[p->axis];
    lanes = functions->lanes[kind];
    if (rows <= PERMUTE_FEW) {
        p->function = few[kind];
        p->width = PERMUTE_WOVEN;
    } else if (rows >= lanes && columns >= lanes) {
        p->function = functions->function[kind];
        p->width = 2 * lanes;
    } else {
        return SMR_OK;
    }
    p->strips = columns < p->width ? 1 : columns / p->width;
    node->work = node->work / rows / columns * p->strips;
    node->run = run_permute;
    return SMR_OK;
}
