/* What the integer kernels share: the one requantization that all of them end in, and checks of its
 * parameters. docs/arithmetic.md holds the formulas. */
#ifndef SMR_GENERIC_QUANT_H
#define SMR_GENERIC_QUANT_H

#include <float.h>
#include <string.h>

#include "../../core/float_range.h"
#include "../prototypes.h"
#include "window.h"

/* The results of these kernels are the same everywhere because each float operation rounds once, to float. */
#if defined(__FAST_MATH__)
#error "the integer kernels need IEEE arithmetic: compile without -ffast-math"
#endif
_Static_assert(
    FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,
    "the integer kernels need float arithmetic without excess precision, as -msse2 -mfpmath=sse gives");

/* Where a result is clamped, before the zero point is added, and the zero point. */
typedef struct quant_output {
    float low;
    float high;
    int32_t zero_point;
    int32_t least; /* the same bounds after the zero point is added */
    int32_t largest;
} quant_output;

/* The nearest integer, half to even, for magnitudes up to 2^22. Floats from 2^23 to 2^24 are the integers, so
 * adding 1.5 * 2^23 rounds as every float addition does; the low bits of the sum are then those of the
 * result. */
static inline int32_t quant_round(float value) {
    const float sum = value + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return bits - 0x4B400000;
}

/* zero_point + round(clamp(value)); value is not NaN. */
static inline int32_t quant_finish(float value, const quant_output *output) {
    value = value < output->low ? output->low : value;
    value = value > output->high ? output->high : value;
    return quant_round(value) + output->zero_point;
}

static inline int32_t quant_requantize(int32_t acc, float multiplier, const quant_output *output) {
    return quant_finish((float)acc * multiplier, output);
}

/* The range that an integer type stores; false when these kernels do not store it. */
bool smr_quant_limits(uint8_t dtype, int32_t *low, int32_t *high);

/* Refuses a zero point that the type of a value does not store. */
smr_status smr_quant_check_zero_point(const smr_value *value, int32_t zero_point, smr_error *error);

/* Refuses a scale that is no number between 1e-30 and 1e30. */
smr_status smr_quant_check_scale(float scale, smr_error *error);

/* Refuses a multiplier that is negative, infinite or no number. */
smr_status smr_quant_check_multiplier(float multiplier, smr_error *error);
smr_status smr_quant_check_multipliers(const float *multipliers, size_t count, smr_error *error);

/* Refuses an input that is no vector of `count` numbers; `what` is its name. */
smr_status smr_quant_check_vector(const smr_node *node, int32_t input, size_t count, const char *what,
                                  smr_error *error);

/* Checks the zero point and the activation range of output 0, and fills `output`. */
smr_status smr_quant_check_range(const smr_node *node, int32_t zero_point, int32_t activation_min,
                                 int32_t activation_max, quant_output *output, smr_error *error);

/* The same for an op that knows only the native rounding. */
smr_status smr_quant_check_output(const smr_node *node, int32_t zero_point, int32_t activation_min,
                                  int32_t activation_max, uint8_t rounding, quant_output *output,
                                  smr_error *error);

/* Refuses an output that has not this rank and these dimensions. */
smr_status smr_quant_check_dims(const smr_value *output, const int64_t *dims, int32_t rank, smr_error *error);

/* Refuses an output whose dimensions are not those of input 0. */
smr_status smr_quant_check_same(const smr_node *node, smr_error *error);

/* Refuses an input that is no constant. */
smr_status smr_quant_check_constant(const smr_node *node, int32_t input, smr_error *error);

/* Fills what smr_window_prepare asks for, from input 0 and output 0, both [N, H, W, C]. */
void smr_quant_window(const smr_node *node, int32_t rows, int32_t columns, smr_window *window);

#endif
