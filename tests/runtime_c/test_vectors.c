/* Kernels of float32 and float16 that are no products, and those that move elements of any type, for
 * instruction sets, against the generic ones: sizes around every edge, every form of broadcasting, any axes
 * and windows, numbers that are none; whatever the partition of the work. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <math.h>

#include "random_nodes.h"

#define CASES 1500

static uint8_t random_type; /* of the numbers of a case */

static float number_of(const smr_value *value, const void *data, size_t index) {
    switch (value->dtype) {
        case SMR_DTYPE_INT8: return (float)((const int8_t *)data)[index];
        case SMR_DTYPE_UINT8: return (float)((const uint8_t *)data)[index];
        case SMR_DTYPE_FLOAT16: return smr_half_to_float(((const uint16_t *)data)[index]);
        default: return ((const float *)data)[index];
    }
}

static void open_numbers(smr_value *value, uint8_t type, int32_t rank, const int32_t *dims, bool odd) {
    static const float numbers[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, 1e30f, -1e30f};
    size_t i;
    open_value(value, type, rank, dims, 0);
    for (i = 0; i < value->count; ++i) {
        float number = 10.0f * number_of(value, value->data, i);
        if (odd && next_random(0, 40) == 0) {
            number = numbers[next_random(0, 6)];
        }
        if (type == SMR_DTYPE_FLOAT16) {
            ((uint16_t *)value->data)[i] = smr_float_to_half(number);
        } else {
            ((float *)value->data)[i] = number;
        }
    }
}

/* Numbers of moderate size, and now and then one that is none, infinite or a zero. */
static void open_floats(smr_value *value, int32_t rank, const int32_t *dims, bool odd) {
    open_numbers(value, random_type, rank, dims, odd);
}

static void connect(bench *b, int32_t inputs) {
    int32_t i;
    for (i = 0; i < inputs; ++i) {
        b->inputs[i] = &b->values[i];
    }
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = (uint8_t)inputs;
    b->node.output_count = 1;
    b->outputs[0] = &b->values[4];
}

static uint16_t open_unary(bench *b) {
    static const uint16_t opcodes[] = {
        SMR_OP_NEGATIVE, SMR_OP_ABS,          SMR_OP_SQUARE,     SMR_OP_RECIPROCAL, SMR_OP_SQRT,
        SMR_OP_RSQRT,    SMR_OP_EXP,          SMR_OP_EXPM1,      SMR_OP_TANH,       SMR_OP_ERF,
        SMR_OP_RELU,     SMR_OP_RELU6,        SMR_OP_SIGMOID,    SMR_OP_SOFTSIGN,   SMR_OP_SELU,
        SMR_OP_SILU,     SMR_OP_HARD_SIGMOID, SMR_OP_HARD_SWISH, SMR_OP_CLIP,       SMR_OP_LEAKY_RELU,
        SMR_OP_ELU,      SMR_OP_GELU,         SMR_OP_SIGN,       SMR_OP_FLOOR,      SMR_OP_CEIL,
        SMR_OP_ROUND,    SMR_OP_SIN,          SMR_OP_COS,        SMR_OP_TAN,        SMR_OP_ASIN,
        SMR_OP_ACOS,     SMR_OP_ATAN,         SMR_OP_SINH,       SMR_OP_COSH,       SMR_OP_ASINH,
        SMR_OP_ACOSH,    SMR_OP_ATANH};
    const uint16_t opcode = opcodes[next_random(0, (int32_t)(sizeof opcodes / sizeof opcodes[0]) - 1)];
    const int32_t dims[] = {next_random(1, 3), next_random(0, 3) == 0 ? next_random(1, 400) : next_size(140)};
    open_floats(&b->values[0], 2, dims, true);
    open_floats(&b->values[4], 2, dims, false);
    connect(b, 1);
    switch (opcode) {
        case SMR_OP_CLIP:
            b->node.attributes.clip.minimum = -2.0f;
            b->node.attributes.clip.maximum = (float)next_random(-1, 5);
            break;
        case SMR_OP_LEAKY_RELU: b->node.attributes.leaky_relu.alpha = 0.3f; break;
        case SMR_OP_ELU: b->node.attributes.elu.alpha = 1.5f; break;
        case SMR_OP_GELU: b->node.attributes.gelu.approximate = (uint8_t)next_random(0, 1); break;
        default: break;
    }
    return opcode;
}

