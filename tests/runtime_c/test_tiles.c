/* Kernels for instruction sets against the generic ones, on nodes of random sizes made by hand: integers bit
 * for bit, floats within what another order of additions makes, sums of float16 within their bound and, where
 * all of them are exact, bit for bit; whatever the partition of the work, and whether another node follows.
 */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <math.h>

#include "follower.h"

#define CASES 100

/* Channels of pixels of float32 that lie SMR_TILE_APART apart. */
#define APART 1024

/* The error of sums of float16 at most, of the sum of the magnitudes of the products: docs/float16.md. */
#define HALF_SUMS_ERROR (1 / 31.0f)

/* A filter [taps, taps, depth, outputs], or a matrix [depth, outputs], in panels; what pads them is 0. */
static void open_packed(smr_value *value, uint8_t dtype, int32_t rank, const int32_t *dims, size_t run) {
    const size_t outputs = (size_t)dims[rank - 1], panels = (outputs + 15) / 16;
    const size_t group = dtype == SMR_DTYPE_INT8 ? 4 : 1;
    size_t rows = 1, padded, row, column;
    int32_t axis;
    for (axis = 0; axis < rank - 1; ++axis) {
        rows *= (size_t)dims[axis];
    }
    padded = (run + group - 1) / group * group;
    open_value(value, dtype, rank, dims, rows / run * padded * panels * 16);
    value->layout = dtype == SMR_DTYPE_INT8 ? SMR_LAYOUT_PANEL16X4 : SMR_LAYOUT_PANEL16;
    value->run = dtype == SMR_DTYPE_INT8 ? (uint32_t)run : 0;
    for (row = 0; row < rows / run * padded; ++row) {
        for (column = 0; column < panels * 16; ++column) {
            const size_t at = column / 16 * rows / run * padded * 16 + row / group * group * 16 +
                              column % 16 * group + row % group;
            if (column >= outputs || row % padded >= run) {
                memset((uint8_t *)value->data + at * smr_dtype_size((smr_dtype)dtype), 0,
                       smr_dtype_size((smr_dtype)dtype));
            }
        }
    }
}

/* A filter or matrix of floats that is computed, with room to pack its so many outputs in, or a byte too
 * little. */
static void open_computed(bench *b, uint8_t dtype, int32_t rank, const int32_t *dims, int32_t outputs) {
    open_value(&b->values[1], dtype, rank, dims, 0);
    b->room = b->values[1].count / (size_t)outputs * (((size_t)outputs + 15) / 16 * 16) *
                  smr_dtype_size((smr_dtype)dtype) -
              (size_t)(next_random(0, 9) == 0);
}

/* The multipliers of an integer op: floats, or TensorFlow Lite's of either rounding. */
static void open_multipliers(smr_value *value, int32_t outputs) {
    const int32_t dims[] = {outputs}, fixed[] = {next_random(2, 3), outputs};
    int32_t i;
    if (next_random(0, 2) > 0) {
        open_value(value, SMR_DTYPE_FLOAT32, 1, dims, 0);
        for (i = 0; i < outputs; ++i) {
            ((float *)value->data)[i] = (float)next_random(1, 100) / 20000.0f;
        }
        if (next_random(0, 9) == 0) { /* sums that are no int32 any more */
            ((float *)value->data)[next_random(0, outputs - 1)] = (float)next_random(1, 1000) * 1e4f;
        }
        return;
    }
    open_value(value, SMR_DTYPE_INT32, 2, fixed, 0);
    for (i = 0; i < outputs; ++i) {
        int32_t *numbers = (int32_t *)value->data + i;
        if (fixed[0] == 2) {
            numbers[0] = next_random(0, 9) == 0 ? INT32_MAX : (1 << 30) + 100 * next_random(0, 1 << 23);
            numbers[outputs] = next_random(0, 9) == 0 ? next_random(-31, 5) : next_random(-10, 0);
        } else {
            numbers[0] = (1 << 25) + next_random(0, (1 << 24) - 1);
            numbers[outputs] = next_random(0, (1 << 24) - 1);
            numbers[2 * outputs] = next_random(-63, -54);
        }
    }
}

