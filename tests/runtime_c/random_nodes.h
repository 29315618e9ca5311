/* Nodes of random sizes made by hand, for tests of kernels against the generic ones. Tensors have exactly
 * their bytes, between guard pages. */
#ifndef SMR_TESTS_RANDOM_NODES_H
#define SMR_TESTS_RANDOM_NODES_H

#include "core/isa.h"
#include "core/op_table.h"
#include "guard.h"
#include "kernels/generic/convert.h"
#include "kernels/registry.h"
#include "platform/platform.h"

typedef struct bench {
    smr_node node;
    smr_value values[5]; /* up to four inputs, and the output last */
    const smr_value *inputs[4];
    smr_value *outputs[1];
    size_t room; /* bytes of scratch that the file reserves */
} bench;

/* The cases to try: the first argument, or as many percent of the usual number as the environment says. */
static inline int count_cases(int argc, char **argv, int usual) {
    const char *percent = getenv("SMR_TEST_PERCENT");
    return argc > 1 ? atoi(argv[1]) : percent != NULL ? (usual * atoi(percent) + 99) / 100 : usual;
}

static uint32_t random_seed = 1;
static bool random_least; /* every other int8 is -128; otherwise none is */
static bool random_whole; /* float16 are small integers, whose sums are exact in any order */

static inline int32_t next_random(int32_t least, int32_t most) {
    random_seed = random_seed * 1664525u + 1013904223u;
    return least + (int32_t)((random_seed >> 8) % (uint32_t)(most - least + 1));
}

/* Often at or beside a multiple of 8. */
static inline int32_t next_size(int32_t most) {
    const int32_t near = 8 * next_random(1, 8) + next_random(-1, 1);
    return next_random(0, 1) != 0 && near <= most ? near : next_random(1, most);
}

static inline void open_value(smr_value *value, uint8_t dtype, int32_t rank, const int32_t *dims,
                              size_t stored) {
    int32_t *own = guard_allocate((size_t)rank * sizeof *own, sizeof *own, true);
    size_t i;
    int32_t axis;
    value->dtype = dtype;
    value->rank = (uint8_t)rank;
    value->dims = own;
    value->count = 1;
    for (axis = 0; axis < rank; ++axis) {
        own[axis] = dims[axis];
        value->count *= (size_t)dims[axis];
    }
    stored = stored == 0 ? value->count : stored;
    value->data = guard_allocate(stored * smr_dtype_size((smr_dtype)dtype), smr_dtype_size((smr_dtype)dtype),
                                 next_random(0, 3) > 0);
    for (i = 0; i < stored; ++i) {
        if (dtype == SMR_DTYPE_FLOAT32) {
            ((float *)value->data)[i] = (float)next_random(-1000, 1000) / 1000.0f;
        } else if (dtype == SMR_DTYPE_FLOAT16) {
            const float real = (float)next_random(-1000, 1000) / 1000.0f;
            ((uint16_t *)value->data)[i] = smr_float_to_half(random_whole ? (float)next_random(-2, 2) : real);
        } else if (dtype == SMR_DTYPE_INT32) {
            ((int32_t *)value->data)[i] = next_random(-5000, 5000);
        } else {
            const bool least = random_least && next_random(0, 1) != 0;
            ((int8_t *)value->data)[i] = (int8_t)(least ? -128 : next_random(-127, 127));
        }
    }
}

static inline void close_value(smr_value *value) {
    guard_free(value->data);
    guard_free((void *)(uintptr_t)value->dims);
}

/* The size of an axis; 0 when there is none of the number. */
static inline int32_t size_of_axis(const smr_value *value, int32_t axis) {
    return axis < value->rank ? value->dims[axis] : 0;
}

static inline void close_bench(bench *b) {
    int i;
    for (i = 0; i < 5; ++i) {
        close_value(&b->values[i]);
    }
}

/* The bytes from the first to the last, with those between the rows of a strided value. */
static inline size_t stored_bytes(const smr_value *value) {
    const size_t size = smr_dtype_size((smr_dtype)value->dtype);
    const size_t width = value->layout == SMR_LAYOUT_STRIDED ? (size_t)value->dims[value->rank - 1] : 1;
    return value->layout == SMR_LAYOUT_STRIDED ? ((value->count / width - 1) * value->row + width) * size
                                               : value->count * size;
}

/* Runs the node with the kernels of a set of instruction sets, in up to three parts of each phase, the last
 * one first. */