/* Each operand has some of the dimensions of the result, and 1 for the others. */
static uint16_t open_binary(bench *b) {
    static const uint16_t opcodes[] = {
        SMR_OP_ADD,     SMR_OP_SUBTRACT, SMR_OP_MULTIPLY,           SMR_OP_DIVIDE, SMR_OP_MAXIMUM,
        SMR_OP_MINIMUM, SMR_OP_PRELU,    SMR_OP_SQUARED_DIFFERENCE, SMR_OP_POWER,  SMR_OP_ATAN2};
    const int32_t repeated = next_random(0, 2) == 0 ? 0 : next_random(0, 15);
    const int32_t repeats = next_random(0, 4) == 0 ? -1 : next_random(0, 1);
    int32_t dims[3][4], i, k;
    for (i = 0; i < 4; ++i) {
        dims[2][i] = i == 3   ? (next_random(0, 2) == 0 ? next_random(1, 6) : next_size(140))
                     : i == 2 ? (next_random(0, 3) == 0 ? next_random(200, 500) : next_random(1, 5))
                              : next_random(1, 3);
    }
    for (k = 0; k < 2; ++k) {
        for (i = 0; i < 4; ++i) {
            dims[k][i] =
                (repeats == k || (repeats < 0 && i % 2 == k)) && (repeated >> i & 1) != 0 ? 1 : dims[2][i];
        }
        open_floats(&b->values[k], 4, dims[k], true);
    }
    open_floats(&b->values[4], 4, dims[2], false);
    connect(b, 2);
    return opcodes[next_random(0, 9)];
}

static uint16_t open_reduction(bench *b) {
    static const uint16_t opcodes[] = {SMR_OP_REDUCE_SUM, SMR_OP_REDUCE_MEAN, SMR_OP_REDUCE_MAX,
                                       SMR_OP_REDUCE_MIN};
    const int32_t form = next_random(0, 3), axes = next_random(1, 15);
    const uint16_t opcode = opcodes[form];
    smr_reduce_sum_attributes *a = &b->node.attributes.reduce_sum;
    int32_t x[4], y[4], i;
    for (i = 0; i < 4; ++i) {
        x[i] = i == 3   ? (next_random(0, 3) == 0 ? next_random(1, 600) : next_size(140))
               : i == 2 ? next_random(1, next_random(0, 4) == 0 ? 150 : 9)
                        : next_random(1, 4);
        y[i] = (axes >> i & 1) != 0 ? 1 : x[i];
        if ((axes >> i & 1) != 0) {
            a->axes.values[a->axes.count++] = i;
        }
    }
    a->keepdims = 1;
    open_floats(&b->values[0], 4, x, form > 1);
    open_floats(&b->values[4], 4, y, false);
    connect(b, 1);
    return opcode;
}