/* Bias and, of an integer op, multipliers. */
static void open_rest(bench *b, int32_t outputs, uint8_t dtype) {
    const bool integer = dtype == SMR_DTYPE_INT8;
    const int32_t dims[] = {outputs};
    int32_t i;
    if (integer) {
        open_value(&b->values[2], SMR_DTYPE_INT32, 1, dims, 0);
        open_multipliers(&b->values[3], outputs);
    } else if (next_random(0, 3) > 0) {
        open_value(&b->values[2], dtype, 1, dims, 0);
    }
    for (i = 0; i < 4; ++i) {
        b->values[i].storage = i > (b->room > 0) ? SMR_STORAGE_CONSTANT : SMR_STORAGE_ARENA;
        b->inputs[i] = b->values[i].data == NULL ? NULL : &b->values[i];
    }
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = integer ? 4 : 3;
    b->node.output_count = 1;
    b->outputs[0] = &b->values[4];
}

/* The rounding that multipliers are for. */
static uint8_t rounding_of(const smr_value *multipliers) {
    return (uint8_t)(multipliers->rank == 1      ? SMR_ROUNDING_NATIVE
                     : multipliers->dims[0] == 2 ? SMR_ROUNDING_TFLITE
                                                 : SMR_ROUNDING_TFLITE_REAL);
}

/* The attributes that all convolutions have. */
#define SET_WINDOW(a)                                                   \
    do {                                                                \
        (a)->strides.count = (a)->dilations.count = 2;                  \
        (a)->strides.values[0] = (a)->strides.values[1] = stride;       \
        (a)->dilations.values[0] = (a)->dilations.values[1] = dilation; \
        (a)->paddings.count = 4;                                        \
        (a)->paddings.values[0] = top;                                  \
        (a)->paddings.values[1] = bottom;                               \
        (a)->paddings.values[2] = left;                                 \
        (a)->paddings.values[3] = right;                                \
        (a)->padding = padding;                                         \
    } while (0)

#define SET_RANGE(a)                                                                  \
    do {                                                                              \
        (a)->rounding = rounding_of(&b->values[3]);                                   \
        (a)->output_zero_point = next_random(-20, 20);                                \
        (a)->activation_min = next_random(-128, -20);                                 \
        (a)->activation_max = next_random(21, 127);                                   \
        (a)->filter_zero_point = next_random(0, 3) == 0 ? next_random(-128, 127) : 0; \
    } while (0)

static int32_t count_positions(int32_t size, int32_t around, int32_t reach, int32_t stride, uint8_t padding) {
    return padding == SMR_PADDING_SAME ? (size + stride - 1) / stride : (size + around - reach) / stride + 1;
}

static uint16_t open_convolution(bench *b, bool depthwise, uint8_t dtype) {
    const bool integer = dtype == SMR_DTYPE_INT8;
    const int32_t stride = next_random(1, 3), dilation = next_random(0, 4) == 0 ? 2 : 1,
                  taps = next_random(0, 3) == 0 ? 1 : next_random(1, 5);
    const int32_t reach = (taps - 1) * dilation + 1;
    const uint8_t forms[] = {SMR_PADDING_SAME, SMR_PADDING_VALID, SMR_PADDING_EXPLICIT};
    const int32_t widths[] = {3, 3, 40, 40, 130};
    const uint8_t padding = forms[next_random(0, 2)];
    const bool explicit = padding == SMR_PADDING_EXPLICIT;
    const int32_t top = explicit ? next_random(0, 9) : 0, bottom = explicit ? next_random(0, 9) : 0;
    const int32_t left = explicit ? next_random(0, 9) : 0, right = explicit ? next_random(0, 9) : 0;
    const int32_t least_height = reach > top + bottom ? reach - top - bottom : 0;
    const int32_t least_width = reach > left + right ? reach - left - right : 0;
    const int32_t height = next_random(least_height, least_height + 6);
    const int32_t width = next_random(least_width, least_width + widths[next_random(0, 4)]);
    const int32_t depth = next_random(0, 5) > 0    ? next_size(70)
                          : next_random(0, 2) == 0 ? APART
                                                   : next_random(500, 1300);
    /* Groups have whole panels of outputs. */
    const int32_t groups = depthwise || depth > 500 || next_random(0, 2) > 0 ? 1 : next_random(2, 5);
    const int32_t outputs = depthwise ? 1 : groups > 1 ? groups * 16 * next_random(1, 4) : next_size(150);
    const int32_t x[] = {next_random(1, 2), height, width, groups * depth};
    const int32_t filter[] = {taps, taps, depth, outputs};
    const int32_t y[] = {x[0], count_positions(height, top + bottom, reach, stride, padding),
                         count_positions(width, left + right, reach, stride, padding),
                         depthwise ? depth : outputs};
    memset(b, 0, sizeof *b);
    open_value(&b->values[0], dtype, 4, x, 0);
    open_value(&b->values[4], dtype, 4, y, 0);
    if (depthwise) {
        open_value(&b->values[1], dtype, 4, filter, 0);
    } else if (!integer && next_random(0, 3) == 0) {
        open_computed(b, dtype, 4, filter, outputs);
    } else {
        open_packed(&b->values[1], dtype, 4, filter, (size_t)(dilation == 1 ? taps * depth : depth));
    }
    open_rest(b, y[3], dtype);
    if (depthwise && integer) {
        smr_quantized_depthwise_conv2d_attributes *a = &b->node.attributes.quantized_depthwise_conv2d;
        SET_WINDOW(a);
        SET_RANGE(a);
        a->input_zero_point = next_random(-128, 127);
        return SMR_OP_QUANTIZED_DEPTHWISE_CONV2D;
    }
    if (depthwise) {
        smr_depthwise_conv2d_attributes *a = &b->node.attributes.depthwise_conv2d;
        SET_WINDOW(a);
        a->activation = (uint8_t)next_random(0, 2);
        return SMR_OP_DEPTHWISE_CONV2D;
    }
    if (integer) {
        smr_quantized_conv2d_attributes *a = &b->node.attributes.quantized_conv2d;
        SET_WINDOW(a);
        SET_RANGE(a);
        a->groups = groups;
        a->input_zero_point = next_random(-128, 127);
        return SMR_OP_QUANTIZED_CONV2D;
    }
    {
        smr_conv2d_attributes *a = &b->node.attributes.conv2d;
        SET_WINDOW(a);
        a->groups = groups;
        a->activation = (uint8_t)next_random(0, 2);
        return SMR_OP_CONV2D;
    }
}

