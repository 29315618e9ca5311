/* Arrays of float16 to and from float32, for kernels that compute in float32. */
#ifndef SMR_VECTOR_HALVES_H
#define SMR_VECTOR_HALVES_H

#include "../../core/kernel.h"

/* How an instruction set converts `count` numbers that lie side by side, to nearest, half to even. */
typedef struct smr_vector_halves {
    void (*widen)(const uint16_t *from, float *to, size_t count);
    void (*narrow)(const float *from, uint16_t *to, size_t count);
} smr_vector_halves;

extern const smr_vector_halves smr_halves_plain, smr_halves_avx2, smr_halves_neon;

/* Whether the first operand is float16. */
bool smr_vector_takes_float16(const smr_node *node);

/* Whether a cast is from one type of floats to another. */
bool smr_vector_takes_cast(const smr_node *node);

/* As smr_prepare_cast, between float32 and float16. */
smr_status smr_vector_prepare_cast(smr_node *node, const smr_vector_halves *halves, smr_error *error);

#endif