static uint16_t open_pool(bench *b) {
    const int32_t taps = next_random(1, 4), stride = next_random(1, 3);
    const bool same = next_random(0, 1) == 0, mean = next_random(0, 1) == 0;
    const int32_t height = next_random(taps, taps + 5), width = next_random(taps, taps + 5);
    const int32_t x[] = {next_random(1, 2), height, width,
                         next_random(0, 2) == 0 ? next_random(1, 150) : next_size(70)};
    const int32_t y[] = {x[0], same ? (height + stride - 1) / stride : (height - taps) / stride + 1,
                         same ? (width + stride - 1) / stride : (width - taps) / stride + 1, x[3]};
    smr_max_pool2d_attributes *a = &b->node.attributes.max_pool2d;
    smr_average_pool2d_attributes *m = &b->node.attributes.average_pool2d;
    open_floats(&b->values[0], 4, x, true);
    open_floats(&b->values[4], 4, y, false);
    connect(b, 1);
#define SET_POOL(a)                                                 \
    do {                                                            \
        (a)->pool_size.count = (a)->strides.count = 2;              \
        (a)->pool_size.values[0] = (a)->pool_size.values[1] = taps; \
        (a)->strides.values[0] = (a)->strides.values[1] = stride;   \
        (a)->paddings.count = 4;                                    \
        (a)->padding = same ? SMR_PADDING_SAME : SMR_PADDING_VALID; \
    } while (0)
    if (mean) {
        SET_POOL(m);
        m->count_include_pad = (uint8_t)next_random(0, 1);
        return SMR_OP_AVERAGE_POOL2D;
    }
    SET_POOL(a);
    return SMR_OP_MAX_POOL2D;
}

/* To the type of the case, from the other. */
static uint16_t open_cast(bench *b) {
    const int32_t dims[] = {next_random(1, 300)};
    const bool narrow = random_type == SMR_DTYPE_FLOAT16;
    open_numbers(&b->values[0], narrow ? SMR_DTYPE_FLOAT32 : SMR_DTYPE_FLOAT16, 1, dims, true);
    open_floats(&b->values[4], 1, dims, false);
    connect(b, 1);
    b->node.attributes.cast.dtype = random_type;
    return SMR_OP_CAST;
}

/* One of three operands has the dimensions of the result, the others some of them and 1 for the rest. */
static uint16_t open_where(bench *b) {
    const int32_t y[] = {next_random(1, 4), next_random(1, 6), next_size(140)}, whole = next_random(0, 2);
    int32_t dims[3], i, k;
    size_t j;
    for (k = 0; k < 3; ++k) {
        for (i = 0; i < 3; ++i) {
            dims[i] = k != whole && next_random(0, 2) == 0 ? 1 : y[i];
        }
        if (k == 0) {
            open_value(&b->values[0], SMR_DTYPE_BOOL, 3, dims, 0);
            for (j = 0; j < b->values[0].count; ++j) {
                ((uint8_t *)b->values[0].data)[j] = (uint8_t)(next_random(0, 1) * next_random(1, 255));
            }
        } else {
            open_floats(&b->values[k], 3, dims, true);
        }
    }
    open_floats(&b->values[4], 3, y, false);
    connect(b, 3);
    return SMR_OP_WHERE;
}

/* Elements of which many are equal to others: few numbers, among them such as are none. */
static void open_alike(smr_value *value, uint8_t type, const int32_t *dims) {
    static const float numbers[] = {-1.0f, 0.0f, -0.0f, 1.0f, 1e30f, INFINITY, -INFINITY, NAN};
    static const int32_t integers[] = {-1, 0, 1, 127, 128, -128, INT32_MAX, INT32_MIN};
    size_t i;
    open_value(value, type, 4, dims, 0);
    for (i = 0; i < value->count; ++i) {
        const int32_t number = next_random(0, 7);
        switch (type) {
            case SMR_DTYPE_FLOAT32: ((float *)value->data)[i] = numbers[number]; break;
            case SMR_DTYPE_FLOAT16: ((uint16_t *)value->data)[i] = smr_float_to_half(numbers[number]); break;
            case SMR_DTYPE_INT32: ((int32_t *)value->data)[i] = integers[number]; break;
            default: ((uint8_t *)value->data)[i] = (uint8_t)integers[number]; break;
        }
    }
}

/* Comparisons of two operands, as in open_binary but of any type, and logic, whose truth is any byte but 0.
 */
