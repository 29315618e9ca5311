/* test_transcendental [STEP [FUNCTION]]: the errors of transcendental functions of float32, in units of the
 * last place of the result, for each instruction set of this processor. Every STEP-th float is tried, and 1
 * tries all. The C library's functions of double are the truth. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
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
} function;

static double true_sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static double true_softplus(double x) {
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static const function functions[] = {
    {"exp", SMR_OP_EXP, exp, 0.92, 1.2},
    {"expm1", SMR_OP_EXPM1, expm1, 1.5, 1.5},
    {"sigmoid", SMR_OP_SIGMOID, true_sigmoid, 2.5, 2.5},
    {"tanh", SMR_OP_TANH, tanh, 2.5, 2.5},
    {"erf", SMR_OP_ERF, erf, 1.8, 2.0},
    {"log", SMR_OP_LOG, log, 1.5, 1.5},
    {"log1p", SMR_OP_LOG1P, log1p, 1.5, 1.5},
    {"softplus", SMR_OP_SOFTPLUS, true_softplus, 2.0, 2.0},
};

/* The error of a result; 0 where it is as special as the truth, infinity where it is not. */
static double error_of(float found, double truth) {
    const float nearest = (float)truth;
    int exponent;
    if (isnan(nearest) || isinf(nearest)) {
        return (isnan(nearest) ? isnan(found) != 0 : found == nearest) ? 0.0 : INFINITY;
    }
    if (fabs(truth) < TINY) {
        return fabs((double)found - truth) <= TINY ? 0.0 : INFINITY;
    }
    (void)frexp(truth, &exponent);
    return isfinite(found) ? fabs((double)found - truth) / ldexp(1.0, exponent - 24) : INFINITY;
}

/* The error of f(x), or of f(0) where x may count as 0. */
static double error_at(const function *f, float x, float found) {
    const double error = error_of(found, f->truth((double)x));
    const double other = fabsf(x) < 0x1p-126f ? error_of(found, f->truth(0.0)) : error;
    return other < error ? other : error;
}

/* The greatest error of a block of arguments, and whose it is. */
static void check_block(const bench *b, const function *f, double *most, float *argument) {
    const float *x = b->values[0].data, *y = b->values[4].data;
    size_t i;
    for (i = 0; i < BLOCK; ++i) {
        const double error = error_at(f, x[i], y[i]);
        if (error > *most) {
            *most = error;
            *argument = x[i];
        }
    }
}

static void check_function(const function *f, uint32_t step, const char *isa, uint32_t isas) {
    const int32_t dims[] = {BLOCK};
    const double allowed = strcmp(isa, "wasm") == 0 ? f->most_unfused : f->most;
    uint64_t next = 0;
    double most = 0.0;
    float argument = 0.0f;
    bench b;
    memset(&b, 0, sizeof b);
    open_value(&b.values[0], SMR_DTYPE_FLOAT32, 1, dims, 0);
    open_value(&b.values[4], SMR_DTYPE_FLOAT32, 1, dims, 0);
    b.inputs[0] = &b.values[0];
    b.outputs[0] = &b.values[4];
    b.node.inputs = b.inputs;
    b.node.outputs = b.outputs;
    b.node.input_count = b.node.output_count = 1;
    while (next <= UINT32_MAX) {
        float *x = b.values[0].data;
        size_t i;
        for (i = 0; i < BLOCK; ++i, next += step) {
            const uint32_t bits = next <= UINT32_MAX ? (uint32_t)next : 0;
            memcpy(x + i, &bits, sizeof bits);
        }
        CHECK(strcmp(run_with(&b, f->opcode, isas), "generic") != 0);
        check_block(&b, f, &most, &argument);
    }
    printf("%-8s %-8s at most %.4f, for %.9g\n", isa, f->name, most, (double)argument);
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
