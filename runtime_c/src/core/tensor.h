/* The tensors of a program as the file describes them. */
#ifndef SMR_TENSOR_H
#define SMR_TENSOR_H

#include "../gen/format.h"
#include "dimension.h"
#include "kernel.h"

/* What the arena and the state are aligned to, and every offset in them. */
#define SMR_ALIGNMENT 64u

/* The most bytes of an arena or a state, so that sums of a few of them do not overflow. */
#define SMR_MAX_REGION ((size_t)(PTRDIFF_MAX / 4))

/* Bytes of the arena or the state that a tensor takes at its largest dimensions: those from `begin` to `end`,
 * but of a strided one `width` of each `row`. */
typedef struct smr_extent {
    size_t begin;
    size_t end;
    size_t width;
    size_t row; /* 0 where all bytes lie together */
} smr_extent;

/* Fills a value but for its data, which is set for a constant and null for others. The tensor need not have
 * been verified: its dtype, storage and constant are checked here, and its shape. `dims`, SMR_MAX_RANK of
 * them, are for a shape that is not fixed, and stay with the value. */
smr_status smr_value_fill(const smr_dimensions *dimensions, smr_table tensor, int32_t *dims, smr_value *value,
                          smr_error *error);

/* Whether two values have the same shape. */
bool smr_value_same_shape(const smr_value *a, const smr_value *b);

/* Whether a strided tensor of this value fits so many bytes; its sizes must be fixed. */
bool smr_value_strided_fits(const smr_value *value, uint64_t bytes);

/* Where a verified tensor that is not a constant lies. */
smr_extent smr_tensor_extent(const smr_dimensions *largest, smr_table tensor);

/* Whether two extents of one region share a byte; one without bytes shares none. Of two strided ones whose
 * rows are not equally far apart it is taken to be so where each begins before the other ends. */
bool smr_extent_overlap(smr_extent one, smr_extent other);

/* Bytes that a constant of this value has in the file. */
smr_status smr_value_constant_bytes(const smr_value *value, uint64_t *bytes, smr_error *error);

static inline smr_storage smr_tensor_storage(smr_table tensor) {
    return (smr_storage)smr_field_u8(tensor, SMR_SLOT_TENSOR_STORAGE, SMR_STORAGE_ARENA);
}

static inline bool smr_tensor_is_strided(smr_table tensor) {
    return smr_field_u8(tensor, SMR_SLOT_TENSOR_LAYOUT, SMR_LAYOUT_DENSE) == SMR_LAYOUT_STRIDED;
}

static inline const char *smr_tensor_name(smr_table tensor) {
    return smr_field_string(tensor, SMR_SLOT_TENSOR_NAME);
}

#endif