static uint16_t open_comparison(bench *b) {
    static const uint16_t opcodes[] = {SMR_OP_EQUAL,       SMR_OP_NOT_EQUAL,   SMR_OP_LESS,
                                       SMR_OP_LESS_EQUAL,  SMR_OP_GREATER,     SMR_OP_GREATER_EQUAL,
                                       SMR_OP_IS_NAN,      SMR_OP_LOGICAL_AND, SMR_OP_LOGICAL_OR,
                                       SMR_OP_LOGICAL_XOR, SMR_OP_LOGICAL_NOT};
    static const uint8_t types[] = {SMR_DTYPE_FLOAT32, SMR_DTYPE_FLOAT16, SMR_DTYPE_INT32,
                                    SMR_DTYPE_INT8,    SMR_DTYPE_UINT8,   SMR_DTYPE_BOOL};
    const uint16_t opcode = opcodes[next_random(0, 10)];
    const bool alone = opcode == SMR_OP_IS_NAN || opcode == SMR_OP_LOGICAL_NOT;
    const bool ordered = opcode >= SMR_OP_LESS && opcode <= SMR_OP_GREATER_EQUAL;
    const uint8_t type = opcode == SMR_OP_IS_NAN        ? types[next_random(0, 1)]
                         : opcode >= SMR_OP_LOGICAL_AND ? SMR_DTYPE_BOOL
                                                        : types[next_random(0, ordered ? 4 : 5)];
    int32_t dims[3][4], i, k;
    for (i = 0; i < 4; ++i) {
        dims[2][i] = i < 3                    ? next_random(1, 4)
                     : next_random(0, 3) == 0 ? next_random(1, 700)
                                              : next_size(140);
    }
    for (k = 0; k < (alone ? 1 : 2); ++k) {
        const int32_t repeated = alone || next_random(0, 1) == 0 ? 0 : next_random(0, 15);
        for (i = 0; i < 4; ++i) {
            dims[k][i] = (repeated >> i & 1) != 0 && (k == 0 || dims[0][i] == dims[2][i]) ? 1 : dims[2][i];
        }
        open_alike(&b->values[k], type, dims[k]);
    }
    open_value(&b->values[4], SMR_DTYPE_BOOL, 4, dims[2], 0);
    connect(b, alone ? 1 : 2);
    return opcode;
}

/* Normalizations, softmax and its logarithm, which test_sequences.c compares for float32. */
static uint16_t open_rows(bench *b) {
    static const uint16_t opcodes[] = {SMR_OP_SOFTMAX, SMR_OP_LOG_SOFTMAX, SMR_OP_LAYER_NORMALIZATION,
                                       SMR_OP_RMS_NORMALIZATION};
    const int32_t form = next_random(0, 3), inputs = form < 2 ? 1 : form == 2 ? 3 : 2;
    const int32_t dims[] = {next_random(1, 4), next_size(next_random(0, 3) == 0 ? 1000 : 80),
                            next_random(0, 1) == 0 ? 1 : next_size(140)};
    int32_t i;
    open_floats(&b->values[0], 3, dims, false);
    open_floats(&b->values[4], 3, dims, false);
    for (i = 1; i < inputs; ++i) {
        open_floats(&b->values[i], 1, dims + 2, false);
    }
    connect(b, inputs);
    b->node.attributes.softmax.axis = form < 2 ? next_random(0, 2) : -1;
    if (form == 2) {
        b->node.attributes.layer_normalization.epsilon = 1e-3f;
    } else if (form == 3) {
        b->node.attributes.rms_normalization.epsilon = 1e-3f;
    }
    return opcodes[form];
}

/* Any elements: of floats, or bytes of either sign. */
static void open_elements(smr_value *value, uint8_t type, int32_t rank, const int32_t *dims) {
    if (smr_dtype_size((smr_dtype)type) == 1) {
        open_value(value, type, rank, dims, 0);
    } else {
        open_numbers(value, type, rank, dims, true);
    }
}

