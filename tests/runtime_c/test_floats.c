/* The floating-point environment: a run leaves the caller's as it was, computes the same bits whatever it is,
 * and takes subnormal numbers for zeros where the processor can. */
#include <fenv.h>
#include <float.h>
#include <math.h>

#include "check.h"
#include "platform/platform.h"

/* Rounding mode, traps, flags and all that the platform keeps. */
typedef struct environment {
    uint64_t all;
    int rounding;
    int flags;
} environment;

static environment read_environment(void) {
    environment found;
    found.all = smr_platform_set_floats();
    smr_platform_restore_floats(found.all);
    found.rounding = fegetround();
    found.flags = fetestexcept(FE_ALL_EXCEPT);
    return found;
}

static void check_environment(const environment *expected) {
    const environment found = read_environment();
    CHECK(found.all == expected->all);
    CHECK(found.rounding == expected->rounding);
    CHECK(found.flags == expected->flags);
}

/* Something else than a program begins with: a flag is up, and numbers are rounded in another direction. */
static environment make_strange(int rounding) {
    CHECK(fesetround(rounding) == 0);
#if defined(FE_DIVBYZERO)
    (void)feclearexcept(FE_ALL_EXCEPT);
    (void)feraiseexcept(FE_DIVBYZERO);
#endif
    return read_environment();
}

static const int roundings[] = {
    FE_TONEAREST,
#if defined(FE_UPWARD) && !defined(__wasm__)
    FE_UPWARD,
    FE_DOWNWARD,
    FE_TOWARDZERO,
#endif
};

#define ROUNDING_COUNT (sizeof roundings / sizeof roundings[0])

typedef struct watch {
    environment expected;
    int calls;
    int stop_at;
} watch;

static int32_t watch_op(void *user, const smr_op_event *event) {
    watch *w = user;
    (void)event;
    check_environment(&w->expected);
    return ++w->calls == w->stop_at;
}

