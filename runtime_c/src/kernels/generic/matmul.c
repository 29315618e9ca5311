/* Matrix products in plain C: each work item is 16 columns of one row. */
#include "../prototypes.h"
#include "convert.h"
#include "panel.h"

typedef struct matmul_parameters {
    smr_panels panels; /* of y */
    size_t column_stride;
    size_t rows;
    size_t inner;
    size_t x_row_stride;
    size_t x_inner_stride;
    /* Leading dimensions of the output, last first, and the step of x and y along each: 0 where they
     * broadcast. */
    size_t batch_dims[SMR_MAX_RANK - 2];
    size_t batch_strides[2][SMR_MAX_RANK - 2];
    int32_t batch_rank;
    uint8_t activation;
} matmul_parameters;

_Static_assert(sizeof(matmul_parameters) <= SMR_PARAMETER_BYTES, "matmul_parameters fit a node");

static inline size_t matmul_offset(const matmul_parameters *p, int32_t operand, size_t batch) {
    size_t offset = 0;
    int32_t i;
    for (i = 0; i < p->batch_rank; ++i) {
        offset += batch % p->batch_dims[i] * p->batch_strides[operand][i];
        batch /= p->batch_dims[i];
    }
    return offset;
}

#define SMR_ELEMENT    float
#define SMR_SUM        float
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   smr_activate(p->activation, (x))
#define SMR_NAME(name) name##_f32
#include "matmul.inc"

#define SMR_ELEMENT    uint16_t
#define SMR_SUM        float
#define SMR_LOAD(x)    smr_half_to_float(x)
#define SMR_STORE(x)   smr_float_to_half(smr_activate(p->activation, (x)))
#define SMR_NAME(name) name##_f16
#include "matmul.inc"

/* Integers wrap, which unsigned arithmetic does. */
#define MATMUL_CLAMP(type, x)                                       \
    ((p->activation != SMR_ACTIVATION_NONE && (type)(x) < 0)    ? 0 \
     : (p->activation == SMR_ACTIVATION_RELU6 && (type)(x) > 6) ? 6 \
                                                                : (type)(x))

#define SMR_ELEMENT    int32_t
#define SMR_SUM        uint32_t
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   MATMUL_CLAMP(int32_t, x)
#define SMR_NAME(name) name##_i32
#include "matmul.inc"

#define SMR_ELEMENT    int64_t
#define SMR_SUM        uint64_t
#define SMR_LOAD(x)    (x)
#define SMR_STORE(x)   MATMUL_CLAMP(int64_t, x)
#define SMR_NAME(name) name##_i64
#include "matmul.inc"

/* The leading dimensions: numpy's broadcasting, from the last one on. */
static smr_status prepare_matmul_batch(smr_node *node, matmul_parameters *p, smr_error *error) {
    const smr_value *z = node->outputs[0];
    int32_t operand, i;
    p->batch_rank = z->rank - 2;
    for (operand = 0; operand < 2; ++operand) {
        const smr_value *value = node->inputs[operand];
        size_t stride = (size_t)value->dims[value->rank - 2] * (size_t)value->dims[value->rank - 1];
        for (i = 0; i < p->batch_rank; ++i) {
            const int32_t axis = value->rank - 3 - i;
            const int32_t size = axis < 0 ? 1 : value->dims[axis];
            const int32_t other_axis = node->inputs[1 - operand]->rank - 3 - i;
            const int32_t other = other_axis < 0 ? 1 : node->inputs[1 - operand]->dims[other_axis];
            const int32_t wanted = z->dims[z->rank - 3 - i];
            if ((size != wanted && size != 1) || wanted != (size == 1 ? other : size)) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "leading dimensions %d and %d of a product do not give %d",
                         (int)size, (int)other, (int)wanted);
            }
            p->batch_dims[i] = wanted == 0 ? 1 : (size_t)wanted;
            p->batch_strides[operand][i] = size == 1 ? 0 : stride;
            stride *= (size_t)size;
        }
    }
    return SMR_OK;
}

smr_status smr_prepare_matmul(smr_node *node, smr_error *error) {
    const smr_matmul_attributes *a = &node->attributes.matmul;
    matmul_parameters *p = SMR_PARAMETERS(node, matmul_parameters);
    const smr_value *x = node->inputs[0], *y = node->inputs[1], *bias = node->inputs[2];
    const smr_value *z = node->outputs[0];
    const int32_t leading = (x->rank > y->rank ? x->rank : y->rank);
    int32_t rows, inner, other, columns;
    if (x->rank < 2 || y->rank < 2 || z->rank != leading) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a product of ranks %d and %d cannot have rank %d", (int)x->rank,
                 (int)y->rank, (int)z->rank);
    }
    rows = x->dims[x->rank - (a->transpose_x ? 1 : 2)];
    inner = x->dims[x->rank - (a->transpose_x ? 2 : 1)];
    other = y->dims[y->rank - (a->transpose_y ? 1 : 2)];
    columns = y->dims[y->rank - (a->transpose_y ? 2 : 1)];
    if (inner != other || z->dims[z->rank - 2] != rows || z->dims[z->rank - 1] != columns) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a product of [%d, %d] and [%d, %d] cannot be [%d, %d]", (int)rows,
                 (int)inner, (int)other, (int)columns, (int)z->dims[z->rank - 2], (int)z->dims[z->rank - 1]);
    }
    if (bias != NULL && (bias->rank != 1 || bias->dims[0] != columns)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the bias must have one element for each of %d columns",
                 (int)columns);
    }
    if (y->layout != SMR_LAYOUT_DENSE && (a->transpose_y || y->rank != 2)) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "a packed second factor must be a plain matrix");
    }
    SMR_TRY(prepare_matmul_batch(node, p, error));
    p->rows = (size_t)rows;
    p->inner = (size_t)inner;
    p->x_row_stride = a->transpose_x ? 1 : (size_t)inner;
    p->x_inner_stride = a->transpose_x ? (size_t)rows : 1;
    p->activation = a->activation;
    p->panels = smr_panels_of(y, (size_t)inner, (size_t)columns);
    p->column_stride = 1;
    if (a->transpose_y) {
        p->panels.panel_stride = SMR_PANEL * (size_t)inner;
        p->panels.row_stride = 1;
        p->column_stride = (size_t)inner;
    }
    node->work = z->count == 0 ? 0 : z->count / (size_t)columns * p->panels.count;
    switch (z->dtype) {
        case SMR_DTYPE_FLOAT16: node->run = run_matmul_f16; break;
        case SMR_DTYPE_INT32: node->run = run_matmul_i32; break;
        case SMR_DTYPE_INT64: node->run = run_matmul_i64; break;
        default: node->run = run_matmul_f32; break;
    }
    return SMR_OK;
}
