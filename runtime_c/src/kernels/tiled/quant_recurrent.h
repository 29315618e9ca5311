/* Recurrent layers of integers for any instruction set that multiplies int8. */
#ifndef SMR_TILED_QUANT_RECURRENT_H
#define SMR_TILED_QUANT_RECURRENT_H

#include "../generic/quant_recurrent.h"
#include "product.h"

/* 16 sums as numbers with 11 fraction bits. */
typedef void (*smr_gate_narrow)(const int32_t *sums, const float *multiplier, int16_t *to);

/* The sums of smr_gate_functions, by the tiles of an instruction set. */
void smr_gate_sums(const smr_product_functions *tiles, smr_gate_narrow narrow, const smr_gate_rows *rows);

#endif