static uint8_t any_type(void) {
    static const uint8_t types[] = {SMR_DTYPE_FLOAT32, SMR_DTYPE_FLOAT16, SMR_DTYPE_INT8, SMR_DTYPE_UINT8};
    return types[next_random(0, 3)];
}

/* Two axes are long, so that matrices of all sizes become their columns. */
static uint16_t open_transpose(bench *b) {
    const int32_t rank = next_random(2, 5), first = next_random(0, rank - 1),
                  second = next_random(0, rank - 1);
    smr_ints8 *permutation = &b->node.attributes.transpose.permutation;
    const uint8_t type = any_type();
    int32_t x[5], y[5], i;
    for (i = 0; i < rank; ++i) {
        x[i] = i == first || i == second ? next_size(70) : next_random(1, 4);
        permutation->values[i] = i;
    }
    permutation->count = (uint8_t)rank;
    for (i = rank - 1; i > 0; --i) {
        const int32_t other = next_random(0, i), axis = permutation->values[i];
        permutation->values[i] = permutation->values[other];
        permutation->values[other] = axis;
    }
    for (i = 0; i < rank; ++i) {
        y[i] = x[permutation->values[i]];
    }
    open_elements(&b->values[0], type, rank, x);
    open_elements(&b->values[4], type, rank, y);
    connect(b, 1);
    return SMR_OP_TRANSPOSE;
}

static uint16_t open_resample(bench *b) {
    smr_resample_attributes *a = &b->node.attributes.resample;
    const int32_t axis = next_random(0, 2);
    const uint8_t type = any_type();
    int32_t x[3], y[3], i;
    for (i = 0; i < 3; ++i) {
        x[i] = i == axis ? next_random(1, 20) : i == 2 ? next_size(140) : next_random(1, 20);
        y[i] = i == axis ? next_random(x[i] / 3 + 1, 3 * x[i]) : x[i];
    }
    a->axis = next_random(0, 1) == 0 ? axis : axis - 3;
    a->mode = (uint8_t)(next_random(0, 2) == 0 ? SMR_RESAMPLE_MODE_CUBIC : SMR_RESAMPLE_MODE_LINEAR);
    a->coordinates = (uint8_t)next_random(SMR_COORDINATES_HALF_PIXEL, SMR_COORDINATES_TF_CROP_AND_RESIZE);
    a->cubic_a = -0.75f;
    a->exclude_outside = (uint8_t)(next_random(0, 3) == 0);
    a->antialias = (uint8_t)(next_random(0, 3) == 0);
    a->begin = 0.1f;
    a->end = 1.1f;
    a->extrapolation_value = 3.0f;
    /* No infinite ones: their products with weights of 0 are NaN. */
    if (smr_dtype_size((smr_dtype)type) == 1) {
        open_value(&b->values[0], type, 3, x, 0);
        open_value(&b->values[4], type, 3, y, 0);
    } else {
        open_numbers(&b->values[0], type, 3, x, false);
        open_numbers(&b->values[4], type, 3, y, false);
    }
    connect(b, 1);
    return SMR_OP_RESAMPLE;
}

#define FORMS           10
#define FORM_CAST       3
#define FORM_COMPARISON 8

static uint16_t open_node(bench *b, int32_t form) {
    memset(b, 0, sizeof *b);
    random_type = next_random(0, 2) == 0 ? SMR_DTYPE_FLOAT16 : SMR_DTYPE_FLOAT32;
    switch (form) {
        case 0: return open_unary(b);
        case 1: return open_binary(b);
        case 2: return open_reduction(b);
        case FORM_CAST: return open_cast(b);
        case 4: return open_pool(b);
        case 5: return open_transpose(b);
        case 6: return open_rows(b);
        case 7: return open_where(b);
        case FORM_COMPARISON: return open_comparison(b);
        default: return open_resample(b);
    }
}