static inline const char *run_with(bench *b, uint16_t opcode, uint32_t isas) {
    smr_error error;
    size_t phases, items, begin, end, first, second;
    memset(b->values[4].data, GUARD_PATTERN, stored_bytes(&b->values[4]));
    memset(&b->node.room, 0, sizeof b->node.room);
    b->node.parameters = b->node.room.bytes;
    b->node.isas = isas;
    b->node.work = 0;
    b->node.phased = false;
    b->node.whole = false;
    b->node.scratch_bytes = 0;
    b->node.scratch_room = b->room;
    b->node.completes = 0;
    b->node.kernel = smr_kernel_select(opcode, &b->node);
    if (!CHECK(b->node.kernel != NULL)) {
        exit(EXIT_FAILURE);
    }
    CHECK_OK(b->node.kernel->prepare(&b->node, &error), error);
    CHECK(b->node.scratch_bytes <= b->room);
    b->node.scratch = guard_allocate(b->node.scratch_bytes, sizeof(float), next_random(0, 3) > 0);
    phases = smr_node_phases(&b->node);
    items = b->node.work / phases;
    for (begin = 0; phases > 0; --phases, begin = end) {
        end = begin + items;
        first = begin + (size_t)next_random(0, (int32_t)items);
        second = first + (size_t)next_random(0, (int32_t)(end - first));
        CHECK_OK(b->node.run(&b->node, second, end, &error), error);
        CHECK_OK(b->node.run(&b->node, first, second, &error), error);
        CHECK_OK(b->node.run(&b->node, begin, first, &error), error);
    }
    guard_free(b->node.scratch);
    return b->node.kernel->name;
}

/* A value with the numbers of another one, whose rows lie among those of a wider tensor. */
static inline void open_in_rows(smr_value *value, const smr_value *dense) {
    const size_t size = smr_dtype_size((smr_dtype)dense->dtype);
    const size_t width = (size_t)dense->dims[dense->rank - 1];
    size_t row;
    *value = *dense;
    value->layout = SMR_LAYOUT_STRIDED;
    value->row = (uint32_t)width + (uint32_t)next_random(1, 40);
    value->data = guard_allocate(stored_bytes(value), size, next_random(0, 3) > 0);
    for (row = 0; row < value->count / width; ++row) {
        memcpy((uint8_t *)value->data + row * value->row * size,
               (const uint8_t *)dense->data + row * width * size, width * size);
    }
}

/* Whether the rows of a value have the bytes of a dense one, and what lies between them the pattern. */
static inline bool rows_are(const smr_value *value, const smr_value *dense) {
    const size_t size = smr_dtype_size((smr_dtype)value->dtype), bytes = stored_bytes(value);
    const size_t width = (size_t)value->dims[value->rank - 1] * size, row = value->row * size;
    const uint8_t *found = value->data, *expected = dense->data;
    size_t i;
    for (i = 0; i < bytes; ++i) {
        if (found[i] != (i % row < width ? expected[i / row * width + i % row] : GUARD_PATTERN)) {
            return false;
        }
    }
    return true;
}

static inline bool opens_in_rows(const smr_value *dense, const smr_operand_def *operand) {
    return dense->data != NULL && (operand->flags & SMR_OPERAND_STRIDED) != 0 &&
           dense->storage == SMR_STORAGE_ARENA && dense->rank > 0 && dense->count > 0 &&
           next_random(0, 2) > 0;
}

/* After the node has been run: whether it gives the same bits when some operands that may be strided are. */
static inline bool same_in_rows(const bench *b, uint16_t opcode, uint32_t isas) {
    const smr_op_def *def = smr_op_find(opcode);
    bench in_rows = *b;
    bool same = true;
    int i;
    in_rows.node.inputs = in_rows.inputs;
    in_rows.node.outputs = in_rows.outputs;
    in_rows.outputs[0] = &in_rows.values[4];
    for (i = 0; i < 5; ++i) {
        const smr_operand_def *operand = i == 4 ? def->outputs : def->inputs + i;
        if (i < 4) {
            in_rows.inputs[i] = b->inputs[i] == NULL ? NULL : &in_rows.values[i];
        }
        if ((i == 4 || i < def->input_count) && opens_in_rows(&b->values[i], operand)) {
            open_in_rows(&in_rows.values[i], &b->values[i]);
        } else if (i == 4) {
            in_rows.values[4].data = guard_allocate(stored_bytes(&b->values[4]),
                                                    smr_dtype_size((smr_dtype)b->values[4].dtype), true);
        }
    }
    (void)run_with(&in_rows, opcode, isas);
    for (i = 0; i < 5; ++i) {
        const smr_value *value = &in_rows.values[i];
        if (value->layout == SMR_LAYOUT_STRIDED) {
            same = same && rows_are(value, &b->values[i]);
        } else if (i == 4) {
            same = same && memcmp(value->data, b->values[4].data, stored_bytes(value)) == 0;
        }
        if (value->data != b->values[i].data) {
            guard_free(value->data);
        }
    }
    return same;
}

#endif
