/* Recurrent layers of floats and packed matrices, for any instruction set. */
#ifndef SMR_TILED_RECURRENT_H
#define SMR_TILED_RECURRENT_H

#include "../generic/recurrent.h"
#include "product.h"

/* Whether all is float32, or float16, and the matrices are packed. */
bool smr_recurrent_takes_lstm(const smr_node *node);
bool smr_recurrent_takes(const smr_node *node);
bool smr_recurrent_takes_half_lstm(const smr_node *node);
bool smr_recurrent_takes_half(const smr_node *node);

/* As the product of smr_recurrent_functions, with the tiles of an instruction set, whose weights have so many
 * bytes. A number is the same however many rows there are. */
void smr_recurrent_product(const smr_product_functions *tiles, size_t weight, const smr_panels *panels,
                           const void *matrix, size_t inner, size_t first, size_t last, const float *x,
                           float *sums, size_t rows, size_t stride);

#endif
