/* test_transcendental [STEP [FUNCTION...]]: the errors of transcendental functions of float32, in units of
 * the last place of the result, or of a larger number that docs/arithmetic.md tells, for each instruction set
 * of this processor. Every STEP-th float is tried, and 1 tries all. The C library's functions of double are
 * the truth. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <float.h>
#include <math.h>

#include "random_nodes.h"

#if defined(__GLIBC__)
#define HAS_GLIBC true
#else
#define HAS_GLIBC false
#endif

#define STEP  4099
#define BLOCK 4096

/* Results and arguments below this may be taken for 0: subnormal numbers are where a processor says so. */
#define TINY 0x1p-124

typedef struct function {
    const char *name;
    uint16_t opcode;
    double (*truth)(double x);
    double most;         /* error, as docs/arithmetic.md says */
    double most_unfused; /* without fused multiply-adds */
    double (*truth_of_two)(double x, double y);
    void (*second)(const float *x, float *y); /* a block of second operands for one of first ones */
    double most_plain;                        /* of plain C with glibc; 0 where that is not measured */
    double (*unit)(double x); /* whose last place the error is told in, NULL for the result's */
    double tiny;              /* results below this may be 0; 0 for TINY */
    const smr_attributes *attributes;
    int pairs; /* softmax of pairs (x, 0): 1 that lie in rows, 2 in columns */
} function;

