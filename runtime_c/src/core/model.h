/* What an smr_model is: the verified file, and a few sums that would otherwise be counted again. */
#ifndef SMR_MODEL_H
#define SMR_MODEL_H

#include "flatbuffer.h"
#include "samara.h"

/* What contexts keep of ops, by instruction sets. */
typedef struct smr_kept {
    size_t nodes;      /* of ops that have something to do */
    size_t node_bytes; /* with their parameters */
    size_t operands;
    size_t constants; /* whose values runs read */
} smr_kept;

struct smr_model {
    smr_bytes file;
    smr_table root;
    smr_vector dimensions;
    smr_vector expressions;
    smr_vector constants;
    smr_vector states;
    smr_vector programs;
    smr_vector signatures;
    size_t state_bytes;
    size_t arena_bytes; /* of the largest program */
    size_t constant_bytes;
    size_t value_count; /* of tensors of all programs that are no constants */
    size_t group_count; /* of tensors: see smr_value_group */
    size_t shape_count; /* of tensors whose sizes can change */
    smr_kept kept;
    uint32_t offered;        /* what this processor has: a set of smr_isa */
    uint32_t isas;           /* those of them that the file permits; `kept` is for these */
    smr_allocator allocator; /* what frees this, when `owned` */
    uint8_t owned;
    uint8_t mapped; /* whether `file` is to be unmapped */
};

/* The allocator to use where the caller may have given none. */
smr_allocator smr_allocator_or_default(const smr_allocator *allocator);

/* Refuses an allocator that lacks a function. */
smr_status smr_allocator_check(const smr_allocator *allocator, smr_error *error);

/* Sets `isas` to those that the model may use, up to the one that is named; false for a name that this build
 * or this processor has not. */
bool smr_model_limit(const smr_model *model, const char *name, uint32_t *isas);

/* The place of a signature's program and endpoint in the file; the indices are valid. */
smr_table smr_model_program_of(const smr_model *model, uint32_t signature);
uint32_t smr_endpoint_tensor(smr_vector endpoints, uint32_t index);

/* The bytes of a constant. */
smr_vector smr_model_constant(const smr_model *model, uint32_t index);

#endif