static uint16_t open_product(bench *b, uint8_t dtype) {
    const bool integer = dtype == SMR_DTYPE_INT8;
    const int32_t rows = next_random(0, 2) == 0 ? 1 : next_random(1, 40),
                  inner = next_random(0, 7) == 0 ? APART : next_size(300);
    const int32_t outputs = next_random(0, 5) == 0 ? next_random(500, 1200) : next_size(150);
    const int32_t x[] = {rows, inner}, y[] = {inner, outputs}, z[] = {rows, outputs};
    const int32_t turned[] = {outputs, inner};
    memset(b, 0, sizeof *b);
    open_value(&b->values[0], dtype, 2, x, 0);
    if (!integer && next_random(0, 2) == 0) {
        b->node.attributes.matmul.transpose_y = (uint8_t)next_random(0, 1);
        open_computed(b, dtype, 2, b->node.attributes.matmul.transpose_y != 0 ? turned : y, outputs);
    } else {
        open_packed(&b->values[1], dtype, 2, y, (size_t)inner);
    }
    open_value(&b->values[4], dtype, 2, z, 0);
    open_rest(b, outputs, dtype);
    if (integer) {
        SET_RANGE(&b->node.attributes.quantized_matmul);
        return SMR_OP_QUANTIZED_MATMUL;
    }
    b->node.attributes.matmul.activation = (uint8_t)next_random(0, 2);
    return SMR_OP_MATMUL;
}

/* Many products of floats, whose leading dimensions broadcast and may be fewer, or one of a first factor that
 * is turned; with room to pack one of them or more. */
