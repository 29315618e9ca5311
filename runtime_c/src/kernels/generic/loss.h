/* Rows of which each sums to 1. */
#ifndef SMR_GENERIC_LOSS_H
#define SMR_GENERIC_LOSS_H

#include <stddef.h>

typedef struct smr_loss_parameters {
    size_t size;   /* of a row */
    size_t stride; /* between its elements; that many rows are interleaved */
} smr_loss_parameters;

#endif
