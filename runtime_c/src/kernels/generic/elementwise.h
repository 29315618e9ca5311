/* What the element-wise kernels share: loops over blocks of contiguous elements, and the walk that feeds
 * them. */
#ifndef SMR_ELEMENTWISE_H
#define SMR_ELEMENTWISE_H

#include <float.h>
#include <math.h>

#include "../prototypes.h"
#include "broadcast.h"
#include "convert.h"

typedef union smr_elementwise_constants {
    float floats[2];
    int64_t integers[2];
} smr_elementwise_constants;

/* Computes `count` elements. Operands are floats or int64_t, results are of the same type, or uint8_t where
 * the op gives bool. `y` is null for unary ops; `z` may be `x` or `y`. Returns null, or why the data cannot
 * be taken. */
typedef const char *(*smr_elementwise_loop)(const smr_elementwise_constants *constants, size_t count,
                                            const void *x, const void *y, void *z);

typedef struct smr_elementwise {
    smr_elementwise_constants constants;
    smr_elementwise_loop loop;
    smr_broadcast broadcast; /* last, since not all of it is kept */
} smr_elementwise;

/* For functions of libm that look at the bits of a number which the processor takes for zero. */
static inline float smr_without_subnormal(float a) {
    return a < FLT_MIN && a > -FLT_MIN ? copysignf(0.0f, a) : a;
}

/* Prepares a node of one or two inputs of one type: floating-point inputs take the first loop, others the
 * second. */
smr_status smr_elementwise_prepare(smr_node *node, smr_elementwise_loop floats, smr_elementwise_loop integers,
                                   smr_error *error);

/* A loop that computes `expression` of `a`, and of `b` in the second form. */
#define SMR_ELEMENTWISE_UNARY(function, input, output, expression)                                       \
    static const char *function(const smr_elementwise_constants *constants, size_t count, const void *x, \
                                const void *y, void *z) {                                                \
        const input *in = x;                                                                             \
        output *out = z;                                                                                 \
        size_t i;                                                                                        \
        (void)constants;                                                                                 \
        (void)y;                                                                                         \
        for (i = 0; i < count; ++i) {                                                                    \
            const input a = in[i];                                                                       \
            out[i] = (output)(expression);                                                               \
        }                                                                                                \
        return NULL;                                                                                     \
    }

#define SMR_ELEMENTWISE_BINARY(function, input, output, expression)                                      \
    static const char *function(const smr_elementwise_constants *constants, size_t count, const void *x, \
                                const void *y, void *z) {                                                \
        const input *left = x;                                                                           \
        const input *right = y;                                                                          \
        output *out = z;                                                                                 \
        size_t i;                                                                                        \
        (void)constants;                                                                                 \
        for (i = 0; i < count; ++i) {                                                                    \
            const input a = left[i], b = right[i];                                                       \
            out[i] = (output)(expression);                                                               \
        }                                                                                                \
        return NULL;                                                                                     \
    }

/* The kernel of an op whose loops are given. */
#define SMR_ELEMENTWISE_KERNEL(op, floats, integers)                   \
    smr_status smr_prepare_##op(smr_node *node, smr_error *error) {    \
        return smr_elementwise_prepare(node, floats, integers, error); \
    }

#endif