static uint16_t open_batches(bench *b, uint8_t dtype) {
    smr_matmul_attributes *a = &b->node.attributes.matmul;
    const int32_t rank = next_random(2, 4), rows = next_random(1, next_random(0, 3) == 0 ? 40 : 12);
    const int32_t inner = rank == 2 && next_random(0, 3) == 0 ? APART : next_size(80),
                  outputs = next_size(100);
    int32_t x[4], y[4], z[4], axis, x_rank = rank, y_rank = rank;
    size_t one;
    memset(b, 0, sizeof *b);
    a->transpose_x = (uint8_t)(rank == 2 || next_random(0, 3) == 0);
    a->transpose_y = (uint8_t)next_random(0, 1);
    for (axis = 0; axis < rank - 2; ++axis) {
        const int32_t form = next_random(0, 4);
        z[axis] = next_random(1, 3);
        x[axis] = form == 0 ? 1 : z[axis];
        y[axis] = form == 1 || form == 2 ? 1 : z[axis];
    }
    x[rank - 2] = a->transpose_x != 0 ? inner : rows;
    x[rank - 1] = a->transpose_x != 0 ? rows : inner;
    y[rank - 2] = a->transpose_y != 0 ? outputs : inner;
    y[rank - 1] = a->transpose_y != 0 ? inner : outputs;
    z[rank - 2] = rows;
    z[rank - 1] = outputs;
    if (rank > 2 && next_random(0, 3) == 0) { /* without leading dimensions of its own */
        if (next_random(0, 1) == 0) {
            x_rank = 2;
            memcpy(z, y, (size_t)(rank - 2) * sizeof *z);
        } else if (a->transpose_x != 0) {
            y_rank = 2;
            memcpy(z, x, (size_t)(rank - 2) * sizeof *z);
        }
    }
    open_value(&b->values[0], dtype, x_rank, x + rank - x_rank, 0);
    open_value(&b->values[1], dtype, y_rank, y + rank - y_rank, 0);
    open_value(&b->values[4], dtype, rank, z, 0);
    one = ((size_t)(outputs + 15) / 16 * 16 * (size_t)inner) * smr_dtype_size((smr_dtype)dtype);
    one += a->transpose_x == 0
               ? 0
               : ((size_t)rows * (size_t)inner * smr_dtype_size((smr_dtype)dtype) + 63) / 64 * 64;
    b->room = one * (size_t)next_random(1, 5) - (size_t)(next_random(0, 9) == 0);
    open_rest(b, outputs, dtype);
    a->activation = (uint8_t)next_random(0, 2);
    return SMR_OP_MATMUL;
}

/* How many of the floats differ by more than the tolerance. */
static size_t count_other_floats(const float *found, const float *expected, size_t count, float tolerance) {
    size_t i, other = 0;
    for (i = 0; i < count; ++i) {
        other += !(fabsf(found[i] - expected[i]) <= tolerance);
    }
    return other;
}

/* The same for float16, to which what differs so little may be rounded differently. `sums` has the sums of
 * the magnitudes of the products, or is null where all sums are float32. */
static size_t count_other_halves(const uint16_t *found, const uint16_t *expected, const uint16_t *sums,
                                 size_t count, float tolerance) {
    size_t i, other = 0;
    for (i = 0; i < count; ++i) {
        const float wanted = smr_half_to_float(expected[i]);
        const float more = sums == NULL ? 0 : fabsf(smr_half_to_float(sums[i])) * HALF_SUMS_ERROR;
        other +=
            !(fabsf(smr_half_to_float(found[i]) - wanted) <= tolerance + more + fabsf(wanted) * 0x1p-10f);
    }
    return other;
}

/* Clears the signs of numbers of float16. */
static void clear_signs(smr_value *value) {
    const size_t outputs = value->rank == 0 ? 1 : (size_t)value->dims[value->rank - 1];
    size_t i, count = value->data == NULL ? 0 : value->count;
    if (value->layout == SMR_LAYOUT_PANEL16) {
        count = count / outputs * ((outputs + 15) / 16 * 16);
    }
    for (i = 0; i < count; ++i) {
        ((uint16_t *)value->data)[i] &= 0x7fff;
    }
}

/* Leaves the sums of the magnitudes of a node's products in its output; its inputs are not what they were. */
static void sum_magnitudes(bench *b, uint16_t opcode) {
    smr_attributes *a = &b->node.attributes;
    int i;
    for (i = 0; i < 3; ++i) {
        clear_signs(&b->values[i]);
    }
    *(opcode == SMR_OP_MATMUL   ? &a->matmul.activation
      : opcode == SMR_OP_CONV2D ? &a->conv2d.activation
                                : &a->depthwise_conv2d.activation) = SMR_ACTIVATION_NONE;
    (void)run_with(b, opcode, 0);
}

static void tell_case(const bench *b, int number, uint16_t opcode, const char *name) {
    fprintf(stderr, "    case %d: opcode %d with %s, x [%d, %d, %d, %d] to [%d, %d, %d, %d]\n", number,
            opcode, name, size_of_axis(&b->values[0], 0), size_of_axis(&b->values[0], 1),
            size_of_axis(&b->values[0], 2), size_of_axis(&b->values[0], 3), size_of_axis(&b->values[4], 0),
            size_of_axis(&b->values[4], 1), size_of_axis(&b->values[4], 2), size_of_axis(&b->values[4], 3));
}