/* Every way out of a run, and what a callback sees. */
static void test_undisturbed(int rounding) {
    check_file file;
    smr_model *model = check_load("control.smr", &file);
    smr_context_config config;
    smr_context *context = NULL;
    smr_tensor steps;
    smr_error error;
    watch w = {.calls = 0, .stop_at = -1};
    smr_context_config_init(&config);
    config.op_callback = watch_op;
    config.op_callback_user = &w;
    w.expected = make_strange(rounding);
    CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
    check_environment(&w.expected);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    check_environment(&w.expected);
    CHECK(w.calls > 2);
    CHECK_OK(smr_run(context, 0, &error), error);
    check_environment(&w.expected);
    CHECK(smr_run(context, 7, &error) == SMR_ERROR_NOT_FOUND);
    check_environment(&w.expected);
    w.stop_at = w.calls + 1;
    CHECK(smr_run(context, 0, &error) == SMR_ERROR_CANCELLED);
    check_environment(&w.expected);
    CHECK_OK(smr_context_input(context, 0, 1, &steps, &error), error);
    *(int32_t *)steps.data = INT32_MAX;
    CHECK(smr_run(context, 0, &error) == SMR_ERROR_DATA);
    check_environment(&w.expected);
    (void)fesetround(FE_TONEAREST);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* A callback may change the environment of its caller. */
static int32_t change_rounding(void *user, const smr_op_event *event) {
    (void)event;
    (void)fesetround(*(const int *)user);
    return 0;
}

static void test_changed_by_callback(int rounding) {
    check_file file;
    smr_model *model = check_load("add_relu.smr", &file);
    smr_context_config config;
    smr_context *context = NULL;
    smr_error error;
    smr_context_config_init(&config);
    config.op_callback = change_rounding;
    config.op_callback_user = &rounding;
    CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
    CHECK_OK(smr_run(context, 0, &error), error);
    CHECK(fegetround() == rounding);
    (void)fesetround(FE_TONEAREST);
    smr_context_free(context);
    smr_model_free(model);
    free(file.block);
}

/* Fills the inputs of a signature with those of its first golden case; its finite floats times `scale`. */
static void fill_inputs(const smr_model *model, smr_context *context, int32_t signature, float scale) {
    smr_signature_info info;
    smr_error error;
    int32_t i;
    CHECK_OK(smr_model_signature(model, signature, &info, &error), error);
    smr_context_reset(context);
    for (i = 0; i < info.input_count; ++i) {
        smr_tensor tensor;
        const void *data;
        size_t bytes, k;
        CHECK_OK(smr_context_input(context, signature, i, &tensor, &error), error);
        CHECK_OK(smr_model_golden(model, signature, 0, 0, i, &data, &bytes, &error), error);
        memcpy(tensor.data, data, bytes);
        for (k = 0; tensor.dtype == SMR_DTYPE_FLOAT32 && k < bytes / sizeof(float); ++k) {
            float *number = &((float *)tensor.data)[k];
            *number = isfinite(*number) ? *number * scale : *number;
        }
    }
}

/* The outputs of a signature one after another, in memory to be freed; their number of bytes in `bytes`. */
static uint8_t *copy_outputs(const smr_model *model, smr_context *context, int32_t signature, size_t *bytes) {
    smr_signature_info info;
    smr_error error;
    uint8_t *copy = NULL;
    int32_t i;
    *bytes = 0;
    CHECK_OK(smr_model_signature(model, signature, &info, &error), error);
    for (i = 0; i < info.output_count; ++i) {
        smr_tensor tensor;
        uint8_t *grown;
        CHECK_OK(smr_context_output(context, signature, i, &tensor, &error), error);
        grown = realloc(copy, *bytes + tensor.bytes + 1);
        if (grown == NULL) {
            exit(EXIT_FAILURE);
        }
        copy = grown;
        memcpy(copy + *bytes, tensor.data, tensor.bytes);
        *bytes += tensor.bytes;
    }
    return copy;
}

/* Contexts made and run in every rounding mode give the same bits. */
static void check_rounding(const smr_model *model, const char *isa, int32_t signature) {
    uint8_t *expected = NULL;
    size_t mode, bytes = 0;
    for (mode = 0; mode < ROUNDING_COUNT; ++mode) {
        smr_context_config config;
        smr_context *context = NULL;
        smr_error error;
        uint8_t *found;
        smr_context_config_init(&config);
        config.isa = isa;
        (void)fesetround(roundings[mode]);
        CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
        fill_inputs(model, context, signature, 1.0f);
        CHECK_OK(smr_run(context, signature, &error), error);
        (void)fesetround(FE_TONEAREST);
        found = copy_outputs(model, context, signature, &bytes);
        if (expected == NULL) {
            expected = found;
        } else {
            CHECK(memcmp(found, expected, bytes) == 0);
            free(found);
        }
        smr_context_free(context);
    }
    free(expected);
}

/* Whether this processor takes subnormal numbers for zeros in a run. */
static int takes_for_zero(void) {
    const uint64_t before = smr_platform_set_floats();
    volatile float number = FLT_MIN;
    number = number / 2.0f;
    smr_platform_restore_floats(before);
    return number == 0.0f;
}

/* The outputs of a run on the golden inputs times `scale`, their subnormal float32 numbers as zeros. */
static uint8_t *run_scaled(const smr_model *model, smr_context *context, int32_t signature, float scale,
                           size_t *bytes) {
    smr_signature_info info;
    smr_error error;
    int32_t i;
    fill_inputs(model, context, signature, scale);
    CHECK_OK(smr_run(context, signature, &error), error);
    CHECK_OK(smr_model_signature(model, signature, &info, &error), error);
    for (i = 0; i < info.output_count; ++i) {
        smr_tensor tensor;
        size_t k;
        CHECK_OK(smr_context_output(context, signature, i, &tensor, &error), error);
        for (k = 0; tensor.dtype == SMR_DTYPE_FLOAT32 && k < tensor.bytes / sizeof(float); ++k) {
            float *number = &((float *)tensor.data)[k];
            *number = *number < FLT_MIN && *number > -FLT_MIN ? 0.0f : *number;
        }
    }
    return copy_outputs(model, context, signature, bytes);
}

/* Inputs that are subnormal give what zeros give. */
static void check_subnormal(const smr_model *model, const char *isa, int32_t signature) {
    smr_context_config config;
    smr_context *context = NULL;
    smr_error error;
    uint8_t *expected, *found;
    size_t bytes;
    smr_context_config_init(&config);
    config.isa = isa;
    CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
    expected = run_scaled(model, context, signature, 0.0f, &bytes);
    found = run_scaled(model, context, signature, 1e-41f, &bytes);
    if (!CHECK(memcmp(found, expected, bytes) == 0)) {
        fprintf(stderr, "    signature %d with %s\n", (int)signature, isa);
    }
    free(expected);
    free(found);
    smr_context_free(context);
}

static void test_networks(const char *name, void (*check)(const smr_model *, const char *, int32_t)) {
    char path[512];
    check_file file;
    smr_model *model = NULL;
    smr_model_info info;
    smr_error error;
    int32_t isa, signature;
    (void)snprintf(path, sizeof path, "%s/%s", SMR_TEST_GOLDEN, name);
    file = check_read_file(path);
    CHECK_OK(smr_model_load(file.data, file.size, NULL, &model, &error), error);
    CHECK_OK(smr_model_get_info(model, &info, &error), error);
    for (isa = 0; isa < smr_isa_count(); ++isa) {
        const char *isa_name;
        int32_t offered;
        CHECK_OK(smr_isa_info(isa, &isa_name, &offered, &error), error);
        for (signature = 0; offered && signature < info.signature_count; ++signature) {
            check(model, isa_name, signature);
        }
    }
    smr_model_free(model);
    free(file.block);
}

int main(void) {
    size_t mode;
    for (mode = 0; mode < ROUNDING_COUNT; ++mode) {
        test_undisturbed(roundings[mode]);
        test_changed_by_callback(roundings[mode]);
    }
    test_networks("network_float.smr", check_rounding);
    test_networks("network_int8.smr", check_rounding);
    test_networks("ops_conv.smr", check_rounding);
    test_networks("ops_matmul.smr", check_rounding);
    test_networks("ops_elementwise.smr", check_rounding);
    test_networks("ops_quant.smr", check_rounding);
    test_networks("ops_norm.smr", check_rounding);
    test_networks("ops_recurrent.smr", check_rounding);
#if defined(__SSE2__) || defined(__aarch64__) || (defined(__arm__) && defined(__ARM_FP))
    CHECK(takes_for_zero());
#endif
    if (takes_for_zero()) {
        test_networks("network_float.smr", check_subnormal);
        test_networks("ops_conv.smr", check_subnormal);
        test_networks("ops_matmul.smr", check_subnormal);
        test_networks("ops_elementwise.smr", check_subnormal);
        test_networks("ops_pool.smr", check_subnormal);
        test_networks("ops_norm.smr", check_subnormal);
        test_networks("ops_recurrent.smr", check_subnormal);
    }
    return check_result();
}
