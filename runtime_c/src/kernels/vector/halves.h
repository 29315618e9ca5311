/* Arrays of float16 to and from float32, for kernels that compute in float32. */
#ifndef SMR_VECTOR_HALVES_H
#define SMR_VECTOR_HALVES_H

#include "../generic/convert.h"

extern const smr_halves smr_halves_avx2, smr_halves_neon;

/* Whether the first operand is float16. */
bool smr_vector_takes_float16(const smr_node *node);

/* Whether a cast is from one type of floats to another. */
bool smr_vector_takes_cast(const smr_node *node);

/* As smr_prepare_cast, between float32 and float16. */
smr_status smr_vector_prepare_cast(smr_node *node, const smr_halves *halves, smr_error *error);

#endif