/* The products that are added in an element of the output. */
static float terms_of(const bench *b, uint16_t opcode) {
    const smr_value *filter = &b->values[1], *output = &b->values[4];
    return opcode == SMR_OP_MATMUL
               ? (float)filter->dims[filter->rank - (b->node.attributes.matmul.transpose_y != 0 ? 1 : 2)]
               : (float)filter->count / (float)output->dims[output->rank - 1];
}

static bool is_same(const bench *b, uint16_t opcode, const void *found, const void *expected,
                    const void *sums) {
    const smr_value *output = &b->values[4];
    const size_t count = output->count;
    /* Sums in another order. */
    const float tolerance = 1e-5f + 4e-7f * terms_of(b, opcode);
    if (output->dtype == SMR_DTYPE_FLOAT32) {
        return count_other_floats(found, expected, count, tolerance) == 0;
    }
    if (output->dtype == SMR_DTYPE_INT8 || random_whole) {
        return memcmp(found, expected, count * smr_dtype_size((smr_dtype)output->dtype)) == 0;
    }
    return count_other_halves(found, expected, sums, count, tolerance) == 0;
}

static void check_case(int number, size_t used[32], size_t packed[32], size_t batches[32],
                       size_t followed[32]) {
    bench b;
    const uint8_t dtypes[] = {SMR_DTYPE_FLOAT32, SMR_DTYPE_INT8, SMR_DTYPE_FLOAT16};
    const uint8_t dtype = dtypes[next_random(0, 5) * 2 / 5]; /* float16 is the rarest */
    const int form = next_random(0, dtype == SMR_DTYPE_INT8 ? 3 : 5);
    const uint16_t opcode = form > 3    ? open_batches(&b, dtype)
                            : form == 3 ? open_product(&b, dtype)
                                        : open_convolution(&b, form == 2, dtype);
    const size_t bytes = stored_bytes(&b.values[4]);
    uint8_t *results = malloc(2 * bytes + 1), *expected = results + bytes, *in_halves = NULL;
    const char *name;
    uint32_t index, isa;
    if (results == NULL) {
        exit(EXIT_FAILURE);
    }
    (void)run_with(&b, opcode, 0);
    memcpy(expected, b.values[4].data, bytes);
    if (!CHECK(same_in_rows(&b, opcode, 0))) {
        tell_case(&b, number, opcode, "generic in rows");
    }
    for (index = 1; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        const char *kernel;
        if (allowed == UINT32_MAX) {
            continue;
        }
        kernel = run_with(&b, opcode, allowed);
        used[index] += strcmp(kernel, "generic") != 0;
        packed[index] += b.node.phased;
        batches[index] += b.node.phased && b.node.whole;
        if (b.node.completes > 0) {
            ++followed[index];
            if (!CHECK(followed_once(&b))) {
                tell_case(&b, number, opcode, name);
                fprintf(stderr, "    with a follower\n");
            }
        }
        if (!CHECK(same_in_rows(&b, opcode, allowed))) {
            tell_case(&b, number, opcode, name);
            fprintf(stderr, "    with strided operands\n");
        }
        if (strcmp(kernel, "neonfp16") == 0) { /* compared at last */
            memcpy(results, b.values[4].data, bytes);
            in_halves = results;
        } else if (!CHECK(is_same(&b, opcode, b.values[4].data, expected, NULL))) {
            tell_case(&b, number, opcode, name);
        }
    }
    if (in_halves != NULL) {
        sum_magnitudes(&b, opcode);
        if (!CHECK(is_same(&b, opcode, in_halves, expected, b.values[4].data))) {
            tell_case(&b, number, opcode, "neonfp16");
        }
    }
    free(results);
    close_bench(&b);
}

int main(int argc, char **argv) {
    const int cases = count_cases(argc, argv, CASES);
    size_t used[32] = {0}, packed[32] = {0}, batches[32] = {0}, followed[32] = {0};
    uint32_t index, isa;
    int i;
    for (i = 0; i < cases; ++i) {
        random_least = next_random(0, 3) == 0;
        random_whole = next_random(0, 1) == 0;
        check_case(i, used, packed, batches, followed);
    }
    for (index = 1; smr_isa_at(index, &isa) != NULL; ++index) {
        if (smr_isa_limit(smr_platform_isas(), smr_isa_at(index, &isa)) != UINT32_MAX) {
            CHECK(used[index] > 0);
            CHECK(packed[index] > 0);
            CHECK(batches[index] > 0);
            CHECK(followed[index] > 0);
        }
    }
    return check_result();
}