/* Whether a result is near enough: NaN is near NaN alone, and so is each infinity to itself. `size` is that
 * of the numbers that a sum is made of, `step` that of neighbours to which it may be rounded. */
static bool is_near(float found, float expected, float size, float step) {
    if (isnan(expected) || isinf(expected)) {
        return isnan(expected) ? isnan(found) != 0 : found == expected;
    }
    return fabsf(found - expected) <= (2e-6f + step) * fabsf(expected) + 1e-6f * size;
}

static size_t count_far(const bench *b, const void *expected, float size) {
    const smr_value *value = &b->values[4];
    const float step = value->dtype == SMR_DTYPE_FLOAT16 ? 0x1p-10f : 0.0f;
    size_t i, far = 0;
    for (i = 0; i < value->count; ++i) {
        far += is_near(number_of(value, value->data, i), number_of(value, expected, i), size, step) ? 0 : 1;
    }
    return far;
}

/* Whether an op gives the same bits with every instruction set. */
static bool is_exact(const bench *b, uint16_t opcode) {
    return opcode == SMR_OP_TRANSPOSE || opcode == SMR_OP_RESAMPLE || opcode == SMR_OP_WHERE ||
           b->values[4].dtype == SMR_DTYPE_BOOL;
}

static void check_case(int number, size_t used[FORMS]) {
    bench b;
    const int32_t form = number % FORMS;
    const uint16_t opcode = open_node(&b, form);
    const float summed = (float)b.values[0].count / (float)b.values[4].count;
    const float size = opcode == SMR_OP_REDUCE_SUM ? 10.0f * sqrtf(summed) : 10.0f;
    const size_t bytes = b.values[4].count * smr_dtype_size((smr_dtype)b.values[4].dtype);
    uint8_t *expected = malloc(2 * bytes), *first = expected + bytes;
    const char *name;
    uint32_t index, isa;
    if (expected == NULL) {
        exit(EXIT_FAILURE);
    }
    (void)run_with(&b, opcode, 0);
    memcpy(expected, b.values[4].data, bytes);
    CHECK(same_in_rows(&b, opcode, 0));
    for (index = 1; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        size_t far;
        if (allowed == UINT32_MAX) {
            continue;
        }
        used[form] += strcmp(run_with(&b, opcode, allowed), "generic") != 0;
        far = is_exact(&b, opcode) ? memcmp(expected, b.values[4].data, bytes) != 0
                                   : count_far(&b, expected, size);
        memcpy(first, b.values[4].data, bytes);
        (void)run_with(&b, opcode, allowed); /* in other parts */
        if (!CHECK(far == 0) || !CHECK(memcmp(first, b.values[4].data, bytes) == 0) ||
            !CHECK(same_in_rows(&b, opcode, allowed))) {
            fprintf(stderr, "    case %d: opcode %d with %s, x [%d, %d, %d, %d], %zu far\n", number, opcode,
                    name, size_of_axis(&b.values[0], 0), size_of_axis(&b.values[0], 1),
                    size_of_axis(&b.values[0], 2), size_of_axis(&b.values[0], 3), far);
        }
    }
    free(expected);
    close_bench(&b);
}

/* Whether this build has a kernel of an instruction set for an op. */
static bool has_vectors(uint16_t opcode) {
    const smr_kernel_row *row;
    size_t i;
    for (i = 0; (row = smr_kernel_at(i)) != NULL; ++i) {
        if (row->opcode == opcode && row->isa != 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv) {
    const int cases = argc > 1 ? atoi(argv[1]) : CASES;
    size_t used[FORMS] = {0};
    int i;
    for (i = 0; i < cases; ++i) {
        check_case(i, used);
    }
    for (i = 0; i < FORMS && smr_platform_isas() != 0; ++i) {
        CHECK(used[i] > 0 || (i == FORM_CAST && !has_vectors(SMR_OP_CAST)));
    }
    return check_result();
}
