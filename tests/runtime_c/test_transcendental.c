/* test_transcendental [STEP [FUNCTION]]: the errors of transcendental functions of float32, in units of the
 * last place of the result, for each instruction set of this processor. Every STEP-th float is tried, and 1
 * tries all. The C library's functions of double are the truth. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include <float.h>
#include <math.h>

#include "random_nodes.h"

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
} function;

static double true_sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static double true_softplus(double x) {
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
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

static const function functions[] = {
    {"exp", SMR_OP_EXP, exp, 0.92, 1.2, NULL, NULL},
    {"expm1", SMR_OP_EXPM1, expm1, 1.5, 1.6, NULL, NULL},
    {"sigmoid", SMR_OP_SIGMOID, true_sigmoid, 2.5, 2.5, NULL, NULL},
    {"tanh", SMR_OP_TANH, tanh, 2.5, 2.5, NULL, NULL},
    {"erf", SMR_OP_ERF, erf, 1.8, 2.3, NULL, NULL},
    {"log", SMR_OP_LOG, log, 1.5, 1.5, NULL, NULL},
    {"log1p", SMR_OP_LOG1P, log1p, 1.5, 1.5, NULL, NULL},
    {"softplus", SMR_OP_SOFTPLUS, true_softplus, 2.0, 2.0, NULL, NULL},
    {"sin", SMR_OP_SIN, sin, 0.9, 0.95, NULL, NULL},
    {"cos", SMR_OP_COS, cos, 0.95, 1.0, NULL, NULL},
    {"tan", SMR_OP_TAN, tan, 2.4, 2.5, NULL, NULL},
    {"asin", SMR_OP_ASIN, asin, 2.5, 2.5, NULL, NULL},
    {"acos", SMR_OP_ACOS, acos, 1.2, 1.3, NULL, NULL},
    {"atan", SMR_OP_ATAN, atan, 1.4, 1.5, NULL, NULL},
    {"sinh", SMR_OP_SINH, sinh, 1.7, 1.7, NULL, NULL},
    {"cosh", SMR_OP_COSH, cosh, 1.4, 1.6, NULL, NULL},
    {"asinh", SMR_OP_ASINH, asinh, 2.2, 2.2, NULL, NULL},
    {"acosh", SMR_OP_ACOSH, true_acosh, 2.6, 2.6, NULL, NULL},
    {"atanh", SMR_OP_ATANH, atanh, 2.5, 2.5, NULL, NULL},
    {"atan2", SMR_OP_ATAN2, NULL, 1.7, 1.7, atan2, second_of_atan2},
    {"power", SMR_OP_POWER, NULL, 1.0, 1.3, pow, second_of_power},
};

/* The error of a result; 0 where it is as special as the truth, infinity where it is not. */
static double error_of(float found, double truth) {
    const float nearest = (float)truth;
    int exponent;
    if (isnan(nearest) || isinf(nearest)) {
        return (isnan(nearest) ? isnan(found) != 0 : found == nearest) ? 0.0 : INFINITY;
    }
    if (truth == 0.0 && found == 0.0f) {
        return (signbit(found) != 0) == (signbit(nearest) != 0) ? 0.0 : INFINITY;
    }
    if (fabs(truth) < TINY) {
        return fabs((double)found - truth) <= TINY ? 0.0 : INFINITY;
    }
    (void)frexp(truth, &exponent);
    return isfinite(found) ? fabs((double)found - truth) / ldexp(1.0, exponent - 24) : INFINITY;
}

/* The error of f(x, y), or of that with zeros of their signs for operands that may count as 0. */
static double error_at(const function *f, float x, float y, float found) {
    const double xs[] = {(double)x, copysign(0.0, (double)x)}, ys[] = {(double)y, copysign(0.0, (double)y)};
    double least = INFINITY;
    int i, k;
    for (i = 0; i < (fabsf(x) < FLT_MIN ? 2 : 1); ++i) {
        for (k = 0; k < (f->truth == NULL && fabsf(y) < FLT_MIN ? 2 : 1); ++k) {
            const double truth = f->truth != NULL ? f->truth(xs[i]) : f->truth_of_two(xs[i], ys[k]);
            const double error = error_of(found, truth);
            least = error < least ? error : least;
        }
    }
    return least;
}

/* The greatest error of a block of arguments, and whose it is. */
static void check_block(const bench *b, const function *f, double *most, float arguments[2]) {
    const float *x = b->values[0].data, *y = f->truth != NULL ? x : b->values[1].data, *z = b->values[4].data;
    size_t i;
    for (i = 0; i < BLOCK; ++i) {
        const double error = error_at(f, x[i], y[i], z[i]);
        if (error > *most) {
            *most = error;
            arguments[0] = x[i];
            arguments[1] = y[i];
        }
    }
}

static void check_function(const function *f, uint32_t step, const char *isa, uint32_t isas) {
    const int32_t dims[] = {BLOCK};
    const double allowed = strcmp(isa, "wasm") == 0 ? f->most_unfused : f->most;
    uint64_t next = 0;
    double most = 0.0;
    float arguments[2] = {0.0f, 0.0f};
    bench b;
    memset(&b, 0, sizeof b);
    open_value(&b.values[0], SMR_DTYPE_FLOAT32, 1, dims, 0);
    open_value(&b.values[1], SMR_DTYPE_FLOAT32, 1, dims, 0);
    open_value(&b.values[4], SMR_DTYPE_FLOAT32, 1, dims, 0);
    b.inputs[0] = &b.values[0];
    b.inputs[1] = &b.values[1];
    b.outputs[0] = &b.values[4];
    b.node.inputs = b.inputs;
    b.node.outputs = b.outputs;
    b.node.input_count = f->truth != NULL ? 1 : 2;
    b.node.output_count = 1;
    while (next <= UINT32_MAX) {
        float *x = b.values[0].data;
        size_t i;
        for (i = 0; i < BLOCK; ++i, next += step) {
            const uint32_t bits = next <= UINT32_MAX ? (uint32_t)next : 0;
            memcpy(x + i, &bits, sizeof bits);
        }
        if (f->second != NULL) {
            for (i = 0; i < BLOCK; i += 64) {
                x[i] = specials[next_random(0, SPECIALS - 1)];
            }
            f->second(x, b.values[1].data);
        }
        CHECK(strcmp(run_with(&b, f->opcode, isas), "generic") != 0);
        check_block(&b, f, &most, arguments);
    }
    printf("%-8s %-8s at most %.4f, for %.9g, %.9g\n", isa, f->name, most, (double)arguments[0],
           (double)arguments[1]);
    CHECK(most <= allowed);
    close_bench(&b);
}

int main(int argc, char **argv) {
    const uint32_t step = argc > 1 ? (uint32_t)atoi(argv[1]) : STEP;
    uint32_t index, isa;
    const char *name;
    size_t i;
    CHECK(step > 0);
    for (index = 1; step > 0 && (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t isas = smr_isa_limit(smr_platform_isas(), name);
        const bool vectors =
            isa == SMR_ISA_avx2 || isa == SMR_ISA_avx512 || isa == SMR_ISA_neon || isa == SMR_ISA_wasm;
        for (i = 0; isas != UINT32_MAX && vectors && i < sizeof functions / sizeof functions[0]; ++i) {
            if (argc < 3 || strcmp(argv[2], functions[i].name) == 0) {
                check_function(&functions[i], step, name, isas);
            }
        }
    }
    return check_result();
}
