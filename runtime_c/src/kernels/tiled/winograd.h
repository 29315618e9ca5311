/* The products of Winograd convolutions with the tiles of an instruction set. */
#ifndef SMR_TILED_WINOGRAD_H
#define SMR_TILED_WINOGRAD_H

#include "../generic/winograd.h"
#include "product.h"

/* Whether no vector of so many lanes is longer than a row. */
bool smr_winograd_takes(const smr_node *node, size_t lanes);

/* What smr_winograd_functions.multiply is to do. */
void smr_winograd_multiply(const smr_product_functions *functions, const smr_winograd_product *product);

#endif
