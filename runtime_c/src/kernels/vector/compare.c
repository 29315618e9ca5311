/* The walk over the rows of comparisons and logic, and what the ops are in terms of a few functions. */
#include "compare.h"

#include "../generic/broadcast.h"

typedef struct compare_parameters {
    smr_compare_function function;
    const smr_halves *halves; /* of float16 alone */
    uint8_t block;            /* elements of a block */
    uint8_t size;             /* bytes of an element */
    bool swapped;
    uint8_t flip;
    uint8_t sign;
    smr_broadcast broadcast; /* last, since not all of it is kept */
} compare_parameters;
_Static_assert(sizeof(compare_parameters) <= SMR_PARAMETER_BYTES, "compare_parameters fit a node");

#define COMPARE_GATHERED 256 /* elements of rows that are taken together, or widened at once */

/* Elements that lie side by side. */
typedef struct compare_row {
    const uint8_t *x, *y;
    uint8_t *z;
    size_t count;
    size_t x_step, y_step; /* 1, or 0 for one element again and again */
} compare_row;

/* Few elements of 1, 2 or 4 bytes. */
static void compare_copy(uint8_t *to, const uint8_t *from, size_t step, size_t count, size_t size) {
    size_t i;
    if (size == 4) {
        for (i = 0; i < count; ++i) {
            memcpy(to + 4 * i, from + 4 * i * step, 4);
        }
    } else if (size == 2) {
        for (i = 0; i < count; ++i) {
            memcpy(to + 2 * i, from + 2 * i * step, 2);
        }
    } else {
        for (i = 0; i < count; ++i) {
            to[i] = from[i * step];
        }
    }
}

/* An operand that is repeated is a block of its element, which all blocks of the other one meet. */
static void compare_elements(const compare_parameters *p, const compare_row *row) {
    const size_t size = p->size == 1 ? 1 : 4, blocks = row->count / p->block, left = row->count % p->block;
    const size_t done = row->count - left;
    uint8_t x[4 * SMR_COMPARE_MOST] = {0}, y[4 * SMR_COMPARE_MOST] = {0}, z[SMR_COMPARE_MOST];
    smr_compare_part part = {
        row->x,  row->y, row->z, blocks, p->block * size * row->x_step, p->block * size * row->y_step,
        p->flip, p->sign};
    if (row->x_step == 0) {
        compare_copy(x, row->x, 0, SMR_COMPARE_MOST, size);
        part.x = x;
    }
    if (row->y_step == 0) {
        compare_copy(y, row->y, 0, SMR_COMPARE_MOST, size);
        part.y = y;
    }
    p->function(&part);
    if (left > 0) {
        if (row->x_step != 0) {
            memcpy(x, row->x + done * size, left * size);
        }
        if (row->y_step != 0) {
            memcpy(y, row->y + done * size, left * size);
        }
        part.x = x;
        part.y = y;
        part.z = z;
        part.blocks = 1;
        p->function(&part);
        memcpy(row->z + done, z, left);
    }
}

/* The same of float16, as float32. */
static void compare_halves(const compare_parameters *p, const compare_row *whole) {
    float x[COMPARE_GATHERED], y[COMPARE_GATHERED];
    compare_row row = *whole;
    size_t done;
    row.x = (const void *)x;
    row.y = (const void *)y;
    for (done = 0; done < whole->count; done += row.count) {
        row.count = whole->count - done < COMPARE_GATHERED ? whole->count - done : COMPARE_GATHERED;
        row.z = whole->z + done;
        if (done == 0 || row.x_step != 0) {
            p->halves->widen((const uint16_t *)(const void *)whole->x + done, x,
                             row.x_step == 0 ? 1 : row.count);
        }
        if (done == 0 || row.y_step != 0) {
            p->halves->widen((const uint16_t *)(const void *)whole->y + done, y,
                             row.y_step == 0 ? 1 : row.count);
        }
        compare_elements(p, &row);
    }
}

static void compare_any(const compare_parameters *p, const compare_row *row) {
    if (p->size == 2) {
        compare_halves(p, row);
    } else {
        compare_elements(p, row);
    }
}

/* What is left of the row at a place, but for what lies behind `count` elements. */
static compare_row compare_row_at(const smr_node *node, const compare_parameters *p,
                                  const smr_broadcast_row *place, size_t count) {
    const int32_t other = node->input_count - 1; /* an op of one operand has it twice */
    const int32_t x = p->swapped ? other : 0, y = p->swapped ? 0 : other;
    const compare_row row = {(const uint8_t *)node->inputs[x]->data + place->offsets[x] * p->size,
                             (const uint8_t *)node->inputs[y]->data + place->offsets[y] * p->size,
                             (uint8_t *)node->outputs[0]->data + place->offsets[node->input_count],
                             count < place->length ? count : place->length,
                             place->steps[x],
                             place->steps[y]};
    return row;
}