static double true_sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static double true_softplus(double x) {
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* x times a share of it. What frameworks compute of -infinity is -infinity * 0. */
static double true_silu(double x) {
    return x / (1.0 + exp(-x));
}

static double true_gelu(double x) {
    return x * (0.5 * erfc(-x * 0.70710678118654752));
}

static double true_gelu_tanh(double x) {
    return x / (1.0 + exp(-1.59576912160573071 * (x + 0.044715 * x * x * x)));
}

static double true_mish(double x) {
    const double power = exp(x < 40.0 ? x : 40.0), part = power * (power + 2.0);
    return x * (part / (part + 2.0));
}

static double true_selu(double x) {
    return 1.05070098735548049 * (x > 0.0 ? x : 1.67326324235437729 * expm1(x));
}

static double true_elu(double x) {
    return x > 0.0 ? x : expm1(x);
}

static double true_rsqrt(double x) {
    return 1.0 / sqrt(x);
}

static double ramp(double x) {
    return x != x ? x : fmin(fmax(x + 3.0, 0.0), 6.0);
}

static double true_hard_sigmoid(double x) {
    return ramp(x) / 6.0;
}

static double true_hard_swish(double x) {
    return x * (ramp(x) / 6.0);
}

static double true_softsign(double x) {
    return x / (1.0 + fabs(x));
}

/* Of x among x and 0. */
static double true_softmax(double x) {
    return x == INFINITY ? (double)NAN : true_sigmoid(x);
}

static double true_log_softmax(double x) {
    return x == INFINITY ? (double)NAN : -true_softplus(-x);
}

static double half(double x) {
    return 0.5 * fabs(x);
}

static double one(double x) {
    (void)x;
    return 1.0;
}

/* Some libraries have one of numbers below -1. */
static double true_acosh(double x) {
    return x < 1.0 ? (double)NAN : acosh(x);
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* What is special for some function of two operands. */
static const float specials[] = {
    0.0f,  -0.0f,   1.0f,     -1.0f,    0.5f,       -0.5f,       2.0f,         -2.0f,
    3.0f,  -3.0f,   0x1p23f,  -0x1p23f, 8388609.0f, 16777215.0f, -16777215.0f, 0x1p24f,
    1e30f, -1e30f,  1e-30f,   -1e-30f,  1.5f,       -2.5f,       INFINITY,     -INFINITY,
    NAN,   FLT_MAX, -FLT_MAX, FLT_MIN,  -FLT_MIN,   1e-42f,      -1e-42f,      8388607.5f};

#define SPECIALS (sizeof specials / sizeof specials[0])

static float any_float(void) {
    const uint32_t high = (uint32_t)next_random(0, 0xffff);
    return float_of(high << 16 | (uint32_t)next_random(0, 0xffff));
}

/* Any float, one that is special, or one as large as x. */
static void second_of_atan2(const float *x, float *y) {
    size_t i;
    for (i = 0; i < BLOCK; ++i) {
        const int32_t kind = next_random(0, 2);
        y[i] = kind == 0   ? any_float()
               : kind == 1 ? specials[next_random(0, SPECIALS - 1)]
                           : x[i] * ((float)next_random(-4000, 4000) / 1000.0f);
    }
}

/* Any float, one that is special, or one for which the power is a finite number. */
static void second_of_power(const float *x, float *y) {
    size_t i;
    for (i = 0; i < BLOCK; ++i) {
        const int32_t kind = next_random(0, 7);
        const float bits = log2f(fabsf(x[i]));
        y[i] = kind == 0   ? any_float()
               : kind == 1 ? specials[next_random(0, SPECIALS - 1)]
               : kind == 2 ? (float)next_random(-40, 40)
                           : (float)next_random(-1500000, 1280000) / 10000.0f / bits;
        y[i] = x[i] < 0.0f && kind > 2 && fabsf(y[i]) < 0x1p23f ? rintf(y[i]) : y[i];
    }
}

static const smr_attributes elu_of_one = {.elu = {.alpha = 1.0f}};
static const smr_attributes gelu_by_tanh = {.gelu = {.approximate = SMR_APPROXIMATE_TANH}};
static const smr_attributes along_rows = {.softmax = {.axis = 1}};

static const function functions[] = {
    {"exp", SMR_OP_EXP, exp, 0.92, 1.2, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"expm1", SMR_OP_EXPM1, expm1, 1.5, 1.6, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"sigmoid", SMR_OP_SIGMOID, true_sigmoid, 2.5, 2.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"tanh", SMR_OP_TANH, tanh, 2.5, 2.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"erf", SMR_OP_ERF, erf, 1.8, 2.3, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"log", SMR_OP_LOG, log, 1.5, 1.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"log1p", SMR_OP_LOG1P, log1p, 1.5, 1.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"softplus", SMR_OP_SOFTPLUS, true_softplus, 2.0, 2.0, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"sin", SMR_OP_SIN, sin, 0.9, 0.95, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"cos", SMR_OP_COS, cos, 0.95, 1.0, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"tan", SMR_OP_TAN, tan, 2.4, 2.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"asin", SMR_OP_ASIN, asin, 2.5, 2.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"acos", SMR_OP_ACOS, acos, 1.2, 1.3, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"atan", SMR_OP_ATAN, atan, 1.4, 1.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"sinh", SMR_OP_SINH, sinh, 1.7, 1.7, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"cosh", SMR_OP_COSH, cosh, 1.4, 1.6, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"asinh", SMR_OP_ASINH, asinh, 2.2, 2.2, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"acosh", SMR_OP_ACOSH, true_acosh, 2.6, 2.6, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"atanh", SMR_OP_ATANH, atanh, 2.5, 2.5, NULL, NULL, 0.0, NULL, 0.0, NULL, 0},
    {"atan2", SMR_OP_ATAN2, NULL, 1.7, 1.7, atan2, second_of_atan2, 0.0, NULL, 0.0, NULL, 0},
    {"power", SMR_OP_POWER, NULL, 1.0, 1.3, pow, second_of_power, 0.0, NULL, 0.0, NULL, 0},
    {"silu", SMR_OP_SILU, true_silu, 2.5, 2.8, NULL, NULL, 3.0, NULL, 0x1p-119, NULL, 0},
    {"gelu", SMR_OP_GELU, true_gelu, 2.1, 2.3, NULL, NULL, 2.1, half, 0.0, NULL, 0},
    {"gelu_tanh", SMR_OP_GELU, true_gelu_tanh, 2.4, 2.6, NULL, NULL, 2.4, half, 0.0, &gelu_by_tanh, 0},
    {"mish", SMR_OP_MISH, true_mish, 4.6, 5.2, NULL, NULL, 4.4, NULL, 0x1p-119, NULL, 0},
    {"elu", SMR_OP_ELU, true_elu, 1.2, 1.3, NULL, NULL, 1.1, NULL, 0.0, &elu_of_one, 0},
    {"selu", SMR_OP_SELU, true_selu, 2.3, 2.4, NULL, NULL, 2.3, NULL, 0.0, NULL, 0},
    {"rsqrt", SMR_OP_RSQRT, true_rsqrt, 1.5, 1.5, NULL, NULL, 1.5, NULL, 0.0, NULL, 0},
    {"softsign", SMR_OP_SOFTSIGN, true_softsign, 1.5, 1.5, NULL, NULL, 1.5, NULL, 0.0, NULL, 0},
    {"hard_sigmoid", SMR_OP_HARD_SIGMOID, true_hard_sigmoid, 1.5, 1.5, NULL, NULL, 1.5, NULL, 0.0, NULL, 0},
    {"hard_swish", SMR_OP_HARD_SWISH, true_hard_swish, 2.7, 2.7, NULL, NULL, 2.2, NULL, 0.0, NULL, 0},
    {"softmax rows", SMR_OP_SOFTMAX, true_softmax, 2.6, 2.8, NULL, NULL, 2.9, NULL, 0.0, &along_rows, 1},
    {"softmax columns", SMR_OP_SOFTMAX, true_softmax, 3.3, 3.5, NULL, NULL, 2.9, NULL, 0.0, NULL, 2},
    {"log_softmax rows", SMR_OP_LOG_SOFTMAX, true_log_softmax, 1.5, 1.5, NULL, NULL, 1.5, one, 0.0,
     &along_rows, 1},
    {"log_softmax columns", SMR_OP_LOG_SOFTMAX, true_log_softmax, 1.5, 1.5, NULL, NULL, 1.5, one, 0.0, NULL,
     2},
};

/* The greatest power of two that is not above a normal number. */
static double power_within(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= UINT64_C(0x7ff) << 52;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

/* The error of a result, in the last place of `unit`; 0 where it is as special as the truth, infinity where
 * it is not. */
static double error_of(float found, double truth, double unit, double tiny) {
    const bool borders = fabs(truth) < 0x1.00001p128; /* on what is no infinity */
    const float nearest =
        borders && fabs(truth) > (double)FLT_MAX ? copysignf(FLT_MAX, (float)truth) : (float)truth;
    if (isnan(nearest) || isinf(nearest)) {
        return (isnan(nearest) ? isnan(found) != 0 : found == nearest) ? 0.0 : INFINITY;
    }
    if (truth == 0.0 && found == 0.0f) {
        return unit > 0.0 || (signbit(found) != 0) == (signbit(nearest) != 0) ? 0.0 : INFINITY;
    }
    if (fabs(truth) < tiny) {
        return fabs((double)found - truth) <= tiny ? 0.0 : INFINITY;
    }
    if (isinf(found) && fabs(truth) > 0x1.fffffp127) {
        return fabs(copysign(0x1p128, (double)found) - truth) / power_within(unit) * 0x1p23;
    }
    return isfinite(found) ? fabs((double)found - truth) / power_within(unit) * 0x1p23 : INFINITY;
}

static double true_result(const function *f, double x, double y) {
    return f->truth != NULL ? f->truth(x) : f->truth_of_two(x, y);
}

/* The error of a result where f(x, y) is told, or that of f with zeros of their signs for operands that may
 * count as 0. */
static double error_at(const function *f, double x, double y, double told, float found) {
    const double tiny = f->tiny > 0.0 ? f->tiny : TINY;
    const double xs[] = {x, copysign(0.0, x)}, ys[] = {y, copysign(0.0, y)};
    const int x_count = fabs(x) < FLT_MIN ? 2 : 1, y_count = f->truth == NULL && fabs(y) < FLT_MIN ? 2 : 1;
    double least = INFINITY;
    int i, k;
    if (x_count + y_count == 2) {
        return error_of(found, told, f->unit != NULL ? fmax(fabs(told), f->unit(x)) : fabs(told), tiny);
    }
    for (i = 0; i < x_count; ++i) {
        for (k = 0; k < y_count; ++k) {
            const double truth = i + k > 0 ? true_result(f, xs[i], ys[k]) : told;
            const double unit = f->unit != NULL ? f->unit(xs[i]) : 0.0;
            const double error = error_of(found, truth, fmax(fabs(truth), unit), tiny);
            least = error < least ? error : least;
        }
    }
    return least;
}

/* An instruction set, and the greatest error with it and whose it is. */
typedef struct found_errors {
    const char *name;
    uint32_t isas;
    bool plain;
    double most;
    float arguments[2];
} found_errors;

#define MOST_SETS 16

static void check_block(const bench *b, const function *f, const double *truths, found_errors *found) {
    const float *x = b->values[0].data, *y = f->truth != NULL ? x : b->values[1].data, *z = b->values[4].data;
    const size_t step = f->pairs == 1 ? 2 : 1;
    size_t i;
    for (i = 0; i < BLOCK; ++i) {
        const size_t at = i * step;
        const double error = error_at(f, (double)x[at], (double)y[at], truths[i], z[at]);
        if (error > found->most) {
            found->most = error;
            found->arguments[0] = x[at];
            found->arguments[1] = y[at];
        }
    }
}

/* The node of a function; softmax has x and 0 side by side, or one below the other. */
static void open_bench(bench *b, const function *f) {
    const int32_t rows[] = {BLOCK, 2}, columns[] = {2, BLOCK};
    const int32_t rank = f->pairs == 0 ? 1 : 2, *dims = f->pairs == 1 ? rows : columns + 2 - rank;
    memset(b, 0, sizeof *b);
    open_value(&b->values[0], SMR_DTYPE_FLOAT32, rank, dims, 0);
    open_value(&b->values[1], SMR_DTYPE_FLOAT32, rank, dims, 0);
    open_value(&b->values[4], SMR_DTYPE_FLOAT32, rank, dims, 0);
    b->inputs[0] = &b->values[0];
    b->inputs[1] = &b->values[1];
    b->outputs[0] = &b->values[4];
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = f->truth != NULL ? 1 : 2;
    b->node.output_count = 1;
    if (f->attributes != NULL) {
        b->node.attributes = *f->attributes;
    }
    memset(b->values[0].data, 0, stored_bytes(&b->values[0]));
}

/* Arguments from the `next`-th float on, and special ones for functions of two. */
static uint64_t fill_block(const bench *b, const function *f, uint64_t next, uint32_t step, double *truths) {
    const size_t apart = f->pairs == 1 ? 2 : 1;
    float *x = b->values[0].data, *y = f->truth != NULL ? x : b->values[1].data;
    size_t i;
    for (i = 0; i < BLOCK; ++i, next += step) {
        const uint32_t bits = next <= UINT32_MAX ? (uint32_t)next : 0;
        memcpy(x + i * apart, &bits, sizeof bits);
    }
    if (f->second != NULL) {
        for (i = 0; i < BLOCK; i += 64) {
            x[i] = specials[next_random(0, SPECIALS - 1)];
        }
        f->second(x, y);
    }
    for (i = 0; i < BLOCK; ++i) {
        truths[i] = true_result(f, (double)x[i * apart], (double)y[i * apart]);
    }
    return next;
}

static void check_function(const function *f, uint32_t step, found_errors *sets, int count) {
    double truths[BLOCK];
    uint64_t next = 0;
    bench b;
    int i;
    open_bench(&b, f);
    for (i = 0; i < count; ++i) {
        sets[i].most = 0.0;
    }
    while (next <= UINT32_MAX) {
        next = fill_block(&b, f, next, step, truths);
        for (i = 0; i < count; ++i) {
            if (!sets[i].plain || f->most_plain > 0.0) {
                CHECK((strcmp(run_with(&b, f->opcode, sets[i].isas), "generic") == 0) == sets[i].plain);
                check_block(&b, f, truths, &sets[i]);
            }
        }
    }
    for (i = 0; i < count; ++i) {
        const bool wasm = strcmp(sets[i].name, "wasm") == 0;
        if (!sets[i].plain || f->most_plain > 0.0) {
            printf("%-8s %-19s at most %.4f, for %.9g, %.9g\n", sets[i].name, f->name, sets[i].most,
                   (double)sets[i].arguments[0], (double)sets[i].arguments[1]);
            CHECK(sets[i].most <= (sets[i].plain ? f->most_plain : wasm ? f->most_unfused : f->most));
        }
    }
    (void)fflush(stdout);
    close_bench(&b);
}

/* Whether a function is among those that are told; all are where none is. */
static bool is_told(const char *name, int argc, char **argv) {
    int i;
    for (i = 2; i < argc && strcmp(argv[i], name) != 0; ++i) {
    }
    return argc < 3 || i < argc;
}

int main(int argc, char **argv) {
    const uint32_t step = argc > 1 ? (uint32_t)atoi(argv[1]) : STEP;
    const uint64_t environment = smr_platform_set_floats();
    found_errors sets[MOST_SETS];
    uint32_t index, isa;
    const char *name;
    int count = 0;
    size_t i;
    memset(sets, 0, sizeof sets);
    for (index = 0; count < MOST_SETS && (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t isas = smr_isa_limit(smr_platform_isas(), name);
        const bool vectors =
            isa == SMR_ISA_avx2 || isa == SMR_ISA_avx512 || isa == SMR_ISA_neon || isa == SMR_ISA_wasm;
        if (isas != UINT32_MAX && (vectors || (HAS_GLIBC && index == 0))) {
            sets[count].name = name;
            sets[count].isas = isas;
            sets[count++].plain = index == 0;
        }
    }
    CHECK(step > 0);
    for (i = 0; step > 0 && i < sizeof functions / sizeof functions[0]; ++i) {
        if (is_told(functions[i].name, argc, argv)) {
            check_function(&functions[i], step, sets, count);
        }
    }
    smr_platform_restore_floats(environment);
    return check_result();
}
