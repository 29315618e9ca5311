/* How a node's rows are normalized. */
#ifndef SMR_GENERIC_NORM_H
#define SMR_GENERIC_NORM_H

#include <stddef.h>

/* A work item of batch normalization is this many rows of this many channels: their factors are computed
 * once. */
#define SMR_NORM_ROWS     64u
#define SMR_NORM_CHANNELS 16u

typedef struct smr_norm_parameters {
    size_t size; /* of a row: the channels, or what is normalized together */
    size_t rows;
    size_t blocks; /* of channels */
    float epsilon;
} smr_norm_parameters;

#endif