/* Rows that are shorter than a block, as many as are taken together, of at most `count` elements; their
 * results lie side by side. Returns how many elements they have. */
static size_t compare_gather(const smr_node *node, const compare_parameters *p, smr_broadcast_row *place,
                             size_t count) {
    _Alignas(float) uint8_t x[4 * COMPARE_GATHERED], y[4 * COMPARE_GATHERED];
    compare_row row = compare_row_at(node, p, place, count), all = row;
    size_t done = 0;
    while (done < count && done + row.count <= COMPARE_GATHERED) {
        compare_copy(x + done * p->size, row.x, row.x_step, row.count, p->size);
        compare_copy(y + done * p->size, row.y, row.y_step, row.count, p->size);
        done += row.count;
        smr_broadcast_next(&p->broadcast, place);
        row = compare_row_at(node, p, place, count - done);
    }
    all.x = x;
    all.y = y;
    all.x_step = all.y_step = 1;
    all.count = done;
    compare_any(p, &all);
    return done;
}

static smr_status compare_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const compare_parameters *p = SMR_CONST_PARAMETERS(node, compare_parameters);
    const bool few = !p->broadcast.strided && p->broadcast.rank > 1 &&
                     p->broadcast.sizes[p->broadcast.rank - 1] < p->block;
    smr_broadcast_row place;
    (void)error;
    smr_broadcast_start(&p->broadcast, begin, &place);
    while (begin < end) {
        if (few) {
            begin += compare_gather(node, p, &place, end - begin);
        } else {
            const compare_row row = compare_row_at(node, p, &place, end - begin);
            compare_any(p, &row);
            begin += row.count;
            smr_broadcast_next(&p->broadcast, &place);
        }
    }
    return SMR_OK;
}

bool smr_vector_takes_compare(const smr_node *node) {
    const size_t size = smr_dtype_size((smr_dtype)node->inputs[0]->dtype);
    return size == 4 || size == 1 || node->inputs[0]->dtype == SMR_DTYPE_FLOAT16;
}

static void compare_choose(compare_parameters *p, uint16_t opcode, uint8_t dtype,
                           const smr_compare_functions *f) {
    const bool floats = dtype == SMR_DTYPE_FLOAT32 || dtype == SMR_DTYPE_FLOAT16;
    const bool integers = dtype == SMR_DTYPE_INT32;
    const smr_compare_function equal =
        floats ? f->floats_equal : (integers ? f->integers_equal : f->bytes_equal);
    const smr_compare_function less = floats ? f->floats_less : (integers ? f->integers_less : f->bytes_less);
    bool negated;
    p->swapped = opcode == SMR_OP_GREATER || opcode == SMR_OP_GREATER_EQUAL;
    negated = opcode == SMR_OP_NOT_EQUAL || opcode == SMR_OP_IS_NAN || opcode == SMR_OP_LOGICAL_AND ||
              opcode == SMR_OP_LOGICAL_OR;
    switch (opcode) {
        case SMR_OP_LESS:
        case SMR_OP_GREATER: p->function = less; break;
        case SMR_OP_LESS_EQUAL:
        case SMR_OP_GREATER_EQUAL:
            p->function = floats ? f->floats_at_most : less;
            if (!floats) { /* unless it is greater */
                p->swapped = !p->swapped;
                negated = true;
            }
            break;
        case SMR_OP_LOGICAL_AND: p->function = f->one_false; break;
        case SMR_OP_LOGICAL_OR:
        case SMR_OP_LOGICAL_NOT: p->function = f->neither; break;
        case SMR_OP_LOGICAL_XOR: p->function = f->one_alone; break;
        default: p->function = equal; break;
    }
    p->flip = negated ? 1 : 0;
}

smr_status smr_vector_prepare_compare(smr_node *node, const smr_compare_functions *functions,
                                      const smr_halves *halves, smr_error *error) {
    compare_parameters *p = SMR_PARAMETERS(node, compare_parameters);
    const uint8_t dtype = node->inputs[0]->dtype;
    p->halves = halves;
    p->block = (uint8_t)functions->block;
    p->sign = dtype == SMR_DTYPE_UINT8 ? 0x80 : 0;
    p->size = (uint8_t)smr_dtype_size((smr_dtype)dtype);
    compare_choose(p, node->kernel->opcode, dtype, functions);
    SMR_TRY(smr_broadcast_prepare(node, &p->broadcast, error));
    node->parameter_bytes = (uint16_t)(sizeof *p - smr_broadcast_spare(&p->broadcast));
    node->run = compare_run;
    node->elements = true;
    return SMR_OK;
}
